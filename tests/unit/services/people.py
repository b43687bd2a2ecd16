"""Helpers of the tests about inspectors: who acts, files of people, rounds of the past."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Draw, Inspector, RouteMember, RouteStop, School
from domain.access import Actor
from domain.words import (
    DrawForm,
    DrawStatus,
    InspectionLevel,
    InspectorKind,
    Role,
    StopOutcome,
    ValueSource,
)
from services.house import House
from services.inspector_changes import InspectorDraft

CITY = Actor(account_id=None, login="li", name="", role=Role.INSPECTOR)
LEADER = Actor(account_id=None, login="ju", name="", role=Role.LEADER)
AUDITOR = Actor(account_id=None, login="shen", name="", role=Role.AUDITOR)


def officer(district: int | None) -> Actor:
    return Actor(account_id=None, login="qu", name="", role=Role.DISTRICT, district_id=district)


def draft(code: str = "A1", name: str = "甲", **more: Any) -> InspectorDraft:
    return InspectorDraft(code=code, name=name, kind=InspectorKind.EDUCATION, **more)


def workbook(rows: Sequence[Mapping[str, Any]], *, explained: bool = True) -> bytes:
    """Return an xlsx as a clerk fills the template: one header, the rows, a second sheet."""
    headers = list(dict.fromkeys(name for row in rows for name in row))
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet("督查人员")
        page.write_row(0, 0, headers)
        for at, row in enumerate(rows, start=1):
            page.write_row(at, 0, [row.get(name, "") for name in headers])
        if explained:
            book.add_worksheet("填写说明").write_row(0, 0, ["列名", "怎么填"])
    return out.getvalue()


def add_round(
    house: House,
    *,
    number: str,
    day: str,
    teams: Mapping[str, Sequence[str]],
    schools: Mapping[str, Sequence[str]],
    status: DrawStatus = DrawStatus.DRAWN,
    district: int | None = None,
    absent: Sequence[str] = (),
    lost: Sequence[str] = (),
) -> None:
    """Write a sealed draw with its teams ({route: people}) and stops ({route: schools})."""
    departs = dt.date.fromisoformat(day)
    with Session(house.engine) as session:
        draw = Draw(
            number=number,
            year=departs.year,
            form=DrawForm.SEALED,
            level=InspectionLevel.CITY if district is None else InspectionLevel.COUNTY,
            district_id=district,
            title=f"督查 {number}",
            n=1,
            request_key=number.ljust(16, "x"),
            value_source=ValueSource.TYPED,
            frame=b"",
            excluded=b"",
            frame_hash="",
            parameters={},
            parameters_hash="",
            schools=1,
            status=status,
            committed_at=dt.datetime(departs.year, departs.month, departs.day, tzinfo=dt.UTC),
            committed_by="li",
            commit_seq=1,
            departs_on=departs,
        )
        session.add(draw)
        session.flush()
        ids = {code: of for code, of in session.execute(select(Inspector.code, Inspector.id))}  # noqa: C416
        school_ids = {code: of for code, of in session.execute(select(School.code, School.id))}  # noqa: C416
        for route, people in teams.items():
            for code in people:
                session.add(
                    RouteMember(
                        draw_id=draw.id,
                        inspector_id=ids[code],
                        route=route,
                        can_lead=code == people[0],
                        absent_reason="病假" if code in absent else None,
                    )
                )
        for route, codes in schools.items():
            for at, code in enumerate(codes, start=1):
                session.add(
                    RouteStop(
                        draw_id=draw.id,
                        route=route,
                        position=at,
                        school_id=school_ids.get(code),
                        school_code=code,
                        outcome=StopOutcome.LOST if code in lost else None,
                    )
                )
        session.commit()
