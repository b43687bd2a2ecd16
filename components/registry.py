"""Every page of the product: where it is, what it is called, who may open it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from domain.access import Actor, Permission


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One page; ``url_path`` is its address, except for the default page, which is ``/``."""

    title: str
    file: str
    url_path: str
    permission: Permission
    section: str
    is_default: bool = False


PAGES: tuple[PageEntry, ...] = (
    PageEntry(
        "一张图", "pages/situation/map.py", "map", Permission.VIEW_MAP, "态势", is_default=True
    ),
    PageEntry("抽查计划", "pages/inspection/plan.py", "plans", Permission.VIEW_PLANS, "督查"),
    PageEntry("封存抽取", "pages/inspection/draw.py", "draws", Permission.VIEW_DRAWS, "督查"),
    PageEntry("封条保管", "pages/inspection/custody.py", "custody", Permission.KEEP_SALT, "督查"),
    PageEntry("简易抽取", "pages/inspection/quick.py", "quick", Permission.VIEW_DRAWS, "督查"),
    PageEntry("复算", "pages/inspection/replay.py", "replay", Permission.REPLAY, "督查"),
    PageEntry("我的路线", "pages/inspection/route.py", "route", Permission.VIEW_OWN_ROUTE, "督查"),
    PageEntry(
        "督查反馈单", "pages/inspection/feedback.py", "feedback", Permission.VIEW_FEEDBACK, "督查"
    ),
    PageEntry("全年覆盖", "pages/inspection/year.py", "year", Permission.VIEW_COVERAGE, "督查"),
    PageEntry(
        "结果公示", "pages/inspection/published.py", "published", Permission.VIEW_PUBLISHED, "督查"
    ),
    PageEntry(
        "督查人员", "pages/inspection/inspectors.py", "inspectors", Permission.VIEW_PLANS, "督查"
    ),
    PageEntry("数据与导入", "pages/data/imports.py", "imports", Permission.VIEW_IMPORTS, "数据"),
    PageEntry("审计日志", "pages/admin/audit.py", "audit", Permission.VIEW_AUDIT, "管理"),
)


def addresses() -> frozenset[str]:
    """Return the addresses of all pages."""
    return frozenset("/" if entry.is_default else f"/{entry.url_path}" for entry in PAGES)


def home_alias() -> str:
    """Return the name under which people also look for the default page."""
    return next(f"/{entry.url_path}" for entry in PAGES if entry.is_default)


def navigate(actor: Actor | None) -> st.Page:
    """Declare all pages and return the one asked for.

    Every page is declared for everyone and merely hidden from those who may not open it:
    so a deep link meets the sign-in or 无权访问 in place instead of "page not found".
    A section of several pages becomes a menu; a page alone in its section stands by itself.
    """
    sections: dict[str, list[st.Page]] = {}
    for entry in PAGES:
        may_open = actor is not None and actor.may(entry.permission)
        sections.setdefault(_menu_of(actor, entry), []).append(
            st.Page(
                entry.file,
                title=entry.title,
                url_path=entry.url_path,
                default=entry.is_default,
                visibility="visible" if may_open else "hidden",
            )
        )
    return st.navigation(sections, position="top")


def _menu_of(actor: Actor | None, entry: PageEntry) -> str:
    if actor is None:
        return ""
    beside = [one for one in PAGES if one.section == entry.section and actor.may(one.permission)]
    return entry.section if len(beside) > 1 else ""
