"""Which plans a departure can be opened from, and how much each has left."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from db.models import Departure, Draw, SamplingPlan
from domain.access import Actor
from domain.day_task import MOST_STOPS
from domain.plan import PlanTerms
from domain.words import DrawStatus
from services.house import House
from services.rounds.read import list_approved_plans


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """An approved plan as the form offers it; ``left`` and ``most`` count schools.

    ``under_way`` is the ordinal of a departure that must end first, 0 where there is none;
    the days bound the departure, ``first_day`` never before today.
    """

    number: str
    title: str
    schools: int
    places: int
    left: int
    most: int
    must_visit: int
    departures: int
    made: int
    first_day: dt.date
    last_day: dt.date
    under_way: int

    @property
    def is_open(self) -> bool:
        """Tell whether a departure can be opened now."""
        return self.left > 0 and not self.under_way and self.first_day <= self.last_day

    @property
    def suggested(self) -> int:
        """Return what is left spread over the departures that the plan still foresees."""
        ahead = max(self.departures - self.made, 1)
        return max(min(-(-self.left // ahead), self.most), 1)


def list_offers(actor: Actor, house: House) -> tuple[PlanOffer, ...]:
    """Return the approved plans the actor may draw from, newest first."""
    plans = list_approved_plans(actor, house)
    with house.read() as session:
        rows = session.execute(
            select(
                Departure.ordinal,
                Departure.cancelled_reason,
                Draw.status,
                Draw.n,
                SamplingPlan.number,
            )
            .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
            .outerjoin(Draw, Draw.id == Departure.draw_id)
            .where(SamplingPlan.number.in_([number for number, *_ in plans]))
        ).all()
    made: dict[str, int] = {}
    done: dict[str, int] = {}
    under_way: dict[str, int] = {}
    for row in rows:
        if row.status is DrawStatus.DRAWN:
            made[row.number] = made.get(row.number, 0) + 1
            done[row.number] = done.get(row.number, 0) + row.n
        elif row.status is not DrawStatus.VOID and row.cancelled_reason is None:
            under_way[row.number] = row.ordinal
    return tuple(
        _offer(
            number,
            title,
            terms,
            schools,
            done=done.get(number, 0),
            made=made.get(number, 0),
            under_way=under_way.get(number, 0),
            today=house.today(),
        )
        for number, title, terms, schools in plans
    )


def _offer(
    number: str,
    title: str,
    terms: PlanTerms,
    schools: int,
    *,
    done: int,
    made: int,
    under_way: int,
    today: dt.date,
) -> PlanOffer:
    places = terms.places(schools)
    left = max(places - done, 0)
    return PlanOffer(
        number=number,
        title=title,
        schools=schools,
        places=places,
        left=left,
        most=min(left, MOST_STOPS - len(terms.must_visit)),
        must_visit=len(terms.must_visit),
        departures=terms.departures,
        made=made,
        first_day=max(terms.first_day, today),
        last_day=terms.last_day,
        under_way=under_way,
    )
