from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.post_state import MANNING_ORDER, Manning, manning_index

NOBODY_CHECKED = [np.nan, np.nan]


def state(needed: list[float], planned: list[float], present: list[float]) -> Manning:
    index = manning_index(
        needed=np.array([needed]), planned=np.array([planned]), present=np.array([present])
    )
    return MANNING_ORDER[index[0]]


def test_a_post_is_met_only_when_everyone_needed_was_seen() -> None:
    assert state([1, 2], [1, 2], [1, 2]) is Manning.MET
    assert state([1, 2], [1, 2], [1, 1]) is Manning.SHORT
    assert state([1, 2], [1, 2], [0, 0]) is Manning.ABSENT


def test_a_roster_without_a_check_is_not_proof_that_somebody_stood_there() -> None:
    assert state([1, 2], [1, 2], NOBODY_CHECKED) is Manning.PLANNED
    assert state([1, 2], [1, 0], NOBODY_CHECKED) is Manning.UNPLANNED


def test_no_session_row_is_no_roster_and_not_absence() -> None:
    assert state([0, 0], [np.nan, np.nan], NOBODY_CHECKED) is Manning.NO_ROSTER


def test_too_many_of_one_role_do_not_make_up_for_another() -> None:
    assert state([1, 1], [1, 1], [5, 0]) is Manning.SHORT


counts = st.lists(st.integers(0, 4), min_size=5, max_size=5)


@given(counts, counts, counts)
def test_one_more_person_never_makes_a_checked_post_worse(
    needed: list[int], planned: list[int], present: list[int]
) -> None:
    order = [Manning.ABSENT, Manning.SHORT, Manning.MET]
    before = state([*map(float, needed)], [*map(float, planned)], [*map(float, present)])
    more = [float(p + 1) for p in present]
    after = state([*map(float, needed)], [*map(float, planned)], more)
    assert order.index(after) >= order.index(before)
