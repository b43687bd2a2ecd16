from __future__ import annotations

import http.client
import re

import pytest
from playwright.sync_api import Page
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from components.registry import PAGES
from routes.layers import LAYER_ROUTES
from tests.browser.serving import Server

PAGE_ADDRESSES = ["/", *(f"/{entry.url_path}" for entry in PAGES)]
OTHER_ADDRESSES = [
    *(route.path.replace("{school_id:int}", "1") for route in LAYER_ROUTES),
    "/layers/anything?v=1",
    "/files/abc",
    "/files/never-visited.xlsx",
    "/files/draws/CQ2026-0001/pack.zip",
    "/files/draws/CQ2026-0001/list.xlsx",
    "/files/inspectors.xlsx",
    "/files/inspectors-template.xlsx",
    "/files/draws/CQ2026-0001/duels.html",
    "/files/draws/CQ2026-0001/duels.json",
    "/files/packs/abc/duels.html",
    "/files/packs/abc/duels.json",
    "/files/draws/CQ2026-0001/certificate.pdf",
    "/media/0123456789abcdef.png",
    "/component/streamlit_folium.st_folium/index.html",
    "/app/static/csm-map.js",
    "/static/js/index.js",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent/mcp",
    "/_stcore/bidi-components/x",
    "/manifest.json",
    "/index.html.map",
]


def ask(server: Server, method: str, address: str, headers: dict[str, str] | None = None):
    connection = http.client.HTTPConnection("localhost", server.port, timeout=20)
    connection.request(method, address, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.getheader("location") or "", answer.read()


def cookie_of(page: Page) -> str:
    return "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())


@pytest.mark.parametrize("address", [*PAGE_ADDRESSES, "/map?district=E&q=x", "/no-such-page"])
def test_a_stranger_at_any_page_meets_the_sign_in_form_and_nothing_else(
    page: Page, request_log, address: str
) -> None:
    page.goto(address)
    assert page.url.partition("?")[0].endswith("/sign-in")
    assert page.locator("input[name=password]").count() == 1
    assert [a for a in request_log.addresses if re.search(r"/(static|_stcore|component)/", a)] == []


@pytest.mark.parametrize("address", OTHER_ADDRESSES)
@pytest.mark.parametrize("cookie", ["", "csm_sign_in=" + "x" * 43])
def test_a_stranger_asking_for_anything_else_gets_401(
    server: Server, address: str, cookie: str
) -> None:
    status, _, body = ask(server, "GET", address, {"Cookie": cookie} if cookie else {})
    assert status == 401
    assert "登录" in body.decode()
    assert len(body) < 300


@pytest.mark.parametrize("address", ["//map", "/./map", "/%2e%2e/map", "/sign-in/../map", "/map/"])
def test_odd_spellings_of_a_path_open_nothing(server: Server, address: str) -> None:
    status, location, body = ask(server, "GET", address, {"Accept": "text/html"})
    assert status in {303, 400, 401, 404}
    assert location == "" or location.startswith("/sign-in")
    assert b"<script" not in body


def test_a_stranger_can_upload_nothing(server: Server) -> None:
    for method in ("PUT", "POST", "DELETE"):
        status, _, _ = ask(server, method, "/_stcore/upload_file/session/file")
        assert status == 401


def test_the_stream_is_refused_to_strangers_and_opens_for_members(
    server: Server, page: Page, sign_in
) -> None:
    address = f"ws://localhost:{server.port}/_stcore/stream"
    for headers in ({}, {"Cookie": "csm_sign_in=made-up"}):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, additional_headers=headers, subprotocols=["streamlit"])
        assert refused.value.response.status_code == 403
    sign_in(page)
    with connect(
        address, additional_headers={"Cookie": cookie_of(page)}, subprotocols=["streamlit"]
    ) as stream:
        assert stream.subprotocol == "streamlit"


def test_what_a_stranger_may_not_ask_for_is_there_for_members(
    server: Server, page: Page, sign_in
) -> None:
    """Otherwise the refusals above would prove nothing."""
    sign_in(page)
    for address in (
        "/component/streamlit_folium.st_folium/index.html",
        "/app/static/csm-map.js",
        "/_stcore/host-config",
        "/layers/schools.bin",
        "/layers/base.bin",
    ):
        status, _, _ = ask(server, "GET", address, {"Cookie": cookie_of(page)})
        assert status == 200, address


def test_health_is_open_to_the_load_balancer(server: Server) -> None:
    assert ask(server, "GET", "/healthz")[0] == 200
    assert ask(server, "GET", "/_stcore/health")[0] == 200
