"""The form of a plan in four groups: scope, number and way, named schools, day and teams."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from components import session
from components.guard import guard
from components.plan_lists import exclusion_list, must_visit_list
from components.plan_state import Held, window_names
from domain.access import Actor, Permission
from domain.day_task import clock
from domain.draw.roster import LEAST_TEAM
from domain.plan import (
    MOST_DEPARTURES,
    MOST_TEAM_SIZE,
    MOST_TEAMS,
    RELAXABLE,
    VISIT_WINDOWS,
)
from domain.quick_draw import MAX_RECENT_DAYS, TITLE_LIMIT
from domain.sampling_rules import MAX_WEIGHT, SamplingRules
from domain.words import (
    Channel,
    NoticeMode,
    Ownership,
    RiskLevel,
    SchoolKind,
    Word,
)
from services.map_schools import SchoolTable
from services.plans.places import default_start, find_schools, start_at_school

GROUPS = ("① 范围与对象", "② 数量与方式", "③ 名单", "④ 行程与队伍")
PLACE_LIMIT = 40


def plan_form(actor: Actor, held: Held, table: SchoolTable, rules: SamplingRules) -> None:
    """Draw the fields of the held plan; what they say is read by ``plan_state.terms_of``."""
    scope, way, named, day = st.tabs(GROUPS)
    with scope:
        _scope(actor, held, table)
    with way:
        _way(held, rules)
    with named:
        must_visit_list(actor, held)
        exclusion_list(actor, held)
    with day:
        _day(actor, held)


def _scope(actor: Actor, held: Held, table: SchoolTable) -> None:
    terms = held.terms
    st.text_input(
        "计划名称", value=terms.title, max_chars=TITLE_LIMIT, key=held.key("title"),
        placeholder="例如：秋季食品安全专项抽查",
    )  # fmt: skip
    first, last = st.columns(2)
    first.date_input("开始日", value=terms.first_day, key=held.key("first"), format="YYYY-MM-DD")
    last.date_input("结束日", value=terms.last_day, key=held.key("last"), format="YYYY-MM-DD")
    channels = [c for c in Channel if actor.district_id is None or c is not Channel.CROSS]
    at = channels.index(terms.channel) if terms.channel in channels else 0
    left, right = st.columns(2)
    left.selectbox(
        "督查方式",
        [c.value for c in channels],
        index=at,
        format_func=lambda value: Channel(value).label,
        key=held.key("channel"),
    )
    right.radio(
        "通知方式",
        [mode.value for mode in NoticeMode],
        index=list(NoticeMode).index(terms.notice),
        format_func=lambda value: NoticeMode(value).label,
        key=held.key("notice"),
        horizontal=True,
    )
    wanted = terms.wanted
    st.markdown(
        "**范围**：不选即全部。督查过的学校不能筛掉，由“回头看比例”管，谁都不会“查过就保险”。"
    )
    left, right = st.columns(2)
    with left:
        _areas(
            "区县",
            held.key("district"),
            table.district_codes,
            table.district_names,
            wanted.district,
        )
        _words("学段", held.key("kind"), SchoolKind, wanted.kind)
        _words("办别", held.key("ownership"), Ownership, wanted.ownership)
    with right:
        _words("风险等级", held.key("level"), RiskLevel, wanted.level)
        _areas(
            "辖区派出所",
            held.key("station"),
            table.station_codes,
            table.station_names,
            wanted.station,
        )
        st.text_input("校名或代码含", value=wanted.q, max_chars=60, key=held.key("q"))
    st.checkbox(
        "分层再按风险等级细分",
        value=terms.by_risk_band,
        key=held.key("band"),
        help="分层总是区县 × 学段，每层实抽数只会是预期数的上下取整；细分后每个等级也如此。",
    )  # fmt: skip


def _way(held: Held, rules: SamplingRules) -> None:
    terms, weights = held.terms, held.terms.weighting
    left, right = st.columns(2)
    how = left.radio(
        "数量按",
        ["n", "share"],
        index=int(terms.share_permille > 0),
        format_func=lambda value: {"n": "所数", "share": "比例"}[value],
        key=held.key("how"),
        horizontal=True,
    )
    if how == "n":
        right.number_input(
            "共抽几所", min_value=1, max_value=100_000, value=terms.n or 10, key=held.key("n")
        )
    else:
        right.number_input(
            "抽名录的百分之几（进一取整）",
            min_value=1,
            max_value=100,
            value=terms.share_permille // 10 or 10,
            key=held.key("share"),
        )
    by_risk = st.radio(
        "权重",
        ["equal", "risk"],
        index=int(weights.by_risk),
        format_func=lambda way: {"equal": "每校相同", "risk": "按风险等级"}[way],
        key=held.key("weights"),
        horizontal=True,
    )
    if by_risk == "risk":
        said = "、".join(f"{level.label} {w}" for level, w in rules.level_weights.items())
        st.caption(f"「抽查规则」第 {rules.version} 版：{said}；再按下限、上限截取，不为零。")
        low, high = st.columns(2)
        low.number_input(
            "权重下限",
            min_value=1,
            max_value=MAX_WEIGHT,
            value=weights.floor,
            key=held.key("floor"),
        )
        high.number_input(
            "权重上限", min_value=1, max_value=MAX_WEIGHT, value=weights.cap, key=held.key("cap")
        )
    left, right = st.columns(2)
    left.number_input(
        "回头看比例 ρ（%）",
        min_value=0,
        max_value=100,
        value=terms.rho_permille // 10,
        key=held.key("rho"),
        help="本年该层级查过的学校，平均分到名额的这个比例，且机会不高于平均；一般 10–15。",
    )
    right.number_input(
        f"近多少天内查过的，权重降为 1/{rules.recent_divisor}",
        min_value=0,
        max_value=MAX_RECENT_DAYS,
        value=weights.recent_days,
        key=held.key("recent"),
        help="0 表示不降。",
    )
    left, middle, right = st.columns(3)
    left.number_input(
        "分几次出发",
        min_value=1,
        max_value=MOST_DEPARTURES,
        value=terms.departures,
        key=held.key("departures"),
        help="每次出发单独承诺、单独抽取；前一次启封后才能开下一次。",
    )
    middle.number_input(
        "每次后备几所",
        min_value=0,
        max_value=1000,
        value=terms.reserve,
        key=held.key("reserve"),
        help="临时进不了校时，由后备学校按规则替补。",
    )
    right.number_input(
        "每校每年督查上限",
        min_value=1,
        max_value=365,
        value=terms.visit_cap,
        key=held.key("visit-cap"),
        help="达到的学校照样有机会，但会提示，建议并入同一次进校。",
    )


def _day(actor: Actor, held: Held) -> None:
    terms, day = held.terms, held.terms.day
    st.markdown("**出发地点**")
    # Buttons below put values into these, so they start from the session, not from a default.
    _start_with(held.key("start-name"), day.start_name)
    _start_with(held.key("lon"), day.start_lon)
    _start_with(held.key("lat"), day.start_lat)
    name, lon, lat = st.columns([2, 1, 1])
    name.text_input("名称", max_chars=PLACE_LIMIT, key=held.key("start-name"))
    lon.number_input(
        "经度", value=None, min_value=70.0, max_value=140.0, step=0.001, format="%.5f",
        key=held.key("lon"), help="WGS 84 / CGCS2000 经度，度",
    )  # fmt: skip
    lat.number_input(
        "纬度", value=None, min_value=0.0, max_value=60.0, step=0.001, format="%.5f",
        key=held.key("lat"), help="WGS 84 / CGCS2000 纬度，度",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("用教育局（示意）", on_click=_use_office, args=(held,), key=held.key("office"))
        q = st.text_input("或从一所学校出发", key=held.key("start-q"), placeholder="校名或代码")
        found = find_schools(actor, session.house(), q=q) if (q or "").strip() else {}
        if found:
            code = st.selectbox(
                "选学校", list(found), format_func=lambda c: found[c], key=held.key("start-school")
            )
            st.button(
                "用这所学校", on_click=_use_school, args=(held, code), key=held.key("at-school")
            )
        elif (q or "").strip():
            st.caption("没有找到这样的学校。")
    left, middle, right = st.columns(3)
    left.time_input("出发", value=_time(day.from_min), step=900, key=held.key("from"))
    middle.time_input("收工", value=_time(day.to_min), step=900, key=held.key("to"))
    right.number_input(
        "每校停留（分钟）", min_value=10, max_value=480, step=5, value=day.visit_min,
        key=held.key("visit-min"),
    )  # fmt: skip
    st.pills(
        "到校时段（不选则不限）",
        list(VISIT_WINDOWS),
        selection_mode="multi",
        default=window_names(day),
        format_func=_window,
        help="只在这些时段到校，例如查食堂选午餐时段；排不下的学校会点名。",
        key=held.key("windows"),
    )
    left, right = st.columns(2)
    left.number_input(
        "几支队", min_value=1, max_value=MOST_TEAMS, value=day.teams, key=held.key("teams")
    )
    right.number_input(
        "每队几人", min_value=LEAST_TEAM, max_value=MOST_TEAM_SIZE, value=day.team_size,
        key=held.key("team-size"),
    )  # fmt: skip
    left, right = st.columns(2)
    left.number_input(
        "每人出勤上限（次，0 为不限）", min_value=0, max_value=100,
        value=terms.roster.duty_cap or 0, key=held.key("duty-cap"),
    )  # fmt: skip
    right.number_input(
        "上限按近多少天计", min_value=1, max_value=366, value=terms.roster.duty_days,
        key=held.key("duty-days"),
    )  # fmt: skip
    labels = {rule.value: rule.label for rule in RELAXABLE}
    st.multiselect(
        "排不出队伍时，依次放宽",
        list(labels),
        default=[rule.value for rule in terms.roster.relax],
        format_func=lambda value: labels[value],
        key=held.key("relax"),
        placeholder="都不放宽",
        help="按选择的先后放宽；回避规则（本区县、申报、曾任职）任何时候都不放宽。",
    )


def _use_office(held: Held) -> None:
    actor = guard(Permission.EDIT_PLANS)
    place = default_start(session.house(), district_id=actor.district_id)
    if place is not None:
        _put_place(held, place.name, place.lon, place.lat)


def _use_school(held: Held, code: str) -> None:
    actor = guard(Permission.EDIT_PLANS)
    place = start_at_school(actor, session.house(), code=code)
    if place is not None:
        _put_place(held, place.name[:PLACE_LIMIT], place.lon, place.lat)


def _start_with(key: str, value: str | float | None) -> None:
    if value is not None and session.recall(key) is None:
        session.remember(key, value)


def _put_place(held: Held, name: str, lon: float, lat: float) -> None:
    for field, value in (("start-name", name), ("lon", lon), ("lat", lat)):
        session.remember(held.key(field), value)


def _time(minutes: int) -> dt.time:
    return dt.time(min(minutes // 60, 23), minutes % 60 if minutes < 1440 else 59)


def _words(label: str, key: str, enum: type[Word], chosen: tuple[str, ...]) -> None:
    values = [word.value for word in enum]
    st.multiselect(
        label,
        values,
        default=[value for value in chosen if value in values],
        format_func=lambda value: enum(value).label,
        key=key,
        placeholder="全部",
    )


def _areas(
    label: str, key: str, codes: list[str], names: list[str], chosen: tuple[str, ...]
) -> None:
    if len(codes) < 2:
        return
    of = {
        code: name if names.count(name) == 1 else f"{name}（{code}）"
        for code, name in zip(codes, names, strict=True)
    }
    st.multiselect(
        label,
        codes,
        default=[code for code in chosen if code in of],
        format_func=lambda code: of.get(code, code),
        key=key,
        placeholder="全部",
    )


def _window(name: str) -> str:
    start, end = VISIT_WINDOWS[name]
    return f"{name} {clock(start)}–{clock(end)}"
