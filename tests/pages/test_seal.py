"""The seal: what was drawn changes nothing that anybody but its teams can see.

Two houses alike in everything but their custodians' salts draw different schools. Every page
and every address, asked for as every role at every step, must answer the same in both: the
map, counts, sort orders, exports, error messages, the audit log. Only hashes may differ.
"""

from __future__ import annotations

import datetime as dt
import importlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typst
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from streamlit.testing.v1 import AppTest

import components.session
import services.start
from components.registry import PAGES
from db.models import RouteStop, SealedRound, SignIn
from domain.words import HazardCategory, Severity
from routes.doors import all_routes
from routes.errors import ERROR_ANSWERS
from routes.guard import Gate, content_policy
from services.house import House
from services.rounds.field import (
    Finding,
    look_at_own_route,
    record_lost,
    record_no_show,
    record_visit,
)
from services.sign_in import COOKIE_NAME, token_hash
from settings import ROOT
from tests.asgi import ask
from tests.browser.serving import make_house
from tests.clock import Clock
from tests.rounds import MUST, RoundCity, add_round_city, commit, depart
from tests.unit.services.reports.papers.pdf_text import text_of

OUTSIDERS = ("li", "ju", "shen", "guan", "jing", "qu", "xiang", "xiao")
"""One account of every role, none of them on a team; ``xiao`` is a school."""
_HASH = re.compile(rb"(?:[0-9a-f]{4,} ?){2,}|[0-9a-f]{8,}")
"""A hash, printed in one piece or in groups."""
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class World:
    """A house with a round under way and what it drew."""

    house: House
    city: RoundCity
    number: str
    departure_id: int
    step: str

    def secrets(self) -> list[bytes]:
        """Return what the masks below would hide: seed and nonce, once there are any."""
        with self.house.read() as session:
            sealed = session.scalar(select(SealedRound))
        return [sealed.seed.encode(), sealed.nonce.encode()] if sealed else []


def sign_everybody_in(house: House, city: RoundCity) -> None:
    """Give every account the token ``token-<login>``."""
    now = house.now()
    with Session(house.engine) as session:
        session.add_all(
            SignIn(
                account_id=actor.account_id,
                token_hash=token_hash(f"token-{login}"),
                created_at=now,
                last_seen_at=now,
                expires_at=now.replace(year=now.year + 1),
            )
            for login, actor in city.actors.items()
        )
        session.commit()


def build(folder: Path, *, step: str) -> World:
    """Build a world and bring its round to a step."""
    clock = Clock()
    plain = make_house(folder / "var")
    house = House(engine=plain.engine, settings=plain.settings, now=clock)
    city = add_round_city(house)
    made = commit(house, city) if step == "committed" else depart(house, city)
    if step == "under way":
        go_on_the_round(house, city, made.number)
    sign_everybody_in(house, city)
    return World(house, city, made.number, made.departure_id, step)


def go_on_the_round(house: House, city: RoundCity, number: str) -> None:
    """Record a visit with a finding, a lost school and an absent member, one of each."""
    actor = city.actor("wang")
    codes = [
        stop.code
        for stop in look_at_own_route(actor, house, number=number).stops
        if stop.code != MUST
    ]
    record_visit(
        actor,
        house,
        number=number,
        code=codes[0],
        arrived=dt.time(9),
        left=dt.time(10),
        findings=[Finding(HazardCategory.GATE, Severity.GENERAL, "访客未登记", 15)],
    )
    record_lost(actor, house, number=number, code=codes[1], reason="停课")
    other = look_at_own_route(city.actor("zhao"), house, number=number)
    absent = next(member for member in other.members if member.name != "赵带队")
    record_no_show(
        city.actor("zhao"), house, number=number, inspector_code=absent.code, reason="生病"
    )


STEPS = ("committed", "departed", "under way")
at_every_step = pytest.mark.parametrize("worlds", STEPS, indirect=True, scope="module")
before_and_during = pytest.mark.parametrize(
    "worlds", ["committed", "under way"], indirect=True, scope="module"
)
"""Pages cost more than addresses; what is shown at departure is shown while under way too."""


@pytest.fixture(scope="module")
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, World]]:
    """Give two worlds at the same step that differ in their salts alone."""
    folder = tmp_path_factory.mktemp("seal")
    first = build_elsewhere(folder / "first", step=request.param, than=set())
    second = build_elsewhere(folder / "second", step=request.param, than=own_schools(first))
    yield first, second
    first.house.engine.dispose()
    second.house.engine.dispose()


def build_elsewhere(folder: Path, *, step: str, than: set[str]) -> World:
    """Build a world that drew other schools, and not ``xiao``'s: a visited school is told."""
    for at in range(30):
        world = build(folder / str(at), step=step)
        drew = own_schools(world)
        if step == "committed" or (drew != than and "E05" not in drew):
            return world
        world.house.engine.dispose()
    raise AssertionError("thirty draws of 4 in 23 schools all took E05 or the same four")


def own_schools(world: World) -> set[str]:
    """Return the codes on the routes of a world."""
    with world.house.read() as session:
        return set(session.scalars(select(RouteStop.school_code)))


def be_in(monkeypatch: pytest.MonkeyPatch, world: World, login: str) -> None:
    """Let pages and routes find a world's house and one account's cookie."""
    for name in ("layers", "files", "guard", "sign_in", "doors", "duels"):
        module = importlib.import_module(f"routes.{name}")
        if hasattr(module, "current_house"):
            monkeypatch.setattr(module, "current_house", lambda: world.house)
    monkeypatch.setattr(services.start, "current_house", lambda: world.house)
    monkeypatch.setattr(components.session, "current_house", lambda: world.house)
    monkeypatch.setattr(components.session, "sign_in_token", lambda: f"token-{login}")


def masked(body: bytes) -> bytes:
    """Return a body with every run of hexadecimal digits blotted out."""
    return _HASH.sub(b"#", body)


def shown(page: AppTest) -> bytes:
    """Return everything a page sent to the browser."""
    parts: list[bytes] = []

    def walk(node: Any) -> None:
        proto = getattr(node, "proto", None)
        if proto is not None and hasattr(proto, "SerializeToString"):
            parts.append(proto.SerializeToString(deterministic=True))
        for child in getattr(node, "children", {}).values():
            walk(child)

    walk(page._tree)
    return b"\n".join(parts)


def print_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let papers be the facts that are printed: a PDF packs them so that nothing can be masked."""

    def plainly(*_path: Any, sys_inputs: dict[str, str], **_how: Any) -> tuple[bytes, list[Any]]:
        return json.dumps(sys_inputs, sort_keys=True).encode(), []

    monkeypatch.setattr(typst, "compile_with_warnings", plainly)
    for name in ("certificate", "commit_sheet", "salt_slip"):
        module = importlib.import_module(f"services.reports.papers.{name}")
        monkeypatch.setattr(module, "code_svg", lambda text: text)


def opened(
    monkeypatch: pytest.MonkeyPatch, world: World, login: str, file: str, **query: str
) -> bytes:
    be_in(monkeypatch, world, login)
    page = AppTest.from_file(str(ROOT / file), default_timeout=60)
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, [fault.value for fault in page.exception]
    return shown(page)


def questions(world: World) -> list[dict[str, str]]:
    """Return the queries each page is opened with: all of them while a round is under way."""
    more = [{"departure": str(world.departure_id)}, {"draw": world.number}]
    return [{}, *more] if world.step == "under way" else [{}]


@before_and_during
@pytest.mark.parametrize("login", OUTSIDERS)
def test_no_page_tells_what_was_drawn(
    worlds: tuple[World, World], login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = worlds
    secrets = first.secrets()
    for page in PAGES:
        for query in questions(first):
            one = opened(monkeypatch, first, login, page.file, **query)
            two = opened(monkeypatch, second, login, page.file, **query)
            assert masked(one) == masked(two), (page.title, query)
            assert not any(secret in one for secret in secrets), (page.title, query)


def addresses(world: World, codes: list[str]) -> list[str]:
    """Return every address of our own routes, its parameters filled with what exists."""
    filled: list[str] = []
    for route in all_routes():
        if not isinstance(route, Route) or "GET" not in (route.methods or ()):
            continue
        names = _PARAMETER.findall(route.path)
        for code in codes if "code" in names else codes[:1]:
            values = {
                "number": world.number,
                "departure_id": str(world.departure_id),
                "plan": "JH2026-001",
                "code": code,
                "name": "schools",
                "kind": "schools",
                "rest": "nothing",
                "path": "nothing",
            }
            filled.append(
                _PARAMETER.sub(lambda found: values.get(found.group(1), "1"), route.path)  # noqa: B023
            )
    return filled


def contents(body: bytes) -> bytes:
    """Return a zip's files one after the other, without their times, and a PDF's text.

    Any other body as it is. A commit sheet differs by the hashes of the salts, which its QR
    code and its subset of the font carry too.
    """
    if body.startswith(b"%PDF"):
        return text_of(body).encode()
    if not body.startswith(b"PK"):
        return body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = sorted(set(archive.namelist()) - {"docProps/core.xml"})
        return b"\n".join(archive.read(name) for name in names)


@at_every_step
@pytest.mark.parametrize("login", [*OUTSIDERS, ""])
def test_no_address_tells_what_was_drawn(
    worlds: tuple[World, World], login: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = worlds
    print_plainly(monkeypatch)
    app = Starlette(
        routes=all_routes(),
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )
    one, two = own_schools(first), own_schools(second)
    codes = [*sorted(one - two)[:1], *sorted(two - one)[:1], *sorted(one & two)[:1]] or ["E01"]
    headers = {"cookie": f"{COOKIE_NAME}=token-{login}"} if login else {}
    for address in addresses(first, codes):
        answers = []
        for world in (first, second):
            be_in(monkeypatch, world, login)
            got = ask(app, "GET", address, headers=headers)
            answers.append((got.status, masked(contents(got.body))))
            assert not any(secret in contents(got.body) for secret in world.secrets()), address
        assert answers[0] == answers[1], address


@at_every_step
def test_the_two_worlds_did_draw_differently_and_their_teams_see_it(
    worlds: tuple[World, World],
) -> None:
    """Without this the tests above would pass on two houses that are simply the same."""
    first, second = worlds
    if not own_schools(first):
        with first.house.read() as session:
            assert session.scalar(select(SealedRound)) is None, "nothing exists before departure"
        return
    assert own_schools(first) != own_schools(second)
    seen = [
        {
            stop.code
            for login in ("wang", "zhao")
            for stop in look_at_own_route(
                world.city.actor(login), world.house, number=world.number
            ).stops
        }
        for world in worlds
    ]
    assert seen == [own_schools(first), own_schools(second)]
