"""The numbering of rosters is a bijection onto all rosters that keep the rules."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.draw.roster_block import Seats, can_be_filled, smallest_obstacle
from domain.draw.roster_count import Rosters, is_countable


def all_rosters(seats: Seats) -> list[list[int | None]]:
    """List them by trying everything, in the order of the specification."""
    people, routes = seats.allowed.shape
    found: list[list[int | None]] = []
    for chosen in product([None, *range(routes)], repeat=people):
        teams = [[p for p in range(people) if chosen[p] == r] for r in range(routes)]
        if (
            all(seats.allowed[p, r] for r, team in enumerate(teams) for p in team)
            and all(len(team) == seats.places[r] for r, team in enumerate(teams))
            and all(any(seats.leads[p] for p in t) or not seats.need_lead for t in teams)
            and not any({a, b} <= set(team) for a, b in seats.apart for team in teams)
        ):
            found.append(list(chosen))
    return found


@st.composite
def questions(draw) -> Seats:
    routes = draw(st.integers(1, 3))
    people = draw(st.integers(1, 7 if routes < 3 else 6))
    pairs = list(combinations(range(people), 2))
    return Seats(
        allowed=np.array(
            draw(
                st.lists(
                    st.lists(
                        st.sampled_from([True, True, False]), min_size=routes, max_size=routes
                    ),
                    min_size=people,
                    max_size=people,
                )
            )
        ),
        leads=np.array(draw(st.lists(st.booleans(), min_size=people, max_size=people))),
        places=tuple(draw(st.lists(st.integers(1, 3), min_size=routes, max_size=routes))),
        apart=frozenset(draw(st.sets(st.sampled_from(pairs), max_size=5)) if pairs else ()),
        need_lead=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(questions())
def test_numbers_and_rosters_belong_to_each_other_one_to_one(seats: Seats) -> None:
    assume(is_countable(seats))
    expected, rosters = all_rosters(seats), Rosters(seats)
    assert rosters.count == len(expected)
    assert [rosters.unrank(k) for k in range(min(rosters.count, 150))] == expected[:150]
    assert can_be_filled(seats) == bool(expected)


@settings(max_examples=100, deadline=None)
@given(questions())
def test_what_blocks_is_a_smallest_set_of_routes(seats: Seats) -> None:
    assume(not all_rosters(seats))
    obstacle = smallest_obstacle(seats)
    assert not all_rosters(seats.only(obstacle.routes))
    for size in range(1, len(obstacle.routes)):
        for some in combinations(range(len(seats.places)), size):
            assert all_rosters(seats.only(some))
    fit = seats.allowed[:, list(obstacle.routes)].any(axis=1)
    assert obstacle.people == tuple(np.flatnonzero(fit).tolist())
