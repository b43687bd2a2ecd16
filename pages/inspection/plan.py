"""抽查计划: all plans with their next steps, one plan, or the form of a new one."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from components.plan_detail import show_plan
from components.plan_edit import show_new
from components.plan_list import back_button, show_answer, show_plans
from components.plan_preview import apply_style
from components.plan_state import DOING, NEW, PLAN
from domain.access import Permission
from domain.errors import NotFound
from services.map_schools import load_school_table
from services.plans.records import list_plans, read_plan

actor = guard(Permission.VIEW_PLANS)

apply_style()
number = st.query_params.get(PLAN, "")
is_new = st.query_params.get(DOING, "") == NEW and actor.may(Permission.EDIT_PLANS)
if not len(load_school_table(actor, session.house())):
    theme.show_empty("还没有学校数据", ["请联系本单位管理员导入学校，再来拟定计划。"])
    st.stop()
if number or is_new:
    back_button()
    show_answer()
if is_new:
    show_new(actor)
elif number:
    try:
        facts = read_plan(actor, session.house(), number=number)
    except NotFound as error:
        st.warning(f"{error.message}{error.next_step}")
    else:
        show_plan(actor, facts)
else:
    show_answer()
    show_plans(actor, list_plans(actor, session.house()))
