"""我的路线: a team member's own day, on the phone: where to go, what became of it."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.guard import guard
from components.route_cards import apply_style
from components.route_pages import choose_round, show_route
from domain.access import Permission
from domain.errors import UserError
from services.rounds.field import list_own_routes, look_at_own_route

actor = guard(Permission.VIEW_OWN_ROUTE)

apply_style()
st.subheader("我的路线")
mine = list_own_routes(actor, session.house())
if not mine:
    theme.show_empty(
        "您现在没有督查路线",
        [
            "封存抽取出发之后，本队路线会出现在这里，只有本队看得到。",
            "已经出发而这里没有的，请督查组织人员核对您的账号是否已关联督查人员。",
        ],
    )
    st.stop()
try:
    own = look_at_own_route(actor, session.house(), number=choose_round(mine))
except UserError as error:
    st.warning(f"{error.message}{error.next_step}")
    st.stop()
show_route(own)
