"""Where a visitor is in the register of inspectors, and what the last press came to."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from components import session
from components.guard import guard
from domain.access import Actor, Permission
from domain.errors import UserError

PERSON, DOING = "person", "do"
ADD, IMPORT = "add", "import"
FILTER_KEYS = tuple(
    f"person_{name}" for name in ("q", "level", "district", "kind", "lead", "state")
)
_FILTERS = "inspector-filters"
_FAULT, _DONE = "inspector-fault", "inspector-done"


def go(*, person: str = "", doing: str = "") -> None:
    """Open a person, a task or (without either) the list; the address names it (a callback).

    A filter leaves the address with its widget, so it is kept aside for the way back.
    """
    if not (st.query_params.get(PERSON) or st.query_params.get(DOING)):
        session.remember(_FILTERS, {key: session.recall(key) for key in FILTER_KEYS})
    elif not (person or doing):
        for key, value in (session.recall(_FILTERS) or {}).items():
            if value is not None:
                session.remember(key, value)
    for key, value in ((PERSON, person), (DOING, doing)):
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)


def attempt(verb: Callable[[Actor], str]) -> bool:
    """Run a change for whoever may make it (within a callback); keep its answer to be shown.

    ``verb`` returns what to say. Tells whether it went through.
    """
    actor = guard(Permission.MANAGE_INSPECTORS)
    try:
        session.remember(_DONE, verb(actor))
    except UserError as error:
        session.remember(_FAULT, f"**{error.message}** {error.next_step}")
        return False
    return True


def show_answer() -> None:
    """Show once what the last press came to."""
    fault, done = session.recall(_FAULT), session.recall(_DONE)
    if fault:
        st.error(fault)
        session.forget(_FAULT)
    if done:
        st.success(done)
        session.forget(_DONE)


def keep_tables_here() -> None:
    """Hide the tables' own download, for the audited export alone leads out, and English hints."""
    hidden = '[data-testid="stElementToolbar"],[data-testid="InputInstructions"]'
    st.html(f"<style>{hidden}{{display:none}}</style>")


def back_button() -> None:
    """Draw the way back to the list."""
    st.button("返回名册", icon=":material/arrow_back:", on_click=go, type="tertiary", key="to-list")
