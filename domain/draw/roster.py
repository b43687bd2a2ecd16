"""Teams for the drawn routes: uniformly one of all rosters that keep the rules.

Section 7 of the specification. People are taken in id order, each stays out or joins a
route; all admissible rosters are counted, one number is drawn under the label
``inspectors``, and the roster of that number is spelled out. Random costs or picking one
after the other would favour some rosters (9 : 1 and 139 : 1 on small cases).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from domain.draw.randomness import HashStream, Source
from domain.draw.roster_block import Obstacle, Seats, can_be_filled, smallest_obstacle
from domain.draw.roster_count import Rosters, is_countable
from domain.errors import UserError
from domain.words import Word

LABEL = "inspectors"
LEAST_TEAM = 2
LEAD_TRIES = 10_000


class RosterRule(Word):
    OWN_DISTRICT = "own_district", "交叉检查回避本区县"
    CONFLICT = "conflict", "申报的回避"
    FORMER_EMPLOYER = "former_employer", "曾任职学校三年内回避"
    SAME_SCHOOL = "same_school", "不连续两次检查同一学校"
    SAME_PAIR = "same_pair", "不连续两次同一搭档"
    DUTY_CAP = "duty_cap", "出勤次数上限"
    LEAD = "lead", "每队至少一名可带队人员"


class RosterMethod(Word):
    EXACT = "exact", "在全部合规组队方案中等概率抽取"
    TWO_STEP = "two_step", "方案数量过大，先等概率抽带队人员，再等概率抽队员"


@dataclass(frozen=True)
class Inspector:
    """One person who may be sent, with what binds them.

    ``conflicts`` are declared school ids; ``former`` pairs of school id and last day there;
    ``last_schools`` and ``last_partners`` what the previous round brought; ``duties`` the
    duties already done in the period the cap counts.
    """

    id: str
    district: str = ""
    can_lead: bool = False
    duties: int = 0
    conflicts: frozenset[str] = frozenset()
    former: tuple[tuple[str, dt.date], ...] = ()
    last_schools: frozenset[str] = frozenset()
    last_partners: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TeamRoute:
    """One anonymous route: the schools on it, their districts, and the people it takes."""

    id: str
    schools: frozenset[str]
    districts: frozenset[str] = frozenset()
    places: int = LEAST_TEAM


@dataclass(frozen=True)
class RosterRules:
    """What holds in this round. ``duty_cap`` None means no cap; ``day`` is the departure."""

    day: dt.date
    cross_district: bool = False
    former_years: int = 3
    duty_cap: int | None = None
    relaxed: frozenset[RosterRule] = frozenset()


@dataclass(frozen=True)
class RosterTask:
    """People, routes and rules, ready to be counted, drawn or explained."""

    people: tuple[Inspector, ...]
    routes: tuple[TeamRoute, ...]
    rules: RosterRules


@dataclass(frozen=True)
class Team:
    """The people on one route, ids in code-point order; ``leads`` may lead."""

    route: str
    people: tuple[str, ...]
    leads: tuple[str, ...]


@dataclass(frozen=True)
class RosterDrawn:
    """A drawn roster. ``count`` is the number of rosters it was drawn from (exact only)."""

    teams: tuple[Team, ...]
    method: RosterMethod
    count: int | None
    number: int | None


@dataclass(frozen=True)
class Blocked:
    """Why no roster exists: the smallest set of routes and the only people fit for it.

    ``frees`` are the rules of which relaxing any one alone would make a roster possible.
    """

    routes: tuple[str, ...]
    people: tuple[str, ...]
    places: int
    leads_missing: bool
    frees: tuple[RosterRule, ...]

    @property
    def error(self) -> UserError:
        """Return what to tell the user."""
        who = "、".join(self.people) or "无人"
        need = f"需要 {self.places} 人、每队一名可带队人员"
        short = "可带队人员不足" if self.leads_missing else "人手不足"
        cure = "；或放宽以下任一规则：" if self.frees else "。放宽任何单独一条规则都不够。"
        return UserError(
            f"路线 {'、'.join(self.routes)} 排不出队伍（{short}）：{need}，合规可派的只有：{who}。",
            "请增加可派人员" + cure + "、".join(rule.label for rule in self.frees),
        )


@dataclass(frozen=True)
class RosterCheck:
    """Whether rosters exist, how one would be drawn, and what blocks if none does."""

    method: RosterMethod
    count: int | None
    blocked: Blocked | None = field(default=None)


def barriers(person: Inspector, route: TeamRoute, rules: RosterRules) -> frozenset[RosterRule]:
    """Return the rules that keep one person off one route, ``relaxed`` ones left out."""
    found: set[RosterRule] = set()
    if rules.cross_district and person.district and person.district in route.districts:
        found.add(RosterRule.OWN_DISTRICT)
    if person.conflicts & route.schools:
        found.add(RosterRule.CONFLICT)
    since = _years_before(rules.day, rules.former_years)
    if any(school in route.schools and left > since for school, left in person.former):
        found.add(RosterRule.FORMER_EMPLOYER)
    if person.last_schools & route.schools:
        found.add(RosterRule.SAME_SCHOOL)
    if rules.duty_cap is not None and person.duties >= rules.duty_cap:
        found.add(RosterRule.DUTY_CAP)
    return frozenset(found - rules.relaxed)


def build_task(
    people: Collection[Inspector], routes: Sequence[TeamRoute], rules: RosterRules
) -> RosterTask:
    """Put people into id order and check the routes.

    Raises ``UserError`` where a person or route comes twice or a route takes fewer than two.
    """
    ordered = tuple(sorted(people, key=lambda person: person.id))
    for what, ids in (("人员", [p.id for p in ordered]), ("路线", [r.id for r in routes])):
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise UserError(f"{what} {twice[0]} 出现了两次。", "请删去重复的一项。")
    for route in routes:
        if route.places < LEAST_TEAM:
            raise UserError(
                f"路线 {route.id} 只安排了 {route.places} 人。", "每队至少两人，请改为 2 或以上。"
            )
    return RosterTask(ordered, tuple(routes), rules)


def check_roster(task: RosterTask) -> RosterCheck:
    """Say whether a roster exists, before a draw is committed; never relaxes a rule."""
    seats = _seats(task)
    rosters = _countable(seats)
    method = RosterMethod.EXACT if rosters else RosterMethod.TWO_STEP
    count = rosters.count if rosters else None
    if count or (count is None and can_be_filled(seats)):
        return RosterCheck(method, count)
    return RosterCheck(method, count, _explain(task, smallest_obstacle(seats)))


def find_blockage(task: RosterTask) -> Blocked | None:
    """Say what blocks all rosters, without counting them; ``None`` where one exists.

    Fast enough to be asked for many simulated rounds.
    """
    seats = _seats(task)
    return None if can_be_filled(seats) else _explain(task, smallest_obstacle(seats))


def draw_roster(task: RosterTask, seed: str) -> RosterDrawn:
    """Draw a roster under a seed text, uniformly among all that keep the rules.

    Where the exact count is out of reach (``roster_count.is_countable``) leads are drawn
    first and members second, each uniformly among what can be completed; ``method`` says
    so. Raises ``UserError`` naming what blocks where no roster keeps the rules.
    """
    seats, source = _seats(task), HashStream(seed, LABEL)
    rosters = _countable(seats)
    if not (rosters.count if rosters else can_be_filled(seats)):
        raise _explain(task, smallest_obstacle(seats)).error
    if rosters is None:
        chosen = _in_two_steps(seats, source)
        return RosterDrawn(_teams(task, chosen), RosterMethod.TWO_STEP, None, None)
    number = source.below(rosters.count)
    teams = _teams(task, rosters.unrank(number))
    return RosterDrawn(teams, RosterMethod.EXACT, rosters.count, number)


def _seats(task: RosterTask) -> Seats:
    allowed = np.array(
        [[not barriers(p, r, task.rules) for r in task.routes] for p in task.people], dtype=bool
    ).reshape(len(task.people), len(task.routes))
    apart: frozenset[tuple[int, int]] = frozenset()
    if RosterRule.SAME_PAIR not in task.rules.relaxed:
        apart = frozenset(
            (a, b)
            for a, first in enumerate(task.people)
            for b, second in enumerate(task.people)
            if a < b and (second.id in first.last_partners or first.id in second.last_partners)
        )
    return Seats(
        allowed=allowed,
        leads=np.array([p.can_lead for p in task.people], dtype=bool),
        places=tuple(r.places for r in task.routes),
        apart=apart,
        need_lead=RosterRule.LEAD not in task.rules.relaxed,
    )


def _countable(seats: Seats) -> Rosters | None:
    return Rosters(seats) if is_countable(seats) else None


def _in_two_steps(seats: Seats, source: Source) -> list[int | None]:
    """Draw leads, then members; a lead choice nobody can complete is drawn anew."""
    can_lead = seats.leads if seats.need_lead else np.ones(len(seats.leads), dtype=bool)
    first = Seats(
        allowed=seats.allowed & can_lead[:, None],
        leads=seats.leads,
        places=(1,) * len(seats.places),
        apart=frozenset(),
        need_lead=False,
    )
    _require_countable(first)
    choices = Rosters(first)
    for _ in range(LEAD_TRIES):
        leads = choices.unrank(source.below(choices.count))
        second = _after_leads(seats, leads)
        if can_be_filled(second):
            _require_countable(second)
            members = Rosters(second)
            chosen = members.unrank(source.below(members.count))
            return [m if lead is None else lead for lead, m in zip(leads, chosen, strict=True)]
    raise UserError(
        "规则很紧，抽带队人员多次仍配不齐队员。", "请增加可派人员，或把本次抽查分成两次出发。"
    )


def _after_leads(seats: Seats, leads: list[int | None]) -> Seats:
    allowed: NDArray[np.bool_] = seats.allowed.copy()
    for person, route in enumerate(leads):
        if route is None:
            continue
        allowed[person, :] = False
        for a, b in seats.apart:
            if person in (a, b):
                allowed[b if person == a else a, route] = False
    return Seats(
        allowed=allowed,
        leads=seats.leads,
        places=tuple(count - 1 for count in seats.places),
        apart=seats.apart,
        need_lead=False,
    )


def _require_countable(seats: Seats) -> None:
    if not is_countable(seats):
        raise UserError(
            f"{len(seats.places)} 条路线、{len(seats.leads)} 人的组队方案过多，无法逐一计数。",
            "请把本次抽查分成几次出发，每次路线少一些。",
        )


def _teams(task: RosterTask, chosen: list[int | None]) -> tuple[Team, ...]:
    teams = []
    for at, route in enumerate(task.routes):
        members = [p for p, where in zip(task.people, chosen, strict=True) if where == at]
        leads = tuple(p.id for p in members if p.can_lead)
        teams.append(Team(route.id, tuple(p.id for p in members), leads))
    return tuple(teams)


def _explain(task: RosterTask, obstacle: Obstacle) -> Blocked:
    frees = []
    for rule in RosterRule:
        if rule in task.rules.relaxed:
            continue
        relaxed = RosterRules(
            day=task.rules.day,
            cross_district=task.rules.cross_district,
            former_years=task.rules.former_years,
            duty_cap=task.rules.duty_cap,
            relaxed=task.rules.relaxed | {rule},
        )
        if can_be_filled(_seats(RosterTask(task.people, task.routes, relaxed))):
            frees.append(rule)
    return Blocked(
        routes=tuple(task.routes[r].id for r in obstacle.routes),
        people=tuple(task.people[p].id for p in obstacle.people),
        places=sum(task.routes[r].places for r in obstacle.routes),
        leads_missing=obstacle.leads_missing,
        frees=tuple(frees),
    )


def _years_before(day: dt.date, years: int) -> dt.date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
