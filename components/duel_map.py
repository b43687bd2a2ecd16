"""The duels of a draw with its result, played on a map: a page of our own in a frame.

The frame's address stays the same over reruns, so it is mounted once; a school is chosen
through the address's fragment, which the frame follows without loading anew.
"""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

HEIGHT_PX = 640
TITLE = "对决回放"
_STYLE = f"""<style>
[data-testid="stElementContainer"]:has(iframe[title="{TITLE}"]){{
flex:none!important;height:clamp(500px,calc(100vh - 6.5rem),860px)!important}}
iframe[title="{TITLE}"]{{height:100%!important;border:1px solid #d5dce4;border-radius:8px}}
</style>"""


def show_duels_of_draw(number: str, *, school: str = "") -> None:
    """Show the animation of a stored draw that has its result; ``school`` is a code."""
    _show(f"/files/draws/{quote(number, safe='')}/duels.html", school)


def show_duels_of_pack(key: str, *, school: str = "") -> None:
    """Show the animation of an uploaded pack, held under ``key`` (``hold_replay``)."""
    _show(f"/files/packs/{quote(key, safe='')}/duels.html", school)


def _show(address: str, school: str) -> None:
    st.html(_STYLE)
    # The fragment is always there: without one, the browser would load the page anew.
    st.iframe(f"{address}#school={quote(school, safe='')}", height=HEIGHT_PX, alt=TITLE)
