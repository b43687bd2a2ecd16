"""The card of one school: why this level, what lies near, what is missing, what happened."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import streamlit as st

from components import session
from components.chosen_school import Chosen, leave
from components.palette import LEVEL_COLOURS
from domain.access import Actor
from domain.errors import UserError
from domain.risk_text import RiskExplanation
from domain.words import SIX_FACILITY_KINDS, FacilityState, RiskLevel
from services.risk import explain_school
from services.school_card import GateRow, SchoolCard, read_school_card

_STATE_SIGNS = {
    FacilityState.OK: ("ok", "✓"),
    FacilityState.FADED: ("faded", "褪"),
    FacilityState.DAMAGED: ("damaged", "损"),
    FacilityState.MISSING: ("missing", "缺"),
    FacilityState.NOT_APPLICABLE: ("na", "—"),
}


def draw_card(actor: Actor, chosen: Chosen, *, can_leave: bool) -> None:
    """Draw the chosen school's card with the way back to the list."""
    house = session.house()
    card = read_school_card(actor, house, school_id=chosen.id)
    why, not_computed = _explanation(actor, chosen)
    if can_leave:
        st.button("返回列表", on_click=leave, icon=":material/arrow_back:", type="tertiary")
    st.html(
        '<div class="csm-card">'
        + _head(card)
        + _why(card, why, not_computed)
        + _near(card)
        + _facilities(card.gates)
        + _defence(card)
        + _hazards(card)
        + _timeline(card)
        + "</div>"
    )


def _explanation(actor: Actor, chosen: Chosen) -> tuple[RiskExplanation | None, str]:
    try:
        return explain_school(actor, session.house(), school_id=chosen.id), ""
    except UserError as error:
        return None, f"{error.message}{error.next_step}"


def _head(card: SchoolCard) -> str:
    facts = [card.kind, card.ownership]
    place = " ".join(part for part in (card.district, card.township) if part)
    facts.append(place or "未归属区县")
    if card.students is not None:
        boarders = f"（寄宿 {card.boarders:,}）" if card.boarders else ""
        facts.append(f"在校生 {card.students:,} 人{boarders}")
    else:
        facts.append("在校生数未登记")
    times = ""
    if card.arrival_at and card.dismissal_at:
        times = f"上学 {card.arrival_at:%H:%M} · 放学 {card.dismissal_at:%H:%M}"
    phone = f"值班电话 {card.duty_phone}" if card.duty_phone else ""
    station = f"辖区 {card.station}" if card.station else ""
    second = " · ".join(part for part in (times, station, phone) if part)
    return (
        f'<header><h2>{escape(card.name)}</h2><p class="facts">{escape(" · ".join(facts))}</p>'
        f'<p class="facts">{escape(second)}</p>'
        f'<p class="code">代码 {escape(card.code)}</p></header>'
    )


def _why(card: SchoolCard, why: RiskExplanation | None, not_computed: str) -> str:
    colour = LEVEL_COLOURS[card.level]
    ink = "#3b2f00" if card.level is RiskLevel.GENERAL else "#fff"
    undecided = card.score is None or card.level is RiskLevel.UNKNOWN
    score = "—" if undecided else f"{card.score:.0f}"
    head = (
        f'<div class="score" style="background:{colour};color:{ink}">'
        f"<b>{score}</b><span>{card.level.label}</span></div>"
    )
    sentence = f'<p class="sentence">{escape(why.sentence if why else not_computed)}</p>'
    assumed = _assumed_shares(why)
    bars = "".join(_bar(name, value, assumed.get(name, 0.0)) for name, value in card.parts)
    as_of = f"{card.risk_as_of:%Y-%m-%d}" if card.risk_as_of else "尚未计算"
    basis = f"自{card.measured_from}量起" if card.measured_from else ""
    if card.precision_m is not None:
        basis += f"，精度 ±{card.precision_m:g} 米"
    foot = f"风险分 0–100，越高越险 · 数据完整度 {card.completeness:.0%} · 计算日 {as_of}" + (
        f" · {basis}" if basis else ""
    )
    if any(share > 0.05 for share in assumed.values()):
        foot = f"斜纹部分为未登记项按判定标准推定 · {foot}"
    nxt = f'<p class="next">{escape(why.next_datum)}</p>' if why and why.next_datum else ""
    return (
        f'<section class="why">{head}<div>{sentence}</div></section>'
        f'<div class="bars">{bars}</div><p class="foot">{escape(foot)}</p>{nxt}{_inputs(why)}'
    )


def _assumed_shares(why: RiskExplanation | None) -> dict[str, float]:
    """Return, per part, which share of its points stands for inputs nobody recorded."""
    shares = {}
    for part in why.parts if why else ():
        points = sum(reason.points for reason in part.reasons)
        assumed = sum(reason.points * (1 - reason.known_share) for reason in part.reasons)
        shares[part.label] = assumed / points if points > 0 else 0.0
    return shares


def _bar(name: str, value: float | None, assumed: float) -> str:
    if value is None:
        return f'<div><label>{name}</label><i class="none"></i><b>未知</b></div>'
    known = value * (1 - assumed)
    hint = f"其中约 {value * assumed:.0f} 分为未登记项推定" if assumed > 0.05 else ""
    return (
        f'<div title="{hint}"><label>{name}</label><i><u style="width:{known:.0f}%"></u>'
        f'<s style="width:{value - known:.0f}%"></s></i><b>{value:.0f}</b></div>'
    )


def _inputs(why: RiskExplanation | None) -> str:
    if why is None:
        return ""
    parts = []
    for part in why.parts:
        rows = "".join(
            f"<tr><td>{escape(reason.label)}</td><td>{escape(reason.value)}"
            f"<small>数据日期 {escape(reason.date_text)}</small></td><td>{reason.points:.1f}</td></tr>"
            for reason in part.reasons
        )
        parts.append(
            f'<tr class="part"><td colspan="2">{escape(part.label)} · 权重 {part.weight:.0%}</td>'
            f"<td>计入总分</td></tr>{rows}"
        )
    return (
        "<details><summary>评分依据：各项输入、数据日期与计入总分</summary>"
        f'<table class="inputs">{"".join(parts)}</table></details>'
    )


def _near(card: SchoolCard) -> str:
    rows = "".join(
        f"<tr><td>{escape(thing.what)}</td><td>{escape(thing.name)}"
        f"{_small(thing.note)}</td><td>{_metres(thing.metres)}</td></tr>"
        for thing in card.near
    )
    around = card.facilities_within_200m
    count = "未登记" if around is None else f"{around} 处"
    rows += f"<tr><td>200 米内交通设施</td><td></td><td>{count}</td></tr>"
    return f'<h3>周边</h3><table class="near">{rows}</table>'


def _small(note: str) -> str:
    return f" <small>{escape(note)}</small>" if note else ""


def _metres(metres: float | None) -> str:
    if metres is None:
        return '<span class="unknown">无记录</span>'
    return f"{metres:,.0f} 米" if metres < 10_000 else f"{metres / 1000:,.1f} 公里"


def _facilities(gates: Iterable[GateRow]) -> str:
    gates = tuple(gates)
    if not gates:
        return '<h3>六类设施</h3><p class="unknown">校门未登记，无法核对六类设施。</p>'
    heads = "".join(f"<th>{escape(kind.label)}</th>" for kind in SIX_FACILITY_KINDS)
    rows = ""
    for gate in gates:
        cells = "".join(
            _state_cell(state, known)
            for state, known in zip(gate.states, gate.recorded, strict=True)
        )
        rows += f"<tr><th>{escape(gate.name)}</th>{cells}</tr>"
    key = "✓ 完好　褪 褪色　损 损坏　缺 缺失　? 未登记　— 不适用"
    return (
        f'<h3>六类设施</h3><div class="wide"><table class="six"><tr><th></th>{heads}</tr>{rows}'
        f'</table></div><p class="foot">{key}</p>'
    )


def _state_cell(state: FacilityState | None, recorded: bool) -> str:
    if state is None:
        title = "状态未登记" if recorded else "无记录"
        return f'<td class="unknown" title="{title}">?</td>'
    css, sign = _STATE_SIGNS[state]
    return f'<td class="{css}" title="{state.label}">{sign}</td>'


def _defence(card: SchoolCard) -> str:
    if not card.defence:
        return '<h3>三防</h3><p class="unknown">三防状况未登记。</p>'
    cells = "".join(
        f'<div><span>{escape(name)}</span><b class="{"unknown" if value == "未登记" else ""}">'
        f"{escape(value)}</b></div>"
        for name, value in card.defence
    )
    return f'<h3>三防</h3><div class="grid">{cells}</div>'


def _hazards(card: SchoolCard) -> str:
    visits = (
        f"<h3>{card.year} 年督查</h3><p>市级 <b>{card.visits_city}</b> 次 · "
        f"县级 <b>{card.visits_county}</b> 次（截至 {card.today:%Y-%m-%d}）</p>"
    )
    rows = "".join(
        f"<li><b>{escape(h.severity)}</b> {escape(h.description)}"
        f'<div class="foot">{escape(h.number)} · {h.stage}环节 · '
        + (f"期限 {h.due_on:%Y-%m-%d}" if h.due_on else "未定期限")
        + (f' · <em class="late">逾期 {h.days_late} 天</em>' if h.days_late else "")
        + "</div></li>"
        for h in card.open_hazards
    )
    body = f"<ul>{rows}</ul>" if rows else "<p>没有未销号隐患。</p>"
    return f"{visits}<h3>未销号隐患（{len(card.open_hazards)} 处）</h3>{body}"


def _timeline(card: SchoolCard) -> str:
    if not card.timeline:
        return '<h3>经过</h3><p class="unknown">没有督查或销号记录。</p>'
    rows = "".join(
        f"<li><time>{entry.on:%Y-%m-%d}</time> <b>{escape(entry.what)}</b> "
        f"{escape(entry.detail)}</li>"
        for entry in card.timeline
    )
    return f'<h3>经过</h3><ol class="timeline">{rows}</ol>'
