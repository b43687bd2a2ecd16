from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

import services.draw_duels
from db.models import AuditEvent, Draw
from domain.access import Actor
from domain.draw.frame import parse_frame
from domain.draw.seal import rule_of_parameters
from domain.draw.year import DrawRule, YearDrawn, draw_year
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import DrawStatus, Role, ValueSource
from services.draw_duels import HAS_RESULT, duel_file, hold_replay, play_draw, play_pack
from services.draw_list import export_pack
from services.draw_replay import Replay, replay_pack
from services.draws import QuickOrder, commit_quick_draw, draw_quick
from services.house import House
from tests.city import SmallCity, add_small_city
from tests.unit.domain.draw.frames import RIVEST, scattered, small_frame

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
AUDITOR = Actor(account_id=2, login="shen", name="", role=Role.AUDITOR)
POLICE = Actor(account_id=3, login="jing", name="", role=Role.POLICE)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    services.draw_duels._drawn.clear()
    services.draw_duels._held.clear()


@pytest.fixture
def city(house: House) -> SmallCity:
    return add_small_city(house)


def order(n: int = 2) -> QuickOrder:
    return QuickOrder("抽查", SchoolFilter(), n, Weighting(), ValueSource.TYPED, "6 6 1")


def press(actor: Actor, house: House, key: str = "a" * 16, n: int = 2) -> str:
    return draw_quick(actor, house, order=order(n), request_key=key)


def file_of(drawn: YearDrawn, *, number: str = "2026-1") -> dict[str, Any]:
    zeros = [0] * len(drawn.frame)
    made = duel_file(drawn, number=number, x=zeros, y=zeros, names=[""] * len(zeros), ground=False)
    return json.loads(made)  # type: ignore[no-any-return]


def walk(file: dict[str, Any]) -> list[int]:
    """Walk along the duels as the browser does; return the places that end full."""
    held, duels = list(file["schools"]["tickets"]), file["duels"]
    columns = (duels[name] for name in ("a", "b", "a0", "b0", "a1", "b1"))
    for a, b, a0, b0, a1, b1 in zip(*columns, strict=True):
        assert (held[a], held[b]) == (a0, b0), "a duel starts with the tickets the last one left"
        assert a1 + b1 == a0 + b0, "no ticket is lost or made"
        held[a], held[b] = a1, b1
    full = [file["streams"][stream]["full"] for stream in file["schools"]["stream"]]
    return [place for place, tickets in enumerate(held) if tickets == full[place]]


def two_streams() -> YearDrawn:
    frame = scattered(200)
    rule = DrawRule(n=40, streams=2, rho_permille=150, inspected=frame.ids[::3], reserve=5)
    return draw_year(frame, rule, seed=RIVEST, record=True)


def test_walking_along_the_file_ends_at_the_drawn_schools_in_both_streams() -> None:
    drawn = two_streams()
    file = file_of(drawn)
    assert walk(file) == file["selected"] == list(drawn.selected)
    assert file["reserve"] == list(drawn.reserve)
    assert [stream["label"] for stream in file["streams"]] == ["本轮未查", "回头看"]
    assert sum(stream["n"] for stream in file["streams"]) == file["n"] == 40


def test_the_file_holds_exactly_the_recorded_duels_in_their_order() -> None:
    drawn = two_streams()
    file = file_of(drawn)
    recorded = [
        (
            at,
            duel.group,
            stream.frame.ids[duel.first],
            stream.frame.ids[duel.second],
            (duel.first_before, duel.second_before, duel.first_after, duel.second_after),
        )
        for at, (_label, stream) in enumerate(drawn.streams)
        for duel in stream.duels
    ]
    codes, duels = file["schools"]["code"], file["duels"]
    groups = [
        (group["stream"], group["path"])
        for start, group in zip(
            [0, *(g["end"] for g in file["groups"])], file["groups"], strict=False
        )
        for _ in range(start, group["end"])
    ]
    played = [
        (*groups[at], codes[duels["a"][at]], codes[duels["b"][at]],
         tuple(duels[name][at] for name in ("a0", "b0", "a1", "b1")))
        for at in range(len(duels["a"]))
    ]  # fmt: skip
    assert played == recorded


def test_the_groups_go_from_the_deepest_level_to_all_schools() -> None:
    file = file_of(two_streams())
    assert file["levels"] == ["区县 / 学段", "区县", "全部"]
    for stream in (0, 1):
        levels = [g["level"] for g in file["groups"] if g["stream"] == stream]
        assert levels == sorted(levels)
        assert {g["path"].count("/") for g in file["groups"] if g["level"] == 0} == {1}
    assert file["groups"][-1]["end"] == len(file["duels"]["a"])


@pytest.mark.parametrize(
    ("depth", "names"),
    [(1, ["第 1 层", "全部"]), (3, ["区县 / 学段 / 风险段", "区县 / 学段", "区县", "全部"])],
)
def test_levels_of_other_frames_are_named_too(depth: int, names: list[str]) -> None:
    drawn = draw_year(scattered(50, depth=depth), DrawRule(n=9), seed=RIVEST, record=True)
    assert file_of(drawn)["levels"] == names


def test_schools_taken_outright_start_full_and_fight_no_duel() -> None:
    drawn = draw_year(small_frame([1, 1, 1, 50, 1]), DrawRule(n=2), seed=RIVEST, record=True)
    file = file_of(drawn)
    assert file["schools"]["tickets"][3] == file["streams"][0]["full"]
    assert 3 in file["selected"]
    assert 3 not in {*file["duels"]["a"], *file["duels"]["b"]}


def test_a_draw_of_everybody_has_no_duels_at_all() -> None:
    file = file_of(draw_year(small_frame([1, 2, 3]), DrawRule(n=3), seed=RIVEST, record=True))
    assert walk(file) == [0, 1, 2]
    assert file["groups"] == []


def test_a_stored_draw_is_played_as_it_was_frozen_and_revealed(
    city: SmallCity, house: House
) -> None:
    number = press(INSPECTOR, house)
    file = json.loads(play_draw(AUDITOR, house, number=number))
    with Session(house.engine) as session:
        stored = session.scalars(select(Draw)).one()
        rule = rule_of_parameters(stored.parameters)
        again = draw_year(parse_frame(stored.frame), rule, seed=stored.seed or "", record=True)
    wanted = file_of(again, number=number)
    for key in ("number", "n", "streams", "strata", "groups", "duels", "selected", "levels"):
        assert file[key] == wanted[key]
    assert file["schools"]["name"] == [f"学校{code}" for code in file["schools"]["code"]]
    assert file["ground"] is True
    assert walk(file) == file["selected"]


def test_positions_are_those_of_the_map(city: SmallCity, house: House) -> None:
    file = json.loads(play_draw(AUDITOR, house, number=press(INSPECTOR, house)))
    x = (118.0 + 180) / 360 * 2**31
    assert file["schools"]["x"][0] == pytest.approx(x, abs=60), "within about a metre"


def test_each_look_is_on_the_audit_log(city: SmallCity, house: House) -> None:
    number = press(INSPECTOR, house)
    for _ in range(2):
        play_draw(AUDITOR, house, number=number)
    with Session(house.engine) as session:
        looks = session.scalars(
            select(AuditEvent.subject).where(
                AuditEvent.kind == "draw.duels_shown", AuditEvent.actor == "shen"
            )
        ).all()
    assert looks == [number, number]


@pytest.mark.parametrize("status", [s for s in DrawStatus if s not in HAS_RESULT])
def test_a_draw_without_a_revealed_result_looks_like_none(
    city: SmallCity, house: House, status: DrawStatus
) -> None:
    number = press(INSPECTOR, house)
    with Session(house.engine) as session:
        session.execute(update(Draw).values(status=status))
        session.commit()
    with pytest.raises(NotFound) as refused:
        play_draw(INSPECTOR, house, number=number)
    with pytest.raises(NotFound) as unknown:
        play_draw(INSPECTOR, house, number="CQ1999-0001")
    assert str(refused.value) == str(unknown.value)


def test_an_attempt_that_only_committed_is_not_played(city: SmallCity, house: House) -> None:
    number, _ = commit_quick_draw(INSPECTOR, house, order=order(), request_key="b" * 16)
    with pytest.raises(NotFound):
        play_draw(INSPECTOR, house, number=number)


def test_another_districts_draw_is_not_played(city: SmallCity, house: House) -> None:
    east, west = (
        Actor(account_id=5, login=login, name="", role=Role.DISTRICT, district_id=district)
        for login, district in (("dong", city.east), ("xi", city.west))
    )
    number = press(east, house)
    assert json.loads(play_draw(east, house, number=number))["number"] == number
    assert play_draw(INSPECTOR, house, number=number)
    with pytest.raises(NotFound):
        play_draw(west, house, number=number)
    with pytest.raises(NotFound):
        play_draw(east, house, number=press(INSPECTOR, house, key="c" * 16))


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE, Role.SCHOOL, Role.TOWNSHIP])
def test_roles_that_see_no_draws_play_none(city: SmallCity, house: House, role: Role) -> None:
    number = press(INSPECTOR, house)
    with pytest.raises(Forbidden):
        play_draw(Actor(account_id=9, login="x", name="", role=role), house, number=number)


def test_a_frame_that_was_changed_afterwards_is_not_played(city: SmallCity, house: House) -> None:
    number = press(INSPECTOR, house, n=4)
    with Session(house.engine) as session:
        stored = session.scalars(select(Draw)).one()
        stored.frame = stored.frame.replace(b"\nE1,", b"\nE0,")
        session.commit()
    with pytest.raises(UserError, match="不一致"):
        play_draw(INSPECTOR, house, number=number)


def replay_of(house: House) -> Replay:
    return replay_pack(export_pack(INSPECTOR, house, number=press(INSPECTOR, house)))


def test_an_uploaded_pack_plays_for_its_uploader_only(city: SmallCity, house: House) -> None:
    replay = replay_of(house)
    key = hold_replay(POLICE, house, replay=replay)
    assert key == hold_replay(POLICE, house, replay=replay), "a rerun keeps the address"
    file = json.loads(play_pack(POLICE, house, key=key))
    assert walk(file) == file["selected"]
    assert file["number"] == replay.draw_number
    with pytest.raises(NotFound):
        play_pack(AUDITOR, house, key=key)
    with pytest.raises(NotFound):
        play_pack(POLICE, house, key="0" * 64)
    with pytest.raises(Forbidden):
        play_pack(Actor(account_id=9, login="jing", name="", role=Role.SCHOOL), house, key=key)


def test_a_pack_of_another_city_is_played_without_our_ground(city: SmallCity, house: House) -> None:
    drawn = draw_year(scattered(60), DrawRule(n=9), seed=RIVEST, record=True)
    key = hold_replay(POLICE, house, replay=Replay((), drawn, draw_number="外市", seed=RIVEST))
    file = json.loads(play_pack(POLICE, house, key=key))
    assert file["ground"] is False
    assert set(file["schools"]["name"]) == {""}


def test_a_pack_whose_draw_could_not_be_recomputed_is_refused(house: House) -> None:
    with pytest.raises(UserError, match="没有算到对决"):
        hold_replay(POLICE, house, replay=Replay(()))
