"""A custodian's tasks: make the salt and print it, keep it, enter it at departure.

A salt lives in the session from the press that makes it to the run that shows it, and from
the press that enters it to the end of that run; nowhere else.
"""

from __future__ import annotations

import base64
import datetime as dt
from html import escape

import streamlit as st

from components import session
from components.guard import guard
from components.round_parts import (
    ask_then_do,
    attempt,
    date_text,
    figures,
    hash_block,
    keeper_tiles,
    say,
    show,
)
from domain.access import Actor, Permission
from domain.errors import UserError
from services.rounds.depart import enter_salt
from services.rounds.papers import SaltSlip, print_slip
from services.rounds.prepare import give_commitment, make_salt
from services.rounds.read import Keeper, RoundFacts, RoundStep, list_keeper_tasks
from settings import ROOT

_MADE = "custody-made"
_TYPED = "custody-typed"
_SHEET = (ROOT / "components" / "assets" / "salt_slip.html").read_text(encoding="utf-8")


def show_new_salt(actor: Actor) -> bool:
    """Show the salt that the last press made, in this run and no other; tell whether one is."""
    made = session.recall(_MADE)
    session.forget(_MADE)
    if made is None:
        return False
    try:
        slip = print_slip(actor, session.house(), departure_id=made[0], salt=made[1])
    except UserError as error:
        st.error(f"**{error.message}** {error.next_step}")
        return False
    st.error(
        "**只显示这一次。** 现在就打印或抄下，装进信封封好签名。离开、刷新或按其他按钮之后，谁也看不到它，包括管理员。",
        icon=":material/warning:",
    )
    # In a frame of its own: its link and buttons need what Streamlit's own markup strips, and
    # the file lies in the page itself, so that no copy of it waits on the server.
    st.iframe(_sheet(slip), alt="随机盐")
    return True


def _sheet(slip: SaltSlip) -> str:
    groups = "".join(f"<span>{group}</span>" for group in slip.groups)
    pdf = base64.b64encode(slip.pdf).decode("ascii")
    return _SHEET.replace("{groups}", groups).replace("{code}", slip.code).replace("{pdf}", pdf)


def show_tasks(actor: Actor, tasks: tuple[RoundFacts, ...], *, is_salt_shown: bool) -> None:
    """Show each round in which the actor keeps a salt, with what is to be done now."""
    today = session.house().today()
    for facts in tasks:
        mine = next((one for one in facts.keepers if one.login == actor.login), None)
        if mine is None:
            continue
        with st.container(border=True, key=f"round-stage-{facts.departure_id}"):
            number = f"<i>编号 <b>{facts.number}</b></i>" if facts.number else ""
            show(
                f'<div class="title"><h2>{escape(facts.title)}　第 {facts.ordinal} 次出发</h2>'
                f"<i>出发日 <b>{date_text(facts.departs_on)}</b></i>{number}</div>"
            )
            if facts.step in (RoundStep.SALTS, RoundStep.COMMIT):
                _before_commit(facts, mine)
            elif facts.step is RoundStep.VALUE or today < facts.departs_on:
                _waiting(facts, today)
            elif mine.has_entered:
                _entered(facts)
            else:
                _enter(facts)
            _watch(facts.departure_id, _state(facts), is_salt_shown)


def _before_commit(facts: RoundFacts, mine: Keeper) -> None:
    if not mine.commitment:
        show(
            "<p>随机盐是一串只有您持有的随机字符。出发时，公开值和每位保管人的随机盐合在一起才抽得出名单："
            "<b>少了您这一份，名单就不存在</b>，所以谁也不能事先得知。</p>"
            "<p>按下按钮后请打印、装进信封、封口签名，自己保管到出发那天。系统只留它的“指纹”（盐承诺），不留它本身。</p>"
        )
        st.button(
            "生成我的随机盐",
            type="primary",
            on_click=_make,
            args=(facts.departure_id,),
            key=f"custody-make-{facts.departure_id}",
        )
        _own_salt(facts, mine)
        return
    show(
        "<p>您的随机盐<b>已生成</b>，封条应在您手中。承诺之前遗失或没来得及打印，可以重新生成，旧的即作废。</p>"
        + hash_block("盐承诺（封条上也有，可核对）", mine.commitment, is_small=True)
    )
    ask_then_do(
        "remake",
        facts,
        button="重新生成",
        question="重新生成之后，先前打印的封条作废，请当场销毁。",
        sure="确认重新生成",
        permission=Permission.KEEP_SALT,
        verb=lambda actor, _: _remember_new(actor, facts.departure_id),
        is_primary=False,
    )


def _own_salt(facts: RoundFacts, mine: Keeper) -> None:
    """Offer to register the hash of a salt made elsewhere."""
    with st.expander("不放心由本系统生成？可以自带随机盐"):
        show(
            '<p class="quiet">在别处自己产生至少 32 位的 0–9、a–f 字符（例如掷骰子换算、另一台电脑生成），'
            f"抄在纸上封好；再算出“随机盐＋换行＋{escape(mine.name)}”（UTF-8）的 SHA-256，只把这个指纹登记在这里。"
            "出发之前，本系统根本没有见过您的随机盐。</p>"
        )
        field = f"custody-commitment-{facts.departure_id}"
        st.text_input("盐承诺（64 位 0–9、a–f）", max_chars=160, autocomplete="off", key=field)
        st.button(
            "登记我的盐承诺",
            on_click=_give,
            args=(facts.departure_id, field),
            key=f"custody-give-{facts.departure_id}",
        )


def _give(departure_id: int, field: str) -> None:
    actor = guard(Permission.KEEP_SALT)

    def deed() -> None:
        give_commitment(
            actor,
            session.house(),
            departure_id=departure_id,
            commitment=session.recall(field) or "",
        )
        say("盐承诺已登记。出发时请照样录入您自己的随机盐。")

    attempt(deed)


def _make(departure_id: int) -> None:
    actor = guard(Permission.KEEP_SALT)
    attempt(lambda: _remember_new(actor, departure_id))


def _remember_new(actor: Actor, departure_id: int) -> None:
    salt = make_salt(actor, session.house(), departure_id=departure_id)
    session.remember(_MADE, (departure_id, salt))


def _waiting(facts: RoundFacts, today: dt.date) -> None:
    days = (facts.departs_on - today).days
    when = f"还有 {days} 天出发。" if days > 0 else "今天出发，等公开值录入之后就可以录入随机盐。"
    show(
        f'<p class="big">请保管好封条</p><p>{when}已经承诺，随机盐不能再换；封条不要提前拆开。'
        "遗失了请马上告诉督查组织人员：只能公开作废，另抽一次。</p>"
    )


def _entered(facts: RoundFacts) -> None:
    show('<p class="big">您的随机盐已录入</p>')
    if facts.all_salts_entered:
        show(
            '<div class="wait">随机盐已齐，正在抽取、排路线、组队…</div>'
            "<p>长时间没有动静的，请督查组织人员在“封存抽取”页按“继续出发”。</p>"
        )


def _enter(facts: RoundFacts) -> None:
    show(
        '<p class="big">请拆开封条，录入随机盐</p>'
        + figures((facts.value, f"公开值（{escape(facts.promised)}）"))
    )
    field = f"{_TYPED}-{facts.departure_id}"
    with st.form(f"custody-form-{facts.departure_id}", clear_on_submit=True, border=False):
        typed = st.text_input(
            "随机盐（32 位，空格、短横、大小写都不要紧）",
            placeholder="例如 3f9a 07c1 …",
            autocomplete="off",
            key=field,
        )
        pressed = st.form_submit_button(
            "录入", type="primary", key=f"custody-enter-{facts.departure_id}"
        )
    if not pressed:
        return
    actor = guard(Permission.KEEP_SALT)
    try:
        with st.spinner("正在核对；最后一份录入之后，随即抽取、排路线、组队…", show_time=True):
            attempt(lambda: _say_entered(actor, facts, typed))
    finally:
        session.forget(field)
    st.rerun()


def _say_entered(actor: Actor, facts: RoundFacts, typed: str) -> None:
    if enter_salt(actor, session.house(), number=facts.number, salt=typed):
        say("随机盐已齐：已抽取、排好路线、组成队伍，名单封存。各队可以看本队路线了。")
    else:
        say("已录入，与承诺相符。等其他保管人录入之后即出发。")


@st.fragment(run_every="3s")
def _watch(departure_id: int, drawn: tuple[object, ...], is_salt_shown: bool) -> None:
    """Show all custodians, live; draw the page anew once things moved on.

    Not while a new salt is on the page, which that would take away before it is printed.
    """
    actor = guard(Permission.KEEP_SALT)
    tasks = list_keeper_tasks(actor, session.house())
    facts = next((one for one in tasks if one.departure_id == departure_id), None)
    if not is_salt_shown and (facts is None or _state(facts) != drawn):
        st.rerun()
    if facts is not None:
        show(keeper_tiles(facts.keepers, has_entered=facts.step is RoundStep.DEPART))


def _state(facts: RoundFacts) -> tuple[object, ...]:
    return (facts.step, *(one.has_entered for one in facts.keepers))
