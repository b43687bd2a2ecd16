"""A plan from draft to approval in a real browser, and two people at one draft."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from domain.access import SYSTEM, Actor
from domain.words import PlanStatus, Role
from services.demo.build import build_demo_city
from services.house import House
from services.plans.records import list_plans, read_plan
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving

LEADER = Actor(account_id=None, login="demo-leader", name="", role=Role.LEADER)
INSPECTOR = Actor(account_id=None, login="demo-inspector", name="", role=Role.INSPECTOR)


@pytest.fixture(scope="module")
def planning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a small demo city in which these tests plan."""
    house = make_house(tmp_path_factory.mktemp("planning") / "var")
    build_demo_city(
        SYSTEM, house, schools=120, seed=7, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    with serving(house) as running:
        yield running
    house.engine.dispose()


def seat(chromium: Browser, server: Server, log: RequestLog) -> BrowserContext:
    context = chromium.new_context(base_url=server.url, viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    log.watch(context)
    return context


def enter(context: BrowserContext, role: Role, at: str) -> Page:
    page = context.new_page()
    page.goto(at)
    page.click(f"button[name=demo][value={role.value}]")
    page.wait_for_selector("form.csm-out button")
    return page


def fill(page: Page, label: str, value: str) -> None:
    page.get_by_label(label, exact=True).fill(value)
    page.get_by_label(label, exact=True).press("Enter")


def newest(house: House) -> str:
    return str(list_plans(LEADER, house)["number"].iloc[0])


def test_an_inspector_drafts_and_submits_a_leader_approves_and_then_nobody_edits(
    chromium: Browser, planning: Server
) -> None:
    log = RequestLog()
    context = seat(chromium, planning, log)
    page = enter(context, Role.INSPECTOR, "/plans")
    expect(page.get_by_role("heading", name="抽查计划", exact=True)).to_be_visible()
    page.get_by_role("button", name="新拟计划").click()
    fill(page, "计划名称", "浏览器里拟的计划")
    page.get_by_role("tab", name="② 数量与方式").click()
    fill(page, "共抽几所", "6")
    expect(page.get_by_text("各区县预期抽中")).to_be_visible()
    page.get_by_role("button", name="保存草稿").click()
    expect(page.get_by_text("草稿已保存。")).to_be_visible()
    number = newest(planning.house)
    assert f"plan={number}" in page.url
    page.get_by_role("button", name="检查队伍能否排出").click()
    expect(page.get_by_text("队伍排得出来")).to_be_visible()
    page.get_by_role("button", name="模拟 1,000 次抽取").click()
    expect(page.get_by_text("1,000 次里，各区县抽到的所数没有一次超出")).to_be_visible()
    page.get_by_role("button", name="保存并提交批准").click()
    expect(page.get_by_text("等局领导批准或退回")).to_be_visible()
    frozen = read_plan(INSPECTOR, planning.house, number=number)
    assert (frozen.status, frozen.n) == (PlanStatus.SUBMITTED, 6)
    context.close()

    context = seat(chromium, planning, log)
    page = enter(context, Role.LEADER, f"/plans?plan={number}")
    expect(page.get_by_text("各区县预期抽中")).to_be_visible()
    page.get_by_role("button", name="批准", exact=True).click()
    page.get_by_role("button", name="确定批准").click()
    expect(page.get_by_text("按计划出发抽取")).to_be_visible()
    assert read_plan(LEADER, planning.house, number=number).frame_hash == frozen.frame_hash
    context.close()

    context = seat(chromium, planning, log)
    page = enter(context, Role.INSPECTOR, f"/plans?plan={number}")
    expect(page.get_by_text("按计划出发抽取")).to_be_visible()
    expect(page.get_by_role("button", name="复制为新计划")).to_be_visible()
    expect(page.get_by_role("button", name="保存草稿")).to_have_count(0)
    expect(page.get_by_role("button", name="撤销计划")).to_have_count(0)
    context.close()
    assert log.forbidden == []
    assert log.leaving(planning) == []


def test_of_two_people_at_one_draft_the_second_is_told_and_keeps_nothing_over_the_first(
    chromium: Browser, planning: Server
) -> None:
    log = RequestLog()
    first, second = seat(chromium, planning, log), seat(chromium, planning, log)
    one = enter(first, Role.INSPECTOR, "/plans?do=new")
    fill(one, "计划名称", "两个人的计划")
    one.get_by_role("button", name="保存草稿").click()
    expect(one.get_by_text("草稿已保存。")).to_be_visible()
    number = newest(planning.house)
    two = enter(second, Role.INSPECTOR, f"/plans?plan={number}")
    expect(two.get_by_label("计划名称", exact=True)).to_have_value("两个人的计划")
    fill(one, "计划名称", "先保存的")
    one.get_by_role("button", name="保存草稿").click()
    expect(one.get_by_role("heading", name="先保存的")).to_be_visible()
    fill(two, "计划名称", "后保存的")
    expect(two.get_by_text("这个计划刚被别人保存过")).to_be_visible()
    two.get_by_role("button", name="保存草稿").click()
    expect(two.get_by_text("您看到的不是最新内容，这次修改没有生效")).to_be_visible()
    assert read_plan(INSPECTOR, planning.house, number=number).title == "先保存的"
    two.get_by_role("button", name="打开最新内容").click()
    expect(two.get_by_text("这个计划刚被别人保存过")).to_have_count(0, timeout=20_000)
    # Until the run is over, the old form stands beside the new one.
    expect(two.get_by_label("计划名称", exact=True)).to_have_count(1, timeout=20_000)
    expect(two.get_by_label("计划名称", exact=True)).to_have_value("先保存的")
    first.close()
    second.close()


def test_a_district_officer_meets_the_own_plans_and_no_others(
    chromium: Browser, planning: Server
) -> None:
    context = seat(chromium, planning, RequestLog())
    page = enter(context, Role.DISTRICT, "/plans?plan=JH2026-001")
    expect(page.get_by_text("没有找到这个抽查计划")).to_be_visible()
    page.goto("/plans?plan=JH2026-002")
    expect(page.get_by_role("heading", name="年末消防专项抽查")).to_be_visible()
    expect(page.get_by_text("各学段预期抽中")).to_be_visible()
    context.close()
