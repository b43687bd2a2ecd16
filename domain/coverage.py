"""The year's coverage: shares, pace, forecast, spread of visits. Pure; formulas of DOMAIN.md §3.

A year's day is counted from 1 (1 January) to 365 or 366; the pace goes by calendar days.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from domain.words import InspectionLevel, Word

Integers = npt.NDArray[np.int64]

MOST_TIMES_SHOWN = 5
"""Schools visited so often or more stand in one bar."""
SHORT_WINDOW_DAYS = 30
"""Below so many days the pace of late is a guess and said to be one. source: [own]"""
DAYS_A_WEEK = 7
_EXACT = 10**9


class PaceState(Word):
    """How a coverage stands; ``OPEN`` = no school or no day has passed."""

    MET = "met", "已达标"
    AHEAD = "ahead", "进度达到序时"
    BEHIND = "behind", "落后于序时"
    MISSED = "missed", "该年未达标"
    OPEN = "open", "尚无进度"


@dataclass(frozen=True, slots=True)
class YearForecast:
    """One level's coverage today, what the pace asks for, and what the year's end will bring.

    ``level``: whose inspections; ``as_of``: the day the figures are for; ``schools``:
    active schools, the denominator; ``visited``: those inspected at least once this year;
    ``target_share``: 0–1; ``target``: schools that make it; ``pace``: schools that even
    progress asks for by ``as_of``; ``weekly``: schools newly covered a week, of late, in the
    last ``window_days``; ``extra_per_week``: added to it; ``weeks_left``: until 31 December;
    ``expected``: schools covered then; ``missing``: schools short of the target then;
    ``needed_per_week``: new schools a week that would still reach it (``None`` = no week left);
    ``team_days``: what ``missing`` costs at ``schools_per_team_day``.
    """

    level: InspectionLevel
    as_of: dt.date
    schools: int
    visited: int
    target_share: float
    target: int
    pace: float
    weekly: float
    window_days: int
    extra_per_week: float
    weeks_left: float
    expected: float
    missing: int
    needed_per_week: float | None
    schools_per_team_day: float
    team_days: int

    @property
    def share(self) -> float | None:
        """Return the coverage, 0–1; ``None`` where there is no school."""
        return coverage_share(self.visited, self.schools)

    @property
    def expected_share(self) -> float | None:
        """Return the coverage expected at the year's end, 0–1."""
        return coverage_share(self.expected, self.schools)

    @property
    def pace_ratio(self) -> float | None:
        """Return 序时进度: coverage ÷ (target × elapsed days ÷ days of the year)."""
        return self.visited / self.pace if self.pace > 0 else None

    @property
    def is_over(self) -> bool:
        """Tell whether no day of the year is left."""
        return self.weeks_left == 0

    @property
    def state(self) -> PaceState:
        """Return how the coverage stands today."""
        if not self.schools:
            return PaceState.OPEN
        if self.visited >= self.target:
            return PaceState.MET
        if self.is_over:
            return PaceState.MISSED
        return PaceState.AHEAD if self.visited >= self.pace else PaceState.BEHIND


def days_of_year(year: int) -> int:
    """Return 365 or 366."""
    return (dt.date(year + 1, 1, 1) - dt.date(year, 1, 1)).days


def day_of_year(on: dt.date) -> int:
    """Return the number of a day in its year, from 1."""
    return on.timetuple().tm_yday


def coverage_share(visited: float, schools: int) -> float | None:
    """Return visited ÷ active schools, or ``None`` where there is no school."""
    return visited / schools if schools else None


def target_schools(share: float, schools: int) -> int:
    """Return how many schools make the target share, rounded up (1000 at 30 % → 300)."""
    exact = Fraction(round(share * _EXACT), _EXACT)
    return math.ceil(exact * schools)


def pace_schools(share: float, schools: int, *, elapsed: int, days: int) -> float:
    """Return how many schools even progress asks for after ``elapsed`` of ``days`` days.

    1000 schools at 30 % on day 181 of 365 → 148.8. Source: DOMAIN.md §3.
    """
    return share * schools * min(max(elapsed, 0), days) / days


def forecast(
    *,
    level: InspectionLevel,
    as_of: dt.date,
    schools: int,
    visited: int,
    recent: int,
    window_days: int,
    target_share: float,
    schools_per_team_day: float,
    extra_per_week: float = 0.0,
) -> YearForecast:
    """Forecast one level's coverage at the end of ``as_of``'s year.

    ``recent``: schools newly covered in the last ``window_days`` days, which reach back to
    1 January at most. The pace of late goes on and ``extra_per_week`` comes on top; never
    more than all active schools are covered. Source: pace DOMAIN.md §3, the rest [own].
    """
    days, elapsed = days_of_year(as_of.year), day_of_year(as_of)
    window = max(1, min(window_days, elapsed))
    weekly = recent / window * DAYS_A_WEEK
    weeks_left = (days - elapsed) / DAYS_A_WEEK
    grown = visited + (weekly + max(extra_per_week, 0.0)) * weeks_left
    expected = max(float(visited), min(float(schools), grown))
    target = target_schools(target_share, schools)
    # A part of a school counts for nothing; the tolerance undoes binary rounding only.
    missing = max(0, target - math.floor(expected + 1e-9))
    return YearForecast(
        level=level,
        as_of=as_of,
        schools=schools,
        visited=visited,
        target_share=target_share,
        target=target,
        pace=pace_schools(target_share, schools, elapsed=elapsed, days=days),
        weekly=weekly,
        window_days=window,
        extra_per_week=max(extra_per_week, 0.0),
        weeks_left=weeks_left,
        expected=expected,
        missing=missing,
        needed_per_week=max(0, target - visited) / weeks_left if weeks_left else None,
        schools_per_team_day=schools_per_team_day,
        team_days=math.ceil(missing / schools_per_team_day - 1e-9),
    )


def first_days(school: npt.ArrayLike, day: npt.ArrayLike, *, schools: int) -> Integers:
    """Return the day of each school's first visit, 0 where there is none.

    ``school``: positions 0 … ``schools`` − 1, ``day``: days of the year, one entry a visit.
    """
    never = 10_000
    first = np.full(schools, never, dtype=np.int64)
    np.minimum.at(first, np.asarray(school, dtype=np.intp), np.asarray(day, dtype=np.int64))
    first[first == never] = 0
    return first


def week_ends(elapsed: int) -> Integers:
    """Return the days at which the curve is drawn: 0, every seventh, and the last one."""
    ends = np.arange(0, elapsed + 1, DAYS_A_WEEK, dtype=np.int64)
    return ends if ends[-1] == elapsed else np.append(ends, elapsed)


def covered_by(first: npt.ArrayLike, days: npt.ArrayLike) -> Integers:
    """Return how many schools were covered by each of ``days``; ``first`` as ``first_days``."""
    reached = np.sort(np.asarray(first, dtype=np.int64))
    reached = reached[reached > 0]
    return np.searchsorted(reached, np.asarray(days, dtype=np.int64), side="right").astype(np.int64)


def times_visited(visits: npt.ArrayLike) -> Integers:
    """Return how many schools were visited 0, 1, … ``MOST_TIMES_SHOWN`` or more times."""
    capped = np.minimum(np.asarray(visits, dtype=np.int64), MOST_TIMES_SHOWN)
    return np.bincount(capped, minlength=MOST_TIMES_SHOWN + 1).astype(np.int64)
