"""A published round as anybody signed in may see it: what to check, and no names of teams."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from db.draw_chain import read_lines
from db.models import Departure, District, Draw, RouteMember, RouteStop
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.words import DrawForm, InspectionLevel, StopOutcome
from services.house import House


@dataclass(frozen=True, slots=True)
class Publication:
    """The facts of a published round. ``visited`` and ``stops`` count schools of all routes."""

    number: str
    title: str
    level: InspectionLevel
    district: str
    departs_on: dt.date
    n: int
    schools: int
    promised: str
    value: str
    frame_hash: str
    parameters_hash: str
    seed: str
    head: str
    teams: int
    people: int
    stops: int
    visited: int
    published_at: dt.datetime


def read_publication(actor: Actor, house: House, *, number: str) -> Publication:
    """Return a published round, or raise ``NotFound``."""
    require(actor, Permission.VIEW_PUBLISHED)
    with house.read() as session:
        found = session.execute(
            select(Draw, Departure.value_source, District.name)
            .join(Departure, Departure.draw_id == Draw.id)
            .outerjoin(District, District.id == Draw.district_id)
            .where(
                Draw.number == number,
                Draw.form == DrawForm.SEALED,
                Draw.published_at.is_not(None),
            )
        ).first()
        if found is None:
            raise NotFound("这次公示")
        draw, promised, district = found
        # A published round has all of these; the types cannot know.
        if draw.reveal_seq is None or draw.published_at is None or draw.departs_on is None:
            raise RuntimeError(f"draw {number} is published but lacks its result")
        teams, people = session.execute(
            select(func.count(RouteMember.route.distinct()), func.count()).where(
                RouteMember.draw_id == draw.id, RouteMember.absent_reason.is_(None)
            )
        ).one()
        outcomes = session.scalars(
            select(RouteStop.outcome).where(RouteStop.draw_id == draw.id)
        ).all()
        head = read_lines(session.connection(), first=draw.reveal_seq, last=draw.reveal_seq)[0].hash
    return Publication(
        number=draw.number,
        title=draw.title,
        level=draw.level,
        district=district or "",
        departs_on=draw.departs_on,
        n=draw.n,
        schools=draw.schools,
        promised=promised,
        value=draw.public_value or "",
        frame_hash=draw.frame_hash,
        parameters_hash=draw.parameters_hash,
        seed=draw.seed or "",
        head=head,
        teams=teams,
        people=people,
        stops=len(outcomes),
        visited=sum(outcome is StopOutcome.VISITED for outcome in outcomes),
        published_at=draw.published_at,
    )
