"""The visitor's session: who is signed in, and the only door to ``st.session_state``."""

from __future__ import annotations

from typing import Any

import streamlit as st

from domain.access import Actor
from services.house import House
from services.sign_in import COOKIE_NAME, actor_of_token
from services.start import current_house


def house() -> House:
    """Return the process's one house."""
    return current_house()


def sign_in_token() -> str:
    """Return the token in the cookie that the browser opened its connection with."""
    return st.context.cookies.get(COOKIE_NAME, "")


def current_actor() -> Actor | None:
    """Return who is signed in now, or ``None``.

    Reads the database every time (under a millisecond) and keeps nothing: a revoked or
    disabled user is out at the next action, in fragments too.
    """
    return actor_of_token(current_house(), sign_in_token())


def recall(key: str, default: Any = None) -> Any:
    """Return what this visitor's session remembers under ``key``."""
    return st.session_state.get(key, default)


def remember(key: str, value: Any) -> None:
    """Keep ``value`` in this visitor's session."""
    st.session_state[key] = value


def forget(key: str) -> None:
    """Drop ``key`` from this visitor's session."""
    st.session_state.pop(key, None)
