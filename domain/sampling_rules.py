"""The rule set behind plans, draws and routes: weights, caps, speeds, with unit and source. Pure.

Rows of the table ``rule_set`` under ``RULE_SET_NAME``, beside the risk rules and built like
them; ``DEFAULT_PARAMETERS`` is what the product ships. Sources as in ``domain.rules``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.errors import UserError
from domain.words import InspectionLevel, RiskLevel, RoadClass

RULE_SET_NAME = "抽查规则"
MAX_WEIGHT = 100
PERMILLE = 1000
MAX_KMH = 120


def _p(value: Any, unit: str, source: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": source}


DEFAULT_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "risk_weights": _p(
        {"major": 4, "larger": 3, "general": 2, "low": 1, "unknown": 2},
        "权重，整数；数据不足按一般计，不当作安全",
        "[own]",
    ),
    "weight_floor": _p(1, "权重下限，任何学校都有机会", "[own]"),
    "weight_cap": _p(4, "权重上限", "[own]"),
    "recent_divisor": _p(4, "近期查过的学校，权重为别校的几分之一", "[own]"),
    "visit_cap": _p(5, "次，每校每年督查达此即提示", "[local]"),
    "rho_permille": _p(100, "千分比，回头看名额占比 ρ 的默认值", "[own]"),
    "reserve": _p(2, "所，每次出发后备学校的默认数", "[own]"),
    "city_target_pct": _p(30, "百分比，全年市级督查覆盖的目标", "[plan22 §19]"),
    "county_target_pct": _p(100, "百分比，全年县级督查覆盖的目标", "[plan22 §19]"),
    "schools_per_team_day": _p(3, "所，一队一天可督查的学校", "[own]"),
    "coverage_window_days": _p(90, "天，推算年末覆盖时看最近多久的进度", "[own]"),
    "road_kmh": _p(
        {"trunk": 60, "primary": 35, "secondary": 30, "branch": 25, "rural": 30, "internal": 15},
        "公里/小时，各等级道路含路口等候的平均车速",
        "[own]",
    ),
    "detour_pct": _p(
        130, "百分比，没有路网处行程为直线距离的多少；演示城市实测中位数 129", "[own]"
    ),
    "straight_kmh": _p(30, "公里/小时，没有路网处的平均车速", "[own]"),
    "access_kmh": _p(15, "公里/小时，从校门到最近道路的平均车速", "[own]"),
}


@dataclass(frozen=True)
class SamplingRules:
    """One checked rule set; meanings, units and sources: ``DEFAULT_PARAMETERS``.

    ``version`` is that of its row, 0 for the shipped rules themselves.
    """

    risk_weights: Mapping[str, int]
    weight_floor: int
    weight_cap: int
    recent_divisor: int
    visit_cap: int
    rho_permille: int
    reserve: int
    city_target_pct: int
    county_target_pct: int
    schools_per_team_day: int
    coverage_window_days: int
    road_kmh: Mapping[str, int]
    detour_pct: int
    straight_kmh: int
    access_kmh: int
    version: int = 0

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any], *, version: int = 0) -> SamplingRules:
        """Read and check a stored mapping of ``{name: {"value", "unit", "source"}}``.

        A bare value is accepted too; names not given take the shipped default. Raises
        ``UserError`` naming the first parameter that is unknown or does not hold.
        """
        known = [f.name for f in fields(cls) if f.name != "version"]
        for name in parameters:
            if name not in known:
                raise _bad(name, "不是已知的参数名")
        given = {**DEFAULT_PARAMETERS, **parameters}
        rules = cls(**{name: _plain(name, given[name]) for name in known}, version=version)
        rules._check()
        return rules

    @property
    def level_weights(self) -> dict[RiskLevel, int]:
        """Return the weight of every risk level, before floor and cap."""
        return {level: self.risk_weights[level.value] for level in RiskLevel}

    def target_share(self, level: InspectionLevel) -> float:
        """Return the share of active schools that a level is to inspect in a year, 0–1."""
        is_city = level is InspectionLevel.CITY
        return (self.city_target_pct if is_city else self.county_target_pct) / 100

    def weights_by_index(self) -> npt.NDArray[np.int64]:
        """Return the weights in the order of ``RiskLevel``."""
        return np.array(list(self.level_weights.values()), dtype=np.int64)

    def _check(self) -> None:
        missing = [level.value for level in RiskLevel if level.value not in self.risk_weights]
        if missing or len(self.risk_weights) != len(RiskLevel):
            raise _bad("risk_weights", "应当恰好给出每个风险等级的权重")
        if not all(1 <= weight <= MAX_WEIGHT for weight in self.risk_weights.values()):
            raise _bad("risk_weights", f"每个权重应在 1 到 {MAX_WEIGHT} 之间")
        if not 1 <= self.weight_floor <= self.weight_cap <= MAX_WEIGHT:
            raise _bad("weight_floor/weight_cap", f"应当 1 ≤ 下限 ≤ 上限 ≤ {MAX_WEIGHT}")
        classes = sorted(kind.value for kind in RoadClass)
        if sorted(self.road_kmh) != classes:
            raise _bad("road_kmh", "应当恰好给出每个道路等级的车速")
        if not all(1 <= kmh <= MAX_KMH for kmh in self.road_kmh.values()):
            raise _bad("road_kmh", f"每个车速应在 1 到 {MAX_KMH} 之间")
        bounds = {
            "recent_divisor": (1, MAX_WEIGHT),
            "visit_cap": (1, 365),
            "rho_permille": (0, PERMILLE),
            "reserve": (0, 1000),
            "city_target_pct": (1, 100),
            "county_target_pct": (1, 100),
            "schools_per_team_day": (1, 50),
            "coverage_window_days": (7, 366),
            "detour_pct": (100, 300),
            "straight_kmh": (1, MAX_KMH),
            "access_kmh": (1, MAX_KMH),
        }
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise _bad(name, f"应在 {low} 到 {high} 之间")


def _plain(name: str, given: Any) -> Any:
    value = given["value"] if isinstance(given, Mapping) and "value" in given else given
    if isinstance(DEFAULT_PARAMETERS[name]["value"], dict):
        if not isinstance(value, Mapping):
            raise _bad(name, "应为每个等级一个数")
        return {str(key): _whole(name, item) for key, item in value.items()}
    return _whole(name, value)


def _whole(name: str, value: Any) -> int:
    # A weight enters an exact draw: 2.5 must be refused, not cut down to 2.
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(name, "不是整数")
    return value


def _bad(name: str, why: str) -> UserError:
    return UserError(
        f"「{RULE_SET_NAME}」的参数 {name} 不成立：{why}。", "请由管理员改正判定标准后重试。"
    )


SHIPPED = SamplingRules.from_parameters({})
"""What the product ships, checked."""
