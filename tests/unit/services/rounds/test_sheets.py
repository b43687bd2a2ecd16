"""Papers of a round under way: own team and visited school only, and nothing told by the audit."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import AuditEvent, RouteStop, School
from domain.errors import Forbidden, NotFound, UserError
from domain.words import HazardCategory, Severity
from services.house import House
from services.rounds.field import Finding, look_at_own_route, record_lost, record_visit
from services.rounds.reveal import reveal_round
from services.rounds.sheets import export_own_feedback, export_route_sheet, export_stop_feedback
from tests.rounds import MUST, Committed, RoundCity, add_round_city, depart
from tests.unit.services.reports.papers.pdf_text import text_of

FOUND = (
    Finding(HazardCategory.GATE, Severity.GENERAL, "访客未登记", 15),
    Finding(HazardCategory.FIRE, Severity.LARGER, "通道上锁", 0),
)
SEALED = "封存"


@pytest.fixture
def city(any_house: House) -> RoundCity:
    return add_round_city(any_house)


@pytest.fixture
def made(any_house: House, city: RoundCity) -> Committed:
    return depart(any_house, city)


def names_of(house: House, codes: set[str]) -> set[str]:
    with house.read() as session:
        return set(session.scalars(select(School.name).where(School.code.in_(codes))))


def own_codes(house: House, city: RoundCity, login: str, number: str) -> set[str]:
    return {s.code for s in look_at_own_route(city.actor(login), house, number=number).stops}


def visit(house: House, city: RoundCity, made: Committed, code: str) -> None:
    record_visit(
        city.actor("wang"), house, number=made.number, code=code,
        arrived=dt.time(9, 5), left=dt.time(10, 10), findings=FOUND,
    )  # fmt: skip


def test_a_route_sheet_holds_the_own_schools_and_no_others(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    mine = own_codes(any_house, city, "wang", made.number)
    theirs = own_codes(any_house, city, "zhao", made.number)
    text = text_of(export_route_sheet(city.actor("wang"), any_house, number=made.number))
    assert all(name in text for name in names_of(any_house, mine))
    assert not any(name in text for name in names_of(any_house, theirs))
    assert "王带队" in text
    assert "赵带队" not in text
    assert SEALED in text
    assert "一键报警接通公安" in text, "the checklist goes along"


def test_a_lost_school_and_its_replacement_stand_on_the_next_sheet(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    lost = sorted(own_codes(any_house, city, "wang", made.number) - {MUST})[0]
    name = record_lost(
        city.actor("wang"), any_house, number=made.number, code=lost, reason="停电停课"
    )
    text = text_of(export_route_sheet(city.actor("wang"), any_house, number=made.number))
    assert name in text
    assert "替补学校" in text
    assert "未能督查：停电停课" in text


def test_everybody_else_is_refused_alike(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    for number in (made.number, "CQ1999-0001"):
        for export in (
            lambda who, n=number: export_route_sheet(who, any_house, number=n),
            lambda who, n=number: export_stop_feedback(who, any_house, number=n, position=1),
        ):
            for login in ("li", "qu", "jing"):
                with pytest.raises(NotFound, match="您的督查路线"):
                    export(city.actor(login))
            for login in ("ju", "shen", "guan", "xiang", "xiao"):
                with pytest.raises(Forbidden):
                    export(city.actor(login))
        with pytest.raises(NotFound, match="本校的这份反馈单"):
            export_own_feedback(city.actor("xiao"), any_house, number=number)
        for login in ("li", "wang", "ju", "guan", "xiang"):
            with pytest.raises(Forbidden):
                export_own_feedback(city.actor(login), any_house, number=number)


def test_a_feedback_sheet_comes_after_the_visit_and_names_its_school_alone(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    actor = city.actor("wang")
    route = look_at_own_route(actor, any_house, number=made.number)
    stop, other = route.stops[:2]
    with pytest.raises(UserError, match="还没有记录"):
        export_stop_feedback(actor, any_house, number=made.number, position=stop.position)
    with pytest.raises(NotFound):
        export_stop_feedback(actor, any_house, number=made.number, position=99)
    visit(any_house, city, made, stop.code)
    text = text_of(
        export_stop_feedback(actor, any_house, number=made.number, position=stop.position)
    )
    assert stop.name in text
    assert other.name not in text
    assert "访客未登记" in text
    assert "限期整改" in text
    assert "2026 年 9 月 16 日" in text, "fifteen days after the visit"
    assert "立行立改" in text
    assert SEALED in text


def test_the_visited_school_gets_its_own_sheet_before_and_after_the_reveal(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    code = sorted(own_codes(any_house, city, "wang", made.number) - {MUST})[0]
    visit(any_house, city, made, code)
    with Session(any_house.engine) as session:
        stop = session.scalars(select(RouteStop).where(RouteStop.school_code == code)).one()
        stop.school_id = city.schools["E05"]
        session.commit()
    xiao = city.actor("xiao")
    before = text_of(export_own_feedback(xiao, any_house, number=made.number))
    assert "东区第05学校" in before
    assert "东区5号" in before
    assert "通道上锁" in before
    assert SEALED in before
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="演练")
    after = text_of(export_own_feedback(xiao, any_house, number=made.number))
    assert "通道上锁" in after
    assert SEALED not in after


def test_every_export_is_on_the_audit_log_which_names_neither_school_nor_route(
    any_house: House, city: RoundCity, made: Committed
) -> None:
    actor = city.actor("wang")
    stop = look_at_own_route(actor, any_house, number=made.number).stops[0]
    visit(any_house, city, made, stop.code)
    export_route_sheet(actor, any_house, number=made.number)
    export_stop_feedback(actor, any_house, number=made.number, position=stop.position)
    with any_house.read() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.actor == "wang")).all()
        codes = set(session.scalars(select(RouteStop.school_code)))
        routes = set(session.scalars(select(RouteStop.route)))
    kinds = [event.kind for event in events]
    assert kinds.count("round.route_sheet_exported") == 1
    assert kinds.count("round.feedback_exported") == 1
    assert kinds.count("round.route_seen") >= 2, "an export is a look too"
    told = json.dumps([[event.subject, event.data] for event in events], ensure_ascii=False)
    assert made.number in told
    assert not any(secret in told for secret in (*codes, *routes, *names_of(any_house, codes)))
