"""The nearest remaining school is exact where many are equally near."""

from __future__ import annotations

import random

import pytest

from domain.draw import nearest
from domain.draw.nearest import MATRIX_MOST, Plane, Remaining

LATTICE = [(x * 500, y * 500) for x in range(15) for y in range(15)]
PLACES = {
    "a lattice": LATTICE,
    "all at one place": [(7, 7)] * 200,
    "two places": [(k % 2 * 1000, 0) for k in range(200)],
    "a far-off zone": [(40_500_000 + x, 3_500_000 + y) for x, y in LATTICE],
    "wider than doubles are exact": [(x * 10**13 + y, y * 10**13) for x, y in LATTICE],
}


@pytest.mark.parametrize("neighbours", [2, 3, 4, 12])
@pytest.mark.parametrize("where", PLACES)
def test_ties_go_to_frame_order_until_one_is_left(
    monkeypatch: pytest.MonkeyPatch, where: str, neighbours: int
) -> None:
    monkeypatch.setattr(nearest, "TREE_NEIGHBOURS", neighbours)
    rnd = random.Random(neighbours)
    points = rnd.sample(PLACES[where], len(PLACES[where]))
    assert len(points) > MATRIX_MOST
    alive = list(range(len(points)))
    remaining = Remaining(Plane([x for x, _ in points], [y for _, y in points]), alive)
    while len(alive) > 1:
        for u in rnd.sample(alive, min(len(alive), 8)):
            x, y = points[u]
            expected = min(
                ((points[v][0] - x) ** 2 + (points[v][1] - y) ** 2, v) for v in alive if v != u
            )[1]
            assert remaining.nearest(u) == expected
        gone = rnd.choice(alive)
        alive.remove(gone)
        remaining.remove(gone)
