"""我的路线, 督查反馈单 and the day of a quick draw, page by page."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

import components.session
import services.start
from db.models import AuditEvent, RouteStop, SignIn
from domain.quick_day import DayOrder
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import HazardCategory, Severity, StopOutcome, ValueSource
from services.draws import QuickOrder, draw_quick, use_draw
from services.house import House
from services.rounds.field import Finding, OwnRoute, look_at_own_route, record_visit
from services.rounds.reveal import reveal_round
from services.sign_in import token_hash
from settings import ROOT
from tests.browser.serving import make_house
from tests.clock import Clock
from tests.pages.test_map_page import texts
from tests.rounds import MUST, TODAY, RoundCity, add_round_city, depart

ROUTE, FEEDBACK = "pages/inspection/route.py", "pages/inspection/feedback.py"
QUICK = "pages/inspection/quick.py"


class Town:
    """A house with a round under way, and pages opened in it as anybody."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house, self.patch = house, monkeypatch
        self.city: RoundCity = add_round_city(house)
        self.number = depart(house, self.city).number
        now = house.now()
        with Session(house.engine) as session:
            session.add_all(
                SignIn(
                    account_id=actor.account_id, token_hash=token_hash(f"token-{login}"),
                    created_at=now, last_seen_at=now, expires_at=now.replace(year=now.year + 1),
                )
                for login, actor in self.city.actors.items()
            )  # fmt: skip
            session.commit()
        self.patch.setattr(services.start, "current_house", lambda: house)
        self.patch.setattr(components.session, "current_house", lambda: house)

    def open(self, page: str, login: str, **query: str) -> AppTest:
        self.patch.setattr(components.session, "sign_in_token", lambda: f"token-{login}")
        opened = AppTest.from_file(str(ROOT / page), default_timeout=60)
        for key, value in query.items():
            opened.query_params[key] = value
        opened.run()
        assert not opened.exception, [fault.value for fault in opened.exception]
        return opened

    def own(self, login: str) -> OwnRoute:
        return look_at_own_route(self.city.actor(login), self.house, number=self.number)

    def stop(self, code: str) -> RouteStop:
        with self.house.read() as session:
            return session.scalars(select(RouteStop).where(RouteStop.school_code == code)).one()

    def looks(self) -> int:
        with self.house.read() as session:
            return (
                session.scalar(select(func.count()).where(AuditEvent.kind == "round.route_seen"))
                or 0
            )


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    plain = make_house(tmp_path / "var")
    house = House(engine=plain.engine, settings=plain.settings, now=Clock())
    yield Town(house, monkeypatch)
    house.engine.dispose()


def said(page: AppTest) -> str:
    kinds = ("caption", "success", "warning", "error", "subheader")
    return texts(page) + " ".join(
        str(getattr(e, "value", "") or e.proto.body) for k in kinds for e in page.get(k)
    )


def pictures(page: AppTest) -> list[str]:
    found = re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", said(page))
    return [base64.b64decode(one).decode() for one in found]


def press(page: AppTest, start: str, at: int = 0) -> AppTest:
    buttons = [b for b in page.button if (b.key or "").startswith(start)]
    page = buttons[at].click().run()
    assert not page.exception
    return page


def field(page: AppTest, kind: str, start: str, at: int = 0):
    return [one for one in page.get(kind) if (one.key or "").startswith(start)][at]


def test_a_member_sees_the_own_schools_with_telephones_and_a_map_and_no_others(town: Town) -> None:
    page = town.open(ROUTE, "wang")
    shown = said(page)
    assert "封存中，不得外传" in shown
    for stop in town.own("wang").stops:
        assert stop.name in shown
        assert f'href="tel:{stop.phone.replace("-", "")}"' in shown
    for stop in town.own("zhao").stops:
        assert stop.name not in shown
        assert stop.code not in shown
    (picture,) = pictures(page)
    numbers = {str(at) for at, _ in enumerate(town.own("wang").stops, start=1)}
    assert numbers <= set(re.findall(r">(\d+)</text>", picture))


@pytest.mark.parametrize("login", ["li", "qu", "jing"])
def test_who_is_on_no_team_meets_an_empty_page(town: Town, login: str) -> None:
    page = town.open(ROUTE, login)
    assert "您现在没有督查路线" in said(page)
    page = town.open(ROUTE, login, round=town.number)
    assert "您现在没有督查路线" in said(page)


@pytest.mark.parametrize("login", ["ju", "shen", "guan", "xiang", "xiao"])
def test_roles_that_go_on_no_round_meet_no_entry(town: Town, login: str) -> None:
    assert "无权访问" in said(town.open(ROUTE, login))


def test_one_opening_of_the_page_is_one_look_on_the_record(town: Town) -> None:
    before = town.looks()
    page = town.open(ROUTE, "wang")
    assert town.looks() == before + 1
    page.run()
    assert town.looks() == before + 2


def test_a_visit_with_two_findings_is_saved_shown_and_stays_after_a_refresh(town: Town) -> None:
    stop = town.own("wang").stops[0]
    page = town.open(ROUTE, "wang")
    field(page, "text_area", "route-text-0").set_value("访客未登记")
    page = press(page, "route-add-")
    assert field(page, "text_area", "route-text-0").value == "访客未登记", "typed text stays"
    assert town.stop(stop.code).outcome is None
    field(page, "text_area", "route-text-1").set_value("<b>消火栓</b>无水")
    field(page, "selectbox", "route-category-1").set_value(HazardCategory.FIRE.value)
    field(page, "number_input", "route-days-1").set_value(0)
    page = press(page, "route-save-")
    kept = town.stop(stop.code)
    assert kept.outcome is StopOutcome.VISITED
    assert [found["description"] for found in kept.findings] == ["访客未登记", "<b>消火栓</b>无水"]
    assert kept.findings[1]["due_days"] == 0
    for shown in (said(page), said(town.open(ROUTE, "wang"))):
        assert "访客未登记" in shown
        assert "&lt;b&gt;消火栓&lt;/b&gt;无水" in shown
        assert "立行立改" in shown
        assert "已督查" in shown
    again = town.open(ROUTE, "wang")
    field(again, "text_area", "route-text-1").set_value("")
    press(again, "route-save-")
    assert len(town.stop(stop.code).findings) == 1, "a description made empty takes the finding out"


def test_times_the_wrong_way_round_are_refused_in_words_and_nothing_is_lost(town: Town) -> None:
    stop = town.own("wang").stops[0]
    page = town.open(ROUTE, "wang")
    field(page, "time_input", "route-in-").set_value(dt.time(15))
    field(page, "time_input", "route-out-").set_value(dt.time(14))
    field(page, "text_area", "route-text-0").set_value("门卫缺岗")
    page = press(page, "route-save-")
    assert "离校时间早于到校时间" in said(page)
    assert field(page, "text_area", "route-text-0").value == "门卫缺岗"
    assert town.stop(stop.code).outcome is None


def test_a_lost_school_brings_its_replacement_once(town: Town) -> None:
    own = town.own("wang")
    at = next(i for i, stop in enumerate(own.stops) if stop.code != MUST)
    page = town.open(ROUTE, "wang")
    page = press(page, "route-lose-", at)
    assert "未能督查的原因为空" in said(page)
    field(page, "text_input", "route-why-", at).set_value("停电停课")
    page = press(page, "route-lose-", at)
    after = town.own("wang")
    assert len(after.stops) == len(own.stops) + 1
    assert after.stops[-1].name in said(page)
    assert "替补学校" in said(page)
    assert "橙色虚线" in said(page)
    page = town.open(ROUTE, "wang")
    assert "停电停课" in said(page)
    assert "替补" in said(page)


def test_an_absent_member_is_recorded_and_one_alone_may_not_enter(town: Town) -> None:
    own = town.own("wang")
    colleague = next(member for member in own.members if member.name != "王带队")
    page = town.open(ROUTE, "wang")
    page = press(page, "FormSubmitter:route-absent")
    assert "没有选未到的人" in said(page)
    field(page, "selectbox", "route-absent-who").set_value(colleague.code)
    field(page, "text_input", "route-absent-why").set_value("生病")
    page = press(page, "FormSubmitter:route-absent")
    assert "未到：生病" in said(page)
    page = press(page, "route-save-")
    assert "不足两人" in said(page)


def test_after_the_reveal_the_route_is_read_only(town: Town) -> None:
    reveal_round(town.city.actor("li"), town.house, number=town.number, unrecorded_reason="演练")
    page = town.open(ROUTE, "wang")
    assert "已启封，只供查看" in said(page)
    assert "封存中" not in said(page)
    assert not page.button
    assert town.own("wang").stops[0].name in said(page)


def test_a_school_reads_its_own_feedback_and_an_unvisited_one_an_empty_page(town: Town) -> None:
    assert "还没有督查反馈单" in said(town.open(FEEDBACK, "xiao"))
    stops = town.own("wang").stops
    for stop, text in zip(stops[:2], ("访客未登记", "别校的事"), strict=True):
        record_visit(
            town.city.actor("wang"), town.house, number=town.number, code=stop.code,
            arrived=dt.time(9), left=dt.time(10),
            findings=[Finding(HazardCategory.GATE, Severity.GENERAL, text, 15)],
        )  # fmt: skip
    with Session(town.house.engine) as session:
        session.execute(
            update(RouteStop)
            .where(RouteStop.school_code == stops[0].code)
            .values(school_id=town.city.schools["E05"])
        )
        session.commit()
    shown = said(town.open(FEEDBACK, "xiao"))
    assert "访客未登记" in shown
    assert "2026-09-16" in shown
    assert "尚未启封" in shown
    assert "别校的事" not in shown
    assert stops[1].name not in shown
    assert "无权访问" in said(town.open(FEEDBACK, "wang"))


@pytest.fixture
def quick(town: Town) -> str:
    li = town.city.actor("li")
    order = QuickOrder("周五抽查", SchoolFilter(), 4, Weighting(), ValueSource.TYPED, "3 5 1 6")
    number = draw_quick(li, town.house, order=order, request_key="q" * 20)
    use_draw(li, town.house, number=number)
    return number


def test_a_used_quick_draw_shows_its_schools_then_routes_and_teams_on_demand(
    town: Town, quick: str
) -> None:
    page = town.open(QUICK, "li", draw=quick)
    assert len(pictures(page)) == 1
    assert "不在复算包内" in said(page)
    page.number_input(key="day-teams").set_value(2)
    page = press(page, "day-press")
    assert "简易抽取不封存" in said(page)
    assert len(pictures(page)) == 3, "all schools, and each team's route"
    assert "第 R1 队" in said(page)
    assert "第 R2 队" in said(page)
    link = page.query_params["day"]
    order = DayOrder.from_query(link if isinstance(link, str) else link[0])
    assert (order.teams, order.on) == (2, TODAY)
    again = town.open(QUICK, "ju", draw=quick, day=order.to_query())
    assert pictures(again) == pictures(page), "the link shows a leader the same day"


def test_a_wrong_place_or_a_mangled_link_is_told_and_the_list_stays(town: Town, quick: str) -> None:
    page = town.open(QUICK, "li", draw=quick)
    page.text_input(key="day-lonlat").set_value("东门口")
    page = press(page, "day-press")
    assert "经纬度写法不对" in said(page)
    broken = town.open(QUICK, "li", draw=quick, day="teams=9999999")
    assert "链接不完整或不对" in said(broken)
    assert len(pictures(broken)) == 1


def test_of_several_rounds_the_sealed_one_comes_first_and_another_can_be_chosen(
    town: Town,
) -> None:
    reveal_round(town.city.actor("li"), town.house, number=town.number, unrecorded_reason="演练")
    second = depart(town.house, town.city, n=2, value="6 6").number
    page = town.open(ROUTE, "wang")
    assert page.selectbox(key="route-round").options[0].startswith(second)
    assert "封存中，不得外传" in said(page)
    page.selectbox(key="route-round").set_value(town.number).run()
    assert not page.exception
    assert "已启封，只供查看" in said(page)
    linked = town.open(ROUTE, "wang", round=town.number)
    assert "已启封，只供查看" in said(linked)
