"""Recompute, keep and explain risk on a small town, on both databases."""

from __future__ import annotations

import pandas as pd
import pytest
import shapely
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.models import (
    AuditEvent,
    City,
    PatrolPost,
    RuleSet,
    School,
    SchoolRisk,
    TrafficFacility,
    WaterBody,
)
from domain import sampling_rules
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden, NotFound, UserError
from domain.rules import RULE_SET_NAME
from domain.words import FacilityKind, FacilityState, MeasuredFrom, PostKind, Role, WaterGrade
from services import risk as risk_service
from services.house import House
from services.risk import (
    affected_schools,
    explain_school,
    recompute_near,
    recompute_risk,
    risk_is_stale,
)
from services.rules import ensure_default_rules, rules_in_force, sampling_rules_in_force
from tests.unit.services.risk_town import M_LON, SOUTH, TODAY, WEST, add_town, box_at

LEADER = Actor(account_id=1, login="leader", name="局长", role=Role.LEADER)


def stored(house: House) -> pd.DataFrame:
    with house.engine.connect() as connection:
        rows = connection.execute(select(SchoolRisk.__table__).order_by(SchoolRisk.school_id))
        frame = pd.DataFrame([dict(row) for row in rows.mappings()])
    return frame.drop(columns="computed_at")


def test_the_shipped_rules_are_written_once_and_found_by_date(any_house: House) -> None:
    ensure_default_rules(any_house)
    ensure_default_rules(any_house)
    with any_house.engine.connect() as connection:
        names = connection.execute(select(RuleSet.name).order_by(RuleSet.id)).scalars().all()
        assert names == [RULE_SET_NAME, sampling_rules.RULE_SET_NAME]
        assert len(connection.execute(select(AuditEvent.seq)).all()) == 1
        number, rules = rules_in_force(connection, TODAY)
        risk_rules = select(RuleSet.id).where(RuleSet.name == RULE_SET_NAME)
        assert number == connection.execute(risk_rules).scalar_one()
        assert sampling_rules_in_force(connection, TODAY).version == 1
        assert rules.cut_major > rules.cut_larger
        with pytest.raises(UserError, match="没有生效"):
            rules_in_force(connection, TODAY.replace(year=1990))


def test_every_active_school_gets_a_row_with_its_inputs(any_house: House) -> None:
    add_town(any_house)
    before = any_house.versions()["risk"]
    assert recompute_risk(SYSTEM, any_house) == 23
    frame = stored(any_house)
    assert len(frame) == 23
    assert any_house.versions()["risk"] == before + 1
    assert set(frame["measured_from"]) == set(MeasuredFrom)
    campus = frame[frame["measured_from"] == MeasuredFrom.CAMPUS]
    assert (campus["precision_m"] == 5.0).all()
    assert frame["nearest_water_m"].notna().all()
    assert (frame["water_m"] >= frame["nearest_water_m"] - 1e-9).all()
    bare = frame.iloc[-1]
    assert bare["level"] == "unknown"
    assert bare["completeness"] < 0.5
    assert bare["patrol_score"] > 0  # the nearest post is known even so


def test_schools_that_close_lose_their_row(house: House) -> None:
    add_town(house)
    recompute_risk(SYSTEM, house)
    with Session(house.engine) as session:
        session.execute(update(School).where(School.code == "S004").values(status="closed"))
        gone = session.execute(select(School.id).where(School.code == "S004")).scalar_one()
        session.commit()
    assert recompute_risk(SYSTEM, house, school_ids=[gone]) == 0
    assert gone not in set(stored(house)["school_id"])
    assert len(stored(house)) == 22


def test_recomputing_all_in_parts_gives_the_same_figures(house: House) -> None:
    add_town(house)
    recompute_risk(SYSTEM, house)
    whole = stored(house)
    ids = whole["school_id"].tolist()
    recompute_risk(SYSTEM, house, school_ids=ids[::2])
    recompute_risk(SYSTEM, house, school_ids=ids[1::2])
    pd.testing.assert_frame_equal(stored(house), whole, check_exact=True)


def _move_water(session: Session) -> shapely.Geometry:
    water = session.execute(select(WaterBody).order_by(WaterBody.id)).scalars().first()
    assert water is not None
    old = water.geometry
    water.geometry = box_at(WEST + 2500 * M_LON, SOUTH, 300.0)
    return shapely.union(old, water.geometry)


def _grade_water(session: Session) -> shapely.Geometry:
    water = session.execute(select(WaterBody).order_by(WaterBody.id.desc())).scalars().first()
    assert water is not None
    water.grade = WaterGrade.MAJOR
    return water.geometry


def _dry_out(session: Session) -> shapely.Geometry:
    water = session.execute(select(WaterBody).order_by(WaterBody.id)).scalars().first()
    assert water is not None
    session.delete(water)
    return water.geometry


def _add_signal(session: Session) -> shapely.Geometry:
    point = shapely.Point(WEST + 1000 * M_LON, SOUTH)
    session.add(
        TrafficFacility(
            code="NEW", kind=FacilityKind.SIGNAL, state=FacilityState.OK, lon=point.x, lat=point.y
        )
    )
    return point


def _drop_police(session: Session) -> shapely.Geometry:
    post = (
        session.execute(select(PatrolPost).where(PatrolPost.kind == PostKind.POLICE_STATION))
        .scalars()
        .first()
    )
    assert post is not None
    session.delete(post)
    return shapely.Point(post.lon, post.lat)


def _empty_the_facility_layer(session: Session) -> shapely.Geometry:
    rows = session.execute(select(TrafficFacility.lon, TrafficFacility.lat)).all()
    session.execute(delete(TrafficFacility))
    return shapely.MultiPoint([tuple(row) for row in rows])


@pytest.mark.parametrize(
    "change",
    [_move_water, _grade_water, _dry_out, _add_signal, _drop_police, _empty_the_facility_layer],
)
def test_an_incremental_recompute_equals_a_full_one(house: House, change) -> None:
    add_town(house)
    recompute_risk(SYSTEM, house)
    before = stored(house)
    with Session(house.engine) as session:
        geometry = change(session)
        session.commit()
    recompute_near(SYSTEM, house, geometry=geometry)
    near = stored(house)
    recompute_risk(SYSTEM, house)
    pd.testing.assert_frame_equal(near, stored(house), check_exact=True)
    assert not near.equals(before)


def test_a_far_away_trifle_touches_only_some_schools(house: House) -> None:
    add_town(house)
    recompute_risk(SYSTEM, house)
    ids = affected_schools(house, lon=WEST - 0.02, lat=SOUTH, radius_m=200.0)
    assert len(ids) < 23
    assert affected_schools(house, lon=WEST + 5, lat=SOUTH, radius_m=200.0) == []


def test_the_worst_water_in_reach_counts_and_not_the_nearest(house: House) -> None:
    ensure_default_rules(house)
    with Session(house.engine) as session:
        session.add(City(name="测试市", as_of=TODAY, epsg=4548))
        session.add(School(code="A", name="甲校", lon=WEST, lat=SOUTH))
        gear = {"signs": 1, "rings": 1, "ropes": 1, "poles": 1}
        session.add(
            WaterBody(
                code="fenced",
                geometry=box_at(WEST + 40 * M_LON, SOUTH, 10),
                grade="general",
                access="fenced",
                **gear,
            )
        )
        session.add(
            WaterBody(
                code="open",
                geometry=box_at(WEST + 200 * M_LON, SOUTH, 50),
                grade="major",
                access="open",
            )
        )
        session.commit()
    recompute_risk(SYSTEM, house)
    row = stored(house).iloc[0]
    assert row["nearest_water_m"] == pytest.approx(40, abs=1)
    assert row["water_m"] == pytest.approx(200, abs=2)
    assert row["water_grade"] == WaterGrade.MAJOR


def test_an_empty_city_is_no_error(house: House) -> None:
    ensure_default_rules(house)
    assert recompute_risk(SYSTEM, house) == 0
    assert affected_schools(house, lon=117.0, lat=33.0, radius_m=100.0) == []


def test_a_city_without_any_layer_is_unknown_and_never_low(house: House) -> None:
    ensure_default_rules(house)
    with Session(house.engine) as session:
        session.add(School(code="A", name="甲校", lon=WEST, lat=SOUTH))
        session.commit()
    recompute_risk(SYSTEM, house)
    row = stored(house).iloc[0]
    assert row["level"] == "unknown"
    assert row["score"] is None
    assert row["facilities_within_200m"] is None


def test_the_explanation_adds_up_and_respects_the_scope(any_house: House) -> None:
    add_town(any_house)
    recompute_risk(SYSTEM, any_house)
    frame = stored(any_house)
    for row in frame.itertuples():
        told = explain_school(LEADER, any_house, school_id=row.school_id)
        points = sum(reason.points for part in told.parts for reason in part.reasons)
        assert points == pytest.approx(row.score, abs=1e-9)
        assert told.sentence.endswith("。")
        assert told.next_datum.endswith("。")
    outsider = Actor(account_id=2, login="d", name="区", role=Role.DISTRICT, district_id=None)
    with pytest.raises(NotFound):
        explain_school(outsider, any_house, school_id=int(frame["school_id"][0]))
    with Session(any_house.engine) as session:
        closed = session.execute(select(School.id).where(School.status == "closed")).scalar_one()
    with pytest.raises(UserError, match="还没有风险结果"):
        explain_school(LEADER, any_house, school_id=closed)


def test_only_who_may_recompute_does(house: House) -> None:
    add_town(house)
    with pytest.raises(Forbidden):
        recompute_risk(LEADER, house)


def touch(house: House, *areas: str) -> None:
    with house.write(SYSTEM) as work:
        work.bump(*areas)
        work.audit("test.touched", ",".join(areas))


def test_risk_is_stale_from_any_write_it_reads_until_all_schools_are_recomputed(
    any_house: House,
) -> None:
    assert not risk_is_stale(any_house)  # an empty city
    add_town(any_house)
    touch(any_house, "schools")
    assert risk_is_stale(any_house)  # never computed
    recompute_risk(SYSTEM, any_house)
    assert not risk_is_stale(any_house)
    read = "base schools waters facilities posts sessions inspections rules"
    for area in read.split():
        touch(any_house, area)
        assert risk_is_stale(any_house), area
        recompute_risk(SYSTEM, any_house)
        assert not risk_is_stale(any_house), area
    touch(any_house, "accounts", "risk")
    assert not risk_is_stale(any_house)


def test_recomputing_a_few_schools_does_not_make_the_rest_fresh(house: House) -> None:
    add_town(house)
    touch(house, "schools")
    recompute_risk(SYSTEM, house)
    ids = stored(house)["school_id"].tolist()
    recompute_risk(SYSTEM, house, school_ids=ids[:3])
    assert not risk_is_stale(house)  # nothing was written in between
    touch(house, "waters")
    recompute_risk(SYSTEM, house, school_ids=ids[:3])
    recompute_near(SYSTEM, house, geometry=shapely.Point(WEST, SOUTH))
    assert risk_is_stale(house)


def test_a_recompute_that_breaks_off_leaves_the_risk_stale(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_town(house)
    touch(house, "schools")

    def break_off(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(risk_service, "_store", break_off)
    with pytest.raises(KeyboardInterrupt):
        recompute_risk(SYSTEM, house)
    assert risk_is_stale(house)


def test_what_is_written_while_a_recompute_reads_is_in_its_figures(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_town(house)
    touch(house, "schools")
    compute, reads = risk_service._compute, []

    def compute_while_others_write(*args: object) -> pd.DataFrame:
        frame = compute(*args)
        reads.append(len(frame))
        if len(reads) == 1:
            touch(house, "waters")
        return frame

    monkeypatch.setattr(risk_service, "_compute", compute_while_others_write)
    recompute_risk(SYSTEM, house)
    assert len(reads) == 2
    assert not risk_is_stale(house)
