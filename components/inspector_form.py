"""The form of one inspector: new, or a change that a stale screen cannot make."""

from __future__ import annotations

from functools import partial

import streamlit as st

from components import session
from components.inspector_state import attempt, go
from domain.access import Actor
from domain.words import InspectorKind
from services.importers.inspectors import (
    CODE_LIMIT,
    NAME_LIMIT,
    PHONE_LIMIT,
    QUALIFICATIONS_LIMIT,
    UNIT_LIMIT,
)
from services.inspector_changes import InspectorDraft, add_inspector, change_inspector
from services.inspectors import (
    InspectorFacts,
    list_home_districts,
    list_linkable_accounts,
    own_level,
)

_FIELDS = ("code", "name", "kind", "lead", "unit", "qualifications", "phone", "district", "account")


def inspector_form(actor: Actor, facts: InspectorFacts | None) -> None:
    """Draw the form; its fields carry the version they were filled from."""
    form = f"person-{facts.code}-{facts.row_version}" if facts else "person-new"
    districts = dict(list_home_districts(actor, session.house()))
    accounts = dict(
        list_linkable_accounts(actor, session.house(), code=facts.code if facts else "")
    )
    with st.form(form, enter_to_submit=False, border=facts is None):
        left, right = st.columns(2, gap="medium")
        with left:
            _text("工号", f"{form}-code", facts.code if facts else "", CODE_LIMIT)
            _text("姓名", f"{form}-name", facts.name if facts else "", NAME_LIMIT)
            st.selectbox(
                "类别",
                [kind.value for kind in InspectorKind],
                index=list(InspectorKind).index(facts.kind) if facts else 0,
                format_func=lambda value: InspectorKind(value).label,
                key=f"{form}-kind",
            )
            _choose_district(actor, f"{form}-district", districts, facts)
        with right:
            _text("单位", f"{form}-unit", facts.unit if facts else "", UNIT_LIMIT)
            _text(
                "资格",
                f"{form}-qualifications",
                facts.qualifications if facts else "",
                QUALIFICATIONS_LIMIT,
                placeholder="资格证件，几样用顿号隔开",
            )
            _text("电话", f"{form}-phone", facts.phone if facts else "", PHONE_LIMIT)
            logins = ["", *accounts]
            st.selectbox(
                "关联账号",
                logins,
                index=logins.index(facts.account_login) if facts else 0,
                format_func=lambda login: accounts.get(login, "不关联"),
                key=f"{form}-account",
                help="本人用这个账号查看本队路线；一个账号只能关联一人。",
            )
        st.checkbox(
            "可带队（每队至少一名）", value=bool(facts and facts.can_lead), key=f"{form}-lead"
        )
        st.form_submit_button(
            "保存修改" if facts else f"登记为{own_level(actor).label}人员",
            type="primary",
            on_click=_save,
            args=(form, facts.code if facts else "", facts.row_version if facts else 0),
            key=f"{form}-save",
        )


def _text(label: str, key: str, value: str, limit: int, placeholder: str = "") -> None:
    st.text_input(label, value=value, max_chars=limit, key=key, placeholder=placeholder)


def _choose_district(
    actor: Actor, key: str, districts: dict[str, str], facts: InspectorFacts | None
) -> None:
    codes = list(districts) if actor.district_id is not None else ["", *districts]
    held = facts.district_code if facts else ""
    st.selectbox(
        "所属区县",
        codes,
        index=codes.index(held) if held in codes else 0,
        format_func=lambda code: districts.get(code, "不属于某个区县"),
        key=key,
        disabled=actor.district_id is not None,
        help="县市区交叉检查时回避本区县。",
    )


def _save(form: str, code: str, row_version: int) -> None:
    """Save what the form says (a widget callback)."""
    said = {name: session.recall(f"{form}-{name}") for name in _FIELDS}
    draft = InspectorDraft(
        code=said["code"] or "",
        name=said["name"] or "",
        kind=InspectorKind(said["kind"]),
        unit=said["unit"] or "",
        qualifications=said["qualifications"] or "",
        can_lead=bool(said["lead"]),
        phone=said["phone"] or "",
        district_code=said["district"] or "",
        account_login=said["account"] or "",
    )
    kept: list[str] = []

    def save(actor: Actor) -> str:
        house = session.house()
        if code:
            kept.append(
                change_inspector(actor, house, code=code, row_version=row_version, draft=draft)
            )
            return "已保存。"
        kept.append(add_inspector(actor, house, draft=draft))
        return "已登记。需要回避的学校，请在“回避登记”里补上。"

    if attempt(save):
        partial(go, person=kept[0])()
