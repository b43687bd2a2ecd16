"""The year's figures as cards: each with its unit, its denominator and its definition."""

from __future__ import annotations

from html import escape

from components import coverage_charts as charts
from domain.coverage import SHORT_WINDOW_DAYS, PaceState, YearForecast
from services.coverage import CoverageYear
from services.draw_chances import Predictability

_MARKS = {
    PaceState.MET: ("✓", "good"),
    PaceState.AHEAD: ("▲", "good"),
    PaceState.BEHIND: ("▼", "late"),
    PaceState.MISSED: ("✗", "late"),
    PaceState.OPEN: ("–", "none"),
}
STYLE = """<style>
.csm-cov{color:#14233a;border:1px solid #d5dce4;border-radius:.5rem;padding:.55rem .9rem .6rem}
.csm-cov h3{font-size:1.02rem;margin:0;padding:0;display:flex;justify-content:space-between;gap:.5rem}
.csm-cov .big{font-size:2.3rem;font-weight:700;line-height:1.2;font-variant-numeric:tabular-nums}
.csm-cov .big small{font-size:1.05rem;font-weight:600;margin-left:.6rem}
.csm-cov p{margin:.12rem 0;font-size:.95rem;line-height:1.45}
.csm-cov .def{color:#51606f;font-size:.82rem}
.csm-cov .mark{font-size:.86rem;font-weight:600;border-radius:.3rem;padding:.05rem .5rem;white-space:nowrap}
.csm-cov .good{background:#dceaf8;color:#0b3d74}
.csm-cov .late{background:#f08519;color:#14233a}
.csm-cov .none{background:#e9eef4;color:#42536a}
@media(min-width:1101px){.csm-cov.level{min-height:14.1rem}}
@media(min-width:1600px){.csm-cov.level{min-height:12.7rem}}
/* Tables leave by the export alone, which is audited; charts' own buttons are English. */
[data-testid="stElementToolbar"]{display:none}
.csm-side{display:grid;grid-template-columns:1fr;gap:.5rem}
.csm-side .big{font-size:1.55rem}
.csm-side .big small{font-size:.92rem;margin-left:.4rem}
.csm-key{color:#42536a;font-size:.86rem;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.3rem 0 0}
.csm-key.up{margin-top:-1.2rem}
.csm-key i{display:inline-block;width:1.9rem;border-top:3px solid;vertical-align:middle;margin-right:.35rem}
.csm-key b{display:inline-block;width:.8rem;height:.8rem;border-radius:.15rem;vertical-align:-.08rem;margin-right:.35rem}
@media(max-width:1100px) and (min-width:641px){.csm-side{grid-template-columns:1fr 1fr}}
</style>"""
PACE_LINE = f'<i style="border-color:{charts.PACE};border-top-style:dashed"></i>'
TARGET_LINE = f'<i style="border-color:{charts.INK};border-top-width:2px"></i>'


def curve_key(said: YearForecast) -> str:
    """Return the legend of the curve as HTML."""
    line = f'<i style="border-color:{charts.DONE}"></i>'
    dots = f'<i style="border-color:{charts.DONE};border-top-style:dotted"></i>'
    ahead = "" if said.is_over else f"<span>{dots}按近 {said.window_days} 天推算</span>"
    return (
        f'<div class="csm-key up"><span>{line}已督查</span>{ahead}'
        f"<span>{PACE_LINE}序时</span><span>{TARGET_LINE}目标</span></div>"
    )


def level_card(said: YearForecast, *, is_district: bool) -> str:
    """Return one level's figures as HTML."""
    mark, tone = _MARKS[said.state]
    share = f"{said.share:.1%}" if said.share is not None else "–"
    level = said.level.label
    aside = "（全市的目标，本区县作参照）" if is_district and level == "市级" else ""
    return (
        f'<div class="csm-cov level"><h3>{level}覆盖率'
        f'<span class="mark {tone}">{mark} {said.state.label}</span></h3>'
        f'<div class="big">{share}<small>{said.visited:,} / {said.schools:,} 所</small></div>'
        f"<p>目标 {said.target_share:.0%}，即 {said.target:,} 所{aside}{_pace(said)}。</p>"
        f"<p>{_outlook(said)}</p>"
        f'<p class="def">＝年内有{level}督查记录的在办学校 ÷ 在办学校；一校查几次只算一所。'
        "序时应到＝目标 × 已过天数 ÷ 全年天数，序时进度＝已督查 ÷ 序时应到。</p></div>"
    )


def _pace(said: YearForecast) -> str:
    if said.is_over or said.pace_ratio is None:
        return ""
    return f"；序时应到 {said.pace:,.0f} 所，序时进度 {said.pace_ratio:.0%}"


def _outlook(said: YearForecast) -> str:
    if said.is_over:
        end = f"该年已结束，达到目标的 {said.visited / max(said.target, 1):.0%}"
        return f"{end}，差 {said.missing:,} 所。" if said.missing else f"{end}。"
    guess = "（不足一月，仅供参考）" if said.window_days < SHORT_WINDOW_DAYS else ""
    end = (
        f"近 {said.window_days} 天每周新查到 {said.weekly:.1f} 所，照此年末约 {int(said.expected):,} 所"
        f"（{said.expected_share or 0:.1%}）{guess}"
    )
    if not said.missing:
        return f"{end}，<b>可达目标</b>。"
    return (
        f"{end}，<b>差 {said.missing:,} 所</b>：约需增加 <b>{said.team_days:,} 队·天</b>"
        f"（一队一天 {said.schools_per_team_day:g} 所），或剩余 {said.weeks_left:.1f} 周"
        f"每周新查 {said.needed_per_week or 0:.1f} 所。"
    )


def side_cards(found: CoverageYear, chances: Predictability | None) -> str:
    """Return the year's other figures as HTML."""
    never = len(found.never)
    visited = found.schools - never
    again = found.visits - visited
    when = "本年" if found.is_current else f"{found.year} 年"
    cards = [
        _small(
            "督查次数",
            f"{found.visits:,} 次",
            f"到过 {visited:,} 所",
            f"其中重复 {again:,} 次：同一学校第二次及以后，不分层级。",
        ),
        _small(
            "未督查",
            f"{never:,} 所",
            f"占 {never / found.schools:.1%}",
            f"{when}没有任何层级督查记录的在办学校。",
        ),
        _small(
            "到次数上限",
            f"{len(found.capped):,} 所",
            "",
            f"{when}已查 {found.visit_cap} 次或以上；再查请并入同一次进校。",
        ),
    ]
    if found.is_current:
        cards.append(_chance_card(chances))
    return f'<div class="csm-side">{"".join(cards)}</div>'


def _small(title: str, big: str, beside: str, meaning: str) -> str:
    return (
        f'<div class="csm-cov"><h3>{title}</h3><div class="big">{big}<small>{beside}</small></div>'
        f'<p class="def">{meaning}</p></div>'
    )


def _chance_card(said: Predictability | None) -> str:
    title = "当前最高抽中机会"
    if said is None:
        return _small(title, "–", "", "本年还没有承诺过的抽取，谈不上可不可预测。")
    meaning = (
        f"有 {said.at_highest:,} 所必然抽中（权重过大，或抽取数接近校数），对它们谈不上暗访。"
        if said.highest == 1
        else f"事先猜哪所会抽中，最有把握的一所也只有这么大机会（{said.at_highest:,} 所并列）；越低越难猜。"
    )
    return _small(
        title,
        f"{float(said.highest):.2%}",
        f"即 {said.highest}",
        f"{meaning}最近一次：{said.level.label}{said.form.label} {escape(said.number)}"
        f"「{escape(said.title)}」，{said.schools:,} 所中抽 {said.n:,} 所，"
        f"平均 {said.n / said.schools:.2%}，最低 {float(said.lowest):.2%}。",
    )
