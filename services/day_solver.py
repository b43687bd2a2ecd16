"""Order the stops of a day with PyVRP: as many as fit, days alike long, little driving.

Two runs, each with the task's seed and a fixed number of iterations (never a clock): the
first finds the least driving and so the mean day; the second charges every minute of a day
beyond that mean, which spreads the work over all teams. Whatever the search leaves open is
settled by plain rules: a stop that still fits anywhere is put in, a team without a route
gets the stop that best relieves the longest day, and the shortest day takes over stops for
as long as that pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
from pyvrp import (
    Client,
    ClientGroup,
    Depot,
    Location,
    ProblemData,
    SolveParams,
    VehicleType,
    solve,
)
from pyvrp.stop import MaxIterations

from domain.day_plan import time_order
from domain.day_task import DayTask

SOLVER = f"PyVRP {version('pyvrp')}"
"""Another version may order stops otherwise; a plan names the one it was made with."""

SECOND_COST = 1
"""A second of driving."""
MINUTE_COST = 30
"""A minute of the whole day, so that waiting costs a third of driving. source: [own]"""
OVER_MEAN_COST = 600
"""A minute of a day beyond the mean: seven minutes of driving. source: [own], measured: at 40
stops and 8 teams days of 112–476 minutes become 332–363 (one far one 476) for 9 % more driving"""
FIRST_RUN_SHARE = 3
"""The first run, which only finds the mean day, takes one of so many parts of the iterations."""

Order = tuple[int, ...]


def solve_orders(task: DayTask) -> tuple[Order, ...]:
    """Return an order of stops (indexes) for each team with a route; every one is in time.

    No stop that is in none would fit into any, and no team is without a route while another
    has two stops of which one can be given away. The same task gives the same orders.
    """
    alone = [stop for stop in range(len(task.stops)) if time_order(task, [stop]) is not None]
    if not alone:
        return ()
    teams = min(task.teams, len(alone))
    first = task.iterations if teams == 1 else -(-task.iterations // FIRST_RUN_SHARE)
    least = _settled(task, _search(task, alone, teams, first, None), teams)
    if teams == 1:
        return least
    mean_min = -(-sum(_minutes(task, order) for order in least) // teams)
    even = _search(task, alone, teams, max(task.iterations - first, 1), mean_min)
    best = min(least, _settled(task, even, teams), key=lambda found: _cost(task, found, mean_min))
    return _settled(task, _evened(task, best, mean_min), teams)


def _cost(task: DayTask, orders: Sequence[Order], mean_min: int) -> tuple[int, int]:
    """Return stops left out, then the cost of the second run; lower is better."""
    served = sum(len(order) for order in orders)
    cost = 0
    for order in orders:
        minutes = _minutes(task, order)
        cost += SECOND_COST * _seconds(task, order) + MINUTE_COST * minutes
        cost += OVER_MEAN_COST * max(minutes - mean_min, 0)
    return -served, cost


def _evened(task: DayTask, orders: Sequence[Order], mean_min: int) -> tuple[Order, ...]:
    """Move stops into the shortest day for as long as that makes the whole cheaper.

    The search alone may leave a short day beside long ones where there are many teams.
    """
    kept = list(orders)
    for _ in range(len(task.stops)):
        minutes = [_minutes(task, order) for order in kept]
        short = minutes.index(min(minutes))
        best: tuple[int, int, Order, Order] | None = None
        for at, order in enumerate(kept):
            if at == short or len(order) < 2 or minutes[at] <= mean_min:
                continue
            before = _cost(task, [order, kept[short]], mean_min)[1]
            for gap, stop in enumerate(order):
                rest = (*order[:gap], *order[gap + 1 :])
                for place in range(len(kept[short]) + 1):
                    more = (*kept[short][:place], stop, *kept[short][place:])
                    if time_order(task, rest) and time_order(task, more):
                        saved = _cost(task, [rest, more], mean_min)[1] - before
                        best = min(best or (0, at, rest, more), (saved, at, rest, more))
        if best is None or best[0] >= 0:
            break
        _, at, kept[at], kept[short] = best
    return tuple(kept)


def _search(
    task: DayTask, stops: Sequence[int], teams: int, iterations: int, mean_min: int | None
) -> list[Order]:
    """Run the solver once; days beyond ``mean_min`` cost extra where it is given."""
    shift_min = task.to_min - task.from_min
    minutes: Any = np.array(
        [
            [task.travel_min(a, b) for b in range(len(task.stops) + 1)]
            for a in range(len(task.stops) + 1)
        ]
    )
    seconds: Any = np.array(task.travel.seconds)
    # Leaving one out must never pay, whatever two whole days of the dearest kind would save.
    prize = 2 * shift_min * (60 * SECOND_COST + MINUTE_COST + OVER_MEAN_COST)
    clients: list[Client] = []
    groups: list[ClientGroup] = []
    stop_of: list[int] = []
    for stop in stops:
        spans = list(_open_spans(task, stop))
        group = None
        if len(spans) > 1:
            group = len(groups)
            groups.append(ClientGroup(required=False))
        for early, late in spans:
            if group is not None:
                groups[group].add_client(len(clients))
            clients.append(
                Client(
                    location=stop + 1,
                    service_duration=task.stops[stop].visit_min,
                    tw_early=early,
                    tw_late=late,
                    prize=prize,
                    required=False,
                    group=group,
                )
            )
            stop_of.append(stop)
    mean = shift_min if mean_min is None else min(mean_min, shift_min)
    team = VehicleType(
        num_available=teams,
        tw_early=task.from_min,
        tw_late=task.to_min,
        shift_duration=mean,
        max_overtime=shift_min - mean,
        unit_overtime_cost=OVER_MEAN_COST,
        unit_distance_cost=SECOND_COST,
        unit_duration_cost=MINUTE_COST,
    )
    data = ProblemData(
        locations=[Location(0, 0) for _ in range(len(task.stops) + 1)],
        clients=clients,
        depots=[Depot(0)],
        vehicle_types=[team],
        distance_matrices=[seconds],
        duration_matrices=[minutes],
        groups=groups,
    )
    found = solve(
        data,
        MaxIterations(iterations),
        seed=task.seed,
        collect_stats=False,
        display=False,
        params=SolveParams(),
    )
    return [
        tuple(stop_of[visit.idx] for visit in route if visit.is_client())
        for route in found.best.routes()
    ]


def _open_spans(task: DayTask, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the shift in which a visit may start."""
    windows = task.stops[stop].windows
    if not windows:
        yield task.from_min, task.to_min
    for window in windows:
        early, late = max(window.from_min, task.from_min), min(window.to_min, task.to_min)
        if early <= late:
            yield early, late


def _settled(task: DayTask, orders: Sequence[Order], teams: int) -> tuple[Order, ...]:
    """Put in what still fits, then give every team a route where that can be."""
    kept = [order for order in orders if order and time_order(task, order) is not None]
    taken = {stop for order in kept for stop in order}
    left = [stop for stop in range(len(task.stops)) if stop not in taken]
    while left and (fits := _best_fit(task, kept, left, teams)):
        stop, at, order = fits
        kept[at : at + 1] = [order]
        left.remove(stop)
    while len(kept) < teams and (split := _best_split(task, kept)):
        at, rest, stop = split
        kept[at] = rest
        kept.append((stop,))
    return tuple(kept)


def _best_fit(
    task: DayTask, orders: Sequence[Order], left: Sequence[int], teams: int
) -> tuple[int, int, Order] | None:
    """Return the stop, route and new order that add least driving, or ``None``."""
    best: tuple[int, int, int, Order] | None = None
    places: list[Order] = [*orders, *([()] if len(orders) < teams else [])]
    for stop in left:
        for at, order in enumerate(places):
            before = _seconds(task, order)
            for gap in range(len(order) + 1):
                longer = (*order[:gap], stop, *order[gap:])
                if time_order(task, longer) is not None:
                    tried = (_seconds(task, longer) - before, stop, at, longer)
                    best = tried if best is None else min(best, tried)
    return None if best is None else best[1:]


def _best_split(task: DayTask, orders: Sequence[Order]) -> tuple[int, Order, int] | None:
    """Return route, what it keeps, and the stop it gives up so that the longer is shortest."""
    tries = []
    for at, order in enumerate(orders):
        for gap, stop in enumerate(order if len(order) > 1 else ()):
            rest = (*order[:gap], *order[gap + 1 :])
            kept, given = time_order(task, rest), time_order(task, (stop,))
            if kept and given:
                # Relieve the longest day first, then split it as evenly as it goes.
                longer = max(kept.total_min, given.total_min)
                tries.append((-_minutes(task, order), longer, at, rest, stop))
    return min(tries)[2:] if tries else None


def _minutes(task: DayTask, order: Order) -> int:
    timing = time_order(task, order)
    if timing is None:
        raise ValueError("an order that is not in time has no length")
    return timing.total_min


def _seconds(task: DayTask, order: Order) -> int:
    places = [0, *(stop + 1 for stop in order), 0]
    return sum(task.travel.seconds[a][b] for a, b in pairwise(places))
