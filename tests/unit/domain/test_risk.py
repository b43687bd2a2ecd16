"""The rule set's checks and the score's fixed points."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from domain.errors import UserError
from domain.risk import INPUT_COLUMNS, contributions, level_of, score_risk
from domain.rules import (
    DEFAULT_PARAMETERS,
    DEFAULT_RULES,
    INPUTS,
    RiskRules,
    required_guards,
    required_officers,
)
from domain.words import RiskLevel

SUMMER, WINTER = dt.date(2023, 7, 1), dt.date(2023, 1, 1)


def score(row: dict[str, object], on: dt.date = SUMMER) -> pd.Series:
    frame = pd.DataFrame([row], columns=list(INPUT_COLUMNS))
    return score_risk(frame, DEFAULT_RULES, on=on).iloc[0]


SAFE = {
    "water_m": 5000.0,
    "six_bad_share": 0.0,
    "road_class": "internal",
    "speed_kmh": 20,
    "complaints_12m": 0,
    "students": 500,
    "officers": 2,
    "guards_full_time": 2,
    "guards_total": 2,
    "guards_over_50": 0,
    "stand_ins": 0,
    "alarm": "networked",
    "alarm_test_age_days": 3,
    "post_gap_share": 0.0,
    "nearest_post_m": 10.0,
    "open_hazards": 0,
    "overdue_hazards": 0,
    "major_hazards": 0,
    "repeat_hazards": 0,
    "unsubmitted_share": 0.0,
    "zero_share": 0.0,
    "drills_done": 10,
    "drills_due": 10,
}


def test_officers_by_pupils_match_the_check_values() -> None:
    pupils = [299, 300, 301, 1000, 1999, 2000, np.nan]
    expected = [1, 2, 2, 2, 2, 3, np.nan]
    np.testing.assert_array_equal(required_officers(pupils, DEFAULT_RULES), expected)


def test_guards_by_pupils_follow_the_steps() -> None:
    pupils = [99, 100, 999, 1000, 1499, 1500, np.nan]
    expected = [1, 2, 2, 3, 3, 4, np.nan]
    np.testing.assert_array_equal(required_guards(pupils, DEFAULT_RULES), expected)


def test_a_school_known_to_be_safe_scores_nothing_and_is_low() -> None:
    row = score(SAFE)
    assert row["score"] == 0.0
    assert row["level"] == RiskLevel.LOW
    assert row["completeness"] == 1.0


def test_a_school_at_its_worst_in_everything_scores_a_hundred() -> None:
    worst = {
        **dict.fromkeys(INPUT_COLUMNS, 1e6),
        "water_m": 0.0,
        "water_gear_missing": 1.0,
        "six_bad_share": 1.0,
        "officers": 0,
        "guards_full_time": 0,
        "guards_total": 0,
        "drills_done": 0,
        "water_grade": "major",
        "water_access": "open",
        "road_class": "trunk",
        "alarm": "none",
    }
    row = score(worst)
    assert row["score"] == pytest.approx(100.0)
    assert row["level"] == RiskLevel.MAJOR


def test_nothing_known_is_no_score_and_no_level() -> None:
    row = score({})
    assert np.isnan(row["score"])
    assert row["level"] == RiskLevel.UNKNOWN
    assert row["completeness"] == 0.0


def test_the_water_part_shrinks_outside_the_season_and_nothing_else_does() -> None:
    row = {**SAFE, "water_m": 300.0, "water_grade": "general", "water_access": "fenced"}
    row |= {"water_gear_missing": 0.0, "stand_ins": 2}
    summer, winter = score(row), score(row, WINTER)
    assert winter["water_score"] == pytest.approx(
        summer["water_score"] * DEFAULT_RULES.off_season_factor
    )
    assert winter["patrol_score"] == summer["patrol_score"]


def test_a_cut_off_belongs_to_the_level_above() -> None:
    rules = DEFAULT_RULES
    scores = np.array([rules.cut_major, rules.cut_larger, rules.cut_general, 0.0, 99.0])
    known = np.array([1.0, 1.0, 1.0, 1.0, rules.min_completeness - 0.01])
    assert level_of(scores, known, rules).tolist() == [
        "major",
        "larger",
        "general",
        "low",
        "unknown",
    ]


def test_an_empty_frame_gives_an_empty_result() -> None:
    out = score_risk(pd.DataFrame(columns=list(INPUT_COLUMNS)), DEFAULT_RULES, on=SUMMER)
    assert len(out) == 0
    assert "level" in out


def test_every_shipped_parameter_has_a_unit_and_a_source() -> None:
    for name, parameter in DEFAULT_PARAMETERS.items():
        assert parameter["unit"], name
        assert parameter["source"], name
    for name in ("input_weights", "priors", "collection_cost_h"):
        assert set(INPUTS) <= set(DEFAULT_PARAMETERS[name]["value"])


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("part_weights", {"water": 0.5, "traffic": 0.5, "patrol": 0.5, "management": 0.5}, "之和"),
        ("part_weights", {"water": 1.0}, "缺少"),
        ("part_weights", {"water": 2, "traffic": -1, "patrol": 0, "management": 0}, "负"),
        ("cut_larger", 99.0, "逐级"),
        ("min_completeness", 2, "0 到 1"),
        ("season_months", [13], "月份"),
        ("water_half_m", 0, "大于 0"),
        ("water_near_m", 5000, "小于"),
        ("priors", {"water_m": 0.5}, "缺少"),
        ("complaints_full", "很多", "数值"),
        ("complaints_full", float("nan"), "数值"),
        ("nonsense", 1, "已知"),
    ],
)
def test_a_parameter_that_does_not_hold_is_named(name: str, value: object, word: str) -> None:
    with pytest.raises(UserError, match=word) as caught:
        RiskRules.from_parameters({name: {"value": value, "unit": "", "source": ""}})
    assert name in caught.value.message
    assert caught.value.next_step


def test_dismissing_the_last_guard_never_helps_and_is_charged_to_the_guards() -> None:
    one_old = {**SAFE, "guards_full_time": 0, "guards_total": 1, "guards_over_50": 1}
    none = {**one_old, "guards_total": 0, "guards_over_50": 0}
    assert score(none)["score"] == pytest.approx(score(one_old)["score"])
    points = contributions(pd.DataFrame([none]), DEFAULT_RULES, on=SUMMER).iloc[0]
    assert points["guards_over_50"] == 0.0
    assert points["guards"] == pytest.approx(score(none)["score"])


def test_no_guards_is_the_worst_even_where_the_pupils_are_not_counted() -> None:
    none = {**SAFE, "guards_full_time": 0, "guards_total": 0, "guards_over_50": None}
    assert score({**none, "students": None})["patrol_score"] >= score(none)["patrol_score"]
    # only the officers cannot be judged without the pupils
    assert score({**none, "students": None})["completeness"] == pytest.approx(1 - 1 / 23)


@pytest.mark.parametrize("people", ["officers", "guards_full_time"])
def test_nobody_is_too_few_whatever_the_number_of_pupils(people: str) -> None:
    nobody = {**SAFE, people: 0}
    smallest, uncounted = score({**nobody, "students": 0}), score({**nobody, "students": None})
    assert uncounted["score"] >= smallest["score"] > 0.0
