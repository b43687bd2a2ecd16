"""What a page shows when something is wrong: a user's error in plain words, a fault by number."""

from __future__ import annotations

import streamlit as st

from components.guard import show_sign_in_prompt
from domain.errors import NotSignedIn, UserError
from services.logs import log_fault


def show_fault(error: Exception) -> bool:
    """Show the error in Chinese without its trace; a fault is logged under the shown number."""
    if isinstance(error, NotSignedIn):
        show_sign_in_prompt()
    elif isinstance(error, UserError):
        st.error(f"**{error.message}**\n\n{error.next_step}")
    else:
        number = log_fault(error, where="page")
        st.error(
            f"**系统出现意外错误，错误编号 {number}。**\n\n请刷新页面重试；仍不行时把编号告诉管理员。"
        )
    return True
