"""全年覆盖: how far the year's inspections have come, where they are missing, who went where."""

from __future__ import annotations

import streamlit as st

from components import session, theme
from components.coverage_view import (
    choose_year,
    say_basis,
    show_districts,
    show_levels,
    show_never,
    show_school,
    show_ways,
)
from components.guard import guard
from domain.access import Permission
from services.coverage import read_coverage

actor = guard(Permission.VIEW_COVERAGE)

found = read_coverage(actor, session.house(), year=choose_year(actor))
if not found.schools:
    theme.show_empty("还没有学校数据", ["请联系本单位管理员导入学校，再看全年覆盖。"])
    st.stop()
say_basis(actor, found)
if not found.visits:
    st.info(f"{found.year} 年还没有督查记录，下面各数从零起。录入或导入督查之后，这里随即更新。")
show_levels(actor, found)
if found.visits:
    show_districts(found)
    show_ways(found)
show_never(actor, found)
if found.visits:
    show_school(actor, found)
