from __future__ import annotations

import numpy as np

from domain.inspection_status import (
    COVERAGE_ORDER,
    STATUS_ORDER,
    coverage_index,
    status_index,
)
from domain.words import Coverage, InspectionStatus


def status(visited: bool, found: int, open_now: int, overdue: int) -> InspectionStatus:
    index = status_index(
        visited=np.array([visited]),
        found_this_year=np.array([found]),
        open_now=np.array([open_now]),
        overdue_now=np.array([overdue]),
    )
    return STATUS_ORDER[index[0]]


def test_the_worst_condition_gives_the_status() -> None:
    assert status(True, 3, 2, 1) is InspectionStatus.OVERDUE
    assert status(True, 3, 2, 0) is InspectionStatus.OPEN
    assert status(True, 3, 0, 0) is InspectionStatus.CLOSED
    assert status(True, 0, 0, 0) is InspectionStatus.VISITED
    assert status(False, 0, 0, 0) is InspectionStatus.NOT_YET


def test_a_hazard_left_from_last_year_shows_even_before_this_years_visit() -> None:
    assert status(False, 0, 1, 1) is InspectionStatus.OVERDUE


def test_coverage_tells_the_two_levels_apart() -> None:
    city = np.array([True, True, False, False])
    county = np.array([True, False, True, False])
    words = [COVERAGE_ORDER[i] for i in coverage_index(city=city, county=county)]
    assert words == [Coverage.BOTH, Coverage.CITY, Coverage.COUNTY, Coverage.NONE]
