"""What came of a round: opened by the reveal, made public, or told to the school visited."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import (
    District,
    Draw,
    DrawnSchool,
    Inspector,
    RouteMember,
    RouteStop,
    School,
    SealedEvent,
    SealedRound,
)
from db.scope import draws_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.draw.roster import RosterMethod, RosterRule
from domain.errors import NotFound
from domain.rounds import roster_from_json
from domain.words import (
    DrawForm,
    DrawStatus,
    InspectionLevel,
    SealedEventKind,
    StopOutcome,
)
from services.house import House
from services.rounds.field import Finding, finding_of


@dataclass(frozen=True, slots=True)
class RevealedRound:
    """What a reveal opened.

    ``stops``: ``route``, ``position``, ``code``, ``name``, ``district``, ``outcome``,
    ``arrived`` and ``left`` (aware UTC), ``findings``, ``reason``, ``note``. ``teams``:
    ``route``, ``people``, ``leads``, ``absent``. ``events``: sentences in order.
    """

    stops: pd.DataFrame
    teams: pd.DataFrame
    events: tuple[str, ...]
    method: RosterMethod
    count: str
    relaxed: tuple[RosterRule, ...]


def read_revealed(actor: Actor, house: House, *, number: str) -> RevealedRound:
    """Return routes, teams and events of a revealed round; ``NotFound`` before the reveal."""
    require(actor, Permission.VIEW_PUBLISHED)
    with house.read() as session:
        draw = session.scalars(
            select(Draw).where(
                draws_readable_by(actor) | Draw.published_at.is_not(None),
                Draw.number == number,
                Draw.form == DrawForm.SEALED,
                Draw.status == DrawStatus.DRAWN,
            )
        ).one_or_none()
        if draw is None:
            raise NotFound("这次抽取的结果")
        sealed = session.scalars(select(SealedRound).where(SealedRound.draw_id == draw.id)).one()
        staffed = roster_from_json(sealed.roster)
        return RevealedRound(
            stops=_stops(session, draw.id),
            teams=_teams(session, draw.id),
            events=_events(session, draw.id),
            method=staffed.drawn.method,
            count="" if staffed.drawn.count is None else str(staffed.drawn.count),
            relaxed=staffed.relaxed,
        )


def list_published(actor: Actor, house: House) -> pd.DataFrame:
    """Return all published rounds, newest first.

    Columns: ``number``, ``title``, ``level``, ``district``, ``departs_on``, ``n``,
    ``schools``, ``published_at`` (aware UTC).
    """
    require(actor, Permission.VIEW_PUBLISHED)
    columns = [
        "number", "title", "level", "district", "departs_on", "n", "schools", "published_at",
    ]  # fmt: skip
    with house.read() as session:
        rows = session.execute(
            select(
                Draw.number,
                Draw.title,
                Draw.level,
                District.name,
                Draw.departs_on,
                Draw.n,
                Draw.schools,
                Draw.published_at,
            )
            .outerjoin(District, District.id == Draw.district_id)
            .where(Draw.published_at.is_not(None))
            .order_by(Draw.published_at.desc())
        ).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    frame["level"] = [InspectionLevel(level).label for level in frame["level"]]
    frame["district"] = frame["district"].fillna("")
    return frame


def list_published_schools(actor: Actor, house: House, *, number: str) -> pd.DataFrame:
    """Return a published round's schools in frame order.

    Columns: ``position``, ``code``, ``name``, ``stratum``, ``chance`` (fraction as text),
    ``percent``. Raises ``NotFound`` unless published.
    """
    require(actor, Permission.VIEW_PUBLISHED)
    with house.read() as session:
        rows = session.execute(
            select(
                DrawnSchool.position,
                DrawnSchool.school_code,
                DrawnSchool.school_name,
                DrawnSchool.stratum,
                DrawnSchool.chance_part,
                DrawnSchool.chance_whole,
            )
            .join(Draw, Draw.id == DrawnSchool.draw_id)
            .where(Draw.number == number, Draw.published_at.is_not(None))
            .order_by(DrawnSchool.position)
        ).all()
    if not rows:
        raise NotFound("这次公示")
    frame = pd.DataFrame(
        [tuple(row) for row in rows],
        columns=["position", "code", "name", "stratum", "part", "whole"],
    )
    frame["chance"] = [f"{p}/{w}" for p, w in zip(frame["part"], frame["whole"], strict=True)]
    frame["percent"] = frame["part"] / frame["whole"] * 100
    return frame.drop(columns=["part", "whole"])


@dataclass(frozen=True, slots=True)
class Feedback:
    """A school's own feedback sheet of one visit; ``is_sealed`` until the round is revealed."""

    number: str
    title: str
    on: dt.date
    school: str
    district: str
    address: str
    is_sealed: bool
    team: tuple[str, ...]
    findings: tuple[Finding, ...]


def list_own_feedback(actor: Actor, house: House) -> tuple[Feedback, ...]:
    """Return the actor's own school's feedback of sealed rounds, newest first.

    From the visit on, before the reveal too: the school was there. Nothing says where else
    the team went.
    """
    require(actor, Permission.VIEW_FEEDBACK)
    with house.read() as session:
        rows = session.execute(
            select(RouteStop, Draw, School.name, School.address, District.name)
            .join(Draw, Draw.id == RouteStop.draw_id)
            .join(School, School.id == RouteStop.school_id)
            .outerjoin(District, District.id == School.district_id)
            .where(schools_readable_by(actor), RouteStop.outcome == StopOutcome.VISITED)
            .order_by(RouteStop.arrived_at.desc())
        ).all()
        return tuple(
            Feedback(
                number=draw.number,
                title=draw.title,
                on=draw.departs_on or draw.committed_at.date(),
                school=name,
                district=district or "",
                address=address or "",
                is_sealed=draw.status is DrawStatus.DEPARTED,
                team=_present(session, draw.id, stop.route),
                findings=tuple(finding_of(one) for one in stop.findings),
            )
            for stop, draw, name, address, district in rows
        )


def _present(session: Session, draw_id: int, route: str) -> tuple[str, ...]:
    return tuple(
        session.scalars(
            select(Inspector.name)
            .join(RouteMember, RouteMember.inspector_id == Inspector.id)
            .where(
                RouteMember.draw_id == draw_id,
                RouteMember.route == route,
                RouteMember.absent_reason.is_(None),
            )
            .order_by(RouteMember.can_lead.desc(), Inspector.code)
        )
    )


def _stops(session: Session, draw_id: int) -> pd.DataFrame:
    rows = session.execute(
        select(RouteStop, School.name, District.name)
        .outerjoin(School, School.id == RouteStop.school_id)
        .outerjoin(District, District.id == School.district_id)
        .where(RouteStop.draw_id == draw_id)
        .order_by(RouteStop.route, RouteStop.position)
    ).all()
    made: list[dict[str, Any]] = [
        {
            "route": stop.route,
            "position": stop.position,
            "code": stop.school_code,
            "name": name or stop.school_code,
            "district": district or "",
            "outcome": stop.outcome.label if stop.outcome else "",
            "arrived": stop.arrived_at,
            "left": stop.left_at,
            "findings": len(stop.findings),
            "reason": stop.reason,
            "note": "必查"
            if stop.is_must_visit
            else f"替补 {stop.replaces}"
            if stop.replaces
            else "",
        }
        for stop, name, district in rows
    ]
    columns = [
        "route", "position", "code", "name", "district", "outcome", "arrived", "left",
        "findings", "reason", "note",
    ]  # fmt: skip
    return pd.DataFrame(made, columns=columns)


def _teams(session: Session, draw_id: int) -> pd.DataFrame:
    rows = session.execute(
        select(RouteMember.route, Inspector.name, RouteMember.can_lead, RouteMember.absent_reason)
        .join(Inspector, Inspector.id == RouteMember.inspector_id)
        .where(RouteMember.draw_id == draw_id)
        .order_by(RouteMember.route, RouteMember.can_lead.desc(), Inspector.code)
    ).all()
    people = pd.DataFrame(
        [tuple(row) for row in rows], columns=["route", "name", "can_lead", "absent"]
    )
    made = []
    for route, team in people.groupby("route", sort=True):
        came = team[team["absent"].isna()]
        made.append(
            {
                "route": route,
                "people": "、".join(came["name"]),
                "leads": "、".join(came.loc[came["can_lead"].astype(bool), "name"]),
                "absent": "；".join(
                    f"{one.name}（{one.absent}）"
                    for one in team[team["absent"].notna()][["name", "absent"]].itertuples(
                        index=False
                    )
                ),
            }
        )
    return pd.DataFrame(made, columns=["route", "people", "leads", "absent"])


def _events(session: Session, draw_id: int) -> tuple[str, ...]:
    events = session.scalars(
        select(SealedEvent).where(SealedEvent.draw_id == draw_id).order_by(SealedEvent.id)
    ).all()
    said = []
    for event in events:
        if event.kind is SealedEventKind.NO_SHOW:
            said.append(
                f"{event.data['route']} 队 {event.data['inspector']} 未到：{event.data['reason']}"
            )
        elif event.data["by"]:
            said.append(
                f"{event.data['lost']} 未能督查（{event.data['reason']}），由后备 {event.data['by']} 替补"
            )
        else:
            said.append(f"{event.data['lost']} 未能督查（{event.data['reason']}），后备已用完")
    return tuple(said)
