"""The one set of filters: widgets whose values live in the URL, so a link restores a view."""

from __future__ import annotations

import streamlit as st

from components import session
from components.reads import Shown
from domain.school_filter import SchoolFilter
from domain.words import (
    InspectionStatus,
    Ownership,
    RiskLevel,
    SchoolKind,
    Word,
)
from services.map_schools import SchoolTable

_WIDGET_KEYS = ("q", "district", "station", "kind", "ownership", "level", "status")


def choose_schools(table: SchoolTable) -> SchoolFilter:
    """Draw the filters and return what they say."""
    q = st.text_input(
        "查找学校",
        key="q",
        bind="query-params",
        placeholder="校名或代码的一部分",
        icon=":material/search:",
    )
    return SchoolFilter(
        q=(q or "").strip(),
        level=_words("风险等级", "level", RiskLevel),
        district=_areas("区县", "district", table.district_codes, table.district_names),
        kind=_words("学段", "kind", SchoolKind),
        status=_words("本年督查状态", "status", InspectionStatus),
        ownership=_words("办别", "ownership", Ownership),
        station=_areas("辖区派出所", "station", table.station_codes, table.station_names),
    )


def clear_filters() -> None:
    """Empty every filter (a widget callback)."""
    for key in _WIDGET_KEYS:
        session.remember(key, "" if key == "q" else [])


def say_how_many(shown: Shown) -> None:
    """Say how many schools are kept of how many, and offer the way back to all."""
    total = len(shown.table)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{shown.kept:,}** / {total:,} 所学校")
        if not shown.wanted.is_empty:
            st.button("清除筛选", on_click=clear_filters, type="tertiary", key="clear-filters")


def _words(label: str, key: str, enum: type[Word]) -> tuple[str, ...]:
    chosen = st.multiselect(
        label,
        [word.value for word in enum],
        format_func=lambda value: enum(value).label,
        key=key,
        bind="query-params",
        placeholder="全部",
    )
    return tuple(sorted(chosen))


def _areas(label: str, key: str, codes: list[str], names: list[str]) -> tuple[str, ...]:
    if len(codes) < 2:
        return ()
    of = dict(zip(codes, names, strict=True))
    chosen = st.multiselect(
        label,
        codes,
        format_func=lambda code: of.get(code, code),
        key=key,
        bind="query-params",
        placeholder="全部",
    )
    return tuple(sorted(chosen))
