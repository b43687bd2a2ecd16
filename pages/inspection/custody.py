"""封条保管: a custodian's own tasks: make, print, keep and enter the salt."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from components.round_custody import show_new_salt, show_tasks
from components.round_parts import apply_style, show_said
from domain.access import Permission
from services.rounds.read import list_keeper_tasks

actor = guard(Permission.KEEP_SALT)

apply_style()
st.subheader("封条保管")
show_said()
is_salt_shown = show_new_salt(actor)
tasks = list_keeper_tasks(actor, session.house())
show_tasks(actor, tasks, is_salt_shown=is_salt_shown)
if not tasks:
    theme.show_empty(
        "您现在没有保管任务",
        ["督查组织人员开一次出发、选您作保管人之后，任务会出现在这里。"],
    )
