"""The register of inspectors as a list: how many teams, filters, the table, the ways on."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from components import session, theme
from components.inspector_state import ADD, IMPORT, go
from domain.access import Actor, Permission
from domain.words import InspectionLevel, InspectorKind, Word
from services.inspectors import (
    SEARCH_LIMIT,
    InspectorFilter,
    RosterSize,
    has_inspectors,
    list_home_districts,
    list_inspectors,
    measure_rosters,
)

_TABLE = "inspector-table"
_LEAD = {"": "全部", "yes": "可带队", "no": "不带队"}
_STATE = {"active": "在册", "inactive": "已停用", "all": "全部"}
ROW_PX, MOST_ROWS = 35, 15


def draw_register(actor: Actor) -> None:
    """Draw the list, or what to do while there is nobody on it."""
    if not has_inspectors(actor, session.house()):
        _show_nobody(actor)
        return
    for size in measure_rosters(actor, session.house()):
        _show_size(size)
    wanted = _choose(actor)
    people = list_inspectors(actor, session.house(), wanted=wanted)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"列出 **{len(people)}** 人，点行首方框看一个人的回避和出勤。", width="content")
        _draw_ways_on(actor, wanted)
    if people.empty:
        st.info("没有符合条件的人员，请放宽筛选。")
        return
    _show_table(actor, people)


def _show_nobody(actor: Actor) -> None:
    may = actor.may(Permission.MANAGE_INSPECTORS)
    lines = (
        ["把现有名册填进模板一次导入，或逐人新增；有了人员，抽查才排得出队伍。"]
        if may
        else ["市级人员由市级督查员登记，县级人员由区县专干登记。"]
    )
    theme.show_empty("名册上还没有督查人员", lines)
    if may:
        with st.container(horizontal=True, horizontal_alignment="center"):
            _draw_tasks(primary=True)


def _show_size(size: RosterSize) -> None:
    apart = f"（{size.districts} 个区县分别计算后相加）" if size.districts > 1 else ""
    where = apart if size.level is InspectionLevel.COUNTY else ""
    st.markdown(
        f"**{size.level.label}**{where}：在册 **{size.people}** 人，可带队 **{size.leads}** 人。"
        f"按每队 2 人，最多可同时派出 **{size.teams}** 队（可带队 {size.leads} 人）；"
        "未计回避和出勤上限。"
    )
    if not size.leads:
        st.warning(f"{size.level.label}还没有可带队的人，排不出队伍：每队至少要有一名。")


def _choose(actor: Actor) -> InspectorFilter:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        q = st.text_input(
            "查找",
            key="person_q",
            bind="query-params",
            placeholder="姓名、工号或单位的一部分",
            max_chars=SEARCH_LIMIT,
            icon=":material/search:",
            width=250,
        )
        level = () if actor.district_id is not None else _words("层级", "level", InspectionLevel)
        districts = dict(list_home_districts(actor, session.house()))
        district = (
            st.multiselect(
                "所属区县",
                list(districts),
                format_func=lambda code: districts.get(code, code),
                key="person_district",
                bind="query-params",
                placeholder="全部",
                select_all=False,
                width=150,
            )
            if len(districts) > 1
            else []
        )
        kind = _words("类别", "kind", InspectorKind)
        lead = _one("带队", "lead", _LEAD)
        state = _one("状态", "state", _STATE)
    return InspectorFilter(
        (q or "").strip(), tuple(level), tuple(sorted(district)), tuple(kind), lead, state
    )


def _words(label: str, key: str, enum: type[Word]) -> tuple[str, ...]:
    chosen = st.multiselect(
        label,
        [word.value for word in enum],
        format_func=lambda value: enum(value).label,
        key=f"person_{key}",
        bind="query-params",
        placeholder="全部",
        select_all=False,
        width=150 if key == "level" else 130,
    )
    return tuple(sorted(chosen))


def _one(label: str, key: str, options: dict[str, str]) -> str:
    return str(
        st.selectbox(
            label,
            list(options),
            format_func=lambda value: options[value],
            key=f"person_{key}",
            bind="query-params",
            width=100,
        )
    )


def _draw_ways_on(actor: Actor, wanted: InspectorFilter) -> None:
    if actor.may(Permission.EXPORT_LIST):
        st.link_button(
            "导出",
            f"/files/inspectors.xlsx?{wanted.to_query()}",
            icon=":material/download:",
            help="把当前列表导出为 Excel，导出会记入审计日志",
        )
    if actor.may(Permission.MANAGE_INSPECTORS):
        _draw_tasks(primary=False)


def _draw_tasks(*, primary: bool) -> None:
    st.button(
        "导入名册",
        icon=":material/upload_file:",
        on_click=partial(go, doing=IMPORT),
        type="primary" if primary else "secondary",
        key="to-import",
    )
    st.button(
        "新增人员", icon=":material/person_add:", on_click=partial(go, doing=ADD), key="to-add"
    )


def _show_table(actor: Actor, people: pd.DataFrame) -> None:
    hidden = ["account"] if actor.may(Permission.MANAGE_INSPECTORS) else ["account", "phone"]
    if people["is_active"].all():
        hidden.append("is_active")
    st.dataframe(
        people.drop(columns=hidden),
        hide_index=True,
        on_select=partial(_open_row, people["code"].tolist()),
        selection_mode="single-row",
        key=_TABLE,
        height=ROW_PX * (min(len(people), MOST_ROWS) + 1) + 3,
        column_config={
            "code": "工号",
            "name": "姓名",
            "kind": "类别",
            "level": "层级",
            "district": "区县",
            "unit": "单位",
            "qualifications": "资格",
            "can_lead": st.column_config.CheckboxColumn("可带队", width="small"),
            "phone": "电话",
            "ties": st.column_config.NumberColumn("回避学校", format="%d", width="small"),
            "duties": st.column_config.NumberColumn("本年出勤", format="%d", width="small"),
            "is_active": st.column_config.CheckboxColumn("在册", width="small"),
        },
    )


def _open_row(codes: list[str]) -> None:
    rows = (session.recall(_TABLE) or {}).get("selection", {}).get("rows", [])
    if rows:
        go(person=codes[rows[0]])
