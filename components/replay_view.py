"""What a replay shows: each step right or wrong, the list, the duels of one school."""

from __future__ import annotations

import streamlit as st

from components import session
from components.duel_map import show_duels_of_draw, show_duels_of_pack
from components.guard import guard
from domain.access import Actor, Permission
from services.draw_duels import hold_replay
from services.draw_list import list_replayable
from services.draw_recompute import (
    MOST_UPLOAD_MB,
    drawn_table,
    duel_table,
    recompute_draw,
    recompute_pack,
)
from services.draw_replay import Replay

_SCHOOL = "replay-school"
_ON_MAP = "replay-on-map"


def choose_replay(actor: Actor) -> tuple[Replay | None, str]:
    """Let the reader upload a pack or pick a draw; return it recomputed, or nothing yet.

    With it comes the number of the stored draw, empty for a pack.
    """
    upload_side, pick_side = st.columns(2, gap="large")
    with upload_side:
        pack = st.file_uploader(
            f"上传复算包（zip，不超过 {MOST_UPLOAD_MB} MB）",
            type="zip",
            max_upload_size=MOST_UPLOAD_MB,
            key="replay-pack",
        )
        head = st.text_input(
            "纸质凭证或名单上的链头（可不填）",
            help="填了还能查出记录末尾是否被截去。",
            key="replay-head",
        )
    with pick_side:
        number = _pick(actor)
    if pack is not None:
        content = pack.getvalue()
        return recompute_pack(actor, session.house(), content=content, head=head or ""), ""
    if number:
        return recompute_draw(actor, session.house(), number=number), number
    return None, ""


def _pick(actor: Actor) -> str:
    if not actor.may(Permission.VIEW_DRAWS):
        st.caption("您的角色不能查看系统内的抽取，可上传他人给您的复算包。")
        return ""
    done = list(list_replayable(actor, session.house()))
    asked = st.query_params.get("draw", "")
    return (
        st.selectbox(
            "或选一次抽取",
            done,
            index=done.index(asked) if asked in done else None,
            placeholder="已有结果的编号",
            key="replay-draw",
        )
        or ""
    )


def show_steps(replay: Replay) -> None:
    """Show each step marked, and the first thing that disagrees in words."""
    fault = replay.fault
    if fault is None:
        st.success(f"抽取 {replay.draw_number}：共 {len(replay.steps)} 步，全部一致。")
    else:
        st.error(f"**不一致：{fault.name}。** {fault.fault}。请保留原包，连同凭证交审计人员。")
    for step in replay.steps:
        st.markdown(f"{':green[✓]' if step.is_right else ':red[✗]'} {step.name}")


def show_duels(actor: Actor, replay: Replay, number: str) -> None:
    """Play the duels on the map: of the stored draw ``number``, else of the uploaded pack."""
    if replay.drawn is None:
        return
    school = session.recall(_ON_MAP, "")
    if number:
        show_duels_of_draw(number, school=school)
    else:
        show_duels_of_pack(hold_replay(actor, session.house(), replay=replay), school=school)


def show_list(actor: Actor, replay: Replay) -> None:
    """Show the recomputed list."""
    if replay.drawn is None:
        return
    st.markdown("#### 复算得到的名单")
    st.dataframe(
        drawn_table(actor, session.house(), replay),
        hide_index=True,
        column_config={
            "code": "学校代码",
            "name": "学校名称",
            "stratum": "分层",
            "chance": "抽中机会",
            "percent": st.column_config.NumberColumn("折合", format="%.2f%%"),
        },
    )


def show_school(actor: Actor, replay: Replay) -> None:
    """Show one school's duels as a table, and on the map once it was asked for."""
    drawn = replay.drawn
    if drawn is None:
        return
    st.markdown("#### 一所学校的对决经过")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        school = st.text_input(
            "学校代码",
            value=drawn.ids[0] if drawn.ids else "",
            help="抽中与没抽中的都可以查；也可以在上面的地图上点一所。",
            key=_SCHOOL,
            on_change=_show_on_map,
        )
        st.button("在地图上看", on_click=_show_on_map, key="replay-to-map")
    duels = duel_table(actor, session.house(), replay, school=(school or "").strip())
    if duels.empty:
        st.info("这所学校没有对决：不在名录库中，或票数已够一个名额而直接抽中。")
        return
    st.caption("每次与最近的一所比，票数合并；满票即抽中，零票即落选。分组为空时在全部学校中对决。")
    st.dataframe(
        duels,
        hide_index=True,
        column_config={
            "round": "第几次",
            "group": "分组",
            "code": "对手代码",
            "name": "对手",
            "own_before": "本校票数",
            "other_before": "对手票数",
            "own_after": "本校结果",
            "other_after": "对手结果",
            "full": "满票",
        },
    )


def _show_on_map() -> None:
    guard(Permission.REPLAY)
    session.remember(_ON_MAP, (session.recall(_SCHOOL) or "").strip())
