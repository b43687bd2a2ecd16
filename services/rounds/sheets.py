"""Papers of a round under way: a team's own route sheet, the feedback sheet of one visit.

A school on a sealed route is asked for by its place on that route: codes in an address
would stand in access logs and browser histories before the reveal.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from domain.access import Actor, Permission, require
from domain.day_task import E7
from domain.errors import NotFound, UserError
from domain.words import DeadlineClass, StopOutcome
from services.house import House
from services.reports.papers.feedback_sheet import FeedbackFacts, make_feedback_sheet
from services.reports.papers.feedback_sheet import Finding as PaperFinding
from services.reports.papers.team_sheet import Stop as PaperStop
from services.reports.papers.team_sheet import TeamMember, TeamSheetFacts, make_team_sheet
from services.rounds.field import Finding, OwnRoute, Stop, look_at_own_route
from services.rounds.outcome import list_own_feedback


def export_route_sheet(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the actor's own route sheet with the checklist as PDF bytes.

    Logs the look and the export; neither event names a school or a route. Raises
    ``NotFound`` for everybody who is not of a team of that round.
    """
    require(actor, Permission.VIEW_OWN_ROUTE)
    own = look_at_own_route(actor, house, number=number)
    content = make_team_sheet(_sheet_facts(own, made_at=house.now()))
    with house.write(actor) as work:
        work.audit("round.route_sheet_exported", number)
    return content


def export_stop_feedback(actor: Actor, house: House, *, number: str, position: int) -> bytes:
    """Return the feedback sheet of a visited stop of the actor's own route as PDF bytes.

    Raises ``NotFound`` off the own route and ``UserError`` before the visit is recorded.
    """
    require(actor, Permission.VIEW_OWN_ROUTE)
    own = look_at_own_route(actor, house, number=number)
    stop = next((one for one in own.stops if one.position == position), None)
    if stop is None:
        raise NotFound("您路线上的这一站")
    if stop.outcome is not StopOutcome.VISITED:
        raise UserError("这所学校还没有记录督查情况。", "请先在“我的路线”页记录，再下载反馈单。")
    content = make_feedback_sheet(
        FeedbackFacts(
            number=own.number,
            school=stop.name,
            district=stop.district,
            address=stop.address,
            on=own.departs_on,
            team=tuple(member.name for member in own.members if not member.absent_reason),
            findings=_paper_findings(stop.findings, on=own.departs_on),
            rectify_by=None,
            made_at=house.now(),
            is_sealed=own.is_sealed,
        )
    )
    with house.write(actor) as work:
        work.audit("round.feedback_exported", number)
    return content


def export_own_feedback(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the actor's own school's feedback sheet of a round as PDF bytes.

    Raises ``NotFound`` where the school was not visited in that round, alike for every
    other reason.
    """
    require(actor, Permission.VIEW_FEEDBACK)
    found = [one for one in list_own_feedback(actor, house) if one.number == number]
    if not found:
        raise NotFound("本校的这份反馈单")
    sheet = found[0]
    content = make_feedback_sheet(
        FeedbackFacts(
            number=sheet.number,
            school=sheet.school,
            district=sheet.district,
            address=sheet.address,
            on=sheet.on,
            team=sheet.team,
            findings=_paper_findings(sheet.findings, on=sheet.on),
            rectify_by=None,
            made_at=house.now(),
            is_sealed=sheet.is_sealed,
        )
    )
    with house.write(actor) as work:
        work.audit("round.feedback_exported", number)
    return content


def due_on(finding: Finding, *, on: dt.date) -> dt.date:
    """Return until when a finding of a visit on a day is to be rectified."""
    return on + dt.timedelta(days=finding.due_days)


def _paper_findings(findings: Sequence[Finding], *, on: dt.date) -> tuple[PaperFinding, ...]:
    return tuple(
        PaperFinding(
            text=one.description,
            category=one.category,
            severity=one.severity,
            deadline=DeadlineClass.TERM if one.due_days else DeadlineClass.IMMEDIATE,
            due=due_on(one, on=on),
        )
        for one in findings
    )


def _sheet_facts(own: OwnRoute, *, made_at: dt.datetime) -> TeamSheetFacts:
    route = own.route
    return TeamSheetFacts(
        number=own.number,
        title=own.title,
        route=own.route_name,
        on=own.departs_on,
        members=tuple(
            TeamMember(member.name, member.unit, member.can_lead)
            for member in own.members
            if not member.absent_reason
        ),
        stops=tuple(_paper_stop(stop) for stop in own.stops),
        made_at=made_at,
        start_name=own.start_name,
        start=place_of(own.start_lon, own.start_lat),
        departs=time_of(route.depart_min) if route else None,
        returns=time_of(route.back_min) if route else None,
        path=tuple((lon / E7, lat / E7) for lon, lat in route.path) if route else (),
        distance_m=route.total_m if route else None,
        travel=own.basis,
        is_sealed=own.is_sealed,
    )


def _paper_stop(stop: Stop) -> PaperStop:
    notes = [
        "必查学校" if stop.is_must_visit else "",
        "替补学校" if stop.replaces else "",
        f"未能督查：{stop.reason}" if stop.outcome is StopOutcome.LOST else "",
    ]
    return PaperStop(
        name=stop.name,
        district=stop.district,
        address=stop.address,
        phone=stop.phone,
        arrive=time_of(stop.arrive_min),
        leave=time_of(stop.leave_min),
        place=place_of(stop.lon, stop.lat),
        note="；".join(note for note in notes if note),
    )


def place_of(lon: float | None, lat: float | None) -> tuple[float, float] | None:
    """Return a place as (lon, lat), or ``None`` where either is unknown."""
    return None if lon is None or lat is None else (lon, lat)


def time_of(minutes: int | None) -> dt.time | None:
    """Return minutes after midnight as a clock time; ``None`` where unknown or past midnight."""
    if minutes is None or not 0 <= minutes < 24 * 60:
        return None
    return dt.time(minutes // 60, minutes % 60)
