"""The one set of filters: widgets whose values live in the URL, so a link restores a view."""

from __future__ import annotations

import math
from dataclasses import replace
from urllib.parse import parse_qs

import streamlit as st

from components import session
from components.reads import Shown
from domain.access import Actor, Permission
from domain.school_filter import AREA_KEY, SchoolFilter, read_area
from domain.words import (
    Coverage,
    InspectionStatus,
    Ownership,
    RiskLevel,
    SchoolKind,
    Word,
)
from services.map_schools import SchoolTable
from services.risk import risk_is_stale

DRAW_PAGE = "pages/inspection/quick.py"
KM_PER_DEGREE = 111.32
"""Of latitude; only for the words beside a rectangle, never for a figure."""
_SELDOM = ("coverage", "ownership", "station")
_WIDGET_KEYS = ("q", "district", "station", "kind", "ownership", "level", "status", "coverage")


def choose_schools(table: SchoolTable) -> SchoolFilter:
    """Draw the filters and return what they say."""
    q = st.text_input(
        "查找学校",
        key="q",
        bind="query-params",
        placeholder="校名或代码的一部分",
        max_chars=60,
        icon=":material/search:",
    )
    area = _area()
    wanted = SchoolFilter(
        q=(q or "").strip(),
        area=area,
        level=_words("风险等级", "level", RiskLevel),
        district=_areas("区县", "district", table.district_codes, table.district_names),
        kind=_words("学段", "kind", SchoolKind),
        status=_words("本年督查状态", "status", InspectionStatus),
    )
    if not _more_filters():
        return wanted
    return replace(
        wanted,
        coverage=_words("本年督查覆盖", "coverage", Coverage),
        ownership=_words("办别", "ownership", Ownership),
        station=_areas("辖区派出所", "station", table.station_codes, table.station_names),
    )


def _more_filters() -> bool:
    """Tell whether the seldom used filters are wanted; one that is set is always shown.

    Each costs the browser some 10 ms at every change of any filter.
    """
    is_set = any(session.recall(key) or st.query_params.get_all(key) for key in _SELDOM)
    asked = st.toggle("更多筛选：覆盖、办别、派出所", key="more-filters")
    return asked or is_set


def clear_filters() -> None:
    """Empty every filter (a widget callback)."""
    _clear_area()
    for key in _WIDGET_KEYS:
        session.remember(key, "" if key == "q" else [])


def say_how_many(actor: Actor, shown: Shown) -> None:
    """Say how many schools are kept of how many, the way back to all, and on to a draw."""
    total = len(shown.table)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{shown.kept:,}** / {total:,} 所在办学校")
        if not shown.wanted.is_empty:
            st.button("清除筛选", on_click=clear_filters, type="tertiary", key="clear-filters")
        wants_draw = (
            shown.kept
            and actor.may(Permission.DRAW)
            and st.button(
                "从中抽查",
                icon=":material/casino:",
                type="tertiary",
                help="带着当前筛选和框选，去简易抽取",
                key="draw-from-here",
            )
        )
    if wants_draw:
        st.switch_page(DRAW_PAGE, query_params=parse_qs(shown.wanted.to_query()))


def say_whether_risk_is_due() -> None:
    """Say so when data were written after the risk was last computed."""
    if risk_is_stale(session.house()):
        st.warning("数据已更新，风险结果待重算：请管理员运行 python manage.py recompute。")


def say_whether_shown(shown: Shown, school_id: int) -> None:
    """Say so when the school of the open card is not among those the filter keeps."""
    if not bool(shown.mask[shown.table.ids == school_id].any()):
        st.caption("下面这所学校不在当前筛选结果中，地图上未显示。")


def say_what_is_missing(shown: Shown) -> None:
    """Say why most schools are grey, where they are, and what to load next."""
    undecided = shown.counts("level")[list(RiskLevel).index(RiskLevel.UNKNOWN)]
    if undecided * 2 > shown.kept:
        st.info(
            f"{shown.kept:,} 所中有 {undecided:,} 所数据不足，不定风险等级，也不表示安全。"
            "请先补充校门、六类设施、三防等台账；也可先按“离水域从近到远”排序。"
        )


def _area() -> str:
    """Show the rectangle drawn on the map, if any, with the way out of it, and return it."""
    area = read_area(st.query_params.get(AREA_KEY, ""))
    if area:
        st.button(
            f"范围：地图框选，{_size(area)}",
            icon=":material/close:",
            on_click=_clear_area,
            help="点一下取消框选",
            key="clear-area",
            width="stretch",
        )
    return area


def _size(area: str) -> str:
    west, south, east, north = SchoolFilter(area=area).bounds or (0.0, 0.0, 0.0, 0.0)
    high_km = (north - south) * KM_PER_DEGREE
    wide_km = (east - west) * KM_PER_DEGREE * math.cos(math.radians((north + south) / 2))
    return f"约 {wide_km:.1f}×{high_km:.1f} 千米"


def _clear_area() -> None:
    st.query_params.pop(AREA_KEY, None)


def _words(label: str, key: str, enum: type[Word]) -> tuple[str, ...]:
    chosen = st.multiselect(
        label,
        [word.value for word in enum],
        format_func=lambda value: enum(value).label,
        key=key,
        bind="query-params",
        placeholder="全部",
        select_all=False,
    )
    return tuple(sorted(chosen))


def _areas(label: str, key: str, codes: list[str], names: list[str]) -> tuple[str, ...]:
    if len(codes) < 2:
        return ()
    # The widget tells options apart by their text: equal names carry their code.
    of = {
        code: name if names.count(name) == 1 else f"{name}（{code}）"
        for code, name in zip(codes, names, strict=True)
    }
    chosen = st.multiselect(
        label,
        codes,
        format_func=lambda code: of.get(code, code),
        key=key,
        bind="query-params",
        placeholder="全部",
        select_all=False,
    )
    return tuple(sorted(chosen))
