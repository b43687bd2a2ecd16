"""One sealed round of the demo city, published last month: something to read, replay and play."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select, update

from db.models import Account, Draw, RouteStop, SamplingPlan
from domain.access import SYSTEM, Actor
from domain.draw.seal import SALT_BYTES, salt_commitment, salt_text
from domain.errors import UserError
from domain.plan import DayTerms, PlanTerms
from domain.words import Channel, DrawForm, Role, StopOutcome
from services.accounts import DEMO_PREFIX
from services.demo.plane import stream
from services.house import LOCAL_ZONE, House
from services.plans.places import default_start
from services.plans.write import approve_plan, save_plan, submit_plan
from services.rounds.depart import enter_salt, enter_value
from services.rounds.prepare import commit_round, give_commitment, open_departure, void_round
from services.rounds.reveal import publish_draw, reveal_round

DAYS_BEFORE = 30
SCHOOLS, RESERVE = 10, 2
VALUE = "3 5 1 6 2"
CUSTODIANS = (Role.LEADER, Role.AUDITOR)


@dataclass(frozen=True)
class _HouseOnDay(House):
    """The house as it stood at nine in the morning of a day gone by."""

    day: dt.date = dt.date.min

    def today(self) -> dt.date:
        """Return the day gone by."""
        return self.day


def plant_round(house: House, *, seed: int, as_of: dt.date) -> int:
    """Play one round from plan to publication a month before ``as_of``; return how many.

    None where the city already has a sealed draw, lacks its demo accounts, or is too small
    for teams (then it stands there as void). Its salts follow from the seed, so its list does too.
    """
    day = _workday(as_of - dt.timedelta(days=DAYS_BEFORE))
    then = _HouseOnDay(
        engine=house.engine,
        settings=house.settings,
        now=lambda: dt.datetime.combine(day, dt.time(9), LOCAL_ZONE).astimezone(dt.UTC),
        day=day,
    )
    actors = _actors(house)
    if not {Role.INSPECTOR, *CUSTODIANS} <= actors.keys() or _has_round(house):
        return 0
    inspector = actors[Role.INSPECTOR]
    plan = _plan(then, inspector, actors[Role.LEADER])
    if not plan:
        return 0
    keepers = [actors[role] for role in CUSTODIANS]
    departure = open_departure(
        inspector,
        then,
        plan_number=plan,
        departs_on=day,
        n=_places(house, plan),
        value_source="当众掷骰子 5 次",
        custodian_ids=[keeper.account_id or 0 for keeper in keepers],
    )
    rng = stream(seed, "salts")
    salts = {keeper.login: salt_text(rng.bytes(SALT_BYTES)) for keeper in keepers}
    for keeper in keepers:
        made = salt_commitment(salts[keeper.login], keeper.name)
        give_commitment(keeper, then, departure_id=departure, commitment=made)
    number = commit_round(inspector, then, departure_id=departure)
    enter_value(inspector, then, number=number, value=VALUE)
    try:
        for keeper in keepers:
            enter_salt(keeper, then, number=number, salt=salts[keeper.login])
    except UserError as error:
        void_round(inspector, then, number=number, reason=error.message)
        return 0
    _visit_all(then, number)
    reveal_round(inspector, then, number=number, unrecorded_reason="停课")
    publish_draw(actors[Role.LEADER], then, number=number)
    return 1


def _workday(day: dt.date) -> dt.date:
    """Return the day, or the Friday before a weekend."""
    return day - dt.timedelta(days=max(day.weekday() - 4, 0))


def _actors(house: House) -> dict[Role, Actor]:
    with house.read() as session:
        rows = session.execute(
            select(Account.id, Account.login, Account.name, Account.role).where(
                Account.is_demo, Account.is_active, Account.login.like(f"{DEMO_PREFIX}%")
            )
        ).all()
    wanted = {Role.INSPECTOR, *CUSTODIANS}
    return {
        row.role: Actor(row.id, row.login, row.name, row.role) for row in rows if row.role in wanted
    }


def _has_round(house: House) -> bool:
    with house.read() as session:
        sealed = select(func.count()).where(Draw.form == DrawForm.SEALED)
        return bool(session.scalar(sealed))


def _places(house: House, plan: str) -> int:
    with house.read() as session:
        found = session.scalars(select(SamplingPlan).where(SamplingPlan.number == plan)).one()
    return PlanTerms.from_json(found.terms).places(found.schools)


def _plan(then: _HouseOnDay, inspector: Actor, leader: Actor) -> str:
    """Plan the round and have it approved; nothing where the city is too small for it.

    It outlives a rebuilt city, so its number stays out of the other plans' way.
    """
    place = default_start(then, district_id=None)
    if place is None:
        return ""
    year = then.day.year
    terms = PlanTerms(
        title="秋季开学校园安全联合督查",
        channel=Channel.JOINT,
        n=SCHOOLS,
        reserve=RESERVE,
        day=DayTerms(start_name=place.name, start_lon=place.lon, start_lat=place.lat, teams=3),
        first_day=max(then.day - dt.timedelta(days=7), dt.date(year, 1, 1)),
        last_day=min(then.day + dt.timedelta(days=7), dt.date(year, 12, 31)),
    )
    try:
        number = save_plan(inspector, then, terms=terms)
        submit_plan(inspector, then, number=number)
    except UserError:
        return ""
    approve_plan(leader, then, number=number, note="同意")
    apart = f"JH{year}-000"
    with then.write(SYSTEM) as work:
        work.session.execute(
            update(SamplingPlan).where(SamplingPlan.number == number).values(number=apart)
        )
        work.audit("demo.round", apart)
    return apart


def _visit_all(then: _HouseOnDay, number: str) -> None:
    """Record every planned stop as visited at its planned times, with nothing found."""
    midnight = dt.datetime.combine(then.day, dt.time(), LOCAL_ZONE)
    with then.write(SYSTEM) as work:
        stops = work.session.scalars(
            select(RouteStop).join(Draw, Draw.id == RouteStop.draw_id).where(Draw.number == number)
        ).all()
        for stop in stops:
            if stop.arrive_min is None or stop.leave_min is None:
                continue
            stop.outcome, stop.recorded_by = StopOutcome.VISITED, SYSTEM.login
            stop.arrived_at = midnight + dt.timedelta(minutes=stop.arrive_min)
            stop.left_at = midnight + dt.timedelta(minutes=stop.leave_min)
        work.audit("demo.round", number, {"stops": len(stops)})
