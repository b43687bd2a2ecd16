from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Gate, PatrolPost, School, TrafficFacility, WaterBody
from db.scope import (
    facilities_readable_by,
    gates_readable_by,
    posts_readable_by,
    schools_readable_by,
    waters_readable_by,
)
from domain.access import SCOPE_FIELD, Actor
from domain.words import FacilityKind, PostKind, Role
from services.house import House
from tests.city import SmallCity, add_small_city

ALL = {"E1", "E2", "E3", "W1"}


def actor(role: Role, **scope: int | None) -> Actor:
    return Actor(account_id=1, login="x", name="", role=role, **scope)


def seen(house: House, who: Actor) -> set[str]:
    with house.read() as session:
        return set(session.execute(select(School.code).where(schools_readable_by(who))).scalars())


@pytest.fixture
def city(any_house: House) -> SmallCity:
    return add_small_city(any_house)


def test_unscoped_roles_see_every_school(any_house: House, city: SmallCity) -> None:
    for role in set(Role) - set(SCOPE_FIELD):
        assert seen(any_house, actor(role)) == ALL, role


def test_scoped_roles_see_their_own_and_nothing_else(any_house: House, city: SmallCity) -> None:
    east, e01 = city.east, city.townships["E01"]
    assert seen(any_house, actor(Role.DISTRICT, district_id=east)) == {"E1", "E2", "E3"}
    assert seen(any_house, actor(Role.TOWNSHIP, township_id=e01, district_id=east)) == {"E1", "E2"}
    assert seen(any_house, actor(Role.SCHOOL, school_id=city.schools["W1"])) == {"W1"}
    assert seen(any_house, actor(Role.POLICE, station_id=city.station)) == {"E1"}
    assert seen(any_house, actor(Role.INSPECTOR, district_id=city.west)) == {"W1"}


@pytest.mark.parametrize("role", list(SCOPE_FIELD))
def test_a_scoped_role_without_its_scope_sees_nothing_at_all(
    any_house: House, city: SmallCity, role: Role
) -> None:
    nobody = actor(role)
    assert seen(any_house, nobody) == set()
    with any_house.read() as session:
        for model, condition in (
            (Gate, gates_readable_by),
            (WaterBody, waters_readable_by),
            (TrafficFacility, facilities_readable_by),
            (PatrolPost, posts_readable_by),
        ):
            assert session.execute(select(model.id).where(condition(nobody))).all() == []


def test_things_on_the_ground_follow_the_district_and_the_township(
    any_house: House, city: SmallCity
) -> None:
    with Session(any_house.engine) as session:
        for code, district, township in (
            ("in-E01", city.east, city.townships["E01"]),
            ("in-E02", city.east, city.townships["E02"]),
            ("in-W01", city.west, city.townships["W01"]),
        ):
            place = {"district_id": district, "township_id": township, "lon": 1.0, "lat": 1.0}
            session.add(TrafficFacility(code=code, kind=FacilityKind.CROSSING, **place))
            session.add(PatrolPost(code=code, name=code, kind=PostKind.PATROL_POINT, **place))
        session.add(Gate(school_id=city.schools["E1"], name="正门", lon=1, lat=1))
        session.commit()

    def codes(model, condition, who: Actor) -> set[str]:
        with any_house.read() as session:
            return {
                code
                for code in session.execute(select(model.code).where(condition(who))).scalars()
                if code.startswith("in-")
            }

    for model, condition in (
        (TrafficFacility, facilities_readable_by),
        (PatrolPost, posts_readable_by),
    ):
        assert codes(model, condition, actor(Role.LEADER)) == {"in-E01", "in-E02", "in-W01"}
        assert codes(model, condition, actor(Role.DISTRICT, district_id=city.west)) == {"in-W01"}
        assert codes(model, condition, actor(Role.TOWNSHIP, township_id=city.townships["E02"])) == {
            "in-E02"
        }
        assert codes(model, condition, actor(Role.SCHOOL, school_id=city.schools["W1"])) == {
            "in-W01"
        }
    with any_house.read() as session:
        west = actor(Role.DISTRICT, district_id=city.west)
        assert session.execute(select(Gate.id).where(gates_readable_by(west))).all() == []
        east = actor(Role.DISTRICT, district_id=city.east)
        assert len(session.execute(select(Gate.id).where(gates_readable_by(east))).all()) == 1


def test_actors_with_the_same_scope_key_see_the_same_schools(
    any_house: House, city: SmallCity
) -> None:
    by_key: dict[str, set[str]] = {}
    for role in Role:
        for scope in (
            {},
            {"district_id": city.east},
            {"district_id": city.west},
            {"township_id": city.townships["E01"], "district_id": city.east},
            {"school_id": city.schools["E1"]},
            {"station_id": city.station},
            {"station_id": city.station, "district_id": city.west},
        ):
            who = actor(role, **scope)
            codes = seen(any_house, who)
            assert by_key.setdefault(who.scope_key, codes) == codes, (role, scope)
