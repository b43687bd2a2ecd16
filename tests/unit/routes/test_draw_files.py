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
from db.models import AuditEvent, School
from domain.access import Actor
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Role, SchoolStatus, ValueSource
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.draw_list import LACKS
from services.draw_replay import replay_pack
from services.draws import QuickOrder, draw_quick
from services.house import House
from tests.asgi import ask
from tests.city import SmallCity, add_small_city
from tests.unit.services.reports.papers.pdf_text import page_count

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)


@pytest.fixture
def city(house: House) -> SmallCity:
    city = add_small_city(house, is_demo=False)
    with Session(house.engine) as session:
        closed = School(code="E9", name="E9", lon=118.0, lat=33.0, district_id=city.east)
        closed.status = SchoolStatus.CLOSED
        session.add(closed)
        session.commit()
    return city


@pytest.fixture
def app(city: SmallCity, house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


@pytest.fixture
def number(city: SmallCity, house: House) -> str:
    order = QuickOrder("抽查", SchoolFilter(), 2, Weighting(), ValueSource.TYPED, "6 6")
    return draw_quick(INSPECTOR, house, order=order, request_key="r" * 16)


@pytest.mark.parametrize("file", ["pack.zip", "list.xlsx", "certificate.pdf"])
def test_nobody_without_the_right_gets_a_draws_files(
    app: Any, cookie: Callable[..., dict[str, str]], number: str, file: str
) -> None:
    address = f"/files/draws/{number}/{file}"
    assert ask(app, "GET", address).status == 401
    assert ask(app, "GET", address, headers=cookie(Role.ADMIN)).status == 403
    foreign = cookie(Role.DISTRICT, district_code="E")
    assert ask(app, "GET", address, headers=foreign).status == 404
    unknown = ask(app, "GET", f"/files/draws/CQ1999-0001/{file}", headers=foreign)
    refused = ask(app, "GET", address, headers=foreign)
    assert refused.body == unknown.body, "another's draw and none at all read the same"


def test_the_pack_and_the_list_leave_audited_and_agree(
    app: Any, house: House, cookie: Callable[..., dict[str, str]], number: str
) -> None:
    reader = cookie(Role.AUDITOR)
    pack = ask(app, "GET", f"/files/draws/{number}/pack.zip", headers=reader)
    assert pack.status == 200
    assert pack.header("cache-control") == "no-store"
    replay = replay_pack(pack.body)
    assert replay.fault is None
    book = ask(app, "GET", f"/files/draws/{number}/list.xlsx", headers=reader)
    rows = (
        load_workbook(io.BytesIO(book.body)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    )
    assert LACKS in [row[0] for row in rows]
    head = next(at for at, row in enumerate(rows) if row[0] == "序号")
    assert replay.drawn is not None
    assert tuple(row[1] for row in rows[head + 1 :]) == replay.drawn.ids
    with Session(house.engine) as session:
        kinds = session.scalars(select(AuditEvent.kind).where(AuditEvent.actor == "the-auditor"))
        assert {"draw.pack_exported", "draw.list_exported"} <= set(kinds)


def test_the_certificate_leaves_as_one_page_and_audited(
    app: Any, house: House, cookie: Callable[..., dict[str, str]], number: str
) -> None:
    answer = ask(app, "GET", f"/files/draws/{number}/certificate.pdf", headers=cookie(Role.AUDITOR))
    assert answer.status == 200
    assert answer.header("content-type") == "application/pdf"
    assert answer.header("cache-control") == "no-store"
    assert page_count(answer.body) == 1
    with Session(house.engine) as session:
        kinds = session.scalars(select(AuditEvent.kind).where(AuditEvent.actor == "the-auditor"))
        assert "draw.certificate_exported" in set(kinds)
