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
from services.rounds.outcome import list_own_feedback, list_published_schools, read_revealed
from services.rounds.prepare import (
    cancel_departure,
    commit_round,
    give_commitment,
    make_salt,
    open_departure,
    void_round,
)
from services.rounds.read import RoundStep, read_round
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
    raise AssertionError("two of three leads have accounts, and two teams need two leads")


def test_a_round_goes_from_salts_to_publication_and_replays(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    li = city.actor("li")
    for login in ("wang", "zhao"):
        for number, _route, _title in list_own_routes(city.actor(login), any_house):
            for stop in look_at_own_route(city.actor(login), any_house, number=number).stops:
                record_visit(
                    city.actor(login),
                    any_house,
                    number=number,
                    code=stop.code,
                    arrived=NINE,
                    left=TEN,
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


def test_no_salt_is_kept_until_it_is_entered(any_house: House, city: RoundCity) -> None:
    departure, salts = prepare_round(any_house, city)
    with any_house.read() as session:
        keepers = session.scalars(
            select(Custodian).where(Custodian.departure_id == departure)
        ).all()
    assert [keeper.salt for keeper in keepers] == [None, None]
    assert [keeper.commitment for keeper in keepers] == [
        salt_commitment(salts["ju"], "局长"),
        salt_commitment(salts["shen"], "审计"),
    ]
    dump = str([vars(keeper) for keeper in keepers])
    assert not any(salt in dump for salt in salts.values())


def test_a_lost_print_is_replaced_before_the_commitment_and_never_after(
    any_house: House, city: RoundCity
) -> None:
    departure, salts = prepare_round(any_house, city)
    again = make_salt(city.actor("ju"), any_house, departure_id=departure)
    assert again != salts["ju"]
    number = commit_round(city.actor("li"), any_house, departure_id=departure)
    with pytest.raises(UserError, match="不能再换"):
        make_salt(city.actor("ju"), any_house, departure_id=departure)
    enter_value(city.actor("li"), any_house, number=number, value="3 5 1 6")
    with pytest.raises(UserError, match="与承诺不符"):
        enter_salt(city.actor("ju"), any_house, number=number, salt=salts["ju"])
    assert not enter_salt(city.actor("ju"), any_house, number=number, salt=again.upper())


def test_a_custodian_may_bring_a_salt_the_house_never_saw(
    any_house: House, city: RoundCity
) -> None:
    departure, salts = prepare_round(any_house, city)
    own = "0123456789abcdef" * 2
    with pytest.raises(UserError, match="64 位"):
        give_commitment(city.actor("ju"), any_house, departure_id=departure, commitment=own)
    made = salt_commitment(own, "局长").upper()
    give_commitment(city.actor("ju"), any_house, departure_id=departure, commitment=made)
    number = commit_round(city.actor("li"), any_house, departure_id=departure)
    enter_value(city.actor("li"), any_house, number=number, value="3 5 1 6")
    enter_salt(city.actor("ju"), any_house, number=number, salt=own)
    assert enter_salt(city.actor("shen"), any_house, number=number, salt=salts["shen"])


def test_only_custodians_make_and_enter_salts_and_only_for_themselves(
    any_house: House, city: RoundCity
) -> None:
    departure, salts = prepare_round(any_house, city)
    with pytest.raises(NotFound):
        make_salt(city.actor("wang"), any_house, departure_id=departure)
    with pytest.raises(Forbidden):
        make_salt(city.actor("guan"), any_house, departure_id=departure)
    number = commit_round(city.actor("li"), any_house, departure_id=departure)
    enter_value(city.actor("li"), any_house, number=number, value="3 5 1 6")
    with pytest.raises(NotFound):
        enter_salt(city.actor("wang"), any_house, number=number, salt=salts["ju"])
    with pytest.raises(UserError, match="与承诺不符"):
        enter_salt(city.actor("ju"), any_house, number=number, salt=salts["shen"])


def test_steps_out_of_order_are_refused_with_a_way_on(any_house: House, city: RoundCity) -> None:
    li = city.actor("li")
    departure = open_departure(
        li,
        any_house,
        plan_number=PLAN,
        departs_on=TODAY + dt.timedelta(days=1),
        n=3,
        value_source="骰子",
        custodian_ids=[city.actor(login).account_id or 0 for login in ("ju", "shen")],
    )
    with pytest.raises(UserError, match="还没有生成随机盐"):
        commit_round(li, any_house, departure_id=departure)
    salts = {
        login: make_salt(city.actor(login), any_house, departure_id=departure)
        for login in ("ju", "shen")
    }
    number = commit_round(li, any_house, departure_id=departure)
    assert commit_round(li, any_house, departure_id=departure) == number
    with pytest.raises(UserError, match="公开值还没有录入"):
        enter_salt(city.actor("ju"), any_house, number=number, salt=salts["ju"])
    enter_value(li, any_house, number=number, value=" ３ 5 ")
    with pytest.raises(UserError, match="已经录入"):
        enter_value(li, any_house, number=number, value="6 6")
    with pytest.raises(UserError, match="还没有到"):
        enter_salt(city.actor("ju"), any_house, number=number, salt=salts["ju"])
    with pytest.raises(UserError, match="还不能启封"):
        reveal_round(li, any_house, number=number)
    with pytest.raises(UserError, match="还没有启封"):
        publish_draw(city.actor("ju"), any_house, number=number)
    with pytest.raises(UserError, match="第 1 次出发还没有启封"):
        prepare_round(any_house, city)
    with pytest.raises(UserError, match="不能取消"):
        cancel_departure(li, any_house, departure_id=departure, reason="改期")
    void_round(li, any_house, number=number, reason="保管人出差")
    prepare_round(any_house, city)
    assert read_round(li, any_house, departure_id=departure).step is RoundStep.STOPPED


def test_a_void_wipes_the_salts_that_were_entered(any_house: House, city: RoundCity) -> None:
    made = commit(any_house, city)
    enter_value(city.actor("li"), any_house, number=made.number, value="1")
    enter_salt(city.actor("ju"), any_house, number=made.number, salt=made.salts["ju"])
    void_round(city.actor("li"), any_house, number=made.number, reason="另一名保管人遗失封条")
    with any_house.read() as session:
        assert set(session.scalars(select(Custodian.salt))) == {None}
    with pytest.raises(UserError, match="已作废"):
        enter_salt(city.actor("shen"), any_house, number=made.number, salt=made.salts["shen"])


def test_killed_between_the_last_salt_and_the_result_the_round_resumes_to_the_same_list(
    any_house: House, city: RoundCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit(any_house, city)
    enter_value(city.actor("li"), any_house, number=made.number, value="3 5 1 6")
    enter_salt(city.actor("ju"), any_house, number=made.number, salt=made.salts["ju"])

    def killed(*_args: object, **_named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(services.rounds.depart, "_member_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            enter_salt(city.actor("shen"), any_house, number=made.number, salt=made.salts["shen"])
    assert count(any_house, SealedRound) == count(any_house, RouteStop) == 0
    facts = read_round(city.actor("li"), any_house, departure_id=made.departure_id)
    assert facts.step is RoundStep.DEPART
    assert facts.all_salts_entered
    resume_departure(city.actor("li"), any_house, number=made.number)
    with any_house.read() as session:
        first = session.scalars(select(SealedRound)).one().selected
    resume_departure(city.actor("li"), any_house, number=made.number)
    with any_house.read() as session:
        assert session.scalars(select(SealedRound)).one().selected == first
        kinds = session.scalars(select(ChainEntry.kind).order_by(ChainEntry.seq)).all()
    assert kinds == ["commit", "value", "draw"]


def test_two_pressing_at_once_make_one_departure_and_one_reveal(
    any_house: House, city: RoundCity
) -> None:
    made = commit(any_house, city)
    li = city.actor("li")
    enter_value(li, any_house, number=made.number, value="3 5 1 6")
    with any_house.read() as session:
        keepers = session.scalars(select(Custodian)).all()
        for keeper, login in zip(keepers, ("ju", "shen"), strict=True):
            session.execute(
                update(Custodian)
                .where(Custodian.position == keeper.position)
                .values(salt=made.salts[login], entered_at=any_house.now())
            )
        session.commit()

    def together(press: object) -> None:
        gate = Barrier(2)

        def one(_at: int) -> None:
            gate.wait()
            press()  # type: ignore[operator]

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, range(2)))

    together(lambda: resume_departure(li, any_house, number=made.number))
    assert count(any_house, SealedRound) == 1
    together(lambda: reveal_round(li, any_house, number=made.number, unrecorded_reason="演练"))
    assert count(any_house, DrawnSchool) == 4
    with any_house.read() as session:
        kinds = session.scalars(select(ChainEntry.kind).order_by(ChainEntry.seq)).all()
    assert kinds == ["commit", "value", "draw", "reveal"]


def test_a_team_sees_its_own_route_and_nobody_elses(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    everyone = {stop.school_code for stop in stops_of(any_house, made.number)}
    assert MUST in everyone
    assert len(everyone) == 5
    seen: list[str] = []
    for login in ("wang", "zhao"):
        actor = city.actor(login)
        if list_own_routes(actor, any_house):
            route = look_at_own_route(actor, any_house, number=made.number)
            assert actor.name in [member.name for member in route.members]
            seen += [stop.code for stop in route.stops]
        else:
            with pytest.raises(NotFound):
                look_at_own_route(actor, any_house, number=made.number)
    assert set(seen) <= everyone
    assert len(seen) == len(set(seen))
    with pytest.raises(NotFound):
        look_at_own_route(city.actor("li"), any_house, number=made.number)
    for login in ("ju", "shen", "guan", "xiao", "xiang"):
        with pytest.raises(Forbidden):
            look_at_own_route(city.actor(login), any_house, number=made.number)


def test_findings_become_hazards_only_at_the_reveal(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    login, codes = team_of(any_house, city, made.number)
    found = Finding(HazardCategory.GATE, Severity.GENERAL, "访客未登记", 15)
    for code in codes:
        record_visit(
            city.actor(login),
            any_house,
            number=made.number,
            code=code,
            arrived=NINE,
            left=TEN,
            findings=[found] if code == codes[0] else [],
        )
    assert count(any_house, Hazard) == count(any_house, Inspection) == 0
    with pytest.raises(UserError, match="没有记录督查情况"):
        reveal_round(city.actor("li"), any_house, number=made.number)
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="车辆故障")
    with any_house.read() as session:
        hazard = session.scalars(select(Hazard)).one()
        visits = session.scalars(select(Inspection)).all()
    assert hazard.school_id == city.schools[codes[0]]
    assert hazard.due_on == TODAY + dt.timedelta(days=15)
    assert {visit.school_id for visit in visits} == {city.schools[code] for code in codes}
    with pytest.raises(UserError, match="已启封"):
        record_visit(
            city.actor(login), any_house, number=made.number, code=codes[0], arrived=NINE, left=TEN
        )


def test_a_lost_school_is_replaced_from_the_reserve_and_the_replay_knows(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    login, codes = team_of(any_house, city, made.number)
    actor = city.actor(login)
    lost = next(code for code in codes if code != MUST)
    name = record_lost(actor, any_house, number=made.number, code=lost, reason="停电停课")
    with pytest.raises(UserError, match="已经记录过"):
        record_lost(actor, any_house, number=made.number, code=lost, reason="停电停课")
    route = look_at_own_route(actor, any_house, number=made.number)
    assert route.stops[-1].name == name
    assert route.stops[-1].replaces == lost
    colleague = next(m for m in route.members if m.name != actor.name)
    record_no_show(
        actor, any_house, number=made.number, inspector_code=colleague.code, reason="生病"
    )
    with pytest.raises(UserError, match="不足两人"):
        record_visit(
            actor,
            any_house,
            number=made.number,
            code=route.stops[-1].code,
            arrived=NINE,
            left=TEN,
        )
    with any_house.read() as session:
        before = session.scalars(select(ChainEntry.data)).all()
    assert not any(code in json.dumps(before) for code in (*codes, route.stops[-1].code))
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="人手不足")
    replay = recompute_draw(city.actor("li"), any_house, number=made.number)
    assert replay.fault is None
    assert len(replay.steps) == 13
    opened = read_revealed(city.actor("li"), any_house, number=made.number)
    assert len(opened.events) == 2
    assert "替补" in opened.events[0]


def test_a_school_sees_its_own_feedback_and_nothing_else(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    stops = stops_of(any_house, made.number)
    with Session(any_house.engine) as session:
        session.execute(
            update(RouteStop)
            .where(RouteStop.id == stops[0].id)
            .values(outcome=StopOutcome.VISITED, school_id=city.schools["E05"])
        )
        session.execute(
            update(RouteStop).where(RouteStop.id == stops[1].id).values(outcome=StopOutcome.VISITED)
        )
        session.commit()
    sheets = list_own_feedback(city.actor("xiao"), any_house)
    assert [sheet.school for sheet in sheets] == ["东区第05学校"]
    with pytest.raises(Forbidden):
        list_own_feedback(city.actor("ju"), any_house)


def test_the_second_departure_draws_again_with_the_first_ones_schools_in_stream_b(
    any_house: House, city: RoundCity
) -> None:
    first = depart(any_house, city)
    reveal_round(city.actor("li"), any_house, number=first.number, unrecorded_reason="演练")
    second = commit(any_house, city, n=2)
    with any_house.read() as session:
        draws = session.scalars(select(Draw).order_by(Draw.id)).all()
        drawn = session.scalars(select(DrawnSchool.school_code)).all()
    assert draws[1].number == second.number != first.number
    assert draws[0].frame_hash == draws[1].frame_hash
    assert draws[0].parameters["inspected"] == []
    assert draws[1].parameters["inspected"] == sorted(drawn)
    with pytest.raises(UserError, match="还剩"):
        reveal_and_open_too_many(any_house, city, second)


def reveal_and_open_too_many(house: House, city: RoundCity, second: Committed) -> None:
    enter_value(city.actor("li"), house, number=second.number, value="2")
    for login, salt in second.salts.items():
        enter_salt(city.actor(login), house, number=second.number, salt=salt)
    reveal_round(city.actor("li"), house, number=second.number, unrecorded_reason="演练")
    prepare_round(house, city, n=1)


def test_before_the_reveal_no_list_pack_seed_or_result_can_be_had(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    li = city.actor("li")
    facts = read_draw(li, any_house, number=made.number)
    assert facts.status is DrawStatus.DEPARTED
    assert facts.seed == ""
    assert list_drawn(li, any_house, number=made.number).empty
    with pytest.raises(UserError, match="没有结果"):
        stored_pack(li, any_house, number=made.number)
    with pytest.raises(NotFound):
        read_revealed(li, any_house, number=made.number)
    with pytest.raises(NotFound):
        list_published_schools(li, any_house, number=made.number)
    assert count(any_house, RouteMember) == 4


def test_a_sealed_list_that_was_altered_is_not_revealed(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    with Session(any_house.engine) as session:
        sealed = session.scalars(select(SealedRound)).one()
        spare = next(
            code
            for code in city.schools
            if code != MUST and code not in (*sealed.selected, *sealed.reserve)
        )
        sealed.selected = sorted([*sealed.selected[1:], spare])
        session.commit()
    with pytest.raises(UserError, match="被改动过"):
        reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="演练")
    assert count(any_house, DrawnSchool) == 0


def test_teams_that_cannot_be_staffed_block_the_departure_and_say_why(any_house: House) -> None:
    city = add_round_city(
        any_house, terms=plan_terms(day=plan_terms().day.__class__("局", 118.02, 33.02, teams=4))
    )
    made = commit(any_house, city)
    enter_value(city.actor("li"), any_house, number=made.number, value="1")
    enter_salt(city.actor("ju"), any_house, number=made.number, salt=made.salts["ju"])
    with pytest.raises(UserError, match="排不出队伍"):
        enter_salt(city.actor("shen"), any_house, number=made.number, salt=made.salts["shen"])
    facts = read_round(city.actor("li"), any_house, departure_id=made.departure_id)
    assert facts.step is RoundStep.DEPART
    assert facts.all_salts_entered
    void_round(city.actor("li"), any_house, number=made.number, reason="人手不足")
