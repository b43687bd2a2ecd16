"""Colours must stay apart for colour-blind eyes; simulation after Machado et al. 2009, full severity."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from components.palette import (
    COVERAGE_COLOURS,
    LEVEL_COLOURS,
    STATUS_COLOURS,
    config_script,
    map_config,
)
from domain.words import SchoolKind

SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
LEAST_DIFFERENCE = 16.0
"""CIE76 ΔE; 2.3 is just noticeable, and every level differs in size too."""


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    """Return CIE Lab (D65) of ``#rrggbb`` as that sight sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(sight @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ seen / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [LEVEL_COLOURS, STATUS_COLOURS, COVERAGE_COLOURS])
def test_no_two_colours_of_one_legend_fall_together(colours: dict[str, str], sight: str) -> None:
    for one, other in itertools.combinations(colours, 2):
        apart = np.linalg.norm(
            lab(colours[one], SIGHTS[sight]) - lab(colours[other], SIGHTS[sight])
        )
        assert apart >= LEAST_DIFFERENCE, f"{one}–{other} under {sight}: {apart:.1f}"


def test_every_word_has_its_style_in_stored_order_and_the_worst_lies_on_top() -> None:
    schools = map_config()["points"]["schools"]
    levels = schools["styles"]["level"]
    assert [style["label"] for style in levels] == ["重大", "较大", "一般", "低", "数据不足"]
    assert [style["rank"] for style in levels] == [5, 4, 3, 2, 0]
    assert levels[-1]["hollow"], "too little data is drawn hollow, never as a calm colour"
    assert len(schools["shapes"]["of"]) == len(SchoolKind)


def test_the_configuration_names_no_address_unless_one_is_set() -> None:
    plain = config_script().decode()
    assert "http" not in plain
    own = config_script(
        {"url": "http://tiles.intranet/{z}/{x}/{y}.png", "attribution": "</script>"}
    )
    assert json.loads(own.decode().removeprefix("window.csmConfig=").removesuffix(";"))["xyz"]
