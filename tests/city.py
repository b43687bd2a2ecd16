"""A tiny invented city for tests that need scopes, not scenery."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import City, District, PatrolPost, RuleSet, School
from domain.sampling_rules import RULE_SET_NAME
from domain.words import DistrictLevel, PostKind
from services.house import House
from services.rules import shipped_rule_set


@dataclass(frozen=True)
class SmallCity:
    """Ids of two districts, three townships, four schools and a police station."""

    east: int
    west: int
    townships: dict[str, int]
    schools: dict[str, int]
    station: int


def add_small_city(house: House, *, is_demo: bool = True) -> SmallCity:
    """Write the city: E1, E2 in the east (townships E01, E02), W1, W2 in the west (W01)."""
    with Session(house.engine) as session:
        if session.scalar(select(RuleSet.id).where(RuleSet.name == RULE_SET_NAME)) is None:
            session.add(shipped_rule_set(RULE_SET_NAME, at=house.now()))
        session.add(City(name="测试市", is_demo=is_demo, as_of=dt.date(2026, 9, 1), epsg=4548))
        east = District(code="E", name="东区", level=DistrictLevel.COUNTY)
        west = District(code="W", name="西区", level=DistrictLevel.COUNTY)
        session.add_all([east, west])
        session.flush()
        townships = {
            code: District(code=code, name=code, level=DistrictLevel.TOWNSHIP, parent_id=parent.id)
            for code, parent in (("E01", east), ("E02", east), ("W01", west))
        }
        station = PatrolPost(
            code="P1", kind=PostKind.POLICE_STATION, name="东派出所", lon=118.0, lat=33.0
        )
        session.add_all([*townships.values(), station])
        session.flush()
        schools = {
            code: School(
                code=code,
                name=f"学校{code}",
                lon=118.0,
                lat=33.0,
                district_id=townships[township].parent_id,
                township_id=townships[township].id,
                police_station_id=station.id if code == "E1" else None,
                students=students,
            )
            for code, township, students in (
                ("E1", "E01", 900), ("E2", "E01", 400), ("E3", "E02", 500), ("W1", "W01", 300),
            )
        }  # fmt: skip
        session.add_all(schools.values())
        session.commit()
        return SmallCity(
            east=east.id,
            west=west.id,
            townships={code: row.id for code, row in townships.items()},
            schools={code: row.id for code, row in schools.items()},
            station=station.id,
        )
