"""The spread on the map is measured, and the draw beats plain random choice."""

from __future__ import annotations

import numpy as np
import pytest

from domain.draw.balance import cell_totals, pielou_unevenness, voronoi_variance
from domain.draw.frame import build_frame
from domain.draw.pivotal import Preparation, draw_prepared
from domain.draw.randomness import HashStream


def test_cells_gather_the_chances_nearest_to_them_and_share_ties() -> None:
    totals = cell_totals([0, 1, 2, 10], [0, 0, 0, 0], [0.5, 0.25, 0.5, 0.75], [0, 2])
    np.testing.assert_allclose(totals, [0.625, 1.375])


def test_even_cells_are_a_perfect_spread_and_one_heavy_cell_is_not() -> None:
    assert voronoi_variance([1, 1, 1]) == 0
    assert pielou_unevenness([1, 1, 1]) == pytest.approx(0)
    assert voronoi_variance([3, 0, 0]) == 2
    assert pielou_unevenness([3, 0, 0]) == pytest.approx(1)
    assert pielou_unevenness([1]) == 0


def test_the_draw_is_spread_far_better_than_simple_random_choice() -> None:
    rng = np.random.default_rng(11)
    x_m, y_m = rng.integers(0, 50_000, (2, 1000))
    frame = build_frame(
        ids=[f"{i:04d}" for i in range(1000)],
        strata=[""] * 1000,
        weights=[1] * 1000,
        x_m=x_m,
        y_m=y_m,
    )
    prepared, chances = Preparation(frame, 250), np.full(1000, 0.25)
    ours, simple = [], []
    for k in range(8):
        for found, selected in (
            (ours, draw_prepared(prepared, HashStream(str(k))).selected),
            (simple, rng.choice(1000, 250, replace=False).tolist()),
        ):
            totals = cell_totals(x_m, y_m, chances, selected)
            found.append((voronoi_variance(totals), pielou_unevenness(totals)))
    ratio = np.mean(ours, axis=0) / np.mean(simple, axis=0)
    assert (ratio <= 0.6).all()
