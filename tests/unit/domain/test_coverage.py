from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from domain.coverage import (
    PaceState,
    YearForecast,
    covered_by,
    day_of_year,
    days_of_year,
    first_days,
    forecast,
    pace_schools,
    target_schools,
    times_visited,
    week_ends,
)
from domain.errors import UserError
from domain.sampling_rules import SHIPPED, SamplingRules
from domain.words import InspectionLevel

JUNE_30 = dt.date(2026, 6, 30)


def a_forecast(**changed: object) -> YearForecast:
    given: dict[str, object] = {
        "level": InspectionLevel.CITY,
        "as_of": JUNE_30,
        "schools": 1000,
        "visited": 120,
        "recent": 90,
        "window_days": 90,
        "target_share": 0.3,
        "schools_per_team_day": 3.0,
    }
    return forecast(**{**given, **changed})  # type: ignore[arg-type]


def test_a_thousand_schools_at_thirty_percent_are_three_hundred() -> None:
    assert target_schools(0.3, 1000) == 300
    assert target_schools(0.3, 1001) == 301
    assert target_schools(1.0, 1000) == 1000
    assert target_schools(0.07, 100) == 7, "binary rounding must not ask for one school more"


def test_the_pace_on_day_181_of_365_is_149_schools() -> None:
    assert day_of_year(JUNE_30) == 181
    assert days_of_year(2026) == 365
    assert days_of_year(2028) == 366
    assert round(pace_schools(0.3, 1000, elapsed=181, days=365)) == 149
    assert round(a_forecast().pace) == 149


def test_the_pace_ratio_is_coverage_over_the_target_so_far() -> None:
    said = a_forecast()
    assert said.share == 0.12
    assert said.pace_ratio == pytest.approx(0.12 / (0.3 * 181 / 365))
    assert said.state is PaceState.BEHIND
    assert a_forecast(visited=149).state is PaceState.AHEAD
    assert a_forecast(visited=300).state is PaceState.MET


def test_the_pace_of_late_goes_on_to_the_end_of_the_year() -> None:
    said = a_forecast()
    assert said.weekly == pytest.approx(7.0)
    assert said.weeks_left == pytest.approx(184 / 7)
    assert said.expected == pytest.approx(120 + 184)
    assert (said.missing, said.team_days) == (0, 0)
    slow = a_forecast(recent=45)
    assert slow.expected == pytest.approx(212)
    assert slow.missing == 88
    assert slow.team_days == 30, "88 schools at 3 a team and day"
    assert slow.needed_per_week == pytest.approx(180 / (184 / 7))


def test_extra_visits_a_week_close_the_gap() -> None:
    slow = a_forecast(recent=45)
    helped = a_forecast(recent=45, extra_per_week=88 / slow.weeks_left)
    assert helped.missing == 0
    assert a_forecast(recent=45, extra_per_week=-5).expected == slow.expected


def test_no_more_than_all_schools_are_covered() -> None:
    said = a_forecast(visited=990, recent=900, target_share=1.0)
    assert said.expected == 1000
    assert said.missing == 0


def test_the_window_reaches_back_to_new_year_at_most() -> None:
    said = a_forecast(as_of=dt.date(2026, 1, 10), visited=10, recent=10)
    assert said.window_days == 10
    assert said.weekly == pytest.approx(7.0)


def test_a_year_that_is_over_has_missed_or_met_its_target() -> None:
    last = a_forecast(as_of=dt.date(2025, 12, 31), visited=299)
    assert last.is_over
    assert last.state is PaceState.MISSED
    assert last.expected == 299
    assert last.needed_per_week is None
    assert last.missing == 1
    assert replace(last, visited=300).state is PaceState.MET


def test_a_city_without_schools_has_no_coverage_and_no_state() -> None:
    empty = a_forecast(schools=0, visited=0, recent=0)
    assert empty.share is None
    assert empty.pace_ratio is None
    assert empty.state is PaceState.OPEN
    assert empty.missing == 0


def test_a_school_counts_from_its_first_visit_on() -> None:
    first = first_days([0, 2, 0, 2], [40, 9, 12, 300], schools=4)
    assert first.tolist() == [12, 0, 9, 0]
    assert covered_by(first, [0, 8, 9, 11, 12, 365]).tolist() == [0, 0, 1, 1, 2, 2]
    assert first_days([], [], schools=2).tolist() == [0, 0]


def test_the_curve_has_a_point_every_week_and_one_today() -> None:
    assert week_ends(15).tolist() == [0, 7, 14, 15]
    assert week_ends(14).tolist() == [0, 7, 14]


def test_five_and_more_visits_stand_in_one_bar() -> None:
    assert times_visited([0, 0, 1, 5, 9, 3]).tolist() == [2, 1, 0, 1, 0, 2]


def test_the_target_of_each_level_comes_from_the_sampling_rules() -> None:
    assert SHIPPED.target_share(InspectionLevel.CITY) == 0.3
    assert SHIPPED.target_share(InspectionLevel.COUNTY) == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("city_target_pct", 0),
        ("county_target_pct", 120),
        ("schools_per_team_day", 0),
        ("coverage_window_days", 3),
    ],
)
def test_a_target_that_cannot_be_is_refused(name: str, value: int) -> None:
    with pytest.raises(UserError, match=name):
        SamplingRules.from_parameters({name: value})
