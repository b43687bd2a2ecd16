"""The rules of a quick draw: weights, strata, numbers and texts. Pure; the draw is elsewhere."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.draw.seal import public_value
from domain.errors import UserError
from domain.sampling_rules import MAX_WEIGHT, SamplingRules
from domain.words import RiskLevel, ValueSource

Integers = npt.NDArray[np.int64]

MAX_RECENT_DAYS = 366
VALUE_LIMIT, TITLE_LIMIT, REASON_LIMIT = 120, 60, 120
_PATH_SIGNS = re.compile(r'[/,"\s\x1c-\x1e\x85\u2028\u2029]+')


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much a school weighs. ``floor`` and ``cap`` bound the weight by risk.

    ``recent_days`` > 0 lets a school inspected within so many days weigh a quarter.
    """

    by_risk: bool = False
    floor: int = 1
    cap: int = 4
    recent_days: int = 0

    def check(self) -> None:
        """Raise ``UserError`` where a bound makes no sense."""
        if not 1 <= self.floor <= self.cap <= MAX_WEIGHT:
            raise UserError(
                f"权重下限 {self.floor}、上限 {self.cap} 不成立。",
                f"请使 1 ≤ 下限 ≤ 上限 ≤ {MAX_WEIGHT}；权重不能为零，任何学校都有机会。",
            )
        if not 0 <= self.recent_days <= MAX_RECENT_DAYS:
            raise UserError(
                f"“近 {self.recent_days} 天内查过”超出范围。", f"请填 0–{MAX_RECENT_DAYS}。"
            )

    def level_weights(self, rules: SamplingRules) -> Integers:
        """Return the weight of every risk level in the order of ``RiskLevel``, bounds applied."""
        base = np.clip(rules.weights_by_index(), self.floor, self.cap)
        return base if self.by_risk else np.ones_like(base)

    def as_parameters(self, rules: SamplingRules) -> dict[str, Any]:
        """Return what is frozen with the draw, fit for canonical JSON.

        The weights used stand there with the version of the rule set they come from.
        """
        if not self.by_risk:
            frozen: dict[str, Any] = {"weights": "equal", "recent_days": self.recent_days}
        else:
            levels = zip(RiskLevel, self.level_weights(rules).tolist(), strict=True)
            frozen = {
                "weights": "risk",
                "floor": self.floor,
                "cap": self.cap,
                "recent_days": self.recent_days,
                "levels": {level.value: weight for level, weight in levels},
                "rules": rules.version,
            }
        if self.recent_days:
            frozen |= {"recent_divisor": rules.recent_divisor, "rules": rules.version}
        return frozen

    def weights(
        self,
        level_index: npt.ArrayLike,
        days_since_visit: npt.ArrayLike,
        rules: SamplingRules,
    ) -> Integers:
        """Return integer weights ≥ 1 of schools by the rule set ``rules``.

        ``level_index``: position of each school's level in ``RiskLevel``;
        ``days_since_visit``: days since the last inspection, NaN where there was none.
        """
        base = self.level_weights(rules)[np.asarray(level_index, dtype=np.intp)]
        if not self.recent_days:
            return base
        days = np.asarray(days_since_visit, dtype=float)
        is_recent = np.nan_to_num(days, nan=np.inf) < self.recent_days
        return np.where(is_recent, base, base * rules.recent_divisor)


def stratum_level(name: str) -> str:
    """Return a name fit for one level of a stratum path (DRAW.md §1)."""
    return _PATH_SIGNS.sub("-", name).strip("-") or "未登记"


def draw_number(year: int, serial: int) -> str:
    """Return a quick draw's number, e.g. ``CQ2026-0001``."""
    return f"CQ{year}-{serial:04d}"


def one_line(text: str, *, what: str, limit: int) -> str:
    """Return a typed text in NFC, on one line, trimmed; ``UserError`` where empty or too long."""
    value = " ".join(unicodedata.normalize("NFC", text).split())
    if not value or len(value) > limit or not value.isprintable():
        raise UserError(f"{what}为空、过长或含有不可见字符。", f"请写 1–{limit} 个字。")
    return value


def typed_value(text: str) -> str:
    """Return a typed public value as it enters the seed (DRAW.md §5.3), or ``UserError``."""
    value = public_value(text)
    if len(value) > VALUE_LIMIT or not value.isprintable():
        raise UserError("公开值过长或含有不可见字符。", f"请写 1–{VALUE_LIMIT} 个字。")
    if value.startswith("system:"):
        raise UserError("公开值不能以 system: 开头。", "这是系统随机值的写法，请改写。")
    return value


def committed_source(source: ValueSource, value: str) -> str:
    """Return what the commitment says of the public value: a typed one stands there whole.

    So an unfinished attempt can be completed with that very value and no other.
    """
    return f"{source.value}:{value}" if source is ValueSource.TYPED else source.value


def plan_parameters(
    *,
    number: str,
    title: str,
    level: str,
    source: str,
    wanted: str,
    weighting: Weighting,
    rules: SamplingRules,
) -> dict[str, Any]:
    """Return the descriptive part of the frozen parameters."""
    return {
        "form": "quick",
        "number": number,
        "title": title,
        "level": level,
        "value_source": source,
        "filter": wanted,
        "weighting": weighting.as_parameters(rules),
    }
