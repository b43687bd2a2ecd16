"""What a plan would give, on screen: pictures first, then tables, warnings and lights."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from components import plan_charts as charts
from domain.draw.roster import Blocked
from domain.plan import PlanTerms
from domain.words import LegalReason
from services.plans.overlaps import Overlap
from services.plans.preview import PlanPreview
from services.plans.rosters import RosterOutlook
from settings import ROOT

_CSS = (ROOT / "static" / "plans.css").read_text(encoding="utf-8")
MOST_NAMED = 12
MOST_ROWS = 2_000
"""Rows of the chance table sent to the browser."""
COMPANY_NOTE = "涉企检查受限，第三方、交叉检查不纳入"


def apply_style() -> None:
    """Put the plans' styles on the page."""
    st.html(f"<style>{_CSS}</style>")


def show(body: str) -> None:
    """Show markup of ours; whatever is not ours has been escaped by the caller."""
    st.html(f'<div class="csm-plan">{body}</div>')


def light(colour: str, body: str) -> None:
    """Show a green (empty), ``amber`` or ``red`` light beside markup of ours."""
    show(_light(colour, body))


def _light(colour: str, body: str) -> str:
    return f'<div class="light {colour}"><div>{body}</div></div>'


def show_preview(
    seen: PlanPreview, terms: PlanTerms, *, leave_out: Callable[[list[str]], None] | None = None
) -> None:
    """Show a preview; ``leave_out`` offers to leave the companies out (drafts only)."""
    _figures(seen, terms)
    _warnings(seen, terms, leave_out)
    # In one district alone the kinds are what differs.
    is_one = len(seen.by_district) == 1
    groups = seen.by_kind if is_one else seen.by_district
    st.markdown(f"**各{'学段' if is_one else '区县'}预期抽中**" + _departure(seen))
    st.vega_lite_chart(charts.expected_bars(groups), width="stretch", theme=None)
    st.caption(
        "蓝条是预期数，黑线两端是至少、至多。查过、没查过的学校分两股抽，"
        "每股在每层的实抽数只会是预期数的上下取整。"
    )
    _coverage(seen)
    _tables(seen)


def _departure(seen: PlanPreview) -> str:
    if seen.first_n == seen.n:
        return ""
    return f"（第一次出发 {seen.first_n:,} 所；以下机会也按这一次算）"


def _figures(seen: PlanPreview, terms: PlanTerms) -> None:
    percent = seen.outlook.schools["percent"]
    chance = f"{percent.min():.2f}%"
    if percent.max() - percent.min() > 0.005:
        chance += f" – {percent.max():.2f}%"
    pairs = [
        (f"{len(seen.outlook.frame):,} 所", "名录库"),
        (f"{seen.n:,} 所", "抽取" if terms.departures == 1 else f"抽取，分 {terms.departures} 次"),
        (f"{len(terms.must_visit):,} 所", "必查，不经抽取"),
        (f"{len(seen.excluded) - len(terms.must_visit):,} 所", "不参加"),
        (f"{seen.inspected:,} 所", "本层级本年已查"),
        (chance, "每校机会"),
    ]
    cells = "".join(f"<div><b>{what}</b><span>{label}</span></div>" for what, label in pairs)
    show(f'<div class="figures">{cells}</div>')


def _warnings(
    seen: PlanPreview, terms: PlanTerms, leave_out: Callable[[list[str]], None] | None
) -> None:
    said = [text for text in map(_overlap_text, seen.overlaps) if text]
    if len(seen.capped):
        said.append(
            f"<b>{len(seen.capped)} 所学校本年已查 {terms.visit_cap} 次或以上</b>："
            f"{_named(seen.capped['name'].tolist())}。仍有机会抽中，抽中时请并入同一次进校。"
        )
    if len(seen.companies):
        said.append(
            f"<b>范围内有 {len(seen.companies)} 所企业法人学校</b>："
            f"{_named(seen.companies['name'].tolist())}。"
            f"“{terms.channel.label}”检查企业受国家规定限制，请核对依据。"
        )
    if said:
        show("".join(_light("amber", text) for text in said))
    if len(seen.companies) and leave_out is not None:
        st.button(
            f"把这 {len(seen.companies)} 所列为不参加",
            help=LegalReason.COMPANY.label,
            on_click=leave_out,
            args=(seen.companies["code"].tolist(),),
            key="plan-companies",
        )


def _overlap_text(one: Overlap) -> str:
    if not one.both_must and one.expected < 0.5:
        return ""
    parts = []
    if one.both_must:
        parts.append(f"都要必查 {len(one.both_must)} 所")
    parts.append(f"都可能去 {one.common:,} 所，预期同去 {one.expected:.1f} 所")
    return (
        f"<b>与 {escape(one.number)}《{escape(one.title)}》（{one.status.label}）同月</b>："
        f"{'；'.join(parts)}。建议合并成一次进校，或错开月份。"
    )


def _named(names: list[str]) -> str:
    shown = "、".join(escape(name) for name in names[:MOST_NAMED])
    return shown + (f" 等 {len(names)} 所" if len(names) > MOST_NAMED else "")


def _coverage(seen: PlanPreview) -> None:
    now, after = seen.forecast, seen.with_plan
    if now is None or after is None:
        return
    st.markdown(f"**{now.level.label}全年覆盖：加上本计划**")
    st.vega_lite_chart(charts.coverage_gauge(now, after), width="stretch", theme=None)
    share = f"{after.expected_share or 0:.1%}"
    if after.missing:
        more = (
            f"，还差 <b>{after.missing:,} 所</b>，约需再增加 <b>{after.team_days:,} 队·天</b>"
            f"（一队一天 {after.schools_per_team_day:g} 所）"
        )
    else:
        more = "，<b>可达目标</b>"
    body = (
        f"本计划预期新覆盖 {seen.fresh:.1f} 所；照近期进度加上它，年末约 {int(after.expected):,} 所"
        f"（{share}），目标 {after.target:,} 所（{after.target_share:.0%}，红线）{more}。"
    )
    light("amber" if after.missing else "", body)


def _tables(seen: PlanPreview) -> None:
    chances, kinds, weights, excluded = st.tabs(
        ["每校机会", "学段与分层", "权重", f"不经抽取与不参加（{len(seen.excluded)}）"]
    )
    number = st.column_config.NumberColumn
    with chances:
        schools = seen.outlook.schools.sort_values(["percent", "code"], ascending=[False, True])
        st.dataframe(
            schools.head(MOST_ROWS)[
                ["name", "district", "kind", "level", "weight", "inspected", "chance", "percent",
                 "visits", "code"]
            ],
            hide_index=True,
            height=300,
            column_config={
                "name": "学校", "district": "区县", "kind": "学段", "level": "风险等级",
                "weight": "权重", "inspected": st.column_config.CheckboxColumn("本层级已查"),
                "chance": "机会（分数）", "percent": number("折合", format="%.3f%%"),
                "visits": "本年次数", "code": "代码",
            },
        )  # fmt: skip
        rest = len(schools) - MOST_ROWS
        st.caption(
            f"全部机会相加恰为 {seen.first_n:,}。名录库 F `{seen.frame_hash}`"
            + (f"；机会较低的 {rest:,} 所未列出。" if rest > 0 else "")
        )
    columns = {
        "group": "分组", "schools": "名录", "expected": number("预期", format="%.2f"),
        "low": "至少", "high": "至多",
    }  # fmt: skip
    with kinds:
        left, right = st.columns(2)
        by_kind = seen.by_kind.sort_values("expected", ascending=False)
        left.dataframe(by_kind, hide_index=True, height=300, column_config=columns)
        right.dataframe(seen.by_stratum, hide_index=True, height=300, column_config=columns)
    with weights:
        st.dataframe(
            seen.weights,
            hide_index=True,
            column_config={
                "level": "风险等级", "base": "规则权重", "bound": "截取后", "schools": "校数",
                "lowest": number("机会最低", format="%.3f%%"),
                "highest": number("机会最高", format="%.3f%%"),
            },
        )  # fmt: skip
        way = "截取后＝规则权重按下限、上限截取" if len(seen.weights) else ""
        st.caption(f"{way}；每校相同时都是 1。同一等级机会不同，是因为本年查过、近期查过。")
    with excluded:
        st.dataframe(
            seen.excluded,
            hide_index=True,
            height=300,
            column_config={"code": "代码", "name": "学校", "reason": "理由", "note": "说明"},
        )


def show_rosters(found: RosterOutlook) -> None:
    """Show whether teams can be found, or exactly what is in the way."""
    pool = (
        f"{found.on:%m-%d} 可派 {found.people} 人，其中可带队 {found.leads} 人；"
        f"需 {found.teams} 队 × {found.team_size} 人。"
    )
    if found.bare is not None:
        light("red", f"<b>队伍排不出来</b>：{pool}{_blocked_text(found, found.bare)}")
        return
    if found.is_good:
        light("", f"<b>队伍排得出来</b>：{pool}模拟 {found.tried} 次抽取，次次都有合规队伍。")
        return
    body = f"{pool}模拟 {found.tried} 次抽取，{found.staffed} 次有合规队伍"
    if found.eased:
        body += f"，另 {found.eased} 次要放宽计划中选定的规则"
    failed = found.tried - found.staffed - found.eased
    body += f"，{failed} 次排不出。" if failed else "。"
    if found.blocked is not None:
        body += "例如：" + _blocked_text(found, found.blocked)
    if found.frees:
        rules = "、".join(f"{rule.label}（{count} 次）" for rule, count in found.frees)
        body += f"<br>单独放宽下列规则可排出：{rules}。"
    light("red" if failed else "amber", f"<b>不一定排得出队伍</b>：{body}")


def _blocked_text(found: RosterOutlook, blocked: Blocked) -> str:
    who = [
        f"{code} {found.names[code]}" if code in found.names else code for code in blocked.people
    ]
    shown = "、".join(escape(one) for one in who[:MOST_NAMED]) or "无人"
    short = "可带队人员不足" if blocked.leads_missing else "人手不足"
    return (
        f"{len(blocked.routes)} 条路线需 {blocked.places} 人、每队一名可带队，{short}；"
        f"合规可派的只有：{shown}。"
    )


def as_table(pairs: list[tuple[str, str]]) -> None:
    """Show label and value pairs; the values are escaped here."""
    rows = "".join(f"<tr><td>{label}</td><td>{escape(value)}</td></tr>" for label, value in pairs)
    show(f"<table>{rows}</table>")
