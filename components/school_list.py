"""The side list: always the very schools that the map shows, one page at a time."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from components import session
from components.chosen_school import choose
from components.reads import Shown
from domain.access import Actor, Permission
from domain.words import InspectionStatus, RiskLevel
from services.map_schools import ListRow, SortBy, list_schools

PAGE_SIZE = 10
_BADGE = {
    RiskLevel.MAJOR: "red",
    RiskLevel.LARGER: "orange",
    RiskLevel.GENERAL: "yellow",
    RiskLevel.LOW: "blue",
    RiskLevel.UNKNOWN: "gray",
}
_MARKDOWN_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in r"\`*_{}[]()#+-.!|<>~:$"})


def draw_list(actor: Actor, shown: Shown) -> None:
    """Draw the list with its order and pages; a press on a row chooses the school."""
    with st.container(horizontal=True, vertical_alignment="center"):
        sort = SortBy(
            st.selectbox(
                "排序",
                [s.value for s in SortBy],
                format_func=lambda value: SortBy(value).label,
                key="sort",
                persist_state="page",
                label_visibility="collapsed",
            )
        )
        if actor.may(Permission.EXPORT_LIST):
            query = urlencode({"sort": sort.value})
            st.link_button(
                "导出",
                f"/files/schools.xlsx?{query}&{shown.wanted.to_query()}",
                icon=":material/download:",
                help="把当前列表导出为 Excel，导出会记入审计日志",
            )
    pages = max(1, -(-shown.kept // PAGE_SIZE))
    # A new filter or order starts at its first page: the key carries both.
    page_key = f"page-{shown.wanted.to_query()}-{sort}"
    page = min(session.recall(page_key) or 1, pages)
    listed = list_schools(
        actor, session.house(), wanted=shown.wanted, sort=sort, page=page, size=PAGE_SIZE
    )
    with st.container(key="rows", gap=None):
        for row in listed.rows:
            st.button(
                _row_label(row),
                key=f"row-{row.id}",
                on_click=choose,
                args=(row.code,),
                type="tertiary",
                width="stretch",
            )
    if pages > 1:
        st.pagination(pages, key=page_key, max_visible_pages=5, persist_state="page")


def _row_label(row: ListRow) -> str:
    score = "" if row.score is None else f" **{row.score:.0f}**"
    late = " :red-badge[逾期]" if row.status is InspectionStatus.OVERDUE else ""
    return (
        f":{_BADGE[row.level]}-badge[{row.level.label}{score}] "
        f"{plain(row.name)}{late}  \n:small[:gray[{plain(row.district)} · {row.kind.label} · "
        f"{row.status.label}]]"
    )


def plain(text: str) -> str:
    """Return untrusted text with every Markdown sign escaped."""
    return " ".join(text.split()).translate(_MARKDOWN_SIGNS)
