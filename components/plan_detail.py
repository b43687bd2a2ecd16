"""One plan on screen: where it stands, what it says, what its reader can do next."""

from __future__ import annotations

from functools import partial
from html import escape
from urllib.parse import parse_qs

import streamlit as st

from components import session
from components.guard import guard
from components.plan_edit import edit_draft
from components.plan_preview import as_table, show, show_preview, show_rosters
from components.plan_simulation import show_simulation
from components.plan_state import ASKED, attempt, open_plan, window_names
from domain.access import Actor, Permission
from domain.plan import PlanTerms
from domain.quick_draw import REASON_LIMIT, Weighting
from domain.words import Ownership, PlanStatus, RiskLevel, SchoolKind, Word
from services.house import LOCAL_ZONE
from services.map_schools import load_school_table
from services.plans.preview import preview_frozen
from services.plans.records import PlanFacts
from services.plans.rosters import check_frozen_rosters
from services.plans.write import approve_plan, cancel_plan, copy_plan, return_plan

_STEPS = (PlanStatus.DRAFT, PlanStatus.SUBMITTED, PlanStatus.APPROVED)


def show_plan(actor: Actor, facts: PlanFacts) -> None:
    """Show one plan: the form where the reader may edit it, else its terms and preview."""
    _head(facts)
    if facts.may_edit:
        edit_draft(actor, facts)
        _copy_and_cancel(facts)
        return
    terms_side, seen_side = st.columns([2, 3], gap="medium")
    with terms_side:
        _decide(facts)
        if facts.status is PlanStatus.APPROVED and actor.may(Permission.DRAW):
            st.link_button("去封存抽取", "/draws", icon=":material/lock:")
        _terms(actor, facts)
        _copy_and_cancel(facts)
    with seen_side:
        if facts.frame_hash:
            seen = preview_frozen(actor, session.house(), number=facts.number)
            show_rosters(check_frozen_rosters(actor, session.house(), number=facts.number))
            show_preview(seen, facts.terms)
            show_simulation(seen.outlook)
        else:
            st.info("还没有提交，没有冻结的名录库；提交后在这里看每校机会和各项预测。")


def _head(facts: PlanFacts) -> None:
    scope = f"{facts.level.label}计划" + (f" · {facts.district}" if facts.district else "")
    steps = []
    for status in _STEPS:
        is_now = status is facts.status
        is_done = facts.status in _STEPS and _STEPS.index(status) < _STEPS.index(facts.status)
        mark = "now" if is_now else "done" if is_done else ""
        steps.append(f'<li class="{mark}">{status.label}<small>{_when(facts, status)}</small></li>')
    if facts.status is PlanStatus.CANCELLED:
        steps = [f'<li class="stopped">已撤销<small>{_when(facts, facts.status)}</small></li>']
    show(
        f'<div class="title"><h2>{escape(facts.title)}</h2><code>{facts.number}</code>'
        f'<span class="quiet">{escape(scope)}</span></div><ol class="steps">{"".join(steps)}</ol>'
        f'<div class="next">下一步：{escape(facts.next_step)}</div>'
    )


def _when(facts: PlanFacts, status: PlanStatus) -> str:
    who, at = {
        PlanStatus.DRAFT: (facts.created_by, facts.created_at),
        PlanStatus.SUBMITTED: (facts.submitted_by, facts.submitted_at),
        PlanStatus.APPROVED: (facts.decided_by, facts.decided_at),
        PlanStatus.CANCELLED: (facts.decided_by, facts.decided_at),
    }[status]
    reached = status is PlanStatus.DRAFT or (
        facts.status in _STEPS and status in _STEPS and _STEPS.index(status) <= _STEPS.index(facts.status)
    )  # fmt: skip
    if at is None or not (reached or status is PlanStatus.CANCELLED):
        return "&nbsp;"
    return f"{at.astimezone(LOCAL_ZONE):%m-%d %H:%M} {escape(who)}"


def _decide(facts: PlanFacts) -> None:
    if not facts.may_decide:
        return
    with st.container(border=True):
        st.markdown("**请批示**")
        if session.recall(ASKED) == f"approve-{facts.number}":
            st.warning("批准后计划不再变动，督查员即可按它承诺、抽取。确定批准？")
            note = st.text_input("批准意见（可不填）", max_chars=REASON_LIMIT, key="plan-note")
            with st.container(horizontal=True):
                st.button("确定批准", type="primary", on_click=_approve, args=(facts,), key="plan-approve-sure")  # fmt: skip
                st.button("返回", on_click=_ask, args=("",), key="plan-approve-back")
            return
        note = st.text_input("退回意见", max_chars=REASON_LIMIT, key="plan-return-note")
        with st.container(horizontal=True):
            st.button("批准", type="primary", on_click=_ask, args=(f"approve-{facts.number}",), key="plan-approve")  # fmt: skip
            st.button("退回修改", on_click=_return, args=(facts,), key="plan-return")
        if not note:
            st.caption("退回要写意见；退回后名录解除冻结，修改后重新提交。")


def _ask(mark: str) -> None:
    session.remember(ASKED, mark)


def _approve(facts: PlanFacts) -> None:
    actor = guard(Permission.APPROVE_PLANS)
    note = session.recall("plan-note") or ""
    _ask("")
    deed = partial(approve_plan, actor, session.house(), number=facts.number, note=note)
    attempt(partial(deed, row_version=facts.row_version), "已批准。")


def _return(facts: PlanFacts) -> None:
    actor = guard(Permission.APPROVE_PLANS)
    note = session.recall("plan-return-note") or ""
    deed = partial(return_plan, actor, session.house(), number=facts.number, note=note)
    attempt(partial(deed, row_version=facts.row_version), "已退回给拟定人。")


def _copy_and_cancel(facts: PlanFacts) -> None:
    if not facts.may_cancel and not facts.may_copy:
        return
    with st.container(horizontal=True):
        if facts.may_copy:
            st.button(
                "复制为新计划", on_click=_copy, args=(facts,), key="plan-copy", icon=":material/content_copy:"
            )  # fmt: skip
        if facts.may_cancel and session.recall(ASKED) != f"cancel-{facts.number}":
            st.button(
                "撤销计划", on_click=_ask, args=(f"cancel-{facts.number}",), key="plan-cancel"
            )
    if facts.may_cancel and session.recall(ASKED) == f"cancel-{facts.number}":
        st.warning("撤销后不能恢复，计划和原因仍列在册。")
        st.text_input("撤销原因", max_chars=REASON_LIMIT, key="plan-cancel-reason")
        with st.container(horizontal=True):
            st.button("确定撤销", on_click=_cancel, args=(facts,), key="plan-cancel-sure")
            st.button("返回", on_click=_ask, args=("",), key="plan-cancel-back")


def _cancel(facts: PlanFacts) -> None:
    actor = guard(Permission.VIEW_PLANS)
    reason = session.recall("plan-cancel-reason") or ""
    deed = partial(cancel_plan, actor, session.house(), number=facts.number, reason=reason)
    if attempt(partial(deed, row_version=facts.row_version), "已撤销。"):
        _ask("")


def _copy(facts: PlanFacts) -> None:
    actor = guard(Permission.EDIT_PLANS)
    attempt(lambda: open_plan(copy_plan(actor, session.house(), number=facts.number)), "已复制。")


def _terms(actor: Actor, facts: PlanFacts) -> None:
    terms = facts.terms
    day, roster = terms.day, terms.roster
    size = f"{terms.n:,} 所" if terms.n else f"名录的 {terms.share_permille / 10:g}%"
    start = day.start_name or "未设"
    if day.start_lon is not None and day.start_lat is not None:
        start += f"（{day.start_lon:.5f}, {day.start_lat:.5f}）"
    pairs = [
        ("期间", f"{terms.first_day:%Y-%m-%d} 至 {terms.last_day:%Y-%m-%d}"),
        ("督查方式", f"{terms.channel.label}，{terms.notice.label}"),
        ("范围", _scope_text(actor, terms)),
        ("分层", "区县 × 学段" + (" × 风险等级" if terms.by_risk_band else "")),
        ("数量", f"{size}，分 {terms.departures} 次出发，每次后备 {terms.reserve} 所"),
        ("权重", _weight_text(facts, terms.weighting)),
        ("回头看", f"ρ = {terms.rho_permille / 10:g}%；每校每年督查上限 {terms.visit_cap} 次"),
        ("名单", f"必查 {len(terms.must_visit)} 所；不参加 {len(terms.exclusions)} 所（另有停办、撤并）"),
        ("出发地点", start),
        ("当天", f"{_clock(day.from_min)}–{_clock(day.to_min)}，每校 {day.visit_min} 分钟，{day.teams} 队 × {day.team_size} 人"),
        ("到校时段", "、".join(window_names(day)) or "不限"),
        ("出勤", f"近 {roster.duty_days} 天每人至多 {roster.duty_cap} 次" if roster.duty_cap else "不设上限"),
        ("可放宽", "、".join(rule.label for rule in roster.relax) or "都不放宽"),
    ]  # fmt: skip
    as_table(pairs)
    if facts.frame_hash:
        show(f'<p class="quiet">冻结的名录库 F</p><p class="hash">{facts.frame_hash}</p>')


def _scope_text(actor: Actor, terms: PlanTerms) -> str:
    table = load_school_table(actor, session.house())
    areas = dict(zip(table.district_codes, table.district_names, strict=True))
    stations = dict(zip(table.station_codes, table.station_names, strict=True))
    enums: dict[str, type[Word]] = {
        "kind": SchoolKind,
        "ownership": Ownership,
        "level": RiskLevel,
    }
    parts = []
    for field, values in parse_qs(terms.wanted.to_query()).items():
        if field in enums:
            labels = [enums[field](value).label for value in values]
        elif field == "district":
            labels = [areas.get(value, value) for value in values]
        elif field == "station":
            labels = [stations.get(value, value) for value in values]
        else:
            labels = [f"含“{value}”" for value in values]
        parts.append("、".join(labels))
    return "；".join(parts) or "全部在办学校"


def _weight_text(facts: PlanFacts, way: Weighting) -> str:
    text = "每校相同"
    if way.by_risk:
        version = facts.rules.get("version")
        text = f"按风险等级，下限 {way.floor}、上限 {way.cap}"
        text += f"（抽查规则第 {version} 版）" if version is not None else ""
    if way.recent_days:
        text += f"；近 {way.recent_days} 天查过的降低"
    return text


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
