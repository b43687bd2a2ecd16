"""The draw: check vectors, exact chances by enumeration, sizes that are never off."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from domain.draw.frame import Frame, parse_frame
from domain.draw.pivotal import Preparation, draw, draw_prepared, duels_of, share_tickets
from domain.draw.year import DrawRule
from domain.errors import UserError
from services.draw_simulation import simulate_draws
from tests.unit.domain.draw.frames import RIVEST, frame_of_60, scattered, small_frame

GOLDEN = Path(__file__).parents[3] / "golden" / "draw"
CASES = json.loads((GOLDEN / "cases.json").read_text(encoding="utf-8"))
DRAWS = int(os.environ.get("CSM_DRAW_DRAWS", "400"))


class Enumeration:
    """Walk through every outcome of a draw, each with its exact probability."""

    def __init__(self) -> None:
        self.path: list[int] = []
        self.options: list[list[Fraction]] = []

    def _choose(self, options: list[Fraction]) -> int:
        at = len(self.options)
        if at == len(self.path):
            self.path.append(0)
        self.options.append(options)
        return self.path[at]

    def below(self, m: int) -> int:
        return self._choose([Fraction(1, m)] * m)

    def chance(self, part: int, whole: int) -> bool:
        assert 0 < part < whole
        return self._choose([Fraction(part, whole), 1 - Fraction(part, whole)]) == 0

    def probability(self) -> Fraction:
        product = Fraction(1)
        for options, taken in zip(self.options, self.path, strict=True):
            product *= options[taken]
        return product

    def advance(self) -> bool:
        while self.path and self.path[-1] + 1 == len(self.options[len(self.path) - 1]):
            self.path.pop()
        if self.path:
            self.path[-1] += 1
        self.options = []
        return bool(self.path)


def outcomes(frame: Frame, n: int) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
    prepared, source = Preparation(frame, n), Enumeration()
    while True:
        drawn = draw_prepared(prepared, source)
        yield source.probability(), drawn.selected
        if not source.advance():
            return


def assert_counts_are_floor_or_ceil(frame: Frame, chances, selected) -> None:
    depth = frame.strata[0].count("/") + 1
    for level in range(depth + 1):
        expected: dict[str, Fraction] = defaultdict(Fraction)
        counts: dict[str, int] = defaultdict(int)
        for stratum, chance in zip(frame.strata, chances, strict=True):
            expected["/".join(stratum.split("/")[:level])] += chance
        for p in selected:
            counts["/".join(frame.strata[p].split("/")[:level])] += 1
        for path, mean in expected.items():
            assert abs(counts[path] - mean) < 1


def test_the_frame_of_60_gives_the_schools_of_the_check_vector() -> None:
    drawn = draw(frame_of_60(), 12, seed=RIVEST)
    assert " ".join(drawn.ids) == "S00 S01 S13 S20 S26 S36 S42 S45 S49 S53 S55 S56"


def test_sizes_1_to_20_give_the_chances_of_the_check_vector() -> None:
    chances = share_tickets(range(1, 21), 12).chances
    assert chances == (*(Fraction(k, 17) for k in range(1, 17)), 1, 1, 1, 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_draws_come_out_as_they_always_did(case) -> None:
    frame = parse_frame((GOLDEN / case["frame"]).read_bytes())
    assert frame.hash == case["frame_hash"]
    drawn = draw(frame, case["n"], seed=case["seed"], label=case["label"])
    assert list(drawn.ids) == case["selected"]


@pytest.mark.parametrize(
    ("frame", "n"),
    [
        (small_frame([1, 2, 3, 4, 5, 6]), 2),
        (small_frame([3, 1, 4, 1, 5, 9]), 3),
        (small_frame([1] * 6, points=[(0, 0)] * 6), 2),
        (small_frame([2, 3, 5, 7, 1, 1], points=[(i % 2, i // 2) for i in range(6)]), 4),
        (small_frame([1, 2, 3, 1, 2, 3], ["A", "B"] * 3), 3),
        (small_frame([5, 1, 1, 2, 2, 3, 1], ["A/x", "A/y", "A/x", "B/x", "B/x", "B/y", "B/y"]), 3),
        (small_frame([100, 1, 1, 2, 50, 3], ["A", "A", "A", "B", "B", "B"]), 3),
        (small_frame([1, 1, 1, 1, 1, 1, 1], ["a/1/i", "a/1/j", "a/2/i", "b/1/i", "b/1/i", "b/2/j", "b/2/j"]), 4),
    ],
)  # fmt: skip
def test_every_chance_is_exact_over_all_outcomes(frame: Frame, n: int) -> None:
    tickets = share_tickets(frame.weights, n)
    found, total = [Fraction(0)] * len(frame), Fraction(0)
    for probability, selected in outcomes(frame, n):
        assert len(selected) == n
        assert_counts_are_floor_or_ceil(frame, tickets.chances, selected)
        total += probability
        for p in selected:
            found[p] += probability
    assert total == 1
    assert tuple(found) == tickets.chances


def test_taking_all_goes_on_until_nobody_is_over_a_full_place() -> None:
    tickets = share_tickets([1, 1, 1, 10, 100], 3)
    assert tickets.chances == (Fraction(1, 3),) * 3 + (1, 1)


@pytest.mark.parametrize("n", [0, 5])
def test_nobody_or_everybody_can_be_drawn(n: int) -> None:
    frame = small_frame([1, 2, 3, 4, 5])
    drawn = draw(frame, n, seed="s")
    assert drawn.selected == tuple(range(n))
    assert set(drawn.tickets.chances) == {Fraction(n, 5)}


@pytest.mark.parametrize("n", [-1, 6])
def test_more_places_than_schools_are_refused(n: int) -> None:
    with pytest.raises(UserError, match=r"名录库中有 5 所"):
        draw(small_frame([1] * 5), n, seed="s")


def test_recorded_duels_carry_every_ticket_from_the_start_to_the_result() -> None:
    frame = scattered(300)
    drawn = draw(frame, 40, seed="s", record=True)
    held = list(drawn.tickets.held)
    for duel in drawn.duels:
        assert (held[duel.first], held[duel.second]) == (duel.first_before, duel.second_before)
        assert duel.first_before + duel.second_before == duel.first_after + duel.second_after
        assert {duel.first_after, duel.second_after} & {0, drawn.tickets.full}
        held[duel.first], held[duel.second] = duel.first_after, duel.second_after
        for p in (duel.first, duel.second):
            assert (frame.strata[p] + "/").startswith(duel.group and duel.group + "/")
    assert set(held) == {0, drawn.tickets.full}
    assert drawn.selected == draw(frame, 40, seed="s").selected


def test_the_duels_of_a_school_tell_its_story() -> None:
    drawn = draw(frame_of_60(), 12, seed=RIVEST, record=True)
    for p, school in enumerate(drawn.frame.ids):
        story = duels_of(drawn, school)
        after = [d.first_after if d.first == p else d.second_after for d in story]
        before = [d.first_before if d.first == p else d.second_before for d in story]
        assert before == [drawn.tickets.held[p], *after[:-1]]
        assert (after[-1] == drawn.tickets.full) == (p in drawn.selected)
    with pytest.raises(KeyError):
        duels_of(drawn, "nobody")


def test_labels_and_seeds_make_different_draws() -> None:
    frame = scattered(300)
    results = {
        draw(frame, 30, seed=seed, label=label).selected
        for seed in ("s", "t")
        for label in ("", "A", "B")
    }
    assert len(results) == 6


def test_many_draws_of_3000_schools_keep_chances_within_noise_and_counts_within_one() -> None:
    """The seed is fixed; CSM_DRAW_DRAWS=3000 runs the full number."""
    frame, n = scattered(3000), 100
    simulation = simulate_draws(frame, DrawRule(n=n), seed="noise", draws=DRAWS, workers=2)
    assert simulation.selected.shape == (DRAWS, n)
    z = simulation.z_scores()
    assert 0.9 < np.nanmean(z**2) < 1.1
    assert abs(np.nanmean(z)) < 0.02
    for groups in (frame.strata, [path.split("/")[0] for path in frame.strata]):
        expected = simulation.expected_counts(groups)
        table = simulation.group_counts(groups)
        for name, mean in expected.items():
            assert table[name].min() >= mean.__floor__()
            assert table[name].max() <= mean.__ceil__()
