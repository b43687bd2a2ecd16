"""A team's day on a phone in a real browser: a visit, a lost school, the papers; and a rival's phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from services.rounds.field import OwnRoute, look_at_own_route
from services.sign_in import COOKIE_NAME
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving
from tests.pages.test_seal import sign_everybody_in
from tests.rounds import MUST, RoundCity, add_round_city, depart
from tests.unit.services.reports.papers.pdf_text import text_of

PHONE = {"width": 390, "height": 844}
Enter = Callable[..., Page]


class Day:
    """A served round under way."""

    def __init__(self, server: Server, city: RoundCity, number: str) -> None:
        self.server, self.city, self.number = server, city, number

    def own(self, login: str) -> OwnRoute:
        return look_at_own_route(self.city.actor(login), self.server.house, number=self.number)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Serve a city whose two teams have set out, everybody signed in by a known token."""
    house = make_house(tmp_path_factory.mktemp("day") / "var")
    city = add_round_city(house)
    number = depart(house, city).number
    sign_everybody_in(house, city)
    with serving(house) as running:
        yield Day(running, city, number)
    house.engine.dispose()


@pytest.fixture
def enter(chromium: Browser, day: Day) -> Iterator[Enter]:
    """Give the helper that takes a phone of its own as somebody; watch over all requests."""
    log, opened = RequestLog(), list[BrowserContext]()

    def enter_(login: str, at: str) -> Page:
        context = chromium.new_context(
            base_url=day.server.url, viewport=PHONE, is_mobile=True, has_touch=True, locale="zh-CN"
        )
        context.set_default_timeout(30_000)
        context.add_cookies(
            [{"name": COOKIE_NAME, "value": f"token-{login}", "url": day.server.url}]
        )
        log.watch(context)
        opened.append(context)
        page = context.new_page()
        page.goto(at)
        page.wait_for_selector("form.csm-out button")
        return page

    yield enter_
    for context in opened:
        context.close()
    assert log.forbidden == []
    assert log.leaving(day.server) == []


def card(page: Page, position: int) -> Locator:
    return page.locator(f".st-key-route-stop-{position}")


def download(page: Page, link: Locator, to: Path) -> str:
    with page.expect_download() as waiting, page.expect_popup():
        link.click()
    waiting.value.save_as(to)
    return text_of(to.read_bytes())


def test_a_team_records_its_day_on_a_phone_and_the_other_team_sees_none_of_it(
    enter: Enter, day: Day, tmp_path: Path
) -> None:
    planned = day.own("wang").stops
    phone = enter("wang", "/route")
    expect(phone.get_by_text("封存中，不得外传")).to_be_visible()
    picture = phone.locator("img.csm-route-map")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.complete && img.naturalWidth > 0"), "the picture is drawn"
    expect(phone.locator(f'a[href="tel:{planned[0].phone.replace("-", "")}"]')).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    first = card(phone, planned[0].position)
    first.get_by_text("记录督查情况").click()
    first.get_by_label("隐患 1 描述").fill("访客未登记")
    first.get_by_role("button", name="再加一条隐患").click()
    expect(first.get_by_label("隐患 2 描述")).to_be_visible()
    expect(first.get_by_label("隐患 1 描述")).to_have_value("访客未登记")
    first.get_by_label("隐患 2 描述").fill("<b>消火栓</b>无水")
    first.get_by_role("button", name="保存").dblclick()
    expect(first.get_by_text("已督查", exact=True)).to_be_visible()
    phone.reload()
    expect(first.get_by_text("<b>消火栓</b>无水")).to_be_visible()
    assert len(day.own("wang").stops[0].findings) == 2

    gone = next(stop for stop in planned[1:] if stop.code != MUST)
    lost = card(phone, gone.position)
    lost.get_by_text("记录督查情况").click()
    lost.get_by_role("tab", name="未能督查").click()
    lost.get_by_label("未能督查的原因").fill("停电停课")
    lost.get_by_role("button", name="记为未能督查").dblclick()
    expect(lost.get_by_text("替补学校")).to_be_visible()
    after = day.own("wang").stops
    assert len(after) == len(planned) + 1, "pressed twice, replaced once"
    expect(card(phone, after[-1].position).get_by_text(after[-1].name)).to_be_visible()

    sheet = download(
        phone, phone.get_by_role("link", name=re.compile("督查路线单")), tmp_path / "sheet.pdf"
    )
    assert all(stop.name in sheet for stop in after)
    feedback = download(
        phone, first.get_by_role("link", name="下载督查反馈单"), tmp_path / "feedback.pdf"
    )
    assert "访客未登记" in feedback
    assert planned[0].name in feedback

    rival = enter("zhao", "/route")
    expect(rival.get_by_text("封存中，不得外传")).to_be_visible()
    theirs = day.own("zhao").stops
    expect(rival.get_by_text(theirs[0].name)).to_be_visible()
    told = rival.content()
    assert not any(stop.name in told or stop.code in told for stop in after)
    assert not any(word in told for word in ("访客未登记", "停电停课"))
    answer = rival.request.get(f"/files/rounds/{day.number}/sheet.pdf")
    assert not any(stop.name in text_of(answer.body()) for stop in after)
    log = day.server.log.read_text(errors="replace")
    assert not any(stop.code in log or stop.name in log for stop in (*after, *theirs))
