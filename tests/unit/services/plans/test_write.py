from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from db.models import AuditEvent, Departure, Inspection, SamplingPlan, School
from domain.draw.frame import parse_excluded, parse_frame
from domain.errors import Forbidden, NotFound, UserError
from domain.plan import Exclusion, MustVisit
from domain.school_filter import SchoolFilter
from domain.words import (
    Channel,
    InspectionLevel,
    LegalForm,
    LegalReason,
    MustVisitReason,
    NoticeMode,
    PlanStatus,
    SchoolStatus,
)
from services.house import House
from services.plans.records import list_plans, read_frozen, read_plan
from services.plans.write import (
    approve_plan,
    cancel_plan,
    copy_plan,
    return_plan,
    save_plan,
    submit_plan,
)
from tests.city import SmallCity, add_small_city
from tests.unit.services.plans.conftest import AUDITOR, INSPECTOR, LEADER, officer, terms

ZERO = MustVisitReason.ZERO_REPORT


@pytest.fixture
def city(any_house: House) -> SmallCity:
    return add_small_city(any_house)


def inspect(house: House, school: int, on: str, level: InspectionLevel) -> None:
    with Session(house.engine) as session:
        session.add(
            Inspection(
                number=f"{school}-{on}-{level}",
                school_id=school,
                level=level,
                channel=Channel.ROUTINE,
                notice_mode=NoticeMode.UNANNOUNCED,
                on_date=dt.date.fromisoformat(on),
            )
        )
        session.commit()


def set_school(house: House, code: str, **values: object) -> None:
    with Session(house.engine) as session:
        session.execute(update(School).where(School.code == code).values(**values))
        session.commit()


def events(house: House) -> list[str]:
    with house.read() as session:
        found = session.scalars(select(AuditEvent.kind).order_by(AuditEvent.seq)).all()
    return [kind for kind in found if kind.startswith("plan.")]


def submitted(house: House, **more: object) -> str:
    number = save_plan(INSPECTOR, house, terms=terms(**more))
    submit_plan(INSPECTOR, house, number=number)
    return number


def test_a_plan_goes_from_draft_to_approval_and_every_step_is_an_event(
    any_house: House, city: SmallCity
) -> None:
    versions = any_house.versions()["draws"]
    number = save_plan(INSPECTOR, any_house, terms=terms("  秋季　抽查 "))
    assert number == "JH2026-001"
    facts = read_plan(INSPECTOR, any_house, number=number)
    assert (facts.title, facts.level, facts.district_id) == (
        "秋季 抽查", InspectionLevel.CITY, None,
    )  # fmt: skip
    assert facts.status is PlanStatus.DRAFT
    assert facts.may_edit
    f = submit_plan(INSPECTOR, any_house, number=number, row_version=facts.row_version)
    seen = read_plan(LEADER, any_house, number=number)
    assert (seen.status, seen.frame_hash, seen.schools) == (PlanStatus.SUBMITTED, f, 4)
    assert seen.may_decide
    assert not read_plan(INSPECTOR, any_house, number=number).may_edit
    approve_plan(LEADER, any_house, number=number, row_version=seen.row_version, note="同意")
    done = read_plan(INSPECTOR, any_house, number=number)
    assert done.status is PlanStatus.APPROVED
    assert (done.decided_by, done.decision_note) == ("ju", "同意")
    assert not done.may_edit
    assert not done.may_cancel
    assert events(any_house) == ["plan.drafted", "plan.submitted", "plan.approved"]
    assert any_house.versions()["draws"] == versions + 3
    assert read_frozen(LEADER, any_house, number=number).frame.hash == f


def test_what_is_frozen_says_who_is_left_out_and_why_and_who_was_inspected(
    any_house: House, city: SmallCity
) -> None:
    with Session(any_house.engine) as session:
        closed = School(code="E9", name="东九", lon=118.0, lat=33.0, district_id=city.east)
        closed.status = SchoolStatus.SUSPENDED
        session.add(closed)
        session.commit()
    inspect(any_house, city.schools["E3"], "2026-03-02", InspectionLevel.CITY)
    inspect(any_house, city.schools["W1"], "2026-03-02", InspectionLevel.COUNTY)
    inspect(any_house, city.schools["W1"], "2025-12-30", InspectionLevel.CITY)
    inspect(any_house, city.schools["W1"], "2026-09-02", InspectionLevel.CITY)
    number = submitted(
        any_house,
        n=1,
        must_visit=(MustVisit("E1", ZERO),),
        exclusions=(Exclusion("E2", LegalReason.EXAM, "教考〔2026〕7 号"),),
    )
    with any_house.read() as session:
        row = session.scalars(select(SamplingPlan)).one()
        assert row.frame is not None
        assert row.excluded is not None
        assert parse_frame(row.frame).ids == ("E3", "W1")
        assert parse_excluded(row.excluded) == [
            ("E1", "zero_report"), ("E2", "exam"), ("E9", "suspended"),
        ]  # fmt: skip
    facts = read_plan(INSPECTOR, any_house, number=number)
    assert facts.inspected == ("E3",), "this level, this year, up to today"
    assert facts.rules["version"] == 1
    assert facts.rules["weights"]["major"] == 4
    assert facts.terms == terms(
        n=1,
        must_visit=(MustVisit("E1", ZERO),),
        exclusions=(Exclusion("E2", LegalReason.EXAM, "教考〔2026〕7 号"),),
    )


def test_after_submission_nobody_edits_and_after_approval_nobody_returns(
    any_house: House, city: SmallCity
) -> None:
    number = submitted(any_house)
    with pytest.raises(UserError, match="待批准，不能修改"):
        save_plan(INSPECTOR, any_house, terms=terms(n=3), number=number)
    with pytest.raises(UserError, match="待批准，不能提交"):
        submit_plan(INSPECTOR, any_house, number=number)
    approve_plan(LEADER, any_house, number=number)
    with pytest.raises(UserError, match="已批准，不能修改") as refused:
        save_plan(INSPECTOR, any_house, terms=terms(n=3), number=number)
    assert "复制" in refused.value.next_step
    with pytest.raises(UserError, match="不能退回"):
        return_plan(LEADER, any_house, number=number, note="晚了")
    with pytest.raises(UserError, match="不能批准"):
        approve_plan(LEADER, any_house, number=number)
    with pytest.raises(UserError, match="不能撤销"):
        cancel_plan(INSPECTOR, any_house, number=number, reason="不想做了")
    assert read_plan(INSPECTOR, any_house, number=number).terms.n == 2


def test_a_returned_plan_is_a_draft_again_with_the_note_and_nothing_frozen(
    any_house: House, city: SmallCity
) -> None:
    number = submitted(any_house)
    with pytest.raises(UserError, match="退回意见为空"):
        return_plan(LEADER, any_house, number=number, note="  ")
    return_plan(LEADER, any_house, number=number, note="数量太少")
    facts = read_plan(INSPECTOR, any_house, number=number)
    assert facts.may_edit
    assert "已退回：数量太少" in facts.next_step
    assert (facts.frame_hash, facts.schools, facts.inspected, dict(facts.rules)) == ("", 0, (), {})
    with pytest.raises(UserError, match="没有冻结"):
        read_frozen(LEADER, any_house, number=number)
    save_plan(INSPECTOR, any_house, terms=terms(n=3), number=number)
    submit_plan(INSPECTOR, any_house, number=number)
    assert read_plan(LEADER, any_house, number=number).decision_note == ""


def test_of_two_people_saving_at_once_the_second_is_told_who_was_first(
    any_house: House, city: SmallCity
) -> None:
    number = save_plan(INSPECTOR, any_house, terms=terms())
    version = read_plan(INSPECTOR, any_house, number=number).row_version
    together = Barrier(2)

    def save(n: int) -> str:
        together.wait()
        try:
            save_plan(INSPECTOR, any_house, terms=terms(n=n), number=number, row_version=version)
        except UserError as error:
            return error.message
        return "saved"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(save, (1, 3)))
    assert said.count("saved") == 1
    assert "已由li于" in next(text for text in said if text != "saved")
    assert read_plan(INSPECTOR, any_house, number=number).row_version == version + 1


def test_two_new_plans_at_once_get_two_numbers(any_house: House, city: SmallCity) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda k: save_plan(INSPECTOR, any_house, terms=terms(f"第{k}个")), range(4))
        )
    assert sorted(made) == [f"JH2026-00{k}" for k in range(1, 5)]


def test_a_leader_approves_only_what_he_saw(any_house: House, city: SmallCity) -> None:
    number = submitted(any_house)
    version = read_plan(LEADER, any_house, number=number).row_version
    return_plan(LEADER, any_house, number=number, note="再想想")
    save_plan(INSPECTOR, any_house, terms=terms(n=4), number=number)
    submit_plan(INSPECTOR, any_house, number=number)
    with pytest.raises(UserError, match="不是最新内容"):
        approve_plan(LEADER, any_house, number=number, row_version=version)


def test_a_file_that_was_changed_behind_the_plan_is_not_approved(
    any_house: House, city: SmallCity
) -> None:
    number = submitted(any_house)
    with Session(any_house.engine) as session:
        session.execute(update(SamplingPlan).values(frame=b"id,stratum,weight,x,y\n"))
        session.commit()
    with pytest.raises(UserError, match="哈希不符"):
        approve_plan(LEADER, any_house, number=number)


def test_a_district_plans_among_its_own_schools_and_sees_no_other_plan(
    any_house: House, city: SmallCity
) -> None:
    mine = save_plan(officer(city.east), any_house, terms=terms("东区抽查"))
    submit_plan(officer(city.east), any_house, number=mine)
    whole = submitted(any_house)
    facts = read_plan(officer(city.east), any_house, number=mine)
    assert (facts.level, facts.district) == (InspectionLevel.COUNTY, "东区")
    frozen = read_frozen(officer(city.east), any_house, number=mine)
    assert frozen.frame.ids == ("E1", "E2", "E3")
    assert list_plans(officer(city.east), any_house)["number"].tolist() == [mine]
    assert list_plans(officer(city.west), any_house).empty
    assert list_plans(AUDITOR, any_house)["number"].tolist() == [whole, mine]
    with pytest.raises(NotFound):
        read_plan(officer(city.west), any_house, number=mine)
    with pytest.raises(NotFound):
        save_plan(officer(city.east), any_house, terms=terms(), number=whole)
    with pytest.raises(Forbidden):
        cancel_plan(INSPECTOR, any_house, number=mine, reason="市里要改")
    with pytest.raises(Forbidden):
        save_plan(officer(None), any_house, terms=terms())


def test_city_inspectors_read_a_districts_plan_and_do_not_touch_it(
    any_house: House, city: SmallCity
) -> None:
    mine = save_plan(officer(city.east), any_house, terms=terms("东区抽查"))
    assert not read_plan(INSPECTOR, any_house, number=mine).may_edit
    for act in (
        lambda: save_plan(INSPECTOR, any_house, terms=terms(), number=mine),
        lambda: submit_plan(INSPECTOR, any_house, number=mine),
    ):
        with pytest.raises(Forbidden):
            act()
    with pytest.raises(UserError, match="不能复制"):
        copy_plan(INSPECTOR, any_house, number=mine)


@pytest.mark.parametrize("who", [LEADER, AUDITOR])
def test_only_inspectors_and_officers_draft(any_house: House, city: SmallCity, who) -> None:
    with pytest.raises(Forbidden):
        save_plan(who, any_house, terms=terms())


def test_only_leaders_approve(any_house: House, city: SmallCity) -> None:
    number = submitted(any_house)
    for who in (INSPECTOR, AUDITOR, officer(city.east)):
        with pytest.raises(Forbidden):
            approve_plan(who, any_house, number=number)
        with pytest.raises(Forbidden):
            return_plan(who, any_house, number=number, note="不行")


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"n": 5}, "范围内有 4 所"),
        ({"n": 4, "reserve": 1}, "后备 1 所"),
        ({"n": 2, "departures": 3}, "分不成 3 次"),
        ({"must_visit": (MustVisit("X1", ZERO),)}, "X1 不存在"),
        ({"must_visit": (MustVisit("E1", ZERO), MustVisit("E1", ZERO))}, "出现了两次"),
        ({"exclusions": (Exclusion("E1", LegalReason.EXAM),)}, "没有写明依据"),
        ({"exclusions": (Exclusion("E1", LegalReason.COMPANY, "规定"),)}, "不受企业法人"),
        ({"wanted": SchoolFilter(status=("not_yet",))}, "毫无机会"),
        ({"wanted": SchoolFilter(q="没有这种学校")}, "没有在办学校"),
        ({"n": 0, "share_permille": 0}, "其一"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused_at_submission_and_stays_a_draft(
    any_house: House, city: SmallCity, bad: dict[str, object], said: str
) -> None:
    number = save_plan(INSPECTOR, any_house, terms=terms(**bad))
    with pytest.raises(UserError, match=said):
        submit_plan(INSPECTOR, any_house, number=number)
    assert read_plan(INSPECTOR, any_house, number=number).status is PlanStatus.DRAFT


def test_only_a_company_is_left_out_as_a_company(any_house: House, city: SmallCity) -> None:
    left_out = (Exclusion("E1", LegalReason.COMPANY, "涉企检查规定"),)
    number = save_plan(
        INSPECTOR, any_house, terms=terms(channel=Channel.THIRD_PARTY, exclusions=left_out)
    )
    with pytest.raises(UserError, match="不是企业法人"):
        submit_plan(INSPECTOR, any_house, number=number)
    set_school(any_house, "E1", legal_form=LegalForm.COMPANY)
    submit_plan(INSPECTOR, any_house, number=number)
    assert ("E1", "company") in read_frozen(INSPECTOR, any_house, number=number).excluded


def test_a_district_cannot_plan_across_districts(any_house: House, city: SmallCity) -> None:
    east = officer(city.east)
    number = save_plan(east, any_house, terms=terms(channel=Channel.CROSS))
    with pytest.raises(UserError, match="县级计划不能"):
        submit_plan(east, any_house, number=number)


def test_a_plan_is_frozen_only_as_it_was_previewed(any_house: House, city: SmallCity) -> None:
    number = save_plan(INSPECTOR, any_house, terms=terms())
    with pytest.raises(UserError, match="预览之后"):
        submit_plan(INSPECTOR, any_house, number=number, frame_hash="0" * 64)


def test_a_plan_whose_days_are_over_is_neither_submitted_nor_approved(
    any_house: House, city: SmallCity
) -> None:
    past = {"first_day": dt.date(2026, 8, 3), "last_day": dt.date(2026, 8, 31)}
    number = save_plan(INSPECTOR, any_house, terms=terms(**past))
    with pytest.raises(UserError, match="已过"):
        submit_plan(INSPECTOR, any_house, number=number)
    good = submitted(any_house)
    with Session(any_house.engine) as session:
        row = session.scalars(select(SamplingPlan).where(SamplingPlan.number == good)).one()
        row.terms = {**row.terms, "first_day": "2026-08-03", "last_day": "2026-08-31"}
        session.commit()
    with pytest.raises(UserError, match="计划期已过"):
        approve_plan(LEADER, any_house, number=good)


def test_a_share_of_the_schools_is_rounded_up(any_house: House, city: SmallCity) -> None:
    number = submitted(any_house, n=0, share_permille=300)
    assert read_plan(INSPECTOR, any_house, number=number).n == 2


def test_a_cancelled_plan_stays_listed_with_its_reason(any_house: House, city: SmallCity) -> None:
    number = submitted(any_house)
    with pytest.raises(UserError, match="撤销原因为空"):
        cancel_plan(INSPECTOR, any_house, number=number, reason="")
    cancel_plan(INSPECTOR, any_house, number=number, reason="并入专项")
    (row,) = list_plans(LEADER, any_house).to_dict("records")
    assert (row["status"], row["next"]) == ("已撤销", "已撤销：并入专项")
    with pytest.raises(UserError, match="已撤销，不能批准"):
        approve_plan(LEADER, any_house, number=number)


def test_a_plan_with_a_departure_under_way_is_not_cancelled(
    any_house: House, city: SmallCity
) -> None:
    number = submitted(any_house)
    approve_plan(LEADER, any_house, number=number)
    plan = read_plan(LEADER, any_house, number=number)
    with Session(any_house.engine) as session:
        session.add(
            Departure(
                plan_id=plan.id,
                ordinal=1,
                departs_on=dt.date(2026, 9, 8),
                n=2,
                value_source="掷骰子",
                opened_by="li",
                opened_at=any_house.now(),
            )
        )
        session.commit()
    with pytest.raises(UserError, match="第 1 次出发还没有结束"):
        cancel_plan(LEADER, any_house, number=number, reason="不做了")
    with Session(any_house.engine) as session:
        session.execute(update(Departure).values(cancelled_reason="下雨"))
        session.commit()
    cancel_plan(LEADER, any_house, number=number, reason="不做了")


def test_a_copy_is_a_draft_of_its_own_from_today_on(any_house: House, city: SmallCity) -> None:
    past = {"first_day": dt.date(2026, 3, 2), "last_day": dt.date(2026, 3, 20)}
    old = save_plan(INSPECTOR, any_house, terms=terms(n=3, **past))
    new = copy_plan(INSPECTOR, any_house, number=old)
    assert new != old
    copied = read_plan(INSPECTOR, any_house, number=new)
    assert copied.title == "秋季抽查（复制）"
    assert (copied.terms.first_day, copied.terms.last_day) == (
        dt.date(2026, 9, 1), dt.date(2026, 9, 19),
    )  # fmt: skip
    assert copied.terms.n == 3
    assert copied.status is PlanStatus.DRAFT
