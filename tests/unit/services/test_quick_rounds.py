"""The day of a quick draw: routes and teams that follow from its seed, for its readers only."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from db.models import AuditEvent, Draw, DrawnSchool, Inspector, RouteStop, School
from domain.draw.randomness import HashStream
from domain.draw.roster import LABEL, RosterRules, build_task, check_roster, draw_roster
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_day import DayOrder
from domain.quick_draw import Weighting
from domain.rounds import team_routes
from domain.school_filter import SchoolFilter
from domain.words import Channel, InspectionLevel, ValueSource
from services.draws import QuickOrder, draw_quick, use_draw
from services.house import House
from services.quick_rounds import (
    export_quick_sheet,
    has_day,
    list_day_people,
    list_drawn_places,
    list_starts,
    plan_quick_day,
)
from services.rounds_pool import inspector_pool
from tests.rounds import TODAY, RoundCity, add_round_city, depart
from tests.unit.services.reports.papers.pdf_text import text_of

ORDER = DayOrder(
    on=TODAY, start_name="市教育局", start_lon=118.02, start_lat=33.02, teams=2, visit_min=30
)


@pytest.fixture
def city(any_house: House) -> RoundCity:
    return add_round_city(any_house)


def draw(house: House, city: RoundCity, *, used: bool = True, who: str = "li", n: int = 5) -> str:
    order = QuickOrder("周五抽查", SchoolFilter(), n, Weighting(), ValueSource.TYPED, "3 5 1 6")
    number = draw_quick(city.actor(who), house, order=order, request_key=f"{who}{n}" * 8)
    if used:
        use_draw(city.actor(who), house, number=number)
    return number


@pytest.fixture
def number(any_house: House, city: RoundCity) -> str:
    return draw(any_house, city)


def test_every_drawn_school_is_on_one_route_and_the_day_comes_out_the_same_again(
    any_house: House, city: RoundCity, number: str
) -> None:
    li = city.actor("li")
    day = plan_quick_day(li, any_house, number=number, order=ORDER)
    drawn = {stop.code for stop in list_drawn_places(li, any_house, number=number)}
    visited = [stop.code for team in day.teams for stop in team.stops]
    assert sorted(visited) == sorted(drawn)
    assert len(day.teams) == 2
    for team in day.teams:
        times = [stop.arrive_min for stop in team.stops]
        assert None not in times
        assert times == sorted(times)
        assert len(team.members) == 2
        assert team.members[0].can_lead
    people = [member.code for team in day.teams for member in team.members]
    assert len(set(people)) == 4
    assert day == plan_quick_day(li, any_house, number=number, order=ORDER)
    assert day == plan_quick_day(city.actor("ju"), any_house, number=number, order=ORDER)


def test_the_teams_are_the_roster_that_the_draws_seed_gives_under_its_label(
    any_house: House, city: RoundCity, number: str
) -> None:
    day = plan_quick_day(city.actor("li"), any_house, number=number, order=ORDER)
    with any_house.read() as session:
        seed = session.scalars(select(Draw.seed).where(Draw.number == number)).one()
        pool = inspector_pool(
            session,
            level=InspectionLevel.CITY,
            district_id=None,
            channel=Channel.ROUTINE,
            on=TODAY,
            duty_days=30,
        )
    lists = {team.route.id: [stop.code for stop in team.stops] for team in day.teams}
    task = build_task(pool, team_routes(lists, team_size=2, districts={}), RosterRules(day=TODAY))
    count = check_roster(task).count
    assert day.count == str(count)
    # source: DRAW.md §7, the number of the roster is below(count) under the label
    number_drawn = HashStream(seed, LABEL).below(count)
    expected = draw_roster(task, seed)
    assert expected.number == number_drawn
    assert {team.route: set(team.people) for team in expected.teams} == {
        team.route.id: {member.code for member in team.members} for team in day.teams
    }


def test_only_the_people_named_are_sent_and_too_few_are_said_so(
    any_house: House, city: RoundCity, number: str
) -> None:
    li = city.actor("li")
    codes = [member.code for member in list_day_people(li, any_house, number=number)]
    assert codes == ["D0", "D1", "D2", "D3", "D4", "D5"]
    day = plan_quick_day(
        li, any_house, number=number, order=replace(ORDER, people=("D0", "D1", "D4", "D5"))
    )
    assert {m.code for team in day.teams for m in team.members} == {"D0", "D1", "D4", "D5"}
    short = plan_quick_day(li, any_house, number=number, order=replace(ORDER, people=("D0", "D4")))
    assert "排不出队伍" in short.fault
    assert all(not team.members and team.stops for team in short.teams), "routes stay"
    nobody = plan_quick_day(li, any_house, number=number, order=replace(ORDER, people=("no-such",)))
    assert "没有可派的督查人员" in nobody.fault


def test_what_does_not_fit_the_hours_is_named_and_stays_on_a_route(
    any_house: House, city: RoundCity, number: str
) -> None:
    order = replace(ORDER, teams=1, visit_min=120, from_min=9 * 60, to_min=14 * 60)
    (team,) = plan_quick_day(city.actor("li"), any_house, number=number, order=order).teams
    late = [stop for stop in team.stops if stop.arrive_min is None]
    assert late
    assert all(stop.reason for stop in late)
    assert team.stops[-1] in late
    assert len(team.stops) == 5


def test_a_day_is_for_those_who_may_read_the_draw_and_only_once_it_is_used(
    any_house: House, city: RoundCity, number: str
) -> None:
    unused = draw(any_house, city, used=False, n=3)
    assert not has_day(city.actor("li"), any_house, number=unused)
    with pytest.raises(UserError, match="还没有采用"):
        plan_quick_day(city.actor("li"), any_house, number=unused, order=ORDER)
    for verb in (
        lambda who: plan_quick_day(who, any_house, number=number, order=ORDER),
        lambda who: export_quick_sheet(who, any_house, number=number, order=ORDER, route="R1"),
        lambda who: list_day_people(who, any_house, number=number),
        lambda who: list_starts(who, any_house, number=number),
        lambda who: list_drawn_places(who, any_house, number=number),
    ):
        with pytest.raises(NotFound):
            verb(city.actor("qu"))
        for login in ("guan", "jing", "xiao", "xiang"):
            with pytest.raises(Forbidden):
                verb(city.actor(login))


def test_a_districts_draw_takes_the_districts_own_people(any_house: House, city: RoundCity) -> None:
    with Session(any_house.engine) as session:
        session.execute(
            update(Inspector)
            .where(Inspector.code.in_(["D0", "D4"]))
            .values(level=InspectionLevel.COUNTY, district_id=city.districts["E"])
        )
        session.commit()
    number = draw(any_house, city, who="qu", n=2)
    order = replace(ORDER, teams=1)
    for login in ("qu", "li"):
        (team,) = plan_quick_day(city.actor(login), any_house, number=number, order=order).teams
        assert {member.code for member in team.members} == {"D0", "D4"}
    assert "东区" in list_starts(city.actor("qu"), any_house, number=number)[0].name


def test_telephones_are_for_those_who_keep_the_register(
    any_house: House, city: RoundCity, number: str
) -> None:
    with Session(any_house.engine) as session:
        session.execute(update(Inspector).values(phone="13900000000"))
        session.commit()
    for login, phone in (("li", "13900000000"), ("ju", "")):
        day = plan_quick_day(city.actor(login), any_house, number=number, order=ORDER)
        assert {m.phone for team in day.teams for m in team.members} == {phone}


def test_a_teams_sheet_says_that_it_is_not_sealed_and_holds_its_own_schools(
    any_house: House, city: RoundCity, number: str
) -> None:
    li = city.actor("li")
    day = plan_quick_day(li, any_house, number=number, order=ORDER)
    first, second = day.teams
    text = text_of(
        export_quick_sheet(li, any_house, number=number, order=ORDER, route=first.route.id)
    )
    assert "未封存" in text
    assert all(stop.name in text for stop in first.stops)
    assert not any(stop.name in text for stop in second.stops)
    assert all(member.name in text for member in first.members)
    assert str(first.stops[0].chance) in text
    with pytest.raises(NotFound, match="这条路线"):
        export_quick_sheet(li, any_house, number=number, order=ORDER, route="R9")
    with any_house.read() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.seq.desc())).first()
    assert event.kind == "draw.route_sheet_exported"
    assert json.dumps(event.data or {}) == "{}"


def test_a_school_that_is_gone_is_named_and_left_out(
    any_house: House, city: RoundCity, number: str
) -> None:
    with Session(any_house.engine) as session:
        row = session.scalars(select(DrawnSchool)).first()
        name, gone = row.school_name, row.school_id
        row.school_id = None
        session.flush()
        session.execute(delete(School).where(School.id == gone))
        session.commit()
    day = plan_quick_day(city.actor("li"), any_house, number=number, order=ORDER)
    assert day.gone == (name,)
    assert sum(len(team.stops) for team in day.teams) == 4


def test_a_sealed_round_has_no_such_day(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    li = city.actor("li")
    assert list_drawn_places(li, any_house, number=made.number) == ()
    assert not has_day(li, any_house, number=made.number)
    with pytest.raises(NotFound):
        plan_quick_day(li, any_house, number=made.number, order=ORDER)
    with any_house.read() as session:
        assert session.scalars(select(RouteStop)).all(), "the round is under way"


def test_an_impossible_day_is_refused_in_words(
    any_house: House, city: RoundCity, number: str
) -> None:
    order = replace(ORDER, from_min=600, to_min=500, on=TODAY + dt.timedelta(days=1))
    with pytest.raises(UserError, match="早于"):
        plan_quick_day(city.actor("li"), any_house, number=number, order=order)
