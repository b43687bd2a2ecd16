"""Can all seats be filled, and if not: which few routes and people stand in the way?

Both questions are small integer programs, answered by HiGHS (``scipy.optimize.milp``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

SUBSETS_MOST = 2_000
"""So many route sets are tried one by one before settling for one that cannot shrink."""


@dataclass(frozen=True)
class Seats:
    """Who may sit where: people × routes, in the orders the rosters are counted in.

    ``allowed`` is (people, routes); ``places`` the people each route takes, all of them
    needed; ``apart`` pairs (a < b) that must not share a route; with ``need_lead`` each
    route needs one of ``leads``.
    """

    allowed: NDArray[np.bool_]
    leads: NDArray[np.bool_]
    places: tuple[int, ...]
    apart: frozenset[tuple[int, int]]
    need_lead: bool

    def only(self, routes: Sequence[int]) -> Seats:
        """Return the same question for some of the routes."""
        return Seats(
            allowed=self.allowed[:, list(routes)],
            leads=self.leads,
            places=tuple(self.places[r] for r in routes),
            apart=self.apart,
            need_lead=self.need_lead,
        )


@dataclass(frozen=True)
class Obstacle:
    """Routes that cannot all be manned, and the only people who may serve on any of them.

    ``leads_missing`` says that people would suffice if any of them could lead.
    """

    routes: tuple[int, ...]
    people: tuple[int, ...]
    leads_missing: bool


def can_be_filled(seats: Seats) -> bool:
    """Say whether at least one roster keeps the rules."""
    if not seats.places:
        return True
    person, route = np.nonzero(seats.allowed)
    if not len(person):
        return sum(seats.places) == 0
    at = {pair: v for v, pair in enumerate(zip(person.tolist(), route.tolist(), strict=True))}
    rows: list[list[int]] = []
    low: list[float] = []
    high: list[float] = []

    def rule(variables: list[int], least: float, most: float) -> None:
        rows.append(variables)
        low.append(least)
        high.append(most)

    for p in range(len(seats.leads)):
        rule(np.flatnonzero(person == p).tolist(), 0, 1)
    for r, places in enumerate(seats.places):
        rule(np.flatnonzero(route == r).tolist(), places, places)
        if seats.need_lead:
            rule(np.flatnonzero((route == r) & seats.leads[person]).tolist(), 1, np.inf)
    for a, b in sorted(seats.apart):
        for r in range(len(seats.places)):
            if (a, r) in at and (b, r) in at:
                rule([at[a, r], at[b, r]], 0, 1)
    data = [(row, column) for row, columns in enumerate(rows) for column in columns]
    index = np.array(data, dtype=np.int64).reshape(-1, 2)
    matrix = csr_array(
        (np.ones(len(index)), (index[:, 0], index[:, 1])), shape=(len(rows), len(person))
    )
    return _solve(np.zeros(len(person)), matrix, low, high) is not None


def smallest_obstacle(seats: Seats) -> Obstacle:
    """Return the fewest routes that cannot be manned, and among those the fewest people.

    Without pairs to keep apart the answer is exact: a smallest violator of Hall's
    condition over lead and member places. With pairs, route sets are tried in order of
    size; where they are too many, a set is returned from which no route can be left out.
    Raises ``ValueError`` where the seats can be filled.
    """
    violator = _smallest_violator(seats)
    if seats.apart:
        most = len(seats.places) if violator is None else len(violator) - 1
        violator = next(_sets_by_size(seats, most), None) or violator
    if violator is None:
        violator = _cannot_shrink(seats)
    people = np.flatnonzero(seats.allowed[:, violator].any(axis=1))
    part = seats.only(violator)
    anyone = Seats(part.allowed, part.leads, part.places, part.apart, need_lead=False)
    lead_short = seats.need_lead and can_be_filled(anyone)
    return Obstacle(tuple(violator), tuple(people.tolist()), lead_short)


def _smallest_violator(seats: Seats) -> list[int] | None:
    """Return the routes of the smallest violator of Hall's condition, pairs aside."""
    people, routes = seats.allowed.shape
    places = np.asarray(seats.places, dtype=np.float64)
    if people == 0:
        return [0] if routes else None
    leads = seats.allowed & seats.leads[:, None]
    # Variables: route in the set, its member places counted, its lead place counted, person.
    in_set, member, lead, served = (k * routes for k in range(4))
    total = 3 * routes + people
    rows: list[tuple[dict[int, float], float]] = []
    for r in range(routes):
        rows.append(({in_set + r: 1, member + r: -1}, 0))
        rows.append(({in_set + r: 1, lead + r: -1}, 0))
        may_lead = leads[:, r] if seats.need_lead else seats.allowed[:, r]
        for place, fit in ((member, seats.allowed[:, r]), (lead, may_lead)):
            persons = np.flatnonzero(fit).tolist()
            rows.extend(({served + p: 1, place + r: -1}, 0) for p in persons)
    short: dict[int, float] = {member + r: float(places[r] - 1) for r in range(routes)}
    short |= {lead + r: 1.0 for r in range(routes)}
    short |= {served + p: -1.0 for p in range(people)}
    rows.append((short, 1))
    cost = np.zeros(total)
    cost[:routes], cost[served:] = people + 1, 1
    entries = [(i, c, v) for i, (row, _) in enumerate(rows) for c, v in row.items()]
    i, c, v = (np.array(column) for column in zip(*entries, strict=True))
    found = _solve(
        cost,
        csr_array((v, (i, c)), shape=(len(rows), total)),
        [least for _, least in rows],
        [np.inf] * len(rows),
    )
    return None if found is None else np.flatnonzero(found[:routes] > 0.5).tolist()


def _sets_by_size(seats: Seats, most: int) -> Iterator[list[int]]:
    """Yield route sets that cannot be manned, smallest first, while they are few enough.

    No set is larger than ``most``.
    """
    routes, tried = len(seats.places), 0
    for size in range(1, most + 1):
        tried += comb(routes, size)
        if tried > SUBSETS_MOST:
            return
        bad = [
            list(some)
            for some in combinations(range(routes), size)
            if not can_be_filled(seats.only(some))
        ]
        yield from sorted(bad, key=lambda some: int(seats.allowed[:, some].any(axis=1).sum()))


def _cannot_shrink(seats: Seats) -> list[int]:
    keep = list(range(len(seats.places)))
    if can_be_filled(seats):
        raise ValueError("nothing stands in the way")
    for r in range(len(seats.places)):
        without = [k for k in keep if k != r]
        if not can_be_filled(seats.only(without)):
            keep = without
    return keep


def _solve(
    cost: NDArray[np.float64],
    matrix: csr_array,
    low: Sequence[float],
    high: Sequence[float],
) -> NDArray[np.float64] | None:
    answer = milp(
        cost,
        integrality=np.ones(len(cost), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, np.asarray(low), np.asarray(high)),
    )
    if answer.status == 2:
        return None
    if answer.x is None:
        raise RuntimeError(f"the integer program gave up: {answer.message}")
    return np.asarray(answer.x, dtype=np.float64)
