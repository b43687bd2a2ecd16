"""The papers of a sealed round: who gets which, from when on, and what stands on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware

import routes.files
import routes.guard
from db.models import AuditEvent, SealedRound
from domain.draw.roster import RosterRule
from domain.draw.seal import read_salt
from domain.errors import Forbidden, NotFound, UserError
from domain.words import Role
from routes.errors import ERROR_ANSWERS
from routes.files import FILE_ROUTES
from routes.guard import Gate, content_policy
from services.draw_list import stored_pack
from services.draw_replay import replay_pack
from services.house import House
from services.rounds.depart import enter_salt, enter_value
from services.rounds.outcome import list_published
from services.rounds.papers import (
    SEALED_HOLDS,
    SEALED_LACKS,
    export_commit_sheet,
    export_draw_certificate,
    print_slip,
)
from services.rounds.prepare import commit_round, make_salt
from services.rounds.publication import read_publication
from services.rounds.read import read_round
from services.rounds.reveal import publish_draw, reveal_round
from services.rounds.trail import read_trail
from tests.asgi import ask
from tests.pages.test_seal import sign_everybody_in
from tests.rounds import PLAN, RoundCity, add_round_city, commit, depart, prepare_round
from tests.unit.services.reports.papers.pdf_text import page_count, text_of


@pytest.fixture
def city(any_house: House) -> RoundCity:
    return add_round_city(any_house)


def read(pdf: bytes) -> str:
    return re.sub(r"[\s\u200b]+", "", text_of(pdf))


def audited(house: House, kind: str) -> int:
    with Session(house.engine) as session:
        return session.scalar(select(func.count()).where(AuditEvent.kind == kind)) or 0


def test_the_commit_sheet_says_what_was_promised(any_house: House, city: RoundCity) -> None:
    departure, _ = prepare_round(any_house, city)
    li = city.actor("li")
    with pytest.raises(UserError, match="还没有承诺"):
        export_commit_sheet(li, any_house, departure_id=departure)
    made = commit_round(li, any_house, departure_id=departure)
    facts = read_round(li, any_house, departure_id=departure)
    pdf = export_commit_sheet(li, any_house, departure_id=departure)
    assert page_count(pdf) == 1
    for said in (
        made, facts.frame_hash, facts.parameters_hash, facts.head, "当众掷骰子", "李组织（li）",
        "名录库23所，抽4所", *(k.name for k in facts.keepers), *(k.commitment for k in facts.keepers),
    ):  # fmt: skip
        assert said in read(pdf), said
    assert export_commit_sheet(li, any_house, departure_id=departure) == pdf
    assert audited(any_house, "draw.commit_sheet_exported") == 2
    with pytest.raises(NotFound):
        export_commit_sheet(city.actor("qu"), any_house, departure_id=departure)
    with pytest.raises(Forbidden):
        export_commit_sheet(city.actor("guan"), any_house, departure_id=departure)


def test_a_slip_carries_the_custodians_own_present_salt_alone(
    any_house: House, city: RoundCity
) -> None:
    departure, salts = prepare_round(any_house, city)
    ju, shen = city.actor("ju"), city.actor("shen")
    slip = print_slip(ju, any_house, departure_id=departure, salt=salts["ju"])
    assert read_salt(" ".join(slip.groups)) == salts["ju"]
    assert {len(group) for group in slip.groups} == {4}
    assert slip.code.startswith("<svg")
    text = read(slip.pdf)
    assert salts["ju"] in text
    assert PLAN in text
    assert salts["ju"] not in repr(slip)
    with pytest.raises(UserError, match="取代"):
        print_slip(ju, any_house, departure_id=departure, salt=salts["shen"])
    make_salt(ju, any_house, departure_id=departure)
    with pytest.raises(UserError, match="取代"):
        print_slip(ju, any_house, departure_id=departure, salt=salts["ju"])
    with pytest.raises(NotFound):
        print_slip(city.actor("jing"), any_house, departure_id=departure, salt=salts["shen"])
    assert print_slip(shen, any_house, departure_id=departure, salt=salts["shen"]).pdf


def test_before_the_reveal_there_is_no_certificate_for_anybody(
    any_house: House, city: RoundCity
) -> None:
    made = commit(any_house, city)
    for step in ("committed", "valued", "departed"):
        if step == "valued":
            enter_value(city.actor("li"), any_house, number=made.number, value="3 5")
        if step == "departed":
            for login, salt in made.salts.items():
                enter_salt(city.actor(login), any_house, number=made.number, salt=salt)
        for login, actor in city.actors.items():
            with pytest.raises((NotFound, Forbidden)):
                export_draw_certificate(actor, any_house, number=made.number)
            with pytest.raises((UserError, NotFound, Forbidden)):
                stored_pack(actor, any_house, number=made.number)
            assert login
    assert audited(any_house, "draw.certificate_exported") == 0


def test_the_certificate_comes_with_the_reveal_and_is_everybodys_once_published(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    li, ju, xiao = city.actor("li"), city.actor("ju"), city.actor("xiao")
    reveal_round(li, any_house, number=made.number, unrecorded_reason="演练")
    text = read(export_draw_certificate(li, any_house, number=made.number))
    facts = read_round(li, any_house, departure_id=made.departure_id)
    for said in (
        made.number, facts.seed, facts.head, "3516", "已启封，未公示", "李组织（li）",
        "局长", "审计", "2队4人", *SEALED_HOLDS, *SEALED_LACKS,
    ):  # fmt: skip
        assert said in text, said
    assert "王带队" not in text, "teams are counted, not named"
    assert export_draw_certificate(city.actor("shen"), any_house, number=made.number)
    for login in ("xiao", "xiang", "guan", "jing"):
        with pytest.raises(Forbidden):
            export_draw_certificate(city.actor(login), any_house, number=made.number)
    with pytest.raises(NotFound):
        export_draw_certificate(city.actor("qu"), any_house, number=made.number)
    publish_draw(ju, any_house, number=made.number)
    for actor in city.actors.values():
        text = read(export_draw_certificate(actor, any_house, number=made.number))
        assert "局长（ju）" in text
        assert facts.head in text, "the head is the reveal's, as in the pack"
    assert read_publication(xiao, any_house, number=made.number).head == facts.head


def test_a_published_rounds_pack_is_for_those_who_may_replay(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="演练")
    with pytest.raises(Forbidden):
        stored_pack(city.actor("guan"), any_house, number=made.number)
    publish_draw(city.actor("ju"), any_house, number=made.number)
    for login in ("guan", "jing", "qu"):
        pack = stored_pack(city.actor(login), any_house, number=made.number)
        assert replay_pack(pack).fault is None
    for login in ("xiao", "xiang"):
        with pytest.raises(Forbidden):
            stored_pack(city.actor(login), any_house, number=made.number)


def test_a_publication_counts_people_and_visits_and_names_nobody(
    any_house: House, city: RoundCity
) -> None:
    made = depart(any_house, city)
    xiao = city.actor("xiao")
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="演练")
    with pytest.raises(NotFound):
        read_publication(xiao, any_house, number=made.number)
    publish_draw(city.actor("ju"), any_house, number=made.number)
    facts = read_publication(xiao, any_house, number=made.number)
    assert (facts.teams, facts.people, facts.stops, facts.visited) == (2, 4, 5, 0)
    assert not re.search("带队|孙|周|吴", str(facts))
    listed = list_published(xiao, any_house)
    assert listed["number"].tolist() == [made.number]
    assert listed["level"].tolist() == ["市级"]


def test_the_trail_tells_the_steps_and_no_events(any_house: House, city: RoundCity) -> None:
    made = depart(any_house, city)
    li = city.actor("li")
    told = [line.what for line in read_trail(li, any_house, number=made.number)]
    assert told == ["承诺", "公开值", "出发封存"]
    reveal_round(li, any_house, number=made.number, unrecorded_reason="演练")
    publish_draw(city.actor("ju"), any_house, number=made.number)
    told = [line.what for line in read_trail(li, any_house, number=made.number)]
    assert told[3:] == ["启封", "公示"]
    assert read_trail(city.actor("qu"), any_house, number=made.number) == ()
    with pytest.raises(Forbidden):
        read_trail(city.actor("xiao"), any_house, number=made.number)


def test_the_papers_leave_by_their_own_addresses(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = add_round_city(house)
    sign_everybody_in(house, city)
    for module in (routes.guard, routes.files):
        monkeypatch.setattr(module, "current_house", lambda: house)
    app: Any = Starlette(
        routes=FILE_ROUTES,
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )
    cookie: Callable[[str], dict[str, str]] = lambda login: {  # noqa: E731
        "cookie": f"{routes.guard.COOKIE_NAME}=token-{login}"
    }
    made = depart(house, city)
    sheet = f"/files/rounds/{made.departure_id}/commit.pdf"
    certificate = f"/files/draws/{made.number}/certificate.pdf"
    assert ask(app, "GET", sheet).status == 401
    got = ask(app, "GET", sheet, headers=cookie("li"))
    assert (got.status, got.body[:5]) == (200, b"%PDF-")
    assert ask(app, "GET", sheet, headers=cookie("xiao")).status == 403
    assert ask(app, "GET", certificate, headers=cookie("li")).status == 404
    reveal_round(city.actor("li"), house, number=made.number, unrecorded_reason="演练")
    publish_draw(city.actor("ju"), house, number=made.number)
    for login, actor in city.actors.items():
        got = ask(app, "GET", certificate, headers=cookie(login))
        assert (got.status, got.body[:5]) == (200, b"%PDF-"), actor.role
    assert city.actor("xiao").role is Role.SCHOOL


def test_rules_that_were_set_aside_stand_on_the_certificate(any_house: House) -> None:
    city = add_round_city(any_house)
    made = depart(any_house, city)
    li = city.actor("li")
    reveal_round(li, any_house, number=made.number, unrecorded_reason="演练")
    assert "放宽" not in read(export_draw_certificate(li, any_house, number=made.number))
    with Session(any_house.engine) as session:
        sealed = session.scalars(select(SealedRound)).one()
        sealed.roster = sealed.roster | {"relaxed": [RosterRule.DUTY_CAP.value]}
        session.commit()
    text = read(export_draw_certificate(li, any_house, number=made.number))
    assert "组队时按批准的计划放宽：出勤次数上限" in text
