"""一张图: every school of the reader's scope on one map, its risk, and why."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.chosen_school import MAP_KEY, chosen_school, take_click
from components.filters import (
    choose_schools,
    clear_filters,
    say_how_many,
    say_what_is_missing,
    say_whether_risk_is_due,
    say_whether_shown,
)
from components.guard import guard
from components.map_canvas import draw_map
from components.map_options import choose_options, legend_parts
from components.map_state import map_state
from components.reads import read_shown
from components.school_card import draw_card
from components.school_list import draw_list
from domain.access import Permission
from domain.words import Role
from services.map_schools import load_school_table

actor = guard(Permission.VIEW_MAP)
table = load_school_table(actor, session.house())

if not len(table):
    theme.show_empty(
        "还没有学校数据",
        [
            "管理员可用 <code>python manage.py import schools 文件</code> 导入学校，",
            "或用 <code>python manage.py demo</code> 生成演示城市；其他账号请联系本单位管理员。",
        ],
    )
    st.stop()

with st.sidebar:
    options = choose_options(actor)
    wanted = choose_schools(table)

shown = read_shown(actor, wanted)
chosen = chosen_school(actor)
with st.container(key="split"):
    map_side, panel_side = st.columns([2.2, 1], gap="small")
with map_side:
    draw_map(
        map_state(actor, shown, options, chosen, legend_parts(actor, options)),
        key=MAP_KEY,
        on_change=take_click,
    )
with panel_side, st.container(key="panel"):
    say_how_many(actor, shown)
    say_whether_risk_is_due()
    if chosen is not None:
        say_whether_shown(shown, chosen.id)
        draw_card(actor, chosen, can_leave=actor.role is not Role.SCHOOL)
    elif shown.kept:
        say_what_is_missing(shown)
        draw_list(actor, shown)
    else:
        theme.show_empty("没有符合条件的学校", ["换一个筛选条件，或清除全部筛选。"])
        st.button("清除全部筛选", on_click=clear_filters, type="primary", key="clear-all")
