"""封存抽取: all departures, or the one that the address names, step by step."""

from __future__ import annotations

import streamlit as st

from components import session
from components.guard import guard
from components.round_list import PARAM, open_form, show_rounds
from components.round_parts import apply_style, show_said
from components.round_stage import show_departure
from domain.access import Permission
from domain.errors import UserError
from services.rounds.read import list_rounds, read_round

actor = guard(Permission.VIEW_DRAWS)

apply_style()
asked = st.query_params.get(PARAM, "")
if asked:
    try:
        departure_id = int(asked) if asked.isascii() and asked.isdigit() else 0
        facts = read_round(actor, session.house(), departure_id=departure_id)
    except UserError as error:
        st.warning(f"{error.message}{error.next_step}")
    else:
        show_departure(actor, facts)
        st.stop()
st.subheader("封存抽取")
st.caption(
    "先承诺、再产生公开值、出发时才抽取：名单在出发之前不存在，出发之后封存到督查结束。"
    "一次出发一个编号，只抽一次。"
)
show_said()
if actor.may(Permission.DRAW):
    open_form(actor)
show_rounds(list_rounds(actor, session.house()))
