"""Say why a school's risk is what it is, in words fit to be read aloud."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.risk import PART_COLUMNS, contributions, input_dangers, season_factor
from domain.rules import (
    INPUTS,
    PART_LABELS,
    PARTS,
    RiskRules,
    required_guards,
    required_officers,
)
from domain.words import AlarmState, RiskLevel, RoadClass, WaterAccess, WaterGrade

UNKNOWN = "未知"
TELLING_ASSUMED_POINTS = 5.0
"""From so many assumed points on, the sentence says that they are assumed. [own]"""
WHOLE_METRES_FROM_M = 100.0
"""No distance here is known better than a metre once it is this long. [own]"""
TELLING_POINTS = 1.0
"""A reason that adds less than one point of a hundred is not worth a leader's breath. [own]"""

LABELS: Mapping[str, str] = {
    "water_m": "到计分水域的距离",
    "water_grade": "水域等级",
    "water_access": "水域围护",
    "water_gear": "救生器材（四个一）",
    "six_facilities": "六类交通设施",
    "road_class": "门前道路等级",
    "speed": "门前限速",
    "complaints": "周边投诉（近12个月）",
    "officers": "专职保卫干部",
    "guards": "专职保安",
    "guards_over_50": "50岁以上保安",
    "stand_ins": "教师顶岗",
    "alarm": "一键报警",
    "alarm_test": "一键报警实测",
    "post_gap": "高峰时段缺岗（近4周）",
    "nearest_post": "到最近勤务点位的距离",
    "open_hazards": "未销号隐患",
    "overdue_hazards": "逾期隐患",
    "major_hazards": "未销号重大隐患",
    "repeat_hazards": "重复隐患（近12个月）",
    "unsubmitted": "自查未报月份",
    "zero_reports": "自查零报告",
    "drills": "应急演练（近12个月）",
}
_DATE_GROUP: Mapping[str, str] = {
    "water_m": "water",
    "water_grade": "water",
    "water_access": "water",
    "water_gear": "water",
    "six_facilities": "facilities",
    "road_class": "gates",
    "speed": "gates",
    "complaints": "complaints",
    "alarm_test": "alarm_test",
    "post_gap": "sessions",
    "open_hazards": "inspections",
    "overdue_hazards": "inspections",
    "major_hazards": "inspections",
    "repeat_hazards": "inspections",
    "unsubmitted": "self_checks",
    "zero_reports": "self_checks",
    "drills": "drills",
    "nearest_post": "posts",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One input: its value in words, the points of the total it adds, the date of its data."""

    name: str
    label: str
    value: str
    points: float
    known_share: float
    data_date: dt.date | None

    @property
    def date_text(self) -> str:
        """Return the data date for people, 未知 where there is none."""
        return self.data_date.isoformat() if self.data_date else UNKNOWN

    @property
    def assumed_points(self) -> float:
        """Return how many of the points stand for what is not known of this input."""
        return self.points * (1.0 - self.known_share)


@dataclass(frozen=True, slots=True)
class PartExplanation:
    """One of the four parts: its score of 100, its weight, and what made it."""

    part: str
    label: str
    score: float | None
    weight: float
    reasons: tuple[Reason, ...]

    @property
    def assumed_points(self) -> float:
        """Return how many points of the *total* score this part adds for unknown inputs."""
        return sum(reason.assumed_points for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class RiskExplanation:
    """Everything a screen or a paper needs to answer "why"."""

    sentence: str
    next_datum: str
    level: RiskLevel
    score: float | None
    completeness: float
    season_factor: float
    parts: tuple[PartExplanation, ...]

    @property
    def assumed_points(self) -> float:
        """Return how many points of the score stand for unknown inputs: Σ points·(1 − known)."""
        return sum(part.assumed_points for part in self.parts)


def explain(
    inputs_row: Mapping[str, Any],
    scores_row: Mapping[str, Any],
    rules: RiskRules,
    *,
    on: dt.date,
    school_name: str = "该校",
    dates: Mapping[str, dt.date | None] | None = None,
) -> RiskExplanation:
    """Explain one school's figures.

    Args:
        inputs_row: one row of an input frame (``domain.risk.INPUT_COLUMNS``).
        scores_row: the row ``score_risk`` made of it.
        rules: the rule set it was made with.
        on: the date of the figures.
        school_name: how the sentence calls the school.
        dates: newest data date of each group of inputs, as far as known.

    Returns:
        The explanation; the reasons' points add up to the score.
    """
    frame = pd.DataFrame([dict(inputs_row)])
    points = contributions(frame, rules, on=on).iloc[0]
    _, shares = input_dangers(frame, rules)
    known = {name: float(shares[name][0]) for name in INPUTS}
    values = _value_texts(inputs_row, known, rules)
    when = dates or {}
    reasons = {
        name: Reason(
            name=name,
            label=LABELS[name],
            value=values[name],
            points=float(points[name]),
            known_share=known[name],
            data_date=when.get(_DATE_GROUP.get(name, "defence")) if known[name] > 0 else None,
        )
        for name in INPUTS
    }
    level = RiskLevel(scores_row["level"])
    score = _number(scores_row["score"])
    completeness = float(scores_row["completeness"])
    return RiskExplanation(
        sentence=_sentence(school_name, level, score, completeness, reasons, inputs_row, rules),
        next_datum=_next_datum(inputs_row, known, rules, on),
        level=level,
        score=score,
        completeness=completeness,
        season_factor=season_factor(rules, on),
        parts=tuple(
            PartExplanation(
                part=part,
                label=PART_LABELS[part],
                score=_number(scores_row[PART_COLUMNS[part]]),
                weight=rules.part_weights[part],
                reasons=tuple(reasons[name] for name in names),
            )
            for part, names in PARTS.items()
        ),
    )


def _sentence(
    school: str,
    level: RiskLevel,
    score: float | None,
    completeness: float,
    reasons: Mapping[str, Reason],
    row: Mapping[str, Any],
    rules: RiskRules,
) -> str:
    telling = _telling(reasons, row, rules)
    because = "，".join(telling)
    if score is None:
        return f"{school}没有任何可用于评估的数据，无法评估风险。"
    if level is RiskLevel.UNKNOWN:
        known = f"{school}数据不足，暂不定级：所需数据只掌握了{completeness * 100:.0f}%"
        return f"{known}；已知的突出问题是{because}。" if telling else f"{known}。"
    head = f"{school}风险等级为{level.label}，综合{score:.1f}分"
    assumed = sum(reason.assumed_points for reason in reasons.values())
    tail = "。"
    if assumed >= TELLING_ASSUMED_POINTS:
        tail = f"；其中约{assumed:.0f}分为未登记项按判定标准推定。"
    if not telling:
        return f"{head}，已掌握的数据中没有突出问题{tail}"
    return f"{head}，主要因为{because}{tail}"


def _telling(reasons: Mapping[str, Reason], row: Mapping[str, Any], rules: RiskRules) -> list[str]:
    """Return the two strongest known reasons as clauses; the waters' inputs make one clause."""
    groups: dict[str, float] = {}
    for reason in reasons.values():
        if reason.known_share > 0:
            group = "water" if reason.name in PARTS["water"] else reason.name
            groups[group] = groups.get(group, 0.0) + reason.points
    if reasons["water_m"].known_share == 0:
        groups.pop("water", None)  # without a distance there is nothing to tell
    strongest = sorted(groups, key=lambda name: (-groups[name], name))[:2]
    texts = _clauses(row, rules)
    return [texts[name] for name in strongest if groups[name] >= TELLING_POINTS]


def _clauses(row: Mapping[str, Any], rules: RiskRules) -> dict[str, str]:
    n = {name: _number(row.get(name)) for name in row if not isinstance(row.get(name), str)}

    def count(name: str) -> str:
        return f"{n.get(name) or 0:.0f}"

    def percent(name: str) -> str:
        return f"{100 * (n.get(name) or 0.0):.0f}%"

    grade = _word(WaterGrade, row.get("water_grade"))
    access = _word(WaterAccess, row.get("water_access"))
    about = "、".join(text for text in (grade, access) if text)
    post_m = n.get("nearest_post_m") or 0.0
    officers, guards = (f"、应配{need}人" if need else "" for need in _needs(row, rules))
    return {
        "water": f"距水域{count('water_m')}米" + (f"（{about}）" if about else ""),
        "six_facilities": f"六类交通设施缺损程度{percent('six_bad_share')}",
        "road_class": f"校门临{_word(RoadClass, row.get('road_class'))}",
        "speed": f"门前限速{count('speed_kmh')}公里每小时",
        "complaints": f"近12个月周边投诉{count('complaints_12m')}件",
        "officers": f"专职保卫干部{count('officers')}人{officers}",
        "guards": (
            f"没有保安{guards}"
            if n.get("guards_total") == 0
            else f"专职保安{count('guards_full_time')}人{guards}"
        ),
        "guards_over_50": f"保安{count('guards_total')}人中50岁以上{count('guards_over_50')}人",
        "stand_ins": f"有{count('stand_ins')}名教师顶岗充当保安",
        "alarm": f"一键报警{_word(AlarmState, row.get('alarm'))}",
        "alarm_test": (
            "一键报警未安装"
            if row.get("alarm") == AlarmState.NONE
            else f"一键报警已{count('alarm_test_age_days')}天没有实测"
        ),
        "post_gap": f"近{rules.session_weeks}周高峰时段缺岗{percent('post_gap_share')}",
        "nearest_post": f"最近勤务点位在{post_m:.0f}米外",
        "open_hazards": f"有{count('open_hazards')}条隐患未销号",
        "overdue_hazards": f"有{count('overdue_hazards')}条隐患逾期未整改",
        "major_hazards": f"有{count('major_hazards')}条重大隐患未销号",
        "repeat_hazards": f"近12个月重复隐患{count('repeat_hazards')}条",
        "unsubmitted": f"近{rules.selfcheck_months}个月有{_months(n.get('unsubmitted_share'), rules)}个月未报自查",
        "zero_reports": f"已报自查中{percent('zero_share')}为零报告",
        "drills": f"近12个月演练{count('drills_done')}次、应做{count('drills_due')}次",
    }


def _value_texts(
    row: Mapping[str, Any], known: Mapping[str, float], rules: RiskRules
) -> dict[str, str]:
    """Return every input's value with its unit, 未知 where it is not known."""
    n = {name: _number(row.get(name)) for name in row if not isinstance(row.get(name), str)}

    def amount(name: str, unit: str, digits: int = 0) -> str:
        value = n.get(name)
        return UNKNOWN if value is None else f"{value:.{digits}f} {unit}"

    def metres(name: str) -> str:
        value = n.get(name)
        is_long = value is not None and round(value, 1) >= WHOLE_METRES_FROM_M
        return amount(name, "米", 0 if is_long else 1)

    def share(name: str) -> str:
        value = n.get(name)
        return UNKNOWN if value is None else f"{100 * value:.0f}%"

    officers, guards = (
        f"应配 {need} 人" if need else "应配人数未知（缺在校生数）" for need in _needs(row, rules)
    )
    months = _months(n.get("unsubmitted_share"), rules)
    texts = {
        "water_m": metres("water_m"),
        "water_grade": _word(WaterGrade, row.get("water_grade")),
        "water_access": _word(WaterAccess, row.get("water_access")),
        "water_gear": f"缺 {share('water_gear_missing')}",
        "six_facilities": f"缺损程度 {share('six_bad_share')}",
        "road_class": _word(RoadClass, row.get("road_class")),
        "speed": amount("speed_kmh", "公里/小时"),
        "complaints": amount("complaints_12m", "件"),
        "officers": f"{amount('officers', '人')}，{officers}",
        "guards": f"{amount('guards_full_time', '人')}，{guards}",
        "guards_over_50": f"{amount('guards_over_50', '人')}，共 {amount('guards_total', '人')}",
        "stand_ins": amount("stand_ins", "人"),
        "alarm": _word(AlarmState, row.get("alarm")),
        "alarm_test": amount("alarm_test_age_days", "天前"),
        "post_gap": share("post_gap_share"),
        "nearest_post": metres("nearest_post_m"),
        "open_hazards": amount("open_hazards", "条"),
        "overdue_hazards": amount("overdue_hazards", "条"),
        "major_hazards": amount("major_hazards", "条"),
        "repeat_hazards": amount("repeat_hazards", "条"),
        "unsubmitted": f"{months} 个月，共 {rules.selfcheck_months} 个月",
        "zero_reports": share("zero_share"),
        "drills": f"{amount('drills_done', '次')}，应做 {amount('drills_due', '次')}",
    }
    if row.get("alarm") == AlarmState.NONE:
        texts["alarm_test"] = "未安装，无从实测"
    if n.get("guards_total") == 0:
        texts["guards"] = f"没有保安，{guards}"
        texts["guards_over_50"] = "不适用（没有保安）"
    beyond = n.get("water_m")
    far = beyond is not None and beyond >= rules.water_radius_m
    for name in INPUTS:
        if far and name in PARTS["water"][1:]:
            texts[name] = f"{rules.water_radius_m:.0f} 米外，不计"
        elif known[name] == 0.0:
            texts[name] = UNKNOWN
        elif known[name] < 1.0:
            texts[name] += f"（已掌握 {100 * known[name]:.0f}%）"
    return texts


def _next_datum(
    row: Mapping[str, Any], known: Mapping[str, float], rules: RiskRules, on: dt.date
) -> str:
    """Name the missing datum whose possible effect on the score per hour of work is largest."""
    effects: dict[str, tuple[float, float]] = {}
    season = season_factor(rules, on)
    frame = pd.DataFrame([dict(row)])
    danger, _ = input_dangers(frame, rules)
    reach = float(danger["water_m"][0])
    no_pupils = _number(row.get("students")) is None
    for part, names in PARTS.items():
        for name in names:
            if known[name] >= 1.0:
                continue
            full = 100.0 * rules.part_weights[part]
            spread = full / rules.part_full_share * (1.0 - known[name])
            if name == "water_m":
                others = sum(rules.input_weights[n] * float(danger[n][0]) for n in names[1:])
                spread *= season * (rules.input_weights[name] + others)
            else:
                spread *= rules.input_weights[name] * (season * reach if part == "water" else 1.0)
            datum = name
            if no_pupils and _number(row.get(_HEADCOUNT.get(name, ""))) is not None:
                datum = "students"
            cost = rules.collection_cost_h.get(datum, rules.collection_cost_h[name])
            effects[datum] = (effects.get(datum, (0.0, cost))[0] + min(spread, full), cost)
    if not effects:
        return "所需数据已齐全。"
    best = max(effects, key=lambda name: (effects[name][0] / effects[name][1], name))
    label = "在校生数" if best == "students" else LABELS[best]
    return f"最值得先补的数据是「{label}」：补齐后综合分最多相差{effects[best][0]:.1f}分。"


_HEADCOUNT: Mapping[str, str] = {"officers": "officers", "guards": "guards_full_time"}
"""Inputs that stay unknown without the number of pupils, though their own count is there."""


def _needs(row: Mapping[str, Any], rules: RiskRules) -> tuple[str, str]:
    """Return how many officers and guards are needed, empty where the pupils are unknown."""
    pupils = _number(row.get("students"))
    if pupils is None:
        return "", ""
    officers, guards = required_officers(pupils, rules), required_guards(pupils, rules)
    return f"{float(officers):.0f}", f"{float(guards):.0f}"


def _months(share: float | None, rules: RiskRules) -> str:
    return UNKNOWN if share is None else f"{share * rules.selfcheck_months:.0f}"


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, str):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _word(enum: Any, value: Any) -> str:
    if value is None or not isinstance(value, str):
        return ""
    return str(enum(value).label)
