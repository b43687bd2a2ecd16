from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from python_calamine import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.files
import routes.guard
from db.models import AuditEvent
from domain.words import Role
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.audit_log import KIND_LABELS
from services.house import House
from services.inspector_changes import add_inspector
from tests.asgi import ask
from tests.city import add_small_city
from tests.unit.services.people import CITY, draft, officer

LIST, TEMPLATE = "/files/inspectors.xlsx", "/files/inspectors-template.xlsx"


@pytest.fixture
def app(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    city = add_small_city(house, is_demo=False)
    add_inspector(CITY, house, draft=draft("A1", "甲", phone="13800000000"))
    add_inspector(officer(city.east), house, draft=draft("E01", "东一"))
    add_inspector(officer(city.west), house, draft=draft("W01", "西一"))
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


def cells(body: bytes) -> list[str]:
    sheet = load_workbook(io.BytesIO(body)).get_sheet_by_index(0)
    return [str(cell) for row in sheet.to_python(skip_empty_area=False) for cell in row]


def test_a_stranger_and_roles_without_the_right_get_nothing(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    for address in (LIST, TEMPLATE):
        assert ask(app, "GET", address).status == 401
    police, auditor = cookie(Role.POLICE), cookie(Role.AUDITOR)
    for address in (LIST, TEMPLATE):
        assert ask(app, "GET", address, headers=police).status == 403
        assert ask(app, "GET", address, headers=auditor).status == 403


def test_each_takes_away_what_it_sees_and_it_is_audited(
    app: Any, house: House, cookie: Callable[..., dict[str, str]]
) -> None:
    inspector, leader = cookie(Role.INSPECTOR), cookie(Role.LEADER)
    east = cookie(Role.DISTRICT, district_code="E")
    everything = ask(app, "GET", LIST, headers=inspector)
    assert everything.status == 200
    assert everything.header("cache-control") == "no-store"
    assert {"A1", "E01", "W01", "13800000000"} <= set(cells(everything.body))
    assert "13800000000" not in cells(ask(app, "GET", LIST, headers=leader).body)
    own = cells(ask(app, "GET", LIST, headers=east).body)
    assert "E01" in own
    assert not {"A1", "W01"} & set(own)
    some = cells(ask(app, "GET", f"{LIST}?level=city&state=active&x=1", headers=inspector).body)
    assert "A1" in some
    assert "E01" not in some
    assert ask(app, "GET", TEMPLATE, headers=east).status == 200
    assert ask(app, "GET", TEMPLATE, headers=leader).status == 403
    with Session(house.engine) as session:
        kinds = session.scalars(select(AuditEvent.kind)).all()
    assert kinds.count("export.inspectors") == 4
    assert kinds.count("export.inspectors_template") == 1
    told = [kind for kind in kinds if "inspector" in kind]
    assert [kind for kind in told if kind not in KIND_LABELS] == []
