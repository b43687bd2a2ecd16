"""The protocol of a sealed round, step by step, on both databases."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import services.rounds.depart
from db.draw_chain import read_lines
from db.models import (
    ChainEntry,
    Custodian,
    Draw,
    DrawnSchool,
    Hazard,
    Inspection,
    RouteMember,
    RouteStop,
    SealedRound,
)
from domain.draw.seal import find_chain_fault, salt_commitment
from domain.errors import Forbidden, NotFound, UserError
from domain.words import DrawStatus, HazardCategory, Severity, StopOutcome
from services.draw_list import list_drawn, read_draw, stored_pack
from services.draw_recompute import recompute_draw
from services.house import House
from services.rounds.depart import enter_salt, enter_value, resume_departure
from services.rounds.field import (
    Finding,
    list_own_routes,
    look_at_own_route,
    record_lost,
    record_no_show,
    record_visit,
)
from services.rounds.prepare import (
    cancel_departure,
    commit_round,
    make_salt,
    open_departure,
    void_round,
)
from services.rounds.read import (
    RoundStep,
    list_own_feedback,
    list_published_schools,
    read_revealed,
    read_round,
)
from services.rounds.reveal import publish_draw, reveal_round
from tests.rounds import (
    MUST,
    PLAN,
    TODAY,
    Committed,
    RoundCity,
    add_round_city,
    commit,
    depart,
    plan_terms,
    prepare_round,
)

NINE, TEN = dt.time(9), dt.time(10)


@pytest.fixture
def city(any_house: House) -> RoundCity:
    return add_round_city(any_house)


def count(house: House, model: type) -> int:
    with house.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def stops_of(house: House, number: str) -> list[RouteStop]:
    with house.read() as session:
        return list(
            session.scalars(
                select(RouteStop)
                .join(Draw, Draw.id == RouteStop.draw_id)
                .where(Draw.number == number)
                .order_by(RouteStop.id)
            )
        )


def team_of(house: House, city: RoundCity, number: str) -> tuple[str, list[str]]:
    """Return a login that is on a team, and the codes on its route."""
    for login in ("wang", "zhao"):
        if list_own_routes(city.actor(login), house):
            route = look_at_own_route(city.actor(login), house, number=number)
            return login, [stop.code for stop in route.stops]
    pytest.skip("the draw sent neither of the two people with an account")


def test_a_round_goes_from_salts_to_publication_and_replays(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    li = city.actor("li")
    for login in ("wang", "zhao"):
        for number, _route, _title in list_own_routes(city.actor(login), any_house):
            for stop in look_at_own_route(city.actor(login), any_house, number=number).stops:
                record_visit(
                    city.actor(login), any_house, number=number, code=stop.code, arrived=NINE, left=TEN
                )
    reveal_round(li, any_house, number=made.number, unrecorded_reason="路线未完成")
    publish_draw(city.actor("ju"), any_house, number=made.number)
    drawn = list_drawn(li, any_house, number=made.number)
    assert len(drawn) == 4
    replay = recompute_draw(li, any_house, number=made.number)
    assert replay.fault is None
    assert set(replay.drawn.ids) == set(drawn["code"])
    seen = list_published_schools(city.actor("xiao"), any_house, number=made.number)
    assert list(seen["code"]) == list(drawn["code"])
    with any_house.read() as session:
        last = session.scalar(select(func.max(ChainEntry.seq)))
        assert find_chain_fault(read_lines(session.connection(), first=1, last=last)) is None
