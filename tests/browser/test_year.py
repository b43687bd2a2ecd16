"""The year's coverage in a real browser: charts drawn, the map link shows the same schools."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from domain.access import Actor
from domain.words import Role
from services.coverage import read_coverage
from tests.browser.serving import Server

LEADER = Actor(account_id=1, login="demo-leader", name="", role=Role.LEADER)
CHARTS = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks"


def test_a_leader_sees_seven_charts_and_follows_the_never_visited_to_the_map(
    page: Page, server: Server, sign_in
) -> None:
    found = read_coverage(LEADER, server.house)
    sign_in(page, Role.LEADER, at="/year")
    expect(page.get_by_role("heading", name="全年覆盖", exact=True)).to_be_visible()
    expect(page.locator(CHARTS)).to_have_count(7)
    expect(
        page.get_by_text(f"{found.city.forecast.visited:,} / {found.schools:,} 所")
    ).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="在一张图上看").click()
    shown = opened.value
    expect(
        shown.get_by_text(re.compile(rf"^{len(found.never):,} / {found.schools:,} 所在办学校"))
    ).to_be_visible()


def test_the_year_in_the_address_survives_a_reload(page: Page, server: Server, sign_in) -> None:
    sign_in(page, Role.INSPECTOR, at="/year?year=2025")
    expect(page.get_by_text("统计截至 2025-12-31")).to_be_visible()
    page.reload()
    expect(page.get_by_text("统计截至 2025-12-31")).to_be_visible()
    assert "year=2025" in page.url
