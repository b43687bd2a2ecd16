"""The files of a round under way and of a quick draw's day, through the gate."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.files
import routes.guard
from db.models import RouteStop, SignIn
from domain.quick_day import DayOrder
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import ValueSource
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.draws import QuickOrder, draw_quick, use_draw
from services.house import House
from services.rounds.field import look_at_own_route
from services.sign_in import COOKIE_NAME, token_hash
from tests.asgi import Answer, ask
from tests.rounds import TODAY, RoundCity, add_round_city, depart
from tests.unit.services.reports.papers.pdf_text import text_of

ORDER = DayOrder(on=TODAY, start_name="局", start_lon=118.02, start_lat=33.02)


@pytest.fixture
def city(house: House) -> RoundCity:
    made = add_round_city(house)
    now = house.now()
    with Session(house.engine) as session:
        session.add_all(
            SignIn(
                account_id=actor.account_id, token_hash=token_hash(f"token-{login}"),
                created_at=now, last_seen_at=now, expires_at=now.replace(year=now.year + 1),
            )
            for login, actor in made.actors.items()
        )  # fmt: skip
        session.commit()
    return made


@pytest.fixture
def number(city: RoundCity, house: House) -> str:
    return depart(house, city).number


@pytest.fixture
def app(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


def get(app: Any, login: str, address: str) -> Answer:
    headers = {"cookie": f"{COOKIE_NAME}=token-{login}"} if login else {}
    return ask(app, "GET", address, headers=headers)


def test_a_team_gets_its_sheet_and_nobody_keeps_a_copy(
    app: Any, city: RoundCity, house: House, number: str
) -> None:
    answer = get(app, "wang", f"/files/rounds/{number}/sheet.pdf")
    assert answer.status == 200
    assert answer.header("content-type") == "application/pdf"
    assert answer.header("cache-control") == "no-store"
    text = text_of(answer.body)
    route = look_at_own_route(city.actor("wang"), house, number=number)
    assert all(stop.name in text for stop in route.stops)
    named = unquote(answer.header("content-disposition"))
    assert not any(stop.name in named or stop.code in named for stop in route.stops)


@pytest.mark.parametrize("file", ["sheet.pdf", "feedback/1.pdf", "feedback.pdf"])
@pytest.mark.parametrize("login", ["li", "ju", "shen", "guan", "jing", "qu", "xiang", "xiao"])
def test_everybody_else_hears_the_same_of_this_round_and_of_none(
    app: Any, number: str, login: str, file: str
) -> None:
    refused = get(app, login, f"/files/rounds/{number}/{file}")
    unknown = get(app, login, f"/files/rounds/CQ1999-0001/{file}")
    assert refused.status in (403, 404)
    assert (refused.status, refused.body) == (unknown.status, unknown.body)


def test_no_address_of_a_sealed_round_holds_a_schools_code(
    app: Any, house: House, number: str
) -> None:
    with house.read() as session:
        codes = session.scalars(select(RouteStop.school_code)).all()
    for code in codes:
        assert get(app, "wang", f"/files/rounds/{number}/feedback/{code}.pdf").status == 404
    assert get(app, "wang", f"/files/rounds/{number}/feedback/1.pdf").status == 400


def test_a_quick_draws_sheet_is_for_its_readers_and_needs_a_whole_order(
    app: Any, city: RoundCity, house: House
) -> None:
    li = city.actor("li")
    order = QuickOrder("抽查", SchoolFilter(), 3, Weighting(), ValueSource.TYPED, "6 6")
    number = draw_quick(li, house, order=order, request_key="r" * 16)
    address = f"/files/draws/{number}/routes/R1.pdf"
    whole = f"{address}?{ORDER.to_query()}"
    assert get(app, "li", whole).status == 400, "not in use yet"
    use_draw(li, house, number=number)
    assert "未封存" in text_of(get(app, "li", whole).body)
    assert get(app, "ju", whole).status == 200
    assert get(app, "li", address).status == 400
    assert get(app, "qu", whole).status == 404
    assert get(app, "guan", whole).status == 403
    assert get(app, "", whole).status == 401
