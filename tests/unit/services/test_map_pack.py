from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from geo.tiles import WORLD_UNITS
from services.house import House
from services.map_pack import shape_columns

LAKE = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (2, 1), (2, 2), (1, 2)]])
CANAL = shapely.LineString([(10, 0), (11, 0), (12, 1)])


def columns(house: House, shapes: list[Any], prefix: str = "") -> dict[str, Any]:
    return {name: values for name, _, values in shape_columns(house, shapes, prefix)}


def parts_of(packed: dict[str, Any], shape: int) -> list[list[float]]:
    """Return the longitudes of each part of a shape."""
    lon = packed["x"] / WORLD_UNITS * 360 - 180
    return [
        [round(float(v), 5) for v in lon[packed["part"][p] : packed["part"][p + 1]]]
        for p in range(packed["shape"][shape], packed["shape"][shape + 1])
    ]


def test_areas_keep_their_holes_and_lines_stay_open(house: House) -> None:
    packed = columns(house, [LAKE, CANAL])
    assert packed["area"].tolist() == [1, 0]
    assert parts_of(packed, 0) == [[0, 4, 4, 0, 0], [1, 2, 2, 1, 1]]
    assert parts_of(packed, 1) == [[10, 11, 12]]


def test_shapes_of_many_parts_come_in_the_given_order(house: House) -> None:
    far = shapely.transform(LAKE, lambda xy: xy + 20)
    mixed = shapely.GeometryCollection([CANAL, shapely.MultiPolygon([LAKE, far])])
    packed = columns(house, [CANAL, mixed, shapely.Point(30, 5)])
    assert packed["area"].tolist() == [0, 1, 0]
    assert [len(parts_of(packed, shape)) for shape in range(3)] == [1, 5, 1]
    assert parts_of(packed, 2) == [[30]]


def test_a_missing_or_empty_shape_keeps_its_place(house: House) -> None:
    packed = columns(house, [None, shapely.MultiLineString(), CANAL], "road_")
    assert packed["road_shape"].tolist() == [0, 0, 0, 1]
    assert packed["road_part"].tolist() == [0, 3]
    assert np.diff(packed["road_y"])[-1] < 0, "north is up: y grows southwards"


def test_no_shapes_at_all_are_columns_without_rows(house: House) -> None:
    packed = columns(house, [])
    assert packed["shape"].tolist() == [0]
    assert packed["part"].tolist() == [0]
    assert len(packed["x"]) == len(packed["area"]) == 0
