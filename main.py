"""The script behind the front door: who is signed in, the frame, the page asked for."""

from __future__ import annotations

import streamlit as st

from components import frame, registry, session, theme
from components.guard import ask_to_sign_in

st.set_page_config(
    page_title=frame.product_name(), page_icon=frame.ICON, layout="wide", menu_items=None
)
theme.apply()
actor = session.current_actor()
page = registry.navigate(actor)
if actor is None:
    ask_to_sign_in()
frame.draw(actor)
page.run()
