from __future__ import annotations

import pytest
from sqlalchemy import select

from db.models import AuditEvent
from domain.access import SYSTEM
from domain.words import Role
from services.accounts import NewAccount, add_account, ensure_demo_accounts
from services.sign_in import COOKIE_NAME
from tests.asgi import Answer, ask
from tests.city import add_small_city
from tests.unit.routes.conftest import PASSWORD

OURS = {"origin": "http://desk.test"}


@pytest.fixture
def anna(house):
    add_account(
        SYSTEM, house, new=NewAccount(login="anna", name="", role=Role.LEADER, password=PASSWORD)
    )
    return house


def post(product, form: dict[str, str], headers: dict[str, str] = OURS, path="/sign-in") -> Answer:
    return ask(product, "POST", path, form=form, headers=headers)


def token_of(answer: Answer) -> str:
    return answer.header("set-cookie").partition(";")[0].partition("=")[2]


def test_the_right_password_sets_a_closed_cookie_and_leads_on(product, anna) -> None:
    answer = post(product, {"login": "anna", "password": PASSWORD, "next": "/map?a=1"})
    assert (answer.status, answer.header("location")) == (303, "/map?a=1")
    cookie = answer.header("set-cookie").lower()
    for part in (COOKIE_NAME, "httponly", "samesite=lax", "path=/", "max-age=43200"):
        assert part in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie
    whoami = ask(
        product, "GET", "/layers/whoami", headers={"cookie": f"{COOKIE_NAME}={token_of(answer)}"}
    )
    assert whoami.json == {"login": "anna"}


def test_under_tls_the_cookie_is_sent_over_tls_only(product, anna, monkeypatch) -> None:
    import routes.sign_in
    from services.house import House

    tls = House(
        engine=anna.engine,
        settings=anna.settings.model_copy(update={"secure_cookie": True}),
        now=anna.now,
    )
    monkeypatch.setattr(routes.sign_in, "current_house", lambda: tls)
    answer = post(product, {"login": "anna", "password": PASSWORD})
    assert "secure" in answer.header("set-cookie").lower()


def test_a_wrong_password_shows_the_form_again_with_the_name_kept_and_no_cookie(
    product, anna
) -> None:
    answer = post(product, {"login": 'an"><b>', "password": "wrong", "next": "/map?a=1"})
    assert answer.status == 401
    assert "账号或密码不正确" in answer.text
    assert 'value="an&quot;&gt;&lt;b&gt;"' in answer.text
    assert 'value="/map?a=1"' in answer.text
    assert "wrong" not in answer.text
    assert answer.header("set-cookie") == ""


def test_too_many_failures_are_answered_429(product, anna) -> None:
    for _ in range(anna.settings.sign_in_tries):
        assert post(product, {"login": "anna", "password": "wrong"}).status == 401
    answer = post(product, {"login": "anna", "password": PASSWORD})
    assert answer.status == 429
    assert "15 分钟后再试" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.test"},
        {"origin": "null"},
        {"origin": "http://desk.test.evil.test"},
        {"origin": "http://desk.test:81"},
        {"referer": "http://evil.test/desk.test"},
        {},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_a_form_posted_from_another_site_is_refused(product, anna, headers, path) -> None:
    answer = post(product, {"login": "anna", "password": PASSWORD}, headers, path)
    assert answer.status == 403
    assert answer.header("set-cookie") == ""


def test_an_old_browser_without_origin_is_known_by_its_referer(product, anna) -> None:
    answer = post(
        product, {"login": "anna", "password": PASSWORD}, {"referer": "http://desk.test/sign-in"}
    )
    assert answer.status == 303


@pytest.mark.parametrize("wanted", ["https://evil.test/", "//evil.test", "/\\evil.test"])
def test_signing_in_never_leads_to_another_site(product, anna, wanted) -> None:
    answer = post(product, {"login": "anna", "password": PASSWORD, "next": wanted})
    assert (answer.status, answer.header("location")) == (303, "/")
    shown = ask(product, "GET", "/sign-in?next=https%3A%2F%2Fevil.test")
    assert "evil.test" not in shown.text


def test_an_oversized_or_unreadable_form_is_refused(product, anna) -> None:
    big = ask(product, "POST", "/sign-in", headers=OURS, body=b"login=" + b"x" * 20_000)
    assert big.status == 400
    odd = ask(product, "POST", "/sign-in", headers=OURS, body=b"login=\xff\xfe")
    assert odd.status == 400
    many = ask(product, "POST", "/sign-in", headers=OURS, body=b"a=1&" * 50)
    assert many.status == 400


def test_signing_out_revokes_the_token_and_drops_the_cookie(product, anna) -> None:
    token = token_of(post(product, {"login": "anna", "password": PASSWORD}))
    member = {"cookie": f"{COOKIE_NAME}={token}"}
    answer = post(product, {}, OURS | member, "/sign-out")
    assert (answer.status, answer.header("location")) == (303, "/sign-in")
    assert "max-age=0" in answer.header("set-cookie").lower()
    assert ask(product, "GET", "/layers/whoami", headers=member).status == 401
    with anna.read() as session:
        kinds = list(session.execute(select(AuditEvent.kind).order_by(AuditEvent.seq)).scalars())
    assert kinds[-2:] == ["sign_in.opened", "sign_in.ended"]


def test_signing_out_needs_a_post(product, anna) -> None:
    token = token_of(post(product, {"login": "anna", "password": PASSWORD}))
    member = {"cookie": f"{COOKIE_NAME}={token}"}
    ask(product, "GET", "/sign-out", headers=member)
    assert ask(product, "GET", "/layers/whoami", headers=member).status == 200


def test_whoever_is_signed_in_skips_the_form(product, cookie) -> None:
    answer = ask(product, "GET", "/sign-in?next=%2Fmap%3Fa%3D1", headers=cookie())
    assert (answer.status, answer.header("location")) == (303, "/map?a=1")


def test_an_empty_system_says_how_to_make_the_first_account(product) -> None:
    text = ask(product, "GET", "/sign-in").text
    assert "还没有任何账号" in text
    assert "manage.py user add" in text


def test_demo_buttons_stand_on_a_demo_city_until_the_first_real_account(product, house) -> None:
    add_small_city(house)
    ensure_demo_accounts(house)
    text = ask(product, "GET", "/sign-in").text
    assert all(f'value="{role.value}"' in text for role in Role)
    answer = post(product, {"demo": "police", "next": "/map"})
    assert answer.status == 303
    assert post(product, {"demo": "emperor"}).status == 401
    add_account(
        SYSTEM, house, new=NewAccount(login="real", name="", role=Role.ADMIN, password=PASSWORD)
    )
    assert "演示体验" not in ask(product, "GET", "/sign-in").text
    refused = post(product, {"demo": "police"})
    assert refused.status == 401
    assert refused.header("set-cookie") == ""
    member = {"cookie": f"{COOKIE_NAME}={token_of(answer)}"}
    assert ask(product, "GET", "/layers/whoami", headers=member).status == 401
