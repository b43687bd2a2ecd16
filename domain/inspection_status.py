"""Where each school stands in this year's inspections: pure rules over counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.words import Coverage, InspectionStatus

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

STATUS_ORDER: tuple[InspectionStatus, ...] = tuple(InspectionStatus)
COVERAGE_ORDER: tuple[Coverage, ...] = tuple(Coverage)


def status_index(
    *, visited: BoolArray, found_this_year: IntArray, open_now: IntArray, overdue_now: IntArray
) -> npt.NDArray[np.uint8]:
    """Return each school's position in ``STATUS_ORDER``; worst condition wins.

    Args are arrays of one length: visited this year at any level; hazards found
    this year; hazards not closed now (from any year); of those, past due and not
    yet submitted for verification (a slow verifier is not the school's fault).
    """
    result = np.full(len(visited), STATUS_ORDER.index(InspectionStatus.NOT_YET), dtype=np.uint8)
    result[visited] = STATUS_ORDER.index(InspectionStatus.VISITED)
    result[visited & (found_this_year > 0)] = STATUS_ORDER.index(InspectionStatus.CLOSED)
    result[open_now > 0] = STATUS_ORDER.index(InspectionStatus.OPEN)
    result[overdue_now > 0] = STATUS_ORDER.index(InspectionStatus.OVERDUE)
    return result


def coverage_index(*, city: BoolArray, county: BoolArray) -> npt.NDArray[np.uint8]:
    """Return each school's position in ``COVERAGE_ORDER`` from its visits this year."""
    result = np.full(len(city), COVERAGE_ORDER.index(Coverage.NONE), dtype=np.uint8)
    result[county] = COVERAGE_ORDER.index(Coverage.COUNTY)
    result[city] = COVERAGE_ORDER.index(Coverage.CITY)
    result[city & county] = COVERAGE_ORDER.index(Coverage.BOTH)
    return result
