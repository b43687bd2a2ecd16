"""Hazards of the demo city: from all four sources, through all stages, some late, some again."""

from __future__ import annotations

import datetime as dt

import numpy as np

from domain.words import (
    DeadlineClass,
    HazardSource,
    HazardStage,
    SchoolKind,
    Severity,
)
from services.demo.hazard_items import ITEMS, PLACES, SIDES
from services.demo.history import Visits
from services.demo.land import Land
from services.demo.plane import Array, Table, objects, pick, stream
from services.demo.schools import KINDS, Schools

_NEVER = np.datetime64("NaT", "D")
_WITH_LABORATORY = (
    SchoolKind.JUNIOR,
    SchoolKind.SENIOR,
    SchoolKind.NINE_YEAR,
    SchoolKind.TWELVE_YEAR,
    SchoolKind.COMPLETE_SECONDARY,
    SchoolKind.VOCATIONAL,
)
_WITH_DORMITORY = (
    SchoolKind.SENIOR,
    SchoolKind.COMPLETE_SECONDARY,
    SchoolKind.VOCATIONAL,
    SchoolKind.TWELVE_YEAR,
)
REPEAT_DAYS = 365
# source: DOMAIN.md §3, repeat: same item, same school, within 12 months of a verified closure


def hazard_table(
    seed: int, land: Land, schools: Schools, visits: Visits, self_checks: Table, as_of: dt.date
) -> Table:
    """Return the hazard table in order of the day found; dates never pass ``as_of``."""
    rng = stream(seed, "hazards", schools.count, as_of.isoformat())
    school, found, origin, inspection = _found(rng, visits, self_checks, as_of)
    count = len(school)
    item = _items(rng, schools, school)
    severity = _severities(rng, item)
    dates, reopened, deadline = _course(rng, schools.care[school], found, severity, as_of)
    item, repeat_of = _repeats(rng, school, item, found, dates["verified_on"])
    texts = _descriptions(rng, item)
    year = found.astype("datetime64[Y]").astype(int) + 1970
    district = objects(list(land.district_names))[land.township_district[schools.township[school]]]
    posts = ["分管安全副校长", "总务主任", "保卫干部", "食堂负责人", "年级主任"]
    rectified = ~np.isnat(dates["feedback_on"])
    verified = ~np.isnat(dates["verified_on"])
    by_city = np.zeros(count, dtype=bool)
    has_visit = ~np.isnan(inspection)
    by_city[has_visit] = visits.is_city[inspection[has_visit].astype(int) - 1]
    verifier = np.where(by_city, "市校园安全督查组", district + "教育局安全科").astype(object)
    return {
        "id": np.arange(1, count + 1),
        "number": objects(
            [f"YH{y}-{i:06d}" for i, y in zip(range(1, count + 1), year.tolist(), strict=True)]
        ),
        "school_id": school + 1,
        "inspection_id": inspection,
        "origin": origin,
        "category": objects([i.category.value for i in ITEMS])[item],
        "item_code": objects([i.code for i in ITEMS])[item],
        "description": texts,
        "severity": objects([s.value for s in _SEVERITIES])[severity],
        "deadline_class": objects([d.value for d in _DEADLINES])[deadline],
        "stage": _stages(rng, dates, as_of),
        "found_on": found,
        **dates,
        "reopened_count": reopened,
        "repeat_of_id": repeat_of,
        "rectifier": np.where(rectified, pick(rng, posts, [4, 3, 2, 1, 1], count), ""),
        "verifier": np.where(verified, verifier, ""),
    }


_SEVERITIES = (Severity.MAJOR, Severity.LARGER, Severity.GENERAL)
_DEADLINES = (DeadlineClass.IMMEDIATE, DeadlineClass.TERM, DeadlineClass.LISTED)
_IMMEDIATE, _TERM, _LISTED = range(3)


def _found(
    rng: np.random.Generator, visits: Visits, self_checks: Table, as_of: dt.date
) -> tuple[Array, Array, Array, Array]:
    """Return school, day, source and inspection id (NaN = none) of every hazard, by day."""
    today = np.datetime64(as_of, "D")
    visit = np.repeat(np.arange(len(visits.school)), visits.found)
    checks = np.nan_to_num(self_checks["findings"]).astype(int)
    check = np.repeat(np.arange(len(checks)), checks)
    before = rng.integers(0, 10, len(check)).astype("timedelta64[D]")
    check_day = self_checks["submitted_on"][check].astype("datetime64[D]") - before
    inspected = np.unique(visits.school)
    told = rng.choice(inspected, max(len(inspected) * 2 // 5, 8))
    told_day = today - rng.integers(0, 900, len(told)).astype("timedelta64[D]")
    source = np.repeat(
        objects([HazardSource.INSPECTION.value, HazardSource.SELF_CHECK.value]),
        [len(visit), len(check)],
    )
    others = pick(rng, [HazardSource.COMPLAINT.value, HazardSource.POLICE.value], [5, 3], len(told))
    school = np.concatenate([visits.school[visit], self_checks["school_id"][check] - 1, told])
    found = np.concatenate([visits.on_date[visit], check_day, told_day])
    origin = np.concatenate([source, others])
    inspection = np.concatenate([visit + 1.0, np.full(len(check) + len(told), np.nan)])
    order = np.lexsort((school, found))
    return school[order], found[order], origin[order], inspection[order]


def _items(rng: np.random.Generator, schools: Schools, school: Array) -> Array:
    laboratory = np.isin(schools.kind, [KINDS.index(k) for k in _WITH_LABORATORY])[school]
    dormitory = np.isin(schools.kind, [KINDS.index(k) for k in _WITH_DORMITORY])[school]
    item = np.zeros(len(school), dtype=int)
    for has_laboratory in (False, True):
        for has_dormitory in (False, True):
            rows = np.flatnonzero((laboratory == has_laboratory) & (dormitory == has_dormitory))
            allowed = {"", *["laboratory"] * has_laboratory, *["dormitory"] * has_dormitory}
            weight = np.array([i.weight if i.needs in allowed else 0.0 for i in ITEMS])
            item[rows] = rng.choice(len(ITEMS), len(rows), p=weight / weight.sum())
    return item


def _severities(rng: np.random.Generator, item: Array) -> Array:
    usual = np.array([_SEVERITIES.index(i.severity) for i in ITEMS])[item]
    # On the spot a matter often turns out milder than the list supposes.
    milder = rng.random(len(item)) < np.array([0.6, 0.35, 0.0])[usual]
    severity: Array = np.minimum(usual + milder, 2)
    return severity


def _course(
    rng: np.random.Generator, care: Array, found: Array, severity: Array, as_of: dt.date
) -> tuple[dict[str, Array], Array, Array]:
    """Return the dates of each stage, how often it was re-opened, and the deadline class."""
    count, today = len(found), np.datetime64(as_of, "D")

    def days(values: Array) -> Array:
        whole: Array = np.round(values).astype(int).astype("timedelta64[D]")
        return whole

    listed = (severity == 0) | ((severity == 1) & (rng.random(count) < 0.12))
    immediate = ~listed & (rng.random(count) < 0.36)
    deadline = np.where(listed, _LISTED, np.where(immediate, _IMMEDIATE, _TERM))
    term = np.choose(
        deadline,
        [rng.integers(1, 4, count), rng.integers(15, 46, count), rng.integers(60, 121, count)],
    )
    feedback = found + days(np.where(immediate, 0, np.minimum(rng.geometric(0.35, count), 7)))
    due = feedback + days(term)
    pace = np.exp(rng.normal(-0.45 + 0.7 * (0.62 - care), 0.45, count))
    submitted = feedback + days(np.maximum(term * pace, 0))
    stuck_share = np.where((today - found).astype(int) < 300, 0.05, 0.008) * (1.7 - care)
    submitted[rng.random(count) < stuck_share] = _NEVER
    verified = submitted + days(
        np.where(immediate, rng.integers(0, 2, count), rng.gamma(1.8, 4.5, count))
    )
    evaluated = verified + days(np.where(immediate, 0, rng.geometric(0.2, count)))
    closed = evaluated + days(np.minimum(rng.geometric(0.4, count), 12) - 1)

    # Re-opened: the last round counts; some rounds are still under way.
    reopened = np.where(~np.isnat(verified) & (verified < today), rng.random(count) < 0.06, False)
    twice = reopened & (rng.random(count) < 0.12)
    again = days(rng.integers(12, 60, count))
    submitted = np.where(reopened, submitted + again, submitted)
    verified = np.where(reopened, verified + again, verified)
    evaluated = np.where(reopened, evaluated + again, evaluated)
    closed = np.where(reopened, closed + again, closed)

    dates = {
        "feedback_on": feedback,
        "submitted_on": submitted,
        "verified_on": verified,
        "evaluated_on": evaluated,
        "closed_on": closed,
    }
    dates = {name: np.where(day <= today, day, _NEVER) for name, day in dates.items()}
    dates["due_on"] = np.where(np.isnat(dates["feedback_on"]), _NEVER, due)
    return dates, reopened.astype(int) + twice, deadline


def _stages(rng: np.random.Generator, dates: dict[str, Array], as_of: dt.date) -> Array:
    """Return the stage that the dates tell."""
    known = {name: ~np.isnat(day) for name, day in dates.items()}
    # A notice of the last few days has been handed over, but work has not begun.
    fresh = dates["feedback_on"] >= np.datetime64(as_of, "D") - np.timedelta64(4, "D")
    just_told = known["feedback_on"] & fresh & (rng.random(len(fresh)) < 0.7)
    stage = np.select(
        [
            known["closed_on"],
            known["verified_on"],
            known["submitted_on"],
            just_told,
            known["feedback_on"],
        ],
        [
            HazardStage.CLOSED.value,
            HazardStage.EVALUATION.value,
            HazardStage.VERIFICATION.value,
            HazardStage.FEEDBACK.value,
            HazardStage.RECTIFICATION.value,
        ],
        HazardStage.FOUND.value,
    )
    return stage.astype(object)


def _repeats(
    rng: np.random.Generator, school: Array, item: Array, found: Array, verified: Array
) -> tuple[Array, Array]:
    """Let some hazards repeat the one before at the same school; link all that do (NaN = none)."""
    item = item.copy()
    order = np.lexsort((np.arange(len(school)), school))
    same_school = np.r_[False, school[order][1:] == school[order][:-1]]
    now, before = order[same_school], order[np.flatnonzero(same_school) - 1]
    chosen = rng.random(len(now)) < 0.09
    # In school order, so that a copy of a copy is a copy too.
    gap = (found[now] - verified[before]).astype("timedelta64[D]")
    in_time = (gap >= np.timedelta64(0, "D")) & (gap <= np.timedelta64(REPEAT_DAYS, "D"))
    for row, earlier in zip(now[chosen & in_time], before[chosen & in_time], strict=True):
        item[row] = item[earlier]

    order = np.lexsort((np.arange(len(school)), item, school))
    same = np.r_[
        False,
        (school[order][1:] == school[order][:-1]) & (item[order][1:] == item[order][:-1]),
    ]
    now, before = order[same], order[np.flatnonzero(same) - 1]
    gap = (found[now] - verified[before]).astype("timedelta64[D]")
    linked = (gap >= np.timedelta64(0, "D")) & (gap <= np.timedelta64(REPEAT_DAYS, "D"))
    repeat_of = np.full(len(school), np.nan)
    repeat_of[now[linked]] = before[linked] + 1
    return item, repeat_of


def _descriptions(rng: np.random.Generator, item: Array) -> Array:
    number = rng.integers(2, 9, len(item)).tolist()
    side = rng.integers(0, len(SIDES), len(item)).tolist()
    place = rng.integers(0, len(PLACES), len(item)).tolist()
    return objects(
        [
            ITEMS[i].text.format(n=n, side=SIDES[s], place=PLACES[p])
            for i, n, s, p in zip(item.tolist(), number, side, place, strict=True)
        ]
    )
