"""A plan's form between runs: which plan is held, its fields' keys, the terms they say."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from components import session
from domain.draw.roster import RosterRule
from domain.errors import UserError
from domain.plan import (
    VISIT_WINDOWS,
    DayTerms,
    Exclusion,
    MustVisit,
    PlanTerms,
    RosterTerms,
)
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import Channel, NoticeMode
from services.plans.records import PlanFacts

PLAN, DOING, NEW = "plan", "do", "new"
_HELD, _FAULT, _SAID, ASKED = "plan-held", "plan-fault", "plan-said", "plan-asked"


@dataclass(frozen=True)
class Held:
    """The plan in the form as it was opened; its fields' keys begin with ``prefix``.

    A save names the version that was opened, so somebody else's save in between is noticed
    and not run over.
    """

    number: str | None
    row_version: int | None
    terms: PlanTerms
    prefix: str

    def key(self, field: str) -> str:
        """Return the key of a form field."""
        return f"{self.prefix}-{field}"


def hold(number: str | None, row_version: int | None, make: Callable[[], PlanTerms]) -> Held:
    """Return the plan that the form holds, opening it anew where it is another one."""
    held = session.recall(_HELD)
    if isinstance(held, Held) and held.number == number:
        return held
    opened = Held(number, row_version, make(), f"plan-{secrets.token_hex(4)}")
    session.remember(_HELD, opened)
    return opened


def let_go() -> None:
    """Forget what the form holds."""
    session.forget(_HELD)


def is_stale(held: Held, facts: PlanFacts) -> bool:
    """Tell whether somebody has saved since the form was opened."""
    return held.row_version != facts.row_version


def terms_of(held: Held) -> PlanTerms:
    """Return the terms that the form says now; a field not on screen keeps its old value."""
    base, day, way = held.terms, held.terms.day, held.terms.weighting

    def said(field: str, default: Any) -> Any:
        value = session.recall(held.key(field))
        return default if value is None else value

    by_share = said("how", "share" if base.share_permille else "n") == "share"
    return replace(
        base,
        title=" ".join(str(said("title", base.title)).split()),
        first_day=said("first", base.first_day),
        last_day=said("last", base.last_day),
        wanted=SchoolFilter(
            q=str(said("q", base.wanted.q)).strip(),
            **{
                name: tuple(sorted(said(name, getattr(base.wanted, name))))
                for name in ("district", "kind", "ownership", "level", "station")
            },
        ),
        channel=Channel(said("channel", base.channel)),
        notice=NoticeMode(said("notice", base.notice)),
        by_risk_band=bool(said("band", base.by_risk_band)),
        n=0 if by_share else int(said("n", base.n or 10)),
        share_permille=int(said("share", base.share_permille // 10 or 10)) * 10 if by_share else 0,
        weighting=Weighting(
            by_risk=said("weights", "risk" if way.by_risk else "equal") == "risk",
            floor=int(said("floor", way.floor)),
            cap=int(said("cap", way.cap)),
            recent_days=int(said("recent", way.recent_days)),
        ),
        rho_permille=int(said("rho", base.rho_permille // 10)) * 10,
        visit_cap=int(said("visit-cap", base.visit_cap)),
        reserve=int(said("reserve", base.reserve)),
        departures=int(said("departures", base.departures)),
        must_visit=must_visits(held),
        exclusions=exclusions(held),
        day=_day(said, day),
        roster=RosterTerms(
            duty_cap=int(said("duty-cap", base.roster.duty_cap or 0)) or None,
            duty_days=int(said("duty-days", base.roster.duty_days)),
            relax=tuple(RosterRule(rule) for rule in said("relax", base.roster.relax)),
        ),
    )


def _day(said: Callable[[str, Any], Any], day: DayTerms) -> DayTerms:
    lon, lat = said("lon", day.start_lon), said("lat", day.start_lat)
    return replace(
        day,
        start_name=" ".join(str(said("start-name", day.start_name)).split())[:40],
        start_lon=None if lon is None else float(lon),
        start_lat=None if lat is None else float(lat),
        from_min=_minutes(said("from", None), day.from_min),
        to_min=_minutes(said("to", None), day.to_min),
        visit_min=int(said("visit-min", day.visit_min)),
        teams=int(said("teams", day.teams)),
        team_size=int(said("team-size", day.team_size)),
        windows=tuple(VISIT_WINDOWS[name] for name in said("windows", window_names(day))),
    )


def window_names(day: DayTerms) -> list[str]:
    """Return the names of the spans in which a visit may begin, in their order."""
    return [name for name, span in VISIT_WINDOWS.items() if span in day.windows]


def _minutes(value: dt.time | None, default: int) -> int:
    return default if value is None else value.hour * 60 + value.minute


def must_visits(held: Held) -> tuple[MustVisit, ...]:
    """Return the must-visit list as it stands in the form."""
    found: tuple[MustVisit, ...] | None = session.recall(held.key("must"))
    return held.terms.must_visit if found is None else found


def exclusions(held: Held) -> tuple[Exclusion, ...]:
    """Return the list of schools left out as it stands in the form."""
    found: tuple[Exclusion, ...] | None = session.recall(held.key("left-out"))
    return held.terms.exclusions if found is None else found


def keep_lists(
    held: Held,
    *,
    must: tuple[MustVisit, ...] | None = None,
    left_out: tuple[Exclusion, ...] | None = None,
) -> None:
    """Put a changed list into the form."""
    if must is not None:
        session.remember(held.key("must"), must)
    if left_out is not None:
        session.remember(held.key("left-out"), left_out)


def attempt(deed: Callable[[], None], said: str = "") -> bool:
    """Do a deed in a callback; keep what came of it for the next run. Tell whether it went well."""
    try:
        deed()
    except UserError as error:
        session.remember(_FAULT, (error.message, error.next_step))
        return False
    session.forget(_FAULT)
    if said:
        session.remember(_SAID, said)
    return True


def take_answer() -> tuple[tuple[str, str] | None, str]:
    """Return (error and way on, or ``None``) and what the last deed said; forget both."""
    fault, said = session.recall(_FAULT), session.recall(_SAID)
    session.forget(_FAULT)
    session.forget(_SAID)
    return fault, said or ""


def open_plan(number: str) -> None:
    """Let the address name a plan (within a widget callback)."""
    st.query_params.pop(DOING, None)
    st.query_params[PLAN] = number
    session.forget(ASKED)


def open_new() -> None:
    """Let the address ask for a new plan (a widget callback)."""
    let_go()
    st.query_params.pop(PLAN, None)
    st.query_params[DOING] = NEW


def back_to_list() -> None:
    """Leave the plan for the list (a widget callback)."""
    for name in (PLAN, DOING):
        st.query_params.pop(name, None)
    session.forget(ASKED)
    let_go()
