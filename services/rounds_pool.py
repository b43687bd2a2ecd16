"""The people who may be sent on a round, with what binds them: ties and finished rounds.

Only rounds that are revealed count: what a sealed round knows stays in it until then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.models import (
    District,
    Draw,
    Inspector,
    InspectorTie,
    RouteMember,
    RouteStop,
    School,
)
from domain.draw import roster
from domain.words import Channel, DrawStatus, InspectionLevel, StopOutcome, TieKind


def inspector_pool(
    session: Session,
    *,
    level: InspectionLevel,
    district_id: int | None,
    channel: Channel,
    on: dt.date,
    duty_days: int,
) -> tuple[roster.Inspector, ...]:
    """Return who may be sent on day ``on``, in order of their codes.

    City rounds take city people, district rounds the people of that district; 县市区交叉检查
    takes both levels of all districts. ``district`` is the district's code, schools are
    school codes, people inspector codes. ``duties`` counts the rounds within ``duty_days``
    before ``on``; ``last_schools`` and ``last_partners`` come from each person's last one.
    The caller has checked the actor: people of other districts carry no names here.
    """
    rows = session.execute(
        select(Inspector.id, Inspector.code, Inspector.can_lead, District.code.label("district"))
        .outerjoin(District, District.id == Inspector.district_id)
        .where(Inspector.is_active, _belongs(level, district_id, channel))
        .order_by(Inspector.code)
    ).all()
    ids = [row.id for row in rows]
    conflicts, former = _ties(session, ids)
    duties, partners, schools = _past(session, on, duty_days)
    nobody: frozenset[str] = frozenset()
    return tuple(
        roster.Inspector(
            id=row.code,
            district=row.district or "",
            can_lead=row.can_lead,
            duties=duties.get(row.id, 0),
            conflicts=frozenset(conflicts.get(row.id, ())),
            former=tuple(sorted(former.get(row.id, ()))),
            last_schools=schools.get(row.id, nobody),
            last_partners=partners.get(row.id, nobody),
        )
        for row in rows
    )


def _belongs(
    level: InspectionLevel, district_id: int | None, channel: Channel
) -> ColumnElement[bool]:
    if channel is Channel.CROSS:
        return Inspector.level.in_(InspectionLevel)
    if level is InspectionLevel.COUNTY:
        return (Inspector.level == level) & (Inspector.district_id == district_id)
    return Inspector.level == level


def _ties(
    session: Session, ids: Collection[int]
) -> tuple[dict[int, list[str]], dict[int, list[tuple[str, dt.date]]]]:
    """Return declared schools and former employers by inspector id.

    A former employer with no leaving date counts as declared: not knowing when is no
    ground for sending the person there.
    """
    wanted = set(ids)
    conflicts: dict[int, list[str]] = {}
    former: dict[int, list[tuple[str, dt.date]]] = {}
    for row in session.execute(
        select(InspectorTie.inspector_id, InspectorTie.kind, InspectorTie.left_on, School.code)
        .join(School, School.id == InspectorTie.school_id)
        .order_by(InspectorTie.inspector_id, School.code)
    ):
        if row.inspector_id not in wanted:
            continue
        if row.kind is TieKind.FORMER and row.left_on is not None:
            former.setdefault(row.inspector_id, []).append((row.code, row.left_on))
        else:
            conflicts.setdefault(row.inspector_id, []).append(row.code)
    return conflicts, former


def _past(
    session: Session, on: dt.date, duty_days: int
) -> tuple[dict[int, int], dict[int, frozenset[str]], dict[int, frozenset[str]]]:
    """Return duties, last partners and last schools by inspector id, of revealed rounds."""
    rows = session.execute(
        select(
            RouteMember.inspector_id,
            Inspector.code,
            RouteMember.draw_id,
            RouteMember.route,
            Draw.departs_on,
        )
        .join(Draw, Draw.id == RouteMember.draw_id)
        .join(Inspector, Inspector.id == RouteMember.inspector_id)
        .where(
            Draw.status == DrawStatus.DRAWN,
            Draw.departs_on < on,
            RouteMember.absent_reason.is_(None),
        )
        .order_by(Draw.departs_on, Draw.id)
    ).all()
    since = on - dt.timedelta(days=duty_days)
    duties: dict[int, int] = {}
    teams: dict[tuple[int, str], dict[int, str]] = {}
    last: dict[int, tuple[int, str]] = {}
    for row in rows:
        duties[row.inspector_id] = duties.get(row.inspector_id, 0) + (row.departs_on >= since)
        route = row.draw_id, row.route
        teams.setdefault(route, {})[row.inspector_id] = row.code
        last[row.inspector_id] = route
    partners = {
        person: frozenset(code for other, code in teams[route].items() if other != person)
        for person, route in last.items()
    }
    visited = _visited(session, {draw_id for draw_id, _ in last.values()})
    schools = {person: frozenset(visited.get(route, ())) for person, route in last.items()}
    return duties, partners, schools


def _visited(session: Session, draw_ids: Collection[int]) -> dict[tuple[int, str], list[str]]:
    """Return the schools of each (draw, route), those that could not be visited left out."""
    found: dict[tuple[int, str], list[str]] = {}
    for row in session.execute(
        select(RouteStop.draw_id, RouteStop.route, RouteStop.school_code).where(
            RouteStop.draw_id.in_(sorted(draw_ids)),
            RouteStop.outcome.is_distinct_from(StopOutcome.LOST),
        )
    ):
        found.setdefault((row.draw_id, row.route), []).append(row.school_code)
    return found
