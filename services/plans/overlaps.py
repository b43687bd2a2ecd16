"""Plans that visit the same schools in the same month: one visit would do for both."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import undefer

from db.models import SamplingPlan
from db.scope import plans_readable_by
from domain.access import Actor
from domain.draw.frame import Frame, parse_frame
from domain.draw.year import year_chances
from domain.plan import PlanTerms
from domain.words import PlanStatus
from services.cache import VersionedCache
from services.house import House

_others = VersionedCache(max_entries=64)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another plan of the same month. ``both_must`` are codes that both visit for certain.

    ``common`` counts schools that both may visit; ``expected`` how many of them both are
    expected to visit.
    """

    number: str
    title: str
    status: PlanStatus
    first_day: dt.date
    last_day: dt.date
    both_must: tuple[str, ...]
    common: int
    expected: float


def find_overlaps(
    actor: Actor,
    house: House,
    *,
    frame: Frame,
    chances: Sequence[Fraction],
    terms: PlanTerms,
    number: str | None,
) -> tuple[Overlap, ...]:
    """Return the submitted and approved plans in scope that may meet this one, worst first.

    ``chances`` run in frame order; the plan ``number`` itself is left out.
    """
    from_day = terms.first_day.replace(day=1)
    to_day = _month_end(terms.last_day)
    mine: dict[str, float] = {
        code: float(chance) for code, chance in zip(frame.ids, chances, strict=True)
    } | {entry.code: 1.0 for entry in terms.must_visit}
    my_must = {entry.code for entry in terms.must_visit}
    found = []
    with house.read() as session:
        rows = session.scalars(
            select(SamplingPlan)
            .options(undefer(SamplingPlan.frame))
            .where(
                plans_readable_by(actor),
                SamplingPlan.year == terms.first_day.year,
                SamplingPlan.status.in_((PlanStatus.SUBMITTED, PlanStatus.APPROVED)),
            )
            .order_by(SamplingPlan.id)
        ).all()
    for plan in rows:
        theirs = PlanTerms.from_json(plan.terms)
        meets = theirs.first_day <= to_day and from_day <= _month_end(theirs.last_day)
        if plan.number == number or not meets or plan.frame is None:
            continue
        key = (str(house.engine.url), plan.id, plan.row_version, plan.frame_hash)
        other: Mapping[str, float] = _others.get(key, partial(_chances, plan, theirs))
        common = mine.keys() & other.keys()
        if not common:
            continue
        both = my_must & {entry.code for entry in theirs.must_visit}
        found.append(
            Overlap(
                number=plan.number,
                title=plan.title,
                status=plan.status,
                first_day=theirs.first_day,
                last_day=theirs.last_day,
                both_must=tuple(sorted(both)),
                common=len(common),
                expected=sum(mine[code] * other[code] for code in sorted(common)),
            )
        )
    return tuple(sorted(found, key=lambda one: (-len(one.both_must), -one.expected)))


def _chances(plan: SamplingPlan, terms: PlanTerms) -> dict[str, float]:
    """Return every school's chance in a frozen plan's first departure, 1 where must-visit."""
    frame = parse_frame(plan.frame or b"")
    rule = terms.rule(n=terms.first_places(len(frame)), inspected=tuple(plan.inspected))
    chances = zip(frame.ids, year_chances(frame, rule), strict=True)
    return {code: float(chance) for code, chance in chances} | {
        entry.code: 1.0 for entry in terms.must_visit
    }


def _month_end(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
