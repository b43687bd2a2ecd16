"""A quick draw from filter to replay in a real browser, on a city of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from domain.access import SYSTEM, Actor
from domain.words import Role
from services.accounts import ensure_demo_accounts
from services.demo.build import build_demo_city
from services.draw_list import list_drawn, list_draws
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving
from tests.unit.services.draw_record import changed

INSPECTOR = Actor(account_id=1, login="demo-inspector", name="", role=Role.INSPECTOR)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a small demo city in which this test draws."""
    house = make_house(tmp_path_factory.mktemp("drawing") / "var")
    build_demo_city(
        SYSTEM, house, schools=120, seed=7, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    ensure_demo_accounts(house)
    with serving(house) as running:
        yield running
    house.engine.dispose()


def enter(page: Page, role: Role, at: str) -> None:
    page.goto(at)
    page.click(f"button[name=demo][value={role.value}]")
    page.wait_for_selector("form.csm-out button")


def test_an_inspector_draws_downloads_and_a_stranger_to_the_draw_replays_it(
    chromium: Browser, drawing: Server, tmp_path: Path
) -> None:
    log = RequestLog()
    context = chromium.new_context(base_url=drawing.url, viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    log.watch(context)
    page = context.new_page()
    enter(page, Role.INSPECTOR, "/quick")
    expect(page.get_by_role("heading", name="简易抽取", exact=True)).to_be_visible()
    everything = page.get_by_text("所中抽").first.inner_text()
    page.get_by_text("更多筛选").click()
    page.get_by_test_id("stMultiSelect").filter(has_text="办别").click()
    page.get_by_role("option", name="公办", exact=True).click()
    page.keyboard.press("Escape")
    expect(page.get_by_text("所中抽").first).not_to_have_text(everything)
    page.get_by_text("抽取前：每校机会与各层预期数").click()
    page.get_by_label("公开值", exact=True).fill("骰子 3 5 1 6")
    page.get_by_label("公开值", exact=True).press("Enter")
    page.get_by_role("button", name="承诺并抽取").click()
    expect(page.get_by_role("heading", name="CQ2026-0002")).to_be_visible()
    assert "draw=CQ2026-0002" in page.url
    page.reload()
    expect(page.get_by_role("heading", name="CQ2026-0002")).to_be_visible()
    assert list_draws(INSPECTOR, drawing.house)["number"].tolist() == ["CQ2026-0002"]

    with page.expect_download() as waiting, page.expect_popup():
        page.get_by_role("link", name="下载复算包").click()
    pack = tmp_path / "pack.zip"
    waiting.value.save_as(pack)
    page.get_by_role("button", name="采用这次抽取").click()
    expect(page.get_by_text("已抽取，已采用")).to_be_visible()
    context.close()

    context = chromium.new_context(base_url=drawing.url, viewport={"width": 1366, "height": 900})
    context.set_default_timeout(30_000)
    log.watch(context)
    page = context.new_page()
    enter(page, Role.POLICE, "/replay")
    page.set_input_files("input[type=file]", pack)
    expect(page.get_by_text("抽取 CQ2026-0002：共 10 步，全部一致。")).to_be_visible()
    codes = list_drawn(INSPECTOR, drawing.house, number="CQ2026-0002")["code"].tolist()
    assert page.get_by_label("学校代码", exact=True).input_value() == codes[0]

    forged = tmp_path / "forged.zip"

    def favour(files: dict[str, bytes]) -> None:
        files["frame.csv"] = files["frame.csv"].replace(b",1,", b",9,", 1)

    forged.write_bytes(changed(pack.read_bytes(), favour))
    page.set_input_files("input[type=file]", forged)
    expect(page.get_by_text("不一致：名录库与承诺一致。")).to_be_visible()
    expect(page.get_by_text("全部一致")).to_have_count(0)
    context.close()
    assert log.forbidden == []
    assert log.leaving(drawing) == []
