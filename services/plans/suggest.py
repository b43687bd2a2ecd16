"""Schools that a plan might visit without drawing them: listed hazards, no or only zero reports."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from sqlalchemy import case, func, select

from db.models import Hazard, School, SelfCheck
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.words import DeadlineClass, HazardStage, MustVisitReason, SchoolStatus
from services.house import House
from services.rules import rules_in_force

COLUMNS = ("code", "name", "reason", "why")
MISSED_FROM = 2
"""Months without a report from which a school is suggested; one alone is often a slip. [own]"""
MOST = 60


def suggest_must_visits(actor: Actor, house: House) -> pd.DataFrame:
    """Return schools in scope worth a visit without a draw, most pressing first.

    Columns: ``code``, ``name``, ``reason`` (``MustVisitReason`` value), ``why`` (Chinese).
    Listed: open hazards under 挂牌督办, overdue ones first. Zero reports: in the full months
    that the risk rules look back, at least two without a report, or none but zeros. At
    most ``MOST`` of each; a school stands once, under the first reason.
    """
    require(actor, Permission.EDIT_PLANS)
    listed, silent = _listed(actor, house), _silent(actor, house)
    both = pd.concat([listed.head(MOST), silent.head(MOST)], ignore_index=True)
    return both.drop_duplicates("code").reset_index(drop=True)


def _listed(actor: Actor, house: House) -> pd.DataFrame:
    overdue = func.sum(case((Hazard.due_on < house.today(), 1), else_=0))
    with house.read() as session:
        rows = session.execute(
            select(School.code, School.name, func.count(), overdue)
            .join(Hazard, Hazard.school_id == School.id)
            .where(
                schools_readable_by(actor),
                School.status == SchoolStatus.ACTIVE,
                Hazard.deadline_class == DeadlineClass.LISTED,
                Hazard.stage != HazardStage.CLOSED,
                Hazard.found_on <= house.today(),
            )
            .group_by(School.code, School.name)
            .order_by(overdue.desc(), func.count().desc(), School.code)
        ).all()
    reason = MustVisitReason.LISTED.value
    return pd.DataFrame(
        [
            (
                row.code,
                row.name,
                reason,
                f"挂牌督办隐患 {row[2]} 条未销号" + (f"，其中逾期 {row[3]} 条" if row[3] else ""),
            )
            for row in rows
        ],
        columns=list(COLUMNS),
    )


def _silent(actor: Actor, house: House) -> pd.DataFrame:
    today = house.today()
    with house.read() as session:
        _, rules = rules_in_force(session.connection(), today)
        months = _full_months(today, rules.selfcheck_months)
        said = (
            select(
                SelfCheck.school_id,
                func.count(SelfCheck.submitted_on).label("reports"),
                func.coalesce(func.sum(SelfCheck.findings), 0).label("findings"),
            )
            .where(SelfCheck.month.in_(months))
            .group_by(SelfCheck.school_id)
            .subquery()
        )
        rows = session.execute(
            select(School.code, School.name, said.c.reports, said.c.findings)
            .join(said, said.c.school_id == School.id)
            .where(schools_readable_by(actor), School.status == SchoolStatus.ACTIVE)
            .order_by(School.code)
        ).all()
    found = pd.DataFrame([tuple(row) for row in rows], columns=["code", "name", "reports", "found"])
    missed = len(months) - found["reports"]
    never = missed >= MISSED_FROM
    zeros = (found["found"] == 0) & (missed == 0)
    span = f"近 {len(months)} 个月自查"
    found = found.assign(
        missed=missed.where(never, 0),
        reason=MustVisitReason.ZERO_REPORT.value,
        why=np.where(never, span + "有 " + missed.astype(str) + " 个月未报", span + "全部为零报告"),
    )
    found = found[never | zeros].sort_values(["missed", "code"], ascending=[False, True])
    return found[list(COLUMNS)]


def _full_months(today: dt.date, count: int) -> list[dt.date]:
    """Return the first days of the last ``count`` months that are over."""
    months, day = [], today.replace(day=1)
    for _ in range(count):
        day = (day - dt.timedelta(days=1)).replace(day=1)
        months.append(day)
    return months
