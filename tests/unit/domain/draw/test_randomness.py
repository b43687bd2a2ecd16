"""Random integers are those of the specification, and none is favoured."""

from __future__ import annotations

import hashlib

import pytest

from domain.draw.randomness import SPAN, HashStream
from tests.unit.domain.draw.frames import RIVEST


def value(seed: str, label: str, c: int) -> int:
    return int(hashlib.sha256(f"{seed}|{label}|{c}".encode()).hexdigest(), 16)


def test_rivests_picks_come_out_of_the_hash() -> None:
    picks = [
        int(hashlib.sha256(f"{RIVEST},{i}".encode()).hexdigest(), 16) % 876 + 1 for i in range(1, 6)
    ]
    assert picks == [740, 180, 264, 789, 238]


def test_the_counter_grows_before_each_hash_and_over_all_calls() -> None:
    stream = HashStream("种子", "A")
    assert [stream.below(10) for _ in range(20)] == [
        value("种子", "A", c) % 10 for c in range(1, 21)
    ]
    assert stream.counter == 20


def test_a_hash_above_the_last_multiple_is_passed_over() -> None:
    m = SPAN // 2 + 1
    stream = HashStream("s")
    expected = [v for c in range(1, 60) if (v := value("s", "", c)) < m][:10]
    assert [stream.below(m) for _ in range(10)] == expected
    assert stream.counter > 10


def test_below_one_is_nought_and_takes_a_hash() -> None:
    stream = HashStream("s")
    assert stream.below(1) == 0
    assert stream.counter == 1


@pytest.mark.parametrize("m", [0, -1, SPAN + 1])
def test_a_bound_without_an_answer_is_refused(m: int) -> None:
    with pytest.raises(ValueError, match="no answer"):
        HashStream("s").below(m)


def test_a_whole_span_is_the_hash_itself() -> None:
    assert HashStream("s").below(SPAN) == value("s", "", 1)
