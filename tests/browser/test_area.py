"""A rectangle drawn on the map: filter, list and draw all follow it, and it can be undone."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, expect

from domain.access import SYSTEM
from domain.school_filter import SchoolFilter
from domain.words import Role
from services.map_schools import load_school_table, match_schools
from tests.browser.mapping import drawn_ids, map_frame
from tests.browser.serving import Server

SignIn = Callable[..., None]


def test_a_rectangle_on_the_map_limits_map_list_and_draw(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page, role=Role.INSPECTOR)
    frame = map_frame(page)
    everyone = drawn_ids(frame)
    frame.get_by_role("button", name="在地图上框选范围").click()
    box = frame.locator("#map_div").bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.3
    right, bottom = box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move((left + right) / 2, (top + bottom) / 2)
    page.mouse.move(right, bottom)
    page.mouse.up()
    page.wait_for_url("**area=**")
    frame.wait_for_function("csm.layers.schools.stats.key.startsWith('area=')")
    area = parse_qs(urlsplit(page.url).query)["area"][0]
    table = load_school_table(SYSTEM, server.house)
    mask = match_schools(SYSTEM, server.house, wanted=SchoolFilter(area=area))
    inside = {int(i) for i in table.ids[mask]}
    assert drawn_ids(frame) == inside
    assert 0 < len(inside) < len(everyone)
    assert frame.evaluate("csm.map.dragging.enabled()"), "after drawing the map moves again"
    expect(page.get_by_text(f"{len(inside)} / ").first).to_be_visible()

    page.get_by_role("button", name="从中抽查").click()
    page.wait_for_url("**/quick?**area=**")
    expect(page.get_by_text(f"{len(inside)} 所中抽").first).to_be_visible()
    page.go_back()
    frame = map_frame(page)
    page.get_by_role("button", name="范围：地图框选").click()
    frame.wait_for_function("csm.layers.schools.stats.key === ''")
    assert drawn_ids(frame) == everyone
