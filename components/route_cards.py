"""A team's day as it reads on a phone: banner, people, map, one card a school."""

from __future__ import annotations

import datetime as dt
import re
from html import escape

import streamlit as st

from components import session
from components.route_map import HEIGHT_MM, WIDTH_MM, Look, show_picture
from domain.day_plan import DayRoute
from domain.day_task import E7, clock
from domain.words import StopOutcome
from services.house import LOCAL_ZONE
from services.rounds.field import Finding, Member, OwnRoute, Stop
from services.rounds.sheets import due_on, place_of
from services.route_sketch import sketch_route
from settings import ROOT

_CSS = (ROOT / "static" / "route.css").read_text(encoding="utf-8")
_DIALLED = re.compile(r"\+?[\d\s()（）—-]{5,}")
_WEEKDAYS = "一二三四五六日"
_LOOKS = {StopOutcome.VISITED: Look.DONE, StopOutcome.LOST: Look.LOST, None: Look.OPEN}


def apply_style() -> None:
    """Put the routes' styles on the page."""
    st.html(f"<style>{_CSS}</style>")


def show(body: str) -> None:
    """Show markup of ours; whatever is not ours has been escaped by the caller."""
    st.html(f'<div class="csm-route">{body}</div>')


def date_text(day: dt.date) -> str:
    """Return a date with its weekday."""
    return f"{day.year} 年 {day.month} 月 {day.day} 日（周{_WEEKDAYS[day.weekday()]}）"


def phone_link(phone: str) -> str:
    """Return a number that a phone dials when pressed, or the text where it is no number."""
    found = _DIALLED.match(phone.strip())
    if not found:
        return escape(phone)
    dialled = re.sub(r"[^\d+]", "", found[0])
    return f'<a href="tel:{dialled}">{escape(phone)}</a>'


def day_text(route: DayRoute | None, schools: int) -> str:
    """Say how long and how far the planned day is."""
    if route is None:
        return f"<b>{schools}</b> 所学校"
    return (
        f"<b>{schools}</b> 所学校，<b>{clock(route.depart_min)}</b> 出发，"
        f"约 <b>{clock(route.back_min)}</b> 返回，行程约 {route.total_m / 1000:.1f} 公里"
    )


def show_head(own: OwnRoute) -> None:
    """Show whether the round is sealed, when and from where the team sets out."""
    seal = (
        '<div class="sealed">封存中，不得外传</div>'
        if own.is_sealed
        else '<div class="opened">已启封，只供查看，不能再改</div>'
    )
    start = f"出发地：{escape(own.start_name)}" if own.start_name else ""
    show(
        f"{seal}<h2>{date_text(own.departs_on)}</h2>"
        f'<p class="facts">{escape(own.title)}</p><p class="facts">{escape(own.number)}　第 {escape(own.route_name)} 队</p>'
        f'<p class="facts">{day_text(own.route, len(own.stops))}</p><p class="facts">{start}</p>'
    )


def show_team(members: tuple[Member, ...]) -> None:
    """Show the team with its leads and telephones."""
    rows = []
    for member in members:
        lead = "<em>带队</em>" if member.can_lead else ""
        absent = f"<em class='lost'>未到：{escape(member.absent_reason)}</em>"
        phone = phone_link(member.phone) if member.phone else ""
        rows.append(
            f'<li class="{"absent" if member.absent_reason else ""}"><b>{escape(member.name)}</b>{lead}'
            f"{absent if member.absent_reason else ''}<small>{escape(member.unit)}</small>{phone}</li>"
        )
    show(f'<ul class="team">{"".join(rows)}</ul>')


def show_own_map(own: OwnRoute) -> None:
    """Show the own route: the planned way along the roads, what came later as a dashed line."""
    path = own.route.path if own.route else ()
    labels = {stop.position: str(at) for at, stop in enumerate(own.stops, start=1)}
    planned = [stop for stop in own.stops if not stop.replaces]
    later = [stop for stop in own.stops if stop.replaces]
    sketch = sketch_route(
        session.house(),
        start=place_of(own.start_lon, own.start_lat),
        stops=[place_of(stop.lon, stop.lat) for stop in own.stops],
        path=[(lon / E7, lat / E7) for lon, lat in path],
        width_mm=WIDTH_MM,
        height_mm=HEIGHT_MM,
    )
    show_picture(
        sketch,
        says=f"本队路线示意图，共 {len(own.stops)} 所学校，圆圈内为到校次序",
        looks={labels[stop.position]: _LOOKS[stop.outcome] for stop in own.stops},
        detour=[labels[stop.position] for stop in (*planned[-1:], *later)] if later else (),
    )
    dashed = "橙色虚线通往替补学校，未重排时间。" if later else ""
    st.caption(f"示意，不作导航用；黑点为学校位置。{dashed}{own.basis}。")


def stop_card(stop: Stop, at: int, *, on: dt.date) -> str:
    """Return one school of the day as markup; ``at`` is its number on the map."""
    outcome = stop.outcome.value if stop.outcome else "open"
    planned = (
        f"{clock(stop.arrive_min)}–{clock(stop.leave_min)}"
        if stop.arrive_min is not None and stop.leave_min is not None
        else "未排时间"
    )
    marks = "".join(
        (
            "<em class='must'>必查</em>" if stop.is_must_visit else "",
            "<em class='extra'>替补</em>" if stop.replaces else "",
            f"<em class='{outcome}'>{stop.outcome.label if stop.outcome else '待督查'}</em>",
        )
    )
    where = "　".join(escape(part) for part in (stop.district, stop.address) if part)
    phone = f"值班电话 {phone_link(stop.phone)}" if stop.phone else "值班电话未登记"
    return (
        f'<div class="stop {outcome}"><span class="no">{at}</span><div>'
        f'<p><span class="when">{planned}</span>　{marks}</p><h3>{escape(stop.name)}</h3>'
        f'<p class="facts">{where or "地址未登记"}</p><p>{phone}</p>'
        f"{_became(stop, on=on)}</div></div>"
    )


def _became(stop: Stop, *, on: dt.date) -> str:
    if stop.outcome is StopOutcome.LOST:
        return f"<p>原因：{escape(stop.reason)}</p>"
    if stop.outcome is None:
        return ""
    arrived, left = local_time(stop.arrived_at), local_time(stop.left_at)
    times = f"<p>实际 <b>{arrived:%H:%M}–{left:%H:%M}</b></p>" if arrived and left else ""
    return times + findings_list(stop.findings, on=on)


def findings_list(findings: tuple[Finding, ...], *, on: dt.date) -> str:
    """Return what was found on a day as markup."""
    if not findings:
        return "<p>未发现隐患。</p>"
    rows = "".join(
        f"<li>{escape(one.description)}<br><small>{one.category.label}　{one.severity.label}　"
        f"{due_text(one, on=on)}</small></li>"
        for one in findings
    )
    return f'<ol class="found">{rows}</ol>'


def due_text(finding: Finding, *, on: dt.date) -> str:
    """Say until when a finding is to be rectified."""
    if not finding.due_days:
        return "立行立改"
    return f"限 {due_on(finding, on=on):%Y-%m-%d} 前整改（{finding.due_days} 天）"


def local_time(at: dt.datetime | None) -> dt.time | None:
    """Return an instant's clock time here; ``None`` where there is none."""
    return at.astimezone(LOCAL_ZONE).time() if at else None
