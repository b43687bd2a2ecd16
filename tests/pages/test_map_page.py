from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from domain.access import SYSTEM
from domain.school_filter import SchoolFilter
from domain.words import Role
from services.house import House
from services.map_layers import facility_layer
from services.map_schools import SortBy, list_schools, load_school_table
from services.risk import recompute_risk
from tests.city import add_small_city

MAP = "pages/situation/map.py"
OpenPage = Callable[..., AppTest]


def texts(page: AppTest) -> str:
    """Return everything the page says, in one text."""
    kinds = ("html", "markdown", "error", "info")
    return " ".join(e.proto.body if k == "html" else e.value for k in kinds for e in page.get(k))


def first_school(house: House) -> str:
    page = list_schools(SYSTEM, house, wanted=SchoolFilter(), sort=SortBy.RISK, page=1, size=1)
    return page.rows[0].code


def test_a_leader_sees_the_count_the_list_and_no_error(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, MAP).run()
    assert not page.exception
    total = len(load_school_table(SYSTEM, demo_house))
    assert f"**{total}** / {total} 所在办学校" in texts(page)
    rows = [b for b in page.button if b.key and b.key.startswith("row-")]
    assert len(rows) == 10


def test_the_sign_in_prompt_is_all_a_stranger_gets(open_page: OpenPage, demo_house: House) -> None:
    page = open_page(demo_house, MAP, role=None).run()
    assert "您还没有登录" in texts(page)
    assert not page.button
    assert not page.multiselect


def test_a_filter_narrows_the_list_and_can_be_cleared(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, MAP).run()
    page.text_input(key="q").set_value("幼儿园").run()
    kept = [b.label for b in page.button if b.key and b.key.startswith("row-")]
    assert kept
    assert all("幼儿园" in label for label in kept)
    page.button(key="clear-filters").click().run()
    assert page.text_input(key="q").value == ""


def test_no_match_is_its_own_state_with_a_way_on(open_page: OpenPage, demo_house: House) -> None:
    page = open_page(demo_house, MAP).run()
    page.text_input(key="q").set_value("没有这样的学校").run()
    assert "没有符合条件的学校" in texts(page)
    page.button(key="clear-all").click().run()
    assert "没有符合条件的学校" not in texts(page)


def test_an_empty_city_says_what_to_do(open_page: OpenPage, house: House) -> None:
    page = open_page(house, MAP, role=Role.ADMIN).run()
    assert not page.exception
    assert "还没有学校数据" in texts(page)
    assert "manage.py import schools" in texts(page)


def test_pressing_a_row_opens_the_card_and_back_returns_to_the_list(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, MAP).run()
    row = next(b for b in page.button if b.key and b.key.startswith("row-"))
    row.click().run()
    assert not page.exception
    said = texts(page)
    for heading in ("周边", "六类设施", "三防", "未销号隐患", "经过", "评分依据"):
        assert heading in said
    back = next(b for b in page.button if b.label == "返回列表")
    back.click().run()
    assert "评分依据" not in texts(page)


def test_a_link_to_a_school_opens_its_card(open_page: OpenPage, demo_house: House) -> None:
    page = open_page(demo_house, MAP)
    page.query_params["school"] = first_school(demo_house)
    page.run()
    assert "评分依据" in texts(page)
    assert f"代码 {first_school(demo_house)}" in texts(page)


def test_a_link_to_a_school_of_another_district_shows_nothing_of_it(
    open_page: OpenPage, demo_house: House
) -> None:
    table = load_school_table(SYSTEM, demo_house)
    mine = table.district_codes[0]
    foreign = next(
        code
        for code, district in zip(table.codes.to_pylist(), table.district, strict=True)
        if district != 0
    )
    page = open_page(demo_house, MAP, role=Role.DISTRICT, district_code=mine)
    page.query_params["school"] = foreign
    page.run()
    assert not page.exception
    assert foreign not in texts(page)
    assert "school" not in page.query_params


def test_a_school_account_meets_its_own_card_at_once(
    open_page: OpenPage, demo_house: House
) -> None:
    code = first_school(demo_house)
    page = open_page(demo_house, MAP, role=Role.SCHOOL, school_code=code).run()
    assert not page.exception
    assert f"代码 {code}" in texts(page)
    assert not [b for b in page.button if b.label == "返回列表"]


@pytest.mark.parametrize(
    "role", [Role.LEADER, Role.INSPECTOR, Role.POLICE, Role.AUDITOR, Role.ADMIN]
)
def test_every_city_role_opens_the_map_without_error(
    open_page: OpenPage, demo_house: House, role: Role
) -> None:
    page = open_page(demo_house, MAP, role=role).run()
    assert not page.exception
    assert "所在办学校" in texts(page)


def test_the_facilities_by_kind_and_state_add_up_to_the_legend(
    open_page: OpenPage, demo_house: House
) -> None:
    page = open_page(demo_house, MAP)
    page.query_params["show"] = "设施"
    page.run()
    assert not page.exception
    table = page.dataframe[0].value
    counts = facility_layer(SYSTEM, demo_house).counts
    assert table["缺失"].sum() == counts["missing"]
    assert table.drop(columns="设施").to_numpy().sum() == counts["total"]


def test_results_older_than_the_data_say_so_until_recomputed(
    open_page: OpenPage, house: House
) -> None:
    add_small_city(house, is_demo=False)
    with house.write(SYSTEM) as work:
        work.bump("schools")
        work.audit("test.changed")
    page = open_page(house, MAP).run()
    assert [w.value for w in page.warning if "待重算" in w.value]
    recompute_risk(SYSTEM, house)
    page.run()
    assert not page.exception
    assert not [w.value for w in page.warning if "待重算" in w.value]
