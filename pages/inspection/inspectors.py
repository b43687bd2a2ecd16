"""督查人员: who may be sent, from which schools each stays away, who was where."""

from __future__ import annotations

import streamlit as st

from components.guard import guard
from components.inspector_card import show_person
from components.inspector_form import inspector_form
from components.inspector_list import draw_register
from components.inspector_state import (
    ADD,
    DOING,
    IMPORT,
    PERSON,
    back_button,
    keep_tables_here,
    show_answer,
)
from components.inspector_upload import draw_import
from domain.access import Permission
from domain.errors import NotFound

actor = guard(Permission.VIEW_PLANS)

st.subheader("督查人员")
keep_tables_here()
show_answer()
doing = st.query_params.get(DOING, "") if actor.may(Permission.MANAGE_INSPECTORS) else ""
person = st.query_params.get(PERSON, "")
if doing == IMPORT:
    draw_import(actor)
elif doing == ADD:
    back_button()
    inspector_form(actor, None)
elif person:
    try:
        show_person(actor, person)
    except NotFound as error:
        st.warning(f"{error.message}{error.next_step}")
        back_button()
else:
    draw_register(actor)
