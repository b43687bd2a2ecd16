"""What a plan freezes: its frame, the schools left out with their reasons, stream B."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Inspection, School
from db.scope import schools_readable_by
from domain.access import SCOPE_FIELD, Actor
from domain.draw.frame import Frame
from domain.draw.year import DrawRule, YearPreparation
from domain.errors import Forbidden, UserError
from domain.plan import COMPANY_CHANNELS, PlanTerms
from domain.sampling_rules import SamplingRules
from domain.words import Channel, InspectionLevel, LegalForm, LegalReason, SchoolStatus
from services.draw_frames import check_places, make_frame
from services.house import House

CODES_PER_QUERY = 500
"""Well under the smallest limit on variables in one statement."""


@dataclass(frozen=True)
class PlanBasis:
    """What a submission freezes. ``excluded`` is the file's bytes, ``n`` all places drawn.

    ``inspected`` are codes of the frame with an inspection of the plan's level this year.
    """

    frame: Frame
    excluded: bytes
    inspected: tuple[str, ...]
    rules: SamplingRules
    n: int

    def first_rule(self, terms: PlanTerms) -> DrawRule:
        """Return the draw rule of the first departure."""
        n = terms.first_places(len(self.frame))
        return terms.rule(n=n, inspected=self.inspected)


def owner_of(actor: Actor) -> tuple[InspectionLevel, int | None]:
    """Return level and district of the plans that the actor drafts; ``Forbidden`` if none."""
    field = SCOPE_FIELD.get(actor.role)
    if field and getattr(actor, field) is None:
        raise Forbidden("拟定抽查计划：账号未设定所属区县")
    if actor.district_id is None:
        return InspectionLevel.CITY, None
    return InspectionLevel.COUNTY, actor.district_id


def make_basis(actor: Actor, house: House, *, terms: PlanTerms) -> PlanBasis:
    """Return what the terms would freeze now, in the actor's own scope; writes nothing.

    Raises ``UserError`` naming the first term that does not hold by itself, against the
    schools there are, or against the number of schools in range.
    """
    level, _ = owner_of(actor)
    terms.check()
    if level is InspectionLevel.COUNTY and terms.channel is Channel.CROSS:
        raise UserError(
            f"县级计划不能用“{Channel.CROSS.label}”：人员来自其他区县。",
            "请改选其他督查方式，或请市级督查员拟定。",
        )
    with house.read() as session:
        _check_named(session, actor, terms)
        seen = _inspected(session, actor, house, level, terms)
    left_out = tuple(sorted((entry.code, entry.reason.value) for entry in terms.named))
    made = make_frame(
        actor,
        house,
        wanted=terms.wanted,
        weighting=terms.weighting,
        by_risk_band=terms.by_risk_band,
        left_out=left_out,
    )
    n = terms.places(len(made.frame))
    check_places(n, len(made.frame))
    if n < terms.departures:
        raise UserError(
            f"共抽 {n} 所，分不成 {terms.departures} 次出发。", "请减少出发次数，或增加抽取数量。"
        )
    basis = PlanBasis(
        frame=made.frame,
        excluded=made.excluded,
        inspected=tuple(code for code in made.frame.ids if code in seen),
        rules=made.rules,
        n=n,
    )
    YearPreparation(basis.frame, basis.first_rule(terms))
    return basis


def schools_by_code(
    session: Session, actor: Actor, codes: Sequence[str], *columns: Any
) -> Iterator[Any]:
    """Yield rows of ``School`` columns for the codes that lie in the actor's scope."""
    for start in range(0, len(codes), CODES_PER_QUERY):
        chunk = codes[start : start + CODES_PER_QUERY]
        yield from session.execute(
            select(School.code, *columns).where(schools_readable_by(actor), School.code.in_(chunk))
        )


def _check_named(session: Session, actor: Actor, terms: PlanTerms) -> None:
    named = [entry.code for entry in terms.named]
    known = {
        row.code: row
        for row in schools_by_code(
            session, actor, named, School.name, School.status, School.legal_form
        )
    }
    for code in named:
        if code not in known:
            raise UserError(
                f"名单中的学校 {code} 不存在，或不在管辖范围内。", "请从名单中删去它，再试一次。"
            )
        if known[code].status is not SchoolStatus.ACTIVE:
            raise UserError(
                f"名单中的“{known[code].name}”（{code}）{known[code].status.label}，本来就不参加。",
                "请从名单中删去它。",
            )
    for entry in terms.exclusions:
        if entry.reason is not LegalReason.COMPANY:
            continue
        if terms.channel not in COMPANY_CHANNELS:
            raise UserError(
                f"“{terms.channel.label}”不受企业法人检查的限制，不能以此为由不抽。",
                "请删去这些学校，或改选第三方、交叉检查。",
            )
        if known[entry.code].legal_form is not LegalForm.COMPANY:
            raise UserError(
                f"“{known[entry.code].name}”（{entry.code}）登记的不是企业法人。",
                "请先核对学校台账的法人类型，或删去它。",
            )


def _inspected(
    session: Session, actor: Actor, house: House, level: InspectionLevel, terms: PlanTerms
) -> Collection[str]:
    """Return the codes with an inspection of this level in the plan's year up to today."""
    rows = session.scalars(
        select(School.code)
        .join(Inspection, Inspection.school_id == School.id)
        .where(
            schools_readable_by(actor),
            Inspection.level == level,
            Inspection.on_date.between(dt.date(terms.first_day.year, 1, 1), house.today()),
        )
        .distinct()
    ).all()
    return frozenset(rows)
