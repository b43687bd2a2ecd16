from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from db.models import City, School
from domain.access import SYSTEM, Actor
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Role, ValueSource
from services.coverage import read_coverage
from services.draws import QuickOrder, draw_quick
from services.house import House
from services.map_schools import load_school_table
from services.rules import ensure_default_rules
from tests.city import add_small_city
from tests.pages.test_map_page import texts
from tests.unit.services.test_coverage import COUNTY, visit

YEAR = "pages/inspection/year.py"
OpenPage = Callable[..., AppTest]
LEADER = Actor(account_id=1, login="leader-", name="", role=Role.LEADER)


def said(page: AppTest) -> str:
    kinds = ("caption", "success", "subheader")
    return texts(page) + " ".join(e.value for k in kinds for e in page.get(k))


def charts(page: AppTest) -> list[Any]:
    return list(page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart"))


def links(page: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.url for link in page.get("link_button")}


@pytest.mark.parametrize("role", [Role.LEADER, Role.INSPECTOR, Role.AUDITOR])
def test_the_year_is_told_in_numbers_charts_and_tables(
    open_page: OpenPage, demo_house: House, role: Role
) -> None:
    page = open_page(demo_house, YEAR, role=role).run()
    assert not page.exception
    found = read_coverage(LEADER, demo_house)
    text = said(page)
    for level in (found.city.forecast, found.county.forecast):
        assert f"{level.visited:,} / {level.schools:,} 所" in text
        assert f"目标 {level.target_share:.0%}，即 {level.target:,} 所" in text
    assert "统计截至 2026-10-15" in text
    assert "不按教学日折算" in text
    assert f"未督查的学校（{len(found.never):,} 所）" in text
    assert len(charts(page)) == 7
    table = page.dataframe[0].value
    assert table["code"].tolist() == found.never["code"].tolist()
    exports = [url for label, url in links(page).items() if label.startswith("导出")]
    assert bool(exports) == (role is not Role.AUDITOR)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE])
def test_other_roles_meet_no_entry(open_page: OpenPage, demo_house: House, role: Role) -> None:
    page = open_page(demo_house, YEAR, role=role).run()
    assert "无权访问" in texts(page)
    assert not page.dataframe
    assert not charts(page)


def test_a_district_officer_sees_the_own_district_and_no_other(
    open_page: OpenPage, demo_house: House
) -> None:
    table = load_school_table(SYSTEM, demo_house)
    code, mine, other = table.district_codes[0], table.district_names[0], table.district_names[1]
    page = open_page(demo_house, YEAR, role=Role.DISTRICT, district_code=code).run()
    assert not page.exception
    assert "本区县在办学校" in said(page)
    assert "全市的目标，本区县作参照" in texts(page)
    everything = said(page) + "".join(frame.value.to_csv() for frame in page.dataframe)
    everything += "".join(chart.proto.spec for chart in charts(page))
    assert other not in everything
    assert set(page.dataframe[0].value["district"]) <= {mine}


def test_an_earlier_year_comes_from_the_address_and_has_no_outlook(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, YEAR)
    page.query_params["year"] = "2025"
    page.run()
    assert not page.exception
    text = said(page)
    assert "统计截至 2025-12-31" in text
    assert "该年已结束" in text
    assert "当前最高抽中机会" not in text
    assert "在一张图上看" not in links(page), "the map shows this year only"
    page.selectbox(key="year").set_value("2026").run()
    assert "统计截至 2026-10-15" in said(page)


def test_a_search_narrows_table_export_and_map_alike(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, YEAR).run()
    name = read_coverage(LEADER, demo_house).never["name"].iloc[0]
    page.text_input(key="never-q").set_value(name).run()
    assert page.dataframe[0].value["name"].tolist() == [name]
    assert "coverage=" in links(page)["在一张图上看"]
    assert "year=2026" in links(page)["导出 1 所"]
    page.text_input(key="never-q").set_value("没有这样的学校").run()
    assert "没有符合条件的学校" in texts(page)


def test_a_school_is_looked_up_and_its_visits_listed(
    open_page: OpenPage, demo_house: House
) -> None:
    found = read_coverage(LEADER, demo_house)
    table = load_school_table(SYSTEM, demo_house)
    never = set(found.never["code"])
    code = next(one for one in table.codes.to_pylist() if one not in never)
    page = open_page(demo_house, YEAR).run()
    page.text_input(key="visited-q").set_value(code).run()
    assert not page.exception
    visits = page.dataframe[-1].value
    assert f"2026 年督查 {len(visits)} 次" in texts(page)
    assert {"on_date", "level", "channel", "unit", "hazards"} <= set(visits.columns)
    page.text_input(key="visited-q").set_value(next(iter(never))).run()
    assert "没有督查记录" in texts(page)
    page.text_input(key="visited-q").set_value("没有这样的学校").run()
    assert "没有这所在办学校" in texts(page)


def test_an_empty_city_says_what_is_missing(open_page: OpenPage, house: House) -> None:
    ensure_default_rules(house)
    page = open_page(house, YEAR).run()
    assert not page.exception
    assert "还没有学校数据" in texts(page)
    assert not charts(page)


def test_a_city_without_inspections_says_so_and_lists_every_school(
    open_page: OpenPage, house: House
) -> None:
    add_small_city(house)
    ensure_default_rules(house)
    page = open_page(house, YEAR).run()
    assert not page.exception
    text = said(page)
    assert "2026 年还没有督查记录" in text
    assert "未督查的学校（4 所）" in text
    assert page.dataframe[0].value["last"].tolist() == ["无记录"] * 4
    assert "谈不上可不可预测" in text


def test_the_highest_chance_of_the_latest_draw_is_shown_as_fraction_and_percent(
    open_page: OpenPage, house: House
) -> None:
    add_small_city(house)
    ensure_default_rules(house)
    inspector = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
    title = "<b>秋季</b>"
    order = QuickOrder(title, SchoolFilter(), 1, Weighting(), ValueSource.TYPED, "6")
    number = draw_quick(inspector, house, order=order, request_key="k" * 20)
    page = open_page(house, YEAR).run()
    text = texts(page)
    assert "25.00%" in text
    assert "即 1/4" in text
    assert number in text
    assert title not in text, "a title is text, never HTML"


def test_names_from_files_are_text_in_the_schools_own_line(
    open_page: OpenPage, house: House
) -> None:
    ensure_default_rules(house)
    with Session(house.engine) as session:
        session.add(City(name="市", as_of=dt.date(2026, 9, 1)))
        session.add(School(code="X1", name="*粗* [链](x)", lon=118.0, lat=33.0))
        session.commit()
    code = add_visit_to(house, "X1")
    page = open_page(house, YEAR).run()
    page.text_input(key="visited-q").set_value(code).run()
    assert r"\*粗\* \[链\]\(x\)" in texts(page)


def add_visit_to(house: House, code: str) -> str:
    """Record one visit of this year and return the school's code."""
    with Session(house.engine) as session:
        school = session.query(School).filter_by(code=code).one().id
    visit(house, school, COUNTY, "2026-04-01")
    return code
