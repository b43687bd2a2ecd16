from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from threading import Barrier

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import services.draws
from db.draw_chain import read_lines
from db.models import AuditEvent, ChainEntry, Draw, DrawnSchool, Inspection, RuleSet, School
from domain.access import SYSTEM, Actor
from domain.draw.frame import parse_frame
from domain.draw.seal import find_chain_fault
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import Weighting
from domain.sampling_rules import SHIPPED
from domain.school_filter import SchoolFilter
from domain.words import (
    Channel,
    InspectionLevel,
    NoticeMode,
    Role,
    SchoolStatus,
    ValueSource,
)
from services.draw_frames import preview_draw
from services.draw_list import list_drawn, list_draws, read_draw, stored_pack
from services.draw_recompute import drawn_table, duel_table, recompute_draw, recompute_pack
from services.draws import (
    QuickOrder,
    commit_quick_draw,
    complete_draw,
    draw_quick,
    use_draw,
    void_draw,
)
from services.house import House
from tests.city import SmallCity, add_small_city

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
LEADER = Actor(account_id=2, login="ju", name="", role=Role.LEADER)
DICE = "骰子 3 5 1 6"


def add_city(house: House) -> SmallCity:
    """Add the small city and one closed school in each district."""
    city = add_small_city(house)
    with Session(house.engine) as session:
        for code, district in (("E9", city.east), ("W9", city.west)):
            closed = School(code=code, name=code, lon=118.0, lat=33.0, district_id=district)
            closed.status = SchoolStatus.CLOSED
            session.add(closed)
        session.commit()
    return city


@pytest.fixture
def city(any_house: House) -> SmallCity:
    return add_city(any_house)


def officer(district: int | None, login: str = "qu") -> Actor:
    return Actor(account_id=3, login=login, name="", role=Role.DISTRICT, district_id=district)


def order(
    n: int = 2, title: str = "秋季抽查", value: str = DICE, **wanted: tuple[str, ...]
) -> QuickOrder:
    return QuickOrder(
        title=title,
        wanted=SchoolFilter(**wanted),  # type: ignore[arg-type]
        n=n,
        weighting=Weighting(),
        value_source=ValueSource.TYPED if value else ValueSource.SYSTEM,
        value=value,
    )


def key(name: object) -> str:
    return f"request-key-of-test-{name}"


def drawn_codes(house: House, who: Actor, number: str) -> list[str]:
    return list_drawn(who, house, number=number)["code"].tolist()


def chain(house: House) -> list:
    with house.read() as session:
        return read_lines(session.connection(), first=1, last=10_000)


def inspect(house: House, school_id: int, on: list[str]) -> None:
    with Session(house.engine) as session:
        for day in on:
            session.add(
                Inspection(
                    number=f"{school_id}-{day}",
                    school_id=school_id,
                    level=InspectionLevel.CITY,
                    channel=Channel.ROUTINE,
                    notice_mode=NoticeMode.UNANNOUNCED,
                    on_date=dt.date.fromisoformat(day),
                )
            )
        session.commit()
    with house.write(SYSTEM) as work:
        work.bump("inspections")
        work.audit("test.inspected")


def test_one_press_commits_draws_and_replays_in_every_step(
    any_house: House, city: SmallCity
) -> None:
    number = draw_quick(INSPECTOR, any_house, order=order(), request_key=key(1))
    assert number == "CQ2026-0001"
    codes = drawn_codes(any_house, INSPECTOR, number)
    assert len(codes) == 2
    assert [line.kind for line in chain(any_house)] == ["commit", "value", "draw", "reveal"]
    assert find_chain_fault(chain(any_house)) is None
    replay = recompute_draw(LEADER, any_house, number=number)
    assert replay.fault is None
    assert drawn_table(LEADER, any_house, replay)["code"].tolist() == codes
    facts = read_draw(LEADER, any_house, number=number)
    assert facts.value == DICE
    assert facts.head == chain(any_house)[-1].hash
    uploaded = recompute_pack(
        LEADER, any_house, content=stored_pack(LEADER, any_house, number=number), head=facts.head
    )
    assert uploaded.fault is None


def test_the_commitment_stands_on_the_record_before_a_system_value_exists(
    any_house: House, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def token_bytes(n: int) -> bytes:
        seen.append([line.kind for line in chain(any_house)])
        return bytes(range(n))

    monkeypatch.setattr(services.draws.secrets, "token_bytes", token_bytes)
    number = draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(1))
    assert seen[0] == ["commit"]
    assert (
        read_draw(INSPECTOR, any_house, number=number).value == "system:" + bytes(range(32)).hex()
    )


def test_pressing_twice_or_refreshing_gives_the_same_draw(
    any_house: House, city: SmallCity
) -> None:
    first = draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(1))
    codes = drawn_codes(any_house, INSPECTOR, first)
    assert draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(1)) == first
    assert drawn_codes(any_house, INSPECTOR, first) == codes
    assert len(list_draws(INSPECTOR, any_house)) == 1
    with pytest.raises(NotFound):
        draw_quick(officer(city.east), any_house, order=order(), request_key=key(1))


def test_two_people_pressing_at_once_get_two_numbers_and_one_result_each(
    any_house: House, city: SmallCity
) -> None:
    together = Barrier(4)

    def press(at: int) -> str:
        together.wait()
        return draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(at))

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(press, range(4)))
    assert sorted(numbers) == [f"CQ2026-{n:04d}" for n in range(1, 5)]
    assert [len(drawn_codes(any_house, INSPECTOR, number)) for number in numbers] == [2] * 4
    assert find_chain_fault(chain(any_house)) is None
    for number in numbers:
        assert recompute_draw(INSPECTOR, any_house, number=number).fault is None


def test_the_same_press_sent_twice_at_once_makes_one_number_and_at_most_one_result(
    any_house: House, city: SmallCity
) -> None:
    together = Barrier(2)

    def press(_at: int) -> str:
        together.wait()
        try:
            return draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(1))
        except UserError as error:
            return error.message

    with ThreadPoolExecutor(2) as pool:
        answers = set(pool.map(press, range(2)))
    assert "CQ2026-0001" in answers
    assert all("还没有结果" in answer for answer in answers - {"CQ2026-0001"})
    assert len(list_draws(INSPECTOR, any_house)) == 1
    assert [line.kind for line in chain(any_house)].count("reveal") == 1


def test_killed_between_commit_and_result_a_typed_attempt_is_completed_with_its_own_value(
    any_house: House, city: SmallCity
) -> None:
    number, _ = commit_quick_draw(INSPECTOR, any_house, order=order(), request_key=key(1))
    assert list_draws(INSPECTOR, any_house)["status"].tolist() == ["已承诺未抽取"]
    with pytest.raises(UserError, match="还没有结果"):
        draw_quick(INSPECTOR, any_house, order=order(value="另一个值"), request_key=key(1))
    with pytest.raises(UserError, match="没有结果"):
        stored_pack(INSPECTOR, any_house, number=number)
    complete_draw(INSPECTOR, any_house, number=number)
    codes = drawn_codes(any_house, INSPECTOR, number)
    complete_draw(INSPECTOR, any_house, number=number)
    assert drawn_codes(any_house, INSPECTOR, number) == codes
    assert read_draw(INSPECTOR, any_house, number=number).value == DICE
    assert recompute_draw(INSPECTOR, any_house, number=number).fault is None


def test_killed_between_commit_and_result_a_system_attempt_can_only_be_voided_and_stays_listed(
    any_house: House, city: SmallCity
) -> None:
    number, _ = commit_quick_draw(INSPECTOR, any_house, order=order(value=""), request_key=key(1))
    with pytest.raises(UserError, match="不能补完"):
        complete_draw(INSPECTOR, any_house, number=number)
    with pytest.raises(UserError, match="作废原因"):
        void_draw(INSPECTOR, any_house, number=number, reason=" ")
    void_draw(INSPECTOR, any_house, number=number, reason="停电")
    with pytest.raises(UserError):
        void_draw(INSPECTOR, any_house, number=number, reason="再来")
    again = draw_quick(INSPECTOR, any_house, order=order(value=""), request_key=key(2))
    assert again == "CQ2026-0002"
    listed = list_draws(INSPECTOR, any_house)
    assert listed[["number", "attempt", "status", "void_reason"]].to_numpy().tolist() == [
        ["CQ2026-0002", 2, "已抽取", ""],
        ["CQ2026-0001", 1, "已作废", "停电"],
    ]


def test_a_failure_while_storing_leaves_no_half_result(
    any_house: House, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(services.draws, "drawn_rows", fail)
        with pytest.raises(InterruptedError):
            draw_quick(INSPECTOR, any_house, order=order(), request_key=key(1))
    assert [line.kind for line in chain(any_house)] == ["commit"]
    assert list_draws(INSPECTOR, any_house)["status"].tolist() == ["已承诺未抽取"]
    complete_draw(INSPECTOR, any_house, number="CQ2026-0001")
    assert recompute_draw(INSPECTOR, any_house, number="CQ2026-0001").fault is None


def test_a_district_draws_in_itself_and_sees_no_other_draws(
    any_house: House, city: SmallCity
) -> None:
    of_city = draw_quick(INSPECTOR, any_house, order=order(n=1), request_key=key(1))
    east, west = officer(city.east), officer(city.west, "xi")
    own = draw_quick(east, any_house, order=order(n=2), request_key=key(2))
    assert set(drawn_codes(any_house, east, own)) <= {"E1", "E2", "E3"}
    assert list_draws(east, any_house)["number"].tolist() == [own]
    assert list_draws(east, any_house)["level"].tolist() == ["县级"]
    assert list_draws(west, any_house).empty
    assert set(list_draws(LEADER, any_house)["number"]) == {own, of_city}
    for read in (read_draw, list_drawn, recompute_draw, stored_pack):
        for number, who in ((own, west), (of_city, east), ("CQ2026-9999", INSPECTOR)):
            with pytest.raises(NotFound):
                read(who, any_house, number=number)
    for write in (complete_draw, use_draw):
        with pytest.raises(NotFound):
            write(west, any_house, number=own)
    with pytest.raises(Forbidden):
        draw_quick(officer(None), any_house, order=order(n=1), request_key=key(3))


def test_roles_that_do_not_draw_are_refused(any_house: House, city: SmallCity) -> None:
    number = draw_quick(INSPECTOR, any_house, order=order(), request_key=key(1))
    for role in set(Role) - {Role.INSPECTOR, Role.DISTRICT}:
        who = Actor(account_id=9, login="x", name="", role=role)
        with pytest.raises(Forbidden):
            draw_quick(who, any_house, order=order(), request_key=key(2))
        if role not in {Role.LEADER, Role.AUDITOR}:
            for read in (read_draw, list_drawn, stored_pack):
                with pytest.raises(Forbidden):
                    read(who, any_house, number=number)


def test_a_pack_does_not_carry_another_districts_list_to_an_officer(
    any_house: House, city: SmallCity
) -> None:
    east = officer(city.east)
    own, _ = commit_quick_draw(east, any_house, order=order(n=1), request_key=key(1))
    draw_quick(officer(city.west, "xi"), any_house, order=order(n=1), request_key=key(2))
    complete_draw(east, any_house, number=own)
    with pytest.raises(UserError, match="不属于您管辖范围"):
        stored_pack(east, any_house, number=own)
    assert recompute_draw(INSPECTOR, any_house, number=own).fault is None


def test_the_audit_log_holds_no_drawn_school(any_house: House, city: SmallCity) -> None:
    number = draw_quick(INSPECTOR, any_house, order=order(n=1), request_key=key(1))
    (code,) = drawn_codes(any_house, INSPECTOR, number)
    with any_house.read() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.kind.like("draw.%"))).all()
    assert [event.kind for event in events] == ["draw.committed", "draw.drawn"]
    seed = read_draw(INSPECTOR, any_house, number=number).seed
    said = json.dumps([[e.subject, e.data] for e in events], ensure_ascii=False)
    assert f'"{code}"' not in said
    assert seed not in said
    assert DICE not in said


def test_one_attempt_of_a_title_is_used_and_the_others_stay_listed(
    any_house: House, city: SmallCity
) -> None:
    first = draw_quick(INSPECTOR, any_house, order=order(), request_key=key(1))
    second = draw_quick(INSPECTOR, any_house, order=order(value="6 6"), request_key=key(2))
    other = draw_quick(INSPECTOR, any_house, order=order(title="冬季抽查"), request_key=key(3))
    unfinished, _ = commit_quick_draw(
        INSPECTOR, any_house, order=order(title="未完"), request_key=key(4)
    )
    use_draw(INSPECTOR, any_house, number=second)
    with pytest.raises(UserError, match=f"已采用抽取 {second}"):
        use_draw(INSPECTOR, any_house, number=first)
    with pytest.raises(UserError, match="还没有结果"):
        use_draw(INSPECTOR, any_house, number=unfinished)
    use_draw(INSPECTOR, any_house, number=other)
    listed = list_draws(INSPECTOR, any_house).set_index("number")
    assert listed["used"].to_dict() == {first: False, second: True, other: True, unfinished: False}
    again = set(drawn_codes(any_house, INSPECTOR, second)) & set(
        drawn_codes(any_house, INSPECTOR, other)
    )
    table = list_drawn(INSPECTOR, any_house, number=other).set_index("code")["used"]
    assert {code for code, count in table.items() if count} == again


def test_a_school_at_the_visit_cap_is_drawn_with_a_warning(
    any_house: House, city: SmallCity
) -> None:
    inspect(
        any_house, city.schools["E1"], [f"2026-0{m}-01" for m in range(1, SHIPPED.visit_cap + 1)]
    )
    inspect(any_house, city.schools["E2"], ["2025-12-31", "2026-08-01"])
    number = draw_quick(INSPECTOR, any_house, order=order(n=4), request_key=key(1))
    table = list_drawn(INSPECTOR, any_house, number=number).set_index("code")
    assert table["visits"].to_dict() == {"E1": SHIPPED.visit_cap, "E2": 1, "E3": 0, "W1": 0}
    assert table.index[table["warning"] != ""].tolist() == ["E1"]
    assert table["chance"].tolist() == ["1/1"] * 4


def test_the_preview_says_exact_chances_and_its_hash_is_what_is_committed(
    any_house: House, city: SmallCity
) -> None:
    inspect(any_house, city.schools["E1"], ["2026-08-20"])
    weighting = Weighting(recent_days=30)
    seen = preview_draw(INSPECTOR, any_house, wanted=SchoolFilter(), n=1, weighting=weighting)
    assert seen.schools == 4
    chances = {row.weight: (row.schools, Fraction(row.chance)) for row in seen.chances.itertuples()}
    assert chances == {1: (1, Fraction(1, 13)), 4: (3, Fraction(4, 13))}
    assert seen.strata["expected"].sum() == pytest.approx(1)
    assert seen.strata[["district", "kind", "schools"]].to_numpy().tolist() == [
        ["东区", "学段未知", 3],
        ["西区", "学段未知", 1],
    ]
    asked = QuickOrder(
        "秋季", SchoolFilter(), 1, weighting, ValueSource.TYPED, DICE, seen.frame_hash
    )
    number = draw_quick(INSPECTOR, any_house, order=asked, request_key=key(1))
    assert read_draw(INSPECTOR, any_house, number=number).frame_hash == seen.frame_hash
    with any_house.write(SYSTEM) as work:
        work.session.execute(update(School).where(School.code == "W1").values(lon=118.5))
        work.bump("schools")
        work.audit("test.moved")
    with pytest.raises(UserError, match="有了变化"):
        draw_quick(INSPECTOR, any_house, order=asked, request_key=key(2))
    assert len(list_draws(INSPECTOR, any_house)) == 1


def test_closed_schools_stand_in_the_excluded_file_with_their_reason(
    any_house: House, city: SmallCity
) -> None:
    with any_house.write(SYSTEM) as work:
        work.session.execute(
            update(School).where(School.code == "E3").values(status=SchoolStatus.SUSPENDED)
        )
        work.bump("schools")
        work.audit("test.suspended")
    number = draw_quick(INSPECTOR, any_house, order=order(n=3), request_key=key(1))
    with any_house.read() as session:
        assert (
            session.scalar(select(Draw.excluded))
            == b"id,reason\nE3,suspended\nE9,closed\nW9,closed\n"
        )
        assert session.scalar(select(func.count()).select_from(DrawnSchool)) == 3
    assert "E3" not in drawn_codes(any_house, INSPECTOR, number)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (order(n=0), "要抽 0 所"),
        (order(n=5), "要抽 5 所"),
        (order(district=("none",)), "没有在办学校"),
        (order(title=" "), "事由"),
        (order(value="x" * 200), "公开值过长"),
        (order(value="system:" + "0" * 64), "system:"),
        (order(value="a\x00b"), "不可见字符"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_and_leaves_nothing(
    house: House, asked: QuickOrder, said: str
) -> None:
    add_city(house)
    with pytest.raises(UserError, match=said):
        draw_quick(INSPECTOR, house, order=asked, request_key=key(1))
    assert list_draws(INSPECTOR, house).empty
    assert chain(house) == []


def test_a_stored_record_that_was_altered_is_named(house: House) -> None:
    add_city(house)
    number = draw_quick(INSPECTOR, house, order=order(), request_key=key(1))
    with Session(house.engine) as session:
        line = session.get(ChainEntry, 4)
        line.data = {**line.data, "selected": ["E1"]}
        session.commit()
    fault = recompute_draw(INSPECTOR, house, number=number).fault
    assert fault is not None
    assert "已被改动" in fault.fault


def test_the_duels_of_a_school_keep_all_tickets(house: House) -> None:
    add_city(house)
    number = draw_quick(INSPECTOR, house, order=order(n=1), request_key=key(1))
    replay = recompute_draw(INSPECTOR, house, number=number)
    duels = duel_table(INSPECTOR, house, replay, school="W1")
    assert len(duels) == 1
    assert duels["own_before"].tolist() == [1]
    before = duels["own_before"] + duels["other_before"]
    assert (before == duels["own_after"] + duels["other_after"]).all()
    assert duels["name"].str.startswith("学校E").all()
    assert duel_table(INSPECTOR, house, replay, school="no").empty


def test_a_pack_that_is_none_and_a_head_that_is_none_are_refused(house: House) -> None:
    add_city(house)
    with pytest.raises(UserError, match="不是 zip"):
        recompute_pack(LEADER, house, content=b"no zip")
    with pytest.raises(UserError, match="链头"):
        recompute_pack(LEADER, house, content=b"", head="abc")
    school = Actor(account_id=4, login="s", name="", role=Role.SCHOOL)
    with pytest.raises(Forbidden):
        recompute_pack(school, house, content=b"")


def test_a_city_without_closed_schools_can_be_drawn_and_replayed(house: House) -> None:
    add_small_city(house)
    number = draw_quick(INSPECTOR, house, order=order(), request_key=key(1))
    assert recompute_draw(INSPECTOR, house, number=number).fault is None


def test_weights_by_risk_are_frozen_with_the_rule_set_they_come_from(
    any_house: House, city: SmallCity
) -> None:
    with Session(any_house.engine) as session:
        shipped = session.scalars(select(RuleSet)).one()
        session.add(
            RuleSet(
                name=shipped.name,
                version=2,
                parameters={"risk_weights": {**SHIPPED.risk_weights, "unknown": 7}},
                valid_from=dt.date(2026, 1, 1),
            )
        )
        session.commit()
    weighted = replace(order(), weighting=Weighting(by_risk=True, floor=2, cap=5))
    draw_quick(INSPECTOR, any_house, order=weighted, request_key=key("rules"))
    with any_house.read() as session:
        draw = session.scalars(select(Draw)).one()
        assert draw.parameters["plan"]["weighting"] == {
            "weights": "risk", "floor": 2, "cap": 5, "recent_days": 0, "rules": 2,
            "levels": {"major": 4, "larger": 3, "general": 2, "low": 2, "unknown": 5},
        }  # fmt: skip
        assert set(parse_frame(draw.frame).weights) == {5}
