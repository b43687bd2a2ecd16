from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from components.registry import PAGES
from db.models import Account, SignIn
from domain.access import SYSTEM, Actor
from domain.words import Role
from services.accounts import NewAccount, add_account
from tests.browser.serving import Server, make_house, serving
from tests.city import add_small_city

OUT = "form.csm-out button"


def revoke_all(server: Server) -> None:
    with server.house.write(SYSTEM) as work:
        work.session.execute(update(SignIn).values(revoked_at=work.at))
        work.audit("test.revoked")


def test_a_deep_link_is_reached_after_signing_in_with_its_query(page: Page) -> None:
    page.goto("/audit?from=2026-09-01&q=%E4%B8%9C")
    page.click("button[name=demo][value=auditor]")
    expect(page.get_by_role("heading", name="审计日志")).to_be_visible()
    assert page.url.endswith("/audit?from=2026-09-01&q=%E4%B8%9C")


def test_the_first_deep_link_of_a_fresh_server_is_no_page_not_found(
    chromium, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Signs in with a password too, so that the real form is driven once by a real browser."""
    house = make_house(tmp_path_factory.mktemp("fresh") / "var")
    add_small_city(house, is_demo=False)
    add_account(
        SYSTEM,
        house,
        new=NewAccount(login="anna", name="安娜", role=Role.ADMIN, password="一句别人想不到的话吧"),
    )
    with serving(house, "uvicorn") as fresh:
        context = chromium.new_context(base_url=fresh.url, locale="zh-CN")
        page = context.new_page()
        page.goto("/audit")
        assert page.locator("button[name=demo]").count() == 0
        page.fill("#login", "anna")
        page.fill("#password", "不对的密码")
        page.press("#password", "Enter")
        expect(page.get_by_role("alert")).to_contain_text("账号或密码不正确")
        assert page.input_value("#login") == "anna"
        page.fill("#password", "一句别人想不到的话吧")
        page.press("#password", "Enter")
        expect(page.get_by_role("heading", name="审计日志")).to_be_visible()
        assert page.get_by_text("Page not found").count() == 0
        expect(page.locator(".csm-who")).to_contain_text("安娜")
        expect(page.locator(".csm-city")).to_have_text("测试市")
        assert page.locator(".csm-demo").count() == 0
        context.close()
    house.engine.dispose()


@pytest.mark.parametrize("entry", PAGES, ids=lambda e: e.url_path)
@pytest.mark.parametrize("role", list(Role), ids=lambda r: r.value)
def test_each_role_opens_its_pages_and_meets_no_entry_at_the_others(
    page: Page, sign_in, entry, role: Role
) -> None:
    may = Actor(account_id=1, login="", name="", role=role).may(entry.permission)
    sign_in(page, role, "/" if entry.is_default else f"/{entry.url_path}")
    stop = page.get_by_role("heading", name="无权访问")
    if may:
        expect(
            page.locator('[data-testid="stMain"] [data-testid="stElementContainer"]').last
        ).to_be_visible()
        expect(stop).to_have_count(0)
        expect(page.get_by_text("系统出现意外错误")).to_have_count(0)
    else:
        expect(stop).to_be_visible()
        expect(page.locator(".csm-stop")).to_contain_text(role.label)
        assert page.get_by_text("Page not found").count() == 0


def test_a_refresh_keeps_the_sign_in(page: Page, sign_in) -> None:
    sign_in(page)
    page.reload()
    page.wait_for_selector(OUT)
    expect(page.locator(".csm-who")).to_contain_text("局领导")


def test_a_second_tab_is_signed_in_too(page: Page, sign_in) -> None:
    sign_in(page)
    other = page.context.new_page()
    other.goto("/")
    other.wait_for_selector(OUT)


def test_signing_out_revokes_and_the_back_button_shows_nothing(
    page: Page, sign_in, server: Server
) -> None:
    sign_in(page, Role.AUDITOR, "/audit")
    expect(page.get_by_role("heading", name="审计日志")).to_be_visible()
    kept = page.context.cookies()
    page.click(OUT)
    page.wait_for_url("**/sign-in")
    assert [c for c in page.context.cookies() if c["name"] == "csm_sign_in"] == []
    page.go_back()
    page.wait_for_selector("input[name=password]")
    assert page.get_by_role("heading", name="审计日志").count() == 0
    # The token itself is dead, not only forgotten by this browser.
    page.context.add_cookies(kept)
    page.goto("/audit")
    page.wait_for_selector("input[name=password]")


def test_whoever_is_revoked_mid_session_is_out_on_the_next_action(
    page: Page, sign_in, server: Server
) -> None:
    sign_in(page, Role.AUDITOR, "/audit")
    button = page.get_by_role("button", name="核验整条记录链")
    button.wait_for()
    revoke_all(server)
    button.click()
    expect(page.get_by_role("heading", name="您还没有登录，或登录已失效")).to_be_visible()
    expect(page.get_by_role("button", name="核验整条记录链")).to_have_count(0)
    expect(page.locator('[data-testid="stDataFrame"]')).to_have_count(0)
    page.click("text=重新登录")
    page.wait_for_selector("input[name=password]")
    page.click("button[name=demo][value=auditor]")
    expect(page.get_by_role("heading", name="审计日志")).to_be_visible()


def test_a_disabled_account_is_out_on_the_next_action(page: Page, sign_in, server: Server) -> None:
    sign_in(page, Role.ADMIN, "/audit")
    button = page.get_by_role("button", name="核验整条记录链")
    button.wait_for()

    def set_active(value: bool) -> None:
        with server.house.write(SYSTEM) as work:
            work.session.execute(
                update(Account).where(Account.login == "demo-admin").values(is_active=value)
            )
            work.audit("test.toggled")

    set_active(False)
    try:
        button.click()
        expect(page.get_by_role("heading", name="您还没有登录，或登录已失效")).to_be_visible()
    finally:
        set_active(True)


def test_the_auditor_sees_the_chain_verified(page: Page, sign_in) -> None:
    sign_in(page, Role.AUDITOR, "/audit")
    page.get_by_role("button", name="核验整条记录链").click()
    expect(page.get_by_text("前后相连，未被改动")).to_be_visible()


def test_the_frame_says_who_which_city_and_that_it_is_a_demo(page: Page, sign_in) -> None:
    sign_in(page, Role.POLICE)
    expect(page.locator(".csm-name")).to_have_text("校园安全督查一张图")
    expect(page.locator(".csm-demo")).to_have_text("演示数据")
    expect(page.locator(".csm-date")).to_contain_text("统计截至 2026-")
    expect(page.locator(".csm-who")).to_contain_text("警校联动")


def test_the_sign_in_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 720})
    page.goto("/")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    box = page.locator("button.go").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 720
