"""One inspector: who it is, from which schools to stay away, which rounds lie behind."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

import streamlit as st

from components import session
from components.inspector_form import inspector_form
from components.inspector_state import attempt, back_button
from components.school_list import plain
from domain.access import Actor, Permission
from domain.words import TieKind
from services.inspector_changes import set_inspector_active
from services.inspector_duties import Duties, read_duties
from services.inspector_ties import (
    FORMER_YEARS,
    NOTE_LIMIT,
    add_tie,
    find_schools,
    list_ties,
    may_change_ties,
    read_day,
    remove_tie,
)
from services.inspectors import SEARCH_LIMIT, InspectorFacts, read_inspector

_Q, _SCHOOL, _KIND, _LEFT, _NOTE = (
    "tie-q", "tie-school", "tie-kind", "tie-left", "tie-note",
)  # fmt: skip


def show_person(actor: Actor, code: str) -> None:
    """Show a person; raises ``NotFound`` outside the actor's scope."""
    facts = read_inspector(actor, session.house(), code=code)
    back_button()
    left, right = st.columns(2, gap="large")
    with left:
        _show_facts(actor, facts)
        _show_duties(read_duties(actor, session.house(), code=code))
    with right:
        _show_ties(actor, facts)
        if facts.may_edit:
            with st.expander("修改资料"):
                inspector_form(actor, facts)
            _draw_state(facts)


def _show_facts(actor: Actor, facts: InspectorFacts) -> None:
    rows = [
        ("工号", facts.code),
        ("类别", facts.kind.label),
        ("层级", facts.level.label),
        ("所属区县", facts.district or "—"),
        ("单位", facts.unit or "未登记"),
        ("资格", facts.qualifications or "未登记"),
        ("可带队", "是" if facts.can_lead else "否"),
    ]
    if actor.may(Permission.MANAGE_INSPECTORS):
        account = (
            f"{facts.account_login}（{facts.account_name}）" if facts.account_login else "未关联"
        )
        rows += [("电话", facts.phone or "未登记"), ("关联账号", account)]
    cells = "".join(
        f"<div><span>{escape(name)}</span><b>{escape(value)}</b></div>" for name, value in rows
    )
    state = "" if facts.is_active else ' <em class="late">已停用</em>'
    st.html(
        f'<div class="csm-card"><h2>{escape(facts.name)}{state}</h2>'
        f'<div class="grid">{cells}</div></div>'
    )


def _show_duties(duties: Duties) -> None:
    st.html('<div class="csm-card"><h3>出勤</h3></div>')
    st.markdown(f"{duties.year} 年出勤 **{len(duties.rounds)}** 次。")
    if len(duties.rounds):
        st.dataframe(
            duties.rounds,
            hide_index=True,
            key="inspector-rounds",
            column_config={
                "number": "抽取编号",
                "title": "事由",
                "day": st.column_config.DateColumn("出发日", format="YYYY-MM-DD"),
                "route": "路线",
                "lead": st.column_config.CheckboxColumn("可带队", width="small"),
                "schools": st.column_config.NumberColumn("学校（所）", format="%d", width="small"),
            },
        )
    if duties.last_number:
        day = f"（{duties.last_day:%Y-%m-%d}）" if duties.last_day else ""
        partners = "、".join(map(plain, duties.last_partners)) or "无"
        schools = "、".join(map(plain, duties.last_schools)) or "无"
        st.markdown(
            f"上一次是 {plain(duties.last_number)}{day}。  \n上次搭档：{partners}。  \n"
            f"上次学校：{schools}。"
        )
        st.caption(
            "组队时据此回避：同一搭档不连续两次同队，同一学校不连续两次由同一人检查，"
            "所以下一次会避开上面的人和学校。"
        )
    st.caption("只计您看得到、且已有结果的抽取；封存中的不显示。")


def _show_ties(actor: Actor, facts: InspectorFacts) -> None:
    st.html('<div class="csm-card"><h3>回避登记</h3></div>')
    st.caption(
        f"申报的回避（亲属、利害关系等）没有期限，直到移除；曾任职的学校自离任日起回避满 {FORMER_YEARS} 年。"
        "抽出学校后组队自动避开；排不开时会在承诺之前指名说明，不会悄悄放宽。"
    )
    ties = list_ties(actor, session.house(), code=facts.code)
    may_change = may_change_ties(actor, session.house(), code=facts.code)
    if ties.empty:
        st.markdown("没有登记回避的学校。")
    for row in ties.to_dict("records"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(_tie_words(row), width="stretch")
            if may_change:
                _draw_removal(facts.code, int(row["id"]))
    if may_change:
        with st.expander("登记一所要回避的学校", expanded=bool(session.recall(_Q))):
            _draw_new_tie(actor, facts.code)


def _tie_words(row: dict[str, Any]) -> str:
    name = plain(row["school"]) if row["school"] else "外区县学校"
    said = f"**{name}**（{plain(row['school_code'])}）  \n:small[:gray[{row['kind']}"
    if row["left_on"]:
        said += f"，{row['left_on']:%Y-%m-%d} 离任，"
        said += (
            f"{row['free_on']:%Y-%m-%d} 起不再回避"
            if row["is_binding"]
            else f"已满 {FORMER_YEARS} 年，不再回避"
        )
    return said + (f"；{plain(row['note'])}" if row["note"] else "") + "]]"


def _draw_removal(code: str, tie_id: int) -> None:
    with st.popover("移除", type="tertiary"):
        st.text_input("移除原因", max_chars=NOTE_LIMIT, key=f"tie-reason-{tie_id}")
        st.button("确认移除", on_click=_remove, args=(code, tie_id), key=f"tie-remove-{tie_id}")


def _remove(code: str, tie_id: int) -> None:
    reason = session.recall(f"tie-reason-{tie_id}") or ""

    def remove(actor: Actor) -> str:
        remove_tie(actor, session.house(), code=code, tie_id=tie_id, reason=reason)
        return "已移除这条回避登记，原因记入审计日志。"

    attempt(remove)


def _draw_new_tie(actor: Actor, code: str) -> None:
    q = st.text_input(
        "查找学校",
        key=_Q,
        max_chars=SEARCH_LIMIT,
        placeholder="校名或代码的一部分",
        icon=":material/search:",
    )
    found = find_schools(actor, session.house(), q=q or "")
    if not found.total:
        st.caption("没有符合的学校。" if q else "先查找学校，再选是哪一种回避。")
        return
    names = dict(found.schools)
    if found.total > len(names):
        st.caption(f"共 {found.total} 所，只列前 {len(names)} 所，请多写几个字。")
    st.selectbox(
        "学校", list(names), format_func=lambda one: f"{names.get(one, '')}（{one}）", key=_SCHOOL
    )
    kind = TieKind(
        st.radio(
            "回避原因",
            [kind.value for kind in TieKind],
            format_func=lambda value: TieKind(value).label,
            horizontal=True,
            key=_KIND,
        )
    )
    if kind is TieKind.FORMER:
        st.text_input(
            "离任日",
            key=_LEFT,
            placeholder="例如 2024-06-30",
            help=f"自这一天起满 {FORMER_YEARS} 年不再回避；仍在任职的按申报的回避登记。",
        )
    st.text_input("说明（可不填）", max_chars=NOTE_LIMIT, key=_NOTE)
    st.button("登记回避", type="primary", on_click=_add, args=(code,), key="tie-add")


def _add(code: str) -> None:
    """Register what the fields say (a widget callback); empty them where it went through."""
    said = {key: session.recall(key) or "" for key in (_SCHOOL, _KIND, _LEFT, _NOTE)}

    def add(actor: Actor) -> str:
        kind = TieKind(said[_KIND])
        add_tie(
            actor,
            session.house(),
            code=code,
            school_code=said[_SCHOOL],
            kind=kind,
            left_on=read_day(said[_LEFT]) if kind is TieKind.FORMER else None,
            note=said[_NOTE],
        )
        return "已登记回避。"

    if attempt(add):
        for key in (_Q, _LEFT, _NOTE):
            session.remember(key, "")


def _draw_state(facts: InspectorFacts) -> None:
    if facts.is_active:
        st.caption("调离、请长假的人停用后不再参加组队；名册和历史都保留，可随时恢复。")
    st.button(
        "停用" if facts.is_active else "恢复在册",
        on_click=_set_active,
        args=(facts.code, facts.row_version, not facts.is_active),
        key="inspector-state",
    )


def _set_active(code: str, row_version: int, is_active: bool) -> None:
    change = partial(set_inspector_active, code=code, row_version=row_version, is_active=is_active)

    def set_state(actor: Actor) -> str:
        change(actor, session.house())
        return "已恢复在册。" if is_active else "已停用，不再参加组队。"

    attempt(set_state)
