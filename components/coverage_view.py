"""The year's coverage on screen: figures with their definitions, charts, then tables."""

from __future__ import annotations

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from components import coverage_charts as charts
from components import session
from components.coverage_cards import (
    PACE_LINE,
    STYLE,
    TARGET_LINE,
    curve_key,
    level_card,
    side_cards,
)
from components.school_list import plain
from domain.access import Actor, Permission
from domain.school_filter import MAX_QUERY_CHARS, SchoolFilter
from domain.words import Coverage, InspectionLevel
from services.coverage import CoverageYear, LevelYear, list_years
from services.coverage_lists import list_visits, match_never
from services.draw_chances import read_predictability
from services.map_schools import SortBy, list_schools

MOST_ROWS = 300
"""Rows of the never-visited table sent to the browser; the export holds all."""
MOST_MATCHES = 20


def choose_year(actor: Actor) -> int:
    """Draw the head line with the year's choice and return the year."""
    st.html(STYLE)
    years = [str(year) for year in list_years(actor, session.house())]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("全年覆盖", anchor=False)
        chosen = st.selectbox(
            "年份",
            years,
            key="year",
            bind="query-params",
            width=120,
            label_visibility="collapsed",
        )
    return int(chosen or years[0])


def say_basis(actor: Actor, found: CoverageYear) -> None:
    """Say which day, which schools and which calendar the figures rest on."""
    area = "本区县" if actor.district_id is not None else "全市"
    past = "" if found.is_current else "；往年也按现在的在办学校计"
    gone = (
        f"；另有 {found.visits_elsewhere:,} 次督查的学校现已停办或撤并，不计入"
        if found.visits_elsewhere
        else ""
    )
    st.caption(
        f"{area}在办学校 {found.schools:,} 所，统计截至 {found.as_of:%Y-%m-%d}{past}{gone}。"
        "进度按日历天计：系统中没有校历，不按教学日折算。"
    )


def show_levels(actor: Actor, found: CoverageYear) -> None:
    """Show both levels' figures with their curves, and the year's other figures beside them."""
    city, county, side = st.columns([2, 2, 1.15], gap="small")
    with city:
        _show_level(actor, found.city)
    with county:
        _show_level(actor, found.county)
    with side:
        chances = read_predictability(actor, session.house()) if found.is_current else None
        st.html(side_cards(found, chances))


def _show_level(actor: Actor, level: LevelYear) -> None:
    st.html(level_card(level.forecast, is_district=actor.district_id is not None))
    st.vega_lite_chart(charts.curve(level), key=f"curve-{level.forecast.level.value}")
    st.html(curve_key(level.forecast))


def show_districts(found: CoverageYear) -> None:
    """Show each district's coverage, worst first, beside its repeated visits.

    Nothing where there is only one: the figures above are its own.
    """
    if len(found.districts) < 2:
        return
    st.markdown("#### 各区县")
    level = InspectionLevel(
        st.segmented_control(
            "层级",
            [InspectionLevel.COUNTY.value, InspectionLevel.CITY.value],
            format_func=lambda value: InspectionLevel(value).label,
            key="level-shown",
            default=InspectionLevel.COUNTY.value,
            required=True,
            label_visibility="collapsed",
        )
    )
    said = found.of(level).forecast
    frame = found.districts.assign(visited=found.districts[level.value])
    frame = frame.assign(share=frame["visited"] / frame["schools"])
    frame = frame.sort_values(["share", "schools"], ascending=[True, False], kind="stable")
    left, right = st.columns([1.35, 1], gap="medium")
    with left:
        good, late, pace = "达到目标", "未达目标", ""
        if not said.is_over:
            good, late = "达到序时", "落后于序时"
            pace = f"<span>{PACE_LINE}序时 {said.pace / said.schools:.0%}</span>"
        st.html(
            f'<div class="csm-key"><span><b style="background:{charts.DONE}"></b>{good}</span>'
            f'<span><b style="background:{charts.SHORT}"></b>{late}</span>{pace}'
            f"<span>{TARGET_LINE}目标 {said.target_share:.0%}</span>"
            f"<span>{level.label}已督查 / 在办学校（所），最差在上</span></div>"
        )
        st.vega_lite_chart(charts.district_bars(frame, said), key="district-bars")
    with right:
        st.html(
            '<div class="csm-key"><span>重复督查 / 全部督查（次），不分层级，次序同左</span></div>'
        )
        rows = [
            {"name": row.name, "count": int(row.again), "text": f"{row.again:,}/{row.visits:,}"}
            for row in frame.itertuples(index=False)
        ]
        st.vega_lite_chart(charts.count_bars(rows, title="重复督查（次）"), key="again-bars")


def show_ways(found: CoverageYear) -> None:
    """Show visits by channel and month, and how often schools were visited."""
    heat, times = st.columns([1.35, 1], gap="medium")
    with heat:
        st.markdown("#### 督查方式与月份")
        st.caption(f"单位：次，共 {found.visits:,} 次；方式后为全年合计。{_months_said(found)}")
        st.vega_lite_chart(charts.channel_heat(found.channels), key="channel-heat")
    with times:
        st.markdown("#### 每校督查次数")
        st.caption(f"不分层级；灰＝未督查，橙＝已到上限 {found.visit_cap} 次。")
        st.vega_lite_chart(charts.times_bars(found), key="times-bars")
    if len(found.capped):
        st.markdown(f"**已到次数上限的学校（{len(found.capped):,} 所）**")
        st.dataframe(
            found.capped.head(MOST_ROWS),
            hide_index=True,
            column_config={
                "code": "学校代码",
                "name": "学校名称",
                "district": "区县",
                "kind": "学段",
                "visits": st.column_config.NumberColumn("该年督查（次）", format="%d"),
            },
        )


def _months_said(found: CoverageYear) -> str:
    if found.as_of.month == 12:
        return ""
    return f"{found.as_of.month} 月截至 {found.as_of:%m-%d}，其后各月未到。"


def show_never(actor: Actor, found: CoverageYear) -> None:
    """Show the schools without a visit: where they are, which first, and the ways out."""
    st.markdown(f"#### 未督查的学校（{len(found.never):,} 所）")
    if found.never.empty:
        st.success("在办学校该年都有督查记录。")
        return
    if len(found.districts) < 2:
        _show_never_list(actor, found)
        return
    by_area = found.districts.sort_values("never", ascending=False, kind="stable")
    left, right = st.columns([1, 1.35], gap="medium")
    with left:
        st.caption("按区县：未督查 / 在办学校（所），最多在上。")
        rows = [
            {"name": row.name, "count": int(row.never), "text": f"{row.never:,}/{row.schools:,}"}
            for row in by_area.itertuples(index=False)
        ]
        bars = charts.count_bars(rows, title="未督查（所）", colour=charts.PACE)
        st.vega_lite_chart(bars, key="never-bars")
    with right:
        _show_never_list(actor, found)


def _show_never_list(actor: Actor, found: CoverageYear) -> None:
    names = dict(zip(found.districts["code"], found.districts["name"], strict=True))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        q = st.text_input(
            "查找学校",
            key="never-q",
            placeholder="校名或代码的一部分",
            max_chars=MAX_QUERY_CHARS,
            icon=":material/search:",
        )
        area = ""
        if len(names) > 1:
            area = st.selectbox(
                "区县",
                ["", *(code for code in names if code)],
                format_func=lambda code: names[code] if code else "全部区县",
                key="never-area",
            )
    q, area = (q or "").strip(), area or ""
    kept = match_never(found, q=q, district=area)
    with st.container(horizontal=True):
        if found.is_current:
            st.link_button(
                "在一张图上看", _map_address(q, names.get(area, "")), icon=":material/map:"
            )
        if actor.may(Permission.EXPORT_LIST):
            asked = urlencode({"year": found.year, "q": q, "district": area})
            st.link_button(
                f"导出 {len(kept):,} 所",
                f"/files/never-visited.xlsx?{asked}",
                icon=":material/download:",
                help="导出为 Excel，导出会记入审计日志",
            )
    if kept.empty:
        st.info("没有符合条件的学校，换一个校名或区县。")
        return
    more = f"，表中为前 {MOST_ROWS} 所，其余请导出" if len(kept) > MOST_ROWS else ""
    st.caption(f"最久没查的在前{more}。无记录＝系统内没有任何督查记录，不代表从未有人去过。")
    st.dataframe(
        _never_rows(kept.head(MOST_ROWS), found),
        hide_index=True,
        height=330,
        placeholder="–",
        column_config={
            "code": "学校代码",
            "name": "学校名称",
            "district": "区县",
            "kind": "学段",
            "level": "风险等级",
            "last": "上次督查",
            "days": st.column_config.NumberColumn("距今（天）", format="%d"),
        },
    )


def _never_rows(kept: pd.DataFrame, found: CoverageYear) -> pd.DataFrame:
    days = (pd.Timestamp(found.as_of) - kept["last_on"]).dt.days
    last = kept["last_on"].dt.strftime("%Y-%m-%d").astype(object)
    return kept[["name", "district", "kind", "level"]].assign(
        last=last.where(kept["last_on"].notna(), "无记录"),
        days=days.astype("Int64"),
        code=kept["code"],
    )


def _map_address(q: str, area: str) -> str:
    asked = {"colour": "覆盖", "coverage": Coverage.NONE.label, "q": q, "district": area}
    return "/?" + urlencode({key: value for key, value in asked.items() if value})


def show_school(actor: Actor, found: CoverageYear) -> None:
    """Let the reader choose a school and show who inspected it this year."""
    st.markdown("#### 谁查过这所学校")
    asked, choice = st.columns(2, gap="medium")
    q = asked.text_input(
        "查找学校",
        key="visited-q",
        bind="query-params",
        placeholder="校名或代码的一部分",
        max_chars=MAX_QUERY_CHARS,
        icon=":material/search:",
    )
    q = (q or "").strip()
    if not q:
        st.caption("填校名或代码的一部分，看该年谁、什么时候、以什么方式去过。")
        return
    listed = list_schools(
        actor,
        session.house(),
        wanted=SchoolFilter(q=q),
        sort=SortBy.NAME,
        page=1,
        size=MOST_MATCHES,
    )
    if not listed.rows:
        st.info("辖区内没有这所在办学校，换一个写法。")
        return
    names = {row.code: f"{row.name}（{row.district}）" for row in listed.rows}
    more = f"，只列前 {MOST_MATCHES} 所" if listed.total > MOST_MATCHES else ""
    code = choice.selectbox(
        f"选一所（符合的 {listed.total:,} 所{more}）",
        list(names),
        format_func=lambda one: names[one],
        key=f"visited-{q}",
    )
    if code:
        _show_visits(actor, found, code, names[code])


def _show_visits(actor: Actor, found: CoverageYear, code: str, name: str) -> None:
    visits = list_visits(actor, session.house(), code=code, year=found.year)
    if visits.empty:
        st.info(f"{plain(name)}：{found.year} 年没有督查记录。")
        return
    by_level = visits["level"].value_counts()
    said = "、".join(f"{level} {count} 次" for level, count in by_level.items())
    at_cap = f"，已到上限 {found.visit_cap} 次" if len(visits) >= found.visit_cap else ""
    st.markdown(f"**{plain(name)}**：{found.year} 年督查 {len(visits)} 次（{said}）{at_cap}。")
    st.dataframe(
        visits,
        hide_index=True,
        column_config={
            "number": "督查编号",
            "on_date": st.column_config.DateColumn("日期", format="YYYY-MM-DD"),
            "level": "层级",
            "channel": "督查方式",
            "notice": "通知方式",
            "unit": "督查单位",
            "hazards": st.column_config.NumberColumn("发现隐患（处）", format="%d"),
        },
    )
