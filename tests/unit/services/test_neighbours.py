from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from db.models import School, SchoolRisk
from domain.access import SYSTEM, Actor
from domain.errors import NotFound
from domain.words import Role
from services.demo.build import build_demo_city
from services.house import House
from services.neighbours import REACH_M, list_neighbours
from tests.city import add_small_city


def test_the_nearest_of_each_role_is_the_one_the_score_was_measured_to(house: House) -> None:
    build_demo_city(
        SYSTEM, house, schools=40, seed=5, as_of=dt.date(2026, 10, 15), progress=lambda *_: None
    )
    with house.read() as session:
        risks = session.scalars(select(SchoolRisk)).all()
    for risk in risks:
        near = list_neighbours(SYSTEM, house, school_id=risk.school_id)
        first = {n.role: n.metres for n in reversed(near)}
        assert first["water"] == pytest.approx(risk.nearest_water_m, abs=0.01)
        assert first["post"] == pytest.approx(risk.nearest_post_m, abs=0.01)
        assert first["police"] == pytest.approx(risk.nearest_police_m, abs=0.01)
        for role in ("water", "post"):
            metres = [n.metres for n in near if n.role == role]
            assert metres == sorted(metres)
            assert len(metres) == 1 or metres[-1] <= REACH_M


def test_a_city_without_waters_or_posts_has_no_neighbours_and_no_zero(house: House) -> None:
    city = add_small_city(house)
    near = list_neighbours(SYSTEM, house, school_id=city.schools["W1"])
    assert [n.role for n in near] == ["post", "police"], "only the police station exists"


def test_a_school_outside_the_scope_is_not_found(house: House) -> None:
    city = add_small_city(house)
    officer = Actor(account_id=1, login="d", name="", role=Role.DISTRICT, district_id=city.west)
    with pytest.raises(NotFound):
        list_neighbours(officer, house, school_id=city.schools["E1"])
    with house.read() as session:
        assert session.get(School, city.schools["E1"]) is not None
