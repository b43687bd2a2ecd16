"""Recusal: the schools an inspector stays away from, declared or former workplaces."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import Inspector, InspectorTie, School
from db.scope import inspectors_managed_by, inspectors_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.draw.roster import RosterRules
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import one_line
from domain.school_filter import SchoolFilter
from domain.words import TieKind
from services.house import House
from services.map_schools import load_school_table, match_schools

FORMER_YEARS = RosterRules.former_years
NOTE_LIMIT = 120
SCHOOLS_OFFERED = 30
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
TIES_LIMIT = 100
"""Ties of one person; more than that is a mistake in a file."""


@dataclass(frozen=True, slots=True)
class SchoolsFound:
    """Schools of the actor's scope whose name or code holds a text: the first, and how many."""

    total: int
    schools: tuple[tuple[str, str], ...]


def tieable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Inspector``: whose recusal the actor may register.

    The city registers it for everybody: a district does not see schools of the others.
    """
    if actor.district_id is None and actor.may(Permission.MANAGE_INSPECTORS):
        return inspectors_readable_by(actor)
    return inspectors_managed_by(actor)


def free_again_on(left_on: dt.date) -> dt.date:
    """Return the first day on which a former workplace no longer binds (DRAW.md §7)."""
    try:
        return left_on.replace(year=left_on.year + FORMER_YEARS)
    except ValueError:  # 29 February
        return dt.date(left_on.year + FORMER_YEARS, 3, 1)


def read_day(text: str) -> dt.date | None:
    """Return a typed day (2024-06-30, 2024/6/30, 2024年6月30日), ``None`` for an empty text."""
    typed = unicodedata.normalize("NFKC", text).strip()
    if not typed:
        return None
    found = _DAY.fullmatch(typed)
    try:
        if found is not None:
            return dt.date(*map(int, found.groups()))
    except ValueError:
        pass
    raise UserError(f"“{typed[:20]}”不是一个日期。", "请写年月日，例如 2024-06-30。")


def may_change_ties(actor: Actor, house: House, *, code: str) -> bool:
    """Tell whether the actor may register recusal for the person."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        found = session.scalar(
            select(Inspector.id).where(tieable_by(actor), Inspector.code == code)
        )
    return found is not None


def list_ties(actor: Actor, house: House, *, code: str) -> pd.DataFrame:
    """Return the schools a person of the actor's scope stays away from, binding ones first.

    Columns: ``id``, ``school_code``, ``school`` (name; empty outside the actor's scope),
    ``kind`` (its label), ``left_on`` (date or ``None``), ``free_on`` (first day without
    recusal, or ``None``), ``is_binding`` (bool, today), ``note``.
    """
    require(actor, Permission.VIEW_PLANS)
    today = house.today()
    with house.read() as session:
        rows = session.execute(
            select(
                InspectorTie.id,
                School.code,
                School.name,
                School.id.in_(select(School.id).where(schools_readable_by(actor))),
                InspectorTie.kind,
                InspectorTie.left_on,
                InspectorTie.note,
            )
            .join(Inspector, Inspector.id == InspectorTie.inspector_id)
            .join(School, School.id == InspectorTie.school_id)
            .where(inspectors_readable_by(actor), Inspector.code == code)
            .order_by(InspectorTie.kind, School.code)
        ).all()
    found = []
    for tie, school_code, name, is_seen, kind, left_on, note in rows:
        free_on = free_again_on(left_on) if kind is TieKind.FORMER and left_on else None
        binds = free_on is None or today < free_on
        found.append(
            (tie, school_code, name if is_seen else "", kind.label, left_on, free_on, binds, note)
        )
    columns = ["id", "school_code", "school", "kind", "left_on", "free_on", "is_binding", "note"]
    frame = pd.DataFrame(found, columns=columns, dtype=object)
    return frame.sort_values("is_binding", ascending=False, kind="stable", ignore_index=True)


def find_schools(actor: Actor, house: House, *, q: str) -> SchoolsFound:
    """Return the schools whose name or code holds ``q``; none for an empty text."""
    if not q.strip():
        return SchoolsFound(0, ())
    table = load_school_table(actor, house)
    at = np.flatnonzero(match_schools(actor, house, wanted=SchoolFilter(q=q.strip())))
    first = pa.array(at[:SCHOOLS_OFFERED])
    codes, names = table.codes.take(first).to_pylist(), table.names.take(first).to_pylist()
    return SchoolsFound(len(at), tuple(zip(codes, names, strict=True)))


def add_tie(
    actor: Actor,
    house: House,
    *,
    code: str,
    school_code: str,
    kind: TieKind,
    left_on: dt.date | None = None,
    note: str = "",
) -> None:
    """Register that a person stays away from a school. Twice the same changes nothing.

    A former workplace needs the day of leaving; registering it again with another day
    corrects the day. Raises ``UserError`` where something does not fit.
    """
    require(actor, Permission.MANAGE_INSPECTORS)
    if kind is TieKind.FORMER and left_on is None:
        raise UserError("曾任职学校要写离任日。", "请填写离任日，例如 2024-06-30。")
    if left_on is not None and left_on > house.today():
        raise UserError("离任日在今天之后。", "仍在任职的，请按“申报的回避”登记。")
    said = one_line(note, what="说明", limit=NOTE_LIMIT) if note.strip() else ""
    left_on = left_on if kind is TieKind.FORMER else None
    with house.write(actor) as work:
        person = _person(work.session, actor, code)
        school = work.session.scalar(
            select(School.id).where(schools_readable_by(actor), School.code == school_code)
        )
        if school is None:
            raise NotFound("这所学校")
        mine = InspectorTie.inspector_id == person.id
        held = work.session.scalars(select(InspectorTie).where(mine)).all()
        same = next((t for t in held if t.school_id == school and t.kind is kind), None)
        if same is None:
            if len(held) >= TIES_LIMIT:
                raise UserError(f"回避学校已满 {TIES_LIMIT} 所。", "请先移除已失效的登记。")
            same = InspectorTie(inspector_id=person.id, school_id=school, kind=kind)
            work.session.add(same)
        same.left_on, same.note = left_on, said
        work.bump("inspectors")
        data = {"school": school_code, "kind": kind.value, "note": said}
        if left_on:
            data["left_on"] = left_on.isoformat()
        work.audit("inspector.tie_added", code, data)


def remove_tie(actor: Actor, house: House, *, code: str, tie_id: int, reason: str) -> None:
    """Take a tie back, with the reason on the audit log; ``NotFound`` where it is gone."""
    require(actor, Permission.MANAGE_INSPECTORS)
    said = one_line(reason, what="移除原因", limit=NOTE_LIMIT)
    with house.write(actor) as work:
        person = _person(work.session, actor, code)
        row = work.session.execute(
            select(InspectorTie, School.code)
            .join(School, School.id == InspectorTie.school_id)
            .where(InspectorTie.id == tie_id, InspectorTie.inspector_id == person.id)
        ).one_or_none()
        if row is None:
            raise NotFound("这条回避登记")
        tie, school_code = row
        work.session.delete(tie)
        work.bump("inspectors")
        data = {"school": school_code, "kind": tie.kind.value, "reason": said}
        work.audit("inspector.tie_removed", code, data)


def _person(session: Session, actor: Actor, code: str) -> Inspector:
    """Return the person, its row locked against a second hand doing the same."""
    person = session.scalars(
        select(Inspector)
        .where(inspectors_readable_by(actor), Inspector.code == code)
        .with_for_update()
    ).one_or_none()
    if person is None:
        raise NotFound("这名督查人员")
    allowed = select(Inspector.id).where(tieable_by(actor), Inspector.id == person.id)
    if session.scalar(allowed) is None:
        raise Forbidden(f"登记{person.level.label}督查人员的回避")
    return person
