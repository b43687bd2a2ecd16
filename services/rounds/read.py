"""Rounds as they may be seen: steps, hashes and people's tasks; never what a sealed one drew."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import (
    Account,
    Custodian,
    Departure,
    District,
    Draw,
    DrawnSchool,
    Inspector,
    RouteMember,
    RouteStop,
    SamplingPlan,
    School,
    SealedEvent,
    SealedRound,
)
from db.scope import draws_readable_by, plans_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.draw.roster import RosterMethod, RosterRule
from domain.errors import NotFound
from domain.plan import PlanTerms
from domain.rounds import roster_from_json
from domain.words import (
    DrawForm,
    DrawStatus,
    InspectionLevel,
    PlanStatus,
    SealedEventKind,
    StopOutcome,
    Word,
)
from services.house import House
from services.rounds.field import Finding, finding_of


class RoundStep(Word):
    """Where a round stands, in the order of the protocol."""

    SALTS = "salts", "保管人生成随机盐"
    COMMIT = "commit", "承诺"
    VALUE = "value", "公开值"
    DEPART = "depart", "出发"
    REVEAL = "reveal", "启封"
    PUBLISH = "publish", "公示"
    DONE = "done", "已公示"
    STOPPED = "stopped", "已作废或取消"


@dataclass(frozen=True, slots=True)
class Keeper:
    """A custodian as everybody who sees the round may see them; never the salt."""

    name: str
    login: str
    role: str
    commitment: str
    has_entered: bool


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """One departure and its draw. Texts are empty and times ``None`` where not yet.

    ``step`` is what comes next; ``head`` the hash of the round's last line on the record.
    """

    departure_id: int
    plan_number: str
    title: str
    ordinal: int
    number: str
    step: RoundStep
    level: InspectionLevel
    district: str
    district_id: int | None
    departs_on: dt.date
    n: int
    schools: int
    teams: int
    team_size: int
    people: int
    promised: str
    value: str
    frame_hash: str
    parameters_hash: str
    seed: str
    head: str
    keepers: tuple[Keeper, ...]
    opened_by: str
    opened_at: dt.datetime
    committed_by: str
    committed_at: dt.datetime | None
    departed_at: dt.datetime | None
    revealed_by: str
    revealed_at: dt.datetime | None
    published_by: str
    published_at: dt.datetime | None
    stopped_reason: str

    @property
    def all_salts_made(self) -> bool:
        """Tell whether every custodian has committed to a salt."""
        return all(keeper.commitment for keeper in self.keepers)

    @property
    def all_salts_entered(self) -> bool:
        """Tell whether nothing but the computing is missing."""
        return all(keeper.has_entered for keeper in self.keepers)


def list_rounds(actor: Actor, house: House) -> tuple[RoundFacts, ...]:
    """Return the departures of the plans in the actor's scope, newest first."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        return _read(session, plans_readable_by(actor))


def read_round(actor: Actor, house: House, *, departure_id: int) -> RoundFacts:
    """Return one departure in the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = _read(session, plans_readable_by(actor) & (Departure.id == departure_id))
    if not found:
        raise NotFound("这次出发")
    return found[0]


def list_approved_plans(actor: Actor, house: House) -> tuple[tuple[str, str, PlanTerms, int], ...]:
    """Return (number, title, terms, schools in the frame) of plans the actor may draw from."""
    require(actor, Permission.DRAW)
    with house.read() as session:
        rows = session.execute(
            select(
                SamplingPlan.number, SamplingPlan.title, SamplingPlan.terms, SamplingPlan.schools
            )
            .where(
                plans_readable_by(actor),
                SamplingPlan.status == PlanStatus.APPROVED,
                SamplingPlan.district_id.is_not_distinct_from(actor.district_id),
            )
            .order_by(SamplingPlan.id.desc())
        ).all()
    return tuple((r.number, r.title, PlanTerms.from_json(r.terms), r.schools) for r in rows)


def list_keeper_tasks(actor: Actor, house: House) -> tuple[RoundFacts, ...]:
    """Return the rounds in which the actor keeps a salt that are not over, newest first.

    Being a custodian is what lets somebody see them, whatever the scope.
    """
    require(actor, Permission.KEEP_SALT)
    if actor.account_id is None:
        return ()
    mine = select(Custodian.departure_id).where(Custodian.account_id == actor.account_id)
    with house.read() as session:
        found = _read(session, Departure.id.in_(mine))
    return tuple(
        one
        for one in found
        if one.step in (RoundStep.SALTS, RoundStep.COMMIT, RoundStep.VALUE, RoundStep.DEPART)
    )


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


def _read(session: Session, condition: ColumnElement[bool]) -> tuple[RoundFacts, ...]:
    rows = session.execute(
        select(Departure, SamplingPlan, Draw, District.name)
        .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
        .outerjoin(Draw, Draw.id == Departure.draw_id)
        .outerjoin(District, District.id == SamplingPlan.district_id)
        .where(condition)
        .order_by(Departure.id.desc())
    ).all()
    keepers = _keepers(session, [row[0].id for row in rows])
    return tuple(
        _facts(session, departure, plan, draw, district or "", keepers.get(departure.id, ()))
        for departure, plan, draw, district in rows
    )


def _keepers(session: Session, ids: list[int]) -> dict[int, tuple[Keeper, ...]]:
    rows = session.execute(
        select(
            Custodian.departure_id,
            Custodian.name,
            Account.login,
            Account.role,
            Custodian.commitment,
            Custodian.entered_at,
        )
        .join(Account, Account.id == Custodian.account_id)
        .where(Custodian.departure_id.in_(ids))
        .order_by(Custodian.departure_id, Custodian.position)
    ).all()
    found: dict[int, tuple[Keeper, ...]] = {}
    for row in rows:
        keeper = Keeper(
            row.name, row.login, row.role.label, row.commitment or "", row.entered_at is not None
        )
        found[row.departure_id] = (*found.get(row.departure_id, ()), keeper)
    return found


_NEXT: dict[DrawStatus, RoundStep] = {
    DrawStatus.COMMITTED: RoundStep.VALUE,
    DrawStatus.VALUED: RoundStep.DEPART,
    DrawStatus.DEPARTED: RoundStep.REVEAL,
    DrawStatus.DRAWN: RoundStep.PUBLISH,
    DrawStatus.VOID: RoundStep.STOPPED,
}


def _step(departure: Departure, draw: Draw | None, keepers: tuple[Keeper, ...]) -> RoundStep:
    if departure.cancelled_reason is not None:
        return RoundStep.STOPPED
    if draw is None:
        return RoundStep.COMMIT if all(k.commitment for k in keepers) else RoundStep.SALTS
    if draw.published_at is not None:
        return RoundStep.DONE
    return _NEXT[draw.status]


def _facts(
    session: Session,
    departure: Departure,
    plan: SamplingPlan,
    draw: Draw | None,
    district: str,
    keepers: tuple[Keeper, ...],
) -> RoundFacts:
    terms = PlanTerms.from_json(plan.terms)
    return RoundFacts(
        departure_id=departure.id,
        plan_number=plan.number,
        title=plan.title,
        ordinal=departure.ordinal,
        number=draw.number if draw else "",
        step=_step(departure, draw, keepers),
        level=plan.level,
        district=district,
        district_id=plan.district_id,
        departs_on=departure.departs_on,
        n=departure.n,
        schools=plan.schools,
        teams=terms.day.teams,
        team_size=terms.day.team_size,
        people=len(departure.people),
        promised=departure.value_source,
        value=(draw.public_value or "") if draw else "",
        frame_hash=plan.frame_hash,
        parameters_hash=draw.parameters_hash if draw else "",
        seed=(draw.seed or "") if draw else "",
        head=_head(session, draw),
        keepers=keepers,
        opened_by=departure.opened_by,
        opened_at=departure.opened_at,
        committed_by=draw.committed_by if draw else "",
        committed_at=draw.committed_at if draw else None,
        departed_at=draw.departed_at if draw else None,
        revealed_by=(draw.drawn_by or "") if draw else "",
        revealed_at=draw.drawn_at if draw else None,
        published_by=(draw.published_by or "") if draw else "",
        published_at=draw.published_at if draw else None,
        stopped_reason=departure.cancelled_reason or (draw.void_reason if draw else ""),
    )


def _head(session: Session, draw: Draw | None) -> str:
    if draw is None:
        return ""
    last = draw.reveal_seq or draw.commit_seq
    return read_lines(session.connection(), first=last, last=last)[0].hash


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
