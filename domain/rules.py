"""The rule set behind risk and coverage figures: every number with its unit and its source.

A rule set is data (table ``rule_set``), so that another place may use other numbers.
``DEFAULT_PARAMETERS`` is what the product ships; ``RiskRules.from_parameters`` turns
such a mapping into the typed, checked form that ``domain.risk`` works with.
Sources are the marks of the domain notes: [city23], [plan22], [brief], [std], [local],
and [own] where the number is this product's own judgement, to be replaced by the bureau's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from domain.errors import UserError

RULE_SET_NAME = "校园周边风险判定标准"

PARTS: Mapping[str, tuple[str, ...]] = {
    "water": ("water_m", "water_grade", "water_access", "water_gear"),
    "traffic": ("six_facilities", "road_class", "speed", "complaints"),
    "patrol": (
        "officers",
        "guards",
        "guards_over_50",
        "stand_ins",
        "alarm",
        "alarm_test",
        "post_gap",
        "nearest_post",
    ),
    "management": (
        "open_hazards",
        "overdue_hazards",
        "major_hazards",
        "repeat_hazards",
        "unsubmitted",
        "zero_reports",
        "drills",
    ),
}
"""The four parts and the inputs of each, in the order they are shown."""

PART_LABELS: Mapping[str, str] = {
    "water": "水域",
    "traffic": "交通",
    "patrol": "巡防",
    "management": "管理",
}
INPUTS: tuple[str, ...] = tuple(name for names in PARTS.values() for name in names)


def _p(value: Any, unit: str, source: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": source}


DEFAULT_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "part_weights": _p(
        {"water": 0.25, "traffic": 0.25, "patrol": 0.25, "management": 0.25}, "占比", "[own]"
    ),
    "input_weights": _p(
        {
            "water_m": 0.30,
            "water_grade": 0.30,
            "water_access": 0.20,
            "water_gear": 0.20,
            "six_facilities": 0.45,
            "road_class": 0.20,
            "speed": 0.15,
            "complaints": 0.20,
            "officers": 0.10,
            "guards": 0.20,
            "guards_over_50": 0.10,
            "stand_ins": 0.10,
            "alarm": 0.15,
            "alarm_test": 0.10,
            "post_gap": 0.15,
            "nearest_post": 0.10,
            "open_hazards": 0.15,
            "overdue_hazards": 0.25,
            "major_hazards": 0.20,
            "repeat_hazards": 0.10,
            "unsubmitted": 0.10,
            "zero_reports": 0.05,
            "drills": 0.15,
        },
        "各部分内占比",
        "[own]",
    ),
    "priors": _p(
        {
            "water_m": 0.35,
            "water_grade": 0.60,
            "water_access": 0.60,
            "water_gear": 0.60,
            "six_facilities": 0.60,
            "road_class": 0.50,
            "speed": 0.50,
            "complaints": 0.30,
            "officers": 0.40,
            "guards": 0.40,
            "guards_over_50": 0.30,
            "stand_ins": 0.50,
            "alarm": 0.50,
            "alarm_test": 0.60,
            "post_gap": 0.50,
            "nearest_post": 0.50,
            "open_hazards": 0.40,
            "overdue_hazards": 0.30,
            "major_hazards": 0.20,
            "repeat_hazards": 0.20,
            "unsubmitted": 0.50,
            "zero_reports": 0.50,
            "drills": 0.40,
        },
        "0–1，缺数据时的推定危险度",
        "[own]",
    ),
    "collection_cost_h": _p(
        {
            "water_m": 4.0,
            "water_grade": 1.0,
            "water_access": 0.5,
            "water_gear": 0.5,
            "six_facilities": 1.0,
            "road_class": 0.2,
            "speed": 0.2,
            "complaints": 1.0,
            "officers": 0.1,
            "guards": 0.1,
            "guards_over_50": 0.1,
            "stand_ins": 0.1,
            "alarm": 0.1,
            "alarm_test": 0.3,
            "post_gap": 2.0,
            "nearest_post": 2.0,
            "open_hazards": 4.0,
            "overdue_hazards": 4.0,
            "major_hazards": 4.0,
            "repeat_hazards": 4.0,
            "unsubmitted": 0.5,
            "zero_reports": 0.5,
            "drills": 0.2,
            "students": 0.05,
        },
        "小时，补齐一项数据的人工",
        "[own]",
    ),
    "part_full_share": _p(0.5, "占比，加权危险度达此即该部分 100 分", "[own]"),
    "cut_major": _p(55.0, "分", "[own]"),
    "cut_larger": _p(42.0, "分", "[own]"),
    "cut_general": _p(28.0, "分", "[own]"),
    "min_completeness": _p(0.5, "占比，低于此不定级", "[own]"),
    "season_months": _p([5, 6, 7, 8, 9], "月份，溺水高发季", "[own]"),
    "off_season_factor": _p(0.7, "倍，非高发季水域分的折减", "[own]"),
    "water_near_m": _p(50.0, "米，此内按最危险计", "[own]"),
    "water_half_m": _p(250.0, "米，每远这么多危险减半", "[own]"),
    "water_radius_m": _p(1000.0, "米，此外不计", "[own]"),
    "grade_risk": _p(
        {"major": 1.0, "larger": 0.6, "general": 0.25}, "0–1", "等级 [local]，赋值 [own]"
    ),
    "access_risk": _p({"open": 1.0, "partly": 0.6, "fenced": 0.1}, "0–1", "[own]"),
    "facility_risk": _p(
        {"missing": 1.0, "damaged": 0.8, "faded": 0.5, "ok": 0.0, "not_applicable": 0.0},
        "0–1",
        "六类设施 [city23]，赋值 [own]",
    ),
    "road_risk": _p(
        {
            "trunk": 1.0,
            "primary": 0.8,
            "secondary": 0.5,
            "branch": 0.25,
            "rural": 0.45,
            "internal": 0.0,
        },
        "0–1",
        "[own]",
    ),
    "speed_safe_kmh": _p(30.0, "公里/小时", "GA/T 1215-2014 摘要 [std]"),
    "speed_worst_kmh": _p(70.0, "公里/小时", "[own]"),
    "complaints_full": _p(12.0, "件/12 个月，达此计满分", "[own]"),
    "complaints_months": _p(12, "月", "[own]"),
    "officers_second_at": _p(300, "人，在校生达此配 2 名专职保卫干部", "[brief]"),
    "officers_step": _p(1000, "人，1000 人以上每增此数加 1 名", "[brief]"),
    "guards_second_at": _p(100, "人，在校生达此配 2 名保安", "[std]"),
    "guards_third_at": _p(1000, "人，在校生达此配 3 名保安", "[std]"),
    "guards_step": _p(500, "人，1000 人以上每增此数加 1 名", "[std]"),
    "alarm_risk": _p({"none": 1.0, "installed": 0.6, "networked": 0.0}, "0–1", "联网 [plan22]"),
    "alarm_fresh_days": _p(31.0, "天，此内实测视为管用", "[own]"),
    "alarm_stale_days": _p(365.0, "天，超过此视为未经证实", "[own]"),
    "session_weeks": _p(4, "周，统计岗位缺口的时段", "[own]"),
    "post_near_m": _p(50.0, "米，护学岗应在此内", "[local]"),
    "post_far_m": _p(1500.0, "米，超过此计满分", "[own]"),
    "open_full": _p(5.0, "条，达此计满分", "[own]"),
    "overdue_full": _p(3.0, "条，达此计满分", "[own]"),
    "major_full": _p(1.0, "条，达此计满分", "[own]"),
    "repeat_full": _p(2.0, "条/12 个月，达此计满分", "[own]"),
    "hazard_memory_months": _p(12, "月，此内查过才算隐患情况已知", "[own]"),
    "selfcheck_months": _p(6, "月", "一月一排查 [plan22]，时段 [own]"),
    "drills_per_year": _p(10, "次，每月一次减去寒暑假", "[plan22]"),
    "kindergarten_drills_per_year": _p(4, "次，每季度一次", "[plan22]"),
    "facility_radius_m": _p(200.0, "米", "[local]"),
    "zone_radii_m": _p(
        [50.0, 150.0, 200.0], "米", "50 岗位 [local]，150 道路 [std]，200 场所 [local]"
    ),
    "campus_precision_m": _p(5.0, "米，1:10000 底图上 0.5 毫米绘图误差", "[own]"),
    "gate_precision_m": _p(10.0, "米，手持卫星定位", "[own]"),
}


@dataclass(frozen=True)
class RiskRules:
    """One checked rule set; field meanings, units and sources: ``DEFAULT_PARAMETERS``."""

    part_weights: Mapping[str, float]
    input_weights: Mapping[str, float]
    priors: Mapping[str, float]
    collection_cost_h: Mapping[str, float]
    part_full_share: float
    cut_major: float
    cut_larger: float
    cut_general: float
    min_completeness: float
    season_months: tuple[int, ...]
    off_season_factor: float
    water_near_m: float
    water_half_m: float
    water_radius_m: float
    grade_risk: Mapping[str, float]
    access_risk: Mapping[str, float]
    facility_risk: Mapping[str, float]
    road_risk: Mapping[str, float]
    speed_safe_kmh: float
    speed_worst_kmh: float
    complaints_full: float
    complaints_months: int
    officers_second_at: int
    officers_step: int
    guards_second_at: int
    guards_third_at: int
    guards_step: int
    alarm_risk: Mapping[str, float]
    alarm_fresh_days: float
    alarm_stale_days: float
    session_weeks: int
    post_near_m: float
    post_far_m: float
    open_full: float
    overdue_full: float
    major_full: float
    repeat_full: float
    hazard_memory_months: int
    selfcheck_months: int
    drills_per_year: int
    kindergarten_drills_per_year: int
    facility_radius_m: float
    zone_radii_m: tuple[float, ...]
    campus_precision_m: float
    gate_precision_m: float

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> RiskRules:
        """Read and check a stored mapping of ``{name: {"value", "unit", "source"}}``.

        A bare value is accepted too; names not given take the shipped default. Raises
        ``UserError`` naming the first parameter that is unknown or does not hold.
        """
        known = {f.name for f in fields(cls)}
        for name in parameters:
            if name not in known:
                raise _bad(name, "不是已知的参数名")
        given = {**DEFAULT_PARAMETERS, **parameters}
        rules = cls(**{name: _plain(name, given[name]) for name in known})
        rules._check()
        return rules

    def _check(self) -> None:
        _weights_sum("part_weights", self.part_weights, tuple(PARTS))
        for names in PARTS.values():
            _weights_sum("input_weights", self.input_weights, names)
        for name in ("input_weights", "priors", "collection_cost_h"):
            missing = [key for key in INPUTS if key not in getattr(self, name)]
            if missing:
                raise _bad(name, f"缺少 {missing[0]}")
        for name in (
            "priors",
            "grade_risk",
            "access_risk",
            "facility_risk",
            "road_risk",
            "alarm_risk",
        ):
            for key, share in getattr(self, name).items():
                if not 0.0 <= share <= 1.0:
                    raise _bad(f"{name}.{key}", "应在 0 到 1 之间")
        if any(not hours > 0 for hours in self.collection_cost_h.values()):
            raise _bad("collection_cost_h", "每项都应大于 0")
        if not 0.0 < self.cut_general < self.cut_larger < self.cut_major <= 100.0:
            raise _bad("cut_general/cut_larger/cut_major", "应逐级增大且在 0 到 100 之间")
        if not 0.0 <= self.min_completeness <= 1.0:
            raise _bad("min_completeness", "应在 0 到 1 之间")
        if not 0.0 < self.part_full_share <= 1.0:
            raise _bad("part_full_share", "应大于 0 且不超过 1")
        if not 0.0 < self.off_season_factor <= 1.0:
            raise _bad("off_season_factor", "应大于 0 且不超过 1")
        if any(month not in range(1, 13) for month in self.season_months):
            raise _bad("season_months", "应为 1 到 12 的月份")
        ramps = (
            ("water_near_m", "water_radius_m"),
            ("speed_safe_kmh", "speed_worst_kmh"),
            ("alarm_fresh_days", "alarm_stale_days"),
            ("post_near_m", "post_far_m"),
            ("guards_second_at", "guards_third_at"),
        )
        for low, high in ramps:
            if not 0 <= getattr(self, low) < getattr(self, high):
                raise _bad(f"{low}/{high}", "前者应小于后者")
        for field in fields(self):
            amount = getattr(self, field.name)
            positive = field.name.endswith(
                ("_full", "_step", "_months", "_weeks", "_half_m", "_year")
            )
            if positive and not isinstance(amount, tuple) and not amount > 0:
                raise _bad(field.name, "应大于 0")
        if any(not radius > 0 for radius in (*self.zone_radii_m, self.facility_radius_m)):
            raise _bad("zone_radii_m/facility_radius_m", "应大于 0")


def required_officers(students: ArrayLike, rules: RiskRules) -> NDArray[np.float64]:
    """Return how many full-time security officers a school needs (NaN pupils: NaN).

    Fewer than 300 pupils 1; 300 and more 2; above 1000 one more for each full further
    1000 (so 299→1, 301→2, 1000→2, 2000→3). Source: [brief].
    """
    pupils = np.asarray(students, dtype=float)
    further = np.floor(np.maximum(pupils - 1000.0, 0.0) / rules.officers_step)
    need = np.where(pupils < rules.officers_second_at, 1.0, 2.0 + further)
    return np.where(np.isnan(pupils), np.nan, need)


def required_guards(students: ArrayLike, rules: RiskRules) -> NDArray[np.float64]:
    """Return how many guards a school needs (NaN pupils: NaN).

    Fewer than 100 pupils 1, then 2; from 1000 on 3, and one more for each full further
    500. Source: [std] for the ends; the middle step is [own].
    """
    pupils = np.asarray(students, dtype=float)
    further = np.floor(np.maximum(pupils - rules.guards_third_at, 0.0) / rules.guards_step)
    steps = [pupils < rules.guards_second_at, pupils < rules.guards_third_at]
    need = np.select(steps, [np.ones_like(pupils), np.full_like(pupils, 2.0)], 3.0 + further)
    return np.where(np.isnan(pupils), np.nan, need)


def _plain(name: str, given: Any) -> Any:
    value = given["value"] if isinstance(given, Mapping) and "value" in given else given
    shipped = DEFAULT_PARAMETERS[name]["value"]
    try:
        if isinstance(shipped, dict):
            return {str(key): _number(item) for key, item in value.items()}
        if isinstance(shipped, list):
            return tuple(type(shipped[0])(_number(item)) for item in value)
        return type(shipped)(_number(value))
    except (TypeError, ValueError, AttributeError) as error:
        raise _bad(name, "不是合用的数值") from error


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _weights_sum(name: str, weights: Mapping[str, float], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if key not in weights]
    if missing:
        raise _bad(name, f"缺少 {missing[0]}")
    if any(weights[key] < 0 for key in keys):
        raise _bad(name, "权重不能为负")
    total = sum(weights[key] for key in keys)
    if abs(total - 1.0) > 1e-6:
        raise _bad(name, f"{'、'.join(keys)} 的权重之和为 {total:.4f}，应为 1")


def _bad(name: str, why: str) -> UserError:
    return UserError(f"判定标准的参数 {name} 不对：{why}。", "请由管理员修正该参数后另存为新版本。")


DEFAULT_RULES = RiskRules.from_parameters({})
