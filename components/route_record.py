"""What a team records on the way: visits with findings, schools lost, people absent.

Forms only: nothing is written while the page is drawn. A second press of the same button
writes the same again or nothing.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable
from hashlib import sha256

import streamlit as st

from components import session
from components.guard import guard
from components.route_cards import local_time
from components.school_list import plain
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.quick_draw import REASON_LIMIT
from domain.words import HazardCategory, Severity, StopOutcome
from services.rounds.field import (
    FINDING_LIMIT,
    MOST_DUE_DAYS,
    MOST_FINDINGS,
    Finding,
    OwnRoute,
    Stop,
    look_at_own_route,
    record_lost,
    record_no_show,
    record_visit,
)
from services.rounds.sheets import time_of

_SAID = "route-said"
TEAM = 0
"""Where a deed speaks up: beside the stop of that position, or beside the team."""
_STEP = dt.timedelta(minutes=5)
_DUE_DAYS = 15


def show_said(place: int) -> None:
    """Show once what the last deed at this place said; a phone has scrolled there."""
    kept = session.recall(_SAID)
    if kept is None or kept[0] != place:
        return
    session.forget(_SAID)
    _, text, is_fault = kept
    (st.error if is_fault else st.success)(text)


def record_forms(own: OwnRoute, stop: Stop) -> None:
    """Draw the ways to record one stop; a recorded one can be corrected."""
    stamp = _stamp(own.number, stop)
    label = {
        None: "记录督查情况",
        StopOutcome.VISITED: "更正记录",
        StopOutcome.LOST: "其实到了，补记督查情况",
    }[stop.outcome]
    with st.expander(label, icon=":material/edit_note:"):
        if stop.outcome is not None:
            _visit_form(own, stop, stamp)
            return
        came, lost = st.tabs(["到校督查", "未能督查"])
        with came:
            _visit_form(own, stop, stamp)
        with lost:
            _lost_form(own, stop, stamp)


def no_show_form(own: OwnRoute) -> None:
    """Draw the way to record that somebody of the team did not come."""
    present = {m.code: m.name for m in own.members if not m.absent_reason}
    with (
        st.expander("有人未到", icon=":material/person_off:"),
        st.form("route-absent", border=False, enter_to_submit=False),
    ):
        st.selectbox(
            "未到的人",
            list(present),
            index=None,
            format_func=lambda code: present.get(code, code),
            placeholder="请选择",
            key="route-absent-who",
        )
        st.text_input("未到的原因", max_chars=REASON_LIMIT, key="route-absent-why")
        st.caption("记下后不能撤回，未到的人不再能看本队路线。到场不足两人，不得进校督查。")
        st.form_submit_button("记为未到", on_click=_save_absent, args=(own.number,))


def _visit_form(own: OwnRoute, stop: Stop, stamp: str) -> None:
    more = f"route-more-{stamp}"
    count = min(max(len(stop.findings), 1) + (session.recall(more) or 0), MOST_FINDINGS)
    with st.form(f"route-visit-{stamp}", border=False, enter_to_submit=False):
        arrived, left = st.columns(2)
        arrived.time_input(
            "到校时间", value=_first_time(stop, "arrive"), step=_STEP, key=f"route-in-{stamp}"
        )
        left.time_input(
            "离校时间", value=_first_time(stop, "leave"), step=_STEP, key=f"route-out-{stamp}"
        )
        st.caption("发现的隐患逐条写；没有隐患的，描述留空直接保存。")
        for at in range(count):
            _finding_fields(stop, at, stamp)
        args = (own.number, stop.position, stop.code, stamp, count)
        with st.container(horizontal=True):
            st.form_submit_button(
                "保存", type="primary", on_click=_save_visit, args=args, key=f"route-save-{stamp}"
            )
            if count < MOST_FINDINGS:
                st.form_submit_button(
                    "再加一条隐患",
                    icon=":material/add:",
                    on_click=_add_finding,
                    args=(more,),
                    key=f"route-add-{stamp}",
                )


def _finding_fields(stop: Stop, at: int, stamp: str) -> None:
    kept = stop.findings[at] if at < len(stop.findings) else None
    key = f"{at}-{stamp}"
    with st.container(border=True, gap="small"):
        st.text_area(
            f"隐患 {at + 1} 描述",
            value=kept.description if kept else "",
            max_chars=FINDING_LIMIT,
            height=80,
            key=f"route-text-{key}",
        )
        kind, days = st.columns(2)
        categories = list(HazardCategory)
        kind.selectbox(
            "类别",
            [category.value for category in categories],
            index=categories.index(kept.category) if kept else 0,
            format_func=lambda value: HazardCategory(value).label,
            key=f"route-category-{key}",
        )
        days.number_input(
            "整改天数（0 为当场改好）",
            min_value=0,
            max_value=MOST_DUE_DAYS,
            value=kept.due_days if kept else _DUE_DAYS,
            key=f"route-days-{key}",
        )
        st.segmented_control(
            "等级",
            [severity.value for severity in Severity],
            default=(kept.severity if kept else Severity.GENERAL).value,
            format_func=lambda value: Severity(value).label,
            required=True,
            key=f"route-severity-{key}",
        )


def _lost_form(own: OwnRoute, stop: Stop, stamp: str) -> None:
    with st.form(f"route-lost-{stamp}", border=False, enter_to_submit=False):
        st.text_input("未能督查的原因", max_chars=REASON_LIMIT, key=f"route-why-{stamp}")
        st.caption(
            "必查学校没有替补。记下原因后仍可补记督查情况。"
            if stop.is_must_visit
            else "保存后由后备学校替补，加到本队路线末尾；替补不能撤回，连同原因在启封时公开。"
        )
        st.form_submit_button(
            "记为未能督查",
            on_click=_save_lost,
            args=(own.number, stop.position, stop.code, stop.is_must_visit, stamp),
            key=f"route-lose-{stamp}",
        )


def _stamp(number: str, stop: Stop) -> str:
    """Return a key that changes with what is stored, so that no form shows what is outdated.

    It says nothing of the school: keys of fields are no place for a code.
    """
    stored = repr((number, stop.outcome, stop.arrived_at, stop.left_at, stop.findings))
    return f"{stop.position}-{sha256(stored.encode()).hexdigest()[:8]}"


def _first_time(stop: Stop, which: str) -> dt.time | None:
    if which == "arrive":
        return local_time(stop.arrived_at) or time_of(stop.arrive_min)
    return local_time(stop.left_at) or time_of(stop.leave_min)


def _add_finding(more: str) -> None:
    guard(Permission.VIEW_OWN_ROUTE)
    session.remember(more, (session.recall(more) or 0) + 1)


def _save_visit(number: str, position: int, code: str, stamp: str, count: int) -> None:
    def save(actor: Actor) -> str:
        arrived, left = session.recall(f"route-in-{stamp}"), session.recall(f"route-out-{stamp}")
        if arrived is None or left is None:
            raise UserError("没有填到校时间或离校时间。", "请补填后再保存。")
        record_visit(
            actor,
            session.house(),
            number=number,
            code=code,
            arrived=arrived,
            left=left,
            findings=[found for at in range(count) if (found := _finding(f"{at}-{stamp}"))],
        )
        return "已保存。"

    _write(position, save)


def _finding(key: str) -> Finding | None:
    """Return a finding as typed; ``None`` where its description is empty."""
    description = (session.recall(f"route-text-{key}") or "").strip()
    if not description:
        return None
    return Finding(
        HazardCategory(session.recall(f"route-category-{key}")),
        Severity(session.recall(f"route-severity-{key}")),
        description,
        int(session.recall(f"route-days-{key}") or 0),
    )


def _save_lost(number: str, position: int, code: str, is_must_visit: bool, stamp: str) -> None:
    def save(actor: Actor) -> str:
        reason = session.recall(f"route-why-{stamp}") or ""
        try:
            name = record_lost(actor, session.house(), number=number, code=code, reason=reason)
        except UserError:
            own = look_at_own_route(actor, session.house(), number=number)
            if not _is_lost(own, code, reason):
                raise
            # Pressed twice: the first press did it.
            name = next((stop.name for stop in own.stops if stop.replaces == code), "")
        if name:
            return f"已记录。替补学校：**{plain(name)}**，已加到路线末尾。"
        return "已记录。" if is_must_visit else "已记录。后备学校已用完，没有替补。"

    _write(position, save)


def _is_lost(own: OwnRoute, code: str, reason: str) -> bool:
    return any(
        stop.code == code and stop.outcome is StopOutcome.LOST and _same(stop.reason, reason)
        for stop in own.stops
    )


def _same(kept: str, typed: str) -> bool:
    return kept.split() == unicodedata.normalize("NFC", typed).split()


def _save_absent(number: str) -> None:
    def save(actor: Actor) -> str:
        code = session.recall("route-absent-who")
        if not code:
            raise UserError("没有选未到的人。", "请先选人，再写原因。")
        reason = session.recall("route-absent-why") or ""
        try:
            record_no_show(
                actor, session.house(), number=number, inspector_code=code, reason=reason
            )
        except UserError:
            own = look_at_own_route(actor, session.house(), number=number)
            absent = {member.code: member.absent_reason for member in own.members}
            if not reason or not _same(absent.get(code, ""), reason):
                raise
        return "已记为未到。"

    _write(TEAM, save)


def _write(place: int, save: Callable[[Actor], str]) -> None:
    """Write in a callback; keep for the next run what it said or what was wrong."""
    actor = guard(Permission.VIEW_OWN_ROUTE)
    try:
        session.remember(_SAID, (place, save(actor), False))
    except UserError as error:
        session.remember(_SAID, (place, f"**{error.message}** {error.next_step}", True))
