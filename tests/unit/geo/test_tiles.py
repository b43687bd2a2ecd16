from __future__ import annotations

import math

import numpy as np

from geo.tiles import WORLD_UNITS, world_pixels


def test_positions_agree_with_the_web_mercator_formula() -> None:
    lon, lat = 120.8645, 32.0162
    x, y = world_pixels(np.array([lon]), np.array([lat]))
    merc = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
    assert abs(x[0] / WORLD_UNITS - (lon + 180) / 360) < 1e-9
    assert abs(y[0] / WORLD_UNITS - (0.5 - merc / (2 * math.pi))) < 1e-9


def test_the_poles_stay_inside_the_world() -> None:
    _, y = world_pixels(np.array([0.0, 0.0]), np.array([90.0, -90.0]))
    assert y[0] == 0
    assert y[1] == WORLD_UNITS - 1
