"""Departure: the public value falls, custodians enter their salts, then all is computed.

Between the last salt and the stored result nothing is kept but the salts; a process killed
there leaves a round that ``resume_departure`` finishes with the same result.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from db.draw_chain import append_line, lock_chain
from db.models import (
    Custodian,
    Departure,
    District,
    Draw,
    Inspector,
    RouteMember,
    RouteStop,
    SamplingPlan,
    School,
    SealedRound,
)
from domain.access import Actor, Permission, require
from domain.draw import record
from domain.draw.frame import parse_frame
from domain.draw.seal import (
    parameters_hash,
    read_salt,
    result_commitment,
    result_text,
    rule_of_parameters,
    salt_commitment,
    seed_text,
)
from domain.draw.year import draw_year
from domain.errors import NotFound, UserError
from domain.plan import PlanTerms
from domain.quick_draw import typed_value
from domain.rounds import (
    Staffed,
    all_stops,
    people_from_json,
    roster_as_json,
    roster_rules,
    round_text,
    staff,
    team_routes,
)
from domain.words import DrawStatus
from services.day_routes import (
    DayPlan,
    DayStart,
    DayStop,
    DayTask,
    load_travel,
    plan_day,
    prepare_day,
)
from services.house import House
from services.rounds.prepare import find_round, read_keepers


def enter_value(actor: Actor, house: House, *, number: str, value: str) -> None:
    """Put the public value on the record as it fell; it can never be changed again."""
    require(actor, Permission.DRAW)
    fallen = typed_value(value)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw_id = find_round(work, actor, number).id
        changed = work.session.execute(
            update(Draw)
            .where(Draw.id == draw_id, Draw.status == DrawStatus.COMMITTED)
            .values(status=DrawStatus.VALUED, public_value=fallen)
            .returning(Draw.id)
        ).all()
        if not changed:
            raise UserError(f"抽取 {number} 的公开值已经录入，或已作废。", "请刷新页面查看。")
        append_line(
            work.connection,
            at=work.at,
            kind=record.VALUE,
            data=record.value_data(draw=number, value=fallen),
        )
        work.bump("draws")
        work.audit("round.value_entered", number, {"value": fallen})


def enter_salt(actor: Actor, house: House, *, number: str, salt: str) -> bool:
    """Check and keep the actor's salt at departure; tell whether the round then departed.

    The last salt starts the computing (``resume_departure``). Raises ``UserError`` where
    it is not the salt of the commitment, the value is not there yet or the day has not
    come, and ``NotFound`` unless the actor is a custodian of that draw.
    """
    require(actor, Permission.KEEP_SALT)
    typed = read_salt(salt)
    with house.write(actor) as work:
        lock_chain(work.connection)
        found = work.session.execute(
            select(Draw, Custodian)
            .join(Departure, Departure.draw_id == Draw.id)
            .join(Custodian, Custodian.departure_id == Departure.id)
            .where(Draw.number == number, Custodian.account_id == actor.account_id)
        ).first()
        if found is None:
            raise NotFound("这次抽取的保管任务")
        draw, keeper = found
        _may_depart(draw, house.today())
        if salt_commitment(typed, keeper.name) != keeper.commitment:
            raise UserError(
                "录入的随机盐与承诺不符。", "请对照封条逐位核对；确已遗失的，请公开作废这次抽取。"
            )
        if keeper.salt is None:
            keeper.salt, keeper.entered_at = typed, work.at
            work.bump("draws")
        work.audit("round.salt_entered", number)
        work.session.flush()
        departure = work.session.scalars(
            select(Departure).where(Departure.draw_id == draw.id)
        ).one()
        complete = all(k.salt for k in read_keepers(work.session, departure.id))
    if not complete:
        return False
    _depart(actor, house, number=number)
    return True


def resume_departure(actor: Actor, house: House, *, number: str) -> None:
    """Compute a round whose salts are all there but whose computing was interrupted.

    Same input, same result; a round that has departed meanwhile is left as it is.
    """
    require(actor, Permission.DRAW)
    with house.write(actor) as work:
        draw = find_round(work, actor, number)
        if draw.status is not DrawStatus.DEPARTED:
            _may_depart(draw, house.today())
        work.audit("round.resumed", number)
    _depart(actor, house, number=number)


def _may_depart(draw: Draw, today: dt.date) -> None:
    if draw.status is DrawStatus.COMMITTED:
        raise UserError(f"抽取 {draw.number} 的公开值还没有录入。", "请先当众产生并录入公开值。")
    if draw.status is not DrawStatus.VALUED:
        raise UserError(f"抽取 {draw.number} 的状态是“{draw.status.label}”。", "请刷新页面查看。")
    if draw.departs_on is not None and today < draw.departs_on:
        raise UserError(
            f"出发日是 {draw.departs_on}，还没有到。", "随机盐到出发时才录入，之前名单不存在。"
        )


@dataclass(frozen=True)
class _Frozen:
    """All that a departure is computed from."""

    draw: Draw
    frame: bytes
    people: list[dict[str, Any]]
    terms: PlanTerms
    salts: tuple[str, ...]
    value: str


def _depart(actor: Actor, house: House, *, number: str) -> None:
    with house.read() as session:
        frozen = _read_frozen(session, number)
        if frozen is None:
            return
        frame = parse_frame(frozen.frame)
        seed = seed_text(
            frame.hash, parameters_hash(frozen.draw.parameters), frozen.value, frozen.salts
        )
        drawn = draw_year(frame, rule_of_parameters(frozen.draw.parameters), seed=seed)
        must = [entry.code for entry in frozen.terms.must_visit]
        places = _places(session, [*drawn.ids, *must])
    task, day = plan_round_day(house, frozen.terms, codes=[*drawn.ids, *must], places=places)
    stops = all_stops(day, task)
    districts = {code: place.district for code, place in places.items()}
    staffed = staff(
        people=people_from_json(frozen.people),
        routes=team_routes(stops, team_size=frozen.terms.day.team_size, districts=districts),
        rules=roster_rules(frozen.terms, on=frozen.draw.departs_on or house.today()),
        relax=frozen.terms.roster.relax,
        seed=seed,
    )
    result = result_text(drawn.ids, drawn.reserve_ids)
    sealed = {
        "day_task": task.as_json(),
        "day_plan": day.as_json(),
        "roster": roster_as_json(staffed, districts),
    }
    nonce = secrets.token_hex(16)
    with house.write(actor) as work:
        lock_chain(work.connection)
        changed = work.session.execute(
            update(Draw)
            .where(Draw.id == frozen.draw.id, Draw.status == DrawStatus.VALUED)
            .values(status=DrawStatus.DEPARTED, departed_at=work.at)
            .returning(Draw.id)
        ).all()
        if not changed:
            work.audit("draw.pressed_again", number)
            return
        line = append_line(
            work.connection,
            at=work.at,
            kind=record.DRAW,
            data=record.draw_data(
                draw=number,
                commitment=result_commitment(result, nonce),
                round_commitment=result_commitment(round_text(**sealed), nonce),
            ),
        )
        work.session.add(
            SealedRound(
                draw_id=frozen.draw.id,
                seed=seed,
                nonce=nonce,
                selected=list(drawn.ids),
                reserve=list(drawn.reserve_ids),
                **sealed,
            )
        )
        work.session.flush()
        rows = _stop_rows(frozen.draw.id, day, stops, places=places, must=frozenset(must))
        work.session.execute(insert(RouteStop), rows)
        work.session.execute(
            insert(RouteMember), _member_rows(work.session, frozen.draw.id, staffed)
        )
        work.bump("draws")
        work.audit("round.departed", number, {"head": line.hash})


def _read_frozen(session: Session, number: str) -> _Frozen | None:
    draw = session.scalars(select(Draw).where(Draw.number == number)).one()
    if draw.status is not DrawStatus.VALUED or draw.public_value is None:
        return None
    departure = session.scalars(select(Departure).where(Departure.draw_id == draw.id)).one()
    plan = session.scalars(select(SamplingPlan).where(SamplingPlan.id == draw.plan_id)).one()
    keepers = read_keepers(session, departure.id)
    missing = [keeper.name for keeper in keepers if not keeper.salt]
    if missing:
        raise UserError(f"保管人 {'、'.join(missing)} 还没有录入随机盐。", "请其登录本人账号录入。")
    return _Frozen(
        draw=draw,
        frame=draw.frame,
        people=departure.people,
        terms=PlanTerms.from_json(plan.terms),
        salts=tuple(keeper.salt for keeper in keepers if keeper.salt),
        value=draw.public_value,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a school lies (WGS 84 degrees) and whose it is."""

    school_id: int
    lon: float
    lat: float
    district: str


def plan_round_day(
    house: House, terms: PlanTerms, *, codes: Sequence[str], places: Mapping[str, Place]
) -> tuple[DayTask, DayPlan]:
    """Return the day's task and its routes with their lines; schools gone meanwhile are left out.

    Raises ``UserError`` where the plan names no start.
    """
    day = terms.day
    if day.start_lon is None or day.start_lat is None:
        raise UserError("计划没有写明出发地点。", "请撤销后另拟计划，选好出发地点。")
    travel = load_travel(house)
    task = prepare_day(
        travel,
        start=DayStart.at(name=day.start_name, lon=day.start_lon, lat=day.start_lat),
        stops=[
            DayStop.at(
                id=code,
                lon=place.lon,
                lat=place.lat,
                visit_min=day.visit_min,
                windows=day.windows,
            )
            for code in codes
            if (place := places.get(code)) is not None
        ],
        teams=day.teams,
        from_min=day.from_min,
        to_min=day.to_min,
    )
    return task, plan_day(task, travel)


def _places(session: Session, codes: Sequence[str]) -> dict[str, Place]:
    rows = session.execute(
        select(School.id, School.code, School.lon, School.lat, District.code.label("district"))
        .outerjoin(District, District.id == School.district_id)
        .where(School.code.in_(codes))
    ).all()
    return {row.code: Place(row.id, row.lon, row.lat, row.district or "") for row in rows}


def _stop_rows(
    draw_id: int,
    day: DayPlan,
    stops: Mapping[str, Sequence[str]],
    *,
    places: Mapping[str, Place],
    must: frozenset[str],
) -> list[dict[str, Any]]:
    times = {stop.id: stop for route in day.routes for stop in route.stops}
    return [
        {
            "draw_id": draw_id,
            "route": name,
            "position": at,
            "school_id": places[code].school_id,
            "school_code": code,
            "is_must_visit": code in must,
            "arrive_min": times[code].arrive_min if code in times else None,
            "leave_min": times[code].leave_min if code in times else None,
            "findings": [],
            "reason": "",
        }
        for name, codes in stops.items()
        for at, code in enumerate(codes, start=1)
    ]


def _member_rows(session: Session, draw_id: int, staffed: Staffed) -> list[dict[str, Any]]:
    route_of = {person: team.route for team in staffed.drawn.teams for person in team.people}
    leads = {person for team in staffed.drawn.teams for person in team.leads}
    rows = session.execute(
        select(Inspector.id, Inspector.code).where(Inspector.code.in_(route_of))
    ).all()
    return [
        {
            "draw_id": draw_id,
            "inspector_id": row.id,
            "route": route_of[row.code],
            "can_lead": row.code in leads,
        }
        for row in rows
    ]
