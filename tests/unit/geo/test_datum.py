"""The datum conversion against published vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from domain.words import Datum
from geo.datum import from_wgs84, is_in_china, to_wgs84, transform_geometry


@pytest.fixture
def vectors() -> Path:
    folder = os.environ.get("CSM_TEST_DATA")
    if not folder:
        pytest.skip("CSM_TEST_DATA is not set: the published vectors are not here")
    return Path(folder) / "vectors"


def test_the_check_value_of_the_domain_page_holds() -> None:
    lon, lat = to_wgs84(116.404, 39.915, Datum.GCJ02)
    assert float(lon) == pytest.approx(116.39775575457485, abs=1e-12)
    assert float(lat) == pytest.approx(39.913596235609404, abs=1e-12)


def test_points_outside_china_and_unknown_points_are_left_alone() -> None:
    lon, lat = np.array([2.35, np.nan, 139.7]), np.array([48.85, 30.0, 35.7])
    for datum in (Datum.GCJ02, Datum.BD09):
        for convert in (from_wgs84, to_wgs84):
            x, y = convert(lon, lat, datum)
            np.testing.assert_array_equal(x, lon)
            np.testing.assert_array_equal(y, lat)
    assert not is_in_china(lon, lat).any()


def test_the_inverse_holds_on_the_kinks_of_the_formula() -> None:
    lon = np.array([105.0, 105.0 + 1e-12, 104.9999999, 110.0])
    lat = np.array([35.0, 35.0, 34.9999999, 35.0 + 1e-10])
    for datum in (Datum.GCJ02, Datum.BD09):
        back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
        np.testing.assert_allclose(back, (lon, lat), atol=1e-9, rtol=0)


def test_geometries_move_vertex_by_vertex_and_gaps_stay_gaps() -> None:
    line = shapely.LineString([(116.404, 39.915), (116.41, 39.92)])
    moved = transform_geometry(np.array([line, None], dtype=object), Datum.GCJ02)
    assert moved[1] is None
    x, y = to_wgs84([116.404, 116.41], [39.915, 39.92], Datum.GCJ02)
    np.testing.assert_array_equal(shapely.get_coordinates(moved[0]), np.column_stack((x, y)))


def test_a_scalar_wgs84_point_comes_back_unchanged() -> None:
    assert [float(v) for v in to_wgs84(120.0, 30.0, Datum.WGS84)] == [120.0, 30.0]


def test_664_places_agree_with_gcoord(vectors: Path) -> None:
    # gcoord's own tests allow 5e-5 degree between WGS 84 and the others: its WGS 84 column
    # lies a constant half metre off every open formula. GCJ-02 and BD-09 agree to rounding.
    table = pd.read_csv(vectors / "gcoord_china_cities_664.csv", encoding="utf-8-sig")
    for datum, name in ((Datum.GCJ02, "GCJ02"), (Datum.BD09, "BD09")):
        x, y = from_wgs84(table["WGS84_x"], table["WGS84_y"], datum)
        assert np.abs(x - table[f"{name}_x"]).max() < 1e-5
        assert np.abs(y - table[f"{name}_y"]).max() < 1e-5
    origin = to_wgs84(table["GCJ02_x"], table["GCJ02_y"], Datum.GCJ02)
    x, y = from_wgs84(*origin, Datum.BD09)
    assert np.abs(x - table["BD09_x"]).max() < 2e-7
    assert np.abs(y - table["BD09_y"]).max() < 2e-7


def test_the_published_vectors_agree_except_those_marked_wrong(vectors: Path) -> None:
    table = pd.read_csv(vectors / "coordinate_vectors.csv", encoding="utf-8-sig")
    datums = {"GCJ02": Datum.GCJ02, "BD09": Datum.BD09}
    checked = 0
    for row in table[table["place"] != "DO NOT USE"].itertuples(index=False):
        source, _, target = str(row.operation).split(" ")[0].partition("->")
        point = (row.in_lon_or_x, row.in_lat_or_y)
        if "one step" in row.operation or target == "BD09MC":
            continue
        if source == "WGS84":
            got = from_wgs84(*point, datums[target])
        elif target == "WGS84":
            got = to_wgs84(*point, datums[source])
        else:
            got = from_wgs84(*to_wgs84(*point, datums[source]), datums[target])
        # Baidu's published BD-09 → GCJ-02 is one step, not the exact inverse: 5 cm apart
        rounded = "decimals" in str(row.note)
        loose = 1e-6 if source == "BD09" else 1.1e-8 if rounded else 1e-9
        np.testing.assert_allclose(
            [float(v) for v in got], (row.out_lon_or_x, row.out_lat_or_y), atol=loose, rtol=0
        )
        checked += 1
    assert checked >= 30
