from __future__ import annotations

from typing import Any

import pytest

from domain.errors import UserError
from domain.sampling_rules import DEFAULT_PARAMETERS, SHIPPED, SamplingRules
from domain.words import RiskLevel


def test_every_shipped_number_has_its_unit_and_its_source() -> None:
    for name, parameter in DEFAULT_PARAMETERS.items():
        assert parameter["unit"], name
        assert parameter["source"].startswith("["), name


def test_the_shipped_rules_hold_and_weigh_every_level() -> None:
    assert SHIPPED.version == 0
    assert SHIPPED.level_weights[RiskLevel.MAJOR] > SHIPPED.level_weights[RiskLevel.LOW] >= 1
    assert SHIPPED.weights_by_index().tolist() == [
        SHIPPED.level_weights[level] for level in RiskLevel
    ]


def test_a_stored_set_overrides_what_it_names_and_carries_its_version() -> None:
    rules = SamplingRules.from_parameters({"visit_cap": {"value": 3}}, version=7)
    assert (rules.visit_cap, rules.version) == (3, 7)
    assert rules.reserve == SHIPPED.reserve


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"visits": 3}, "不是已知的参数名"),
        ({"visit_cap": 2.5}, "不是整数"),
        ({"visit_cap": True}, "不是整数"),
        ({"visit_cap": 0}, "1 到 365"),
        ({"risk_weights": 3}, "每个等级"),
        ({"risk_weights": {"major": 2}}, "恰好"),
        ({"risk_weights": {**DEFAULT_PARAMETERS["risk_weights"]["value"], "low": 0}}, "1 到 100"),
        ({"risk_weights": {**DEFAULT_PARAMETERS["risk_weights"]["value"], "top": 9}}, "恰好"),
        ({"weight_floor": 5}, "下限 ≤ 上限"),
        ({"rho_permille": 1001}, "0 到 1000"),
        ({"road_kmh": {"trunk": 60}}, "恰好给出每个道路等级"),
        ({"road_kmh": {**DEFAULT_PARAMETERS["road_kmh"]["value"], "rural": 0}}, "1 到 120"),
        ({"detour_pct": 90}, "100 到 300"),
    ],
)
def test_a_parameter_that_does_not_hold_is_named(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        SamplingRules.from_parameters(parameters)
    assert next(iter(parameters)) in refused.value.message
