"""Plans as they are read: the list with its next steps, one plan, what it froze."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Account, District, SamplingPlan
from db.scope import plans_readable_by
from domain.access import Actor, Permission, require
from domain.draw.frame import Frame, parse_excluded, parse_frame
from domain.errors import NotFound, UserError
from domain.plan import PlanTerms
from domain.words import InspectionLevel, PlanStatus
from services.house import House


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """One plan. ``rules`` names the rule set its weights come from, empty before submission.

    ``schools`` counts its frozen frame (0 before), ``n`` all places drawn where known.
    ``may_edit``, ``may_decide``, ``may_cancel`` and ``may_copy`` say what the reader can do now.
    """

    id: int
    number: str
    year: int
    title: str
    level: InspectionLevel
    district_id: int | None
    district: str
    status: PlanStatus
    terms: PlanTerms
    rules: Mapping[str, Any]
    frame_hash: str
    schools: int
    inspected: tuple[str, ...]
    created_by: str
    created_at: dt.datetime
    submitted_by: str
    submitted_at: dt.datetime | None
    decided_by: str
    decided_at: dt.datetime | None
    decision_note: str
    row_version: int
    may_edit: bool
    may_decide: bool
    may_cancel: bool
    may_copy: bool

    @property
    def n(self) -> int:
        """Count the places drawn in all; 0 where a share waits for its frame."""
        return self.terms.n or self.terms.places(self.schools)

    @property
    def next_step(self) -> str:
        """Say who does what next."""
        return _next_step(self.status, self.decision_note)


@dataclass(frozen=True)
class FrozenPlan:
    """What a submitted plan froze: frame, (code, reason) of those left out, stream B."""

    frame: Frame
    excluded: tuple[tuple[str, str], ...]
    inspected: tuple[str, ...]


def list_plans(actor: Actor, house: House) -> pd.DataFrame:
    """Return the plans of this and next year in the actor's scope, newest first.

    Columns: ``number``, ``title``, ``level``, ``district``, ``channel``, ``first_day``,
    ``last_day``, ``size`` (places, or a share of the schools, as text), ``must_visit``
    (count), ``schools`` (frozen frame, 0 before), ``status`` (label), ``next`` (text),
    ``created_by``, ``decided_by``.
    """
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        rows = session.execute(
            select(
                SamplingPlan.number,
                SamplingPlan.title,
                SamplingPlan.level,
                District.name,
                SamplingPlan.terms,
                SamplingPlan.schools,
                SamplingPlan.status,
                SamplingPlan.decision_note,
                SamplingPlan.created_by,
                SamplingPlan.decided_by,
            )
            .outerjoin(District, District.id == SamplingPlan.district_id)
            .where(plans_readable_by(actor), SamplingPlan.year >= house.today().year)
            .order_by(SamplingPlan.id.desc())
        ).all()
    columns = (
        "number", "title", "level", "district", "channel", "first_day", "last_day", "size",
        "must_visit", "schools", "status", "next", "created_by", "decided_by",
    )  # fmt: skip
    lines = []
    for row in rows:
        terms = PlanTerms.from_json(row.terms)
        lines.append(
            (
                row.number,
                row.title,
                row.level.label,
                row.name or "",
                terms.channel.label,
                terms.first_day,
                terms.last_day,
                _size_text(terms, row.schools),
                len(terms.must_visit),
                row.schools,
                row.status.label,
                _next_step(row.status, row.decision_note),
                row.created_by,
                row.decided_by or "",
            )
        )
    return pd.DataFrame(lines, columns=list(columns))


def read_plan(actor: Actor, house: House, *, number: str) -> PlanFacts:
    """Return one plan of the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        found = find_plan(session, actor, number)
        district = session.scalar(select(District.name).where(District.id == found.district_id))
    is_own = found.district_id == actor.district_id
    edits = actor.may(Permission.EDIT_PLANS) and is_own
    decides = actor.may(Permission.APPROVE_PLANS)
    status = found.status
    return PlanFacts(
        id=found.id,
        number=found.number,
        year=found.year,
        title=found.title,
        level=found.level,
        district_id=found.district_id,
        district=district or "",
        status=status,
        terms=PlanTerms.from_json(found.terms),
        rules=found.terms.get("rules", {}),
        frame_hash=found.frame_hash,
        schools=found.schools,
        inspected=tuple(found.inspected),
        created_by=found.created_by,
        created_at=found.created_at,
        submitted_by=found.submitted_by or "",
        submitted_at=found.submitted_at,
        decided_by=found.decided_by or "",
        decided_at=found.decided_at,
        decision_note=found.decision_note,
        row_version=found.row_version,
        may_edit=edits and status is PlanStatus.DRAFT,
        may_decide=decides and status is PlanStatus.SUBMITTED,
        may_cancel=(edits and status in (PlanStatus.DRAFT, PlanStatus.SUBMITTED))
        or (decides and status in (PlanStatus.SUBMITTED, PlanStatus.APPROVED)),
        may_copy=edits,
    )


def read_frozen(actor: Actor, house: House, *, number: str) -> FrozenPlan:
    """Return what a plan froze; raises ``UserError`` where it is not submitted."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        found = find_plan(session, actor, number)
        if found.frame is None or found.excluded is None:
            raise UserError(f"计划 {number} 还没有提交，没有冻结的名录库。", "请提交后再看。")
        return FrozenPlan(
            parse_frame(found.frame),
            tuple(parse_excluded(found.excluded)),
            tuple(found.inspected),
        )


def find_plan(session: Session, actor: Actor, number: str) -> SamplingPlan:
    """Return the row of a plan in the actor's scope, or raise ``NotFound``."""
    found = session.scalars(
        select(SamplingPlan).where(plans_readable_by(actor), SamplingPlan.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("这个抽查计划")
    return found


def name_of(session: Session, login: str | None) -> str:
    """Return the name of an account, or its login where it has none."""
    name = session.scalar(select(Account.name).where(Account.login == login))
    return name or login or ""


def _size_text(terms: PlanTerms, schools: int) -> str:
    if terms.n or schools:
        return f"{terms.places(schools):,} 所"
    return f"{terms.share_permille / 10:g}%"


def _next_step(status: PlanStatus, note: str) -> str:
    if status is PlanStatus.DRAFT:
        return f"已退回：{note}。修改后再提交" if note else "拟定人填完后提交"
    if status is PlanStatus.SUBMITTED:
        return "等局领导批准或退回"
    if status is PlanStatus.APPROVED:
        return "按计划出发抽取"
    return f"已撤销：{note}"
