"""What happened in three years: inspections, drills, complaints and self-checks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from domain.words import Channel, InspectionLevel, NoticeMode, SchoolKind
from services.demo.land import Land
from services.demo.plane import Array, Table, objects, pick, stream
from services.demo.schools import KINDS, Schools

YEARS = 3
MONTHS = 13
INSPECTED_SCHOOLS_MAX = 20_000
MONTHLY_SCHOOLS_MAX = 5_000
CITY_SHARE = 0.31
CLEAN_SHARE = 0.45
# How many visits fall in each month: terms are busy, vacations are not.
_MONTH_WEIGHT = np.array([0.5, 0.4, 1.4, 1.4, 1.3, 1.2, 0.3, 0.6, 1.6, 1.2, 1.3, 0.9])


@dataclass(frozen=True)
class Visits:
    """Inspections in order of date; school is an index, found the number of hazards."""

    school: Array
    on_date: Array
    is_city: Array
    found: Array


def history_schools(seed: int, schools: Schools, most: int) -> Array:
    """Return the schools in operation that have a history: all of them, or a sample of ``most``."""
    rows = np.flatnonzero(schools.active)
    if len(rows) <= most:
        return rows
    return np.sort(stream(seed, "history schools", most).choice(rows, most, replace=False))


def make_visits(seed: int, land: Land, schools: Schools, as_of: dt.date) -> Visits:
    """Plan each year's visits and keep those that ``as_of`` has seen."""
    rows = history_schools(seed, schools, INSPECTED_SCHOOLS_MAX)
    parts_school, parts_date, parts_city = [], [], []
    today = np.datetime64(as_of, "D")
    for year in range(as_of.year - YEARS + 1, as_of.year + 1):
        rng = stream(seed, "visits", schools.count, year)
        by_district = rng.uniform(0.80, 1.0, len(land.district_names))
        by_district[rng.integers(0, len(by_district))] = 1.0
        county = rng.random(len(rows)) < by_district[land.township_district[schools.township[rows]]]
        # Schools that worry people are visited a second time.
        again = county & (rng.random(len(rows)) < 0.30 * (1.15 - schools.care[rows]))
        city = rng.random(len(rows)) < CITY_SHARE * (1.25 - 0.4 * schools.care[rows])
        school = np.concatenate([rows[county], rows[again], rows[city]])
        is_city = np.repeat([False, True], [county.sum() + again.sum(), city.sum()])
        on_date = _weekdays(rng, year, len(school))
        done = on_date <= today
        parts_school.append(school[done])
        parts_date.append(on_date[done])
        parts_city.append(is_city[done])
    school, on_date = np.concatenate(parts_school), np.concatenate(parts_date)
    is_city = np.concatenate(parts_city)
    rng = stream(seed, "findings", schools.count, as_of.isoformat())
    order = np.lexsort((school, on_date))
    school, on_date, is_city = school[order], on_date[order], is_city[order]
    clean = rng.random(len(school)) < np.clip(CLEAN_SHARE + 0.75 * (schools.care[school] - 0.6), 0.05, 0.95)  # fmt: skip
    found = np.where(clean, 0, 1 + np.minimum(rng.poisson(0.32, len(school)), 4))
    return Visits(school, on_date, is_city, found)


def _weekdays(rng: np.random.Generator, year: int, count: int) -> Array:
    month = rng.choice(12, size=count, p=_MONTH_WEIGHT / _MONTH_WEIGHT.sum())
    start = np.datetime64(f"{year}-01", "M") + month.astype("timedelta64[M]")
    day = start.astype("datetime64[D]") + rng.integers(0, 28, count).astype("timedelta64[D]")
    moved: Array = np.busday_offset(day, 0, roll="backward")
    return moved


def inspection_table(seed: int, land: Land, schools: Schools, visits: Visits) -> Table:
    """Return the inspection table; a clean visit is a row too."""
    count = len(visits.school)
    rng = stream(seed, "inspections", count)
    city_channel = pick(
        rng,
        [c.value for c in (Channel.JOINT, Channel.SPECIAL, Channel.THIRD_PARTY, Channel.CROSS)],
        [4, 3, 2, 2],
        count,
    )
    county_channel = pick(
        rng,
        [c.value for c in (Channel.ROUTINE, Channel.SUPERVISOR, Channel.SPECIAL, Channel.JOINT, Channel.LOOK_BACK)],
        [5, 3, 2, 1.5, 1],
        count,
    )  # fmt: skip
    district = objects(list(land.district_names))[
        land.township_district[schools.township[visits.school]]
    ]
    year = visits.on_date.astype("datetime64[Y]").astype(int) + 1970
    quick = rng.random(count)
    note = np.where(
        visits.found == 0,
        np.where(quick < 0.5, "现场检查未发现隐患。", "抽查项目符合要求，未发现隐患。"),
        np.where(quick < 0.4, "已现场反馈，要求限期整改。", ""),
    ).astype(object)
    return {
        "id": np.arange(1, count + 1),
        "number": objects(
            [f"DC{y}-{i:06d}" for i, y in zip(range(1, count + 1), year.tolist(), strict=True)]
        ),
        "school_id": visits.school + 1,
        "level": np.where(
            visits.is_city, InspectionLevel.CITY.value, InspectionLevel.COUNTY.value
        ).astype(object),
        "channel": np.where(visits.is_city, city_channel, county_channel),
        "notice_mode": np.where(
            rng.random(count) < np.where(visits.is_city, 0.7, 0.45),
            NoticeMode.UNANNOUNCED.value,
            NoticeMode.ANNOUNCED.value,
        ).astype(object),
        "on_date": visits.on_date,
        "unit": np.where(visits.is_city, "市校园安全督查组", district + "教育局安全督查组").astype(
            object
        ),
        "hazards_found": visits.found,
        "note": note,
    }


def months_back(as_of: dt.date) -> Array:
    """Return the first days of the last 13 months, the current one last."""
    this = np.datetime64(as_of, "M")
    months: Array = np.arange(this - np.timedelta64(MONTHS - 1, "M"), this + np.timedelta64(1, "M"))
    return months.astype("datetime64[D]")


def drill_table(seed: int, schools: Schools, as_of: dt.date) -> Table:
    """Return the drill_record table: monthly at schools, quarterly at kindergartens, some behind."""
    rng = stream(seed, "drills", schools.count, as_of.isoformat())
    rows = history_schools(seed, schools, MONTHLY_SCHOOLS_MAX)
    months = months_back(as_of)
    school, month = (p.ravel() for p in np.meshgrid(rows, np.arange(MONTHS), indexing="ij"))
    kindergarten = schools.kind[school] == KINDS.index(SchoolKind.KINDERGARTEN)
    calendar_month = months.astype("datetime64[M]").astype(int) % 12
    turn = (calendar_month[month] + school) % 3 == 0
    keen = np.clip(0.45 + 0.75 * schools.care[school], 0, 0.99)
    held = rng.random(len(school)) < np.where(kindergarten & ~turn, 0.12, keen)
    school, month = school[held], month[held]
    on_date = months[month] + rng.integers(0, 28, len(school)).astype("timedelta64[D]")
    on_date = np.busday_offset(on_date, 0, roll="backward")
    on_date = np.maximum(on_date, np.busday_offset(months[month], 0, roll="forward"))
    seen = on_date <= np.datetime64(as_of, "D")
    school, on_date = school[seen], on_date[seen]
    kinds = ["疏散演练", "消防演练", "防暴演练", "防震演练", "防溺水演练"]
    return {
        "id": np.arange(1, len(school) + 1),
        "school_id": school + 1,
        "on_date": on_date,
        "kind": pick(rng, kinds, [5, 3, 2, 2, 1], len(school)),
    }


def complaint_table(seed: int, schools: Schools, as_of: dt.date) -> Table:
    """Return the complaint table: counts a month and kind, most where traffic is dense."""
    rng = stream(seed, "complaints", schools.count, as_of.isoformat())
    rows = history_schools(seed, schools, MONTHLY_SCHOOLS_MAX)
    months = months_back(as_of)
    kinds = objects(["停车秩序", "流动摊贩", "噪声扰民"])
    rate = np.array([0.16, 0.05, 0.03])
    school, month, kind = (
        p.ravel() for p in np.meshgrid(rows, np.arange(MONTHS), np.arange(3), indexing="ij")
    )
    crowd = np.array([1.0, 0.8, 0.35, 0.12])[schools.zone[school]] * (
        0.4 + schools.pupils[school] / 1_500
    )
    count = rng.poisson(rate[kind] * crowd * rng.gamma(0.7, 1.4, schools.count)[school])
    some = count > 0
    return {
        "id": np.arange(1, int(some.sum()) + 1),
        "school_id": school[some] + 1,
        "month": months[month[some]],
        "kind": kinds[kind[some]],
        "count": count[some],
    }


def self_check_table(seed: int, schools: Schools, as_of: dt.date) -> Table:
    """Return the self_check table: some unsubmitted, many zero reports, a few schools only zeros."""
    rng = stream(seed, "self checks", schools.count, as_of.isoformat())
    rows = history_schools(seed, schools, MONTHLY_SCHOOLS_MAX)
    months, today = months_back(as_of), np.datetime64(as_of, "D")
    school, month = (p.ravel() for p in np.meshgrid(rows, np.arange(MONTHS), indexing="ij"))
    care = schools.care[school]
    submitted = months[month] + rng.integers(17, 28, len(school)).astype("timedelta64[D]")
    late = rng.random(len(school)) < 0.16 * (1 - care)
    never = (rng.random(len(school)) < 0.22 * (1 - care)) | (submitted > today)
    listed = ~never | (rng.random(len(school)) < 0.5) & (months[month] < months[-1])
    always_zero = rng.random(schools.count) < 0.07
    findings = np.where(always_zero[school], 0, rng.poisson(0.16, len(school))).astype(float)
    findings[never] = np.nan
    submitted = np.where(never, np.datetime64("NaT"), submitted)
    submitted = np.where(
        late & ~never, np.minimum(submitted + np.timedelta64(9, "D"), today), submitted
    )
    return {
        "id": np.arange(1, int(listed.sum()) + 1),
        "school_id": school[listed] + 1,
        "month": months[month[listed]],
        "submitted_on": submitted[listed],
        "findings": findings[listed],
    }
