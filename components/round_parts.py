"""What the screens of a sealed round share: its look, its words, and asking before acting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from html import escape

import streamlit as st

from components import session
from components.guard import guard
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.quick_draw import REASON_LIMIT
from domain.words import InspectionLevel
from services.house import LOCAL_ZONE
from services.rounds.read import Keeper, RoundFacts, RoundStep
from settings import ROOT

_CSS = (ROOT / "static" / "rounds.css").read_text(encoding="utf-8")
_ASKED, _FAULT, _SAID = "round-asked", "round-fault", "round-said"
HASH_GROUP = 8


def apply_style() -> None:
    """Put the rounds' styles on the page."""
    st.html(f"<style>{_CSS}</style>")


def show(body: str) -> None:
    """Show markup of ours; whatever is not ours has been escaped by the caller."""
    st.html(f'<div class="csm-round">{body}</div>')


def may_act(actor: Actor, facts: RoundFacts) -> bool:
    """Tell whether the actor carries this round on: a district's is carried on by its own."""
    return actor.may(Permission.DRAW) and actor.district_id == facts.district_id


def organiser(facts: RoundFacts) -> str:
    """Return the role that carries the round on."""
    return "区县专干" if facts.level is InspectionLevel.COUNTY else "督查员"


def whose_turn(facts: RoundFacts, today: dt.date) -> str:
    """Say what comes next and by whom."""
    match facts.step:
        case RoundStep.SALTS:
            waiting = "、".join(one.name for one in facts.keepers if not one.commitment)
            return f"保管人 {waiting} 生成随机盐"
        case RoundStep.COMMIT:
            return f"{organiser(facts)}承诺"
        case RoundStep.VALUE:
            return f"{organiser(facts)}当众产生并录入公开值"
        case RoundStep.DEPART if today < facts.departs_on:
            return f"等到出发日，还有 {(facts.departs_on - today).days} 天"
        case RoundStep.DEPART if facts.all_salts_entered:
            return f"{organiser(facts)}继续出发"
        case RoundStep.DEPART:
            waiting = "、".join(one.name for one in facts.keepers if not one.has_entered)
            return f"保管人 {waiting} 录入随机盐"
        case RoundStep.REVEAL:
            return f"督查结束后由{organiser(facts)}启封"
        case RoundStep.PUBLISH:
            return "局领导公示"
        case RoundStep.STOPPED:
            return facts.stopped_reason
        case _:
            return ""


def date_text(day: dt.date) -> str:
    """Return a date with its weekday as it is read aloud."""
    return f"{day.month} 月 {day.day} 日（周{'一二三四五六日'[day.weekday()]}）"


def time_text(at: dt.datetime | None) -> str:
    """Return an instant as local time to the second, empty where unknown."""
    return f"{at.astimezone(LOCAL_ZONE):%Y-%m-%d %H:%M:%S}" if at else ""


def hash_block(label: str, digits: str, *, is_small: bool = False) -> str:
    """Return a hash in groups of eight, so that it can be read aloud and compared."""
    groups = [digits[at : at + HASH_GROUP] for at in range(0, len(digits), HASH_GROUP)]
    said = "".join(f"<span>{group}</span>" for group in groups)
    size = " small" if is_small else ""
    return f'<div class="hash{size}"><label>{label}</label><code>{said}</code></div>'


def figures(*pairs: tuple[str, str]) -> str:
    """Return numbers in large type, each with what it counts."""
    cells = "".join(
        f"<div><b>{escape(what)}</b><span>{label}</span></div>" for what, label in pairs
    )
    return f'<div class="figures">{cells}</div>'


def keeper_tiles(keepers: tuple[Keeper, ...], *, has_entered: bool) -> str:
    """Return a tile per custodian: whether the salt is made, or later entered."""
    tiles = []
    for keeper in keepers:
        is_done = keeper.has_entered if has_entered else bool(keeper.commitment)
        done, open_ = ("✓ 已录入", "待录入") if has_entered else ("✓ 已生成", "待生成")
        promise = f"<code>盐承诺 {keeper.commitment}</code>" if keeper.commitment else ""
        tiles.append(
            f'<div class="{"yes" if is_done else "no"}"><b>{escape(keeper.name)}</b>'
            f"<em>{escape(keeper.role)}</em><strong>{done if is_done else open_}</strong>{promise}</div>"
        )
    return f'<div class="keepers">{"".join(tiles)}</div>'


def ask_then_do(
    what: str,
    facts: RoundFacts,
    *,
    button: str,
    question: str,
    sure: str,
    permission: Permission,
    verb: Callable[[Actor, str], None],
    reason: str = "",
    is_primary: bool = True,
) -> None:
    """Draw a button that asks once more before it acts.

    ``verb`` gets the actor, read anew, and the text typed under ``reason`` (the label of a
    field that is shown only where one is given). ``question`` is text of ours.
    """
    mark = f"{what}-{facts.departure_id}"
    if session.recall(_ASKED) != mark:
        st.button(
            button,
            type="primary" if is_primary else "secondary",
            on_click=_ask,
            args=(permission, mark),
            key=f"round-{what}",
        )
        return
    st.warning(question)
    field = f"round-{what}-reason"
    if reason:
        st.text_input(reason, max_chars=REASON_LIMIT, key=field)
    with st.container(horizontal=True):
        st.button(
            sure,
            type="primary",
            on_click=_do,
            args=(permission, verb, field),
            key=f"round-{what}-sure",
        )
        st.button("返回", on_click=_ask, args=(permission, ""), key=f"round-{what}-back")


def _ask(permission: Permission, mark: str) -> None:
    guard(permission)
    session.remember(_ASKED, mark)


def _do(permission: Permission, verb: Callable[[Actor, str], None], field: str) -> None:
    actor = guard(permission)
    if attempt(lambda: verb(actor, session.recall(field) or "")):
        session.forget(_ASKED)


def attempt(deed: Callable[[], None]) -> bool:
    """Do a deed; keep what a user's error says for the next run. Tell whether it went well."""
    try:
        deed()
    except UserError as error:
        session.remember(_FAULT, f"**{error.message}** {error.next_step}")
        return False
    session.forget(_FAULT)
    return True


def say(text: str) -> None:
    """Keep a sentence of ours for the next run."""
    session.remember(_SAID, text)


def show_said() -> None:
    """Show what the last deed said, once."""
    fault, said = session.recall(_FAULT), session.recall(_SAID)
    session.forget(_FAULT)
    session.forget(_SAID)
    if fault:
        st.error(fault)
    if said:
        st.success(said)
