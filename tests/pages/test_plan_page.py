"""The page of plans as each role meets it: draft, submit, approve, refuse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from db.models import District, School
from domain.access import SYSTEM, Actor
from domain.words import PlanStatus, Role
from services.demo.build import build_demo_city
from services.house import House
from services.jobs import JOBS, JobState
from services.map_schools import load_school_table
from services.plans.preview import preview_frozen
from services.plans.records import list_plans, read_plan
from services.plans.simulate import simulation_key, start_simulation
from services.plans.write import save_plan
from tests.browser.serving import make_house
from tests.pages.test_map_page import texts

PAGE = "pages/inspection/plan.py"
OpenPage = Callable[..., AppTest]
INSPECTOR = Actor(account_id=1, login="inspector-", name="", role=Role.INSPECTOR)
LEADER = Actor(account_id=2, login="leader-", name="", role=Role.LEADER)
CITY, SUBMITTED = "JH2026-001", "JH2026-003"


@pytest.fixture(scope="module")
def planning_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a small demo city in which these tests plan."""
    house = make_house(tmp_path_factory.mktemp("plans") / "var")
    build_demo_city(
        SYSTEM, house, schools=90, seed=11, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    yield house
    house.engine.dispose()


def said(page: AppTest) -> str:
    kinds = ("caption", "success", "warning", "subheader", "info", "error", "html")
    return texts(page) + " ".join(
        str(getattr(e, "value", "") or getattr(e, "body", "")) for k in kinds for e in page.get(k)
    )


def field(page: AppTest, kind: str, name: str):
    """Return the form field whose key ends with ``name``: its beginning is drawn anew."""
    return next(e for e in getattr(page, kind) if (e.key or "").endswith(f"-{name}"))


def numbers(house: House) -> set[str]:
    return set(list_plans(LEADER, house)["number"])


def opened(page: AppTest, number: str) -> AppTest:
    page.query_params["plan"] = number
    return page.run()


def new_draft(open_page: OpenPage, house: House, title: str) -> tuple[AppTest, str]:
    page = open_page(house, PAGE, role=Role.INSPECTOR)
    page.query_params["do"] = "new"
    page.run()
    assert not page.exception
    before = numbers(house)
    field(page, "text_input", "title").set_value(title).run()
    page.button(key="plan-save").click().run()
    assert not page.exception
    (number,) = numbers(house) - before
    return page, number


def test_the_list_names_every_plan_with_its_state_and_next_step(
    open_page: OpenPage, planning_house: House
) -> None:
    page = open_page(planning_house, PAGE, role=Role.LEADER).run()
    assert not page.exception
    table = page.dataframe[0].value
    assert {CITY, SUBMITTED} <= set(table["number"])
    assert "等您批准" in said(page)
    assert not [b for b in page.button if b.key == "plan-new"]


def test_an_inspector_drafts_saves_and_submits_what_the_preview_showed(
    open_page: OpenPage, planning_house: House
) -> None:
    page, number = new_draft(open_page, planning_house, "页面拟定")
    assert page.query_params["plan"] in (number, [number])
    assert "草稿已保存" in said(page)
    facts = read_plan(INSPECTOR, planning_house, number=number)
    assert (facts.status, facts.terms.n, facts.title) == (PlanStatus.DRAFT, 10, "页面拟定")
    assert facts.terms.day.start_name.endswith("（示意）")
    field(page, "number_input", "n").set_value(6).run()
    assert "有未保存的修改" in said(page)
    page.button(key="plan-submit").click().run()
    assert not page.exception
    facts = read_plan(INSPECTOR, planning_house, number=number)
    assert (facts.status, facts.n) == (PlanStatus.SUBMITTED, 6)
    assert facts.frame_hash in said(page)
    assert not [b for b in page.button if b.key == "plan-save"], "nobody edits it now"


def test_a_number_changed_in_the_same_breath_as_the_submission_is_saved_and_previewed_first(
    open_page: OpenPage, planning_house: House
) -> None:
    page, number = new_draft(open_page, planning_house, "同一口气")
    field(page, "number_input", "n").set_value(7)
    page.button(key="plan-submit").click().run()
    assert "刚刚改过" in said(page)
    facts = read_plan(INSPECTOR, planning_house, number=number)
    assert (facts.status, facts.terms.n) == (PlanStatus.DRAFT, 7)


def test_bad_input_is_told_in_words_beside_the_form(
    open_page: OpenPage, planning_house: House
) -> None:
    page = open_page(planning_house, PAGE, role=Role.INSPECTOR)
    page.query_params["do"] = "new"
    page.run()
    page.button(key="plan-save").click().run()
    assert "计划名称为空" in said(page)
    field(page, "number_input", "n").set_value(9999).run()
    assert "还不能提交" in said(page)
    assert "要抽 9999 所" in said(page)
    assert page.button(key="plan-submit").disabled
    field(page, "number_input", "n").set_value(5).run()
    field(page, "date_input", "last").set_value(dt.date(2026, 10, 1)).run()
    assert "结束日早于开始日" in said(page)


def test_of_two_people_at_one_draft_the_second_learns_it_and_can_open_the_latest(
    open_page: OpenPage, planning_house: House
) -> None:
    page, number = new_draft(open_page, planning_house, "两人同改")
    facts = read_plan(INSPECTOR, planning_house, number=number)
    save_plan(
        INSPECTOR,
        planning_house,
        terms=replace(facts.terms, n=3),
        number=number,
        row_version=facts.row_version,
    )
    field(page, "number_input", "n").set_value(8).run()
    assert "刚被别人保存过" in said(page)
    page.button(key="plan-save").click().run()
    assert "保存过" in said(page)
    assert read_plan(INSPECTOR, planning_house, number=number).terms.n == 3
    page.button(key="plan-reopen").click().run()
    assert field(page, "number_input", "n").value == 3


def test_schools_are_added_by_search_and_by_suggestion_and_the_list_reaches_the_plan(
    open_page: OpenPage, planning_house: House
) -> None:
    page, number = new_draft(open_page, planning_house, "名单")
    code = load_school_table(INSPECTOR, planning_house).codes[0].as_py()
    field(page, "text_input", "left-out-q").set_value(code).run()
    field(page, "text_input", "left-out-note").set_value("教考〔2026〕1 号").run()
    field(page, "button", "left-out-add").click().run()
    assert not page.exception
    field(page, "text_input", "must-q").set_value(code).run()
    assert "没有找到，或已在名单中" in said(page)
    page.button(key="plan-save").click().run()
    (entry,) = read_plan(INSPECTOR, planning_house, number=number).terms.exclusions
    assert (entry.code, entry.note) == (code, "教考〔2026〕1 号")


def test_a_leader_approves_after_being_asked_once_more_and_then_nothing_can_be_changed(
    open_page: OpenPage, planning_house: House
) -> None:
    _, number = new_draft(open_page, planning_house, "待批")
    page = opened(open_page(planning_house, PAGE, role=Role.INSPECTOR), number)
    page.button(key="plan-submit").click().run()
    page = opened(open_page(planning_house, PAGE, role=Role.LEADER), number)
    assert "队伍" in said(page)
    page.button(key="plan-return").click().run()
    assert "退回意见为空" in said(page)
    page.button(key="plan-approve").click().run()
    assert read_plan(LEADER, planning_house, number=number).status is PlanStatus.SUBMITTED
    page.button(key="plan-approve-sure").click().run()
    assert not page.exception
    assert "已批准" in said(page)
    assert read_plan(LEADER, planning_house, number=number).status is PlanStatus.APPROVED
    page = opened(open_page(planning_house, PAGE, role=Role.INSPECTOR), number)
    assert not [b for b in page.button if b.key in ("plan-save", "plan-submit", "plan-cancel")]
    page.button(key="plan-copy").click().run()
    assert "待批（复制）" in said(page)


def test_a_returned_plan_shows_the_leaders_words_to_its_drafter(
    open_page: OpenPage, planning_house: House
) -> None:
    _, number = new_draft(open_page, planning_house, "退回")
    opened(open_page(planning_house, PAGE, role=Role.INSPECTOR), number).button(
        key="plan-submit"
    ).click().run()
    page = opened(open_page(planning_house, PAGE, role=Role.LEADER), number)
    page.text_input(key="plan-return-note").set_value("数量太少").run()
    page.button(key="plan-return").click().run()
    page = opened(open_page(planning_house, PAGE, role=Role.INSPECTOR), number)
    assert "已退回：数量太少" in said(page)
    assert [b for b in page.button if b.key == "plan-save"]


def test_a_district_officer_sees_and_plans_the_own_district_only(
    open_page: OpenPage, planning_house: House
) -> None:
    table = load_school_table(SYSTEM, planning_house)
    code = table.district_codes[1]
    page = open_page(planning_house, PAGE, role=Role.DISTRICT, district_code=code).run()
    assert CITY not in said(page)
    page.query_params["do"] = "new"
    page.run()
    assert not page.exception
    field(page, "number_input", "n").set_value(2).run()
    size = int((table.district == 1).sum())
    assert f"<b>{size} 所</b><span>名录库" in said(page)
    channels = field(page, "selectbox", "channel").options
    assert "县市区交叉检查" not in channels
    page = opened(open_page(planning_house, PAGE, role=Role.DISTRICT, district_code=code), CITY)
    assert "没有找到这个抽查计划" in said(page)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE, Role.TOWNSHIP])
def test_other_roles_meet_no_entry_at_the_plans(
    open_page: OpenPage, planning_house: House, role: Role
) -> None:
    scope = {}
    if role is Role.TOWNSHIP:
        with planning_house.read() as session:
            scope["township_code"] = session.scalar(
                select(District.code).join(School, School.township_id == District.id).limit(1)
            )
    page = open_page(planning_house, PAGE, role=role, **scope).run()
    assert "无权访问" in said(page)
    assert not page.dataframe


def test_the_simulation_shows_what_came_out_and_can_be_called_off(
    open_page: OpenPage, planning_house: House
) -> None:
    viewer = Actor(account_id=5, login="auditor-", name="", role=Role.AUDITOR)
    outlook = preview_frozen(viewer, planning_house, number=SUBMITTED).outlook
    page = opened(open_page(planning_house, PAGE, role=Role.AUDITOR), SUBMITTED)
    assert [b for b in page.button if b.key == "plan-simulate"]
    key = start_simulation(viewer, outlook=outlook, draws=40)
    waiter = Event()
    for _ in range(3000):
        job = JOBS.look(viewer, key)
        assert job is not None
        if job.state is not JobState.RUNNING:
            break
        waiter.wait(0.01)
    page.run()
    assert not page.exception
    assert "40 次里，各区县抽到的所数没有一次超出" in said(page)
    assert key == simulation_key(outlook)
    JOBS.drop(viewer, key)
