"""Score the risk round each school: four parts of 0–100, a level, a completeness.

How a missing input counts (neither zero nor safe). Every input is first turned into a
danger r between 0 (safe) and 1 (worst), and a known share k between 0 and 1 (an input
over several gates may be half known). What enters the score is

    e = max(r, k·r + (1 − k)·p)        and e = p where nothing is known,

with p the rule set's prior for that input. So an unknown part pulls a school *up* to
the prior and never down: taking away a safe value cannot lower the score, and hiding
data never looks safe. Completeness is the mean of k over all inputs, and below the rule
set's minimum a school has no level ("数据不足"), so it cannot be called low either.

    danger of 水域 = season · e_distance · (w_distance + Σ w·e of grade, access, gear)
    danger of the other parts = Σ w·e
    part = 100 · min(1, danger / full share)
    score = Σ part weight · part

The full share (``part_full_share``) is there because no school is at its worst in every
input at once: without it all scores would crowd at the lower end of the scale.

Only the water that endangers the school most counts (``water_danger``), so a fenced pond
nearby does not hide an open reservoir behind it. Beyond ``water_radius_m`` a water's
grade, access and gear cannot matter and count as known.

A school without any guard has no share of guards over 50: that input is not applicable,
known and without points, and its weight moves to the guards input, which is then at its
worst whatever the number of pupils. The lack of guards is told once and costs what it did:
were the weight simply dropped, a school would score better by dismissing its last guard
over 50, and the score would not be monotone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.rules import INPUTS, PARTS, RiskRules, required_guards, required_officers
from domain.words import RiskLevel

Floats = NDArray[np.float64]

NUMBER_COLUMNS: tuple[str, ...] = (
    "water_m",
    "water_gear_missing",
    "water_gear_known",
    "six_bad_share",
    "six_known_share",
    "road_known_share",
    "speed_kmh",
    "speed_known_share",
    "complaints_12m",
    "students",
    "officers",
    "guards_full_time",
    "guards_total",
    "guards_over_50",
    "stand_ins",
    "alarm_test_age_days",
    "post_gap_share",
    "nearest_post_m",
    "open_hazards",
    "overdue_hazards",
    "major_hazards",
    "repeat_hazards",
    "unsubmitted_share",
    "zero_share",
    "drills_done",
    "drills_due",
)
WORD_COLUMNS: tuple[str, ...] = ("water_grade", "water_access", "road_class", "alarm")
INPUT_COLUMNS: tuple[str, ...] = (*NUMBER_COLUMNS, *WORD_COLUMNS)
"""Columns of an input frame: metres, counts, days, shares of 0–1, stored words; NaN/None = unknown.

``*_known_share`` and ``water_gear_known`` say over what share of gates or gear kinds
the value beside them was seen; unknown means all of it, if the value is there.
"""

PART_COLUMNS: Mapping[str, str] = {part: f"{part}_score" for part in PARTS}


def score_risk(inputs: pd.DataFrame, rules: RiskRules, *, on: dt.date) -> pd.DataFrame:
    """Score every school of a frame; a row's result depends on that row alone.

    Args:
        inputs: one row a school with ``INPUT_COLUMNS``; a column not there = unknown.
        rules: the rule set in force.
        on: the date of the figures, for the water season.

    Returns:
        Same index; columns ``score``, ``water_score``, ``traffic_score``,
        ``patrol_score``, ``management_score`` (0–100, higher is worse; NaN where no
        input of it is known), ``level`` (``RiskLevel`` value), ``completeness`` (0–1).
    """
    danger, known = input_dangers(inputs, rules)
    points = _part_points(danger, _without_guards(inputs), rules, on)
    count = len(inputs)
    out: dict[str, NDArray[np.generic]] = {}
    score, all_known = np.zeros(count), np.zeros(count)
    for part, names in PARTS.items():
        # Sums run column by column in a fixed order: a matrix product may round
        # differently with the number of rows, and a row must not depend on the others.
        part_score, part_known = np.zeros(count), np.zeros(count)
        for name in names:
            part_score = part_score + points[name]
            part_known = part_known + known[name]
        part_score = np.minimum(part_score, 100.0)
        score = score + rules.part_weights[part] * part_score
        all_known = all_known + part_known
        out[PART_COLUMNS[part]] = np.where(part_known > 0, part_score, np.nan)
    completeness = all_known / len(INPUTS)
    frame = pd.DataFrame(out, index=inputs.index)
    frame.insert(0, "score", np.where(all_known > 0, score, np.nan))
    frame["level"] = level_of(score, completeness, rules)
    frame["completeness"] = completeness
    return frame


def level_of(score: Floats, completeness: Floats, rules: RiskRules) -> NDArray[np.object_]:
    """Return the level of each score by the rule set's cut-offs (a cut-off belongs above)."""
    return np.asarray(
        np.select(
            [
                completeness < rules.min_completeness,
                score >= rules.cut_major,
                score >= rules.cut_larger,
                score >= rules.cut_general,
            ],
            [
                RiskLevel.UNKNOWN.value,
                RiskLevel.MAJOR.value,
                RiskLevel.LARGER.value,
                RiskLevel.GENERAL.value,
            ],
            RiskLevel.LOW.value,
        ),
        dtype=object,
    )


def contributions(inputs: pd.DataFrame, rules: RiskRules, *, on: dt.date) -> pd.DataFrame:
    """Return the points of the total score that each input adds; rows sum to the score.

    Columns are ``INPUTS``. The points of a water's grade, access and gear are already
    scaled by its distance and the season; the distance itself carries the rest. Where
    there are no guards, the guards' points hold the weight of the share over 50 too.
    """
    danger, _ = input_dangers(inputs, rules)
    points = _part_points(danger, _without_guards(inputs), rules, on)
    weights = {name: rules.part_weights[part] for part, names in PARTS.items() for name in names}
    return pd.DataFrame({n: weights[n] * points[n] for n in INPUTS}, index=inputs.index)


def water_danger(
    distance_m: Floats,
    grade: NDArray[np.object_],
    access: NDArray[np.object_],
    gear_missing: Floats,
    gear_known: Floats,
    rules: RiskRules,
) -> Floats:
    """Return how dangerous each school–water pair is, 0–1, to choose the one that counts."""
    frame = pd.DataFrame(
        {
            "water_m": distance_m,
            "water_grade": grade,
            "water_access": access,
            "water_gear_missing": gear_missing,
            "water_gear_known": gear_known,
        }
    )
    danger, _ = _water(frame, rules)
    return _water_factor(danger, rules) * danger["water_m"]


def season_factor(rules: RiskRules, on: dt.date) -> float:
    """Return the factor on the water part: 1 in the drowning season, less outside it."""
    return 1.0 if on.month in rules.season_months else rules.off_season_factor


def input_dangers(
    inputs: pd.DataFrame, rules: RiskRules
) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Return each input's danger after the prior (0–1) and its known share (0–1)."""
    danger, known = _water(inputs, rules)
    raw = {**_traffic(inputs, rules), **_patrol(inputs, rules), **_management(inputs, rules)}
    for name, (value, share) in raw.items():
        danger[name], known[name] = _with_prior(value, share, rules.priors[name])
    return danger, known


def _with_prior(value: Floats, share: Floats | None, prior: float) -> tuple[Floats, Floats]:
    """Blend a danger (NaN = unknown) with its prior; see the module's formula."""
    seen = ~np.isnan(value)
    part = np.ones(len(value)) if share is None else np.where(np.isnan(share), 1.0, share)
    known = np.where(seen, np.clip(part, 0.0, 1.0), 0.0)
    filled = np.where(seen, value, 0.0)
    blend = known * filled + (1.0 - known) * prior
    # a share of 0 means that nothing was seen, whatever value stands beside it
    return np.where(known > 0, np.maximum(filled, blend), prior), known


def _part_points(
    danger: Mapping[str, Floats], no_guards: NDArray[np.bool_], rules: RiskRules, on: dt.date
) -> Mapping[str, Floats]:
    """Return each input's points within its own part (0–100 a part)."""
    points = {name: 100.0 * rules.input_weights[name] * danger[name] for name in INPUTS}
    scale = season_factor(rules, on) * danger["water_m"]
    points["water_m"] = 100.0 * rules.input_weights["water_m"] * scale
    for name in PARTS["water"][1:]:
        points[name] = points[name] * scale
    moved = 100.0 * rules.input_weights["guards_over_50"]
    points["guards"] = points["guards"] + np.where(no_guards, moved, 0.0)
    for names in PARTS.values():
        total = np.zeros_like(scale)
        for name in names:
            total = total + points[name]
        # where the part is full, each input keeps its share of the 100 points
        stretch = np.minimum(1.0 / rules.part_full_share, 100.0 / np.maximum(total, 1e-12))
        for name in names:
            points[name] = points[name] * stretch
    return points


def _water_factor(danger: Mapping[str, Floats], rules: RiskRules) -> Floats:
    weights = rules.input_weights
    factor = np.full(len(danger["water_m"]), weights["water_m"])
    for name in PARTS["water"][1:]:
        factor = factor + weights[name] * danger[name]
    return factor


def _water(inputs: pd.DataFrame, rules: RiskRules) -> tuple[dict[str, Floats], dict[str, Floats]]:
    distance = _numbers(inputs, "water_m")
    beyond = np.maximum(distance - rules.water_near_m, 0.0)
    near = np.where(distance >= rules.water_radius_m, 0.0, 0.5 ** (beyond / rules.water_half_m))
    raw: dict[str, tuple[Floats, Floats | None]] = {
        "water_m": (np.where(np.isnan(distance), np.nan, near), None),
        "water_grade": (_words(inputs, "water_grade", rules.grade_risk), None),
        "water_access": (_words(inputs, "water_access", rules.access_risk), None),
        "water_gear": (
            _numbers(inputs, "water_gear_missing"),
            _numbers(inputs, "water_gear_known"),
        ),
    }
    danger: dict[str, Floats] = {}
    known: dict[str, Floats] = {}
    for name, (value, share) in raw.items():
        danger[name], known[name] = _with_prior(value, share, rules.priors[name])
    for name in PARTS["water"][1:]:
        known[name] = np.where(distance >= rules.water_radius_m, 1.0, known[name])
    return danger, known


def _traffic(inputs: pd.DataFrame, rules: RiskRules) -> dict[str, tuple[Floats, Floats | None]]:
    speed = _ramp(_numbers(inputs, "speed_kmh"), rules.speed_safe_kmh, rules.speed_worst_kmh)
    return {
        "six_facilities": (_numbers(inputs, "six_bad_share"), _numbers(inputs, "six_known_share")),
        "road_class": (
            _words(inputs, "road_class", rules.road_risk),
            _numbers(inputs, "road_known_share"),
        ),
        "speed": (speed, _numbers(inputs, "speed_known_share")),
        "complaints": (_ramp(_numbers(inputs, "complaints_12m"), 0.0, rules.complaints_full), None),
    }


def _patrol(inputs: pd.DataFrame, rules: RiskRules) -> dict[str, tuple[Floats, Floats | None]]:
    students = _numbers(inputs, "students")
    total, old = _numbers(inputs, "guards_total"), _numbers(inputs, "guards_over_50")
    stand_ins = _numbers(inputs, "stand_ins")
    no_guards = _without_guards(inputs)
    lacking = _understaffed(_numbers(inputs, "guards_full_time"), required_guards(students, rules))
    alarm = _words(inputs, "alarm", rules.alarm_risk)
    age = _numbers(inputs, "alarm_test_age_days")
    tested = _ramp(age, rules.alarm_fresh_days, rules.alarm_stale_days)
    has_none = _column(inputs, "alarm") == "none"
    gate = _ramp(_numbers(inputs, "nearest_post_m"), rules.post_near_m, rules.post_far_m)
    return {
        "officers": (
            _understaffed(_numbers(inputs, "officers"), required_officers(students, rules)),
            None,
        ),
        "guards": (np.where(no_guards, 1.0, lacking), None),
        "guards_over_50": (np.where(no_guards, 0.0, _share(old, total)), None),
        "stand_ins": (_share(stand_ins, stand_ins + total), None),
        "alarm": (alarm, None),
        "alarm_test": (np.where(has_none, 1.0, tested), None),
        "post_gap": (np.clip(_numbers(inputs, "post_gap_share"), 0.0, 1.0), None),
        "nearest_post": (gate, None),
    }


def _without_guards(inputs: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which schools are known to have no guards at all, full-time or part-time."""
    return np.asarray(_numbers(inputs, "guards_total") == 0.0)


def _management(inputs: pd.DataFrame, rules: RiskRules) -> dict[str, tuple[Floats, Floats | None]]:
    return {
        "open_hazards": (_ramp(_numbers(inputs, "open_hazards"), 0.0, rules.open_full), None),
        "overdue_hazards": (
            _ramp(_numbers(inputs, "overdue_hazards"), 0.0, rules.overdue_full),
            None,
        ),
        "major_hazards": (_ramp(_numbers(inputs, "major_hazards"), 0.0, rules.major_full), None),
        "repeat_hazards": (_ramp(_numbers(inputs, "repeat_hazards"), 0.0, rules.repeat_full), None),
        "unsubmitted": (np.clip(_numbers(inputs, "unsubmitted_share"), 0.0, 1.0), None),
        "zero_reports": (np.clip(_numbers(inputs, "zero_share"), 0.0, 1.0), None),
        "drills": (
            _shortfall(_numbers(inputs, "drills_done"), _numbers(inputs, "drills_due")),
            None,
        ),
    }


def _ramp(values: Floats, safe: float, worst: float) -> Floats:
    """Return 0 up to ``safe``, 1 from ``worst`` on, a straight line between; NaN stays."""
    return np.clip((values - safe) / (worst - safe), 0.0, 1.0)


def _shortfall(have: Floats, need: Floats) -> Floats:
    enough = np.where(need > 0, have / np.where(need > 0, need, 1.0), have * 0.0 + 1.0)
    return np.where(np.isnan(need), np.nan, np.clip(1.0 - enough, 0.0, 1.0))


def _understaffed(have: Floats, need: Floats) -> Floats:
    """Return the shortfall of people; nobody is the worst, for every school needs somebody."""
    return np.where(have == 0.0, 1.0, _shortfall(have, need))


def _share(part: Floats, whole: Floats) -> Floats:
    """Return part/whole within 0–1; 0 of 0 is 0; NaN where either is unknown."""
    share = np.clip(part / np.where(whole == 0, 1.0, whole), 0.0, 1.0)
    return np.where(np.isnan(whole), np.nan, share)


def _column(inputs: pd.DataFrame, name: str) -> NDArray[np.object_]:
    if name not in inputs:
        return np.full(len(inputs), None, dtype=object)
    return inputs[name].to_numpy(dtype=object)


def _numbers(inputs: pd.DataFrame, name: str) -> Floats:
    if name not in inputs:
        return np.full(len(inputs), np.nan)
    return np.asarray(pd.to_numeric(inputs[name]).to_numpy(dtype=float, na_value=np.nan))


def _words(inputs: pd.DataFrame, name: str, risk: Mapping[str, float]) -> Floats:
    return np.asarray(pd.Series(_column(inputs, name)).map(dict(risk)).to_numpy(dtype=float))
