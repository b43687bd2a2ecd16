"""The guard: first statement of every page and every fragment."""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import quote, urlsplit

import streamlit as st

from components import session
from domain.access import Actor, Permission


def guard(permission: Permission) -> Actor:
    """Return who is signed in; stop here for strangers and for roles that may not.

    Fragment reruns skip main.py and the page around them, so fragments call this too.
    """
    actor = session.current_actor()
    if actor is None:
        ask_to_sign_in()
    if not actor.may(permission):
        refuse(actor, permission)
    return actor


def ask_to_sign_in() -> NoReturn:
    """Show the sign-in prompt and stop the page."""
    show_sign_in_prompt()
    st.stop()


def show_sign_in_prompt() -> None:
    """Show that nobody is signed in (any more), with the way back to this very page."""
    st.html(
        '<div class="csm-stop"><h2>您还没有登录，或登录已失效</h2>'
        "<p>可能已超过有效时间、已在别处退出，或账号被管理员停用。</p>"
        f'<a class="csm-go" href="{_sign_in_address()}" target="_self">重新登录</a></div>{_STYLE}'
    )


def refuse(actor: Actor, permission: Permission) -> NoReturn:
    """Show 无权访问 in place of the page."""
    st.html(
        '<div class="csm-stop"><h2>无权访问</h2>'
        f"<p>当前账号的角色是「{actor.role.label}」，不能{permission.label}。</p>"
        "<p>如确需使用，请联系本单位管理员调整角色。</p>"
        f'<a class="csm-go" href="/" target="_self">返回首页</a></div>{_STYLE}'
    )
    st.stop()


def _sign_in_address() -> str:
    parts = urlsplit(st.context.url or "/")
    here = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"/sign-in?next={quote(here, safe='')}"


_STYLE = """<style>
.csm-stop{max-width:34rem;margin:16vh auto 0;text-align:center;padding:2.2rem 2rem;
border:1px solid #d5deea;border-radius:.6rem;background:#fff;color:#14233a}
.csm-stop h2{margin:0 0 .6rem;font-size:1.5rem;padding:0}
.csm-stop p{margin:.2rem 0;color:#51617a}
.csm-stop a.csm-go{display:inline-block;margin-top:1.4rem;background:#0b5cad;color:#fff;
text-decoration:none;padding:.6rem 2rem;border-radius:.45rem;font-weight:600}
</style>"""
