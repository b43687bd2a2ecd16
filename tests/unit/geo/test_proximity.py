"""Distances against brute force, and the small cases a reader can check by eye."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from domain.words import MeasuredFrom
from geo.proximity import (
    GeometryLayer,
    Origins,
    PointLayer,
    count_points_within,
    geometries_within,
    nearest_geometry,
    nearest_point,
    points_within,
)


def _town(seed: int = 3, n: int = 120) -> tuple[Origins, np.ndarray, np.ndarray]:
    """Schools of all three kinds, mixed waters and points, some of them far away."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 4000, (n, 2))
    xy[-3:] += 60_000
    campus = np.full(n, None, dtype=object)
    third = n // 3
    corner = xy[:third]
    campus[:third] = shapely.box(*corner.T, *(corner + rng.uniform(30, 200, (third, 2))).T)
    gate_owner = np.repeat(np.arange(n // 6, 2 * third), 2)
    gates = xy[gate_owner] + rng.uniform(-150, 150, (len(gate_owner), 2))
    origins = Origins.build(xy, campus=campus, gate_xy=gates, gate_owner=gate_owner)
    centres = rng.uniform(0, 4000, (60, 2))
    waters = np.concatenate(
        [
            shapely.buffer(shapely.points(centres[:40]), rng.uniform(5, 150, 40)),
            shapely.linestrings(np.stack([centres[40:], centres[40:] + 300], axis=1)),
        ]
    )
    return origins, waters, rng.uniform(0, 4000, (500, 2))


def test_nearest_equals_brute_force_with_no_cut_off() -> None:
    origins, waters, points = _town()
    shapes = origins.geometries()
    truth = shapely.distance(shapes[:, None], waters[None, :])
    got = nearest_geometry(origins, GeometryLayer.build(waters))
    np.testing.assert_allclose(got.distance_m, truth.min(axis=1), atol=1e-9)
    np.testing.assert_array_equal(got.index, truth.argmin(axis=1))
    truth = shapely.distance(shapes[:, None], shapely.points(points)[None, :])
    near = nearest_point(origins, PointLayer.build(points))
    np.testing.assert_allclose(near.distance_m, truth.min(axis=1), atol=1e-9)
    np.testing.assert_array_equal(near.index, truth.argmin(axis=1))


def test_a_limit_only_hides_what_lies_beyond_it() -> None:
    origins, waters, points = _town()
    for free, cut in (
        (nearest_geometry(origins, GeometryLayer.build(waters)),) * 1
        + (nearest_geometry(origins, GeometryLayer.build(waters), limit_m=300.0),),
        (nearest_point(origins, PointLayer.build(points)),) * 1
        + (nearest_point(origins, PointLayer.build(points), limit_m=40.0),),
    ):
        limit = 300.0 if np.nanmax(cut.distance_m) > 40 else 40.0
        beyond = free.distance_m > limit
        assert beyond.any()
        assert np.isnan(cut.distance_m[beyond]).all()
        assert (cut.index[beyond] == -1).all()
        np.testing.assert_array_equal(cut.distance_m[~beyond], free.distance_m[~beyond])


def test_pairs_and_counts_equal_brute_force() -> None:
    origins, waters, points = _town()
    shapes = origins.geometries()
    truth = shapely.distance(shapes[:, None], shapely.points(points)[None, :]) <= 200.0
    layer = PointLayer.build(points)
    np.testing.assert_array_equal(count_points_within(origins, layer, 200.0), truth.sum(axis=1))
    pairs = points_within(origins, layer, 200.0)
    assert set(zip(pairs.owner, pairs.index, strict=True)) == set(
        zip(*truth.nonzero(), strict=True)
    )
    truth_m = shapely.distance(shapes[:, None], waters[None, :])
    found = geometries_within(origins, GeometryLayer.build(waters), 500.0)
    assert len(found.owner) == (truth_m <= 500.0).sum()
    np.testing.assert_allclose(found.distance_m, truth_m[found.owner, found.index], atol=1e-9)


def test_a_school_is_measured_from_campus_then_gates_then_point() -> None:
    xy = [(0, 0), (0, 0), (0, 0)]
    campus = [shapely.box(0, 0, 100, 100), None, None]
    origins = Origins.build(
        xy, campus=campus, gate_xy=[(50, 0), (10, 0), (80, 0)], gate_owner=[0, 1, 1]
    )
    assert list(origins.measured_from) == [
        MeasuredFrom.CAMPUS,
        MeasuredFrom.GATE,
        MeasuredFrom.POINT,
    ]
    got = nearest_point(origins, PointLayer.build([(130, 0)]))
    assert got.distance_m.tolist() == [30.0, 50.0, 130.0]
    inside = nearest_geometry(origins, GeometryLayer.build([shapely.box(90, 90, 300, 300)]))
    assert inside.distance_m[0] == 0.0
    precision = origins.precision_m(
        [3.0, 4.0, np.nan], campus_precision_m=5.0, gate_precision_m=10.0
    )
    np.testing.assert_array_equal(precision, [5.0, 10.0, np.nan])


def test_one_facility_near_two_gates_counts_once() -> None:
    origins = Origins.build([(0, 0)], gate_xy=[(0, 0), (50, 0)], gate_owner=[0, 0])
    assert count_points_within(origins, PointLayer.build([(25, 0)]), 200.0).tolist() == [1]


def test_ties_go_to_the_lowest_index() -> None:
    origins = Origins.build([(0, 0)])
    same = [shapely.Point(3, 4), shapely.Point(-3, 4), shapely.Point(3, -4)]
    assert nearest_geometry(origins, GeometryLayer.build(same)).index.tolist() == [0]


def test_an_empty_layer_leaves_everything_unknown() -> None:
    origins, _, _ = _town(n=12)
    for got in (
        nearest_geometry(origins, GeometryLayer.build([])),
        nearest_point(origins, PointLayer.build([])),
    ):
        assert np.isnan(got.distance_m).all()
        assert (got.index == -1).all()
    assert count_points_within(origins, PointLayer.build([]), 200.0).sum() == 0
    assert len(geometries_within(origins, GeometryLayer.build([]), 200.0).owner) == 0
    assert len(points_within(origins, PointLayer.build([]), 200.0).owner) == 0


def test_no_schools_is_no_error() -> None:
    nobody = Origins.build(np.empty((0, 2)))
    layer = GeometryLayer.build([shapely.Point(0, 0)])
    assert len(nearest_geometry(nobody, layer).distance_m) == 0
    assert len(nearest_point(nobody, PointLayer.build([(0, 0)])).distance_m) == 0
    assert len(count_points_within(nobody, PointLayer.build([(0, 0)]), 10.0)) == 0


@pytest.mark.parametrize("radius_m", [50.0, 200.0])
def test_the_radius_itself_is_inside(radius_m: float) -> None:
    origins = Origins.build([(0, 0)])
    assert count_points_within(origins, PointLayer.build([(radius_m, 0)]), radius_m)[0] == 1
