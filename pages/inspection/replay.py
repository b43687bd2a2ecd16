"""复算: recompute a draw from its pack or from the record; every step right or wrong."""

from __future__ import annotations

import streamlit as st

from components.guard import guard
from components.replay_view import choose_replay, show_duels, show_list, show_school, show_steps
from domain.access import Permission

actor = guard(Permission.REPLAY)

st.subheader("复算")
st.caption(
    "从名录库、参数、公开值重新算一遍抽取，逐步核对记录；不信本系统的，"
    "可用复算包中的 replay.py 在自己的电脑上算。"
)
replay, number = choose_replay(actor)
if replay is None:
    st.info("上传一个复算包，或选一次抽取，即开始复算。")
    st.stop()
st.space("small")
steps_side, map_side = st.columns([1, 3], gap="medium")
with steps_side:
    show_steps(replay)
with map_side:
    show_duels(actor, replay, number)
st.space("small")
list_side, school_side = st.columns(2, gap="large")
with list_side:
    show_list(actor, replay)
with school_side:
    show_school(actor, replay)
