"""A raw table becomes clean rows, and every fault is told by row and column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import LineString, MultiPolygon, Point, Polygon

from domain.errors import UserError
from domain.words import Datum, RoadClass, SchoolKind
from geo.datum import from_wgs84
from services.importers.clean import CleanBatch
from services.importers.districts import validate_dissolved
from services.importers.kinds import DISTRICTS, FACILITIES, ROADS, SCHOOLS, WATERS, Kind
from services.importers.problems import WrongAsAWhole
from services.importers.table import RawTable
from services.importers.validate import validate

SQUARE = Polygon([(120, 32), (120.01, 32), (120.01, 32.01), (120, 32.01)])
BOWTIE = Polygon([(120, 32), (120.01, 32.01), (120.01, 32), (120, 32.01)])


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], geometry: Any = None) -> RawTable:
    shapes = None
    if geometry is not None:
        shapes = np.empty(len(rows), dtype=object)
        shapes[:] = geometry
    frame = pd.DataFrame([list(r) for r in rows], columns=list(headers), dtype=object)
    return RawTable(frame, np.arange(2, 2 + len(rows), dtype=np.int64), geometry=shapes)


def clean(
    kind: Kind, headers: Sequence[str], rows: Any, geometry: Any = None, **how: Any
) -> CleanBatch:
    return validate(table(headers, rows, geometry), kind, source="样例", **how)


def test_columns_are_guessed_in_chinese_and_english_and_a_named_one_wins() -> None:
    headers = ["School_Name", "备注名", "经度", "纬度", "在校生数（人）"]
    batch = clean(SCHOOLS, headers, [["甲小学", "乙小学", "120", "32", "1,200人"]])
    assert batch.stated.loc[0, "name"] == "甲小学"
    assert batch.stated.loc[0, "students"] == 1200
    named = clean(
        SCHOOLS, ["School_Name", "备注名", "经度", "纬度"], [["甲小学", "乙小学", "120", "32"]],
        columns={"名称": "备注名"}, values={"kind": "初中"},
    )  # fmt: skip
    assert named.stated.loc[0, "name"] == "乙小学"
    assert named.stated.loc[0, "kind"] is SchoolKind.JUNIOR


def test_a_missing_required_column_says_what_was_found_and_what_is_needed() -> None:
    with pytest.raises(UserError) as caught:
        clean(SCHOOLS, ["甲", "经度", "纬度"], [["x", "120", "32"]])
    assert "缺少必需的列：名称" in caught.value.message
    assert "甲、经度、纬度" in caught.value.message
    assert "--column name=列名" in caught.value.next_step
    with pytest.raises(UserError, match="缺少必需的列：经度、纬度"):
        clean(SCHOOLS, ["名称"], [["x"]])


def test_an_unknown_column_or_field_is_answered_with_a_suggestion() -> None:
    with pytest.raises(UserError, match="是否「学校名称」？"):
        clean(SCHOOLS, ["学校名称"], [["x"]], columns={"name": "学校名"})
    with pytest.raises(UserError, match="没有字段「studnts」，是否「students」？"):
        clean(SCHOOLS, ["学校名称"], [["x"]], columns={"studnts": "学校名称"})
    with pytest.raises(UserError, match="固定值 kind=大学堂"):
        clean(SCHOOLS, ["名称", "经度", "纬度"], [["x", "120", "32"]], values={"kind": "大学堂"})


def test_bad_cells_are_told_by_row_column_and_value() -> None:
    batch = clean(
        SCHOOLS, ["名称", "经度", "纬度", "在校生数"],
        [["甲", "120", "32", "十二"], ["乙", "120", "32", "12"], ["丙", "", "", "1"], ["", "120", "32", ""]],
    )  # fmt: skip
    [problem] = batch.problems
    assert (problem.row, problem.column, problem.value) == (2, "在校生数", "十二")
    assert problem.as_text().startswith("第 2 行「在校生数」列：「十二」不是数字")
    assert batch.bad.tolist() == [True, False, False, False]
    assert "没有坐标" in batch.incomplete[2]
    assert "名称为空" in batch.incomplete[3]


def test_repeated_codes_name_the_row_they_repeat() -> None:
    batch = clean(
        SCHOOLS, ["学校标识码", "名称", "经度", "纬度"],
        [["A1", "甲", "120", "32"], ["A2", "乙", "120", "32"], ["A1", "丙", "120", "32"]],
    )  # fmt: skip
    [problem] = batch.problems
    assert (problem.row, problem.column) == (4, "学校标识码")
    assert "「A1」与第 2 行重复" in problem.message


@pytest.mark.parametrize(
    ("lon", "lat", "told"),
    [("32", "120", "对调"), ("581676", "3543975", "投影坐标"), ("2.35", "48.86", "不在中国")],
)
def test_coordinates_that_are_wrong_as_a_whole_are_refused_at_once(
    lon: str, lat: str, told: str
) -> None:
    with pytest.raises(UserError, match=told):
        clean(SCHOOLS, ["名称", "经度", "纬度"], [["甲", lon, lat], ["乙", lon, lat]])


def test_one_swapped_row_among_good_ones_is_a_problem_of_that_row() -> None:
    batch = clean(
        SCHOOLS, ["名称", "经度", "纬度"],
        [["甲", "120", "32"], ["乙", "32", "120"], ["丙", "120", "32"]],
    )  # fmt: skip
    [problem] = batch.problems
    assert problem.row == 3
    assert "对调" in problem.message


@pytest.mark.parametrize("datum", [Datum.GCJ02, Datum.BD09])
def test_points_and_shapes_are_converted_from_the_chosen_datum(datum: Datum) -> None:
    lon, lat = from_wgs84(np.array([120.8645]), np.array([32.0162]), datum)
    batch = clean(SCHOOLS, ["名称", "经度", "纬度"], [["甲", lon[0], lat[0]]], datum=datum)
    assert batch.lon[0] == pytest.approx(120.8645, abs=1e-9)
    line = LineString([(lon[0], lat[0]), (lon[0] + 0.01, lat[0])])
    water = clean(WATERS, ["名称"], [["河"]], [line], datum=datum)
    start = shapely.get_point(shapely.from_wkb(water.stated.loc[0, "geometry"]), 0)
    assert start.distance(Point(120.8645, 32.0162)) < 1e-9


def test_of_two_pairs_of_coordinate_columns_the_one_of_the_chosen_datum_is_taken() -> None:
    headers = ["name", "lon_gcj02", "lat_gcj02", "lon_wgs84", "lat_wgs84"]
    row = ["a", "120.1", "32.1", "120.2", "32.2"]
    assert clean(SCHOOLS, headers, [row], datum=Datum.GCJ02).headers["lon"] == "lon_gcj02"
    assert clean(SCHOOLS, headers, [row]).headers["lon"] == "lon_wgs84"
    with pytest.raises(UserError, match="说明它是 GCJ-02"):
        clean(SCHOOLS, headers[:3], [row[:3]])


def test_rows_without_a_code_get_one_that_does_not_hang_on_their_order() -> None:
    rows = [["甲", "120", "32"], ["乙", "120.5", "32.5"]]
    there = clean(SCHOOLS, ["名称", "经度", "纬度"], rows).stated.set_index("name")["code"]
    back = clean(SCHOOLS, ["名称", "经度", "纬度"], rows[::-1]).stated.set_index("name")["code"]
    assert there.to_dict() == back.to_dict()
    assert there.str.startswith("样例:").all()
    by_id = clean(SCHOOLS, ["id", "名称", "经度", "纬度"], [["7", "甲", "120", "32"]])
    assert by_id.stated["code"].tolist() == ["样例:7"]
    twins = clean(SCHOOLS, ["名称", "经度", "纬度"], [rows[0], rows[0]])
    assert twins.stated["code"].is_unique
    assert not twins.bad.any()


def test_a_self_crossing_polygon_is_repaired_with_a_warning_and_a_flat_one_refused() -> None:
    flat = Polygon([(120, 32), (120.01, 32), (120, 32), (120, 32)])
    batch = clean(WATERS, ["名称"], [["甲"], ["乙"], ["丙"]], [SQUARE, BOWTIE, flat])
    told = {p.row: p for p in batch.problems}
    assert not told[3].is_blocking
    assert "已自动修复" in told[3].message
    assert told[4].is_blocking
    fixed = shapely.from_wkb(batch.stated.loc[1, "geometry"])
    assert fixed.is_valid
    assert fixed.area == pytest.approx(SQUARE.area / 2, rel=1e-6)


def test_a_layer_of_the_wrong_geometry_is_refused_row_by_row() -> None:
    batch = clean(
        ROADS, ["highway"], [["primary"], ["primary"]], [SQUARE, LineString([(120, 32), (121, 32)])]
    )
    assert batch.bad.tolist() == [True, False]
    assert "应为线" in batch.problems[0].message


def test_a_campus_polygon_stays_a_polygon_and_lends_its_inner_point_to_new_schools_only() -> None:
    batch = clean(SCHOOLS, ["名称"], [["甲"], ["乙"]], [SQUARE, Point(120.5, 32.5)])
    assert shapely.from_wkb(batch.stated.loc[0, "campus"]).equals(SQUARE)
    assert batch.stated["lon"].tolist() == [None, 120.5]
    assert SQUARE.contains(Point(batch.derived.loc[0, "lon"], batch.derived.loc[0, "lat"]))


def test_footpaths_in_a_road_layer_are_left_out_and_counted() -> None:
    lines = [LineString([(120, 32), (121, 32)])] * 3
    batch = clean(ROADS, ["highway"], [["primary"], ["footway"], ["service"]], lines)
    assert batch.stated["road_class"].tolist() == [RoadClass.PRIMARY, RoadClass.INTERNAL]
    assert batch.skipped == {"非机动车道路": 1}
    assert batch.rows_read == 3


def test_a_required_word_that_is_empty_cannot_make_a_new_facility() -> None:
    batch = clean(
        FACILITIES, ["类型", "经度", "纬度"], [["", "120", "32"], ["红绿灯", "120", "32"]]
    )
    assert ["设施类型为空" in text for text in batch.incomplete] == [True, False]


def test_districts_are_dissolved_with_their_rows_below() -> None:
    east = shapely.transform(SQUARE, lambda xy: xy + np.array([0.01, 0]))
    far = shapely.transform(SQUARE, lambda xy: xy + np.array([1.0, 0]))
    rows = [["甲区", "一街道"], ["甲区", "二街道"], ["乙县", "一街道"]]
    raw = table(["district", "name"], rows, [SQUARE, east, MultiPolygon([far])])
    counties, below = validate_dissolved(raw, "district", source="样例")
    assert counties.stated["name"].tolist() == ["乙县", "甲区"]
    whole = shapely.from_wkb(counties.stated.loc[1, "boundary"])
    assert whole.area == pytest.approx(2 * SQUARE.area)
    assert whole.geom_type == "Polygon"
    assert below.stated["parent"].tolist() == ["样例:甲区", "样例:甲区", "样例:乙县"]
    assert below.stated["code"].tolist() == [
        "样例:甲区/一街道",
        "样例:甲区/二街道",
        "样例:乙县/一街道",
    ]
    with pytest.raises(UserError, match="没有「区县」列"):
        validate_dissolved(raw, "区县", source="样例")
    assert DISTRICTS.label == "区划"


PLACES = ["学校标识码", "名称", "经度", "纬度", "在校生数"]


def test_an_unreadable_coordinate_is_told_once_and_not_called_missing() -> None:
    batch = clean(
        SCHOOLS, PLACES,
        [["A", "甲", "inf", "32", ""], ["B", "乙", "abc", "def", ""], ["C", "丙", "120", "32", ""]],
    )  # fmt: skip
    assert [(p.row, p.column) for p in batch.problems] == [(2, "经度"), (3, "经度"), (3, "纬度")]
    assert all("不是数字" in p.message for p in batch.problems)
    assert (batch.incomplete == "").all()


@pytest.mark.parametrize("empty", ["", "nan", "-"])
def test_one_coordinate_without_the_other_is_told_whatever_stands_in_the_other(empty: str) -> None:
    batch = clean(SCHOOLS, PLACES, [["A", "甲", "120", empty, ""], ["B", "乙", empty, "abc", ""]])
    told = [(p.row, p.message) for p in batch.problems if "只填了一个" in p.message]
    assert [row for row, _ in told] == [2, 3]


def test_a_name_that_could_not_be_read_is_not_called_empty() -> None:
    batch = clean(SCHOOLS, PLACES, [["A", "长" * 500, "120", "32", ""]])
    assert ["文字过长" in p.message for p in batch.problems] == [True]
    assert batch.incomplete.tolist() == [""]


def test_a_mixture_of_wrong_places_is_told_row_by_row() -> None:
    rows = [
        ["A1", "一小", "nan", "33.75", ""],
        ["A2", "二小", "-118.3", "-33.7", ""],
        ["A3", "三小", "inf", "33", ""],
        ["A4", "四小", "", "", ""],
        ["A5", "五小", "abc", "33.7", ""],
        ["A6", "六小", "0", "0", ""],
    ]
    batch = clean(SCHOOLS, PLACES, rows)
    assert sorted(p.row or 0 for p in batch.problems) == [2, 3, 4, 6, 7]
    assert "没有坐标" in batch.incomplete[3]


def test_a_file_wrong_as_a_whole_lists_its_other_bad_cells_too() -> None:
    rows = [["A1", "一小", "32", "120", "百人"], ["A2", "二小", "32", "120", "100"]]
    with pytest.raises(WrongAsAWhole, match="对调") as caught:
        clean(SCHOOLS, PLACES, rows)
    assert [(p.row, p.column) for p in caught.value.problems] == [(2, "在校生数")]
