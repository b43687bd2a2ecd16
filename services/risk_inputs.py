"""Turn loaded records into the input frame of the risk score: what is known, what is not.

Nothing recorded is not "none". Hazards of a school are known only if somebody looked
within the rule set's memory; complaints only if the city's figures are loaded (the
hotline lists only those complained about); self-checks only if the city collects them
(then a month without one is unsubmitted); drills only of schools that ever recorded one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection

from db.repositories import risk_inputs as load
from domain.risk import water_danger
from domain.rules import RiskRules
from domain.words import SIX_FACILITY_KINDS, SchoolKind
from services.proximity import Measured, Surroundings

Floats = NDArray[np.float64]


def gather_inputs(
    connection: Connection,
    schools: pd.DataFrame,
    gates: pd.DataFrame,
    measured: Measured,
    around: Surroundings,
    rules: RiskRules,
    today: dt.date,
    *,
    ids: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Return ``domain.risk.INPUT_COLUMNS`` and ``water_id``, rows in the order of ``schools``."""
    index = pd.Index(schools["id"].to_numpy())
    parts = [
        _water(measured, around, rules),
        _traffic(connection, index, gates, rules, today, ids),
        _patrol(connection, index, rules, today, ids),
        _management(connection, index, schools, rules, today, ids),
    ]
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    frame["students"] = _floats(schools["students"])
    frame["nearest_post_m"] = measured.post.distance_m
    return frame


def months_before(day: dt.date, months: int) -> dt.date:
    """Return the first day of the month ``months`` before the month of ``day``."""
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def _water(measured: Measured, around: Surroundings, rules: RiskRules) -> pd.DataFrame:
    """Choose for each school the water in reach that endangers it most, else the nearest."""
    waters, pairs = around.waters, measured.waters_in_reach
    chosen = measured.water.index.copy()
    distance = measured.water.distance_m.copy()
    grade = waters["grade"].to_numpy(dtype=object)
    access = waters["access"].to_numpy(dtype=object)
    missing, known = _floats(waters["gear_missing"]), _floats(waters["gear_known"])
    if len(pairs.owner):
        at = pairs.index
        danger = water_danger(
            pairs.distance_m, grade[at], access[at], missing[at], known[at], rules
        )
        order = np.lexsort((pairs.index, pairs.distance_m, -danger, pairs.owner))
        owner = pairs.owner[order]
        first = np.ones(len(owner), dtype=bool)
        first[1:] = owner[1:] != owner[:-1]
        chosen[owner[first]] = pairs.index[order][first]
        distance[owner[first]] = pairs.distance_m[order][first]
    found = chosen >= 0

    def of_chosen(values: np.ndarray, unknown: object) -> np.ndarray:
        result = np.full(len(chosen), unknown, dtype=values.dtype)
        result[found] = values[chosen[found]]
        return result

    return pd.DataFrame(
        {
            "water_id": of_chosen(measured.water_ids.astype(float), np.nan),
            "water_m": distance,
            "water_grade": of_chosen(grade, None),
            "water_access": of_chosen(access, None),
            "water_gear_missing": of_chosen(missing, np.nan),
            "water_gear_known": of_chosen(known, np.nan),
        }
    )


def _traffic(
    connection: Connection,
    index: pd.Index,
    gates: pd.DataFrame,
    rules: RiskRules,
    today: dt.date,
    ids: Sequence[int] | None,
) -> pd.DataFrame:
    since = months_before(today, rules.complaints_months)
    gate_count = gates.groupby("school_id").size().reindex(index).to_numpy(dtype=float)
    standing = load.load_gate_facilities(connection, ids)
    standing = standing[standing["kind"].isin(SIX_FACILITY_KINDS) & standing["state"].notna()]
    danger = standing["state"].map(dict(rules.facility_risk)).astype(float)
    # of two signs of one kind at one gate the better one serves
    slots = danger.groupby([standing["school_id"], standing["gate_id"], standing["kind"]]).min()
    per_school = slots.groupby(level=0)
    seen = per_school.size().reindex(index).fillna(0.0).to_numpy(dtype=float)
    bad = per_school.sum().reindex(index).to_numpy(dtype=float)
    road = gates["road_class"].map(dict(rules.road_risk)).astype(float)
    known_road = gates[road.notna()].assign(danger=road[road.notna()])
    worst = known_road.sort_values(["danger", "road_class"]).groupby("school_id").last()
    speed = _floats(gates["speed_kmh"])
    by_school = pd.Series(speed).groupby(gates["school_id"].to_numpy())
    complaints = load.load_complaints(connection, ids, since=since, until=today)
    counted = _by_school(complaints, "complaints", index)
    if load.has_complaints(connection, since=since, until=today):
        counted = np.nan_to_num(counted)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "six_bad_share": np.where(seen > 0, bad / seen, np.nan),
                "six_known_share": seen / (gate_count * len(SIX_FACILITY_KINDS)),
                "road_class": worst["road_class"].reindex(index).to_numpy(dtype=object),
                "road_known_share": known_road.groupby("school_id")
                .size()
                .reindex(index)
                .to_numpy(dtype=float)
                / gate_count,
                "speed_kmh": by_school.max().reindex(index).to_numpy(dtype=float),
                "speed_known_share": by_school.count().reindex(index).to_numpy(dtype=float)
                / gate_count,
                "complaints_12m": counted,
            }
        )


def _patrol(
    connection: Connection,
    index: pd.Index,
    rules: RiskRules,
    today: dt.date,
    ids: Sequence[int] | None,
) -> pd.DataFrame:
    defence = load.load_defence(connection, ids).set_index("school_id").reindex(index)
    since = today - dt.timedelta(weeks=rules.session_weeks)
    gaps = load.load_post_gaps(connection, ids, since=since, until=today)
    full_time = _floats(defence["guards_full_time"])
    tested = pd.to_datetime(defence["alarm_tested_on"])
    age = (pd.Timestamp(today) - tested).dt.days.to_numpy(dtype=float, na_value=np.nan)
    sessions = _by_school(gaps, "sessions", index)
    return pd.DataFrame(
        {
            "officers": _floats(defence["officers"]),
            "guards_full_time": full_time,
            "guards_total": full_time + np.nan_to_num(_floats(defence["guards_part_time"])),
            "guards_over_50": _floats(defence["guards_over_50"]),
            "stand_ins": _floats(defence["stand_ins"]),
            "alarm": defence["alarm"].to_numpy(dtype=object),
            "alarm_test_age_days": np.maximum(age, 0.0),
            "post_gap_share": _by_school(gaps, "gaps", index) / sessions,
        }
    )


def _management(
    connection: Connection,
    index: pd.Index,
    schools: pd.DataFrame,
    rules: RiskRules,
    today: dt.date,
    ids: Sequence[int] | None,
) -> pd.DataFrame:
    memory = months_before(today, rules.hazard_memory_months)
    hazards = load.load_hazards(connection, ids, since=memory, until=today)
    visits = load.load_inspected(connection, ids, since=memory, until=today)
    counts = {
        name: np.nan_to_num(_by_school(hazards, name, index))
        for name in ("recent", "open", "overdue", "major", "repeats")
    }
    looked = ~np.isnan(_by_school(visits, "visits", index))
    looked |= (counts["recent"] > 0) | (counts["open"] > 0)
    first = months_before(today, rules.selfcheck_months)
    last = months_before(today, 1)
    checks = load.load_self_checks(connection, ids, first=first, last=last)
    submitted = np.nan_to_num(_by_school(checks, "submitted", index))
    zero = np.nan_to_num(_by_school(checks, "zero", index))
    collects = load.has_self_checks(connection, first=first, last=last)
    unsubmitted = 1.0 - submitted / rules.selfcheck_months
    since = _year_before(today)
    drills = _by_school(
        load.load_drills(connection, ids, since=since, until=today), "drills", index
    )
    small = (schools["kind"] == SchoolKind.KINDERGARTEN).to_numpy(dtype=bool)
    due = np.where(small, rules.kindergarten_drills_per_year, rules.drills_per_year)
    return pd.DataFrame(
        {
            "open_hazards": np.where(looked, counts["open"], np.nan),
            "overdue_hazards": np.where(looked, counts["overdue"], np.nan),
            "major_hazards": np.where(looked, counts["major"], np.nan),
            "repeat_hazards": np.where(looked, counts["repeats"], np.nan),
            "unsubmitted_share": unsubmitted if collects else np.full(len(index), np.nan),
            "zero_share": np.where(submitted > 0, zero / np.maximum(submitted, 1.0), np.nan),
            "drills_done": drills,
            "drills_due": due.astype(float),
        }
    )


def _year_before(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=365)


def _by_school(frame: pd.DataFrame, column: str, index: pd.Index) -> Floats:
    return _floats(frame.set_index("school_id")[column].reindex(index))


def _floats(values: pd.Series) -> Floats:
    return np.asarray(pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan))
