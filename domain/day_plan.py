"""A day's routes: the times that follow from an order of stops, and the plan they make.

Times are whole minutes after midnight, each leg rounded up, so that every printed sum
adds up. Pure: the orders come from a solver elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.day_task import DayTask, clock, text_of, whole
from domain.errors import UserError

PLAN_FORM = "csm-day-plan-1"
_AGAIN = "请使用系统保存的原始路线。"
START = 0
"""The start's place in the travel table; stop i of the task is place i + 1."""


@dataclass(frozen=True, slots=True)
class RouteStop:
    """A visit on a route; travel is from the place before, waiting until the visit may start.

    ``arrive_min`` + ``wait_min`` is the visit's start, ``leave_min`` its end.
    """

    id: str
    arrive_min: int
    wait_min: int
    leave_min: int
    travel_min: int
    travel_m: int
    is_straight: bool


@dataclass(frozen=True, slots=True)
class DayRoute:
    """One team's day, from the start and back to it.

    ``path`` (lon, lat in 1e-7 degree) is a picture for the map: it follows from the roads,
    not from the task, and two routes are equal whatever their pictures.
    """

    id: str
    depart_min: int
    stops: tuple[RouteStop, ...]
    back_min: int
    back_travel_min: int
    back_travel_m: int
    back_is_straight: bool
    path: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    @property
    def total_min(self) -> int:
        """Return the minutes from departure to return."""
        return self.back_min - self.depart_min

    @property
    def total_m(self) -> int:
        """Return the metres travelled."""
        return sum(stop.travel_m for stop in self.stops) + self.back_travel_m

    @property
    def travel_min(self) -> int:
        """Return the minutes on the way."""
        return sum(stop.travel_min for stop in self.stops) + self.back_travel_min

    @property
    def wait_min(self) -> int:
        """Return the minutes waited for a visit to be allowed to start."""
        return sum(stop.wait_min for stop in self.stops)


@dataclass(frozen=True, slots=True)
class Unserved:
    """A stop no team could take, and why, in Chinese."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The day's routes R1… by their first stop's id, and the stops left over.

    ``basis`` says how travel was reckoned; ``solver`` which solver ordered the stops: the
    same one gives the same plan.
    """

    routes: tuple[DayRoute, ...]
    unserved: tuple[Unserved, ...]
    teams: int
    basis: str
    solver: str

    @property
    def idle_teams(self) -> int:
        """Return how many teams have no route."""
        return self.teams - len(self.routes)

    @property
    def legs(self) -> int:
        """Return the number of legs of all routes, returns included."""
        return sum(len(route.stops) + 1 for route in self.routes)

    @property
    def straight_legs(self) -> int:
        """Return how many legs were reckoned by the straight line."""
        return sum(
            sum(stop.is_straight for stop in route.stops) + route.back_is_straight
            for route in self.routes
        )

    @property
    def straight_share(self) -> float:
        """Return the share of legs reckoned by the straight line, 0 without legs."""
        return self.straight_legs / self.legs if self.legs else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the plan as integers, texts, lists and mappings of such."""
        return {
            "basis": self.basis,
            "form": PLAN_FORM,
            "routes": [_route_json(route) for route in self.routes],
            "solver": self.solver,
            "teams": self.teams,
            "unserved": [{"id": left.id, "reason": left.reason} for left in self.unserved],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DayPlan:
        """Return the plan that ``as_json`` wrote; raises ``UserError`` where it is none."""
        if stored.get("form") != PLAN_FORM:
            raise UserError(f"不是 {PLAN_FORM} 格式的路线。", _AGAIN)
        try:
            return cls(
                routes=tuple(_route_of(route) for route in stored["routes"]),
                unserved=tuple(
                    Unserved(text_of(left["id"]), text_of(left["reason"]))
                    for left in stored["unserved"]
                ),
                teams=whole(stored["teams"]),
                basis=text_of(stored["basis"]),
                solver=text_of(stored["solver"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"路线的内容不完整或不对：{error}。", _AGAIN) from error


@dataclass(frozen=True, slots=True)
class Timing:
    """When an order of stops is driven: departure, each (arrival, start), and the return."""

    depart_min: int
    visits: tuple[tuple[int, int], ...]
    back_min: int

    @property
    def total_min(self) -> int:
        """Return the minutes from departure to return."""
        return self.back_min - self.depart_min


def time_order(task: DayTask, order: Sequence[int], *, to_min: int | None = None) -> Timing | None:
    """Return the times of an order of stops (indexes into ``task.stops``), or ``None``.

    The return is the earliest possible, and the departure the latest that still gives it,
    so that a team waits at no gate where it could have left later. ``None`` where a window
    is missed or the return is after ``to_min`` (the task's own where not given).
    """
    end = task.to_min if to_min is None else to_min
    earliest = _drive(task, order, task.from_min)
    if earliest is None or earliest.back_min > end:
        return None
    depart = _latest_departure(task, order, earliest)
    return earliest if depart == task.from_min else _drive(task, order, depart)


def _drive(task: DayTask, order: Sequence[int], depart_min: int) -> Timing | None:
    """Drive an order without delay; ``None`` where a window is missed."""
    now, place = depart_min, START
    visits = []
    for stop in order:
        now += task.travel_min(place, stop + 1)
        begin = visit_start(task, stop, now)
        if begin is None:
            return None
        visits.append((now, begin))
        now, place = begin + task.stops[stop].visit_min, stop + 1
    return Timing(depart_min, tuple(visits), now + task.travel_min(place, START))


def visit_start(task: DayTask, stop: int, arrive_min: int) -> int | None:
    """Return when a visit may start for an arrival, or ``None`` where all windows are over."""
    windows = task.stops[stop].windows
    if not windows:
        return arrive_min
    return min(
        (max(w.from_min, arrive_min) for w in windows if w.to_min >= arrive_min), default=None
    )


def _latest_departure(task: DayTask, order: Sequence[int], timing: Timing) -> int:
    """Return the latest departure with the same return, by pushing visits back from the end."""
    limit = timing.visits[-1][1]
    for at in range(len(order) - 1, -1, -1):
        windows = task.stops[order[at]].windows
        if windows:
            limit = max(min(limit, w.to_min) for w in windows if w.from_min <= limit)
        before = order[at - 1] + 1 if at else START
        limit -= task.travel_min(before, order[at] + 1)
        if at:
            limit -= task.stops[order[at - 1]].visit_min
    return limit


def make_plan(task: DayTask, orders: Sequence[Sequence[int]], *, solver: str) -> DayPlan:
    """Return the plan of orders (one a team, none empty), each in time by ``time_order``.

    Routes are numbered by their first stop's id; stops in no order are named with the reason.
    Raises ``ValueError`` where an order misses a window or the shift.
    """
    kept = sorted((tuple(order) for order in orders if order), key=lambda o: task.stops[o[0]].id)
    routes = tuple(_route(task, f"R{number}", order) for number, order in enumerate(kept, start=1))
    taken = {stop for order in kept for stop in order}
    left = [at for at in range(len(task.stops)) if at not in taken]
    return DayPlan(
        routes=routes,
        unserved=tuple(
            Unserved(task.stops[stop].id, why_unserved(task, stop, kept))
            for stop in sorted(left, key=lambda s: task.stops[s].id)
        ),
        teams=task.teams,
        basis=task.travel.basis,
        solver=solver,
    )


def check_plan(task: DayTask, plan: DayPlan) -> str:
    """Return in Chinese the first thing of a plan that does not follow from its orders, or "".

    Recomputes every time and length without a solver, so that a plan can be believed even
    where the solver that made it is no longer at hand.
    """
    at_id = {stop.id: at for at, stop in enumerate(task.stops)}
    named = [stop.id for route in plan.routes for stop in route.stops]
    named += [left.id for left in plan.unserved]
    if sorted(named) != sorted(at_id):
        return "路线与未排入名单合起来不等于要去的学校"
    if plan.teams != task.teams or len(plan.routes) > task.teams:
        return "路线条数与组数不符"
    try:
        orders = [[at_id[stop.id] for stop in route.stops] for route in plan.routes]
        again = make_plan(task, orders, solver=plan.solver)
    except ValueError as error:
        return str(error)
    for ours, theirs in zip(again.routes, plan.routes, strict=True):
        if ours != theirs:
            return f"路线 {theirs.id} 的时刻或里程与行程表对不上"
    return "" if again == plan else "未排入的原因或行程依据对不上"


def why_unserved(task: DayTask, stop: int, orders: Sequence[Sequence[int]]) -> str:
    """Return in Chinese why a stop is on no route of these orders."""
    there, back = task.travel_min(START, stop + 1), task.travel_min(stop + 1, START)
    visit = task.stops[stop].visit_min
    alone = time_order(task, [stop], to_min=10**9)
    spans = "、".join(f"{clock(w.from_min)}–{clock(w.to_min)}" for w in task.stops[stop].windows)
    if alone is None:
        return (
            f"当天排不下：{clock(task.from_min)} 出发单独前往，最早 "
            f"{clock(task.from_min + there)} 到，赶不上可到时段 {spans}。"
        )
    if alone.back_min > task.to_min:
        windows = f"（可到时段 {spans}）" if spans else ""
        return (
            f"当天排不下：单独前往，去程 {there} 分钟、停留 {visit} 分钟、回程 {back} 分钟{windows}，"
            f"最早 {clock(alone.back_min)} 回来，超过 {clock(task.to_min)} 收工时间 "
            f"{alone.back_min - task.to_min} 分钟。"
        )
    tries = [
        (timing.back_min, timing.total_min)
        for order in orders
        for at in range(len(order) + 1)
        if (timing := time_order(task, [*order[:at], stop, *order[at:]], to_min=10**9))
    ]
    if not tries:
        return f"当天排不下：它的可到时段 {spans} 与各组已排的学校冲突，单独前往又没有空余的组。"
    back_min, total_min = min(tries)
    return (
        f"当天排不下：排进最合适的一组，路程与停留共需 {total_min} 分钟，"
        f"最早 {clock(back_min)} 回来，超过 {clock(task.to_min)} 收工时间 "
        f"{back_min - task.to_min} 分钟。"
    )


def _route(task: DayTask, name: str, order: Sequence[int]) -> DayRoute:
    timing = time_order(task, order)
    if timing is None:
        raise ValueError(f"路线 {name} 赶不上可到时段或收工时间")
    place = START
    stops = []
    for stop, (arrive, begin) in zip(order, timing.visits, strict=True):
        stops.append(
            RouteStop(
                id=task.stops[stop].id,
                arrive_min=arrive,
                wait_min=begin - arrive,
                leave_min=begin + task.stops[stop].visit_min,
                travel_min=task.travel_min(place, stop + 1),
                travel_m=task.travel.metres[place][stop + 1],
                is_straight=bool(task.travel.straight[place][stop + 1]),
            )
        )
        place = stop + 1
    return DayRoute(
        id=name,
        depart_min=timing.depart_min,
        stops=tuple(stops),
        back_min=timing.back_min,
        back_travel_min=task.travel_min(place, START),
        back_travel_m=task.travel.metres[place][START],
        back_is_straight=bool(task.travel.straight[place][START]),
    )


def _route_json(route: DayRoute) -> dict[str, Any]:
    return {
        "back": [
            route.back_min, route.back_travel_min, route.back_travel_m, int(route.back_is_straight)
        ],
        "depart_min": route.depart_min,
        "id": route.id,
        "path": [list(point) for point in route.path],
        "stops": [
            {
                "arrive_min": stop.arrive_min,
                "id": stop.id,
                "leave_min": stop.leave_min,
                "straight": int(stop.is_straight),
                "travel_m": stop.travel_m,
                "travel_min": stop.travel_min,
                "wait_min": stop.wait_min,
            }
            for stop in route.stops
        ],
    }  # fmt: skip


def _route_of(stored: Mapping[str, Any]) -> DayRoute:
    back_min, travel_min, travel_m, straight = (whole(value) for value in stored["back"])
    return DayRoute(
        id=text_of(stored["id"]),
        depart_min=whole(stored["depart_min"]),
        stops=tuple(
            RouteStop(
                id=text_of(stop["id"]),
                arrive_min=whole(stop["arrive_min"]),
                wait_min=whole(stop["wait_min"]),
                leave_min=whole(stop["leave_min"]),
                travel_min=whole(stop["travel_min"]),
                travel_m=whole(stop["travel_m"]),
                is_straight=bool(whole(stop["straight"])),
            )
            for stop in stored["stops"]
        ),
        back_min=back_min,
        back_travel_min=travel_min,
        back_travel_m=travel_m,
        back_is_straight=bool(straight),
        path=tuple((whole(lon), whole(lat)) for lon, lat in stored["path"]),
    )
