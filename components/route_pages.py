"""A team's own route and a school's own feedback, put together from their parts."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from components import session
from components.guard import guard
from components.route_cards import (
    date_text,
    findings_list,
    show,
    show_head,
    show_own_map,
    show_team,
    stop_card,
)
from components.route_record import TEAM, no_show_form, record_forms, show_said
from components.school_list import plain
from domain.access import Permission
from domain.words import StopOutcome
from services.rounds.field import OwnRoute
from services.rounds.outcome import Feedback

PARAM, _CHOSEN = "round", "route-round"


def choose_round(mine: tuple[tuple[str, str, str], ...]) -> str:
    """Return the number of the round to show; asks where there are several."""
    titles = {number: f"{number} {title}" for number, _route, title in mine}
    numbers = list(titles)
    if len(numbers) == 1:
        return numbers[0]
    asked = st.query_params.get(PARAM, "")
    return str(
        st.selectbox(
            "哪一次督查",
            numbers,
            index=numbers.index(asked) if asked in titles else 0,
            format_func=lambda number: titles.get(number, number),
            key=_CHOSEN,
            on_change=_name_round,
        )
    )


def _name_round() -> None:
    guard(Permission.VIEW_OWN_ROUTE)
    st.query_params[PARAM] = session.recall(_CHOSEN)


def show_route(own: OwnRoute) -> None:
    """Show the day of a team; while the round is sealed with the ways to record it."""
    with st.container(key="route-page"):
        show_head(own)
        about, day = st.columns([2, 3], gap="medium")
        with about:
            show_team(own.members)
            show_said(TEAM)
            st.link_button(
                "下载督查路线单（含检查要点）",
                f"/files/rounds/{quote(own.number, safe='')}/sheet.pdf",
                icon=":material/download:",
                width="stretch",
            )
            show_own_map(own)
            if own.is_sealed:
                no_show_form(own)
        with day:
            for at, stop in enumerate(own.stops, start=1):
                with st.container(border=True, key=f"route-stop-{stop.position}"):
                    show(stop_card(stop, at, on=own.departs_on))
                    show_said(stop.position)
                    if stop.outcome is StopOutcome.VISITED:
                        st.link_button(
                            "下载督查反馈单",
                            f"/files/rounds/{quote(own.number, safe='')}/feedback/{stop.position}.pdf",
                            icon=":material/download:",
                        )
                    if own.is_sealed:
                        record_forms(own, stop)


def show_feedback(sheets: tuple[Feedback, ...]) -> None:
    """Show a school's feedback sheets, newest first."""
    for at, sheet in enumerate(sheets):
        with st.container(border=True, key=f"route-stop-feedback-{at}"):
            st.markdown(f"#### {date_text(sheet.on)}　{plain(sheet.title)}")
            st.caption(f"{sheet.number}　督查人员：{'、'.join(map(plain, sheet.team))}")
            if sheet.is_sealed:
                st.warning("本轮督查尚未启封，请勿对外透露本次到访和本单内容。")
            show(findings_list(sheet.findings, on=sheet.on))
            st.link_button(
                "下载督查反馈单",
                f"/files/rounds/{quote(sheet.number, safe='')}/feedback.pdf",
                icon=":material/download:",
            )
