"""The sheet one team takes along: its route, its schools and what to look at there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from domain.checklist import CHECKLIST_TITLE, CHECKLIST_VERSION, by_category
from services.reports.papers.route_map import Place, draw_route
from services.reports.papers.texts import cut, long_date
from services.reports.papers.typeset import typeset

MAP_WIDTH_MM, MAP_HEIGHT_MM = 171.0, 80.0
CHECK_COLUMNS = 8
"""Schools beside each other on one checklist; more get a further one."""


@dataclass(frozen=True, slots=True)
class TeamMember:
    """One inspector of the team."""

    name: str
    unit: str = ""
    is_lead: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """One school in the order of the visit.

    ``arrive``, ``leave`` are local clock times; ``place`` is lon, lat (WGS 84); ``chance``
    the chance of having been drawn.
    """

    name: str
    district: str
    address: str
    phone: str
    arrive: dt.time | None
    leave: dt.time | None
    place: Place | None
    chance: Fraction | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TeamSheetFacts:
    """One team's day.

    ``path`` is the way driven as lon, lat (empty: straight lines); ``travel`` says how
    times were reckoned; ``made_at`` (aware) dates the file.
    """

    number: str
    title: str
    route: str
    on: dt.date
    members: tuple[TeamMember, ...]
    stops: tuple[Stop, ...]
    made_at: dt.datetime
    start_name: str = ""
    start: Place | None = None
    departs: dt.time | None = None
    returns: dt.time | None = None
    path: tuple[Place, ...] = ()
    distance_m: float | None = None
    travel: str = ""
    is_sealed: bool = False
    head: str = ""
    issuer: str = ""


def make_team_sheet(facts: TeamSheetFacts) -> bytes:
    """Return the team's sheet as PDF bytes: route, map, schools, checklist, signatures."""
    drawing = draw_route(
        start=facts.start,
        stops=[stop.place for stop in facts.stops],
        path=facts.path,
        width_mm=MAP_WIDTH_MM,
        height_mm=MAP_HEIGHT_MM,
    )
    return typeset(
        "team_sheet",
        {
            "number": facts.number,
            "title": cut(facts.title, 80),
            "route": cut(facts.route, 20),
            "on": long_date(facts.on),
            "members": _members(facts.members),
            "start": cut(facts.start_name, 40),
            "day": _day(facts),
            "travel": cut(facts.travel, 120),
            "map": drawing,
            "stops": [_stop(stop) for stop in facts.stops],
            "checks": [
                list(range(first + 1, min(first + CHECK_COLUMNS, len(facts.stops)) + 1))
                for first in range(0, len(facts.stops), CHECK_COLUMNS)
            ],
            "checklist": [
                {
                    "category": category.label,
                    "items": [
                        {"code": item.code, "text": item.text, "how": item.how} for item in items
                    ],
                }
                for category, items in by_category()
            ],
            "checklist_title": f"{CHECKLIST_TITLE}（{CHECKLIST_VERSION} 版）",
            "is_sealed": facts.is_sealed,
            "head": facts.head,
            "issuer": cut(facts.issuer, 40),
        },
        at=facts.made_at,
    )


def _members(members: Sequence[TeamMember]) -> str:
    ordered = sorted(members, key=lambda member: not member.is_lead)
    return "、".join(
        cut(member.name, 24)
        + (f"（{cut(member.unit, 30)}）" if member.unit else "")
        + ("［带队］" if member.is_lead else "")
        for member in ordered
    )


def _day(facts: TeamSheetFacts) -> str:
    parts = [f"{len(facts.stops)} 所学校"]
    if facts.departs:
        parts.append(f"{_clock(facts.departs)} 出发")
    if facts.returns:
        parts.append(f"{_clock(facts.returns)} 返回")
    if facts.distance_m is not None:
        parts.append(f"行程约 {facts.distance_m / 1000:.1f} 公里")
    return "，".join(parts)


def _stop(stop: Stop) -> dict[str, str]:
    chance = f"{stop.chance}（{float(stop.chance):.1%}）" if stop.chance is not None else ""
    return {
        "name": cut(stop.name, 60),
        "district": cut(stop.district, 30),
        "address": cut(stop.address, 80),
        "phone": cut(stop.phone, 30),
        "arrive": _clock(stop.arrive),
        "leave": _clock(stop.leave),
        "chance": chance,
        "note": cut(stop.note, 80),
    }


def _clock(time: dt.time | None) -> str:
    return time.strftime("%H:%M") if time else ""
