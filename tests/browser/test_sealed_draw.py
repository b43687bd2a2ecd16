"""A sealed round in real browsers: one for the organiser, one for each custodian, one for a school."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.sign_in import COOKIE_NAME
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving
from tests.pages.test_seal import sign_everybody_in
from tests.rounds import add_round_city
from tests.unit.services.reports.papers.pdf_text import page_count

SALT = re.compile(r"([0-9a-f]{4} ){7}[0-9a-f]{4}")
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def round_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a small city with an approved plan, everybody signed in by a known token."""
    house = make_house(tmp_path_factory.mktemp("round") / "var")
    sign_everybody_in(house, add_round_city(house))
    with serving(house) as running:
        yield running
    house.engine.dispose()


@pytest.fixture
def enter(chromium: Browser, round_server: Server) -> Iterator[Enter]:
    """Give the helper that opens a browser of its own as somebody; watch over all requests."""
    log, opened = RequestLog(), list[BrowserContext]()
    # Four browsers at once on a busy machine.
    expect.set_options(timeout=20_000)

    def enter_(login: str, at: str) -> Page:
        context = chromium.new_context(
            base_url=round_server.url, viewport={"width": 1920, "height": 1080}, locale="zh-CN"
        )
        context.set_default_timeout(30_000)
        context.add_cookies(
            [{"name": COOKIE_NAME, "value": f"token-{login}", "url": round_server.url}]
        )
        log.watch(context)
        opened.append(context)
        page = context.new_page()
        page.goto(at)
        page.wait_for_selector("form.csm-out button")
        return page

    yield enter_
    expect.set_options(timeout=5_000)
    for context in opened:
        context.close()
    assert log.forbidden == []
    assert log.leaving(round_server) == []


def make_salt(page: Page, folder: Path) -> str:
    """Make the salt of the one task, copy it, keep the slip; return the salt as it was shown."""
    page.get_by_role("button", name="生成我的随机盐").click()
    sheet = page.frame_locator("iframe[title='随机盐']")
    expect(sheet.locator("#salt")).to_be_visible()
    salt = " ".join(sheet.locator("#salt span").all_inner_texts())
    assert SALT.fullmatch(salt)
    assert sheet.locator("svg").count() == 1
    with page.expect_download() as waiting:
        sheet.locator("#pdf").click()
    slip = folder / "slip.pdf"
    waiting.value.save_as(slip)
    assert page_count(slip.read_bytes()) == 1
    sheet.locator("#copy").click()
    expect(sheet.locator("#copy")).to_have_text("已复制")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<textarea id=\"pasted\">')")
    page.locator("#pasted").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#pasted").input_value() == salt
    page.reload()
    expect(page.get_by_text("封条应在您手中")).to_be_visible()
    assert salt[:9] not in page.content()
    assert page.locator("iframe[title='随机盐']").count() == 0
    return salt


def enter_salt(page: Page, salt: str) -> None:
    expect(page.get_by_text("请拆开封条，录入随机盐")).to_be_visible()
    page.get_by_label(re.compile("随机盐")).fill(salt.upper().replace(" ", "-"))
    page.get_by_role("button", name="录入", exact=True).click()


def test_a_round_is_opened_sealed_revealed_and_published_by_four_people(
    enter: Enter, tmp_path: Path
) -> None:
    li = enter("li", "/draws")
    li.get_by_text("开一次出发", exact=True).click()
    li.get_by_role("radio", name="当众掷骰子 5 次").click()
    expect(li.get_by_label("用什么作公开值", exact=True)).to_have_value("当众掷骰子 5 次")
    li.get_by_test_id("stMultiSelect").click()
    for name in ("局长（局领导）", "审计（审计）"):
        li.get_by_role("option", name=name).click()
    li.keyboard.press("Escape")
    li.get_by_role("button", name="开这次出发").click()
    expect(li.get_by_text("各保管人生成自己的随机盐")).to_be_visible()

    keepers = {login: enter(login, "/custody") for login in ("ju", "shen")}
    salts = {}
    for login, page in keepers.items():
        folder = tmp_path / login
        folder.mkdir()
        salts[login] = make_salt(page, folder)
    # The projector follows by itself.
    expect(li.get_by_text("承诺：以下各项自此冻结")).to_be_visible()
    li.get_by_role("button", name="承诺", exact=True).click()
    li.get_by_role("button", name="确认承诺").dblclick()
    expect(li.get_by_text("已承诺采用的公开值")).to_be_visible()
    with li.expect_download() as waiting, li.expect_popup():
        li.get_by_role("link", name="承诺书（PDF，张贴用）").click()
    assert waiting.value.suggested_filename.startswith("承诺书")
    li.get_by_label("公开值", exact=True).fill("3 5 1 6 2")
    li.get_by_role("button", name="读出来核对").click()
    expect(li.get_by_text("您录入的是")).to_be_visible()
    li.get_by_role("button", name="核对无误，确认录入").click()
    expect(li.get_by_text("今天出发：请各保管人拆开封条")).to_be_visible()

    enter_salt(keepers["ju"], salts["ju"])
    expect(keepers["ju"].get_by_text("您的随机盐已录入")).to_be_visible()
    expect(li.get_by_text("✓ 已录入")).to_have_count(1)
    enter_salt(keepers["shen"], salts["shen"])
    expect(keepers["shen"].get_by_text("名单封存")).to_be_visible()
    expect(li.get_by_text("名单封存中")).to_be_visible()
    for page in keepers.values():
        assert salts["ju"][:9] not in page.content()
        assert page.get_by_label(re.compile("随机盐（")).count() == 0

    li.reload()
    expect(li.get_by_text("名单封存中")).to_be_visible()
    assert li.get_by_test_id("stDataFrame").count() == 0
    li.get_by_role("button", name="启封").click()
    li.get_by_label(re.compile("未督查的原因")).fill("演练")
    li.get_by_label(re.compile("未督查的原因")).press("Enter")
    li.get_by_role("button", name="确认启封").click()
    expect(li.get_by_text("就近两两抽签的全过程")).to_be_visible()
    duels = li.frame_locator("iframe[title='对决回放']")
    expect(duels.locator("#big")).to_be_visible()
    duels.locator("#skip").click()
    expect(duels.locator("#m")).to_have_text("3")

    address = li.url
    ju = keepers["ju"]
    ju.goto(address)
    ju.get_by_role("button", name="公示", exact=True).click()
    ju.get_by_role("button", name="确认公示").click()
    expect(ju.get_by_text("已公示").first).to_be_visible()

    school = enter("xiao", "/published")
    expect(school.get_by_text("自己怎样核对")).to_be_visible()
    assert school.get_by_role("link", name="复算包").count() == 0
    with school.expect_download() as waiting, school.expect_popup():
        school.get_by_role("link", name="凭证（PDF）").click()
    certificate = tmp_path / "certificate.pdf"
    waiting.value.save_as(certificate)
    assert page_count(certificate.read_bytes()) == 1
    ju.go_back()
    expect(ju.get_by_text("封条保管").first).to_be_visible()
