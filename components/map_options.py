"""What the map is coloured by and what lies on it: choices that live in the URL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import streamlit as st

from components import session
from domain.access import Actor
from domain.post_state import Manning
from domain.words import PostKind, SessionKind
from services.map_layers import facility_layer, post_layer, session_dates, water_layer

COLOURS = {"level": "风险", "status": "督查", "coverage": "覆盖"}
OVERLAYS = {"waters": "水域", "facilities": "设施", "posts": "岗位", "hazards": "隐患"}
FACILITY_COLUMNS = ("设施", "完好", "褪色", "损坏", "缺失", "未登记")
WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class MapOptions:
    """How the map is drawn; ``on`` and ``session`` pick the post session."""

    colour: str
    overlays: tuple[str, ...]
    on: dt.date | None
    session: SessionKind


def choose_options(actor: Actor) -> MapOptions:
    """Draw the choices and return them."""
    colour = st.segmented_control(
        "学校着色",
        list(COLOURS),
        format_func=COLOURS.__getitem__,
        key="colour",
        bind="query-params",
        default="level",
        required=True,
    )
    chosen = st.pills(
        "叠加图层",
        list(OVERLAYS),
        format_func=OVERLAYS.__getitem__,
        selection_mode="multi",
        key="show",
        bind="query-params",
    )
    if "facilities" in chosen:
        _show_facility_table(actor)
    on, kind = None, SessionKind.DISMISSAL
    if "posts" in chosen:
        on, kind = _choose_session(actor)
    return MapOptions(colour or "level", tuple(chosen), on, kind)


def legend_parts(actor: Actor, options: MapOptions) -> list[dict[str, object]]:
    """Return the legend's overlay parts with their counts."""
    house = session.house()
    parts: list[dict[str, object]] = []
    if "waters" in options.overlays:
        counts = water_layer(actor, house).counts
        order = ("major", "larger", "general", "unknown", "gear_short")
        parts.append({"of": "waters", "n": [counts[key] for key in order]})
    if "facilities" in options.overlays:
        counts = facility_layer(actor, house).counts
        order = ("ok", "faded", "damaged", "missing", "unknown")
        parts.append({"of": "facilities", "n": [counts[key] for key in order]})
    if "posts" in options.overlays:
        counts = post_layer(actor, house, on_date=options.on, kind=options.session).counts
        parts.append({"of": "posts", "n": [counts[word.value] for word in Manning]})
        parts.append({"of": "post_kinds", "n": [counts[f"kind:{word.value}"] for word in PostKind]})
    return parts


def _show_facility_table(actor: Actor) -> None:
    """Offer the counts by kind and state that the map's legend adds up."""
    with st.popover("各类设施明细", icon=":material/table_view:"):
        rows = facility_layer(actor, session.house()).table
        if not rows:
            st.caption("尚未登记交通设施。")
            return
        st.dataframe(
            [dict(zip(FACILITY_COLUMNS, row, strict=True)) for row in rows],
            hide_index=True,
        )
        st.caption("单位：处。“不适用”不计入；缺失指应设而未设。")


def _choose_session(actor: Actor) -> tuple[dt.date | None, SessionKind]:
    days = session_dates(actor, session.house())
    if not days:
        st.caption("尚未登记勤务时段，点位按“无排班”显示。")
        return None, SessionKind.DISMISSAL
    texts = [day.isoformat() for day in days]
    day = st.selectbox(
        "勤务日期",
        texts,
        format_func=lambda text: f"{text} 周{WEEKDAYS[dt.date.fromisoformat(text).weekday()]}",
        key="day",
        bind="query-params",
    )
    kind = st.segmented_control(
        "勤务时段",
        [SessionKind.ARRIVAL.value, SessionKind.DISMISSAL.value],
        format_func=lambda value: SessionKind(value).label,
        key="session",
        bind="query-params",
        default=SessionKind.DISMISSAL.value,
        required=True,
    )
    chosen = dt.date.fromisoformat(day) if day else days[0]
    return chosen, SessionKind(kind or SessionKind.DISMISSAL.value)
