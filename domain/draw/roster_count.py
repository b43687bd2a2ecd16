"""Count all rosters that keep the rules, and spell out the roster of a given number.

Dynamic programming over people × unfilled places (section 7 of the specification). A table
holds, for every state of all routes, in how many ways the people still to come complete it;
states of one route are "so many places filled, a lead among them or not". Counts pass
64 bits, so they are kept in limbs of 44 bits and added in bulk.

People who must not share a route form blocks. A block enters the table as a whole, by
inclusion and exclusion over which of its members share a route, so that any order of ids
can be unranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt, log2, prod

import numpy as np
from numpy.typing import NDArray

from domain.draw.roster_block import Seats

LIMB_BITS = 44
STATES_TIMES_PEOPLE_MOST = 4**10 * 80
"""source: 10 routes of 2 × 40 people with ten pairs to part took 6 s and 0.4 GB.

The bound decides between the exact and the two-step method, so it is part of the method:
changing it changes which roster a seed gives.
"""
BLOCK_MOST = 5
KEEP_MOST_BYTES = 256 << 20

Table = NDArray[np.int64]
Partition = frozenset[frozenset[int]]


def is_countable(seats: Seats) -> bool:
    """Say whether the exact count is in reach; the same answer everywhere and always."""
    blocks = _blocks(len(seats.leads), seats.apart)
    if max((len(block) for block in blocks), default=0) > BLOCK_MOST:
        return False
    states = prod(_digits(places, seats.need_lead) for places in seats.places)
    waiting = sum(max(block) - min(block) for block in blocks)
    extra = sum(len(_shared_routes(block, seats.apart)) for block in blocks if len(block) > 1)
    return states * (len(seats.leads) + waiting + extra) <= STATES_TIMES_PEOPLE_MOST


class Rosters:
    """All rosters of one question, numbered: person by person, out first, then routes."""

    def __init__(self, seats: Seats) -> None:
        """Count them."""
        self._seats = seats
        people, routes = seats.allowed.shape
        self._shape = tuple(_digits(places, seats.need_lead) for places in seats.places)
        self._blocks = _blocks(people, seats.apart)
        self._block_of = {p: block for block in self._blocks for p in block}
        self._partners: dict[int, set[int]] = {p: set() for p in range(people)}
        for a, b in seats.apart:
            self._partners[a].add(b)
            self._partners[b].add(a)
        bits = min(people * log2(routes + 1), sum(seats.places) * log2(people + 1)) + 16
        self._limbs = max(1, ceil(bits / LIMB_BITS))
        self._tables = _Tables(self, people)
        self.count = _read(self._tables.at(0), (0,) * routes)

    def unrank(self, number: int) -> list[int | None]:
        """Return the roster of this number (from 0): each person's route, or None for out.

        Raises ``ValueError`` unless 0 ≤ ``number`` < ``count``.
        """
        if not 0 <= number < self.count:
            raise ValueError(f"there is no roster number {number}")
        people, routes = self._seats.allowed.shape
        allowed = self._seats.allowed.copy()
        state: tuple[int, ...] = (0,) * routes
        chosen: list[int | None] = []
        for p in range(people):
            table = self._with_waiting(p, allowed)
            own = [q for q in self._block_of[p] if q > p]
            for route in (None, *np.flatnonzero(allowed[p]).tolist()):
                following = state if route is None else self.step(state, route, p)
                if following is None:
                    continue
                free = {q: set(np.flatnonzero(allowed[q]).tolist()) for q in own}
                ways = self._ways(table, following, own, self._barred(free, p, route))
                if number < ways:
                    break
                number -= ways
            else:
                raise AssertionError("the tables do not add up")
            chosen.append(route)
            state = following
            if route is not None:
                for q in self._partners[p]:
                    allowed[q, route] = False
        return chosen

    def step(self, state: tuple[int, ...], route: int, person: int) -> tuple[int, ...] | None:
        """Return the state after a person joined a route, or None where that cannot end well."""
        places, at = self._seats.places[route], state[route]
        if not self._seats.need_lead:
            after = at + 1 if at < places else -1
        elif at < places and self._seats.leads[person]:
            after = at + places
        else:
            after = at + 1 if at not in (places - 1, 2 * places - 1) else -1
        return None if after < 0 else (*state[:route], after, *state[route + 1 :])

    def first_table(self) -> Table:
        """Return the table after the last person: one way where all routes are full."""
        table = np.zeros((self._limbs, *self._shape), dtype=np.int64)
        table[(0, *(digits - 1 for digits in self._shape))] = 1
        return table

    def with_block_from(self, table: Table, person: int) -> Table:
        """Return the table with the block added whose first member is ``person``, if any."""
        block = self._block_of[person]
        if min(block) != person:
            return table
        return self._add_block(table, block, self._seats.allowed)

    def _with_waiting(self, p: int, allowed: NDArray[np.bool_]) -> Table:
        """Return the table of all after ``p`` but the rest of p's own block."""
        table = self._tables.at(p + 1)
        for block in self._blocks:
            if min(block) < p and p not in block:
                rest = [q for q in block if q > p]
                for part in _parts(rest, self._seats.apart):
                    table = self._add_block(table, part, allowed)
        return table

    def _barred(
        self, free: dict[int, set[int]], person: int, route: int | None
    ) -> dict[int, set[int]]:
        return {
            q: routes - {route} if q in self._partners[person] and route is not None else routes
            for q, routes in free.items()
        }

    def _ways(
        self, table: Table, state: tuple[int, ...], own: Sequence[int], free: dict[int, set[int]]
    ) -> int:
        """Count the completions from a state, trying the few people of the own block in turn."""
        if not own:
            return _read(table, state)
        q, rest = own[0], own[1:]
        ways = self._ways(table, state, rest, free)
        for route in free[q]:
            following = self.step(state, route, q)
            if following is not None:
                ways += self._ways(table, following, rest, self._barred(free, q, route))
        return ways

    def _add_block(self, table: Table, block: Sequence[int], allowed: NDArray[np.bool_]) -> Table:
        total = np.zeros_like(table)
        for partition, sign in _shared_routes(block, self._seats.apart).items():
            placed = table
            for group in sorted(partition, key=sorted):
                placed = self._add_group(placed, sorted(group), allowed)
            total += sign * placed
        return _carried(total)

    def _add_group(self, table: Table, group: Sequence[int], allowed: NDArray[np.bool_]) -> Table:
        """Return the ways with one more person, or with some who sit on one route together."""
        total = table.copy() if len(group) == 1 else np.zeros_like(table)
        for route in np.flatnonzero(allowed[list(group)].all(axis=0)).tolist():
            joined = table
            for person in group[1:]:
                following = np.zeros_like(table)
                self._join(following, joined, route, person)
                joined = following
            self._join(total, joined, route, group[0])
        return _carried(total)

    def _join(self, into: Table, table: Table, route: int, person: int) -> None:
        """Add to each state the ways of the state after a person joined a route."""
        places, digits = self._seats.places[route], self._shape[route]
        before = prod(self._shape[:route])
        shape = (self._limbs, before, digits, -1)
        new, old = into.reshape(shape), table.reshape(shape)
        if not self._seats.need_lead:
            new[:, :, :-1] += old[:, :, 1:]
            return
        if self._seats.leads[person]:
            new[:, :, :places] += old[:, :, places:]
        else:
            new[:, :, : places - 1] += old[:, :, 1:places]
        new[:, :, places:-1] += old[:, :, places + 1 :]


class _Tables:
    """The table before each person, kept whole or, where that is too much, in stretches."""

    def __init__(self, rosters: Rosters, people: int) -> None:
        self._rosters, self._people = rosters, people
        last = rosters.first_table()
        fits = last.nbytes * (people + 1) <= KEEP_MOST_BYTES
        self._stretch = people + 1 if fits else isqrt(people) + 1
        self._marks: dict[int, Table] = {people: last}
        self._near: dict[int, Table] = {people: last}
        for p in range(people - 1, -1, -1):
            last = rosters.with_block_from(last, p)
            if p % self._stretch == 0:
                self._marks[p] = last
            if fits:
                self._near[p] = last

    def at(self, p: int) -> Table:
        """Return the ways of all blocks that begin at person ``p`` or later."""
        if p in self._marks:
            return self._marks[p]
        if p not in self._near:
            above = min(mark for mark in self._marks if mark >= p)
            self._near = {above: self._marks[above]}
            for q in range(above - 1, p - 1, -1):
                self._near[q] = self._rosters.with_block_from(self._near[q + 1], q)
        return self._near[p]


def _digits(places: int, need_lead: bool) -> int:
    return 2 * places if need_lead else places + 1


def _read(table: Table, state: tuple[int, ...]) -> int:
    cells = np.ravel_multi_index(state, table.shape[1:]) if state else 0
    limbs = table.reshape(len(table), -1)[:, cells].tolist()
    return sum(limb << LIMB_BITS * k for k, limb in enumerate(limbs))


def _carried(table: Table) -> Table:
    """Bring every limb but the last into 44 bits; signs travel upwards."""
    for k in range(len(table) - 1):
        carry = table[k] >> LIMB_BITS
        table[k] -= carry << LIMB_BITS
        table[k + 1] += carry
    return table


def _blocks(people: int, apart: frozenset[tuple[int, int]]) -> list[list[int]]:
    return _parts(list(range(people)), apart)


def _parts(people: Sequence[int], apart: frozenset[tuple[int, int]]) -> list[list[int]]:
    """Part people into those tied to each other by pairs, each part in id order."""
    part = {p: p for p in people}
    for a, b in sorted(apart):
        if a in part and b in part and part[a] != part[b]:
            old, new = max(part[a], part[b]), min(part[a], part[b])
            part = {p: new if root == old else root for p, root in part.items()}
    groups: dict[int, list[int]] = {}
    for p in people:
        groups.setdefault(part[p], []).append(p)
    return list(groups.values())


def _shared_routes(block: Sequence[int], apart: frozenset[tuple[int, int]]) -> dict[Partition, int]:
    """Return the partitions of a block with the signs of inclusion and exclusion.

    In each, the members of a part with several share a route; summed with their signs,
    just the placings in which no pair of ``apart`` shares one are left.
    """
    terms: dict[Partition, int] = {frozenset(frozenset([p]) for p in block): 1}
    for a, b in sorted(apart):
        if a not in block or b not in block:
            continue
        more = dict(terms)
        for partition, sign in terms.items():
            joined = frozenset().union(*(part for part in partition if a in part or b in part))
            merged = frozenset([*(part for part in partition if not part & joined), joined])
            more[merged] = more.get(merged, 0) - sign
        terms = {partition: sign for partition, sign in more.items() if sign}
    return terms
