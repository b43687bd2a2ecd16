import datetime as dt
import hashlib
import re
from itertools import pairwise

import numpy as np
import pytest
import shapely

from domain.words import (
    SIX_FACILITY_KINDS,
    AlarmState,
    Channel,
    DeadlineClass,
    DistrictLevel,
    FacilityKind,
    FacilityState,
    GateKind,
    HazardCategory,
    HazardSource,
    HazardStage,
    InspectionLevel,
    LegalForm,
    NoticeMode,
    Ownership,
    PostKind,
    PostRole,
    RoadClass,
    SchoolKind,
    SchoolStatus,
    SessionKind,
    Severity,
    WaterAccess,
    WaterBank,
    WaterGrade,
    WaterKind,
    Word,
)
from services.demo.hazard_items import ITEMS
from services.demo.names import told_apart
from services.demo.patrol import school_days
from services.demo.plane import SOURCE, objects
from services.demo.tables import generate_tables
from services.demo.writer import DEMO_TABLES, rows_of, table_of
from tests.unit.services.demo.conftest import AS_OF, SCHOOLS, SEED, Made, made

TODAY = np.datetime64(AS_OF, "D")


def digest(schools: int, seed: int, as_of: dt.date) -> dict[str, str]:
    """Return a hash of all rows of each table, as they would be written."""
    sums: dict[str, hashlib._Hash] = {}
    for name, columns in generate_tables(schools, seed, as_of):
        for row in rows_of(name, columns, as_of):
            sums.setdefault(name, hashlib.sha256()).update(repr(row).encode())
    return {name: total.hexdigest() for name, total in sums.items()}


def test_same_seed_size_and_date_give_the_same_bytes() -> None:
    first, second = digest(90, 5, AS_OF), digest(90, 5, AS_OF)

    assert set(first) == set(DEMO_TABLES)
    assert first == second


def test_another_seed_gives_another_city() -> None:
    first, second = digest(90, 5, AS_OF), digest(90, 6, AS_OF)

    assert first["district"] != second["district"]
    assert first["school"] != second["school"]


def test_another_date_moves_the_history_and_leaves_the_places(city: Made) -> None:
    later = made(as_of=AS_OF + dt.timedelta(days=30))

    for name, column in (("district", "boundary"), ("road_segment", "geometry"), ("school", "lon")):
        assert np.array_equal(city[name][column], later[name][column])
    assert len(later["inspection"]["id"]) > len(city["inspection"]["id"])


def test_counts_are_those_of_a_city(city: Made) -> None:
    level = city["district"]["level"]
    parents = city["district"]["parent_id"]
    townships = np.unique(parents[~np.isnan(parents)], return_counts=True)[1]
    posts = dict(zip(*np.unique(city["patrol_post"]["kind"].astype(str), return_counts=True), strict=True))  # fmt: skip

    assert len(city["school"]["id"]) == SCHOOLS
    assert int((level == DistrictLevel.COUNTY).sum()) == 8
    assert townships.min() >= 8
    assert townships.max() <= 14
    assert 2_500 <= len(city["road_segment"]["id"]) <= 6_500
    assert 10 <= int(np.isin(city["water_body"]["kind"], ["lake", "reservoir"]).sum()) <= 20
    assert 230 <= int((city["water_body"]["kind"] == "pond").sum()) <= 260
    assert posts["police_station"] == 36
    assert posts["police_box"] == 80
    assert 0.5 * SCHOOLS < posts["school_guard"] < 0.9 * SCHOOLS


EVERY_STATE: list[tuple[str, str, type[Word]]] = [
    ("school", "kind", SchoolKind),
    ("school", "ownership", Ownership),
    ("school", "legal_form", LegalForm),
    ("school", "status", SchoolStatus),
    ("gate", "kind", GateKind),
    ("road_segment", "road_class", RoadClass),
    ("defence_state", "alarm", AlarmState),
    ("water_body", "kind", WaterKind),
    ("water_body", "grade", WaterGrade),
    ("water_body", "access", WaterAccess),
    ("water_body", "bank", WaterBank),
    ("traffic_facility", "kind", FacilityKind),
    ("traffic_facility", "state", FacilityState),
    ("patrol_post", "kind", PostKind),
    ("post_session", "kind", SessionKind),
    ("inspection", "level", InspectionLevel),
    ("inspection", "channel", Channel),
    ("inspection", "notice_mode", NoticeMode),
    ("hazard", "origin", HazardSource),
    ("hazard", "category", HazardCategory),
    ("hazard", "severity", Severity),
    ("hazard", "stage", HazardStage),
    ("hazard", "deadline_class", DeadlineClass),
]


@pytest.mark.parametrize(("table", "column", "word"), EVERY_STATE)
def test_every_state_appears(city: Made, table: str, column: str, word: type[Word]) -> None:
    shown = {value for value in city[table][column].tolist() if value is not None}

    assert shown == {member.value for member in word}


def test_hazard_dates_follow_the_stages_and_never_pass_the_day(city: Made) -> None:
    hazard = city["hazard"]
    order = ["found_on", "feedback_on", "submitted_on", "verified_on", "evaluated_on", "closed_on"]
    for earlier, later in pairwise(order):
        known = ~np.isnat(hazard[later])
        assert (hazard[earlier][known] <= hazard[later][known]).all(), (earlier, later)
        assert (hazard[later][known] <= TODAY).all()
    known = ~np.isnat(hazard["due_on"])
    assert np.array_equal(known, ~np.isnat(hazard["feedback_on"]))
    assert (hazard["due_on"][known] >= hazard["feedback_on"][known]).all()


def test_a_hazards_stage_is_what_its_dates_say(city: Made) -> None:
    hazard = city["hazard"]
    reached = {name: ~np.isnat(hazard[f"{name}_on"]) for name in ("feedback", "submitted", "verified", "closed")}  # fmt: skip
    stage = hazard["stage"]

    assert np.array_equal(stage == "closed", reached["closed"])
    assert np.array_equal(stage == "evaluation", reached["verified"] & ~reached["closed"])
    assert np.array_equal(stage == "verification", reached["submitted"] & ~reached["verified"])
    at_work = reached["feedback"] & ~reached["submitted"]
    assert np.array_equal(np.isin(stage, ["feedback", "rectification"]), at_work)
    assert np.array_equal(stage == "found", ~reached["feedback"])


def test_some_hazards_are_overdue_reopened_or_repeated(city: Made) -> None:
    hazard = city["hazard"]
    overdue = np.isnat(hazard["submitted_on"]) & (hazard["due_on"] < TODAY)
    count = len(hazard["id"])

    assert 0.005 < overdue.sum() / count < 0.08
    assert 0.02 < (hazard["reopened_count"] > 0).mean() < 0.12
    assert (~np.isnan(hazard["repeat_of_id"])).sum() >= 5
    assert (hazard["deadline_class"] == "listed").any()


def test_a_repeat_is_the_same_item_at_the_same_school_within_a_year_of_its_closure(
    city: Made,
) -> None:
    hazard = city["hazard"]
    now = np.flatnonzero(~np.isnan(hazard["repeat_of_id"]))
    before = hazard["repeat_of_id"][now].astype(int) - 1
    gap = (hazard["found_on"][now] - hazard["verified_on"][before]).astype(int)

    assert (before < now).all()
    assert (hazard["school_id"][now] == hazard["school_id"][before]).all()
    assert (hazard["item_code"][now] == hazard["item_code"][before]).all()
    assert gap.min() >= 0
    assert gap.max() <= 365


def test_each_inspection_has_as_many_hazards_as_it_says(city: Made) -> None:
    inspection, hazard = city["inspection"], city["hazard"]
    from_visit = ~np.isnan(hazard["inspection_id"])
    visit = hazard["inspection_id"][from_visit].astype(int)
    counted = np.bincount(visit, minlength=len(inspection["id"]) + 1)[1:]

    assert np.array_equal(counted, inspection["hazards_found"])
    assert np.array_equal(from_visit, hazard["origin"] == "inspection")
    assert (hazard["school_id"][from_visit] == inspection["school_id"][visit - 1]).all()
    assert (hazard["found_on"][from_visit] == inspection["on_date"][visit - 1]).all()
    assert 0.35 < (counted == 0).mean() < 0.55


def test_a_third_of_the_schools_sees_the_city_a_year_and_most_the_county(city: Made) -> None:
    inspection = city["inspection"]
    last_year = inspection["on_date"].astype("datetime64[Y]") == np.datetime64("2025", "Y")
    for level, low, high in (("city", 0.23, 0.42), ("county", 0.75, 1.0)):
        visited = np.unique(inspection["school_id"][last_year & (inspection["level"] == level)])
        assert low <= len(visited) / SCHOOLS <= high
    assert inspection["on_date"].max() <= TODAY
    assert np.is_busday(inspection["on_date"]).all()


def test_self_check_hazards_agree_with_what_was_reported(city: Made) -> None:
    reported = np.nansum(city["self_check"]["findings"])
    missing = np.isnat(city["self_check"]["submitted_on"])

    assert reported == (city["hazard"]["origin"] == "self_check").sum()
    assert np.array_equal(missing, np.isnan(city["self_check"]["findings"]))
    assert missing.any()
    assert (city["self_check"]["findings"] == 0).any()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("district", "boundary"),
        ("road_segment", "geometry"),
        ("water_body", "geometry"),
        ("school", "campus"),
    ],
)
def test_geometries_are_valid_and_in_lon_lat(city: Made, table: str, column: str) -> None:
    shapes = shapely.from_wkb(city[table][column])
    shapes = shapes[shapes != np.array(None)]
    west, south, east, north = shapely.total_bounds(shapes)

    assert shapely.is_valid(shapes).all()
    assert not shapely.is_empty(shapes).any()
    assert 117 < west < east < 119.5
    assert 32.5 < south < north < 34.5


def test_townships_tile_their_district_exactly(city: Made) -> None:
    district = city["district"]
    shapes = shapely.from_wkb(district["boundary"])
    for row in np.flatnonzero(district["level"] == DistrictLevel.COUNTY):
        parts = shapes[district["parent_id"] == district["id"][row]]
        assert shapely.coverage_is_valid(parts)
        assert shapely.symmetric_difference(shapely.union_all(parts), shapes[row]).area < 1e-12
    counties = shapes[district["level"] == DistrictLevel.COUNTY]
    assert shapely.coverage_is_valid(counties)


def _campus_of(city: Made) -> tuple[np.ndarray, np.ndarray]:
    """Return the schools with a campus (row numbers) and their polygons."""
    rows = np.flatnonzero([campus is not None for campus in city["school"]["campus"]])
    return rows, shapely.from_wkb(city["school"]["campus"][rows])


def test_gates_stand_on_the_campus_boundary(city: Made) -> None:
    rows, campus = _campus_of(city)
    polygon = dict(zip((rows + 1).tolist(), campus, strict=True))
    gate = city["gate"]
    known = np.isin(gate["school_id"], rows + 1)
    edge = shapely.boundary([polygon[i] for i in gate["school_id"][known].tolist()])
    points = shapely.points(gate["lon"][known], gate["lat"][known])

    # 1e-6 degrees are about a decimetre.
    assert shapely.distance(points, edge).max() < 1e-6


def test_no_gate_and_no_campus_is_in_water(city: Made) -> None:
    water = shapely.STRtree(shapely.from_wkb(city["water_body"]["geometry"]))
    gates = shapely.points(city["gate"]["lon"], city["gate"]["lat"])
    points = shapely.points(city["school"]["lon"], city["school"]["lat"])
    for shapes in (gates, points, _campus_of(city)[1]):
        assert water.query(shapes, predicate="intersects").shape[1] == 0


def test_campuses_do_not_overlap(city: Made) -> None:
    _, campus = _campus_of(city)
    a, b = shapely.STRtree(campus).query(campus, predicate="intersects")

    assert np.array_equal(a, b)


def test_schools_lie_in_the_township_and_district_they_name(city: Made) -> None:
    district, school = city["district"], city["school"]
    rows, _ = _campus_of(city)
    shapes = shapely.from_wkb(district["boundary"])
    point = shapely.points(school["lon"][rows], school["lat"][rows])
    town = school["township_id"][rows]
    # A campus may reach over the line: its gate decides.
    assert shapely.distance(shapes[town - 1], point).max() < 0.003
    assert (district["parent_id"][school["township_id"] - 1] == school["district_id"]).all()


def test_every_school_has_the_station_of_its_own_district(city: Made) -> None:
    station = city["school"]["police_station_id"].astype(int)

    assert (city.by_id("patrol_post", "kind", station) == "police_station").all()
    assert (
        city.by_id("patrol_post", "district_id", station) == city["school"]["district_id"]
    ).all()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("school", "students"),
        ("school", "arrival_at"),
        ("school", "campus"),
        ("school", "building_grade"),
        ("gate", "speed_limit_kmh"),
        ("gate", "setback_m"),
        ("defence_state", "guards_full_time"),
        ("defence_state", "alarm_tested_on"),
        ("defence_state", "clock_error_s"),
        ("water_body", "grade"),
        ("water_body", "rings"),
        ("water_body", "depth_m"),
        ("traffic_facility", "state"),
    ],
)
def test_some_data_are_missing_but_not_most(city: Made, table: str, column: str) -> None:
    rows = list(rows_of(table, {column: city[table][column]}, AS_OF))
    share = np.mean([row[column] is None for row in rows])

    assert 0.02 <= share <= 0.25


def test_a_few_schools_are_nearly_without_data(city: Made) -> None:
    ids = city["school"]["id"]
    bare = ~np.isin(ids, city["gate"]["school_id"]) & ~np.isin(ids, city["defence_state"]["school_id"])  # fmt: skip

    assert 0.005 < bare.mean() < 0.08


def test_about_one_school_in_seven_has_all_six_facilities(city: Made) -> None:
    facility = city["traffic_facility"]
    at_gate = ~np.isnan(facility["gate_id"])
    gate = facility["gate_id"][at_gate].astype(int)
    school = city.by_id("gate", "school_id", gate)
    fine = np.isin(facility["state"][at_gate], ["ok", "not_applicable"])
    complete = [bool(fine[school == s].all()) for s in np.unique(school)]
    kinds = facility["kind"][at_gate]

    assert 0.10 < np.mean(complete) < 0.19
    assert set(kinds.tolist()) == {kind.value for kind in SIX_FACILITY_KINDS}
    assert (np.unique(gate, return_counts=True)[1] == 6).all()


def test_sessions_fall_on_school_days_and_a_third_was_checked(city: Made) -> None:
    session = city["post_session"]
    peaks = session["kind"] != SessionKind.EVENT
    days = school_days(AS_OF, 56)
    present = np.stack([session[f"present_{role.value}"] for role in PostRole])
    planned = np.stack([session[f"planned_{role.value}"] for role in PostRole])
    needed = np.stack([session[f"needed_{role.value}"] for role in PostRole])
    checked = ~np.isnan(present)

    assert np.isin(session["on_date"][peaks], days).all()
    assert np.array_equal(np.unique(session["on_date"][peaks]), days)
    assert (checked.all(axis=0) == checked.any(axis=0)).all()
    assert 0.30 < checked[0].mean() < 0.40
    assert (present[checked] <= planned[checked]).all()
    assert (planned < needed).any(axis=0).mean() > 0.05
    assert (session["starts_at"] < session["ends_at"]).all()


def test_school_days_leave_out_weekends_and_the_october_week() -> None:
    days = school_days(dt.date(2026, 10, 9), 14).tolist()

    assert days == [dt.date(2026, 9, d) for d in (28, 29, 30)] + [
        dt.date(2026, 10, d) for d in (8, 9)
    ]


def test_every_row_says_that_it_is_demo_data(city: Made) -> None:
    for name in DEMO_TABLES:
        if name == "city":
            continue
        table = table_of(name)
        row = next(rows_of(name, city[name], AS_OF))
        assert "source" in table.c
        assert row["source"] == SOURCE
        assert row["as_of"] == AS_OF


def test_codes_and_telephones_cannot_be_taken_for_real_ones(city: Made) -> None:
    school = city["school"]

    assert all(re.fullmatch(r"DEMO\d{6}", code) for code in school["code"])
    assert all(re.fullmatch(r"0000-8\d{7}", phone) for phone in school["duty_phone"])
    assert all(re.fullmatch(r"YH\d{4}-\d{6}", number) for number in city["hazard"]["number"])
    assert len(set(school["name"].tolist())) == SCHOOLS


def test_descriptions_are_sentences_without_open_slots(city: Made) -> None:
    texts = city["hazard"]["description"].tolist()

    assert len(ITEMS) >= 60
    assert len({item.code for item in ITEMS}) == len(ITEMS)
    assert not any("{" in text or "}" in text for text in texts)
    assert max(map(len, texts)) <= 500


@pytest.mark.parametrize("as_of", [dt.date(2026, 1, 1), dt.date(2026, 7, 31), dt.date(2024, 2, 29)])
def test_any_day_of_the_year_can_be_shown(as_of: dt.date) -> None:
    tables = made(schools=60, seed=3, as_of=as_of)
    day = np.datetime64(as_of, "D")

    assert len(tables["post_session"]["id"]) > 500
    assert tables["inspection"]["on_date"].max() <= day
    assert tables["drill_record"]["on_date"].max() <= day
    assert np.nanmax(tables["self_check"]["submitted_on"]) <= day
    assert tables["water_body"]["last_patrol_on"].astype("datetime64[D]")[0] <= day


@pytest.mark.parametrize("schools", [8, 43, 44])
def test_a_tiny_city_can_be_made(schools: int) -> None:
    assert len(made(schools=schools, seed=1)["school"]["id"]) == schools


def test_a_large_city_keeps_its_history_within_bounds() -> None:
    tables = made(schools=6_000, seed=SEED)

    assert len(tables["defence_state"]["school_id"]) > 5_500
    assert len(np.unique(tables["post_session"]["post_id"])) <= 1_000
    assert len(np.unique(tables["self_check"]["school_id"])) <= 5_000


def test_second_bearers_of_a_name_are_numbered() -> None:
    named = told_apart(objects(["甲小学", "乙小学", "甲小学", "甲小学"]))

    assert named.tolist() == ["甲小学", "乙小学", "甲小学（二分部）", "甲小学（三分部）"]
