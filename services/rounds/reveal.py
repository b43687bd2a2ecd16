"""After the round: the reveal opens everything at once, the leader publishes.

One transaction: the record gets the opened events and the reveal, the drawn schools, visits
and hazards become rows that the rest of the house may read.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from db.draw_chain import append_line, lock_chain
from db.models import (
    Departure,
    Draw,
    DrawnSchool,
    Hazard,
    Inspection,
    RouteStop,
    SamplingPlan,
    SealedEvent,
    SealedRound,
)
from domain.access import Actor, Permission, require
from domain.draw import record
from domain.draw.frame import parse_frame
from domain.draw.seal import rule_of_parameters
from domain.draw.year import draw_year
from domain.errors import NotFound, UserError
from domain.plan import PlanTerms
from domain.quick_draw import REASON_LIMIT, one_line
from domain.words import (
    DeadlineClass,
    DrawForm,
    DrawStatus,
    HazardSource,
    HazardStage,
    StopOutcome,
)
from services.draws import drawn_rows
from services.house import LOCAL_ZONE, House, Work
from services.rounds.field import event_text, finding_of
from services.rounds.prepare import find_round, read_keepers
from services.visits import source_of_visit, visit_number


def reveal_round(actor: Actor, house: House, *, number: str, unrecorded_reason: str = "") -> None:
    """Open a round: salts, seed, nonce, result, events, visits and their hazards.

    Stops that no team recorded are marked as not inspected with ``unrecorded_reason``;
    without one, ``UserError`` says how many are open. A second press changes nothing.
    """
    require(actor, Permission.DRAW)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw = find_round(work, actor, number)
        if draw.status is DrawStatus.DRAWN:
            work.audit("draw.pressed_again", number)
            return
        if draw.status is not DrawStatus.DEPARTED:
            raise UserError(
                f"抽取 {number} 的状态是“{draw.status.label}”，还不能启封。",
                "出发并督查结束之后才能启封。",
            )
        sealed = work.session.scalars(
            select(SealedRound).where(SealedRound.draw_id == draw.id)
        ).one()
        stops = _finished_stops(work, draw, unrecorded_reason)
        drawn = draw_year(
            parse_frame(draw.frame), rule_of_parameters(draw.parameters), seed=sealed.seed
        )
        if list(drawn.ids) != sealed.selected or list(drawn.reserve_ids) != sealed.reserve:
            raise UserError(
                f"抽取 {number} 封存的名单与重新计算的不一致，可能被改动过。",
                "请不要继续，立即联系审计人员核查数据库与记录链。",
            )
        head = _write_reveal(work, draw, sealed)
        work.session.execute(insert(DrawnSchool), drawn_rows(work, draw.id, drawn))
        visits = _write_visits(work, draw, stops)
        draw.status, draw.seed, draw.reveal_seq = DrawStatus.DRAWN, sealed.seed, head[0]
        draw.drawn_at = draw.used_at = work.at
        draw.drawn_by = draw.used_by = actor.login
        work.bump("draws", "inspections")
        work.audit("draw.revealed", number, {"head": head[1], "visits": visits})


def publish_draw(actor: Actor, house: House, *, number: str) -> None:
    """Make a revealed round's result visible to every signed-in account."""
    require(actor, Permission.PUBLISH_DRAW)
    with house.write(actor) as work:
        lock_chain(work.connection)
        found = work.session.scalars(
            select(Draw).where(Draw.number == number, Draw.form == DrawForm.SEALED)
        ).one_or_none()
        if found is None or (
            actor.district_id is not None and found.district_id != actor.district_id
        ):
            raise NotFound("这次抽取")
        if found.status is not DrawStatus.DRAWN:
            raise UserError(f"抽取 {number} 还没有启封。", "启封之后才能公示。")
        if found.published_at is not None:
            work.audit("draw.pressed_again", number)
            return
        found.published_at, found.published_by = work.at, actor.login
        append_line(work.connection, at=work.at, kind=record.PUBLISH, data={"draw": number})
        work.bump("draws")
        work.audit("draw.published", number)


def _finished_stops(work: Work, draw: Draw, unrecorded_reason: str) -> list[RouteStop]:
    stops = list(
        work.session.scalars(
            select(RouteStop)
            .where(RouteStop.draw_id == draw.id)
            .order_by(RouteStop.route, RouteStop.position)
        )
    )
    open_stops = [stop for stop in stops if stop.outcome is None]
    if open_stops and not unrecorded_reason.strip():
        raise UserError(
            f"还有 {len(open_stops)} 所学校没有记录督查情况。",
            "请各队补记；确实没有督查的，写明原因后启封。",
        )
    for stop in open_stops:
        stop.outcome = StopOutcome.LOST
        stop.reason = one_line(unrecorded_reason, what="未督查的原因", limit=REASON_LIMIT)
        stop.recorded_by = work.actor.login
    return stops


def _write_reveal(work: Work, draw: Draw, sealed: SealedRound) -> tuple[int, str]:
    """Append the opened events and the reveal; return number and hash of the last line."""
    events = work.session.scalars(
        select(SealedEvent).where(SealedEvent.draw_id == draw.id).order_by(SealedEvent.id)
    )
    for event in events:
        opened = record.opened_data(
            draw=draw.number, text=event_text(event.kind, event.data), nonce=event.nonce
        )
        append_line(work.connection, at=work.at, kind=record.OPENED, data=opened)
    departure_id = work.session.scalars(
        select(Departure.id).where(Departure.draw_id == draw.id)
    ).one()
    keepers = read_keepers(work.session, departure_id)
    line = append_line(
        work.connection,
        at=work.at,
        kind=record.REVEAL,
        data=record.reveal_data(
            draw=draw.number,
            salts=[(keeper.name, str(keeper.salt)) for keeper in keepers],
            seed=sealed.seed,
            nonce=sealed.nonce,
            selected=sealed.selected,
            reserve=sealed.reserve,
        ),
    )
    return line.seq, line.hash


def _write_visits(work: Work, draw: Draw, stops: list[RouteStop]) -> int:
    """Write the visits and what they found; return how many schools were inspected."""
    plan = work.session.scalars(select(SamplingPlan).where(SamplingPlan.id == draw.plan_id)).one()
    terms = PlanTerms.from_json(plan.terms)
    source = source_of_visit(work.session, f"封存抽取 {draw.number}")
    visited = [
        stop for stop in stops if stop.outcome is StopOutcome.VISITED and stop.school_id is not None
    ]
    made = [
        Inspection(
            number=visit_number(draw.number, at),
            school_id=stop.school_id,
            level=draw.level,
            channel=terms.channel,
            notice_mode=terms.notice,
            on_date=_day_of(draw, stop),
            unit=f"{draw.title} {stop.route} 队",
            hazards_found=len(stop.findings),
            source=source,
            updated_by=work.actor.login,
            updated_at=work.at,
        )
        for at, stop in enumerate(visited, start=1)
    ]
    work.session.add_all(made)
    work.session.flush()
    serial = _hazards_of_year(work.session, draw.year)
    for stop, inspection in zip(visited, made, strict=True):
        for said in stop.findings:
            serial += 1
            work.session.add(_hazard(said, inspection, serial=serial, work=work))
    return len(made)


def _day_of(draw: Draw, stop: RouteStop) -> dt.date:
    if stop.arrived_at is not None:
        return stop.arrived_at.astimezone(LOCAL_ZONE).date()
    return draw.departs_on or draw.committed_at.astimezone(LOCAL_ZONE).date()


def _hazards_of_year(session: Session, year: int) -> int:
    """Return the highest serial of the year's hazard numbers (``YH2026-000123``)."""
    last = session.scalar(
        select(func.max(Hazard.number)).where(Hazard.number.like(f"YH{year}-______"))
    )
    return int(last.rpartition("-")[2]) if last else 0


def _hazard(said: dict[str, Any], inspection: Inspection, *, serial: int, work: Work) -> Hazard:
    finding = finding_of(said)
    on_the_spot = finding.due_days == 0
    return Hazard(
        number=f"YH{inspection.on_date.year}-{serial:06d}",
        school_id=inspection.school_id,
        inspection_id=inspection.id,
        origin=HazardSource.INSPECTION,
        category=finding.category,
        description=finding.description,
        severity=finding.severity,
        deadline_class=DeadlineClass.IMMEDIATE if on_the_spot else DeadlineClass.TERM,
        stage=HazardStage.FEEDBACK,
        found_on=inspection.on_date,
        feedback_on=inspection.on_date,
        due_on=inspection.on_date + dt.timedelta(days=finding.due_days),
        source=inspection.source,
        updated_by=work.actor.login,
        updated_at=work.at,
    )
