"""Edit a plan: the form beside what it would give, save as draft, submit."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import partial

import streamlit as st

from components import session
from components.guard import guard
from components.plan_form import plan_form
from components.plan_lists import leave_out
from components.plan_preview import COMPANY_NOTE, light, show, show_preview, show_rosters
from components.plan_simulation import show_simulation
from components.plan_state import Held, attempt, hold, is_stale, let_go, open_plan, terms_of
from components.school_list import plain
from domain.access import Actor, Permission
from domain.errors import UserError
from domain.plan import PlanTerms
from domain.quick_draw import Weighting
from domain.words import LegalReason
from services.map_schools import load_school_table
from services.plans.places import default_start
from services.plans.preview import PlanPreview, preview_plan
from services.plans.records import PlanFacts
from services.plans.rosters import RosterOutlook, check_rosters
from services.plans.write import save_plan, submit_plan
from services.rules import read_sampling_rules

PLAN_DAYS = 14
UNNAMED = "未命名"


def show_new(actor: Actor) -> None:
    """Draw the form of a new plan."""
    show('<div class="title"><h2>新拟计划</h2></div>')
    held = hold(None, None, partial(_first_terms, actor))
    _edit(actor, held)


def edit_draft(actor: Actor, facts: PlanFacts) -> None:
    """Draw the form of a draft, and say so when somebody else has saved it meanwhile."""
    held = hold(facts.number, facts.row_version, lambda: facts.terms)
    if is_stale(held, facts):
        light("amber", "<b>这个计划刚被别人保存过</b>，您看到的不是最新内容，保存会被拒绝。")
        st.button("打开最新内容（放弃我的修改）", on_click=_reopen, key="plan-reopen")
    _edit(actor, held)


def _edit(actor: Actor, held: Held) -> None:
    house = session.house()
    form_side, seen_side = st.columns([1, 1], gap="medium")
    with form_side:
        plan_form(actor, held, load_school_table(actor, house), read_sampling_rules(house))
    terms = terms_of(held)
    with seen_side:
        seen: PlanPreview | None = None
        try:
            named = terms if terms.title else replace(terms, title=UNNAMED)
            seen = preview_plan(actor, house, terms=named, number=held.number)
        except UserError as error:
            st.info(f"**还不能提交：{plain(error.message)}** {plain(error.next_step)}")
        _save_buttons(held, terms, seen)
        if seen is not None:
            show_preview(
                seen,
                terms,
                leave_out=lambda codes: leave_out(held, codes, LegalReason.COMPANY, COMPANY_NOTE),
            )
            _try_rosters(held, terms)
            show_simulation(seen.outlook)


def _save_buttons(held: Held, terms: PlanTerms, seen: PlanPreview | None) -> None:
    changed = held.number is None or terms != held.terms
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("保存草稿", on_click=_save, args=(held,), key="plan-save", disabled=not changed)
        st.button(
            "保存并提交批准",
            type="primary",
            disabled=seen is None,
            on_click=_submit,
            args=(held, terms, seen.frame_hash if seen else ""),
            key="plan-submit",
        )
        st.caption("有未保存的修改。" if changed else "已保存。提交后名录、权重、名单一并冻结。")


def _save(held: Held) -> None:
    actor = guard(Permission.EDIT_PLANS)
    attempt(partial(_store, actor, held), "草稿已保存。")


def _store(actor: Actor, held: Held) -> str:
    number = save_plan(
        actor,
        session.house(),
        terms=terms_of(held),
        number=held.number,
        row_version=held.row_version,
    )
    let_go()
    open_plan(number)
    return number


def _submit(held: Held, previewed: PlanTerms, frame_hash: str) -> None:
    actor = guard(Permission.EDIT_PLANS)

    def deed() -> None:
        is_as_seen = terms_of(held) == previewed
        number = _store(actor, held)
        if not is_as_seen:
            raise UserError(
                "内容刚刚改过，已存为草稿，还没有提交。", "请核对新的预览，再按一次提交。"
            )
        submit_plan(actor, session.house(), number=number, frame_hash=frame_hash)

    attempt(deed, "已提交，等局领导批准。名录库已冻结。")


def _try_rosters(held: Held, terms: PlanTerms) -> None:
    kept: tuple[PlanTerms, RosterOutlook] | None = session.recall(held.key("rosters"))
    if kept is not None and kept[0] == terms:
        show_rosters(kept[1])
        return
    st.button(
        "检查队伍能否排出",
        on_click=_check_rosters,
        args=(held,),
        key="plan-rosters",
        icon=":material/groups:",
    )


def _check_rosters(held: Held) -> None:
    actor = guard(Permission.EDIT_PLANS)
    terms = terms_of(held)

    def deed() -> None:
        found = check_rosters(actor, session.house(), terms=terms)
        session.remember(held.key("rosters"), (terms, found))

    attempt(deed)


def _first_terms(actor: Actor) -> PlanTerms:
    house = session.house()
    rules, today = read_sampling_rules(house), house.today()
    place = default_start(house, district_id=actor.district_id)
    terms = PlanTerms(
        title="",
        first_day=today,
        last_day=min(today + dt.timedelta(days=PLAN_DAYS), dt.date(today.year, 12, 31)),
        weighting=Weighting(floor=rules.weight_floor, cap=rules.weight_cap),
        rho_permille=rules.rho_permille,
        visit_cap=rules.visit_cap,
        reserve=rules.reserve,
    )
    if place is None:
        return terms
    day = replace(terms.day, start_name=place.name, start_lon=place.lon, start_lat=place.lat)
    return replace(terms, day=day)


def _reopen() -> None:
    guard(Permission.EDIT_PLANS)
    let_go()
