"""The two lists of a plan: schools visited without a draw, schools left out by law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from components import session
from components.guard import guard
from components.plan_state import Held, exclusions, keep_lists, must_visits
from domain.access import Actor, Permission
from domain.plan import Exclusion, MustVisit
from domain.quick_draw import REASON_LIMIT
from domain.words import LegalReason, MustVisitReason, Word
from services.plans.places import find_schools, names_of_schools
from services.plans.suggest import suggest_must_visits

Entry = MustVisit | Exclusion


def must_visit_list(actor: Actor, held: Held) -> None:
    """Draw the must-visit list with search, suggestions and removal."""
    entries = must_visits(held)
    st.markdown(f"**必查学校**（{len(entries)} 所）：不经抽取，直接督查；另列名单并写明理由。")
    _show(actor, held, "must", entries)
    _add_one(actor, held, "must", MustVisitReason, needs_note=False)
    suggested = suggest_must_visits(actor, session.house())
    taken = {entry.code for entry in (*entries, *exclusions(held))}
    suggested = suggested[~suggested["code"].isin(taken)].reset_index(drop=True)
    if suggested.empty:
        return
    with st.expander(f"建议：挂牌督办、零报告或漏报的学校（{len(suggested)} 所）"):
        table_key = held.key("suggested")
        st.dataframe(
            suggested[["name", "why", "code"]],
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key=table_key,
            height=min(260, 38 + 35 * len(suggested)),
            column_config={"name": "学校", "why": "理由", "code": "代码"},
        )
        chosen = suggested.iloc[[r for r in _picked(table_key) if r < len(suggested)]]
        st.button(
            f"加入所选（{len(chosen)}）",
            disabled=chosen.empty,
            on_click=_add_suggested,
            args=(held, chosen),
            key=held.key("suggested-add"),
        )


def exclusion_list(actor: Actor, held: Held) -> None:
    """Draw the list of schools left out, each with its legal reason and its document."""
    entries = exclusions(held)
    st.markdown(
        f"**不参加抽取**（{len(entries)} 所）：只限法定理由，逐校写明依据。停办、撤并的自动不参加。"
    )
    _show(actor, held, "left-out", entries)
    _add_one(actor, held, "left-out", LegalReason, needs_note=True)


def leave_out(held: Held, codes: Sequence[str], reason: LegalReason, note: str) -> None:
    """Put schools on the list of those left out (a widget callback)."""
    guard(Permission.EDIT_PLANS)
    _leave_out(held, codes, reason, note)


def _leave_out(held: Held, codes: Sequence[str], reason: LegalReason, note: str) -> None:
    gone = set(codes)
    keep_lists(
        held,
        must=tuple(entry for entry in must_visits(held) if entry.code not in gone),
        left_out=(
            *(entry for entry in exclusions(held) if entry.code not in gone),
            *(Exclusion(code, reason, note) for code in codes),
        ),
    )


def _show(actor: Actor, held: Held, what: str, entries: Sequence[Entry]) -> None:
    if not entries:
        return
    names = names_of_schools(actor, session.house(), codes=[entry.code for entry in entries])
    rows = pd.DataFrame(
        {
            "name": [names.get(entry.code, "（不在管辖范围内）") for entry in entries],
            "reason": [entry.reason.label for entry in entries],
            "note": [entry.note for entry in entries],
            "code": [entry.code for entry in entries],
        }
    )
    # A list that changed starts with nothing picked: rows are picked by their place.
    table_key = held.key(f"{what}-rows-{len(entries)}-{entries[-1].code}")
    st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key=table_key,
        height=min(260, 38 + 35 * len(rows)),
        column_config={"name": "学校", "reason": "理由", "note": "说明", "code": "代码"},
    )
    picked = [row for row in _picked(table_key) if row < len(entries)]
    if picked:
        st.button(
            f"删去所选（{len(picked)}）",
            on_click=_remove,
            args=(held, what, [entries[row].code for row in picked]),
            key=held.key(f"{what}-remove"),
        )


def _add_one(actor: Actor, held: Held, what: str, enum: type[Word], *, needs_note: bool) -> None:
    taken = {entry.code for entry in (*must_visits(held), *exclusions(held))}
    search, choice = st.columns(2)
    q = search.text_input(
        "查找学校",
        key=held.key(f"{what}-q"),
        placeholder="校名或代码的一部分，回车查找",
        icon=":material/search:",
    )
    if not (q or "").strip():
        return
    found = find_schools(actor, session.house(), q=q)
    found = {code: label for code, label in found.items() if code not in taken}
    if not found:
        choice.caption("没有找到，或已在名单中。")
        return
    code = choice.selectbox(
        "学校", list(found), format_func=lambda one: found[one], key=held.key(f"{what}-code")
    )
    left, right = st.columns(2)
    reason = left.selectbox(
        "理由",
        [word.value for word in enum],
        format_func=lambda value: enum(value).label,
        key=held.key(f"{what}-reason"),
    )
    right.text_input(
        "依据（文件或通知）" if needs_note else "说明（可不填）",
        max_chars=REASON_LIMIT,
        key=held.key(f"{what}-note"),
    )
    st.button(
        "加入名单", on_click=_add, args=(held, what, code, reason), key=held.key(f"{what}-add")
    )


def _add(held: Held, what: str, code: str, reason: str) -> None:
    guard(Permission.EDIT_PLANS)
    note = " ".join(str(session.recall(held.key(f"{what}-note")) or "").split())
    if what == "must":
        entry = MustVisit(code, MustVisitReason(reason), note)
        keep_lists(held, must=(*must_visits(held), entry))
    else:
        _leave_out(held, [code], LegalReason(reason), note)
    session.remember(held.key(f"{what}-q"), "")


def _add_suggested(held: Held, chosen: pd.DataFrame) -> None:
    guard(Permission.EDIT_PLANS)
    taken = {entry.code for entry in must_visits(held)}
    more = tuple(
        MustVisit(code, MustVisitReason(reason), why)
        for code, reason, why in chosen[["code", "reason", "why"]].to_numpy(dtype=str).tolist()
        if code not in taken
    )
    keep_lists(held, must=(*must_visits(held), *more))


def _remove(held: Held, what: str, codes: Sequence[str]) -> None:
    guard(Permission.EDIT_PLANS)
    gone = set(codes)
    if what == "must":
        keep_lists(held, must=tuple(e for e in must_visits(held) if e.code not in gone))
    else:
        keep_lists(held, left_out=tuple(e for e in exclusions(held) if e.code not in gone))


def _picked(key: str) -> list[int]:
    state: Any = session.recall(key) or {}
    return list(state.get("selection", {}).get("rows", []))
