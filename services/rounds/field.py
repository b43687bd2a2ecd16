"""On the way: a team sees its own route and records what became of each school.

Every look is logged. Nothing here shows in any list, count or work list before the reveal.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.draw_chain import append_line, lock_chain
from db.models import (
    District,
    Draw,
    Inspector,
    RouteMember,
    RouteStop,
    SamplingPlan,
    School,
    SealedEvent,
    SealedRound,
)
from db.scope import own_routes
from domain.access import Actor, Permission, require
from domain.day_plan import DayPlan, DayRoute
from domain.draw import record
from domain.draw.frame import parse_frame
from domain.draw.seal import canonical_json, result_commitment
from domain.draw.year import choose_replacement
from domain.errors import NotFound, UserError
from domain.plan import PlanTerms
from domain.quick_draw import REASON_LIMIT, one_line
from domain.words import DrawStatus, HazardCategory, SealedEventKind, Severity, StopOutcome
from services.house import LOCAL_ZONE, House, Work

FINDING_LIMIT, MOST_FINDINGS, MOST_DUE_DAYS = 200, 30, 180


@dataclass(frozen=True, slots=True)
class Finding:
    """One hazard as found on the spot; ``due_days`` 0 means rectified at once."""

    category: HazardCategory
    severity: Severity
    description: str
    due_days: int


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the team. ``phone`` is for the team's own members only."""

    code: str
    name: str
    unit: str
    phone: str
    can_lead: bool
    absent_reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A school of the route with what the team needs there, and what became of it."""

    code: str
    name: str
    district: str
    address: str
    phone: str
    lon: float | None
    lat: float | None
    position: int
    is_must_visit: bool
    arrive_min: int | None
    leave_min: int | None
    outcome: StopOutcome | None
    arrived_at: dt.datetime | None
    left_at: dt.datetime | None
    findings: tuple[Finding, ...]
    reason: str
    replaces: str


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """A team's own route. ``route`` is the planned one; stops added later come after it."""

    number: str
    title: str
    route_name: str
    departs_on: dt.date
    start_name: str
    start_lon: float | None
    start_lat: float | None
    basis: str
    is_sealed: bool
    route: DayRoute | None
    members: tuple[Member, ...]
    stops: tuple[Stop, ...]

    @property
    def present(self) -> int:
        """Count the members not recorded as absent."""
        return sum(not member.absent_reason for member in self.members)


def list_own_routes(actor: Actor, house: House) -> tuple[tuple[str, str, str], ...]:
    """Return (draw number, route, title) of the actor's teams, sealed ones first, newest first."""
    require(actor, Permission.VIEW_OWN_ROUTE)
    with house.read() as session:
        rows = session.execute(
            select(Draw.number, RouteMember.route, Draw.title, Draw.status)
            .join(RouteMember, RouteMember.draw_id == Draw.id)
            .where(own_routes(actor), Draw.status.in_((DrawStatus.DEPARTED, DrawStatus.DRAWN)))
            .order_by(Draw.id.desc())
        ).all()
    ordered = sorted(rows, key=lambda row: row.status is not DrawStatus.DEPARTED)
    return tuple((row.number, row.route, row.title) for row in ordered)


def look_at_own_route(actor: Actor, house: House, *, number: str) -> OwnRoute:
    """Return the actor's own route of a round and log the look; ``NotFound`` for others."""
    require(actor, Permission.VIEW_OWN_ROUTE)
    with house.write(actor) as work:
        draw, route = _own(work.session, actor, number)
        work.audit("round.route_seen", number)
        return _read_route(work.session, draw, route)


def record_visit(
    actor: Actor,
    house: House,
    *,
    number: str,
    code: str,
    arrived: dt.time,
    left: dt.time,
    findings: Sequence[Finding] = (),
) -> None:
    """Record a visit of the own route: local times of the departure day, what was found.

    Until the reveal it can be corrected by recording it again. Raises ``UserError`` where
    the times do not hold, fewer than two of the team are there, or a finding is empty.
    """
    require(actor, Permission.VIEW_OWN_ROUTE)
    if left < arrived:
        raise UserError("离校时间早于到校时间。", "请改正时间。")
    kept = _checked(findings)
    with house.write(actor) as work:
        draw, stop = _own_stop(work, actor, number, code)
        if _read_route(work.session, draw, stop.route).present < 2:
            raise UserError("本队到场不足两人，不得进校督查。", "请联系督查组织人员。")
        day = draw.departs_on or house.today()
        stop.outcome, stop.reason = StopOutcome.VISITED, ""
        stop.arrived_at = dt.datetime.combine(day, arrived, LOCAL_ZONE)
        stop.left_at = dt.datetime.combine(day, left, LOCAL_ZONE)
        stop.findings = [
            {
                "category": finding.category.value,
                "severity": finding.severity.value,
                "description": finding.description,
                "due_days": finding.due_days,
            }
            for finding in kept
        ]
        stop.recorded_by = actor.login
        work.audit("round.stop_recorded", number)


def record_lost(actor: Actor, house: House, *, number: str, code: str, reason: str) -> str:
    """Record that a school could not be inspected; return the name of its replacement.

    The replacement comes from the reserve (DRAW.md §6) to the end of the same route; the
    chain gets the hash of the event at once. A must-visit school has none: "" is returned.
    Raises ``UserError`` where the school was dealt with before or the reserve is used up.
    """
    require(actor, Permission.VIEW_OWN_ROUTE)
    said = one_line(reason, what="未能督查的原因", limit=REASON_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw, stop = _own_stop(work, actor, number, code)
        if stop.outcome is not None:
            raise UserError("这所学校已经记录过。", "如有误，请重新记录督查情况。")
        stop.outcome, stop.reason, stop.recorded_by = StopOutcome.LOST, said, actor.login
        work.audit("round.stop_recorded", number)
        if stop.is_must_visit:
            return ""
        replacement = _replacement(work.session, draw, code)
        if replacement is None:
            _seal_event(
                work,
                draw,
                SealedEventKind.REPLACED,
                {"lost": code, "by": "", "reason": said},
            )
            return ""
        school = work.session.execute(
            select(School.id, School.name).where(School.code == replacement)
        ).first()
        last = work.session.scalars(
            select(RouteStop.position).where(
                RouteStop.draw_id == draw.id, RouteStop.route == stop.route
            )
        ).all()
        work.session.add(
            RouteStop(
                draw_id=draw.id,
                route=stop.route,
                position=max(last) + 1,
                school_id=school.id if school else None,
                school_code=replacement,
                replaces=code,
            )
        )
        _seal_event(
            work, draw, SealedEventKind.REPLACED, {"lost": code, "by": replacement, "reason": said}
        )
        return school.name if school else replacement


def record_no_show(
    actor: Actor, house: House, *, number: str, inspector_code: str, reason: str
) -> None:
    """Record that a member of the own team did not come; on the chain as a hash."""
    require(actor, Permission.VIEW_OWN_ROUTE)
    said = one_line(reason, what="未到原因", limit=REASON_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw, route = _own(work.session, actor, number, must_be_sealed=True)
        found = work.session.scalars(
            select(RouteMember)
            .join(Inspector, Inspector.id == RouteMember.inspector_id)
            .where(
                RouteMember.draw_id == draw.id,
                RouteMember.route == route,
                Inspector.code == inspector_code,
            )
        ).one_or_none()
        if found is None:
            raise NotFound("本队的这名人员")
        if found.absent_reason is not None:
            raise UserError("这名人员已记为未到。", "请刷新页面查看。")
        found.absent_reason = said
        _seal_event(
            work,
            draw,
            SealedEventKind.NO_SHOW,
            {"route": route, "inspector": inspector_code, "reason": said},
        )
        work.audit("round.member_absent", number)


def _own(
    session: Session, actor: Actor, number: str, *, must_be_sealed: bool = False
) -> tuple[Draw, str]:
    found = session.execute(
        select(Draw, RouteMember.route)
        .join(RouteMember, RouteMember.draw_id == Draw.id)
        .where(
            own_routes(actor),
            Draw.number == number,
            Draw.status.in_((DrawStatus.DEPARTED, DrawStatus.DRAWN)),
        )
    ).first()
    if found is None:
        raise NotFound("您的督查路线")
    if must_be_sealed and found[0].status is not DrawStatus.DEPARTED:
        raise UserError(f"抽取 {number} 已启封，记录不能再改。", "后续处置请在隐患环节办理。")
    return found[0], found[1]


def _own_stop(work: Work, actor: Actor, number: str, code: str) -> tuple[Draw, RouteStop]:
    draw, route = _own(work.session, actor, number, must_be_sealed=True)
    stop = work.session.scalars(
        select(RouteStop).where(
            RouteStop.draw_id == draw.id, RouteStop.route == route, RouteStop.school_code == code
        )
    ).one_or_none()
    if stop is None:
        raise NotFound("您路线上的这所学校")
    return draw, stop


def _checked(findings: Sequence[Finding]) -> list[Finding]:
    if len(findings) > MOST_FINDINGS:
        raise UserError(
            f"一次记录了 {len(findings)} 条隐患。", f"一校最多 {MOST_FINDINGS} 条，请合并同类。"
        )
    kept = []
    for at, finding in enumerate(findings, start=1):
        text = one_line(finding.description, what=f"第 {at} 条隐患的描述", limit=FINDING_LIMIT)
        if not 0 <= finding.due_days <= MOST_DUE_DAYS:
            raise UserError(
                f"第 {at} 条隐患的整改天数为 {finding.due_days}。", f"请填 0–{MOST_DUE_DAYS}。"
            )
        kept.append(Finding(finding.category, finding.severity, text, finding.due_days))
    return kept


def _replacement(session: Session, draw: Draw, lost: str) -> str | None:
    """Choose the next reserve school, or return nothing where the reserve is used up."""
    sealed = session.scalars(select(SealedRound).where(SealedRound.draw_id == draw.id)).one()
    events = session.scalars(
        select(SealedEvent.data).where(
            SealedEvent.draw_id == draw.id, SealedEvent.kind == SealedEventKind.REPLACED
        )
    ).all()
    used = {event["by"] for event in events} - {""}
    if set(sealed.reserve) <= used:
        return None
    frame = parse_frame(draw.frame)
    # A replacement that is lost too is replaced for the school it stood in for.
    return choose_replacement(
        frame=frame, reserve=sealed.reserve, used=used, lost=lost, seed=sealed.seed
    )


def _seal_event(work: Work, draw: Draw, kind: SealedEventKind, facts: dict[str, str]) -> None:
    nonce = secrets.token_hex(16)
    text = event_text(kind, facts)
    line = append_line(
        work.connection,
        at=work.at,
        kind=record.EVENT,
        data=record.event_data(draw=draw.number, commitment=result_commitment(text, nonce)),
    )
    work.session.add(
        SealedEvent(draw_id=draw.id, at=work.at, kind=kind, data=facts, nonce=nonce, seq=line.seq)
    )


def event_text(kind: SealedEventKind, facts: dict[str, str]) -> str:
    """Return an event as the one text whose hash the chain got."""
    return canonical_json({"kind": kind.value} | facts)


def _read_route(session: Session, draw: Draw, route: str) -> OwnRoute:
    sealed = session.scalars(select(SealedRound).where(SealedRound.draw_id == draw.id)).one()
    plan = session.scalars(select(SamplingPlan).where(SamplingPlan.id == draw.plan_id)).one()
    day, terms = DayPlan.from_json(sealed.day_plan), PlanTerms.from_json(plan.terms)
    people = session.execute(
        select(
            Inspector.code,
            Inspector.name,
            Inspector.unit,
            Inspector.phone,
            RouteMember.can_lead,
            RouteMember.absent_reason,
        )
        .join(RouteMember, RouteMember.inspector_id == Inspector.id)
        .where(RouteMember.draw_id == draw.id, RouteMember.route == route)
        .order_by(RouteMember.can_lead.desc(), Inspector.code)
    ).all()
    rows = session.execute(
        select(RouteStop, School.name, School.address, School.duty_phone, School.lon, School.lat, District.name)
        .outerjoin(School, School.id == RouteStop.school_id)
        .outerjoin(District, District.id == School.district_id)
        .where(RouteStop.draw_id == draw.id, RouteStop.route == route)
        .order_by(RouteStop.position)
    ).all()  # fmt: skip
    return OwnRoute(
        number=draw.number,
        title=draw.title,
        route_name=route,
        departs_on=draw.departs_on or draw.committed_at.date(),
        start_name=terms.day.start_name,
        start_lon=terms.day.start_lon,
        start_lat=terms.day.start_lat,
        basis=day.basis,
        is_sealed=draw.status is DrawStatus.DEPARTED,
        route=next((one for one in day.routes if one.id == route), None),
        members=tuple(
            Member(p.code, p.name, p.unit, p.phone, p.can_lead, p.absent_reason or "")
            for p in people
        ),
        stops=tuple(
            Stop(
                code=stop.school_code,
                name=name or stop.school_code,
                district=district or "",
                address=address or "",
                phone=phone or "",
                lon=lon,
                lat=lat,
                position=stop.position,
                is_must_visit=stop.is_must_visit,
                arrive_min=stop.arrive_min,
                leave_min=stop.leave_min,
                outcome=stop.outcome,
                arrived_at=stop.arrived_at,
                left_at=stop.left_at,
                findings=tuple(finding_of(one) for one in stop.findings),
                reason=stop.reason,
                replaces=stop.replaces or "",
            )
            for stop, name, address, phone, lon, lat, district in rows
        ),
    )


def finding_of(said: Mapping[str, Any]) -> Finding:
    """Return a finding as it was stored at a stop."""
    return Finding(
        HazardCategory(said["category"]),
        Severity(said["severity"]),
        str(said["description"]),
        int(said["due_days"]),
    )
