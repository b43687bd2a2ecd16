from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from db.models import (
    Draw,
    Hazard,
    Inspection,
    Inspector,
    InspectorTie,
    RouteMember,
    RouteStop,
    School,
    SelfCheck,
)
from domain.draw.roster import RosterRule
from domain.errors import Forbidden, UserError
from domain.plan import DayTerms, Exclusion, MustVisit, RosterTerms
from domain.quick_draw import Weighting
from domain.words import (
    Channel,
    DeadlineClass,
    DrawForm,
    DrawStatus,
    HazardCategory,
    HazardSource,
    HazardStage,
    InspectionLevel,
    InspectorKind,
    LegalForm,
    LegalReason,
    MustVisitReason,
    NoticeMode,
    Severity,
    TieKind,
    ValueSource,
)
from services.house import House
from services.plans.places import default_start
from services.plans.preview import preview_frozen, preview_plan
from services.plans.rosters import TRIES, check_frozen_rosters, check_rosters
from services.plans.suggest import suggest_must_visits
from services.plans.write import approve_plan, save_plan, submit_plan
from services.rounds_pool import inspector_pool
from tests.city import SmallCity
from tests.unit.services.plans.conftest import AUDITOR, INSPECTOR, LEADER, officer, terms

ZERO = MustVisitReason.ZERO_REPORT


def inspect(
    house: House, school: int, *days: str, level: InspectionLevel = InspectionLevel.CITY
) -> None:
    with Session(house.engine) as session:
        for day in days:
            session.add(
                Inspection(
                    number=f"{school}-{day}-{level}",
                    school_id=school,
                    level=level,
                    channel=Channel.ROUTINE,
                    notice_mode=NoticeMode.UNANNOUNCED,
                    on_date=dt.date.fromisoformat(day),
                )
            )
        session.commit()


def add_people(
    house: House,
    count: int,
    leads: int,
    *,
    prefix: str = "C",
    district: int | None = None,
) -> dict[str, int]:
    level = InspectionLevel.CITY if district is None else InspectionLevel.COUNTY
    with Session(house.engine) as session:
        people = [
            Inspector(
                code=f"{prefix}{k}",
                name=f"人{prefix}{k}",
                kind=InspectorKind.EDUCATION,
                level=level,
                district_id=district,
                can_lead=k < leads,
            )
            for k in range(count)
        ]
        session.add_all(people)
        session.commit()
        return {person.code: person.id for person in people}


def test_every_schools_chance_is_exact_and_all_chances_make_n(
    house: House, city: SmallCity
) -> None:
    inspect(house, city.schools["E1"], "2026-03-01")
    seen = preview_plan(INSPECTOR, house, terms=terms(n=2))
    schools = seen.outlook.schools.set_index("code")
    # n·min(ρ, |B|/N) = 2·min(0.1, 1/4) = 1/5 for the one inspected school, 9/5 for three.
    assert schools["chance"].to_dict() == {"E1": "1/5", "E2": "3/5", "E3": "3/5", "W1": "3/5"}
    assert sum(seen.outlook.chances) == Fraction(2)
    assert schools["inspected"].to_dict() == {"E1": True, "E2": False, "E3": False, "W1": False}
    assert seen.by_district["expected"].sum() == pytest.approx(2)
    assert (seen.by_district["low"] <= seen.by_district["expected"]).all()
    assert (seen.by_district["expected"] <= seen.by_district["high"]).all()
    assert (seen.n, seen.first_n, seen.inspected) == (2, 2, 1)
    assert seen.fresh == pytest.approx(1.8)


def test_what_was_previewed_is_what_is_frozen_and_shown_to_the_leader(
    house: House, city: SmallCity
) -> None:
    asked = terms(n=2, weighting=Weighting(by_risk=True, floor=1, cap=3))
    seen = preview_plan(INSPECTOR, house, terms=asked)
    number = save_plan(INSPECTOR, house, terms=asked)
    f = submit_plan(INSPECTOR, house, number=number, frame_hash=seen.frame_hash)
    shown = preview_frozen(LEADER, house, number=number)
    assert f == seen.frame_hash == shown.frame_hash
    assert shown.outlook.chances == seen.outlook.chances
    assert shown.weights.to_dict() == seen.weights.to_dict()
    (row,) = shown.weights.to_dict("records")
    assert (row["level"], row["base"], row["bound"], row["schools"]) == ("数据不足", 2, 2, 4)
    with pytest.raises(Forbidden):
        preview_plan(LEADER, house, terms=asked)
    assert preview_frozen(AUDITOR, house, number=number).n == 2


def test_the_schools_left_out_are_listed_with_reason_and_note(
    house: House, city: SmallCity
) -> None:
    seen = preview_plan(
        INSPECTOR,
        house,
        terms=terms(
            n=1,
            must_visit=(MustVisit("E1", ZERO, "连报零"),),
            exclusions=(Exclusion("E2", LegalReason.EXAM, "高考考点"),),
        ),
    )
    assert seen.excluded.to_numpy().tolist() == [
        ["E1", "学校E1", ZERO.label, "连报零"],
        ["E2", "学校E2", LegalReason.EXAM.label, "高考考点"],
    ]
    assert seen.outlook.frame.ids == ("E3", "W1")


def test_schools_at_the_visit_cap_are_named_with_what_is_to_come(
    house: House, city: SmallCity
) -> None:
    inspect(house, city.schools["E1"], "2026-03-01", "2026-04-01")
    inspect(house, city.schools["E2"], "2026-03-01", level=InspectionLevel.COUNTY)
    inspect(house, city.schools["E2"], "2026-03-05", "2025-03-05")
    inspect(house, city.schools["W1"], "2026-03-01")
    seen = preview_plan(
        INSPECTOR, house, terms=terms(n=2, visit_cap=2, must_visit=(MustVisit("E2", ZERO),))
    )
    capped = seen.capped.set_index("code")
    assert capped["visits"].to_dict() == {"E1": 2, "E2": 2}
    assert capped.loc["E2", "chance"] == "必查"
    assert capped.loc["E2", "expected_visits"] == 3
    chance = Fraction(capped.loc["E1", "chance"])
    assert capped.loc["E1", "expected_visits"] == pytest.approx(2 + float(chance))


def test_a_plan_of_the_same_month_over_the_same_schools_is_named(
    house: House, city: SmallCity
) -> None:
    other = save_plan(
        INSPECTOR, house, terms=terms("消防专项", n=1, must_visit=(MustVisit("E1", ZERO),))
    )
    asked = terms(n=2, must_visit=(MustVisit("E1", ZERO),))
    assert preview_plan(INSPECTOR, house, terms=asked).overlaps == (), "a draft binds nobody"
    submit_plan(INSPECTOR, house, number=other)
    (found,) = preview_plan(INSPECTOR, house, terms=asked).overlaps
    assert (found.number, found.title, found.both_must) == (other, "消防专项", ("E1",))
    assert found.common == 4
    assert found.expected == pytest.approx(1 + 3 * (1 / 3) * (2 / 3))
    later = terms(first_day=dt.date(2026, 10, 8), last_day=dt.date(2026, 10, 9))
    assert preview_plan(INSPECTOR, house, terms=later).overlaps == ()
    assert preview_frozen(LEADER, house, number=other).overlaps == (), "not with itself"
    east = officer(city.east)
    assert preview_plan(east, house, terms=terms(n=1)).overlaps == (), "not a plan it may see"


@pytest.mark.parametrize(
    ("channel", "flagged"), [(Channel.THIRD_PARTY, True), (Channel.CROSS, True), (Channel.JOINT, False)]
)  # fmt: skip
def test_companies_are_flagged_where_their_inspection_is_restricted(
    house: House, city: SmallCity, channel: Channel, flagged: bool
) -> None:
    with Session(house.engine) as session:
        session.execute(
            update(School).where(School.code.in_(["E1", "E2"])).values(legal_form=LegalForm.COMPANY)
        )
        session.commit()
    asked = terms(n=1, channel=channel, must_visit=(MustVisit("E2", ZERO),))
    found = preview_plan(INSPECTOR, house, terms=asked).companies
    expected = [["E1", "学校E1", "抽取名录"], ["E2", "学校E2", "必查名单"]]
    assert found.to_numpy().tolist() == (expected if flagged else [])


def test_the_years_forecast_grows_by_what_the_plan_newly_covers(
    house: House, city: SmallCity
) -> None:
    seen = preview_plan(INSPECTOR, house, terms=terms(n=2))
    assert seen.forecast is not None
    assert seen.with_plan is not None
    assert seen.forecast.level is InspectionLevel.CITY
    assert seen.with_plan.expected == pytest.approx(seen.forecast.expected + 2)
    number = save_plan(officer(city.east), house, terms=terms(n=1))
    submit_plan(officer(city.east), house, number=number)
    assert preview_frozen(LEADER, house, number=number).forecast is None, "another unit's"


def test_a_bad_draft_is_refused_in_the_words_of_its_submission(
    house: House, city: SmallCity
) -> None:
    with pytest.raises(UserError, match="范围内有 4 所"):
        preview_plan(INSPECTOR, house, terms=terms(n=9))


def test_with_people_enough_every_simulated_round_has_a_team(house: House, city: SmallCity) -> None:
    add_people(house, 5, 2)
    found = check_rosters(INSPECTOR, house, terms=terms(n=3))
    assert found.is_good
    assert (found.people, found.leads, found.needed, found.tried) == (5, 2, 4, TRIES)


def test_too_few_leads_block_before_any_school_is_known(house: House, city: SmallCity) -> None:
    add_people(house, 6, 1)
    found = check_rosters(INSPECTOR, house, terms=terms(n=3))
    assert found.bare is not None
    assert found.bare.leads_missing
    assert not found.is_good
    assert "可带队人员不足" in found.bare.error.message


def test_a_conflict_blocks_some_rounds_and_the_rule_that_frees_them_is_named(
    house: House, city: SmallCity
) -> None:
    people = add_people(house, 2, 1)
    with Session(house.engine) as session:
        session.add(
            InspectorTie(
                inspector_id=people["C1"], school_id=city.schools["W1"], kind=TieKind.DECLARED
            )
        )
        session.commit()
    one_team = DayTerms(teams=1)
    found = check_rosters(INSPECTOR, house, terms=terms(n=2, day=one_team))
    assert found.bare is None
    assert 0 < found.staffed < found.tried
    assert found.blocked is not None
    assert [rule for rule, _ in found.frees] == [RosterRule.CONFLICT]
    assert found.eased == 0
    assert found.names == {"C0": "人C0", "C1": "人C1"}


def test_across_districts_nobody_goes_to_his_own(house: House, city: SmallCity) -> None:
    add_people(house, 2, 1, prefix="E", district=city.east)
    one_team = DayTerms(teams=1)
    asked = terms(n=2, channel=Channel.CROSS, day=one_team)
    found = check_rosters(INSPECTOR, house, terms=asked)
    assert found.staffed == 0, "two of four schools always touch the east"
    add_people(house, 2, 1, prefix="W", district=city.west)
    assert check_rosters(INSPECTOR, house, terms=asked).staffed > 0
    joint = terms(n=2, day=one_team)
    assert check_rosters(INSPECTOR, house, terms=joint).people == 0, "county people stay home"


def test_a_districts_plan_takes_its_own_people(house: House, city: SmallCity) -> None:
    add_people(house, 3, 1, prefix="E", district=city.east)
    add_people(house, 9, 9)
    east = officer(city.east)
    asked = terms(n=2, day=DayTerms(teams=1))
    number = save_plan(east, house, terms=asked)
    submit_plan(east, house, number=number)
    assert check_rosters(east, house, terms=asked).people == 3
    assert check_frozen_rosters(LEADER, house, number=number).people == 3


def add_round(house: House, city: SmallCity, status: DrawStatus, people: dict[str, int]) -> None:
    """Add a round of last week in which C0 and C1 visited E1; C1 did not come to the other."""
    with Session(house.engine) as session:
        draw = Draw(
            number=f"CQ-{status.value}",
            year=2026,
            form=DrawForm.SEALED,
            level=InspectionLevel.CITY,
            title="旧",
            n=1,
            request_key=f"key-{status.value}",
            value_source=ValueSource.TYPED,
            frame=b"",
            excluded=b"",
            frame_hash="",
            parameters={},
            parameters_hash="",
            schools=4,
            status=status,
            committed_at=house.now(),
            committed_by="li",
            commit_seq=1,
            departs_on=dt.date(2026, 8, 25),
        )
        session.add(draw)
        session.flush()
        session.add_all(
            RouteMember(draw_id=draw.id, inspector_id=people[code], route=route, can_lead=True, absent_reason=why)
            for code, route, why in (("C0", "R1", None), ("C1", "R1", None), ("C2", "R1", "生病"))
        )  # fmt: skip
        session.add(
            RouteStop(
                draw_id=draw.id,
                route="R1",
                position=1,
                school_id=city.schools["E1"],
                school_code="E1",
            )
        )
        session.commit()


def pool(house: House, on: dt.date = dt.date(2026, 9, 7), days: int = 30) -> dict[str, object]:
    with house.read() as session:
        people = inspector_pool(
            session,
            level=InspectionLevel.CITY,
            district_id=None,
            channel=Channel.JOINT,
            on=on,
            duty_days=days,
        )
    return {person.id: person for person in people}


def test_a_revealed_round_counts_as_duty_partner_and_school_and_an_absence_does_not(
    house: House, city: SmallCity
) -> None:
    add_round(house, city, DrawStatus.DRAWN, add_people(house, 3, 3))
    people = pool(house)
    assert [people[c].duties for c in ("C0", "C1", "C2")] == [1, 1, 0]
    assert people["C0"].last_partners == {"C1"}
    assert people["C0"].last_schools == {"E1"}
    assert people["C2"].last_schools == frozenset()
    assert pool(house, days=5)["C0"].duties == 0
    assert pool(house, days=5)["C0"].last_partners == {"C1"}


@pytest.mark.parametrize("status", [s for s in DrawStatus if s is not DrawStatus.DRAWN])
def test_a_round_that_is_not_revealed_tells_nothing(
    house: House, city: SmallCity, status: DrawStatus
) -> None:
    add_round(house, city, status, add_people(house, 3, 3))
    person = pool(house)["C0"]
    assert (person.duties, person.last_partners, person.last_schools) == (0, set(), set())


def test_former_employers_and_declared_conflicts_bind_and_the_retired_stay_out(
    house: House, city: SmallCity
) -> None:
    people = add_people(house, 3, 3)
    left = dt.date(2025, 1, 1)
    with Session(house.engine) as session:
        session.add_all(
            InspectorTie(
                inspector_id=people["C0"], school_id=city.schools[code], kind=kind, left_on=day
            )
            for code, kind, day in (
                ("E1", TieKind.FORMER, left),
                ("E2", TieKind.FORMER, None),
                ("W1", TieKind.DECLARED, None),
            )
        )
        session.execute(update(Inspector).where(Inspector.code == "C2").values(is_active=False))
        session.commit()
    found = pool(house)
    assert set(found) == {"C0", "C1"}
    assert found["C0"].former == (("E1", left),)
    assert found["C0"].conflicts == {"E2", "W1"}, "nobody knows when he left E2"


def test_listed_hazards_and_silent_schools_are_suggested_within_the_scope(
    house: House, city: SmallCity
) -> None:
    with Session(house.engine) as session:
        for k, (code, stage, due) in enumerate(
            (
                ("E2", HazardStage.RECTIFICATION, "2026-12-01"),
                ("W1", HazardStage.RECTIFICATION, "2026-08-01"),
                ("E3", HazardStage.CLOSED, "2026-08-01"),
            )
        ):
            session.add(
                Hazard(
                    number=f"H{k}",
                    school_id=city.schools[code],
                    origin=HazardSource.INSPECTION,
                    category=HazardCategory.FIRE,
                    description="堵",
                    severity=Severity.MAJOR,
                    deadline_class=DeadlineClass.LISTED,
                    stage=stage,
                    found_on=dt.date(2026, 6, 1),
                    due_on=dt.date.fromisoformat(due),
                )
            )
        for month in range(3, 9):
            for code, found in (("E1", 0), ("E3", 1 if month == 5 else 0), ("E2", 0)):
                session.add(
                    SelfCheck(
                        school_id=city.schools[code],
                        month=dt.date(2026, month, 1),
                        submitted_on=dt.date(2026, month, 25)
                        if code != "W1" and (code, month) != ("E3", 4)
                        else None,
                        findings=found,
                    )
                )
        session.commit()
    found = suggest_must_visits(INSPECTOR, house)
    assert found[["code", "reason"]].to_numpy().tolist() == [
        ["W1", "listed"], ["E2", "listed"], ["E1", "zero_report"],
    ]  # fmt: skip
    assert found["why"].tolist() == [
        "挂牌督办隐患 1 条未销号，其中逾期 1 条",
        "挂牌督办隐患 1 条未销号",
        "近 6 个月自查全部为零报告",
    ]
    west = suggest_must_visits(officer(city.west), house)
    assert west["code"].tolist() == ["W1"]
    with pytest.raises(Forbidden):
        suggest_must_visits(LEADER, house)


def test_a_team_starts_in_the_middle_of_the_area_where_nothing_else_is_said(
    house: House, city: SmallCity
) -> None:
    place = default_start(house, district_id=None)
    assert place is not None
    assert (place.name, place.lon, place.lat) == ("测试市教育局（示意）", 118.0, 33.0)
    east = default_start(house, district_id=city.east)
    assert east is not None
    assert east.name == "东区教育局（示意）"


def test_rules_that_the_plan_sets_aside_free_rounds_and_are_counted_apart(
    house: House, city: SmallCity
) -> None:
    people = add_people(house, 3, 3)
    add_round(house, city, DrawStatus.DRAWN, people)
    with Session(house.engine) as session:
        session.execute(update(Inspector).where(Inspector.code == "C2").values(is_active=False))
        session.commit()
    asked = terms(n=2, day=DayTerms(teams=1))
    found = check_rosters(INSPECTOR, house, terms=asked)
    assert (found.staffed, found.eased) == (0, 0), "the same two people once more"
    assert found.bare is not None
    pairs = RosterTerms(relax=(RosterRule.SAME_PAIR,))
    eased = check_rosters(INSPECTOR, house, terms=replace(asked, roster=pairs))
    assert eased.bare is None
    assert eased.staffed == 0
    assert 0 < eased.eased < eased.tried, "E1 keeps both away where it is drawn"


def test_an_approved_plan_shows_the_preview_of_what_it_froze_for_good(
    house: House, city: SmallCity
) -> None:
    number = save_plan(INSPECTOR, house, terms=terms(n=2))
    submit_plan(INSPECTOR, house, number=number)
    approve_plan(LEADER, house, number=number)
    before = preview_frozen(LEADER, house, number=number)
    inspect(house, city.schools["E1"], "2026-08-01")
    with house.write(INSPECTOR) as work:
        work.bump("inspections")
        work.audit("test.inspected")
    after = preview_frozen(LEADER, house, number=number)
    assert after.frame_hash == before.frame_hash
    assert after.outlook.chances == before.outlook.chances
    assert after.outlook.schools.set_index("code").loc["E1", "visits"] == 1
