"""Two streams meet the coverage and leave nobody safe; the reserve steps in by rule."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest

from domain.draw.pivotal import draw
from domain.draw.randomness import HashStream
from domain.draw.year import DrawRule, choose_replacement, draw_year, split_places, year_chances
from domain.errors import UserError
from tests.unit.domain.draw.frames import scattered, small_frame


def two_streams(frame, n: int, inspected, rho: int = 100, reserve: int = 0) -> DrawRule:
    return DrawRule(n=n, streams=2, rho_permille=rho, inspected=tuple(inspected), reserve=reserve)


def test_places_are_split_as_specified() -> None:
    split = split_places(n=100, rho_permille=100, schools=3000, inspected=500)
    assert (split.low, split.high, split.chance_high) == (10, 10, 0)
    split = split_places(n=25, rho_permille=150, schools=1000, inspected=400)
    assert (split.low, split.high, split.chance_high) == (3, 4, Fraction(3, 4))


def test_the_inspected_are_never_drawn_more_often_than_average() -> None:
    split = split_places(n=100, rho_permille=100, schools=3000, inspected=60)
    assert (split.low, split.high, split.chance_high) == (2, 2, 0)


def test_where_few_are_left_to_inspect_the_others_fill_the_places() -> None:
    split = split_places(n=10, rho_permille=100, schools=50, inspected=47)
    assert (split.low, split.high) == (7, 7)
    frame = small_frame([1, 2, 3, 4, 5, 6, 7, 8])
    rule = two_streams(frame, 4, frame.ids[:7])
    assert len(draw_year(frame, rule, seed="s").selected) == 4
    chances = year_chances(frame, rule)
    assert chances[7] == 1
    assert sum(chances) == 4


def test_streams_are_draws_of_their_own_under_their_labels() -> None:
    frame = scattered(400)
    inspected = frame.ids[::3]
    drawn = draw_year(frame, two_streams(frame, 30, inspected, rho=125), seed="s")
    old = {frame.position[school] for school in inspected}
    q, whole = 30 * min(125 * 400, 1000 * len(old)), 1000 * 400
    again = q // whole + (HashStream("s", "split").below(whole) < q % whole)
    new_frame = frame.take(p for p in range(400) if p not in old)
    expected = {
        *draw(new_frame, 30 - again, seed="s", label="A").ids,
        *draw(frame.take(old), again, seed="s", label="B").ids,
    }
    assert set(drawn.ids) == expected
    assert len(drawn.ids) == 30


def test_the_split_falls_both_ways_and_the_total_stays() -> None:
    frame = scattered(200)
    inspected = set(frame.ids[:80])
    rule = two_streams(frame, 25, sorted(inspected), rho=150)
    again = [len(inspected & set(draw_year(frame, rule, seed=str(k)).ids)) for k in range(60)]
    assert set(again) == {3, 4}


def test_chances_average_both_splits_and_sum_to_n() -> None:
    frame = scattered(200)
    inspected = frame.ids[:80]
    chances = year_chances(frame, two_streams(frame, 25, inspected, rho=150))
    assert sum(chances) == 25
    assert sum(chances[:80]) == 25 * Fraction(150, 1000)
    assert all(0 < chance <= 1 for chance in chances)


def test_ten_draws_of_100_cover_over_thirty_percent_of_3000_schools() -> None:
    frame, done = scattered(3000), set()
    for k in range(10):
        rule = two_streams(frame, 100, sorted(done))
        chances = year_chances(frame, rule)
        assert min(chances) > 0
        done |= set(draw_year(frame, rule, seed=f"month {k}").ids)
    assert 910 <= len(done) <= 930


def test_the_reserve_is_drawn_among_those_not_selected_under_its_label() -> None:
    frame = scattered(300)
    drawn = draw_year(frame, DrawRule(n=30, reserve=12), seed="s")
    rest = [p for p in range(300) if p not in drawn.selected]
    assert drawn.reserve_ids == draw(frame.take(rest), 12, seed="s", label="R").ids
    assert not set(drawn.ids) & set(drawn.reserve_ids)
    assert drawn.ids == draw(frame, 30, seed="s").ids


def test_a_lost_school_is_replaced_from_its_stratum_then_its_parent_then_anywhere() -> None:
    strata = ["A/x", "A/x", "A/x", "A/y", "B/x", "B/x"]
    frame = small_frame([1] * 6, strata)
    reserve = ("s1", "s2", "s3", "s4")

    def smallest(*ids: str) -> str:
        return min(ids, key=lambda i: hashlib.sha256(f"seed|R|{i}".encode()).hexdigest())

    used: list[str] = []
    for expected in (smallest("s1", "s2"), None, "s3", "s4"):
        chosen = choose_replacement(frame=frame, reserve=reserve, used=used, lost="s0", seed="seed")
        assert chosen == (expected or ({"s1", "s2"} - set(used)).pop())
        used.append(chosen)
    with pytest.raises(UserError, match="后备名单已用完"):
        choose_replacement(frame=frame, reserve=reserve, used=used, lost="s0", seed="seed")


@pytest.mark.parametrize(
    "rule",
    [
        DrawRule(n=5, reserve=4),
        DrawRule(n=-1),
        DrawRule(n=9),
        DrawRule(n=2, streams=3),
        DrawRule(n=2, streams=2, inspected=("nobody",)),
        DrawRule(n=2, streams=2, rho_permille=1001),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(rule: DrawRule) -> None:
    with pytest.raises(UserError):
        draw_year(small_frame([1] * 8), rule, seed="s")
