"""A tampered pack of a sealed round: the replay names what was touched."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from db.models import ChainEntry
from domain.draw.record import DRAW, EVENT, OPENED
from domain.draw.seal import canonical_json, next_line, parse_line, result_commitment
from domain.rounds import round_text
from services.draw_list import stored_pack
from services.draw_replay import replay_pack
from services.house import House
from services.rounds.field import list_own_routes, look_at_own_route, record_lost
from services.rounds.reveal import reveal_round
from tests.rounds import MUST, add_round_city, depart


@pytest.fixture
def pack(house: House) -> bytes:
    """Return the pack of a round in which a school was replaced."""
    city = add_round_city(house)
    made = depart(house, city)
    actor = next(
        city.actor(login) for login in ("wang", "zhao") if list_own_routes(city.actor(login), house)
    )
    route = look_at_own_route(actor, house, number=made.number)
    lost = next(stop.code for stop in route.stops if stop.code != MUST)
    record_lost(actor, house, number=made.number, code=lost, reason="停课")
    reveal_round(city.actor("li"), house, number=made.number, unrecorded_reason="演练")
    with house.read() as session:
        assert session.scalar(select(func.count()).where(ChainEntry.kind == EVENT)) == 1
    return stored_pack(city.actor("li"), house, number=made.number)


def altered(content: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Return the pack with one file changed, or left out where ``change`` returns nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            body = old.read(entry)
            kept = change(body) if entry == name else body
            if kept is not None:
                new.writestr(entry, kept)
    return out.getvalue()


def in_round(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(body: bytes) -> bytes:
        said = json.loads(body)
        change(said)
        return canonical_json(said).encode()

    return apply


def rebuilt_log(
    body: bytes, change: Callable[[str, dict[str, Any]], dict[str, Any] | None]
) -> bytes:
    """Return a log whose lines were changed and whose hashes a forger made good again."""
    last, texts = None, []
    for text in body.decode().splitlines():
        line = parse_line(text)
        data = change(line.kind, dict(line.data))
        if data is None:
            continue
        last = next_line(last, time=line.time, kind=line.kind, data=data)
        texts.append(last.as_text() + "\n")
    return "".join(texts).encode()


def with_log(
    content: bytes, change: Callable[[str, dict[str, Any]], dict[str, Any] | None]
) -> bytes:
    forged = altered(content, "log.jsonl", lambda body: rebuilt_log(body, change))
    with zipfile.ZipFile(io.BytesIO(forged)) as archive:
        head = json.loads(archive.read("log.jsonl").splitlines()[-1])["hash"]
    return altered(
        forged,
        "certificate.json",
        lambda body: canonical_json(json.loads(body) | {"head": head}).encode(),
    )


def fault_of(content: bytes) -> str:
    fault = replay_pack(content).fault
    assert fault is not None
    return fault.fault


def test_an_untouched_round_agrees_in_thirteen_steps(pack: bytes) -> None:
    replay = replay_pack(pack)
    assert replay.fault is None
    assert len(replay.steps) == 13


def test_a_person_moved_to_another_team_is_noticed(pack: bytes) -> None:
    def swap(said: dict[str, Any]) -> None:
        first, second = said["roster"]["teams"]
        first["people"][0], second["people"][0] = second["people"][0], first["people"][0]

    assert "哈希与封存时不符" in fault_of(altered(pack, "round.json", in_round(swap)))


def test_a_route_time_that_was_altered_is_noticed(pack: bytes) -> None:
    def later(said: dict[str, Any]) -> None:
        said["day_plan"]["routes"][0]["stops"][0]["arrive_min"] += 30

    assert "哈希与封存时不符" in fault_of(altered(pack, "round.json", in_round(later)))


def test_an_inspector_struck_from_the_frozen_list_is_noticed(pack: bytes) -> None:
    def strike(said: dict[str, Any]) -> None:
        said["people"].pop()

    assert "名册的哈希与承诺不符" in fault_of(altered(pack, "round.json", in_round(strike)))


def test_a_pack_without_its_round_is_noticed(pack: bytes) -> None:
    assert "却没有 round.json" in fault_of(altered(pack, "round.json", lambda _body: None))


def test_teams_sealed_otherwise_than_the_seed_says_are_noticed(pack: bytes) -> None:
    """A server that sealed teams of its own choice has hashes that agree and is found out."""

    def swap(said: dict[str, Any]) -> None:
        first, second = said["roster"]["teams"]
        first["people"], second["people"] = second["people"], first["people"]
        first["leads"], second["leads"] = second["leads"], first["leads"]

    forged = altered(pack, "round.json", in_round(swap))
    with zipfile.ZipFile(io.BytesIO(forged)) as archive:
        said = json.loads(archive.read("round.json"))
        nonce = json.loads(archive.read("certificate.json"))["nonce"]
    text = round_text(day_task=said["day_task"], day_plan=said["day_plan"], roster=said["roster"])
    sealed = result_commitment(text, nonce)
    forged = with_log(forged, lambda kind, data: data | {"round": sealed} if kind == DRAW else data)
    assert "队的人员与复算不符" in fault_of(forged)


def test_an_event_left_unopened_is_noticed(pack: bytes) -> None:
    forged = with_log(pack, lambda kind, data: None if kind == OPENED else data)
    assert "途中事件" in fault_of(forged)


def test_another_replacement_than_the_rule_says_is_noticed(pack: bytes) -> None:
    made: list[str] = []

    def other(data: dict[str, Any]) -> dict[str, Any]:
        event = json.loads(data["event"])
        text = canonical_json(event | {"by": "W11" if event["by"] != "W11" else "W10"})
        made.append(result_commitment(text, data["nonce"]))
        return data | {"event": text}

    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        lines = [parse_line(text) for text in archive.read("log.jsonl").decode().splitlines()]
    opened = next(other(dict(line.data)) for line in lines if line.kind == OPENED)

    def change(kind: str, data: dict[str, Any]) -> dict[str, Any]:
        if kind == EVENT:
            return data | {"commitment": made[0]}
        return opened if kind == OPENED else data

    assert "替补应为" in fault_of(with_log(pack, change))
