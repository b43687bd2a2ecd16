from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.duels
import routes.guard
from db.models import AuditEvent
from domain.access import Actor
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Role, ValueSource
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.draw_duels import hold_replay
from services.draw_list import list_drawn
from services.draw_recompute import recompute_draw
from services.draws import QuickOrder, commit_quick_draw, draw_quick
from services.house import House
from tests.asgi import ask
from tests.city import SmallCity, add_small_city

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
ORDER = QuickOrder("抽查", SchoolFilter(), 2, Weighting(), ValueSource.TYPED, "6 6")
Cookie = Callable[..., dict[str, str]]


@pytest.fixture
def city(house: House) -> SmallCity:
    return add_small_city(house, is_demo=False)


@pytest.fixture
def app(city: SmallCity, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (routes.guard, routes.duels):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


@pytest.fixture
def number(city: SmallCity, house: House) -> str:
    return draw_quick(INSPECTOR, house, order=ORDER, request_key="r" * 16)


def file(number: str) -> str:
    return f"/files/draws/{number}/duels.json"


def test_the_duels_leave_to_whoever_may_see_the_draw_and_to_nobody_else(
    app: Any, cookie: Cookie, number: str
) -> None:
    assert ask(app, "GET", file(number)).status == 401
    for role in (Role.ADMIN, Role.POLICE):
        assert ask(app, "GET", file(number), headers=cookie(role)).status == 403
    foreign = cookie(Role.DISTRICT, district_code="E")
    refused = ask(app, "GET", file(number), headers=foreign)
    unknown = ask(app, "GET", file("CQ1999-0001"), headers=foreign)
    assert refused.status == 404
    assert refused.body == unknown.body, "another's draw and none at all read the same"
    for role in (Role.AUDITOR, Role.LEADER, Role.INSPECTOR):
        assert ask(app, "GET", file(number), headers=cookie(role)).status == 200


def test_an_unfinished_draw_has_no_duels_to_show(app: Any, house: House, cookie: Cookie) -> None:
    number, _ = commit_quick_draw(INSPECTOR, house, order=ORDER, request_key="u" * 16)
    reader = cookie(Role.INSPECTOR)
    answer = ask(app, "GET", file(number), headers=reader)
    assert answer.status == 404
    assert answer.body == ask(app, "GET", file("CQ1999-0001"), headers=reader).body


def test_the_file_is_never_kept_and_says_what_was_recomputed(
    app: Any, house: House, cookie: Cookie, number: str
) -> None:
    reader = cookie(Role.AUDITOR)
    plain = ask(app, "GET", file(number), headers=reader)
    assert plain.header("cache-control") == "no-store"
    codes = [plain.json["schools"]["code"][place] for place in plain.json["selected"]]
    assert codes == list_drawn(INSPECTOR, house, number=number)["code"].tolist()
    packed = ask(app, "GET", file(number), headers={**reader, "accept-encoding": "gzip"})
    assert packed.header("content-encoding") == "gzip"
    assert json.loads(gzip.decompress(packed.body)) == plain.json
    with Session(house.engine) as session:
        looks = session.scalar(
            select(func.count()).where(
                AuditEvent.kind == "draw.duels_shown", AuditEvent.actor == "the-auditor"
            )
        )
    assert looks == 2


def test_a_packs_duels_leave_to_its_uploader_only(
    app: Any, house: House, cookie: Cookie, number: str
) -> None:
    replay = recompute_draw(INSPECTOR, house, number=number)
    uploader, other = cookie(Role.POLICE), cookie(Role.AUDITOR)
    police = Actor(account_id=1, login="the-police", name="", role=Role.POLICE)
    address = f"/files/packs/{hold_replay(police, house, replay=replay)}/duels.json"
    assert ask(app, "GET", address).status == 401
    assert ask(app, "GET", address, headers=other).status == 404
    answer = ask(app, "GET", address, headers=uploader)
    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    assert answer.json["number"] == number


@pytest.mark.parametrize("folder", ["draws", "packs"])
def test_the_page_itself_knows_nothing_of_any_draw(
    app: Any, cookie: Cookie, number: str, folder: str
) -> None:
    address = f"/files/{folder}/{number}/duels.html"
    assert ask(app, "GET", address).status == 401
    assert ask(app, "GET", address, headers=cookie(Role.SCHOOL, school_code="E1")).status == 403
    reader = cookie(Role.POLICE)
    page = ask(app, "GET", address, headers=reader)
    assert page.status == 200
    assert page.header("cache-control") == "no-store"
    assert page.body == ask(app, "GET", "/files/draws/x/duels.html", headers=reader).body
    assert "{stamp}" not in page.text
    assert "csm-duels.js?v=" in page.text


def test_the_page_may_run_our_own_scripts_and_nothing_else(app: Any, cookie: Cookie) -> None:
    page = ask(app, "GET", "/files/draws/x/duels.html", headers=cookie(Role.AUDITOR))
    policy = page.header("content-security-policy")
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert "<script>" not in page.text
    assert "style=" not in page.text
