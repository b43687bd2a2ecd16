from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest

from db.models import District, School
from domain.words import DrawStatus, Role, TieKind
from services.house import House
from services.inspector_changes import add_inspector, change_inspector
from services.inspector_ties import add_tie, list_ties
from services.inspectors import InspectorFilter, list_inspectors, read_inspector
from tests.city import SmallCity, add_small_city
from tests.pages.test_map_page import texts
from tests.unit.services.people import CITY, LEADER, add_round, draft, officer, workbook

PAGE = "pages/inspection/inspectors.py"
OpenPage = Callable[..., AppTest]


@pytest.fixture
def city(house: House) -> SmallCity:
    """Give the small city as a real one: page tests make accounts, which ends a demo."""
    return add_small_city(house, is_demo=False)


@pytest.fixture
def staffed(house: House, city: SmallCity) -> SmallCity:
    add_inspector(CITY, house, draft=draft("A1", "甲", can_lead=True, phone="13800000000"))
    add_inspector(CITY, house, draft=draft("A2", "乙*粗*"))
    add_inspector(officer(city.east), house, draft=draft("E01", "东一"))
    return city


def said(page: AppTest) -> str:
    kinds = ("caption", "success", "warning", "error", "info", "subheader")
    return texts(page) + " ".join(e.value for k in kinds for e in page.get(k))


def codes(page: AppTest) -> list[str]:
    return page.dataframe[0].value["code"].tolist()


def open_person(open_page: OpenPage, house: House, code: str, role: Role, **scope: str) -> AppTest:
    page = open_page(house, PAGE, role=role, **scope)
    page.query_params["person"] = code
    return page.run()


def test_an_empty_register_leads_on_to_a_file_or_a_first_person(
    open_page: OpenPage, house: House, city: SmallCity
) -> None:
    page = open_page(house, PAGE, role=Role.LEADER).run()
    assert "名册上还没有督查人员" in texts(page)
    assert not page.button
    page = open_page(house, PAGE, role=Role.INSPECTOR).run()
    page.button(key="to-import").click().run()
    assert page.query_params["do"] in ("import", ["import"])
    assert "不超过 5 MB" in page.get("file_uploader")[0].label
    page.button(key="to-list").click().run()
    page.button(key="to-add").click().run()
    page.text_input(key="person-new-code").set_value("N1")
    page.text_input(key="person-new-name").set_value("新人")
    page.button(key="person-new-save").click().run()
    assert not page.exception
    assert "已登记" in said(page)
    assert page.query_params["person"] in ("N1", ["N1"])
    assert read_inspector(LEADER, house, code="N1").name == "新人"


def test_the_list_counts_teams_filters_and_keeps_phones_from_the_leader(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_page(house, PAGE, role=Role.INSPECTOR).run()
    assert not page.exception
    assert "在册 **2** 人，可带队 **1** 人。按每队 2 人，最多可同时派出 **1** 队" in said(page)
    assert "县级还没有可带队的人" in said(page)
    assert codes(page) == ["A1", "A2", "E01"]
    assert "13800000000" in page.dataframe[0].value["phone"].tolist()
    page.selectbox(key="person_lead").set_value("yes").run()
    assert codes(page) == ["A1"]
    page.text_input(key="person_q").set_value("无此人").run()
    assert "没有符合条件的人员" in said(page)
    page = open_page(house, PAGE, role=Role.LEADER).run()
    assert "phone" not in page.dataframe[0].value.columns
    assert not page.button
    assert "13800000000" not in texts(open_person(open_page, house, "A1", Role.LEADER))


def test_a_district_officer_sees_and_changes_the_own_people_only(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_page(house, PAGE, role=Role.DISTRICT, district_code="E").run()
    assert codes(page) == ["E01"]
    page = open_person(open_page, house, "A1", Role.DISTRICT, district_code="E")
    assert "没有找到这名督查人员" in said(page)
    assert "甲" not in texts(page)
    page = open_person(open_page, house, "E01", Role.DISTRICT, district_code="E")
    assert [b for b in page.button if b.key == "inspector-state"]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.POLICE])
def test_other_roles_meet_no_entry(
    open_page: OpenPage, house: House, staffed: SmallCity, role: Role
) -> None:
    page = open_page(house, PAGE, role=role).run()
    assert "无权访问" in texts(page)
    assert not page.dataframe


def test_a_leader_at_the_address_of_a_task_sees_the_list(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    for task in ("add", "import"):
        page = open_page(house, PAGE, role=Role.LEADER)
        page.query_params["do"] = task
        page.run()
        assert codes(page) == ["A1", "A2", "E01"]


def test_a_change_is_saved_and_a_stale_form_is_told(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_person(open_page, house, "A1", Role.INSPECTOR)
    page.text_input(key="person-A1-1-name").set_value("甲一")
    page.checkbox(key="person-A1-1-lead").set_value(False)
    page.button(key="person-A1-1-save").click().run()
    assert "已保存" in said(page)
    facts = read_inspector(CITY, house, code="A1")
    assert (facts.name, facts.can_lead, facts.phone) == ("甲一", False, "13800000000")
    change_inspector(CITY, house, code="A1", row_version=2, draft=draft("A1", "别人改的"))
    page.text_input(key="person-A1-2-name").set_value("我改的")
    page.button(key="person-A1-2-save").click().run()
    assert "刚刚被他人修改" in said(page)
    assert read_inspector(CITY, house, code="A1").name == "别人改的"
    assert page.text_input(key="person-A1-3-name").value == "别人改的"
    page.text_input(key="person-A1-3-phone").set_value("拨总机")
    page.button(key="person-A1-3-save").click().run()
    assert "电话的写法不对" in said(page)


def test_a_person_leaves_the_rosters_and_comes_back(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_person(open_page, house, "A1", Role.INSPECTOR)
    page.button(key="inspector-state").click().run()
    assert "已停用" in said(page)
    page.button(key="to-list").click().run()
    assert "A1" not in codes(page)
    page.selectbox(key="person_state").set_value("inactive").run()
    assert codes(page) == ["A1"]
    assert page.dataframe[0].value["is_active"].tolist() == [False]
    page = open_person(open_page, house, "A1", Role.INSPECTOR)
    page.button(key="inspector-state").click().run()
    assert read_inspector(CITY, house, code="A1").is_active


def test_a_tie_is_registered_by_search_and_removed_with_a_reason(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_person(open_page, house, "A1", Role.INSPECTOR)
    assert "没有登记回避的学校" in said(page)
    page.text_input(key="tie-q").set_value("W1").run()
    page.radio(key="tie-kind").set_value(TieKind.FORMER.value).run()
    page.button(key="tie-add").click().run()
    assert "曾任职学校要写离任日" in said(page)
    page.text_input(key="tie-left").set_value("去年").run()
    page.button(key="tie-add").click().run()
    assert "不是一个日期" in said(page)
    page.text_input(key="tie-left").set_value("2025年6月30日").run()
    page.button(key="tie-add").click().run()
    assert "已登记回避" in said(page)
    assert "2028-06-30 起不再回避" in texts(page)
    assert page.text_input(key="tie-q").value == ""
    (tie,) = list_ties(CITY, house, code="A1")["id"]
    page.button(key=f"tie-remove-{tie}").click().run()
    assert "移除原因" in said(page)
    page.text_input(key=f"tie-reason-{tie}").set_value("登记有误").run()
    page.button(key=f"tie-remove-{tie}").click().run()
    assert "已移除" in said(page)
    assert list_ties(CITY, house, code="A1").empty


def test_the_city_registers_recusal_of_county_people_but_edits_nothing_else(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    page = open_person(open_page, house, "E01", Role.INSPECTOR)
    assert page.text_input(key="tie-q")
    assert not [b for b in page.button if b.key in ("inspector-state", "person-E01-1-save")]
    add_tie(CITY, house, code="E01", school_code="W1", kind=TieKind.DECLARED)
    page = open_person(open_page, house, "E01", Role.DISTRICT, district_code="E")
    assert "外区县学校" in texts(page)
    assert "学校W1" not in texts(page)


def test_the_person_shows_finished_rounds_and_nothing_of_a_sealed_one(
    open_page: OpenPage, house: House, staffed: SmallCity
) -> None:
    add_round(
        house, number="CS2026-1", day="2026-05-01", teams={"R1": ["A1", "A2"]},
        schools={"R1": ["E1"]},
    )  # fmt: skip
    add_round(
        house, number="CS2026-2", day="2026-08-31", teams={"R1": ["A1", "E01"]},
        schools={"R1": ["W1"]}, status=DrawStatus.DEPARTED,
    )  # fmt: skip
    page = open_person(open_page, house, "A1", Role.LEADER)
    assert "2026 年出勤 **1** 次" in texts(page)
    assert page.dataframe[0].value["number"].tolist() == ["CS2026-1"]
    assert "同一搭档不连续两次同队" in said(page)
    assert r"乙\*粗\*" in texts(page), "names are text, not formatting"
    for secret in ("CS2026-2", "学校W1", "W1", "东一"):
        assert secret not in said(page)


def test_a_file_is_looked_at_before_it_is_imported(
    open_page: OpenPage, house: House, city: SmallCity
) -> None:
    def upload(page: AppTest, rows: list[dict[str, object]]) -> None:
        content = workbook(rows)
        page.file_uploader(key="inspector-file").set_value(("名册.xlsx", content, "")).run()

    page = open_page(house, PAGE, role=Role.INSPECTOR)
    page.query_params["do"] = "import"
    page.run()
    upload(page, [{"工号": "N1", "姓名": "", "类别": "警"}, {"工号": "", "姓名": "乙"}])
    assert "一行也没有导入" in said(page)
    told = page.dataframe[0].value
    assert set(zip(told["row"], told["column"], strict=True)) >= {(2, "姓名"), (2, "类别")}
    assert not [b for b in page.button if b.key == "inspector-import"]
    upload(page, [{"工号": "N1", "姓名": "甲", "类别": "公安"}])
    assert list_inspectors(CITY, house, wanted=InspectorFilter()).empty
    page.button(key="inspector-import").click().run()
    assert "已导入：新增 1 人" in said(page)
    assert codes(page) == ["N1"]


def test_a_city_with_one_district_and_no_schools_opens_as_well(
    open_page: OpenPage, house: House, city: SmallCity
) -> None:
    with Session(house.engine) as session:
        session.query(School).delete()
        session.query(District).filter(District.parent_id.is_not(None)).delete()
        session.commit()
    add_inspector(CITY, house, draft=draft("A1", "甲"))
    page = open_person(open_page, house, "A1", Role.INSPECTOR)
    page.text_input(key="tie-q").set_value("小学").run()
    assert not page.exception
    assert "没有符合的学校" in said(page)
