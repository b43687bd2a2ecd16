"""Which school is chosen: its code in the URL, set by the map, the list or a link."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from components import session
from components.guard import guard
from domain.access import Actor, Permission
from domain.school_filter import AREA_KEY, area_text
from domain.words import Role
from services.map_schools import code_of, find_school
from services.map_screen import ground_lonlat

MAP_KEY = "map"
_PARAMETER = "school"
_SHOW = "show-on-map"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen school; ``moves`` asks the map to bring it into view."""

    id: int
    lon: float
    lat: float
    moves: int


def chosen_school(actor: Actor) -> Chosen | None:
    """Return the chosen school if it lies in the actor's scope."""
    house = session.house()
    code = st.query_params.get(_PARAMETER, "")
    if not code and actor.role is Role.SCHOOL and actor.school_id is not None:
        code = code_of(actor, house, school_id=actor.school_id) or ""
    found = find_school(actor, house, code=code) if code else None
    if code and found is None:
        st.toast("链接中的学校不存在，或不在您的管辖范围内。", icon="⚠️")
        st.query_params.pop(_PARAMETER, None)
    moves = session.recall(_SHOW, 1 if code else 0)
    return Chosen(*found, moves=moves) if found else None


def choose(code: str) -> None:
    """Choose a school from the list and bring it into view (a widget callback)."""
    st.query_params[_PARAMETER] = code
    session.remember(_SHOW, session.recall(_SHOW, 0) + 1)


def leave() -> None:
    """Go back from the card to the list (a widget callback)."""
    st.query_params.pop(_PARAMETER, None)
    session.remember(_SHOW, 0)


def take_area(edges: object) -> None:
    """Limit the filter to a rectangle drawn on the map: west, south, east, north on screen."""
    guard(Permission.VIEW_MAP)
    if not isinstance(edges, list) or len(edges) != 4:
        return
    west, south, east, north = (float(edge) for edge in edges)
    lon, lat = ground_lonlat(session.house(), [west, east], [south, north])
    area = area_text(float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1]))
    if area:
        st.query_params[AREA_KEY] = area


def take_click() -> None:
    """Read a click or a drawn rectangle (the component's callback)."""
    value = session.recall(MAP_KEY) or {}
    drawn = (value.get("last_active_drawing") or {}).get("properties") or {}
    if "area" in drawn:
        take_area(drawn["area"])
        return
    school_id = drawn.get("id")
    if school_id is None:
        return
    code = code_of(guard(Permission.VIEW_MAP), session.house(), school_id=int(school_id))
    if code:
        st.query_params[_PARAMETER] = code
        session.remember(_SHOW, 0)
