"""The day of a quick draw on screen: its schools on a map, then routes and teams on demand."""

from __future__ import annotations

import datetime as dt
from html import escape
from urllib.parse import quote

import streamlit as st

from components import session
from components.guard import guard
from components.route_cards import apply_style, day_text, phone_link, show
from components.route_map import HEIGHT_MM, WIDTH_MM, show_picture
from components.school_list import plain
from domain.access import Actor, Permission
from domain.day_task import E7, clock
from domain.errors import UserError
from domain.plan import MOST_TEAM_SIZE, MOST_TEAMS, DayTerms
from domain.quick_day import DayOrder
from services.draw_list import DrawFacts
from services.plans.places import StartPlace
from services.quick_rounds import (
    NOT_REPLAYED,
    DayMember,
    DayStopFacts,
    QuickDay,
    TeamDay,
    has_day,
    list_day_people,
    list_drawn_places,
    list_starts,
    plan_quick_day,
)
from services.rounds.sheets import place_of, time_of
from services.route_sketch import sketch_route

PARAM = "day"
MOST_NUMBERS = 60
"""More numbered marks cover each other on a phone; then points alone."""
SCHOOLS_A_TEAM = 5
_FAULT = "quick-day-fault"
_DAY = DayTerms()


def show_drawn_map(actor: Actor, number: str) -> None:
    """Show the drawn schools on a small map; on a phone the list beside it in full words."""
    apply_style()
    stops = list_drawn_places(actor, session.house(), number=number)
    picture, words = st.columns([2, 3], gap="medium")
    with picture:
        _show_places(stops)
        st.caption("圆圈内为名单序号，黑点为学校位置；点校名在一张图上看它的周边。")
    with words, st.container(key="draw-phone-list"):
        show("".join(_school_row(stop) for stop in stops))


def show_day(actor: Actor, facts: DrawFacts) -> None:
    """Offer routes and teams of a quick draw in use, and show those the address orders."""
    if not has_day(actor, session.house(), number=facts.number):
        return
    asked = st.query_params.get(PARAM, "")
    fault = session.recall(_FAULT)
    session.forget(_FAULT)
    with st.expander("当天的路线和队伍", expanded=bool(asked or fault), icon=":material/route:"):
        if fault:
            st.error(fault)
        try:
            order = DayOrder.from_query(asked) if asked else None
            _order_form(actor, facts, order)
            if order is not None:
                _show_planned(
                    plan_quick_day(actor, session.house(), number=facts.number, order=order)
                )
        except UserError as error:
            st.error(f"**{error.message}** {error.next_step}")


def _show_places(stops: tuple[DayStopFacts, ...]) -> None:
    sketch = sketch_route(
        session.house(),
        start=None,
        stops=[place_of(stop.lon, stop.lat) for stop in stops],
        width_mm=WIDTH_MM,
        height_mm=HEIGHT_MM,
    )
    show_picture(
        sketch,
        says=f"抽中的 {len(stops)} 所学校的位置示意图",
        has_way=False,
        has_numbers=len(stops) <= MOST_NUMBERS,
    )


def _school_row(stop: DayStopFacts) -> str:
    where = "　".join(escape(part) for part in (stop.district, stop.address) if part)
    phone = f"　{phone_link(stop.phone)}" if stop.phone else ""
    return (
        f'<div class="row"><b>{stop.position}</b><div><a href="/?school={quote(stop.code, safe="")}" '
        f'target="_blank">{escape(stop.name)}</a><p class="facts">{where}{phone}</p></div></div>'
    )


def _order_form(actor: Actor, facts: DrawFacts, order: DayOrder | None) -> None:
    house = session.house()
    people = list_day_people(actor, house, number=facts.number)
    starts = list_starts(actor, house, number=facts.number)
    st.caption(
        f"{NOT_REPLAYED}队伍按规则（每队至少一名可带队、回避、不连续同一搭档）在合规方案中用本次抽取的种子"
        "等概率抽出；改动组数、出发地或可派人员，路线和队伍会随之改变。"
    )
    with st.form(f"day-{facts.number}", enter_to_submit=False):
        _when_and_where(facts, order, starts, people)
        names = {one.code: f"{one.name}{'（带队）' if one.can_lead else ''}" for one in people}
        st.multiselect(
            "可派人员",
            list(names),
            default=[code for code in order.people if code in names] if order else [],
            format_func=lambda code: names.get(code, code),
            placeholder=f"在册的都可派（{len(names)} 人）" if names else "督查人员名册中还没有人",
            select_all=False,
            key="day-people",
        )
        st.form_submit_button(
            "排路线和队伍", type="primary", on_click=_order, args=(starts,), key="day-press"
        )


def _when_and_where(
    facts: DrawFacts,
    order: DayOrder | None,
    starts: tuple[StartPlace, ...],
    people: tuple[DayMember, ...],
) -> None:
    leads = sum(one.can_lead for one in people)
    fitting = max(1, min(-(-facts.n // SCHOOLS_A_TEAM), leads, MOST_TEAMS))
    first, second, third, fourth = st.columns(4)
    first.date_input("督查日期", value=order.on if order else session.house().today(), key="day-on")
    second.number_input("几个队", 1, MOST_TEAMS, order.teams if order else fitting, key="day-teams")
    third.number_input(
        "每队几人", 2, MOST_TEAM_SIZE, order.team_size if order else _DAY.team_size, key="day-size"
    )
    fourth.number_input(
        "每校停留（分钟）", 10, 480, order.visit_min if order else _DAY.visit_min, step=5,
        key="day-visit",
    )  # fmt: skip
    first, second, third = st.columns([2, 1, 1])
    at = next((i for i, one in enumerate(starts) if order and one.name == order.start_name), 0)
    first.selectbox(
        "出发地",
        range(len(starts)),
        index=at if starts else None,
        format_func=lambda i: starts[i].name if i < len(starts) else "",
        key="day-start",
        help="“示意”取辖区中部，实际从别处出发的，可选一所学校代替，或在下面填经纬度。",
    )
    step = dt.timedelta(minutes=15)
    second.time_input(
        "出发", value=time_of(order.from_min if order else _DAY.from_min), step=step, key="day-from"
    )
    third.time_input(
        "收工", value=time_of(order.to_min if order else _DAY.to_min), step=step, key="day-to"
    )
    is_typed = order is not None and all(one.name != order.start_name for one in starts)
    first.text_input(
        "或填出发地的经纬度（WGS 84）",
        value=f"{order.start_lon:.5f}, {order.start_lat:.5f}" if order and is_typed else "",
        placeholder="例如 118.02000, 33.02000；不填按上面所选",
        key="day-lonlat",
    )


def _order(starts: tuple[StartPlace, ...]) -> None:
    """Put what was ordered into the address (a form's callback): a link restores the day."""
    guard(Permission.VIEW_DRAWS)
    try:
        start = _start(starts)
        begin, end = session.recall("day-from"), session.recall("day-to")
        if begin is None or end is None or session.recall("day-on") is None:
            raise UserError("日期、出发或收工时间没有填。", "请补填后再按一次。")
        order = DayOrder(
            on=session.recall("day-on"),
            start_name=start.name,
            start_lon=start.lon,
            start_lat=start.lat,
            teams=int(session.recall("day-teams") or 1),
            team_size=int(session.recall("day-size") or 2),
            from_min=begin.hour * 60 + begin.minute,
            to_min=end.hour * 60 + end.minute,
            visit_min=int(session.recall("day-visit") or _DAY.visit_min),
            people=tuple(sorted(session.recall("day-people") or ())),
        )
    except UserError as error:
        session.remember(_FAULT, f"**{error.message}** {error.next_step}")
    else:
        st.query_params[PARAM] = order.to_query()


def _start(starts: tuple[StartPlace, ...]) -> StartPlace:
    typed = (session.recall("day-lonlat") or "").replace("，", ",").strip()
    if typed:
        try:
            lon, lat = (float(part) for part in typed.split(","))
        except ValueError as error:
            raise UserError("出发地的经纬度写法不对。", "请写成 118.02000, 33.02000。") from error
        return StartPlace("所填地点", lon, lat)
    at = session.recall("day-start")
    if at is None or not 0 <= at < len(starts):
        raise UserError("没有选出发地。", "请选一处，或填经纬度。")
    return starts[at]


def _show_planned(day: QuickDay) -> None:
    st.warning("简易抽取不封存：能看这次抽取的人都能看到下面的路线和队伍。")
    if day.fault:
        st.error(f"**排不出队伍。**{day.fault}下面只有路线。")
    elif day.method is not None:
        count = f"，共 {int(day.count):,} 种合规方案" if day.count else ""
        st.caption(f"队伍：{day.method.label}{count}。行程：{day.basis}。")
    if day.gone:
        st.warning(f"没有位置、未排入：{'、'.join(map(plain, day.gone))}。")
    for team in day.teams:
        _show_team_day(day, team)


def _show_team_day(day: QuickDay, team: TeamDay) -> None:
    with st.container(border=True, key=f"route-stop-{team.route.id}"):
        show(
            f"<h2>第 {escape(team.route.id)} 队</h2>"
            f'<p class="facts">{day_text(team.route, len(team.stops))}</p>'
        )
        picture, words = st.columns([2, 3], gap="medium")
        with words:
            rows = [_stop_row(stop, at) for at, stop in enumerate(team.stops, start=1)]
            show(_people(team) + "".join(rows))
            st.link_button(
                "下载督查路线单（含检查要点）",
                f"/files/draws/{quote(day.number, safe='')}/routes/{team.route.id}.pdf"
                f"?{day.order.to_query()}",
                icon=":material/download:",
            )
        with picture:
            sketch = sketch_route(
                session.house(),
                start=(day.order.start_lon, day.order.start_lat),
                stops=[place_of(stop.lon, stop.lat) for stop in team.stops],
                path=[(lon / E7, lat / E7) for lon, lat in team.route.path],
                width_mm=WIDTH_MM,
                height_mm=HEIGHT_MM,
            )
            show_picture(
                sketch, says=f"第 {team.route.id} 队路线示意图，共 {len(team.stops)} 所学校"
            )
            st.caption("示意，不作导航用；圆圈内为到校次序。")


def _people(team: TeamDay) -> str:
    if not team.members:
        return ""
    rows = "".join(
        f"<li><b>{escape(one.name)}</b>{'<em>带队</em>' if one.can_lead else ''}"
        f"<small>{escape(one.unit)}</small>{phone_link(one.phone) if one.phone else ''}</li>"
        for one in team.members
    )
    return f'<ul class="team">{rows}</ul>'


def _stop_row(stop: DayStopFacts, at: int) -> str:
    when = (
        f"{clock(stop.arrive_min)}–{clock(stop.leave_min)}"
        if stop.arrive_min is not None and stop.leave_min is not None
        else "未排时间"
    )
    where = "　".join(escape(part) for part in (stop.district, stop.address) if part)
    phone = f"　{phone_link(stop.phone)}" if stop.phone else ""
    late = f"<p><em class='lost'>{escape(stop.reason)}</em></p>" if stop.reason else ""
    return (
        f'<div class="row"><b>{at}</b><div><span class="when">{when}</span>　'
        f'<strong>{escape(stop.name)}</strong><p class="facts">{where}{phone}</p>{late}</div></div>'
    )
