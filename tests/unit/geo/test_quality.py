"""Coordinates and polygons as they arrive."""

from __future__ import annotations

import numpy as np
import shapely

from geo.quality import are_plausible, look_projected, look_swapped, repair_polygon


def test_a_bow_tie_is_repaired_and_said_to_have_been_invalid() -> None:
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    square = shapely.box(0, 0, 1, 1)
    point = shapely.Point(0, 0)
    fixed, was_invalid = repair_polygon(np.array([bow_tie, square, point, None], dtype=object))
    assert was_invalid.tolist() == [True, False, False, False]
    assert fixed[0].is_valid
    assert fixed[0].area == 2.0
    assert fixed[1] is square
    assert fixed[2] is point
    assert fixed[3] is None


def test_a_polygon_without_any_area_cannot_be_repaired() -> None:
    flat = shapely.Polygon([(0, 0), (1, 1), (2, 2), (0, 0)])
    fixed, was_invalid = repair_polygon(np.array([flat], dtype=object))
    assert was_invalid[0]
    assert fixed[0] is None


def test_swapped_and_projected_coordinates_are_recognised() -> None:
    x = np.array([116.4, 39.9, 581676.0, np.nan, 2.3])
    y = np.array([39.9, 116.4, 3543975.0, 30.0, 48.9])
    assert are_plausible(x, y).tolist() == [True, False, False, False, False]
    assert look_swapped(x, y).tolist() == [False, True, False, False, False]
    assert look_projected(x, y).tolist() == [False, False, True, False, False]
