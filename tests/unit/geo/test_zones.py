"""Zone rings in ground metres."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.crs import project_geometries
from geo.zones import zone_rings


def test_a_ring_of_200_m_is_200_m_on_the_ground() -> None:
    point = shapely.Point(120.8645, 32.0162)
    rings = zone_rings(np.array([None, point], dtype=object), radii_m=[50, 200], epsg=4549)
    assert rings["origin"].tolist() == [1, 1]
    assert rings["radius_m"].tolist() == [50.0, 200.0]
    ground = project_geometries(rings["geometry"].to_numpy(), 4549)
    east, north, far_east, far_north = shapely.bounds(ground[1])
    assert far_east - east == pytest.approx(400.0, abs=0.01)
    assert far_north - north == pytest.approx(400.0, abs=0.01)


def test_a_campus_zone_runs_from_the_boundary_and_gates_give_one_zone() -> None:
    campus = shapely.box(120.0, 31.0, 120.002, 31.002)
    gates = shapely.MultiPoint([(120.0, 31.0), (120.02, 31.0)])
    rings = zone_rings(np.array([campus, gates], dtype=object), radii_m=[100], epsg=4549)
    assert shapely.contains(rings["geometry"][0], campus)
    assert shapely.get_num_geometries(rings["geometry"][1]) == 2


def test_a_radius_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        zone_rings(np.array([shapely.Point(120, 31)]), radii_m=[0], epsg=4549)
