"""The duels of a finished draw, played on the replay page in a real browser."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from domain.access import SYSTEM, Actor
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Role, ValueSource
from services.accounts import ensure_demo_accounts
from services.demo.build import build_demo_city
from services.draw_list import export_pack, list_drawn
from services.draws import QuickOrder, draw_quick
from tests.browser.conftest import RequestLog
from tests.browser.serving import Server, make_house, serving

INSPECTOR = Actor(account_id=1, login="demo-inspector", name="", role=Role.INSPECTOR)
Look = Callable[..., tuple[Page, Frame]]


@dataclass(frozen=True)
class Draw:
    """A finished draw on a running server."""

    server: Server
    number: str
    codes: list[str]
    names: list[str]
    pack: bytes


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draw]:
    house = make_house(tmp_path_factory.mktemp("duels") / "var")
    build_demo_city(
        SYSTEM, house, schools=60, seed=7, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    ensure_demo_accounts(house)
    order = QuickOrder("抽查", SchoolFilter(), 7, Weighting(by_risk=True), ValueSource.TYPED, "6 6")
    number = draw_quick(INSPECTOR, house, order=order, request_key="d" * 16)
    drawn = list_drawn(INSPECTOR, house, number=number)
    pack = export_pack(INSPECTOR, house, number=number)
    with serving(house) as server:
        yield Draw(server, number, drawn["code"].tolist(), drawn["name"].tolist(), pack)
    house.engine.dispose()


@pytest.fixture
def look(chromium: Browser, draw: Draw) -> Iterator[Look]:
    """Give the helper that opens the replay page and waits for the duels in their frame."""
    log, contexts = RequestLog(), list[BrowserContext]()

    def open_(
        role: Role = Role.AUDITOR, pack: Path | None = None, **how: Any
    ) -> tuple[Page, Frame]:
        context = chromium.new_context(
            base_url=draw.server.url, viewport={"width": 1366, "height": 900}, **how
        )
        contexts.append(context)
        context.set_default_timeout(30_000)
        log.watch(context)
        page = context.new_page()
        page.goto("/replay" if pack else f"/replay?draw={draw.number}")
        page.click(f"button[name=demo][value={role.value}]")
        if pack:
            page.set_input_files("input[type=file]", pack)
        handle = page.wait_for_selector("iframe[title='对决回放']")
        assert handle is not None
        frame = handle.content_frame()
        assert frame is not None
        expect(frame.locator("#levels li")).to_have_count(3)
        expect(frame.locator(".place").first).to_be_attached()
        return page, frame

    yield open_
    for context in contexts:
        context.close()
    assert log.forbidden == []
    assert log.leaving(draw.server) == []


def state(frame: Frame) -> dict[str, Any]:
    return frame.evaluate("csmDuels.state")  # type: ignore[no-any-return]


def test_playing_moves_the_counter_and_skipping_marks_exactly_the_drawn_schools(
    draw: Draw, look: Look
) -> None:
    _page, frame = look()
    before = state(frame)
    assert (before["k"], before["playing"]) == (0, False)
    frame.click("#big")
    expect(frame.locator("#k")).to_have_text(re.compile(r"^([5-9]|\d\d)$"))
    assert state(frame)["playing"] is True
    expect(frame.locator("#levels li.now")).to_have_count(1)
    expect(frame.locator("#card .side")).to_have_count(2)
    frame.click("#skip")
    after = state(frame)
    assert after["marked"] == draw.codes
    assert (after["k"], after["playing"]) == (after["total"], False)
    expect(frame.locator("#m")).to_have_text(str(len(draw.codes)))
    expect(frame.locator("#panel li")).to_have_count(len(draw.codes))
    frame.click("#again")
    expect(frame.locator("#k")).to_have_text(re.compile(r"^[1-9]$"))


def test_played_to_the_end_it_ends_at_the_same_schools(draw: Draw, look: Look) -> None:
    _page, frame = look()
    frame.get_by_role("button", name="×100").click()
    frame.click("#play")
    expect(frame.locator("#group")).to_contain_text(f"抽出 {len(draw.codes)} 所")
    assert state(frame)["marked"] == draw.codes


def test_the_keyboard_steps_plays_pauses_and_skips(draw: Draw, look: Look) -> None:
    page, frame = look()
    frame.click("#stage header")
    page.keyboard.press("ArrowRight")
    expect(frame.locator("#step")).to_be_enabled()
    frame.wait_for_selector("#card .side.won")
    expect(frame.locator("#k")).to_have_text("1")
    page.keyboard.press("ArrowLeft")
    expect(frame.locator("#k")).to_have_text("0")
    page.keyboard.press("Space")
    assert state(frame)["playing"] is True
    page.keyboard.press("Space")
    assert state(frame)["playing"] is False
    page.keyboard.press("End")
    assert state(frame)["marked"] == draw.codes
    page.keyboard.press("Home")
    assert state(frame)["k"] == 0


def test_the_page_of_no_draw_says_so_instead_of_staying_blank(look: Look) -> None:
    page, _frame = look()
    page.goto("/files/draws/CQ1999-0001/duels.html")
    expect(page.get_by_role("alert")).to_contain_text("没有找到这次抽取的结果")
    expect(page.locator("#play")).to_be_hidden()


def test_whoever_wants_less_motion_starts_at_the_result(draw: Draw, look: Look) -> None:
    _page, frame = look(reduced_motion="reduce")
    assert state(frame)["marked"] == draw.codes
    expect(frame.locator("#big")).to_be_hidden()


def test_a_school_asked_for_on_the_page_shows_its_duels_in_the_same_frame(
    draw: Draw, look: Look
) -> None:
    page, frame = look()
    frame.evaluate("window.stillHere = true")
    page.get_by_role("button", name="在地图上看").click()
    expect(frame.locator("#panel.own")).to_be_visible()
    assert state(frame)["chosen"] == draw.codes[0]
    first = frame.locator("#panel li").count()
    assert first == state(frame)["own"] >= 1
    frame.locator("#panel li button").last.click()
    assert draw.codes[0] in state(frame)["marked"], "after its last duel it has a full place"
    page.get_by_label("学校代码", exact=True).fill(draw.codes[1])
    page.get_by_label("学校代码", exact=True).press("Enter")
    expect(frame.locator("#panel h2")).to_have_text(draw.names[1])
    assert state(frame)["chosen"] == draw.codes[1]
    assert frame.evaluate("window.stillHere") is True, "the frame was not loaded anew"


def test_an_uploaded_pack_plays_for_somebody_who_sees_no_draws(
    draw: Draw, look: Look, tmp_path: Path
) -> None:
    pack = tmp_path / "pack.zip"
    pack.write_bytes(draw.pack)
    _page, frame = look(Role.POLICE, pack=pack)
    frame.click("#skip")
    assert state(frame)["marked"] == draw.codes
