from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest

from components import draw_form
from domain.access import SYSTEM, Actor
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Role, ValueSource
from services.demo.build import build_demo_city
from services.draw_list import LACKS, list_drawn, list_draws
from services.draws import QuickOrder, commit_quick_draw, draw_quick
from services.house import House
from services.map_schools import load_school_table
from services.visits import list_unvisited
from tests.browser.serving import make_house
from tests.pages.test_map_page import texts

QUICK, REPLAY = "pages/inspection/quick.py", "pages/inspection/replay.py"
OpenPage = Callable[..., AppTest]
INSPECTOR = Actor(account_id=1, login="inspector-", name="", role=Role.INSPECTOR)


@pytest.fixture(scope="module")
def drawing_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a small demo city in which these tests draw."""
    house = make_house(tmp_path_factory.mktemp("draws") / "var")
    build_demo_city(
        SYSTEM, house, schools=60, seed=11, as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )  # fmt: skip
    yield house
    house.engine.dispose()


def order(title: str, source: ValueSource = ValueSource.TYPED) -> QuickOrder:
    return QuickOrder(title, SchoolFilter(), 3, Weighting(), source, "6 6 1")


def numbers(house: House) -> list[str]:
    return list_draws(INSPECTOR, house)["number"].tolist()


def said(page: AppTest) -> str:
    kinds = ("caption", "success", "warning", "subheader")
    return texts(page) + " ".join(e.value for k in kinds for e in page.get(k))


def test_an_inspector_types_a_value_presses_once_and_sees_the_list(
    open_page: OpenPage, drawing_house: House
) -> None:
    page = open_page(drawing_house, QUICK, role=Role.INSPECTOR).run()
    assert not page.exception
    assert LACKS in said(page)
    before = numbers(drawing_house)
    page.number_input(key="draw-n").set_value(4).run()
    page.text_input(key="draw-value").set_value("骰子 1 2 3").run()
    page.button(key="draw-press").click().run()
    assert not page.exception
    (number,) = set(numbers(drawing_house)) - set(before)
    assert page.query_params["draw"] in (number, [number])
    drawn = list_drawn(INSPECTOR, drawing_house, number=number)
    shown = next(t.value for t in page.dataframe if "phone" in t.value.columns)
    assert shown["code"].tolist() == drawn["code"].tolist()
    assert len(shown) == 4
    page.run()
    assert len(numbers(drawing_house)) == len(before) + 1, "a rerun draws nothing"
    page.button(key="draw-use").click().run()
    assert "已采用" in said(page)
    assert not [b for b in page.button if b.key == "draw-use"]
    page.multiselect(key="draw-visited").set_value([drawn["code"][0]]).run()
    page.button(key="draw-visits").click().run()
    assert not page.exception
    assert drawn["code"][0] not in list_unvisited(INSPECTOR, drawing_house, number=number)
    assert any("还有 3 所未登记" in one.label for one in page.expander)


def test_a_press_without_a_value_or_with_too_many_places_is_refused_in_words(
    open_page: OpenPage, drawing_house: House
) -> None:
    page = open_page(drawing_house, QUICK, role=Role.INSPECTOR).run()
    before = numbers(drawing_house)
    page.button(key="draw-press").click().run()
    assert "公开随机值为空" in texts(page)
    page.number_input(key="draw-n").set_value(9999).run()
    assert "要抽 9999 所" in texts(page)
    assert not [b for b in page.button if b.key == "draw-press"]
    assert numbers(drawing_house) == before


def test_a_number_changed_in_the_same_breath_as_the_press_is_previewed_first(
    open_page: OpenPage, drawing_house: House
) -> None:
    page = open_page(drawing_house, QUICK, role=Role.INSPECTOR).run()
    before = numbers(drawing_house)
    page.text_input(key="draw-value").set_value("6")
    page.number_input(key="draw-n").set_value(7)
    page.button(key="draw-press").click().run()
    assert "刚刚改过" in texts(page)
    assert numbers(drawing_house) == before
    assert "draw-n" in draw_form._TYPED_KEYS


def test_a_district_officer_draws_among_the_own_schools(
    open_page: OpenPage, drawing_house: House
) -> None:
    table = load_school_table(SYSTEM, drawing_house)
    sizes = {
        code: int((table.district == at).sum()) for at, code in enumerate(table.district_codes)
    }
    code = max(sizes, key=lambda name: sizes[name])
    page = open_page(drawing_house, QUICK, role=Role.DISTRICT, district_code=code).run()
    assert not page.exception
    assert f"**{sizes[code]}** 所中抽" in texts(page)


def test_a_leader_sees_the_attempts_but_no_button_to_draw(
    open_page: OpenPage, drawing_house: House
) -> None:
    number = draw_quick(INSPECTOR, drawing_house, order=order("领导看"), request_key="k" * 20)
    page = open_page(drawing_house, QUICK, role=Role.LEADER)
    page.query_params["draw"] = number
    page.run()
    assert not page.exception
    assert number in texts(page)
    assert not page.button
    assert number in page.dataframe[-1].value["number"].tolist()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE])
def test_other_roles_meet_no_entry_at_the_draws(
    open_page: OpenPage, drawing_house: House, role: Role
) -> None:
    page = open_page(drawing_house, QUICK, role=role).run()
    assert "无权访问" in texts(page)
    assert not page.dataframe


def test_an_unfinished_attempt_shows_its_ways_on(open_page: OpenPage, drawing_house: House) -> None:
    typed, _ = commit_quick_draw(
        INSPECTOR, drawing_house, order=order("中断一"), request_key="typed-then-killed"
    )
    system, _ = commit_quick_draw(
        INSPECTOR,
        drawing_house,
        order=order("中断二", ValueSource.SYSTEM),
        request_key="system-then-killed",
    )
    page = open_page(drawing_house, QUICK, role=Role.INSPECTOR)
    page.query_params["draw"] = typed
    page.run()
    assert "没有结果" in said(page)
    page.button(key="draw-complete").click().run()
    assert "已抽取" in texts(page)
    page = open_page(drawing_house, QUICK, role=Role.INSPECTOR)
    page.query_params["draw"] = system
    page.run()
    assert not [b for b in page.button if b.key == "draw-complete"]
    page.button(key="draw-void").click().run()
    assert "作废原因为空" in texts(page)
    page.text_input(key="draw-void-reason").set_value("断网").run()
    page.button(key="draw-void").click().run()
    assert "作废原因：断网" in texts(page)


def test_a_number_of_nobody_is_a_warning(open_page: OpenPage, drawing_house: House) -> None:
    page = open_page(drawing_house, QUICK, role=Role.LEADER)
    page.query_params["draw"] = "CQ1999-0001"
    page.run()
    assert not page.exception
    assert "没有找到这次抽取" in said(page)


def test_the_replay_page_recomputes_a_draw_and_shows_any_schools_duels(
    open_page: OpenPage, drawing_house: House
) -> None:
    number = draw_quick(
        INSPECTOR, drawing_house, order=order("复算"), request_key="replay-this-very-one"
    )
    page = open_page(drawing_house, REPLAY, role=Role.AUDITOR)
    page.query_params["draw"] = number
    page.run()
    assert not page.exception
    assert "全部一致" in said(page)
    listed = list_drawn(INSPECTOR, drawing_house, number=number)["code"].tolist()
    assert page.dataframe[0].value["code"].tolist() == listed
    assert len(page.dataframe[1].value) >= 1
    (frame,) = page.get("iframe")
    assert frame.proto.src == f"/files/draws/{number}/duels.html#school="
    page.button(key="replay-to-map").click().run()
    (frame,) = page.get("iframe")
    assert frame.proto.src == f"/files/draws/{number}/duels.html#school={listed[0]}"
    page.text_input(key="replay-school").set_value("没有这所").run()
    assert "没有对决" in texts(page)


def test_the_replay_page_offers_the_upload_alone_to_whoever_sees_no_draws(
    open_page: OpenPage, drawing_house: House
) -> None:
    page = open_page(drawing_house, REPLAY, role=Role.POLICE).run()
    assert not page.exception
    assert not page.selectbox
    assert "上传一个复算包" in texts(page)


def test_a_school_meets_no_entry_at_the_replay(open_page: OpenPage, drawing_house: House) -> None:
    code = load_school_table(SYSTEM, drawing_house).codes[0].as_py()
    page = open_page(drawing_house, REPLAY, role=Role.SCHOOL, school_code=code).run()
    assert "无权访问" in texts(page)
