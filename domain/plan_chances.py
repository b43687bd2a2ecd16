"""How many schools of each group a draw rule takes: expected, at least, at most. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from domain.draw.pivotal import share_tickets
from domain.draw.year import YearPreparation


@dataclass(frozen=True, slots=True)
class Expected:
    """A group of the frame: its schools, the exact expected number drawn, and the bounds."""

    group: str
    schools: int
    expected: Fraction
    low: int
    high: int


def expect_groups(prepared: YearPreparation, groups: Sequence[str]) -> tuple[Expected, ...]:
    """Return what each group gets, in order of the groups' names.

    ``groups`` names each school's group in frame order; they must be strata or parents of
    strata, for which each stream keeps to its expected number rounded down or up. The
    bounds cover both ways of sharing the places between the streams.
    """
    names, codes = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    schools = np.bincount(codes, minlength=len(names)).tolist()
    expected = [Fraction(0)] * len(names)
    bounds: list[tuple[list[int], list[int]]] = []
    high = prepared.split.chance_high
    for again, share in ((prepared.split.low, 1 - high), (prepared.split.high, high)):
        if not share:
            continue
        least, most = [0] * len(names), [0] * len(names)
        for label, n in prepared.sizes(again).items():
            places = np.asarray(prepared.places[label], dtype=np.intp)
            tickets = share_tickets([prepared.frame.weights[p] for p in places.tolist()], n)
            held = np.zeros(len(names), dtype=np.int64)
            np.add.at(held, codes[places], np.array(tickets.held, dtype=np.int64))
            for at, tickets_held in enumerate(held.tolist()):
                expected[at] += share * Fraction(tickets_held, tickets.full)
                least[at] += tickets_held // tickets.full
                most[at] += -(-tickets_held // tickets.full)
        bounds.append((least, most))
    return tuple(
        Expected(
            group=str(name),
            schools=schools[at],
            expected=expected[at],
            low=min(least[at] for least, _ in bounds),
            high=max(most[at] for _, most in bounds),
        )
        for at, name in enumerate(names.tolist())
    )


def join_groups(
    strata: Sequence[Expected], group_of: Callable[[str], str], *, most: int
) -> tuple[Expected, ...]:
    """Add strata up to groups that cut across them, e.g. kinds over all districts.

    Nothing binds such a sum but its parts, so the bounds are theirs added, at most ``most``.
    """
    joined: dict[str, Expected] = {}
    for part in strata:
        name = group_of(part.group)
        so_far = joined.get(name, Expected(name, 0, Fraction(0), 0, 0))
        joined[name] = Expected(
            group=name,
            schools=so_far.schools + part.schools,
            expected=so_far.expected + part.expected,
            low=so_far.low + part.low,
            high=min(so_far.high + part.high, most),
        )
    return tuple(joined[name] for name in sorted(joined))
