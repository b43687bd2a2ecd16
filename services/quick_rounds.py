"""The day of a quick draw: its routes and teams, computed when asked for and not stored.

Routes follow from the drawn schools, the roads and what was ordered; teams from those and
the draw's seed under the label ``inspectors``. They are no part of the replay pack.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import District, Draw, DrawnSchool, Inspector, School
from db.scope import draws_readable_by, inspectors_readable_by, schools_readable_by
from db.versions import read_versions
from domain.access import Actor, Permission, require
from domain.day_plan import DayPlan, DayRoute
from domain.day_task import E7, DayStart, DayStop, DayTask
from domain.draw.roster import Inspector as Person
from domain.draw.roster import RosterMethod, RosterRules
from domain.errors import NotFound, UserError
from domain.quick_day import PLACE_LIMIT, DayOrder
from domain.rounds import Staffed, all_stops, staff, team_routes
from domain.words import Channel, DrawForm, DrawStatus, SchoolStatus
from services.cache import VersionedCache
from services.day_routes import load_travel, plan_day, prepare_day
from services.house import House
from services.plans.places import StartPlace, default_start
from services.reports.papers.team_sheet import Stop as PaperStop
from services.reports.papers.team_sheet import TeamMember, TeamSheetFacts, make_team_sheet
from services.rounds.sheets import place_of, time_of
from services.rounds_pool import inspector_pool

DUTY_DAYS = 30
MOST_STARTS = 3_000
NOT_REPLAYED = "路线和队伍按需计算，不封存、不存档，也不在复算包内；名单和机会以凭证、复算包为准。"
_plans = VersionedCache(max_entries=16)


@dataclass(frozen=True, slots=True)
class DayStopFacts:
    """A drawn school; ``position`` is its number in the list, places ``None`` where unknown.

    Times are ``None`` before planning and where it did not fit (``reason`` says why).
    """

    position: int
    code: str
    name: str
    district: str
    address: str
    phone: str
    lon: float | None
    lat: float | None
    chance: Fraction
    arrive_min: int | None
    leave_min: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DayMember:
    """A person of a team; ``phone`` only for those who keep the register."""

    code: str
    name: str
    unit: str
    phone: str
    can_lead: bool


@dataclass(frozen=True, slots=True)
class TeamDay:
    """One team's day; ``members`` empty where no teams could be drawn."""

    route: DayRoute
    stops: tuple[DayStopFacts, ...]
    members: tuple[DayMember, ...]


@dataclass(frozen=True, slots=True)
class QuickDay:
    """The day of a quick draw.

    ``fault`` says in Chinese why there are no teams, empty where there are; ``count`` is
    the number of rosters one was drawn from, empty where not counted.
    """

    number: str
    title: str
    head: str
    order: DayOrder
    basis: str
    teams: tuple[TeamDay, ...]
    method: RosterMethod | None
    count: str
    fault: str
    gone: tuple[str, ...]


def list_day_people(actor: Actor, house: House, *, number: str) -> tuple[DayMember, ...]:
    """Return who may be sent for a draw: its level's active people in the actor's scope."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        draw = _used_draw(session, actor, number)
        pool = _pool(session, draw, on=house.today())
        known = _members(session, actor, [person.id for person in pool])
    return tuple(known[person.id] for person in pool if person.id in known)


def list_starts(actor: Actor, house: House, *, number: str) -> tuple[StartPlace, ...]:
    """Return where the teams of a draw may start: the suggested place, then schools by name.

    In a city of more than ``MOST_STARTS`` schools only the suggested place.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        district_id = _used_draw(session, actor, number).district_id
        rows = session.execute(
            select(School.name, School.lon, School.lat)
            .where(schools_readable_by(actor), School.status == SchoolStatus.ACTIVE)
            .order_by(School.name, School.code)
            .limit(MOST_STARTS + 1)
        ).all()
    suggested = default_start(house, district_id=district_id)
    schools = [StartPlace(name[:PLACE_LIMIT], lon, lat) for name, lon, lat in rows]
    return (*filter(None, [suggested]), *(schools if len(schools) <= MOST_STARTS else []))


def list_drawn_places(actor: Actor, house: House, *, number: str) -> tuple[DayStopFacts, ...]:
    """Return the schools of a draw in the order of its list; none before its result is out.

    Those that are no school of the actor's any more keep their name and have no place.
    Raises ``NotFound`` outside the actor's scope.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        draw = session.scalars(
            select(Draw).where(draws_readable_by(actor), Draw.number == number)
        ).one_or_none()
        if draw is None:
            raise NotFound("这次抽取")
        return tuple(stop for stop, _district in _schools(session, actor, draw))


def has_day(actor: Actor, house: House, *, number: str) -> bool:
    """Tell whether a day can be planned for a draw: a quick one that is in use."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = session.scalar(
            select(Draw.id).where(
                draws_readable_by(actor),
                Draw.number == number,
                Draw.form == DrawForm.QUICK,
                Draw.status == DrawStatus.DRAWN,
                Draw.used_at.is_not(None),
            )
        )
    return found is not None


def plan_quick_day(actor: Actor, house: House, *, number: str, order: DayOrder) -> QuickDay:
    """Return routes and teams of a draw in use; the same for the same order and facts.

    What does not fit into the hours goes to the end of the nearest route, without times.
    Raises ``NotFound`` outside the actor's scope or for another form of draw, ``UserError``
    where the draw is not in use, no school has a place, or hours or teams are impossible.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        draw = _used_draw(session, actor, number)
        if draw.seed is None or draw.reveal_seq is None:
            raise RuntimeError(f"draw {number} is in use but has no result")
        rows = _schools(session, actor, draw)
        versions = read_versions(session.connection())
        head = read_lines(session.connection(), first=draw.reveal_seq, last=draw.reveal_seq)[0].hash
        pool = _pool(session, draw, on=order.on)
        if order.people:
            pool = tuple(person for person in pool if person.id in order.people)
        known = _members(session, actor, [person.id for person in pool])
    stops = {stop.code: stop for stop, _district in rows if stop.lon is not None}
    districts = {stop.code: district for stop, district in rows}
    places = tuple((stop.code, stop.lon, stop.lat) for stop in stops.values())
    key = (str(house.engine.url), order, versions["base"], versions["rules"], places)
    task, day = _plans.get(key, lambda: _plan(house, order, tuple(stops.values())))
    lists = all_stops(day, task)
    staffed, fault = _staff(pool, lists, order=order, districts=districts, seed=draw.seed)
    return QuickDay(
        number=number,
        title=draw.title,
        head=head,
        order=order,
        basis=day.basis,
        teams=_team_days(day, lists, stops=stops, staffed=staffed, known=known),
        method=staffed.drawn.method if staffed else None,
        count=str(staffed.drawn.count) if staffed and staffed.drawn.count is not None else "",
        fault=fault,
        gone=tuple(stop.name for stop, _district in rows if stop.lon is None),
    )


def export_quick_sheet(
    actor: Actor, house: House, *, number: str, order: DayOrder, route: str
) -> bytes:
    """Return one team's route sheet of a quick draw as PDF bytes; writes an audit event.

    Raises like ``plan_quick_day``, and ``NotFound`` for a route there is not.
    """
    require(actor, Permission.VIEW_DRAWS)
    day = plan_quick_day(actor, house, number=number, order=order)
    team = next((one for one in day.teams if one.route.id == route), None)
    if team is None:
        raise NotFound("这条路线")
    content = make_team_sheet(_sheet_facts(day, team, made_at=house.now()))
    with house.write(actor) as work:
        work.audit("draw.route_sheet_exported", number)
    return content


def _used_draw(session: Session, actor: Actor, number: str) -> Draw:
    found = session.scalars(
        select(Draw).where(
            draws_readable_by(actor), Draw.number == number, Draw.form == DrawForm.QUICK
        )
    ).one_or_none()
    if found is None:
        raise NotFound("这次简易抽取")
    if found.status is not DrawStatus.DRAWN or found.used_at is None:
        raise UserError(f"抽取 {number} 还没有采用。", "请先按“采用这次抽取”，再排路线。")
    return found


def _pool(session: Session, draw: Draw, *, on: dt.date) -> tuple[Person, ...]:
    return inspector_pool(
        session,
        level=draw.level,
        district_id=draw.district_id,
        channel=Channel.ROUTINE,
        on=on,
        duty_days=DUTY_DAYS,
    )


def _members(session: Session, actor: Actor, codes: Sequence[str]) -> dict[str, DayMember]:
    rows = session.execute(
        select(
            Inspector.code, Inspector.name, Inspector.unit, Inspector.phone, Inspector.can_lead
        ).where(inspectors_readable_by(actor), Inspector.code.in_(codes))
    ).all()
    has_phones = actor.may(Permission.MANAGE_INSPECTORS)
    return {
        row.code: DayMember(
            row.code, row.name, row.unit, row.phone if has_phones else "", row.can_lead
        )
        for row in rows
    }


def _schools(session: Session, actor: Actor, draw: Draw) -> list[tuple[DayStopFacts, str]]:
    """Return the drawn schools in order, each with its district's code."""
    rows = session.execute(
        select(DrawnSchool, School, District.code, District.name)
        .outerjoin(School, (School.id == DrawnSchool.school_id) & schools_readable_by(actor))
        .outerjoin(District, District.id == School.district_id)
        .where(DrawnSchool.draw_id == draw.id)
        .order_by(DrawnSchool.position)
    ).all()
    return [
        (
            DayStopFacts(
                position=drawn.position,
                code=drawn.school_code,
                name=school.name if school else drawn.school_name,
                district=district or "",
                address=(school.address or "") if school else "",
                phone=(school.duty_phone or "") if school else "",
                lon=school.lon if school else None,
                lat=school.lat if school else None,
                chance=Fraction(drawn.chance_part, drawn.chance_whole),
                arrive_min=None,
                leave_min=None,
                reason="",
            ),
            district_code or "",
        )
        for drawn, school, district_code, district in rows
    ]


def _plan(house: House, order: DayOrder, stops: Sequence[DayStopFacts]) -> tuple[DayTask, DayPlan]:
    travel = load_travel(house)
    task = prepare_day(
        travel,
        start=DayStart.at(name=order.start_name, lon=order.start_lon, lat=order.start_lat),
        stops=[
            DayStop.at(id=stop.code, lon=stop.lon, lat=stop.lat, visit_min=order.visit_min)
            for stop in stops
            if stop.lon is not None and stop.lat is not None
        ],
        teams=order.teams,
        from_min=order.from_min,
        to_min=order.to_min,
    )
    return task, plan_day(task, travel)


def _staff(
    pool: Sequence[Person],
    lists: Mapping[str, Sequence[str]],
    *,
    order: DayOrder,
    districts: Mapping[str, str],
    seed: str,
) -> tuple[Staffed | None, str]:
    """Draw the teams, no rule set aside; or say why there are none."""
    if not pool:
        return None, "没有可派的督查人员。请先在“督查人员”页登记，或另选可派人员。"
    routes = team_routes(lists, team_size=order.team_size, districts=districts)
    try:
        staffed = staff(
            people=pool, routes=routes, rules=RosterRules(day=order.on), relax=(), seed=seed
        )
    except UserError as error:
        return None, f"{error.message}{error.next_step}"
    return staffed, ""


def _team_days(
    day: DayPlan,
    lists: Mapping[str, Sequence[str]],
    *,
    stops: Mapping[str, DayStopFacts],
    staffed: Staffed | None,
    known: Mapping[str, DayMember],
) -> tuple[TeamDay, ...]:
    times = {stop.id: stop for route in day.routes for stop in route.stops}
    why = {left.id: left.reason for left in day.unserved}
    people = {team.route: team.people for team in staffed.drawn.teams} if staffed else {}
    made = []
    for route in day.routes:
        own = [
            replace(
                stops[code],
                arrive_min=times[code].arrive_min if code in times else None,
                leave_min=times[code].leave_min if code in times else None,
                reason=why.get(code, ""),
            )
            for code in lists[route.id]
        ]
        members = [known[code] for code in people.get(route.id, ()) if code in known]
        leads_first = sorted(members, key=lambda member: (not member.can_lead, member.code))
        made.append(TeamDay(route, tuple(own), tuple(leads_first)))
    return tuple(made)


def _sheet_facts(day: QuickDay, team: TeamDay, *, made_at: dt.datetime) -> TeamSheetFacts:
    route, order = team.route, day.order
    return TeamSheetFacts(
        number=day.number,
        title=f"{day.title}（简易抽取，未封存）",
        route=route.id,
        on=order.on,
        members=tuple(TeamMember(one.name, one.unit, one.can_lead) for one in team.members),
        stops=tuple(
            PaperStop(
                name=stop.name,
                district=stop.district,
                address=stop.address,
                phone=stop.phone,
                arrive=time_of(stop.arrive_min),
                leave=time_of(stop.leave_min),
                place=place_of(stop.lon, stop.lat),
                chance=stop.chance,
                note=stop.reason,
            )
            for stop in team.stops
        ),
        made_at=made_at,
        start_name=order.start_name,
        start=(order.start_lon, order.start_lat),
        departs=time_of(route.depart_min),
        returns=time_of(route.back_min),
        path=tuple((lon / E7, lat / E7) for lon, lat in route.path),
        distance_m=route.total_m,
        travel=day.basis,
        head=day.head,
    )
