"""The three steps of a quick draw on one screen: range, number and weights, public value."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import streamlit as st

from components import session
from components.filters import choose_schools
from components.guard import guard
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.quick_draw import (
    MAX_RECENT_DAYS,
    TITLE_LIMIT,
    VALUE_LIMIT,
    Weighting,
)
from domain.sampling_rules import MAX_WEIGHT, SamplingRules
from domain.words import ValueSource
from services.draw_frames import QuickPreview, preview_draw
from services.draws import QuickOrder, draw_quick
from services.map_schools import SchoolTable
from services.rules import read_sampling_rules

_KEY, _FAULT = "draw-request", "draw-fault"
_TYPED_KEYS = ("q", "draw-n", "draw-floor", "draw-cap", "draw-recent")
"""Fields that reach the server only when left: a press may come before their preview."""


def draw_form(actor: Actor, table: SchoolTable) -> None:
    """Draw the steps, the preview of all chances and the one button that commits and draws."""
    _say_fault()
    range_side, way_side, value_side = st.columns(3, gap="medium")
    with range_side:
        st.markdown("**① 范围**")
        wanted = choose_schools(table)
    with way_side:
        st.markdown("**② 数量与方式**")
        n = st.number_input("抽几所", min_value=1, value=5, step=1, key="draw-n")
        weighting = _choose_weighting(read_sampling_rules(session.house()))
    with value_side:
        st.markdown("**③ 公开值**")
        source = _choose_source()
        try:
            seen = preview_draw(
                actor, session.house(), wanted=wanted, n=int(n), weighting=weighting
            )
        except UserError as error:
            st.error(f"**{error.message}** {error.next_step}")
            return
        order = QuickOrder("", wanted, seen.n, weighting, source, frame_hash=seen.frame_hash)
        _press_button(order, seen)
    _show_preview(seen)


def _choose_weighting(rules: SamplingRules) -> Weighting:
    by_risk = st.radio(
        "权重",
        ["equal", "risk"],
        format_func=lambda way: {"equal": "每校相同", "risk": "按风险等级"}[way],
        key="draw-weights",
        horizontal=True,
    )
    floor, cap = rules.weight_floor, rules.weight_cap
    if by_risk == "risk":
        said = "、".join(f"{level.label} {weight}" for level, weight in rules.level_weights.items())
        st.caption(f"{said}；再按下限、上限截取。权重不为零，任何学校都有机会。")
        low, high = st.columns(2)
        floor = low.number_input(
            "权重下限", min_value=1, max_value=MAX_WEIGHT, value=floor, key="draw-floor"
        )
        cap = high.number_input(
            "权重上限", min_value=1, max_value=MAX_WEIGHT, value=cap, key="draw-cap"
        )
    recent = st.number_input(
        f"近多少天内查过的，权重降为 1/{rules.recent_divisor}",
        min_value=0,
        max_value=MAX_RECENT_DAYS,
        value=0,
        help="0 表示不降。查过的学校仍有机会，不会“查过就保险”。",
        key="draw-recent",
    )
    return Weighting(by_risk == "risk", int(floor), int(cap), int(recent))


def _choose_source() -> ValueSource:
    st.text_input(
        "事由",
        value=f"简易抽取 {session.house().today():%Y-%m-%d}",
        max_chars=TITLE_LIMIT,
        help="同一事由的各次抽取互为尝试，全部留痕，只能采用其中一次。",
        key="draw-title",
    )
    source = ValueSource(
        st.radio(
            "随机来源",
            [source.value for source in ValueSource],
            format_func=lambda value: ValueSource(value).label,
            key="draw-source",
            horizontal=True,
        )
    )
    if source is ValueSource.TYPED:
        st.text_input(
            "公开值",
            max_chars=VALUE_LIMIT,
            placeholder="当众掷的骰子点数，或某期开奖号码",
            key="draw-value",
        )
    else:
        st.caption("承诺在案之后，由系统产生 256 位随机数。")
    return source


def _press_button(order: QuickOrder, seen: QuickPreview) -> None:
    st.markdown(f"**{seen.schools:,}** 所中抽 **{seen.n:,}** 所，{_chances(seen)}")
    if not session.recall(_KEY):
        session.remember(_KEY, secrets.token_hex(16))
    typed = tuple(session.recall(key) for key in _TYPED_KEYS)
    st.button(
        "承诺并抽取",
        type="primary",
        on_click=_press,
        args=(order, session.recall(_KEY), typed),
        key="draw-press",
        width="stretch",
    )
    st.caption(f"名录库哈希 F：`{seen.frame_hash[:16]}…`，按下后先记入承诺，再抽取。")


def _chances(seen: QuickPreview) -> str:
    """Say the chance of every school, or the lowest and the highest."""
    ordered = seen.chances.sort_values("percent")
    ends = [f"{row.chance}（{row.percent:.2f}%）" for row in ordered.iloc[[0, -1]].itertuples()]
    return f"每校机会 {ends[0]}" if ends[0] == ends[1] else f"每校机会 {ends[0]} 至 {ends[1]}"


def _press(order: QuickOrder, request_key: str, typed: tuple[Any, ...]) -> None:
    """Commit and draw (a widget callback); a second press of the same screen draws nothing."""
    actor = guard(Permission.DRAW)
    try:
        if typed != tuple(session.recall(key) for key in _TYPED_KEYS):
            raise UserError("范围或数量刚刚改过。", "请核对新的预览，再按一次。")
        said = replace(
            order,
            title=session.recall("draw-title") or "",
            value=session.recall("draw-value") or "",
        )
        number = draw_quick(actor, session.house(), order=said, request_key=request_key)
    except UserError as error:
        session.remember(_FAULT, f"**{error.message}** {error.next_step}")
    else:
        st.query_params["draw"] = number
    session.forget(_KEY)


def _say_fault() -> None:
    fault = session.recall(_FAULT)
    if fault:
        st.error(fault)
        session.forget(_FAULT)


def _show_preview(seen: QuickPreview) -> None:
    with st.expander("抽取前：每校机会与各层预期数", expanded=False):
        st.caption(
            f"停办、撤并 {seen.excluded} 所不参加，连同理由存档。"
            "机会＝权重所得票数÷一个名额的票数，是精确分数；每层实抽数只会是预期数取整的上下两数之一。"
        )
        chances, strata = st.columns([1, 2])
        chances.dataframe(
            seen.chances,
            hide_index=True,
            column_config={
                "weight": "权重",
                "schools": "校数",
                "chance": "每校机会",
                "percent": st.column_config.NumberColumn("折合", format="%.2f%%"),
            },
        )
        strata.dataframe(
            seen.strata,
            hide_index=True,
            column_config={
                "district": "区县",
                "kind": "学段",
                "schools": "校数",
                "expected": st.column_config.NumberColumn("预期抽中", format="%.2f"),
                "low": "至少",
                "high": "至多",
            },
        )
