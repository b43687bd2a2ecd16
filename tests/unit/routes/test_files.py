from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from python_calamine import load_workbook
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.files
import routes.guard
from db.models import AuditEvent, School
from domain.access import SYSTEM
from domain.words import Role
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.house import House
from tests.asgi import ask
from tests.city import add_small_city

LIST = "/files/schools.xlsx"


@pytest.fixture
def app(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    add_small_city(house, is_demo=False)
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=FILE_ROUTES,
        middleware=[
            Middleware(
                Gate, content_policy=content_policy(""), pages=frozenset({"/"}), home_alias="/map"
            )
        ],
        exception_handlers=ERROR_ANSWERS,
    )


def cells(body: bytes) -> list[list[Any]]:
    return load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python(skip_empty_area=False)


def test_a_stranger_and_a_role_without_the_right_get_no_file(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    assert ask(app, "GET", LIST).status == 401
    refused = ask(app, "GET", LIST, headers=cookie(Role.AUDITOR))
    assert refused.status == 403
    assert "无权导出学校列表" in refused.text


def test_the_export_holds_the_filtered_list_of_the_own_district_and_is_audited(
    app: Any, house: House, cookie: Callable[..., dict[str, str]]
) -> None:
    answer = ask(app, "GET", f"{LIST}?sort=name", headers=cookie(Role.DISTRICT, district_code="E"))
    assert answer.status == 200
    rows = cells(answer.body)
    assert rows[0][0] == "学校列表（3 所，数据日期 2026-09-01）"
    head = rows[3]
    assert [row[head.index("学校代码")] for row in rows[4:]] == ["E1", "E2", "E3"]
    assert rows[4][head.index("在校生（人）")] == 900
    assert rows[4][head.index("风险分")] == "", "unknown is empty, not zero"
    with Session(house.engine) as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.kind == "export.schools")).one()
    assert event.data["rows"] == 3


def test_a_name_that_looks_like_a_formula_leaves_as_text(
    app: Any, house: House, cookie: Callable[..., dict[str, str]]
) -> None:
    with house.write(SYSTEM) as work:
        work.connection.execute(
            update(School).where(School.code == "W1").values(name='=HYPERLINK("http://x")')
        )
        work.bump("schools")
        work.audit("test.renamed")
    answer = ask(app, "GET", f"{LIST}?q=W1", headers=cookie(Role.LEADER))
    assert cells(answer.body)[4][1] == '=HYPERLINK("http://x")'
    assert b"<f>" not in _sheet_xml(answer.body)


def _sheet_xml(body: bytes) -> bytes:
    import zipfile

    with zipfile.ZipFile(io.BytesIO(body)) as book:
        return book.read("xl/worksheets/sheet1.xml")


def test_an_unknown_address_is_a_chinese_page_and_the_alias_leads_home(
    app: Any, cookie: Callable[..., dict[str, str]]
) -> None:
    wants_page = {**cookie(Role.LEADER), "accept": "text/html"}
    wrong = ask(app, "GET", "/no/such/page", headers=wants_page)
    assert wrong.status == 404
    assert "没有这个页面" in wrong.text
    alias = ask(app, "GET", "/map?school=E1", headers=wants_page)
    assert (alias.status, alias.header("location")) == (303, "/?school=E1")
