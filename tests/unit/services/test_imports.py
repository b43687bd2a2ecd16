"""Imports are all or nothing, repeatable, and never erase what a file does not mention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Polygon, box
from sqlalchemy import func, select, update

from db.audit import verify_chain
from db.models import (
    AuditEvent,
    District,
    ImportProblem,
    ImportRun,
    PatrolPost,
    School,
    TrafficFacility,
    WaterBody,
)
from db.repositories import imports as store
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden, UserError
from domain.words import Datum, DistrictLevel, Ownership, PostKind, Role, SchoolKind
from geo.datum import from_wgs84
from services.house import House
from services.imports import ImportRefused, ImportReport, ImportRequest, run_import
from tests.city import add_small_city

WEST, EAST = box(120.0, 32.0, 120.1, 32.1), box(120.1, 32.0, 120.2, 32.1)
HEADER = "学校标识码,学校名称,经度,纬度,区县,在校生数\n"


def load(house: House, kind: str, path: Path, **how: Any) -> ImportReport:
    return run_import(SYSTEM, house, request=ImportRequest(kind=kind, path=path, **how))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def districts_file(tmp_path: Path) -> Path:
    frame = gpd.GeoDataFrame(
        {"区县": ["崇川区", "海门区"], "街道": ["城东街道", "海门街道"]},
        geometry=[WEST, EAST],
        crs="EPSG:4490",
    )
    frame.to_file(tmp_path / "districts.gpkg", driver="GPKG")
    return tmp_path / "districts.gpkg"


def stored(house: House, model: Any) -> pd.DataFrame:
    with house.read() as session:
        return pd.read_sql(select(model.__table__).order_by(model.id), session.connection())


def count(house: House, model: Any) -> int:
    with house.read() as session:
        return int(session.execute(select(func.count()).select_from(model)).scalar_one())


def test_districts_come_with_townships_below_and_schools_find_their_place(
    any_house: House, tmp_path: Path, districts_file: Path
) -> None:
    report = load(any_house, "districts", districts_file, dissolve="区县")
    assert (report.counts[0].read, report.rows_new) == (2, 4)
    file = write(
        tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,崇川,100\nA2,西中学,120.15,32.05,,\n"
    )
    load(any_house, "schools", file)
    with any_house.read() as session:
        names = {d.id: d.name for d in session.scalars(select(District))}
        parents = {
            d.name: names[d.parent_id]
            for d in session.scalars(
                select(District).where(District.level == DistrictLevel.TOWNSHIP)
            )
            if d.parent_id
        }
        schools = {s.code: s for s in session.scalars(select(School))}
    assert parents == {"城东街道": "崇川区", "海门街道": "海门区"}
    where = {c: (names[s.district_id or 0], names[s.township_id or 0]) for c, s in schools.items()}
    assert where == {"A1": ("崇川区", "城东街道"), "A2": ("海门区", "海门街道")}
    assert schools["A1"].kind is SchoolKind.PRIMARY
    assert schools["A2"].kind is SchoolKind.UNKNOWN
    assert schools["A2"].students is None


def test_districts_loaded_last_give_earlier_schools_and_waters_their_district(
    house: House, tmp_path: Path, districts_file: Path
) -> None:
    school = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,崇川区,100\n")
    report = load(house, "schools", school)
    assert any("还没有区划" in p.message for p in report.problems)
    gpd.GeoDataFrame(
        {"name": ["湖"]}, geometry=[box(120.15, 32.05, 120.16, 32.06)], crs="EPSG:4326"
    ).to_file(tmp_path / "w.geojson", driver="GeoJSON")
    load(house, "waters", tmp_path / "w.geojson")
    before = house.versions()
    load(house, "districts", districts_file, dissolve="区县")
    after = house.versions()
    assert {a for a in after if after[a] > before[a]} == {"base", "schools", "waters"}
    names = stored(house, District).set_index("id")["name"]
    assert names[stored(house, School).loc[0, "district_id"]] == "崇川区"
    assert names[stored(house, WaterBody).loc[0, "district_id"]] == "海门区"
    assert load(house, "schools", school).status == "unchanged"


def test_running_the_same_import_again_changes_nothing(any_house: House, tmp_path: Path) -> None:
    file = write(
        tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\nA2,西小学,120.15,32.05,,\n"
    )
    load(any_house, "schools", file)
    rows, versions = stored(any_house, School), any_house.versions()
    again = load(any_house, "schools", file)
    assert again.is_same_file
    assert (again.rows_new, again.rows_changed, again.rows_same) == (0, 0, 2)
    assert not again.changed_anything
    copy = write(tmp_path / "copy.csv", file.read_text("utf-8"))
    renamed = load(any_house, "schools", copy)
    assert (renamed.status, renamed.rows_same, renamed.is_same_file) == ("unchanged", 2, False)
    assert any_house.versions() == versions
    pd.testing.assert_frame_equal(stored(any_house, School), rows)


def test_the_same_file_is_read_anew_when_the_database_changed_in_between(
    house: House, tmp_path: Path
) -> None:
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\n")
    load(house, "schools", file)
    with house.write(SYSTEM) as work:
        work.session.execute(update(School).values(students=5))
        work.bump("schools")
        work.audit("test.edit")
    report = load(house, "schools", file)
    assert (report.rows_changed, report.is_same_file) == (1, False)
    assert stored(house, School).loc[0, "students"] == 100


def test_a_field_or_cell_that_the_file_leaves_out_erases_nothing(
    any_house: House, tmp_path: Path
) -> None:
    load(
        any_house, "schools",
        write(tmp_path / "a.csv", "学校标识码,学校名称,经度,纬度,在校生数,办别\nA1,东小学,120.05,32.05,100,民办\n"),
    )  # fmt: skip
    report = load(
        any_house, "schools", write(tmp_path / "b.csv", "学校标识码,在校生数,教职工数\nA1,,9\n")
    )
    assert (report.rows_new, report.rows_changed) == (0, 1)
    row = stored(any_house, School).loc[0]
    assert (row["students"], row["staff"], row["name"]) == (100, 9, "东小学")
    assert row["ownership"] == Ownership.PRIVATE.value
    assert (row["row_version"], row["lon"]) == (2, 120.05)


def test_a_row_that_would_be_new_but_has_no_place_stops_the_import(
    house: House, tmp_path: Path
) -> None:
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,\nA2,西小学,,,,\n")
    with pytest.raises(ImportRefused) as caught:
        load(house, "schools", file)
    [problem] = caught.value.problems
    assert (problem.row, problem.column) == (3, "经度、纬度")
    assert "没有坐标" in problem.message
    assert count(house, School) == 0


def test_one_bad_row_stops_everything_and_leaves_a_trace(any_house: House, tmp_path: Path) -> None:
    file = write(
        tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\nA2,西小学,120.1,32.1,,百人\n"
    )
    with pytest.raises(ImportRefused) as caught:
        load(any_house, "schools", file)
    assert "第 3 行「在校生数」列" in caught.value.message
    assert "--good-rows-only" in caught.value.next_step
    assert count(any_house, School) == 0
    assert any_house.versions()["schools"] == 0
    [run] = stored(any_house, ImportRun).to_dict("records")
    assert (run["status"], run["rows_read"], run["rows_refused"], run["rows_new"]) == (
        "refused",
        2,
        1,
        0,
    )
    [problem] = stored(any_house, ImportProblem).to_dict("records")
    assert (problem["row"], problem["column"], problem["value"]) == (3, "在校生数", "百人")
    with any_house.read() as session:
        assert session.scalars(select(AuditEvent.kind)).all() == ["import.refused"]
        assert verify_chain(session.connection()).broken_at is None


def test_a_row_with_another_fault_is_told_of_its_missing_coordinates_too(
    house: House, tmp_path: Path
) -> None:
    file = write(
        tmp_path / "s.csv",
        HEADER + "A1,东小学,120.05,32.05,,100\nA2,西小学,,,,百人\nA3,,abc,32,,\n",
    )
    with pytest.raises(ImportRefused) as caught:
        load(house, "schools", file)
    told = [(p.row, p.column) for p in caught.value.problems]
    assert sorted(told) == [
        (3, "在校生数"), (3, "经度、纬度"), (4, "学校名称"), (4, "经度"),
    ]  # fmt: skip
    lines = [line for line in caught.value.message.splitlines() if "错误：第" in line]
    assert ["第 3 行" in line for line in lines] == [True, True, False, False]


def test_a_known_school_without_coordinates_is_told_only_its_own_fault(
    house: House, tmp_path: Path
) -> None:
    load(house, "schools", write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\n"))
    with pytest.raises(ImportRefused) as caught:
        load(house, "schools", write(tmp_path / "t.csv", HEADER + "A1,东小学,,,,百人\n"))
    assert [p.column for p in caught.value.problems] == ["在校生数"]


def test_a_file_wrong_as_a_whole_is_kept_with_every_fault_it_had(
    house: House, tmp_path: Path
) -> None:
    rows = "A1,东小学,32.05,120.05,,百人\nA2,西小学,32.1,120.1,,\n"
    with pytest.raises(UserError) as caught:
        load(house, "schools", write(tmp_path / "s.csv", HEADER + rows))
    assert "对调" in caught.value.message
    assert "第 2 行「在校生数」列" in caught.value.message
    assert "--column lon=纬度" in caught.value.next_step
    assert stored(house, ImportRun)["status"].tolist() == ["refused"]
    assert len(stored(house, ImportProblem)) == 2


def test_good_rows_only_writes_the_good_and_counts_the_rest(house: House, tmp_path: Path) -> None:
    file = write(
        tmp_path / "s.csv",
        HEADER + "A1,东小学,120.05,32.05,,100\nA2,西小学,120.1,32.1,,百人\nA1,重复,120.1,32.1,,\n",
    )
    report = load(house, "schools", file, good_rows_only=True)
    assert (report.rows_new, report.rows_refused) == (1, 2)
    assert stored(house, School)["name"].tolist() == ["东小学"]
    assert "拒绝 2" in report.as_text()
    assert "错误：第 3 行" in report.as_text()


def test_an_unknown_district_is_refused_with_a_suggestion(
    house: House, tmp_path: Path, districts_file: Path
) -> None:
    load(house, "districts", districts_file, dissolve="区县")
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,崇州区,100\n")
    with pytest.raises(ImportRefused) as caught:
        load(house, "schools", file)
    [problem] = caught.value.problems
    assert (problem.row, problem.column, problem.value) == (2, "区县", "崇州区")
    assert problem.message == "区县「崇州区」不在名录中，是否「崇川区」？"


def test_a_file_that_cannot_be_read_leaves_a_refused_run(house: House, tmp_path: Path) -> None:
    file = write(tmp_path / "s.gpkg", "no")
    with pytest.raises(UserError, match="无法读取地图文件"):
        load(house, "waters", file)
    assert stored(house, ImportRun)["status"].tolist() == ["refused"]
    assert "无法读取地图文件" in stored(house, ImportProblem).loc[0, "message"]
    with pytest.raises(UserError, match="找不到文件"):
        load(house, "waters", tmp_path / "none.csv")
    with pytest.raises(UserError, match="没有数据种类「schols」，是否「schools」？"):
        load(house, "schols", file)


def test_only_those_allowed_may_import(house: House, tmp_path: Path) -> None:
    visitor = Actor(account_id=1, login="x", name="x", role=Role.INSPECTOR)
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\n")
    with pytest.raises(Forbidden):
        run_import(visitor, house, request=ImportRequest(kind="schools", path=file))
    assert count(house, ImportRun) == 0


def test_a_wrong_datum_is_noticed_by_known_schools_and_by_districts(
    house: House, tmp_path: Path
) -> None:
    lon, lat = np.linspace(120.02, 120.08, 6), np.full(6, 32.0995)
    known = "".join(
        f"A{i},第{i}小学,{x},{y},,\n" for i, (x, y) in enumerate(zip(lon, lat, strict=True))
    )
    load(house, "schools", write(tmp_path / "known.csv", HEADER + known))
    x, y = from_wgs84(lon, lat, Datum.GCJ02)
    shifted = "".join(
        f"B{i},第{i}小学,{a},{b},,\n" for i, (a, b) in enumerate(zip(x, y, strict=True))
    )
    file = write(tmp_path / "new.csv", HEADER + shifted)
    wrong = load(house, "schools", file)
    [warning] = [p for p in wrong.problems if "坐标系可能选错" in p.message]
    assert "按 GCJ-02（高德、腾讯） 有 6 所" in warning.message
    assert not warning.is_blocking
    right = load(house, "schools", file, datum=Datum.GCJ02)
    assert not [p for p in right.problems if "坐标系" in p.message]


def test_places_stated_outside_their_district_hint_at_another_datum(
    house: House, tmp_path: Path, districts_file: Path
) -> None:
    load(house, "districts", districts_file, dissolve="区县")
    # Just inside the border: the shift of some hundred metres carries them out.
    lon, lat = from_wgs84(np.full(5, 120.0995), np.linspace(32.02, 32.08, 5), Datum.GCJ02)
    rows = "".join(
        f"A{i},第{i}小学,{a},{b},崇川区,\n" for i, (a, b) in enumerate(zip(lon, lat, strict=True))
    )
    report = load(house, "schools", write(tmp_path / "s.csv", HEADER + rows))
    assert any("5 行不在所填区县内" in p.message for p in report.problems)


def test_posts_and_facilities_are_read_by_type_and_police_stations_are_linked(
    house: House, tmp_path: Path
) -> None:
    posts = write(
        tmp_path / "p.csv",
        "id,name,type,lon,lat\n1,城东派出所,police,120.05,32.05\n2,南门护学岗,,120.06,32.05\n",
    )
    load(house, "posts", posts)
    assert stored(house, PatrolPost)["kind"].tolist() == [
        PostKind.POLICE_STATION.value, PostKind.SCHOOL_GUARD.value,
    ]  # fmt: skip
    assert stored(house, PatrolPost)["code"].tolist() == ["p:1", "p:2"]
    facilities = write(
        tmp_path / "f.csv", "编号,类型,状态,经度,纬度\nF1,红绿灯,正常,120.05,32.05\n"
    )
    load(house, "facilities", facilities)
    assert stored(house, TrafficFacility)[["code", "kind", "state"]].iloc[0].tolist() == [
        "F1",
        "signal",
        "ok",
    ]
    schools = write(
        tmp_path / "s.csv",
        "代码,名称,经度,纬度,派出所\nA1,东小学,120.05,32.05,城东派出所\nA2,西小学,120.05,32.05,城西派出所\n",
    )
    report = load(house, "schools", schools)
    linked = stored(house, School)["police_station_id"]
    assert linked.notna().tolist() == [True, False]
    assert [p.row for p in report.problems] == [3]


def test_levels_of_one_district_file_are_tied_to_each_other(house: House, tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {
            "代码": ["02", "01", "0101"],
            "名称": ["海门区", "崇川区", "城东街道"],
            "级别": ["区县", "区县", "街道"],
            "上级": ["", "", "01"],
        },
        geometry=[EAST, WEST, Polygon(WEST.exterior)],
        crs="EPSG:4326",
    )
    frame.to_file(tmp_path / "d.geojson", driver="GeoJSON")
    report = load(house, "districts", tmp_path / "d.geojson")
    assert report.counts[0].read == report.rows_new == 3
    rows = stored(house, District).set_index("code")
    assert rows.loc["0101", "parent_id"] == rows.loc["01", "id"]
    assert rows["is_reporting_unit"].to_dict() == {"02": 1, "01": 1, "0101": 0}
    assert load(house, "districts", tmp_path / "d.geojson", source="again").status == "unchanged"


def test_official_codes_that_come_later_fall_on_the_districts_known_by_name(
    house: House, tmp_path: Path, districts_file: Path
) -> None:
    load(house, "districts", districts_file, dissolve="区县")
    before = stored(house, District)
    file = write(
        tmp_path / "codes.csv", "区划代码,名称\n320602,崇川区\n320614,海门区\n320623,如东县\n"
    )
    report = load(house, "districts", file)
    assert (report.rows_new, report.rows_changed, report.rows_same) == (1, 0, 2)
    assert any("2 个区划与已有的同名区划对应" in note for note in report.notes)
    after = stored(house, District)
    assert set(after["name"]) - set(before["name"]) == {"如东县"}
    assert load(house, "districts", file, source="again").status == "unchanged"


def test_a_district_name_that_means_two_asks_for_the_code(house: House, tmp_path: Path) -> None:
    load(house, "districts", write(tmp_path / "d.csv", "区划代码,名称\n01,鼓楼区\n02,鼓楼区\n"))
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,鼓楼区,\n")
    with pytest.raises(ImportRefused, match="名录中有多个「鼓楼区」，请改填区划代码"):
        load(house, "schools", file)
    by_code = write(tmp_path / "c.csv", HEADER + "A1,东小学,120.05,32.05,02,\n")
    assert load(house, "schools", by_code).rows_new == 1


def test_a_fault_half_way_leaves_the_database_as_it_was(
    any_house: House, districts_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows = store.insert_rows
    calls: list[str] = []

    def fail_second(connection: Any, kind: str, frame: pd.DataFrame) -> None:
        calls.append(kind)
        if len(calls) == 2:
            raise RuntimeError("power cut")
        write_rows(connection, kind, frame)

    monkeypatch.setattr(store, "insert_rows", fail_second)
    with pytest.raises(RuntimeError, match="power cut"):
        load(any_house, "districts", districts_file, dissolve="区县")
    assert calls == ["districts", "districts"]
    assert (
        count(any_house, District)
        == count(any_house, ImportRun)
        == count(any_house, AuditEvent)
        == 0
    )
    assert any_house.versions()["base"] == 0


def test_progress_is_told_to_the_end(house: House, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    file = write(tmp_path / "s.csv", HEADER + "A1,东小学,120.05,32.05,,100\n")
    run_import(
        SYSTEM, house, request=ImportRequest(kind="schools", path=file),
        progress=lambda done, total, what: steps.append((done, total)),
    )  # fmt: skip
    assert steps == sorted(steps)
    assert steps[-1] == (4, 4)


def test_real_data_are_kept_out_of_a_demo_city(house: House, tmp_path: Path) -> None:
    add_small_city(house, is_demo=True)
    file = tmp_path / "schools.csv"
    file.write_text("代码,名称,经度,纬度\nA1,一小,118.0,33.0\n", encoding="utf-8")
    with pytest.raises(UserError, match="演示城市"):
        run_import(SYSTEM, house, request=ImportRequest("schools", file))
    with house.read() as session:
        assert (
            session.scalar(select(func.count()).select_from(School).where(School.code == "A1")) == 0
        )
