"""What a person's past rounds mean for the next: duties, last partners, last schools.

Only rounds whose result is out are read here; a sealed one is as if it were not.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from db.models import Draw, Inspector, RouteMember, RouteStop, School
from db.scope import draws_readable_by, inspectors_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.words import DrawStatus, StopOutcome
from services.house import House


@dataclass(frozen=True)
class Duties:
    """A person's rounds as far as the actor sees them.

    ``rounds``: this year's, newest first; columns ``number``, ``title``, ``day`` (date),
    ``route``, ``lead`` (bool), ``schools`` (count). ``last_*`` speak of the newest round of
    any year: empty where there is none. Names outside the actor's scope are codes.
    """

    year: int
    rounds: pd.DataFrame
    last_number: str = ""
    last_day: dt.date | None = None
    last_partners: tuple[str, ...] = ()
    last_schools: tuple[str, ...] = ()


def read_duties(actor: Actor, house: House, *, code: str) -> Duties:
    """Return the rounds of one person of the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_PLANS)
    year = house.today().year
    columns = ["draw_id", "number", "title", "day", "year", "route", "lead", "schools"]
    with house.read() as session:
        person = session.scalar(
            select(Inspector.id).where(inspectors_readable_by(actor), Inspector.code == code)
        )
        if person is None:
            raise NotFound("这名督查人员")
        schools = (
            select(func.count())
            .where(
                RouteStop.draw_id == RouteMember.draw_id,
                RouteStop.route == RouteMember.route,
                _was_visited(),
            )
            .scalar_subquery()
        )
        rows = session.execute(
            select(
                Draw.id,
                Draw.number,
                Draw.title,
                Draw.departs_on,
                Draw.year,
                RouteMember.route,
                RouteMember.can_lead,
                schools,
            )
            .join(RouteMember, RouteMember.draw_id == Draw.id)
            .where(_is_out(actor), _was_there(), RouteMember.inspector_id == person)
            .order_by(Draw.departs_on.desc().nulls_last(), Draw.id.desc())
        ).all()
        rounds = pd.DataFrame([tuple(row) for row in rows], columns=columns)
        shown = rounds[rounds["year"] == year].drop(columns=["draw_id", "year"])
        shown = shown.reset_index(drop=True)
        if not rows:
            return Duties(year, shown)
        last = rows[0]
        partners = _partners(session, actor, last.id, last.route, person)
        visited = _schools(session, actor, last.id, last.route)
    return Duties(year, shown, last.number, last.departs_on, partners, visited)


def _is_out(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that keeps every sealed round out, and every draw out of scope."""
    return and_(draws_readable_by(actor), Draw.status == DrawStatus.DRAWN)


def _was_there() -> ColumnElement[bool]:
    return RouteMember.absent_reason.is_(None)


def _was_visited() -> ColumnElement[bool]:
    return or_(RouteStop.outcome.is_(None), RouteStop.outcome != StopOutcome.LOST)


def _partners(
    session: Session, actor: Actor, draw_id: int, route: str, person: int
) -> tuple[str, ...]:
    rows = session.execute(
        select(
            Inspector.code,
            Inspector.name,
            Inspector.id.in_(select(Inspector.id).where(inspectors_readable_by(actor))),
        )
        .join(RouteMember, RouteMember.inspector_id == Inspector.id)
        .where(
            RouteMember.draw_id == draw_id,
            RouteMember.route == route,
            RouteMember.inspector_id != person,
            _was_there(),
        )
        .order_by(Inspector.code)
    ).all()
    return tuple(f"{name}（{code}）" if is_seen else code for code, name, is_seen in rows)


def _schools(session: Session, actor: Actor, draw_id: int, route: str) -> tuple[str, ...]:
    rows = session.execute(
        select(RouteStop.school_code, School.name)
        .outerjoin(School, and_(School.id == RouteStop.school_id, schools_readable_by(actor)))
        .where(RouteStop.draw_id == draw_id, RouteStop.route == route, _was_visited())
        .order_by(RouteStop.position)
    ).all()
    return tuple(name or code for code, name in rows)
