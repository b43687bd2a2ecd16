from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.models import Hazard, Inspection, School, SchoolRisk
from domain.access import SYSTEM, Actor
from domain.school_filter import SchoolFilter
from domain.words import (
    Channel,
    Datum,
    DeadlineClass,
    HazardCategory,
    HazardSource,
    HazardStage,
    InspectionLevel,
    InspectionStatus,
    MeasuredFrom,
    NoticeMode,
    RiskLevel,
    Role,
    Severity,
)
from geo.datum import from_wgs84
from geo.tiles import world_pixels
from services.house import House
from services.map_pack import pack_columns, pack_mask, pack_names
from services.map_schools import (
    SortBy,
    code_of,
    count_words,
    find_school,
    list_schools,
    load_school_table,
    match_schools,
)
from tests.city import SmallCity, add_small_city

LEADER = Actor(account_id=1, login="l", name="", role=Role.LEADER)
TODAY = dt.date(2026, 9, 1)


def district_officer(city: SmallCity) -> Actor:
    return Actor(account_id=2, login="d", name="", role=Role.DISTRICT, district_id=city.west)


@pytest.fixture
def city(any_house: House) -> SmallCity:
    made = add_small_city(any_house)
    levels = {
        "E1": (RiskLevel.MAJOR, 80.0),
        "E2": (RiskLevel.LOW, 10.0),
        "W1": (RiskLevel.LARGER, 55.0),
    }
    with Session(any_house.engine) as session:
        for code, (level, score) in levels.items():
            session.add(
                SchoolRisk(
                    school_id=made.schools[code],
                    computed_at=any_house.now(),
                    as_of=TODAY,
                    level=level,
                    score=score,
                    completeness=0.9,
                    measured_from=MeasuredFrom.POINT,
                )
            )
        session.add(
            Inspection(
                number="D1",
                school_id=made.schools["E2"],
                level=InspectionLevel.CITY,
                channel=Channel.JOINT,
                notice_mode=NoticeMode.UNANNOUNCED,
                on_date=dt.date(2026, 3, 2),
            )
        )
        session.add(
            Hazard(
                number="Y1",
                school_id=made.schools["E1"],
                origin=HazardSource.INSPECTION,
                category=HazardCategory.FIRE,
                description="消火栓无水",
                severity=Severity.GENERAL,
                deadline_class=DeadlineClass.TERM,
                stage=HazardStage.RECTIFICATION,
                found_on=dt.date(2025, 12, 1),
                due_on=dt.date(2026, 1, 1),
            )
        )
        session.commit()
    return made


def codes(house: House, actor: Actor, wanted: SchoolFilter) -> set[str]:
    table = load_school_table(actor, house)
    mask = match_schools(actor, house, wanted=wanted)
    return {code for code, kept in zip(table.codes.to_pylist(), mask, strict=True) if kept}


def test_the_worst_level_comes_last_so_that_it_is_drawn_on_top(
    any_house: House, city: SmallCity
) -> None:
    table = load_school_table(LEADER, any_house)
    assert table.codes.to_pylist() == ["E3", "E2", "W1", "E1"]


def test_filters_combine_and_never_reach_beyond_the_scope(
    any_house: House, city: SmallCity
) -> None:
    assert codes(any_house, LEADER, SchoolFilter()) == {"E1", "E2", "E3", "W1"}
    assert codes(any_house, LEADER, SchoolFilter(district=("E",), level=("major", "low"))) == {
        "E1",
        "E2",
    }
    assert codes(any_house, LEADER, SchoolFilter(status=("visited",))) == {"E2"}
    assert codes(any_house, LEADER, SchoolFilter(station=("P1",))) == {"E1"}
    assert codes(any_house, LEADER, SchoolFilter(q="校w")) == {"W1"}
    assert codes(any_house, LEADER, SchoolFilter(kind=("no such word",))) == set()
    assert codes(any_house, district_officer(city), SchoolFilter(district=("E",))) == set()
    assert codes(any_house, district_officer(city), SchoolFilter()) == {"W1"}


def test_the_list_is_always_what_the_mask_keeps(any_house: House, city: SmallCity) -> None:
    wanted = SchoolFilter(district=("E",))
    page = list_schools(LEADER, any_house, wanted=wanted, sort=SortBy.RISK, page=1, size=2)
    rest = list_schools(LEADER, any_house, wanted=wanted, sort=SortBy.RISK, page=2, size=2)
    assert page.total == 3
    assert [row.code for row in (*page.rows, *rest.rows)] == ["E1", "E2", "E3"]
    assert page.rows[0].status is InspectionStatus.OVERDUE
    assert rest.rows[0].score is None, "a school without a score comes last and shows none"


def test_a_school_without_a_result_counts_as_unknown_and_not_as_low(
    any_house: House, city: SmallCity
) -> None:
    table = load_school_table(LEADER, any_house)
    counts = count_words(table, table.everything, "level")
    assert counts == {"major": 1, "larger": 1, "general": 0, "low": 1, "unknown": 1}


def test_a_write_makes_the_next_read_new(any_house: House, city: SmallCity) -> None:
    before = load_school_table(LEADER, any_house)
    assert load_school_table(LEADER, any_house) is before
    with any_house.write(SYSTEM) as work:
        work.connection.execute(update(School).where(School.code == "E1").values(name="改名学校"))
        work.bump("schools")
        work.audit("test.renamed")
    assert "改名学校" in load_school_table(LEADER, any_house).names.to_pylist()


def test_the_packed_file_unpacks_to_the_same_columns(any_house: House, city: SmallCity) -> None:
    table = load_school_table(LEADER, any_house)
    packed = pack_columns(table)
    assert packed[:4] == b"CSM1"
    length = int(np.frombuffer(packed[4:8], "<u4")[0])
    head = json.loads(packed[8 : 8 + length])
    assert head["n"] == 4
    assert (8 + length) % 8 == 0, "typed arrays need aligned columns"
    stored = {"id": table.ids, "x": table.x, "y": table.y, **table.bytes_}
    late, still_open = table.bytes_["overdue"] > 0, table.bytes_["open"] > 0
    stored["ring"] = np.where(late, 2, np.where(still_open, 1, 0))
    for column in head["columns"]:
        at = 8 + length + column["offset"]
        values = np.frombuffer(packed, f"<{column['type']}", count=column["n"], offset=at)
        np.testing.assert_array_equal(values, stored[column["name"]])


def test_names_keep_their_lines_even_when_a_name_holds_a_line_break(
    any_house: House, city: SmallCity
) -> None:
    with any_house.write(SYSTEM) as work:
        work.connection.execute(
            update(School).where(School.code == "E1").values(name="上\n下<script>")
        )
        work.bump("schools")
        work.audit("test.renamed")
    lines = pack_names(load_school_table(LEADER, any_house)).decode().split("\n")
    assert len(lines) == 4
    assert lines[-1] == "上 下<script>"


def test_the_mask_is_packed_lowest_bit_first() -> None:
    assert pack_mask(np.array([True, False, False, True] + [False] * 5 + [True])) == bytes([9, 2])


def test_a_school_outside_the_scope_is_not_found_by_code_or_id(
    any_house: House, city: SmallCity
) -> None:
    officer = district_officer(city)
    assert find_school(officer, any_house, code="E1") is None
    assert code_of(officer, any_house, school_id=city.schools["E1"]) is None
    assert code_of(officer, any_house, school_id=city.schools["W1"]) == "W1"


def test_an_empty_city_gives_an_empty_table(house: House) -> None:
    table = load_school_table(LEADER, house)
    assert len(table) == 0
    assert table.home is None
    assert pack_columns(table)[:4] == b"CSM1"


def test_a_shifted_basemap_is_met_by_shifted_schools_and_only_on_screen(
    house: House, tmp_path: Path
) -> None:
    add_small_city(house)
    plain = load_school_table(LEADER, house)
    settings = house.settings.model_copy(
        update={"basemap_url": "http://tiles.intranet/{z}/{x}/{y}.png", "basemap_datum": "gcj02"}
    )
    shifted = load_school_table(LEADER, replace(house, settings=settings))
    lon, lat = from_wgs84([118.0], [33.0], Datum.GCJ02)
    x, y = world_pixels(np.asarray(lon), np.asarray(lat))
    assert (shifted.x[0], shifted.y[0]) == (x[0], y[0])
    assert plain.x[0] != shifted.x[0]
