"""The record of draws: the year's attempts, one draw with its list, and the ways on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from components import session
from components.guard import guard
from components.route_quick import show_day, show_drawn_map
from components.school_list import plain
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.quick_draw import REASON_LIMIT
from domain.words import DrawForm, DrawStatus
from services.draw_list import DrawFacts, list_drawn, read_draw
from services.draws import complete_draw, use_draw, void_draw
from services.visits import list_unvisited, record_quick_visits

_FAULT = "draw-step-fault"
_REASON = "draw-void-reason"
_VISIT_DAY, _VISITED = "draw-visit-day", "draw-visited"


def show_attempts(attempts: pd.DataFrame) -> None:
    """Show all attempts of the year; a press on a row opens that draw."""
    st.subheader("本年抽取记录")
    if attempts.empty:
        st.info("本年还没有抽取。每一次尝试都会留在这里，不论是否采用。")
        return
    used = int(attempts["used"].sum())
    st.caption(
        f"共 {len(attempts)} 次，采用 {used} 次、{int(attempts.loc[attempts['used'], 'n'].sum())} 所次。"
        "点一行看名单；同一事由抽了几次，一看便知。"
    )
    st.dataframe(
        attempts.assign(committed_at=attempts["committed_at"].dt.tz_convert("Asia/Shanghai")),
        hide_index=True,
        on_select=partial(_open_row, attempts["number"].tolist()),
        selection_mode="single-row",
        key="draw-list",
        column_config={
            "number": "抽取编号",
            "title": "事由",
            "attempt": st.column_config.NumberColumn("第几次", format="%d"),
            "level": "层级",
            "district": "区县",
            "status": "状态",
            "used": st.column_config.CheckboxColumn("采用"),
            "committed_by": "账号",
            "committed_at": st.column_config.DatetimeColumn("承诺时间", format="MM-DD HH:mm:ss"),
            "value_source": "随机来源",
            "value": "公开值",
            "n": "抽取数",
            "schools": "范围校数",
            "frame": "名录库 F",
            "void_reason": "作废原因",
        },
    )


def _open_row(numbers: list[str]) -> None:
    rows = (session.recall("draw-list") or {}).get("selection", {}).get("rows", [])
    if rows:
        st.query_params["draw"] = numbers[rows[0]]


def show_chosen(actor: Actor) -> None:
    """Show the draw that the address names: facts, list, downloads, and what can be done."""
    fault = session.recall(_FAULT)
    if fault:
        st.error(fault)
        session.forget(_FAULT)
    number = st.query_params.get("draw", "")
    if not number:
        return
    try:
        facts = read_draw(actor, session.house(), number=number)
    except UserError as error:
        st.warning(f"{error.message}{error.next_step}")
        return
    with st.container(border=True):
        _show_facts(facts)
        if facts.status is DrawStatus.DRAWN:
            _show_list(actor, facts)
        if actor.may(Permission.DRAW):
            _show_steps(facts)
            if facts.used_by and facts.form is DrawForm.QUICK:
                _offer_visits(actor, facts.number)
        show_day(actor, facts)


def _show_facts(facts: DrawFacts) -> None:
    mark = "，已采用" if facts.used_by else ""
    st.markdown(
        f"### {facts.number} {plain(facts.title)}\n{facts.level.label}抽取，"
        f"{facts.schools:,} 所中抽 {facts.n:,} 所。状态：**{facts.status.label}{mark}**。"
        f"公开值：{plain(facts.value) or '（尚无）'}"
    )
    if facts.void_reason:
        st.markdown(f"作废原因：{plain(facts.void_reason)}")
    st.caption(
        f"名录库 F `{facts.frame_hash}`  \n参数 P `{facts.parameters_hash}`  \n链头 `{facts.head}`"
    )


def _show_list(actor: Actor, facts: DrawFacts) -> None:
    drawn = list_drawn(actor, session.house(), number=facts.number)
    show_drawn_map(actor, facts.number)
    with st.container(key="draw-table"):
        st.dataframe(
            drawn.assign(map="/?school=" + drawn["code"].astype(str)),
            hide_index=True,
            column_config={
                "position": st.column_config.NumberColumn("序号", format="%d"),
                "code": "学校代码",
                "name": "学校名称",
                "district": "区县",
                "kind": "学段",
                "chance": "抽中机会",
                "percent": st.column_config.NumberColumn("折合", format="%.2f%%"),
                "visits": "本年已查",
                "used": "另在采用名单",
                "warning": "提示",
                "address": "地址",
                "phone": "值班电话",
                "map": st.column_config.LinkColumn("一张图", display_text="在地图上看"),
            },
        )
    capped = drawn.loc[drawn["warning"] != "", "name"].tolist()
    if capped:
        st.warning(f"{'、'.join(map(plain, capped))}：{drawn['warning'].max()}。")
    with st.container(horizontal=True):
        st.link_button(
            "下载名单", f"/files/draws/{facts.number}/list.xlsx", icon=":material/download:"
        )
        st.link_button(
            "下载凭证", f"/files/draws/{facts.number}/certificate.pdf", icon=":material/download:"
        )
        st.link_button(
            "下载复算包", f"/files/draws/{facts.number}/pack.zip", icon=":material/download:"
        )
        st.link_button("复算这次抽取", f"/replay?draw={facts.number}", icon=":material/verified:")


def _offer_visits(actor: Actor, number: str) -> None:
    """Let whoever made the visits say so: only then do they count."""
    left = list_unvisited(actor, session.house(), number=number)
    if not left:
        st.caption("名单上的学校都已登记督查，已计入本年覆盖。")
        return
    today = session.house().today()
    with st.expander(f"登记已督查的学校（还有 {len(left)} 所未登记）"):
        st.caption("登记之后计入本年覆盖和每校督查次数；没有登记的不算查过。")
        st.date_input("督查日期", value=today, max_value=today, key=_VISIT_DAY)
        st.multiselect(
            "已督查的学校",
            list(left),
            format_func=lambda code: left[code],
            placeholder="选择学校",
            key=_VISITED,
        )
        st.button("登记督查", on_click=_record_visits, args=(number,), key="draw-visits")


def _record_visits(number: str) -> None:
    verb = partial(
        record_quick_visits,
        on=session.recall(_VISIT_DAY),
        codes=tuple(session.recall(_VISITED) or ()),
    )
    _step(verb, number)
    session.forget(_VISITED)


def _show_steps(facts: DrawFacts) -> None:
    if facts.status is DrawStatus.DRAWN and not facts.used_by:
        st.button(
            "采用这次抽取",
            type="primary",
            on_click=_step,
            args=(use_draw, facts.number),
            key="draw-use",
            help="计入本年；同一事由只能采用一次，其余尝试仍列在记录中。",
        )
    if facts.status is not DrawStatus.COMMITTED:
        return
    st.warning("已承诺，没有结果：上次按下后中断了。一个编号只抽一次。")
    if facts.can_complete:
        st.button(
            "用承诺的公开值补完",
            type="primary",
            on_click=_step,
            args=(complete_draw, facts.number),
            key="draw-complete",
        )
    st.text_input("作废原因", max_chars=REASON_LIMIT, key=_REASON)
    st.button("作废", on_click=_void, args=(facts.number,), key="draw-void")


def _step(verb: Callable[..., object], number: str) -> None:
    actor = guard(Permission.DRAW)
    try:
        verb(actor, session.house(), number=number)
    except UserError as error:
        session.remember(_FAULT, f"**{error.message}** {error.next_step}")


def _void(number: str) -> None:
    _step(partial(void_draw, reason=session.recall(_REASON) or ""), number)
