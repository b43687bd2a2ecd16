"""One departure on the projector: the steps, and the present step's controls alone."""

from __future__ import annotations

import datetime as dt
from html import escape

import streamlit as st

from components import session
from components.guard import guard
from components.round_list import PARAM
from components.round_opened import show_opened
from components.round_parts import (
    ask_then_do,
    attempt,
    date_text,
    figures,
    hash_block,
    keeper_tiles,
    may_act,
    show,
    show_said,
    time_text,
    whose_turn,
)
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.quick_draw import VALUE_LIMIT, typed_value
from services.rounds.depart import enter_value, resume_departure
from services.rounds.prepare import cancel_departure, commit_round, void_round
from services.rounds.read import RoundFacts, RoundStep, read_round
from services.rounds.reveal import publish_draw, reveal_round
from services.rounds.trail import read_trail

STEPS = ("封条", "承诺", "公开值", "出发", "启封", "公示")
_HINTS = ("各自生成随机盐", "冻结名录与参数", "当众产生", "录盐即抽取", "全部公开", "人人可查")
_AT = {
    RoundStep.SALTS: 0,
    RoundStep.COMMIT: 1,
    RoundStep.VALUE: 2,
    RoundStep.DEPART: 3,
    RoundStep.REVEAL: 4,
    RoundStep.PUBLISH: 5,
    RoundStep.DONE: 6,
}
_VALUE, _READ_BACK = "round-value", "round-read-back"


def show_departure(actor: Actor, facts: RoundFacts) -> None:
    """Show one departure: title, steps, the stage of the present step, its record below."""
    _title(facts)
    st.html(_stepper(facts))
    with st.container(border=True, key="round-stage"):
        show_said()
        match facts.step:
            case RoundStep.SALTS:
                _salts(facts)
            case RoundStep.COMMIT:
                _commit(actor, facts)
            case RoundStep.VALUE:
                _value(actor, facts)
            case RoundStep.DEPART:
                _depart(actor, facts)
            case RoundStep.REVEAL:
                _sealed(actor, facts)
            case RoundStep.STOPPED:
                _stopped(facts)
            case _:
                _publish(actor, facts)
    if facts.step in (RoundStep.PUBLISH, RoundStep.DONE):
        show_opened(actor, facts)
    _record(actor, facts)
    if may_act(actor, facts):
        _ways_out(facts)


def _title(facts: RoundFacts) -> None:
    st.button("← 全部出发", on_click=_leave, key="round-leave", type="tertiary")
    number = f"<i>编号 <b>{facts.number}</b></i>" if facts.number else ""
    area = f"（{escape(facts.district)}）" if facts.district else ""
    show(
        f'<div class="title"><h2>{escape(facts.title)}{area}　第 {facts.ordinal} 次出发</h2>'
        f"<i>出发日 <b>{date_text(facts.departs_on)}</b></i>"
        f"<i><b>{facts.schools:,}</b> 所中抽 <b>{facts.n:,}</b> 所</i>{number}</div>"
    )


def _leave() -> None:
    guard(Permission.VIEW_DRAWS)
    st.query_params.pop(PARAM, None)


def _stepper(facts: RoundFacts) -> str:
    stopped = facts.step is RoundStep.STOPPED
    at = _AT[facts.step] if not stopped else _stopped_at(facts)
    cells = []
    for number, (name, hint) in enumerate(zip(STEPS, _HINTS, strict=True)):
        state, sign = "next", str(number + 1)
        if number < at:
            state, sign = "done", "✓"
        elif number == at:
            state, sign = ("stopped", "×") if stopped else ("now", sign)
        aria = ' aria-current="step"' if state == "now" else ""
        cells.append(
            f'<li class="{state}"{aria}><b>{sign}</b><span>{name}<small>{hint}</small></span></li>'
        )
    return f'<ol class="csm-steps">{"".join(cells)}</ol>'


def _stopped_at(facts: RoundFacts) -> int:
    if not facts.number:
        return 1 if facts.all_salts_made else 0
    return 3 if facts.value else 2


def _salts(facts: RoundFacts) -> None:
    show(
        '<p class="big">各保管人生成自己的随机盐</p>'
        "<p>请用<b>本人账号</b>登录，打开“封条保管”页，生成、打印、装进封条。"
        "随机盐只显示一次，系统不留底；本页只看得到谁已生成。</p>"
        '<p><a class="go" href="/custody" target="_self">我是保管人，去封条保管</a></p>'
    )
    _watch(facts.departure_id, facts.step, facts.all_salts_entered)


def _commit(actor: Actor, facts: RoundFacts) -> None:
    show(
        '<p class="big">承诺：以下各项自此冻结，之后谁也改不了</p>'
        + figures(
            (f"{facts.schools:,}", "所学校在名录库中"),
            (f"{facts.n:,}", "所将被抽中"),
            (f"{facts.teams} 队 × {facts.team_size} 人", "督查队伍，人员名册同时冻结"),
            (facts.promised, "将采用的公开值"),
        )
        + hash_block("名录库 F", facts.frame_hash)
        + '<p class="quiet">参数 P 在承诺的一刻算出。承诺之后，公开值才产生；在此之前没有名单。</p>'
    )
    if may_act(actor, facts):
        ask_then_do(
            "commit",
            facts,
            button="承诺",
            question="请确认各保管人都已打印、封好。承诺之后，名录库、参数、人员名册和各保管人的随机盐都不能再改；一个编号只抽一次。",
            sure="确认承诺",
            permission=Permission.DRAW,
            verb=lambda who, _: _void_result(
                commit_round(who, session.house(), departure_id=facts.departure_id)
            ),
        )
    else:
        _wait_for(facts)
    _watch(facts.departure_id, facts.step, facts.all_salts_entered)


def _void_result(_made: object) -> None:
    """Drop what a verb returns: the screen reads the round anew."""


def _value(actor: Actor, facts: RoundFacts) -> None:
    show(
        '<p class="quiet">已承诺采用的公开值</p>'
        f'<p class="big">{escape(facts.promised)}</p>'
        "<p>现在当众产生这个值，由在场的人核对后录入。录入之后不能更改。</p>"
    )
    if may_act(actor, facts):
        _enter_value(facts)
    else:
        _wait_for(facts)
    st.link_button(
        "承诺书（PDF，张贴用）",
        f"/files/rounds/{facts.departure_id}/commit.pdf",
        icon=":material/download:",
    )
    show(
        hash_block("名录库 F", facts.frame_hash, is_small=True)
        + hash_block("参数 P", facts.parameters_hash, is_small=True)
    )
    _watch(facts.departure_id, facts.step, facts.all_salts_entered)


def _enter_value(facts: RoundFacts) -> None:
    asked = session.recall(_READ_BACK)
    if not asked or asked[0] != facts.departure_id:
        with st.form("round-value-form", border=False):
            st.text_input(
                "公开值",
                max_chars=VALUE_LIMIT,
                placeholder="照实录入，例如 3 5 1 6 2",
                key=_VALUE,
            )
            st.form_submit_button(
                "读出来核对",
                type="primary",
                on_click=_read_back,
                args=(facts.departure_id,),
                key="round-value-read",
            )
        return
    show(
        f'<p class="big">您录入的是</p><div class="value">{escape(asked[1])}</div>'
        "<p>请念出来，与在场各位核对。<b>确认后不能更改</b>，它将与各份随机盐一起决定名单。</p>"
    )
    with st.container(horizontal=True):
        st.button(
            "核对无误，确认录入",
            type="primary",
            on_click=_confirm_value,
            args=(facts.number, asked[1]),
            key="round-value-sure",
        )
        st.button("返回修改", on_click=_edit_value, args=(asked[1],), key="round-value-back")


def _read_back(departure_id: int) -> None:
    guard(Permission.DRAW)
    typed = session.recall(_VALUE) or ""
    attempt(lambda: session.remember(_READ_BACK, (departure_id, typed_value(typed))))


def _edit_value(typed: str) -> None:
    guard(Permission.DRAW)
    session.forget(_READ_BACK)
    session.remember(_VALUE, typed)


def _confirm_value(number: str, value: str) -> None:
    actor = guard(Permission.DRAW)
    attempt(lambda: enter_value(actor, session.house(), number=number, value=value))
    session.forget(_READ_BACK)


def _depart(actor: Actor, facts: RoundFacts) -> None:
    today = session.house().today()
    show(
        f'<p class="quiet">公开值（{escape(facts.promised)}）</p>'
        f'<div class="value">{escape(facts.value)}</div>' + _countdown(facts, today)
    )
    _watch(facts.departure_id, facts.step, facts.all_salts_entered)
    if facts.all_salts_entered:
        _resume(actor, facts)
    elif today >= facts.departs_on:
        show('<p><a class="go" href="/custody" target="_self">我是保管人，去录入随机盐</a></p>')


def _countdown(facts: RoundFacts, today: dt.date) -> str:
    days = (facts.departs_on - today).days
    if days > 0:
        return (
            f'<p class="big">还有 {days} 天出发</p><p>封条由各人分别保管。'
            "在此之前名单不存在，谁也不知道会抽到哪里，包括本系统。</p>"
        )
    if facts.all_salts_entered:
        return ""
    return (
        '<p class="big">今天出发：请各保管人拆开封条，录入随机盐</p>'
        "<p>用本人账号在“封条保管”页录入。最后一份录入之后，系统当即抽取、排路线、组队，并封存名单。</p>"
    )


def _resume(actor: Actor, facts: RoundFacts) -> None:
    show(
        '<div class="wait">随机盐已齐，正在抽取、排路线、组队…</div>'
        "<p>通常一分钟内完成，本页会自动翻到“启封”。若长时间没有动静，是录入的那台电脑中断了，"
        "或排不出合规的队伍：请按“继续出发”，结果与中断前相同；仍不行的，按提示处理或在下面作废。</p>"
    )
    if not may_act(actor, facts):
        return
    if st.button("继续出发", key="round-resume"):
        with st.spinner("正在抽取、排路线、组队…", show_time=True):
            attempt(lambda: resume_departure(actor, session.house(), number=facts.number))
        st.rerun()


def _sealed(actor: Actor, facts: RoundFacts) -> None:
    # Nothing sealed is read here: the step, its instant and the record's hashes are all there is.
    trail = read_trail(actor, session.house(), number=facts.number)
    show(
        '<div class="seal"><p class="big">名单封存中</p>'
        "<p>各队只能看本队路线，每次查看都留痕；其他任何人都看不到名单。</p></div>"
        + figures(
            (time_text(facts.departed_at), "出发、封存的时间（北京时间）"), (facts.value, "公开值")
        )
        + hash_block(
            "链头（封存那一步的哈希，可抄下备查）", trail[-1].hash if trail else facts.head
        )
    )
    if not may_act(actor, facts):
        _wait_for(facts)
        return
    ask_then_do(
        "reveal",
        facts,
        button="启封",
        question="启封后，名单、路线、队伍、各份随机盐一并写入记录，不能撤回；各队的记录也不能再改。"
        "请在督查全部结束之后启封。",
        sure="确认启封",
        permission=Permission.DRAW,
        verb=lambda who, reason: reveal_round(
            who, session.house(), number=facts.number, unrecorded_reason=reason
        ),
        reason="没有记录督查情况的学校，未督查的原因（各校都已记录的不用填）",
    )


def _publish(actor: Actor, facts: RoundFacts) -> None:
    if facts.step is RoundStep.DONE:
        show(
            f'<p class="big">已公示</p><p>{time_text(facts.published_at)} 起，'
            "所有登录账号都可以在“结果公示”页查看。</p>"
        )
        return
    show(
        '<p class="big">已启封</p>'
        f"<p>{time_text(facts.revealed_at)} 启封。公示之后，名单与机会对所有登录账号公开，包括学校。</p>"
    )
    if actor.may(Permission.PUBLISH_DRAW):
        ask_then_do(
            "publish",
            facts,
            button="公示",
            question="公示之后，所有登录账号（包括学校、乡镇街道）都能看到名单、机会和凭证，不能撤回。",
            sure="确认公示",
            permission=Permission.PUBLISH_DRAW,
            verb=lambda who, _: publish_draw(who, session.house(), number=facts.number),
        )
    else:
        _wait_for(facts)


def _stopped(facts: RoundFacts) -> None:
    what = f"抽取 {facts.number} 已作废" if facts.number else "这次出发已取消"
    show(
        f'<p class="stop">{what}</p><p>原因：{escape(facts.stopped_reason)}</p>'
        "<p>编号、承诺和原因留在记录上，不会再用。要继续，请另开一次出发。</p>"
    )


def _wait_for(facts: RoundFacts) -> None:
    show(f'<p class="big">等待：{escape(whose_turn(facts, session.house().today()))}</p>')


@st.fragment(run_every="3s")
def _watch(departure_id: int, drawn_step: RoundStep, had_all: bool) -> None:
    """Show who has made or entered the salt, live; draw the page anew once the step is over."""
    actor = guard(Permission.VIEW_DRAWS)
    try:
        facts = read_round(actor, session.house(), departure_id=departure_id)
    except UserError:
        return
    if facts.step is not drawn_step or facts.all_salts_entered != had_all:
        st.rerun()
    if facts.step is not RoundStep.VALUE:
        show(keeper_tiles(facts.keepers, has_entered=facts.step is RoundStep.DEPART))


def _record(actor: Actor, facts: RoundFacts) -> None:
    trail = read_trail(actor, session.house(), number=facts.number) if facts.number else ()
    if not trail:
        return
    rows = "".join(
        f'<tr><td class="num">{line.seq}</td><td>{line.what}</td>'
        f'<td class="num">{time_text(line.at)}</td><td><code>{line.hash}</code></td></tr>'
        for line in trail
    )
    with st.expander("记录链上的每一步"):
        show(f"<table><tr><th>序号</th><th>步骤</th><th>时间</th><th>哈希</th></tr>{rows}</table>")
        if facts.step is not RoundStep.VALUE:
            st.link_button(
                "承诺书（PDF）",
                f"/files/rounds/{facts.departure_id}/commit.pdf",
                icon=":material/download:",
            )


def _ways_out(facts: RoundFacts) -> None:
    if facts.step in (RoundStep.SALTS, RoundStep.COMMIT):
        with st.expander("取消这次出发"):
            ask_then_do(
                "cancel",
                facts,
                button="取消…",
                question="取消后仍列在出发记录中，连同原因。",
                sure="确认取消",
                permission=Permission.DRAW,
                verb=lambda who, reason: cancel_departure(
                    who, session.house(), departure_id=facts.departure_id, reason=reason
                ),
                reason="取消原因",
                is_primary=False,
            )
    elif facts.step in (RoundStep.VALUE, RoundStep.DEPART):
        with st.expander("作废这次抽取"):
            st.caption(
                "封条遗失、保管人不录入、组不成队伍时使用。作废是公开的：编号、承诺、原因永远留在记录上。"
            )
            ask_then_do(
                "void",
                facts,
                button="作废…",
                question="作废后这个编号不能再用，已录入的随机盐一并清除。",
                sure="确认作废",
                permission=Permission.DRAW,
                verb=lambda who, reason: void_round(
                    who, session.house(), number=facts.number, reason=reason
                ),
                reason="作废原因",
                is_primary=False,
            )
