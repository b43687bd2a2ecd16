"""督查反馈单: what a school was told after the visits to it; its own only."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from components.route_cards import apply_style
from components.route_pages import show_feedback
from domain.access import Permission
from services.rounds.outcome import list_own_feedback

actor = guard(Permission.VIEW_FEEDBACK)

apply_style()
st.subheader("督查反馈单")
sheets = list_own_feedback(actor, session.house())
if not sheets:
    theme.show_empty(
        "还没有督查反馈单",
        ["督查组到校督查并记录之后，反馈单会出现在这里，只有本校看得到。"],
    )
    st.stop()
st.caption("督查组到校当天的记录；启封前如有更正，以这里最新的为准。")
show_feedback(sheets)
