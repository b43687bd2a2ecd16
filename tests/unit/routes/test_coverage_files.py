from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from python_calamine import load_workbook
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.files
import routes.guard
from domain.words import Role
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.house import House
from services.rules import ensure_default_rules
from tests.asgi import ask
from tests.city import add_small_city

LIST = "/files/never-visited.xlsx"


@pytest.fixture
def app(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    add_small_city(house, is_demo=False)
    ensure_default_rules(house)
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE, Role.AUDITOR])
def test_nobody_without_the_right_gets_the_list(
    app: Any, cookie: Callable[..., dict[str, str]], role: Role
) -> None:
    assert ask(app, "GET", LIST).status == 401
    assert ask(app, "GET", LIST, headers=cookie(role)).status == 403


def test_the_list_holds_the_own_district_as_searched(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    reader = cookie(Role.DISTRICT, district_code="E")
    answer = ask(app, "GET", f"{LIST}?q=e", headers=reader)
    assert answer.status == 200
    assert answer.header("cache-control") == "no-store"
    rows = (
        load_workbook(io.BytesIO(answer.body))
        .get_sheet_by_index(0)
        .to_python(skip_empty_area=False)
    )
    assert [row[0] for row in rows[4:]] == ["E1", "E2", "E3"]
    foreign = ask(app, "GET", f"{LIST}?district=W", headers=reader)
    assert foreign.status == 200
    empty = load_workbook(io.BytesIO(foreign.body)).get_sheet_by_index(0)
    assert "（0 所" in empty.to_python(skip_empty_area=False)[0][0]


@pytest.mark.parametrize("year", ["20x6", "2027", "²⁰²⁶", "99999", "-1"])
def test_a_year_that_cannot_be_is_refused_in_words(
    app: Any, cookie: Callable[..., dict[str, str]], year: str
) -> None:
    answer = ask(app, "GET", f"{LIST}?year={year}", headers=cookie(Role.LEADER))
    assert answer.status == 400
    assert "年" in answer.text
