"""结果公示: every published round, for every role."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from components.round_parts import apply_style
from components.round_published import choose_published, show_publication
from domain.access import Permission
from domain.errors import UserError
from services.rounds.outcome import list_published

actor = guard(Permission.VIEW_PUBLISHED)

apply_style()
st.subheader("结果公示")
st.caption("每次封存抽取启封、公示之后列在这里：抽中了哪些学校、各校机会多大、怎样核对。")
rounds = list_published(actor, session.house())
if rounds.empty:
    theme.show_empty("还没有公示", ["封存抽取启封之后，由局领导公示。"])
    st.stop()
number = choose_published(rounds)
if number:
    try:
        show_publication(actor, number)
    except UserError as error:
        st.warning(f"{error.message}{error.next_step}")
