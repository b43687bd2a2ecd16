"""Published rounds for everybody signed in: the list, one round, how to check it oneself."""

from __future__ import annotations

from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from components import session
from components.guard import guard
from components.round_parts import date_text, figures, hash_block, show, time_text
from domain.access import Actor, Permission
from services.rounds.outcome import list_published_schools
from services.rounds.publication import Publication, read_publication

_TABLE, _SEARCH, _SCHOOL = "published-list", "published-search", "published-school"
PARAM = "round"


def choose_published(rounds: pd.DataFrame) -> str:
    """Show the published rounds with a search; return the number that is open."""
    wanted = st.text_input(
        "查找", placeholder="编号、名称、区县", key=_SEARCH, label_visibility="collapsed"
    )
    words = (wanted or "").split()
    said = rounds[["number", "title", "level", "district"]].agg(" ".join, axis=1)
    kept = rounds[[all(word in one for word in words) for one in said]]
    if kept.empty:
        st.info("没有符合的公示。")
    numbers = kept["number"].tolist()
    st.dataframe(
        kept.assign(
            district=kept["district"].where(kept["district"] != "", "全市"),
            published_at=pd.to_datetime(kept["published_at"], utc=True).dt.tz_convert(
                "Asia/Shanghai"
            ),
        ),
        hide_index=True,
        on_select=partial(_open_row, numbers),
        selection_mode="single-row",
        key=_TABLE,
        column_config={
            "number": "抽取编号",
            "title": "计划名称",
            "level": "层级",
            "district": "范围",
            "departs_on": st.column_config.DateColumn("出发日", format="YYYY-MM-DD"),
            "n": "抽取数",
            "schools": "名录库校数",
            "published_at": st.column_config.DatetimeColumn("公示时间", format="YYYY-MM-DD HH:mm"),
        },
    )
    asked = st.query_params.get(PARAM, "")
    return asked or (numbers[0] if numbers else "")


def _open_row(numbers: list[str]) -> None:
    guard(Permission.VIEW_PUBLISHED)
    rows = (session.recall(_TABLE) or {}).get("selection", {}).get("rows", [])
    if rows:
        st.query_params[PARAM] = numbers[rows[0]]


def show_publication(actor: Actor, number: str) -> None:
    """Show one published round; raises ``NotFound`` where there is none."""
    facts = read_publication(actor, session.house(), number=number)
    schools = list_published_schools(actor, session.house(), number=number)
    with st.container(border=True):
        _facts(facts)
        _files(actor, facts)
        list_side, check_side = st.columns([3, 2], gap="large")
        with list_side:
            _schools(schools)
        with check_side:
            _how_to_check(actor, facts)


def _facts(facts: Publication) -> None:
    area = f"（{escape(facts.district)}）" if facts.district else ""
    show(
        f'<div class="title"><h2>{escape(facts.title)}{area}</h2><i>编号 <b>{facts.number}</b></i>'
        f"<i>出发日 <b>{date_text(facts.departs_on)}</b></i></div>"
        + figures(
            (f"{facts.schools:,}", "所学校参加抽取"),
            (f"{facts.n:,}", "所被抽中"),
            (f"{facts.teams} 队 {facts.people} 人", "督查队伍"),
            (f"{facts.visited} / {facts.stops}", "所已督查 / 应到（含必查、替补）"),
            (facts.value, f"公开值：{escape(facts.promised)}"),
        )
        + f'<p class="quiet">{time_text(facts.published_at)} 公示。</p>'
    )


def _files(actor: Actor, facts: Publication) -> None:
    files = f"/files/draws/{facts.number}"
    with st.container(horizontal=True):
        st.link_button("凭证（PDF）", f"{files}/certificate.pdf", icon=":material/download:")
        if actor.may(Permission.REPLAY):
            st.link_button("复算包", f"{files}/pack.zip", icon=":material/download:")


def _schools(schools: pd.DataFrame) -> None:
    st.markdown(f"#### 抽中的 {len(schools):,} 所与各自的机会")
    wanted = st.text_input(
        "查找学校", placeholder="校名或代码", key=_SCHOOL, label_visibility="collapsed"
    )
    said = schools["code"] + " " + schools["name"]
    st.dataframe(
        schools[said.str.contains((wanted or "").strip(), regex=False)],
        hide_index=True,
        column_config={
            "position": st.column_config.NumberColumn("序号", format="%d"),
            "code": "学校代码",
            "name": "学校名称",
            "stratum": "分层",
            "chance": "抽中机会",
            "percent": st.column_config.NumberColumn("折合", format="%.2f%%"),
        },
    )


def _how_to_check(actor: Actor, facts: Publication) -> None:
    st.markdown("#### 自己怎样核对")
    third = (
        "下载复算包，在“复算”页上传，或在自己的电脑上运行其中的 replay.py，得到的名单应与左边一致。"
        if actor.may(Permission.REPLAY)
        else "想逐步复算的，向督查组织人员索取复算包，在自己的电脑上运行其中的 replay.py，得到的名单应与左边一致。"
    )
    show(
        "<ol><li>抽取前张贴的承诺书上有 F、P 和公开值的来源，应与凭证上的一字不差。</li>"
        f"<li>公开值是当众产生的，看它是不是当时的那个值。</li><li>{third}</li></ol>"
        + hash_block("名录库 F", facts.frame_hash, is_small=True)
        + hash_block("参数 P", facts.parameters_hash, is_small=True)
        + hash_block("链头", facts.head, is_small=True)
    )
