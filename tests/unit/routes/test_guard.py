from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.requests import Request

import routes.errors
from domain.words import Role
from routes.guard import content_policy, local_path
from services.sign_in import COOKIE_NAME, sign_out
from tests.asgi import ask, refuses_websocket, run_alone

PAGE = {"accept": "text/html", "sec-fetch-dest": "document"}
NOT_PAGES = [
    "/layers/schools",
    "/layers/whoami",
    "/files/abc",
    "/media/abc.png",
    "/component/streamlit_folium.st_folium/index.html",
    "/static/js/index.js",
    "/app/static/csm-map.js",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/upload_file/x/y",
    "/_stcore/agent/mcp",
]


@pytest.mark.parametrize(
    "address", ["/", "/map", "/audit?x=1", "/nowhere", "//evil.test", "/sign-in/"]
)
def test_a_stranger_asking_for_a_page_is_led_to_the_sign_in_and_sees_nothing(
    product, address: str
) -> None:
    answer = ask(product, "GET", address, headers=PAGE)
    assert answer.status == 303
    assert urlsplit(answer.header("location")).path == "/sign-in"
    assert answer.body == b""
    assert answer.header("cache-control") == "no-store"


def test_the_way_back_keeps_the_deep_link_with_its_query(product) -> None:
    answer = ask(product, "GET", "/map?district=E&q=%E4%B8%9C%20%26", headers=PAGE)
    (wanted,) = parse_qs(urlsplit(answer.header("location")).query)["next"]
    assert wanted == "/map?district=E&q=%E4%B8%9C%20%26"
    assert local_path(wanted) == wanted


@pytest.mark.parametrize("path", NOT_PAGES)
@pytest.mark.parametrize("headers", [PAGE, {}, {"cookie": f"{COOKIE_NAME}=made-up"}])
def test_a_stranger_asking_for_anything_else_gets_401(product, path: str, headers) -> None:
    answer = ask(product, "GET", path, headers=headers)
    assert answer.status == 401
    assert set(answer.json) == {"error", "next_step"}
    assert b"inside" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_stranger_sending_anything_gets_401(product, method: str) -> None:
    for path in ("/", "/map", "/_stcore/upload_file/x/y"):
        assert ask(product, method, path, headers=PAGE, body=b"x").status == 401


def test_a_page_in_a_foreign_frame_or_fetched_by_script_is_401_not_the_form(product) -> None:
    for target in ("iframe", "empty", "script", "image"):
        answer = ask(
            product, "GET", "/map", headers={"sec-fetch-dest": target, "accept": "text/html"}
        )
        assert answer.status == 401, target


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sign-out"), ("PUT", "/sign-in"), ("DELETE", "/healthz"), ("OPTIONS", "/sign-in")],
)
def test_another_method_on_an_open_path_does_not_fall_through_to_streamlit(
    product, method: str, path: str
) -> None:
    answer = ask(product, method, path, headers=PAGE)
    assert answer.status in {303, 401}
    assert b"inside" not in answer.body


def test_a_strangers_websocket_is_refused_and_a_members_is_not(product, cookie) -> None:
    assert refuses_websocket(product, "/_stcore/stream", {})
    assert refuses_websocket(product, "/sign-in", {})
    assert refuses_websocket(product, "/_stcore/stream", {"cookie": f"{COOKIE_NAME}=made-up"})
    assert not refuses_websocket(product, "/_stcore/stream", cookie())


def test_a_member_passes_and_out_at_once_when_revoked(product, cookie, house) -> None:
    member = cookie()
    assert ask(product, "GET", "/layers/whoami", headers=member).json == {"login": "the-leader"}
    assert b"inside" in ask(product, "GET", "/map", headers=member | PAGE).body
    sign_out(house, token=member["cookie"].partition("=")[2])
    assert ask(product, "GET", "/layers/whoami", headers=member).status == 401
    assert ask(product, "GET", "/map", headers=member | PAGE).status == 303


def test_a_role_that_may_not_gets_403_and_one_that_may_gets_200(product, cookie) -> None:
    assert ask(product, "GET", "/layers/admin", headers=cookie(Role.LEADER)).status == 403
    assert ask(product, "GET", "/layers/admin", headers=cookie(Role.ADMIN)).status == 200


def test_health_is_open_and_tells_nothing_more(product) -> None:
    answer = ask(product, "GET", "/healthz")
    assert (answer.status, answer.json) == (200, {"ok": True})


def test_every_answer_carries_the_security_headers(product, cookie) -> None:
    for answer in (
        ask(product, "GET", "/sign-in"),
        ask(product, "GET", "/layers/x"),
        ask(product, "GET", "/map", headers=PAGE),
        ask(product, "GET", "/map", headers=cookie() | PAGE),
    ):
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy") == "same-origin"
        assert "frame-ancestors" in answer.header("content-security-policy")
        assert "camera=(self)" in answer.header("permissions-policy")


def test_pages_are_never_kept_by_the_browser(product, cookie) -> None:
    answer = ask(product, "GET", "/map", headers=cookie() | PAGE)
    assert answer.header("cache-control") == "no-store"


def test_the_sign_in_page_may_run_no_script_and_ask_for_nothing(product) -> None:
    answer = ask(product, "GET", "/sign-in")
    assert "default-src 'none'" in answer.header("content-security-policy")
    assert "script" not in answer.text.lower()
    assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "").lower()


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.test/",
        "//evil.test/",
        "/\\evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "javascript:alert(1)",
        "evil.test",
        "",
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/" + "x" * 3000,
    ],
)
def test_the_way_back_never_leaves_this_site(wanted: str) -> None:
    assert local_path(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/map", "/map?a=1&b=%2F%2Fx", "/map?u=https://x.test/"])
def test_local_ways_back_are_kept(wanted: str) -> None:
    assert local_path(wanted) == wanted


def test_the_policy_names_no_other_host_unless_a_basemap_is_set() -> None:
    assert "http" not in content_policy("")
    with_tiles = content_policy("https://{s}.tiles.gov.test/{z}/{x}/{y}.png?tk=secret")
    assert "img-src 'self' data: blob: https://*.tiles.gov.test;" in with_tiles
    assert "secret" not in with_tiles


def test_a_fault_shows_a_number_and_never_the_trace(product, cookie, monkeypatch) -> None:
    logged: list[BaseException] = []

    def log(error: BaseException, **where: str) -> str:
        logged.append(error)
        return "AB12CD34"

    monkeypatch.setattr(routes.errors, "log_fault", log)
    request = Request({"type": "http", "method": "GET", "path": "/layers/x", "headers": []})
    answer = run_alone(routes.errors.answer_fault(request, RuntimeError("inner secret")))
    assert answer.status_code == 500
    assert "AB12CD34" in bytes(answer.body).decode()
    assert b"secret" not in answer.body
    assert [str(error) for error in logged] == ["inner secret"]


def test_only_component_scripts_named_by_their_content_may_be_kept(product, cookie) -> None:
    cookie = cookie()
    folder = "/component/streamlit_folium.st_folium"
    kept = ask(product, "GET", f"{folder}/static/js/main.521860b0.js", headers=cookie)
    assert kept.header("cache-control") == "private, max-age=31536000, immutable"
    for address in (f"{folder}/index.html", f"{folder}/main.js", "/layers/521860b0.js"):
        answer = ask(product, "GET", address, headers=cookie)
        assert "immutable" not in (answer.header("cache-control") or "")
    stranger = ask(product, "GET", f"{folder}/static/js/main.521860b0.js")
    assert stranger.status == 401
    assert stranger.header("cache-control") == "no-store"
