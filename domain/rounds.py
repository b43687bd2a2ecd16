"""A sealed round without its database: people as they are frozen, teams for drawn routes.

Section 5 to 7 of the specification. Texts and integers only, so that what is frozen can be
hashed and recomputed by anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.day_plan import DayPlan
from domain.day_task import DayTask
from domain.draw.randomness import sha256_hex
from domain.draw.roster import (
    Inspector,
    RosterDrawn,
    RosterMethod,
    RosterRule,
    RosterRules,
    Team,
    TeamRoute,
    build_task,
    check_roster,
    draw_roster,
)
from domain.draw.seal import canonical_json
from domain.errors import UserError
from domain.plan import PlanTerms
from domain.words import Channel

LEAST_CUSTODIANS, MOST_CUSTODIANS = 2, 5
"""source: DRAW.md §5.2, at least two custodians"""


@dataclass(frozen=True)
class Staffed:
    """Drawn teams and the rules that had to be set aside for them, in the plan's order."""

    drawn: RosterDrawn
    relaxed: tuple[RosterRule, ...]


def staff(
    *,
    people: Sequence[Inspector],
    routes: Sequence[TeamRoute],
    rules: RosterRules,
    relax: Sequence[RosterRule],
    seed: str,
) -> Staffed:
    """Draw teams; where no roster keeps all rules, set aside ``relax`` one after the other.

    Raises ``UserError`` naming what blocks where even that does not suffice.
    """
    given = tuple(relax)
    for count in range(len(given) + 1):
        task = build_task(people, routes, replace(rules, relaxed=frozenset(given[:count])))
        if check_roster(task).blocked is None or count == len(given):
            break
    return Staffed(draw_roster(task, seed), given[:count])


def people_as_json(people: Sequence[Inspector]) -> list[dict[str, Any]]:
    """Return the frozen list of people in id order: integers and texts only."""
    return [
        {
            "id": person.id,
            "district": person.district,
            "can_lead": int(person.can_lead),
            "duties": person.duties,
            "conflicts": sorted(person.conflicts),
            "former": [[school, day.isoformat()] for school, day in sorted(person.former)],
            "last_schools": sorted(person.last_schools),
            "last_partners": sorted(person.last_partners),
        }
        for person in sorted(people, key=lambda person: person.id)
    ]


def people_from_json(said: Sequence[Mapping[str, Any]]) -> tuple[Inspector, ...]:
    """Return the people that ``people_as_json`` wrote."""
    return tuple(
        Inspector(
            id=one["id"],
            district=one["district"],
            can_lead=bool(one["can_lead"]),
            duties=one["duties"],
            conflicts=frozenset(one["conflicts"]),
            former=tuple((school, dt.date.fromisoformat(day)) for school, day in one["former"]),
            last_schools=frozenset(one["last_schools"]),
            last_partners=frozenset(one["last_partners"]),
        )
        for one in said
    )


def people_hash(said: Sequence[Mapping[str, Any]]) -> str:
    """Return SHA-256 of the frozen people's canonical JSON in hex."""
    return sha256_hex(canonical_json([dict(one) for one in said]))


def roster_as_json(staffed: Staffed, districts: Mapping[str, str]) -> dict[str, Any]:
    """Return drawn teams as they are sealed, with the schools' districts recusal went by.

    ``count`` and ``number`` are texts, because they outgrow what other languages read.
    """
    drawn = staffed.drawn
    return {
        "districts": dict(districts),
        "method": drawn.method.value,
        "count": "" if drawn.count is None else str(drawn.count),
        "number": "" if drawn.number is None else str(drawn.number),
        "relaxed": [rule.value for rule in staffed.relaxed],
        "teams": [
            {"route": team.route, "people": list(team.people), "leads": list(team.leads)}
            for team in drawn.teams
        ],
    }


def roster_from_json(said: Mapping[str, Any]) -> Staffed:
    """Return the teams that ``roster_as_json`` wrote."""
    return Staffed(
        RosterDrawn(
            teams=tuple(
                Team(team["route"], tuple(team["people"]), tuple(team["leads"]))
                for team in said["teams"]
            ),
            method=RosterMethod(said["method"]),
            count=int(said["count"]) if said["count"] else None,
            number=int(said["number"]) if said["number"] else None,
        ),
        tuple(RosterRule(value) for value in said["relaxed"]),
    )


def round_text(
    *, day_task: Mapping[str, Any], day_plan: Mapping[str, Any], roster: Mapping[str, Any]
) -> str:
    """Return routes and teams as the one text that is sealed beside the result."""
    return canonical_json(
        {"day_plan": dict(day_plan), "day_task": dict(day_task), "roster": dict(roster)}
    )


def roster_rules(terms: PlanTerms, *, on: dt.date) -> RosterRules:
    """Return what binds the teams of a departure on a day."""
    return RosterRules(
        day=on,
        cross_district=terms.channel is Channel.CROSS,
        duty_cap=terms.roster.duty_cap,
    )


def team_routes(
    day: Mapping[str, Sequence[str]], *, team_size: int, districts: Mapping[str, str]
) -> tuple[TeamRoute, ...]:
    """Return anonymous routes for the teams; ``districts`` gives each school's district code."""
    return tuple(
        TeamRoute(
            id=name,
            schools=frozenset(codes),
            districts=frozenset(districts[code] for code in codes if districts.get(code)),
            places=team_size,
        )
        for name, codes in day.items()
    )


def all_stops(day: DayPlan, task: DayTask) -> dict[str, list[str]]:
    """Return each route's schools in order; what did not fit goes to the end of a near route.

    Nobody leaves a drawn school out: the team nearest to it takes it along if time allows.
    """
    at = {stop.id: (stop.lon_e7, stop.lat_e7) for stop in task.stops}
    stops = {route.id: [stop.id for stop in route.stops] for route in day.routes}
    fixed = {name: list(codes) for name, codes in stops.items()}

    def apart(code: str, name: str) -> int:
        lon, lat = at[code]
        return min((lon - at[c][0]) ** 2 + (lat - at[c][1]) ** 2 for c in fixed[name])

    for left in day.unserved:
        if not fixed:
            raise UserError("当天一所学校也排不下。", "请作废，并在新的计划中放宽起止时间。")
        stops[min(fixed, key=lambda name: (apart(left.id, name), name))].append(left.id)
    return stops


def check_custodians(names: Sequence[str]) -> None:
    """Raise ``UserError`` unless two to five different custodians are named."""
    if not LEAST_CUSTODIANS <= len(names) <= MOST_CUSTODIANS:
        raise UserError(
            f"选了 {len(names)} 名保管人。",
            f"请选 {LEAST_CUSTODIANS}–{MOST_CUSTODIANS} 名，任何一人都不能独自得知结果。",
        )
    if len(set(names)) != len(names):
        raise UserError("保管人重复。", "每名保管人只能选一次；同名的请在账号姓名中加以区分。")
