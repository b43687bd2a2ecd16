"""All departures of the plans in sight, and the form that opens the next one."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from components import session
from components.guard import guard
from components.round_parts import attempt, say, whose_turn
from domain.access import Actor, Permission
from domain.rounds import LEAST_CUSTODIANS, MOST_CUSTODIANS
from services.rounds.offers import PlanOffer, list_offers
from services.rounds.prepare import SOURCE_LIMIT, list_candidates, open_departure
from services.rounds.read import RoundFacts, RoundStep

_TABLE, _SUGGEST = "round-list", "round-suggest"
_PLAN, _DAY, _N, _SOURCE, _KEEPERS = (
    "round-plan", "round-day", "round-n", "round-source", "round-keepers",
)  # fmt: skip
PARAM = "departure"
SUGGESTIONS = ("当众掷骰子 5 次", "{day}福利彩票 3D 开奖号码")


def show_rounds(rounds: tuple[RoundFacts, ...]) -> None:
    """Show all departures; a press on a row opens that one."""
    if not rounds:
        st.info("还没有出发。计划经局领导批准之后，在这里开第一次出发。")
        return
    today = session.house().today()
    frame = pd.DataFrame(
        {
            "step": [_state(one) for one in rounds],
            "turn": [whose_turn(one, today) for one in rounds],
            "title": [one.title for one in rounds],
            "plan": [one.plan_number for one in rounds],
            "ordinal": [one.ordinal for one in rounds],
            "departs_on": [one.departs_on for one in rounds],
            "n": [one.n for one in rounds],
            "number": [one.number for one in rounds],
            "district": [one.district or "全市" for one in rounds],
        }
    )
    st.caption("点一行打开那次出发。作废、取消的也留在这里，连同原因。")
    st.dataframe(
        frame,
        hide_index=True,
        on_select=partial(_open_row, [one.departure_id for one in rounds]),
        selection_mode="single-row",
        key=_TABLE,
        column_config={
            "step": "状态",
            "turn": st.column_config.TextColumn("下一步轮到谁", width="large"),
            "title": "计划名称",
            "plan": "计划编号",
            "ordinal": st.column_config.NumberColumn("第几次", format="%d"),
            "departs_on": st.column_config.DateColumn("出发日", format="YYYY-MM-DD"),
            "n": "抽取数",
            "number": "抽取编号",
            "district": "范围",
        },
    )


def _state(facts: RoundFacts) -> str:
    match facts.step:
        case RoundStep.SALTS | RoundStep.COMMIT:
            return "待承诺"
        case RoundStep.VALUE:
            return "已承诺，待公开值"
        case RoundStep.DEPART:
            return "待出发"
        case RoundStep.REVEAL:
            return "已出发，封存中"
        case RoundStep.PUBLISH:
            return "已启封，待公示"
        case RoundStep.STOPPED:
            return "已作废" if facts.number else "已取消"
        case _:
            return facts.step.label


def _open_row(ids: list[int]) -> None:
    guard(Permission.VIEW_DRAWS)
    rows = (session.recall(_TABLE) or {}).get("selection", {}).get("rows", [])
    if rows:
        st.query_params[PARAM] = str(ids[rows[0]])


def open_form(actor: Actor) -> None:
    """Draw the form that opens a departure of an approved plan."""
    offers = {offer.number: offer for offer in list_offers(actor, session.house())}
    with st.expander("开一次出发", icon=":material/add_circle:", expanded=_has_typed()):
        if not offers:
            st.info("没有批准了的抽查计划。请先在“抽查计划”页拟定，由局领导批准。")
            return
        plan_side, value_side, keeper_side = st.columns(3, gap="medium")
        with plan_side:
            offer = _choose_plan(offers)
        if not offer.is_open:
            return
        with value_side:
            _choose_value(offer)
        with keeper_side:
            _choose_keepers(actor)
            st.button(
                "开这次出发",
                type="primary",
                on_click=_open,
                args=(offer.number,),
                key="round-open",
                width="stretch",
            )


def _has_typed() -> bool:
    return bool(session.recall(_SOURCE) or session.recall(_KEEPERS))


def _choose_plan(offers: dict[str, PlanOffer]) -> PlanOffer:
    st.markdown("**① 计划与日期**")
    number = st.selectbox(
        "抽查计划",
        list(offers),
        format_func=lambda one: f"{offers[one].title}（{one}）",
        key=_PLAN,
    )
    offer = offers[number]
    st.caption(
        f"名录库 {offer.schools:,} 所，计划抽 {offer.places:,} 所，还剩 **{offer.left:,}** 所；"
        f"计划分 {offer.departures} 次，已启封 {offer.made} 次；每次另有必查 {offer.must_visit} 所。"
    )
    if offer.under_way:
        st.warning(f"第 {offer.under_way} 次出发还没有结束。先启封、作废或取消它，才能开下一次。")
    elif offer.left <= 0:
        st.info("这个计划的所数已经抽完。")
    elif offer.first_day > offer.last_day:
        st.info(f"计划期到 {offer.last_day} 为止，已经过去。")
    else:
        st.date_input(
            "出发日",
            value=offer.first_day,
            min_value=offer.first_day,
            max_value=offer.last_day,
            format="YYYY-MM-DD",
            key=f"{_DAY}-{offer.number}",
        )
        st.number_input(
            f"本次抽几所（1–{offer.most}）",
            min_value=1,
            max_value=offer.most,
            value=offer.suggested,
            step=1,
            key=f"{_N}-{offer.number}",
        )
    return offer


def _choose_value(offer: PlanOffer) -> None:
    st.markdown("**② 公开值来源**")
    st.text_input(
        "用什么作公开值",
        max_chars=SOURCE_LIMIT,
        placeholder="写明何时、何处、哪一个数",
        help="承诺之后才产生、人人看得见、谁也定不了的数。写明之后不能改。",
        key=_SOURCE,
    )
    day = session.recall(f"{_DAY}-{offer.number}") or offer.first_day
    suggestions = [one.format(day=f"{day.month} 月 {day.day} 日") for one in SUGGESTIONS]
    st.pills("常用写法", suggestions, key=_SUGGEST, on_change=_suggest)


def _suggest() -> None:
    guard(Permission.DRAW)
    if session.recall(_SUGGEST):
        session.remember(_SOURCE, session.recall(_SUGGEST))


def _choose_keepers(actor: Actor) -> None:
    st.markdown("**③ 封条保管人**")
    names = {
        one.account_id: f"{one.name}（{one.role}）"
        for one in list_candidates(actor, session.house())
    }
    st.multiselect(
        f"保管人（{LEAST_CUSTODIANS}–{MOST_CUSTODIANS} 名，来自不同岗位）",
        list(names),
        format_func=lambda one: names[one],
        max_selections=MOST_CUSTODIANS,
        placeholder="选择保管人",
        help="每人各持一份随机盐。少一人，名单就不存在；所以谁也不能独自提前得知。",
        key=_KEEPERS,
    )


def _open(plan: str) -> None:
    actor = guard(Permission.DRAW)

    def deed() -> None:
        made = open_departure(
            actor,
            session.house(),
            plan_number=plan,
            departs_on=session.recall(f"{_DAY}-{plan}"),
            n=int(session.recall(f"{_N}-{plan}") or 0),
            value_source=session.recall(_SOURCE) or "",
            custodian_ids=session.recall(_KEEPERS) or [],
        )
        st.query_params[PARAM] = str(made)

    if attempt(deed):
        say("已开这次出发。请各保管人用本人账号登录，到“封条保管”页生成随机盐。")
        for key in (_SOURCE, _KEEPERS, _SUGGEST):
            session.forget(key)
