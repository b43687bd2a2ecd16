"""The sentence why, and the cheapest next datum."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from domain.risk import INPUT_COLUMNS, score_risk
from domain.risk_text import TELLING_ASSUMED_POINTS, Reason, RiskExplanation, explain
from domain.rules import DEFAULT_RULES as RULES
from tests.unit.domain.test_risk import SAFE

SUMMER = dt.date(2023, 7, 1)


def told(row: dict[str, object], **more: object) -> RiskExplanation:
    frame = pd.DataFrame([row], columns=list(INPUT_COLUMNS))
    scores = score_risk(frame, RULES, on=SUMMER).iloc[0]
    return explain(row, scores.to_dict(), RULES, on=SUMMER, school_name="某小学", **more)


def test_the_two_strongest_reasons_are_named_with_numbers_and_units() -> None:
    row = {
        **SAFE,
        "water_m": 38.4,
        "water_grade": "major",
        "water_access": "open",
        "water_gear_missing": 0.5,
        "overdue_hazards": 3,
        "stand_ins": 1,
    }
    sentence = told(row).sentence
    assert sentence.startswith("某小学风险等级为")
    assert "距水域38米（Ⅰ级重大、无围护）" in sentence
    assert "有3条隐患逾期未整改" in sentence
    assert "顶岗" not in sentence


def test_a_safe_school_is_told_without_an_invented_reason() -> None:
    out = told(SAFE)
    assert out.sentence == "某小学风险等级为低，综合0.0分，已掌握的数据中没有突出问题。"
    assert out.next_datum == "所需数据已齐全。"


def test_a_school_with_little_data_is_told_so() -> None:
    out = told({"overdue_hazards": 5})
    assert "数据不足，暂不定级" in out.sentence
    assert "有5条隐患逾期未整改" in out.sentence
    assert "没有任何可用于评估的数据" in told({}).sentence


def test_points_add_up_and_unknown_is_said_in_words() -> None:
    out = told({**SAFE, "alarm": None, "alarm_test_age_days": None, "road_known_share": 0.5})
    assert out.score is not None
    reasons = {reason.name: reason for part in out.parts for reason in part.reasons}
    assert abs(sum(reason.points for reason in reasons.values()) - out.score) < 1e-9
    assert reasons["alarm"].value == "未知"
    assert reasons["alarm"].points > 0
    assert "已掌握 50%" in reasons["road_class"].value
    assert reasons["water_grade"].value == "1000 米外，不计"
    assert sum(part.weight for part in out.parts) == 1.0


def test_dates_stand_beside_known_values_only() -> None:
    dates = {"defence": dt.date(2023, 6, 1), "water": dt.date(2023, 5, 1)}
    out = told({**SAFE, "officers": None}, dates=dates)
    reasons = {reason.name: reason for part in out.parts for reason in part.reasons}
    assert reasons["guards"].date_text == "2023-06-01"
    assert reasons["officers"].date_text == "未知"
    assert reasons["six_facilities"].date_text == "未知"


def test_the_next_datum_is_the_one_with_most_effect_per_hour() -> None:
    assert "一键报警" in told({**SAFE, "alarm": None, "post_gap_share": None}).next_datum
    assert "在校生数" in told({**SAFE, "students": None, "drills_done": None}).next_datum
    # gear of a water out of reach cannot matter, however unknown
    assert told({**SAFE, "water_gear_missing": None}).next_datum == "所需数据已齐全。"


def reasons_of(out: RiskExplanation) -> dict[str, Reason]:
    return {reason.name: reason for part in out.parts for reason in part.reasons}


def test_a_school_without_guards_is_told_so_once_and_in_full() -> None:
    row = {**SAFE, "guards_full_time": 0, "guards_total": 0, "guards_over_50": 0}
    out = told(row)
    reasons = reasons_of(out)
    assert reasons["guards_over_50"].value == "不适用（没有保安）"
    assert reasons["guards_over_50"].points == 0.0
    assert reasons["guards_over_50"].known_share == 1.0
    assert reasons["guards"].value == "没有保安，应配 2 人"
    assert reasons["guards"].points == max(reason.points for reason in reasons.values())
    assert "主要因为没有保安、应配2人" in out.sentence
    assert "50岁" not in out.sentence
    nobody_counted = told({**row, "students": None})
    assert reasons_of(nobody_counted)["guards"].known_share == 1.0
    assert nobody_counted.sentence.endswith("主要因为没有保安。")


def test_long_distances_are_told_in_whole_metres() -> None:
    values = {
        metres: reasons_of(told({**SAFE, "nearest_post_m": metres}))["nearest_post"].value
        for metres in (38.44, 99.94, 99.96, 2071.8)
    }
    assert list(values.values()) == ["38.4 米", "99.9 米", "100 米", "2072 米"]


def test_the_nearest_post_has_the_date_of_the_posts_and_not_of_the_guards() -> None:
    dates = {"defence": dt.date(2023, 6, 1), "posts": dt.date(2023, 4, 1)}
    reasons = reasons_of(told(SAFE, dates=dates))
    assert reasons["nearest_post"].date_text == "2023-04-01"
    assert reasons["guards"].date_text == "2023-06-01"


def test_points_that_stand_for_unknown_inputs_are_counted_and_told() -> None:
    known = told(SAFE)
    assert known.assumed_points == 0.0
    gone = {"open_hazards", "overdue_hazards", "major_hazards", "repeat_hazards", "drills_done"}
    out = told({**SAFE, **dict.fromkeys(gone)})
    assert out.score is not None
    assert out.assumed_points == pytest.approx(out.score)  # all else is safe
    assert out.assumed_points >= TELLING_ASSUMED_POINTS
    parts = {part.part: part.assumed_points for part in out.parts}
    assert parts["management"] == pytest.approx(out.assumed_points)
    assert parts["traffic"] == 0.0
    assert out.sentence.endswith(f"；其中约{out.assumed_points:.0f}分为未登记项按判定标准推定。")


def test_a_partly_known_input_is_assumed_in_part_and_a_trifle_goes_untold() -> None:
    out = told({**SAFE, "road_class": "trunk", "road_known_share": 0.75})
    assert out.assumed_points == pytest.approx(reasons_of(out)["road_class"].points / 4)
    assert 0.0 < out.assumed_points < TELLING_ASSUMED_POINTS
    assert "推定" not in out.sentence
