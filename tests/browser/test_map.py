from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from domain.access import SYSTEM
from domain.school_filter import SchoolFilter
from domain.words import Role
from services.map_schools import code_of, load_school_table, match_schools
from tests.browser.mapping import click_school, drawn_ids, map_frame, wait_for_filter
from tests.browser.serving import Server

SignIn = Callable[..., None]


def kept(server: Server, **wanted: tuple[str, ...] | str) -> set[int]:
    """Return the ids that the server keeps for a filter."""
    table = load_school_table(SYSTEM, server.house)
    mask = match_schools(SYSTEM, server.house, wanted=SchoolFilter(**wanted))  # type: ignore[arg-type]
    return {int(i) for i in table.ids[mask]}


def choose(page: Page, box: str, option: str) -> None:
    """Choose ``option`` in the multiselect labelled ``box``."""
    page.get_by_test_id("stMultiSelect").filter(has_text=box).click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")


def test_a_leader_filters_clicks_and_reads_the_card(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    assert drawn_ids(frame) == kept(server)

    choose(page, "学段", "幼儿园")
    wait_for_filter(frame, "kind=kindergarten")
    assert drawn_ids(frame) == kept(server, kind=("kindergarten",))
    assert not frame.is_detached(), "a filter must not re-mount the map"
    expect(page.get_by_text(f"{len(kept(server, kind=('kindergarten',)))} / ")).to_be_visible()

    school_id = click_school(page, frame)
    expect(page.locator(".csm-card")).to_be_visible()
    code = code_of(SYSTEM, server.house, school_id=school_id)
    expect(page.locator(".csm-card .code")).to_have_text(f"代码 {code}")
    frame.wait_for_function("csm.layers.schools.selected !== null")
    assert f"school={code}" in page.url


def test_a_filter_keeps_the_users_view_and_never_blanks(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    frame.evaluate(
        "void csm.map.setView(csm.map.getCenter(), csm.map.getZoom() + 1, {animate: false})"
    )
    view = frame.evaluate("JSON.stringify([csm.map.getCenter(), csm.map.getZoom()])")
    frame.evaluate("window.stillTheSame = true")
    page.get_by_text("更多筛选").click()
    choose(page, "办别", "民办")
    wait_for_filter(frame, "ownership=private")
    assert frame.evaluate("window.stillTheSame")
    assert frame.evaluate("JSON.stringify([csm.map.getCenter(), csm.map.getZoom()])") == view


def test_the_link_restores_filter_overlays_and_school_after_a_refresh(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    choose(page, "学段", "小学")
    wait_for_filter(frame, "kind=primary")
    page.get_by_test_id("stButtonGroup").get_by_text("水域", exact=True).click()
    frame.wait_for_function("(csm.state.overlays || []).includes('waters')")
    page.locator(".st-key-rows button").first.click()
    expect(page.locator(".csm-card")).to_be_visible()
    code = page.locator(".csm-card .code").inner_text()

    page.reload()
    frame = map_frame(page)
    wait_for_filter(frame, "kind=primary")
    assert frame.evaluate("csm.state.overlays.includes('waters')")
    expect(page.locator(".csm-card .code")).to_have_text(code)


def test_a_row_of_the_list_brings_its_school_into_view_with_rings_and_lines(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    page.locator(".st-key-rows button").nth(1).click()
    expect(page.locator(".csm-card")).to_be_visible()
    frame.wait_for_function("csm.map.getZoom() > 15")
    frame.get_by_text("200 米", exact=True).wait_for()
    inside = frame.evaluate(
        "(() => { const l = csm.layers.schools;"
        " return csm.map.getBounds().contains(l.latLng(l.data.id.indexOf(l.selected))); })()"
    )
    assert inside


def test_overlays_show_their_counts_in_the_legend(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    for overlay in ("水域", "设施", "岗位", "隐患"):
        page.get_by_test_id("stButtonGroup").get_by_text(overlay, exact=True).click()
    for heading in ("辖区水域（处）", "辖区设施（处）", "辖区岗位（个）", "隐患（所）"):
        expect(frame.get_by_role("heading", name=heading)).to_be_visible()
    shown = frame.evaluate("csm.state.legend.find(p => p.of === 'waters').n.slice(0, 4)")
    assert sum(shown) == frame.evaluate("csm.ground.waters.n")
    expect(page.get_by_text("勤务日期")).to_be_visible()


def test_a_name_that_is_a_script_stays_text(page: Page, server: Server, sign_in: SignIn) -> None:
    sign_in(page)
    frame = map_frame(page)
    frame.evaluate(
        "(() => { const l = csm.layers.schools; l.namesUrl = null;"
        " l.names = Array.from({length: l.data.n}, () => '<img src=x onerror=\"window.broken=1\">'); })()"
    )
    click_school(page, frame)
    frame.wait_for_selector(".leaflet-tooltip")
    assert frame.locator(".leaflet-tooltip img").count() == 0
    assert "onerror" in frame.locator(".leaflet-tooltip").inner_text()
    assert frame.evaluate("window.broken") is None


def test_a_school_account_sees_only_its_own_school(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page, Role.SCHOOL)
    frame = map_frame(page)
    assert len(drawn_ids(frame)) == 1
    expect(page.locator(".csm-card")).to_be_visible()


def test_a_signed_out_map_says_so_instead_of_going_blank(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    page.context.clear_cookies()
    frame.evaluate("void csm.map.setZoom(16, {animate: false})")
    frame.get_by_text("登录已失效，请刷新页面后重新登录。").wait_for()


def test_the_map_fits_a_phone(page: Page, server: Server, sign_in: SignIn) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page)
    map_frame(page)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "nothing may stick out sideways"
    expect(page.locator(".st-key-rows button").first).to_be_attached()


def test_streamlits_own_words_are_chinese_too(page: Page, server: Server, sign_in: SignIn) -> None:
    sign_in(page)
    map_frame(page)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_test_id("stMultiSelect").filter(has_text="学段").click()
    page.keyboard.type("没有这样的学段")
    expect(page.get_by_text("没有匹配项")).to_be_visible()
    assert page.get_by_text("No results").count() == 0


def test_a_failed_fetch_says_so_and_retry_draws_the_map(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    page.route("**/layers/schools.bin*", lambda route: route.fulfill(status=500))
    sign_in(page)
    frame = page.frame_locator("iframe[title='streamlit_folium.st_folium']")
    frame.get_by_text("地图数据没有取到（500）。").wait_for()
    page.unroute("**/layers/schools.bin*")
    frame.get_by_role("button", name="重试").click()
    assert drawn_ids(map_frame(page)) == kept(server)


def test_the_view_of_one_reader_is_not_handed_to_the_next(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    frame.evaluate("void csm.map.setView([20, 100], 14, {animate: false})")
    page.click("form.csm-out button")
    page.wait_for_url("**/sign-in**")
    sign_in(page, Role.TOWNSHIP)
    frame = map_frame(page)
    assert frame.evaluate("csm.layers.schools.stats.visible") == len(drawn_ids(frame))


def test_toggling_an_overlay_does_not_pull_the_view_back_to_the_open_card(
    page: Page, server: Server, sign_in: SignIn
) -> None:
    sign_in(page)
    frame = map_frame(page)
    page.locator(".st-key-rows button").first.click()
    frame.wait_for_function("csm.map.getZoom() > 15")
    frame.get_by_role("button", name="回到全部学校").click()
    zoom = frame.evaluate("csm.map.getZoom()")
    page.get_by_test_id("stButtonGroup").get_by_text("水域", exact=True).click()
    frame.wait_for_function("(csm.state.overlays || []).includes('waters')")
    assert frame.evaluate("csm.map.getZoom()") == zoom
