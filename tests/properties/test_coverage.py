from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.coverage import (
    covered_by,
    days_of_year,
    first_days,
    forecast,
    pace_schools,
    target_schools,
    times_visited,
)
from domain.words import InspectionLevel

shares = st.sampled_from([0.01, 0.07, 0.1, 0.3, 1 / 3, 0.5, 0.9, 1.0])
days = st.dates(dt.date(2019, 1, 1), dt.date(2028, 12, 31))


@st.composite
def years(draw: st.DrawFn) -> dict[str, object]:
    schools = draw(st.integers(0, 3000))
    visited = draw(st.integers(0, schools))
    return {
        "level": InspectionLevel.COUNTY,
        "as_of": draw(days),
        "schools": schools,
        "visited": visited,
        "recent": draw(st.integers(0, visited)),
        "window_days": draw(st.integers(7, 366)),
        "target_share": draw(shares),
        "schools_per_team_day": draw(st.floats(0.5, 10)),
    }


@given(share=shares, schools=st.integers(0, 10_000), on=days)
def test_the_pace_lies_between_nothing_and_the_target(
    share: float, schools: int, on: dt.date
) -> None:
    whole = days_of_year(on.year)
    pace = pace_schools(share, schools, elapsed=on.timetuple().tm_yday, days=whole)
    assert 0 <= pace <= target_schools(share, schools) + 1e-6
    assert share * schools <= target_schools(share, schools) + 1e-6 <= schools + 1e-6


@given(given_year=years(), extra=st.floats(0, 500), more=st.integers(0, 200))
def test_more_visits_never_worsen_the_forecast(
    given_year: dict[str, object], extra: float, more: int
) -> None:
    said = forecast(**given_year)  # type: ignore[arg-type]
    helped = forecast(**given_year, extra_per_week=extra)  # type: ignore[arg-type]
    assert said.visited <= said.expected <= helped.expected <= said.schools
    assert helped.missing <= said.missing
    assert helped.team_days <= said.team_days
    visited = min(said.schools, said.visited + more)
    further = forecast(**{**given_year, "visited": visited})  # type: ignore[arg-type]
    assert further.expected >= said.expected - 1e-9
    assert further.missing <= said.missing


@given(given_year=years())
def test_the_team_days_are_just_enough(given_year: dict[str, object]) -> None:
    said = forecast(**given_year)  # type: ignore[arg-type]
    assert said.team_days * said.schools_per_team_day >= said.missing - 1e-6
    assert (said.team_days - 1) * said.schools_per_team_day < said.missing or not said.team_days


@given(
    visits=st.lists(st.tuples(st.integers(0, 29), st.integers(1, 366)), max_size=200),
    elapsed=st.integers(1, 366),
)
def test_distinct_schools_never_outnumber_visits_and_only_grow(
    visits: list[tuple[int, int]], elapsed: int
) -> None:
    school = [at for at, _ in visits]
    first = first_days(school, [day for _, day in visits], schools=30)
    curve = covered_by(first, range(elapsed + 1))
    assert (np.diff(curve) >= 0).all()
    so_far = [sum(day <= on for _, day in visits) for on in range(elapsed + 1)]
    assert (curve <= np.array(so_far)).all()
    assert int((first > 0).sum()) == len(set(school)) <= len(visits) or not visits
    spread = times_visited(np.bincount(school, minlength=30) if school else np.zeros(30, int))
    assert int(spread.sum()) == 30
    assert int(spread[0]) == 30 - len(set(school))
