"""The lines of a round on the record, as they may be seen at every step."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import ChainEntry, Departure, Draw, SamplingPlan
from db.scope import plans_readable_by
from domain.access import Actor, Permission, require
from domain.draw import record
from services.house import House

_SAID = {
    record.COMMIT: "承诺",
    record.VALUE: "公开值",
    record.DRAW: "出发封存",
    record.VOID: "作废",
    record.REVEAL: "启封",
    record.PUBLISH: "公示",
}
"""Sealed events are not told: even how many there were says something of the round."""


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One step on the record: its place in the chain, its instant (aware UTC), its hash."""

    seq: int
    what: str
    at: dt.datetime
    hash: str


def read_trail(actor: Actor, house: House, *, number: str) -> tuple[TrailLine, ...]:
    """Return the steps of a round in the actor's scope in order, empty where there is none."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        first = session.scalar(
            select(Draw.commit_seq)
            .join(Departure, Departure.draw_id == Draw.id)
            .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
            .where(plans_readable_by(actor), Draw.number == number)
        )
        return () if first is None else trail_from(session, first, number=number)


def trail_from(session: Session, first: int, *, number: str) -> tuple[TrailLine, ...]:
    """Return the steps of a draw whose commitment is line ``first`` of the chain."""
    last = session.scalar(select(func.max(ChainEntry.seq))) or first
    lines = read_lines(session.connection(), first=first, last=last)
    return tuple(
        TrailLine(line.seq, _SAID[line.kind], dt.datetime.fromisoformat(line.time), line.hash)
        for line in lines
        if line.kind in _SAID and line.data["draw"] == number
    )
