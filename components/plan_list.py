"""All plans in sight, with what comes next; the ways to one plan and to a new one."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from components import session
from components.guard import guard
from components.plan_state import back_to_list, open_new, open_plan, take_answer
from components.school_list import plain
from domain.access import Actor, Permission

_TABLE = "plan-list"


def show_answer() -> None:
    """Show what the last press came to."""
    fault, said = take_answer()
    if fault:
        st.error(f"**{plain(fault[0])}** {plain(fault[1])}")
    if said:
        st.success(said)


def back_button() -> None:
    """Draw the way back to the list."""
    st.button("返回计划列表", icon=":material/arrow_back:", on_click=back_to_list, key="plan-back")


def show_plans(actor: Actor, plans: pd.DataFrame) -> None:
    """Show the plans; a press on a row opens that plan."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("抽查计划", anchor=False)
        if actor.may(Permission.EDIT_PLANS):
            st.button("新拟计划", type="primary", on_click=_new, key="plan-new")
    st.caption(
        "拟定 → 提交（名录、权重、名单冻结）→ 局领导批准 → 按计划封存抽取。"
        "批准前看得到每校机会、预期数、覆盖预测和队伍能否排出；批准后内容不再变动。"
    )
    if plans.empty:
        st.info(
            "还没有抽查计划。" + ("按“新拟计划”开始。" if actor.may(Permission.EDIT_PLANS) else "")
        )
        return
    waiting = int((plans["status"] == "待批准").sum())
    if waiting and actor.may(Permission.APPROVE_PLANS):
        st.info(f"有 {waiting} 个计划等您批准：点那一行打开。")
    shown = plans.assign(
        district=plans["district"].replace("", "全市"),
        schools=[f"{count:,} 所" if count else "" for count in plans["schools"]],
    )
    columns = [
        "status",
        "title",
        "next",
        "district",
        "channel",
        "size",
        "must_visit",
        "schools",
        "first_day",
        "last_day",
        "number",
        "created_by",
        "decided_by",
    ]
    st.dataframe(
        shown[columns],
        hide_index=True,
        on_select=partial(_open_row, plans["number"].tolist()),
        selection_mode="single-row",
        key=_TABLE,
        column_config={
            "status": st.column_config.TextColumn("状态", width="small"),
            "title": st.column_config.TextColumn("计划名称", width="medium"),
            "next": st.column_config.TextColumn("下一步", width="medium"),
            "district": "范围",
            "channel": "督查方式",
            "size": "抽取",
            "must_visit": st.column_config.NumberColumn("必查", format="%d"),
            "schools": "名录",
            "first_day": st.column_config.DateColumn("开始", format="MM-DD"),
            "last_day": st.column_config.DateColumn("结束", format="MM-DD"),
            "number": "计划编号",
            "created_by": "拟定账号",
            "decided_by": "批示账号",
        },
    )
    st.caption("点一行打开。名录在提交时冻结，拟定中的还没有。")


def _new() -> None:
    guard(Permission.EDIT_PLANS)
    open_new()


def _open_row(numbers: list[str]) -> None:
    rows = (session.recall(_TABLE) or {}).get("selection", {}).get("rows", [])
    if rows:
        open_plan(numbers[rows[0]])
