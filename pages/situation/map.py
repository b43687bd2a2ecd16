"""一张图 (placeholder until the map lands)."""

from __future__ import annotations

import streamlit as st

from components.guard import guard
from domain.access import Permission

actor = guard(Permission.VIEW_MAP)

st.info("地图即将呈现。")
