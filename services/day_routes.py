"""Plan the day's routes of a round, draw them, and plan them again to check.

What is planned depends on the task alone: travel is measured once, when the task is made,
and stored with it. The picture of a route follows from today's roads and is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.day_plan import DayPlan, make_plan
from domain.day_task import DayStart, DayStop, DayTask
from services.day_solver import SOLVER, solve_orders
from services.road_network import (
    TravelBasis,
    draw_path,
    load_travel,
    measure_travel,
    straight_travel,
)

__all__ = [
    "ITERATIONS",
    "DayPlan",
    "DayStart",
    "DayStop",
    "DayTask",
    "TravelBasis",
    "draw_routes",
    "load_travel",
    "plan_day",
    "prepare_day",
    "replay_day",
    "straight_travel",
]

SEED = 1
"""Any number does, as long as it stays the same."""
ITERATIONS = 600
"""Bounds the work: 40 stops and 8 teams take 1–3 s on 2 cores, and 3,000 iterations find
nothing better there. source: measured"""


def prepare_day(
    travel: TravelBasis,
    *,
    start: DayStart,
    stops: Sequence[DayStop],
    teams: int,
    from_min: int,
    to_min: int,
    seed: int = SEED,
    iterations: int = ITERATIONS,
) -> DayTask:
    """Measure the travel between all places and return the day's task, stops by their id.

    Raises ``UserError`` where there is no stop, or hours, teams or places are impossible.
    """
    ordered = tuple(sorted(stops, key=lambda stop: stop.id))
    places = [(start.lon_e7, start.lat_e7), *((stop.lon_e7, stop.lat_e7) for stop in ordered)]
    return DayTask(
        start=start,
        stops=ordered,
        teams=teams,
        from_min=from_min,
        to_min=to_min,
        travel=measure_travel(travel, places),
        seed=seed,
        iterations=iterations,
    )


def plan_day(task: DayTask, travel: TravelBasis | None = None) -> DayPlan:
    """Return the day's routes; with ``travel`` they carry their lines for the map.

    Each team gets a route while there are stops enough, days are about alike long, and what
    does not fit into the shift is named with the reason. Bounded by the task's iterations.
    """
    plan = make_plan(task, solve_orders(task), solver=SOLVER)
    return plan if travel is None else draw_routes(task, plan, travel)


def draw_routes(task: DayTask, plan: DayPlan, travel: TravelBasis) -> DayPlan:
    """Return the plan with each route's line, start to start, as the roads now run."""
    at = {stop.id: (stop.lon_e7, stop.lat_e7) for stop in task.stops}
    start = (task.start.lon_e7, task.start.lat_e7)
    return replace(
        plan,
        routes=tuple(
            replace(
                route,
                path=draw_path(travel, [start, *(at[stop.id] for stop in route.stops), start]),
            )
            for route in plan.routes
        ),
    )


def replay_day(task: DayTask) -> DayPlan:
    """Plan a stored task again; equal to the stored plan where nothing was touched.

    Pictures do not count. Under another version of the solver ``solver`` differs and the
    orders may: ``domain.day_plan.check_plan`` then still checks every time and length.
    """
    return plan_day(task)
