"""The schools and visits behind the year's figures, and the list that leaves."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from sqlalchemy import select

from db.models import Inspection, School
from db.scope import inspections_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from services.coverage import CoverageYear, read_coverage
from services.house import House
from services.reports.workbooks import Sheet, make_workbook

NEVER_NOTES = (
    "未督查＝该年 1 月 1 日至统计日没有任何层级的督查记录；分母为在办学校。",
    "上次督查为系统内更早的最近一次；空格＝系统内没有任何督查记录，不代表从未有人去过。",
)


def list_visits(actor: Actor, house: House, *, code: str, year: int) -> pd.DataFrame:
    """Return all visits to one school in ``year`` up to today, newest first.

    Columns: ``number``, ``on_date``, ``level``, ``channel``, ``notice``, ``unit``,
    ``hazards`` (found on that visit). Raises ``NotFound`` outside the actor's scope.
    """
    require(actor, Permission.VIEW_COVERAGE)
    last = min(dt.date(year, 12, 31), house.today())
    with house.read() as session:
        school = session.scalar(
            select(School.id).where(schools_readable_by(actor), School.code == code)
        )
        if school is None:
            raise NotFound("这所学校")
        rows = session.execute(
            select(
                Inspection.number,
                Inspection.on_date,
                Inspection.level,
                Inspection.channel,
                Inspection.notice_mode,
                Inspection.unit,
                Inspection.hazards_found,
            )
            .where(
                inspections_readable_by(actor),
                Inspection.school_id == school,
                Inspection.on_date.between(dt.date(year, 1, 1), last),
            )
            .order_by(Inspection.on_date.desc(), Inspection.number.desc())
        ).all()
    return pd.DataFrame(
        {
            "number": [row.number for row in rows],
            "on_date": [row.on_date for row in rows],
            "level": [row.level.label for row in rows],
            "channel": [row.channel.label for row in rows],
            "notice": [row.notice_mode.label for row in rows],
            "unit": [row.unit or "未登记" for row in rows],
            "hazards": [row.hazards_found for row in rows],
        }
    )


def match_never(year: CoverageYear, *, q: str = "", district: str = "") -> pd.DataFrame:
    """Return the never-visited schools whose name or code holds ``q``, of one district."""
    kept = year.never
    if district:
        kept = kept[kept["district_code"] == district]
    if q:
        has = [
            kept[column].str.contains(q, case=False, regex=False).astype(bool)
            for column in ("name", "code")
        ]
        kept = kept[has[0] | has[1]]
    return kept


def export_never_visited(
    actor: Actor, house: House, *, year: int | None = None, q: str = "", district: str = ""
) -> bytes:
    """Return the never-visited schools as xlsx bytes, as listed; writes an audit event."""
    require(actor, Permission.EXPORT_LIST)
    found = read_coverage(actor, house, year=year)
    kept = match_never(found, q=q, district=district)
    as_of = pd.Timestamp(found.as_of)
    since = (as_of - kept["last_on"]).dt.days
    frame = pd.DataFrame(
        {
            "学校代码": kept["code"],
            "学校名称": kept["name"],
            "区县": kept["district"],
            "学段": kept["kind"],
            "风险等级": kept["level"],
            "上次督查": kept["last_on"].dt.strftime("%Y-%m-%d"),
            "距今（天）": since.astype("Float64"),
        }
    )
    with house.write(actor) as work:
        work.audit(
            "export.never_visited",
            f"{len(frame)} 所",
            {"year": found.year, "q": q, "district": district, "rows": len(frame)},
        )
    title = (
        f"{found.year} 年未督查学校（{len(frame):,} 所，在办学校 {found.schools:,} 所，"
        f"统计截至 {found.as_of:%Y-%m-%d}）"
    )
    return make_workbook(Sheet("未督查学校", title, NEVER_NOTES, frame))
