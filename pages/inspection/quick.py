"""简易抽取: an area, a number, a press; every attempt of the year beside the one used."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.draw_form import draw_form
from components.draw_record import show_attempts, show_chosen
from components.guard import guard
from domain.access import Permission
from services.draw_list import LACKS, list_draws
from services.map_schools import load_school_table

actor = guard(Permission.VIEW_DRAWS)

st.subheader("简易抽取")
st.caption(LACKS)
table = load_school_table(actor, session.house())
if not len(table):
    theme.show_empty("还没有学校数据", ["请联系本单位管理员导入学校，再来抽取。"])
    st.stop()
show_chosen(actor)
if actor.may(Permission.DRAW):
    draw_form(actor, table)
show_attempts(list_draws(actor, session.house()))
