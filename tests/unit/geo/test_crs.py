"""The city's zone and its metres."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.crs import city_epsg, project, project_geometries, unproject, unproject_geometries


def test_nantong_lies_in_zone_4549_at_its_check_coordinates() -> None:
    assert city_epsg(120.8645) == 4549
    east, north = project(120.8645, 32.0162, 4549)
    assert float(east) == pytest.approx(581676.3225, abs=1e-4)
    assert float(north) == pytest.approx(3543975.4921, abs=1e-4)


@pytest.mark.parametrize(
    ("lon", "epsg"),
    [(73.5, 4534), (116.4, 4548), (118.4999, 4548), (118.5, 4549), (135.0, 4554), (60.0, 4534)],
)
def test_a_longitude_finds_its_three_degree_zone(lon: float, epsg: int) -> None:
    assert city_epsg(lon) == epsg


def test_an_unknown_longitude_has_no_zone() -> None:
    with pytest.raises(ValueError):
        city_epsg(float("nan"))


def test_metres_go_back_to_the_same_degrees_and_unknown_stays_unknown() -> None:
    lon, lat = np.array([120.1, np.nan]), np.array([31.9, 31.9])
    east, north = project(lon, lat, 4549)
    assert np.isnan(east[1])
    assert np.isnan(north[1])
    back = unproject(east, north, 4549)
    np.testing.assert_allclose(back[0][:1], lon[:1], atol=1e-9)
    np.testing.assert_allclose(back[1][:1], lat[:1], atol=1e-9)


def test_geometries_are_projected_like_their_vertices() -> None:
    square = shapely.box(120.0, 31.0, 120.01, 31.01)
    there = project_geometries(np.array([square, None], dtype=object), 4549)
    assert there[1] is None
    assert there[0].area == pytest.approx(954.8 * 1109.0, rel=0.01)
    back = unproject_geometries(there[:1], 4549)[0]
    assert shapely.hausdorff_distance(back, square) < 1e-9
