from __future__ import annotations

import datetime as dt
import http.client
import sys
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from domain.access import SYSTEM
from domain.words import Role
from services.demo.build import build_demo_city
from tests.browser.serving import Server, make_house, serving


def ask(server: Server, method: str, address: str, body: str = "", **headers: str):
    connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
    connection.request(method, address, body=body, headers=headers)
    answer = connection.getresponse()
    answer.body = answer.read()
    return answer


@pytest.mark.parametrize("how", ["streamlit", "uvicorn"])
def test_both_ways_of_starting_serve_an_empty_house_that_says_how_to_begin(
    tmp_path: Path, how: str
) -> None:
    house = make_house(tmp_path / "var")
    with serving(house, how) as started:
        answer = ask(started, "GET", "/sign-in")
        assert answer.status == 200
        assert "还没有任何账号" in answer.body.decode()
        assert ask(started, "GET", "/layers/schools.bin").status == 401
    house.engine.dispose()


def test_the_product_runs_on_postgresql(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue("postgres")
    database = cluster.fresh_database(template="template0")
    house = make_house(tmp_path / "var", cluster.url(database))
    build_demo_city(
        SYSTEM,
        house,
        schools=60,
        seed=7,
        as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )
    with serving(house, "uvicorn") as started:
        ours = {
            "Origin": started.url,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        entered = ask(started, "POST", "/sign-in", urlencode({"demo": "leader"}), **ours)
        assert entered.status == 303
        cookie = (entered.getheader("set-cookie") or "").partition(";")[0]
        for address in ("/app/static/csm-map.js", "/layers/schools.bin", "/layers/base.bin"):
            assert ask(started, "GET", address, Cookie=cookie).status == 200, address
        assert b"<title>" in ask(started, "GET", "/", Cookie=cookie).body
    house.engine.dispose()
    cluster.drop(database)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_server_itself_calls_nobody(server: Server, page: Page, sign_in) -> None:
    assert server.foreign_sockets() == []
    sign_in(page, Role.AUDITOR, "/audit")
    assert server.foreign_sockets() == []
    page.goto("/")
    page.wait_for_selector("form.csm-out button")
    expect(page.locator("iframe").first).to_be_visible()
    assert server.foreign_sockets() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_socket_to_elsewhere_would_be_noticed() -> None:
    from tests.browser.serving import _is_local

    assert _is_local("0100007F")
    assert _is_local("00000000")
    assert _is_local("0000000000000000FFFF00000100007F")
    assert _is_local("00000000000000000000000001000000")
    assert not _is_local("08080808")
    assert not _is_local("0000000000000000FFFF000008080808")
    assert not _is_local("0120012A000000000000000001000000")
