"""The draw itself: exact chances and duels between neighbours, all in integers.

Sections 3 and 4 of the specification ``LPM-INT-1``. The method is the local pivotal method
(Grafström, Lundström & Schelin 2012, *Biometrics* 68; pivotal sampling: Deville & Tillé
1998, *Biometrika* 85), with strata as in nested balanced designs: duels are fought in the
deepest groups first. Inclusion chances are exact; the size is never off.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from domain.draw.frame import Frame
from domain.draw.nearest import Lists, Plane, Remaining
from domain.draw.randomness import HashStream, Source
from domain.errors import UserError

ALGORITHM = "LPM-INT-1"


@dataclass(frozen=True)
class Tickets:
    """The tickets each school holds before the first duel; ``full`` make a place.

    ``held`` runs in frame order; a school's chance is ``held / full``.
    """

    held: tuple[int, ...]
    full: int

    def chance(self, position: int) -> Fraction:
        """Return one school's chance, reduced."""
        return Fraction(self.held[position], self.full)

    @cached_property
    def chances(self) -> tuple[Fraction, ...]:
        """Return every school's chance in frame order, reduced."""
        return tuple(Fraction(held, self.full) for held in self.held)


@dataclass(frozen=True)
class Duel:
    """One recorded duel between two schools, as frame positions, with their tickets.

    ``group`` is the path of the stratum it was fought in, empty for the whole frame.
    """

    group: str
    first: int
    second: int
    first_before: int
    second_before: int
    first_after: int
    second_after: int


@dataclass(frozen=True)
class Drawn:
    """What came of one draw: the places in the frame that were selected, ascending."""

    frame: Frame
    tickets: Tickets
    selected: tuple[int, ...]
    duels: tuple[Duel, ...] = field(default=(), repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the selected ids in frame order."""
        return tuple(self.frame.ids[p] for p in self.selected)


def share_tickets(weights: Sequence[int], n: int) -> Tickets:
    """Hand out the tickets for ``n`` places in proportion to integer ``weights``.

    Schools whose share would exceed a full place are taken before all others. Where every
    school is taken, a full place is one ticket. Raises ``UserError`` unless 0 ≤ ``n`` ≤ the
    number of schools. Source: section 3 of the specification.
    """
    count = len(weights)
    if not 0 <= n <= count:
        raise UserError(
            f"要抽 {n} 所，但名录库中有 {count} 所学校。", "请减少抽取数量，或放宽抽取范围。"
        )
    taken = [False] * count
    left, places = list(range(count)), n
    while True:
        total = sum(weights[p] for p in left)
        now = [p for p in left if places * weights[p] >= total]
        if not now:
            break
        for p in now:
            taken[p] = True
        left = [p for p in left if not taken[p]]
        places -= len(now)
    full = total or 1
    held = tuple(full if taken[p] else places * weights[p] for p in range(count))
    return Tickets(held=held, full=full)


class Preparation:
    """What all draws of one frame and one ``n`` have in common: tickets, groups, neighbours.

    Building it costs about as much as a draw; many draws share it.
    """

    def __init__(self, frame: Frame, n: int) -> None:
        """Share the tickets out and find the groups; ``UserError`` as ``share_tickets``."""
        self.frame, self.tickets = frame, share_tickets(frame.weights, n)
        self.levels = _levels(frame.strata)
        self.plane = Plane(frame.x_m, frame.y_m)
        playing = [0 < held < self.tickets.full for held in self.tickets.held]
        self.first_lists: dict[str, Lists] = {
            path: self.plane.neighbour_lists([u for u in group if playing[u]])
            for path, group in self.levels[0]
        }


def draw(frame: Frame, n: int, *, seed: str, label: str = "", record: bool = False) -> Drawn:
    """Draw ``n`` schools of a frame under a seed text and a stream label.

    Keeps every duel where ``record`` is true. Raises ``UserError`` as ``share_tickets``.
    """
    return draw_prepared(Preparation(frame, n), HashStream(seed, label), record=record)


def draw_prepared(prepared: Preparation, source: Source, *, record: bool = False) -> Drawn:
    """Draw once from a preparation, taking the random integers from ``source``.

    Groups of the deepest stratum level fight first, in code-point order of their paths,
    then each level above over all its schools, last the whole frame. Source: section 4.
    """
    tickets, full = list(prepared.tickets.held), prepared.tickets.full
    duels: list[Duel] = []
    for depth, groups in enumerate(prepared.levels):
        for path, group in groups:
            members = [u for u in group if 0 < tickets[u] < full]
            if len(members) < 2:
                continue
            lists = prepared.first_lists[path] if depth == 0 else None
            log = _recorder(duels, path) if record else None
            _run(members, tickets, full, Remaining(prepared.plane, members, lists), source, log)
    selected = tuple(u for u, held in enumerate(tickets) if held == full)
    return Drawn(prepared.frame, prepared.tickets, selected, tuple(duels))


def duels_of(drawn: Drawn, school: str) -> tuple[Duel, ...]:
    """Return the recorded duels of one school in order; none where it was taken outright.

    Raises ``KeyError`` where the school is not in the frame.
    """
    at = drawn.frame.position[school]
    return tuple(duel for duel in drawn.duels if at in (duel.first, duel.second))


def duel(first: int, second: int, full: int, source: Source) -> tuple[int, int]:
    """Fight one duel for the tickets of two schools; return what each holds after it.

    Either one is left with nothing or one is left with a full place; each keeps its
    tickets on average. Source: section 4 of the specification.
    """
    total = first + second
    if total <= full:
        return (total, 0) if source.chance(first, total) else (0, total)
    if source.chance(full - second, 2 * full - total):
        return full, total - full
    return total - full, full


Recorder = Callable[[int, int, int, int, int, int], None]


def _recorder(duels: list[Duel], path: str) -> Recorder:
    return lambda *facts: duels.append(Duel(path, *facts))


def _run(
    members: list[int],
    tickets: list[int],
    full: int,
    remaining: Remaining,
    source: Source,
    log: Recorder | None,
) -> None:
    """Let the members of one group duel until at most one is undecided."""
    order = members
    while len(order) > 1:
        at = source.below(len(order))
        i = order[at]
        j = remaining.nearest(i)
        before_i, before_j = tickets[i], tickets[j]
        after_i, after_j = duel(before_i, before_j, full, source)
        tickets[i], tickets[j] = after_i, after_j
        if log:
            log(i, j, before_i, before_j, after_i, after_j)
        if not 0 < after_j < full:
            remaining.remove(j)
            del order[bisect_left(order, j)]
        if not 0 < after_i < full:
            remaining.remove(i)
            del order[bisect_left(order, i)]


def _levels(strata: Sequence[str]) -> list[list[tuple[str, list[int]]]]:
    """Return the groups of every level, deepest first, last the whole frame as one group."""
    levels: list[list[tuple[str, list[int]]]] = []
    paths = list(strata)
    depth = paths[0].count("/") + 1 if paths else 0
    for _ in range(depth):
        groups: dict[str, list[int]] = {}
        for u, path in enumerate(paths):
            groups.setdefault(path, []).append(u)
        levels.append(sorted(groups.items()))
        paths = [path.rpartition("/")[0] for path in paths]
    return [*levels, [("", list(range(len(strata))))]]
