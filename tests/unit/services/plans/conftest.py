from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from domain.access import Actor
from domain.plan import PlanTerms
from domain.words import Role
from services.house import House
from services.rules import ensure_default_rules
from tests.city import SmallCity, add_small_city

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
LEADER = Actor(account_id=2, login="ju", name="", role=Role.LEADER)
AUDITOR = Actor(account_id=4, login="shen", name="", role=Role.AUDITOR)
TODAY = dt.date(2026, 9, 1)


def officer(district: int | None) -> Actor:
    return Actor(account_id=3, login="qu", name="", role=Role.DISTRICT, district_id=district)


def terms(title: str = "秋季抽查", **more: Any) -> PlanTerms:
    given: dict[str, Any] = {
        "first_day": dt.date(2026, 9, 7),
        "last_day": dt.date(2026, 9, 25),
        "n": 2,
        "reserve": 0,
    } | more
    return PlanTerms(title=title, **given)


@pytest.fixture
def city(house: House) -> SmallCity:
    ensure_default_rules(house)
    return add_small_city(house)
