"""A revealed round: the duels on the map, the list, the teams, what happened on the way."""

from __future__ import annotations

from html import escape

import pandas as pd
import streamlit as st

from components import session
from components.duel_map import show_duels_of_draw
from components.round_parts import show
from domain.access import Actor
from services.draw_list import list_drawn
from services.rounds.outcome import RevealedRound, read_revealed
from services.rounds.read import RoundFacts


def show_opened(actor: Actor, facts: RoundFacts) -> None:
    """Show all that the reveal opened, and the ways to check it."""
    opened = read_revealed(actor, session.house(), number=facts.number)
    with st.container(horizontal=True):
        files = f"/files/draws/{facts.number}"
        st.link_button("凭证（PDF）", f"{files}/certificate.pdf", icon=":material/download:")
        st.link_button("名单（Excel）", f"{files}/list.xlsx", icon=":material/download:")
        st.link_button("复算包", f"{files}/pack.zip", icon=":material/download:")
        st.link_button("复算这次抽取", f"/replay?draw={facts.number}", icon=":material/verified:")
    st.markdown("#### 就近两两抽签的全过程")
    st.caption(
        "照记录回放，不是示意：每次取一所与最近的一所比，票数合并，满票抽中、零票落选。可以跳到结果。"
    )
    show_duels_of_draw(facts.number)
    list_side, team_side = st.columns([3, 2], gap="large")
    with list_side:
        _list(actor, facts)
    with team_side:
        _teams(opened)
        _events(opened)
    _stops(opened)


def _list(actor: Actor, facts: RoundFacts) -> None:
    st.markdown(f"#### 抽中的 {facts.n:,} 所")
    drawn = list_drawn(actor, session.house(), number=facts.number)
    st.dataframe(
        drawn[["position", "code", "name", "district", "kind", "chance", "percent", "visits"]],
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
        },
    )


def _teams(opened: RevealedRound) -> None:
    st.markdown("#### 队伍")
    way = (
        f"在 {int(opened.count):,} 种合规方案中等概率抽取" if opened.count else opened.method.label
    )
    show(f'<p class="quiet">{way}。</p>')
    if opened.relaxed:
        rules = "、".join(rule.label for rule in opened.relaxed)
        show(f'<p class="quiet">按计划放宽：{rules}。</p>')
    rows = "".join(
        f"<tr><td>{escape(team.route)}</td><td>{escape(team.people)}</td>"
        f"<td>{escape(team.leads)}</td><td>{escape(team.absent)}</td></tr>"
        for team in opened.teams.itertuples(index=False)
    )
    show(
        "<table><tr><th>路线</th><th>到场人员</th><th>可带队</th><th>未到</th></tr>"
        + rows
        + "</table>"
    )


def _events(opened: RevealedRound) -> None:
    st.markdown("#### 途中变动")
    if not opened.events:
        show('<p class="quiet">没有替补，没有人员未到。</p>')
        return
    show(f"<ul>{''.join(f'<li>{escape(said)}</li>' for said in opened.events)}</ul>")


def _stops(opened: RevealedRound) -> None:
    st.markdown("#### 路线与督查情况")
    stops = opened.stops
    st.dataframe(
        stops.assign(
            **{
                column: pd.to_datetime(stops[column], utc=True)
                .dt.tz_convert("Asia/Shanghai")
                .dt.strftime("%H:%M")
                .fillna("")
                for column in ("arrived", "left")
            }
        ),
        hide_index=True,
        column_config={
            "route": "路线",
            "position": st.column_config.NumberColumn("次序", format="%d"),
            "code": "学校代码",
            "name": "学校名称",
            "district": "区县",
            "outcome": "结果",
            "arrived": "到校",
            "left": "离校",
            "findings": "发现隐患",
            "reason": "未督查原因",
            "note": "备注",
        },
    )
