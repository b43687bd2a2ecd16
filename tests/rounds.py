"""A small invented city with people, accounts and an approved plan, ready for a sealed round."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from db.models import Account, City, District, Inspector, SamplingPlan, School
from domain.access import Actor
from domain.draw.frame import build_frame, excluded_bytes
from domain.plan import DayTerms, MustVisit, PlanTerms, RosterTerms
from domain.sampling_rules import RULE_SET_NAME
from domain.words import (
    DistrictLevel,
    InspectionLevel,
    InspectorKind,
    MustVisitReason,
    PlanStatus,
    Role,
    SchoolKind,
)
from geo.crs import project
from services.house import House
from services.rounds.depart import enter_salt, enter_value
from services.rounds.prepare import commit_round, make_salt, open_departure
from services.rules import shipped_rule_set

TODAY = dt.date(2026, 9, 1)
EPSG = 4548
PLAN = "JH2026-001"
MUST = "E00"
"""A must-visit school: on a route without having been drawn."""
SCHOOLS = 12
"""Schools in each of the two districts."""


@dataclass(frozen=True)
class RoundCity:
    """Actors by login, and the ids of districts and schools by code."""

    actors: dict[str, Actor]
    districts: dict[str, int]
    schools: dict[str, int]

    def actor(self, login: str) -> Actor:
        """Return the actor of an account."""
        return self.actors[login]


def plan_terms(**changed: object) -> PlanTerms:
    """Return the terms of the test plan, some of them changed."""
    terms = {
        "title": "秋季督查",
        "first_day": TODAY,
        "last_day": TODAY + dt.timedelta(days=60),
        "n": 6,
        "reserve": 2,
        "departures": 2,
        "must_visit": (MustVisit(MUST, MustVisitReason.LISTED),),
        "day": DayTerms("市教育局", 118.02, 33.02, teams=2, team_size=2, visit_min=30),
        "roster": RosterTerms(),
    }
    return PlanTerms(**(terms | changed))  # type: ignore[arg-type]


def add_round_city(house: House, *, terms: PlanTerms | None = None) -> RoundCity:
    """Write the city, its accounts, six inspectors of the city and an approved plan.

    Accounts ``wang`` and ``zhao`` belong to inspectors who may lead; ``li`` organises,
    ``ju`` leads the bureau, ``shen`` audits, ``guan`` administers, ``jing`` is police,
    ``qu`` the officer of the east, ``xiang`` a township, ``xiao`` school E05.
    """
    with Session(house.engine) as session:
        session.add(shipped_rule_set(RULE_SET_NAME, at=house.now()))
        session.add(City(name="测试市", is_demo=True, as_of=TODAY, epsg=EPSG))
        areas = [
            District(code=code, name=name, level=DistrictLevel.COUNTY)
            for code, name in (("E", "东区"), ("W", "西区"))
        ]
        session.add_all(areas)
        session.flush()
        township = District(
            code="E01", name="东镇", level=DistrictLevel.TOWNSHIP, parent_id=areas[0].id
        )
        session.add(township)
        session.flush()
        schools = [
            School(
                code=f"{area.code}{at:02d}",
                name=f"{area.name}第{at:02d}学校",
                kind=SchoolKind.PRIMARY,
                lon=118.0 + 0.01 * (at % 4) + (0.05 if area.code == "W" else 0),
                lat=33.0 + 0.01 * (at // 4),
                district_id=area.id,
                township_id=township.id if area.code == "E" else None,
                address=f"{area.name}{at}号",
                duty_phone=f"0510-8{at:03d}",
            )
            for area in areas
            for at in range(SCHOOLS)
        ]
        session.add_all(schools)
        session.flush()
        at_code = {school.code: school.id for school in schools}
        accounts = {
            login: Account(login=login, name=name, role=role, password_hash="-", **scope)
            for login, name, role, scope in (
                ("li", "李组织", Role.INSPECTOR, {}),
                ("wang", "王带队", Role.INSPECTOR, {}),
                ("zhao", "赵带队", Role.INSPECTOR, {}),
                ("ju", "局长", Role.LEADER, {}),
                ("shen", "审计", Role.AUDITOR, {}),
                ("guan", "管理员", Role.ADMIN, {}),
                ("jing", "警官", Role.POLICE, {}),
                ("qu", "区专干", Role.DISTRICT, {"district_id": areas[0].id}),
                (
                    "xiang",
                    "镇干部",
                    Role.TOWNSHIP,
                    {"district_id": areas[0].id, "township_id": township.id},
                ),
                ("xiao", "学校", Role.SCHOOL, {"school_id": at_code["E05"]}),
            )
        }
        session.add_all(accounts.values())
        session.flush()
        session.add_all(
            Inspector(
                code=f"D{at}",
                name=name,
                kind=InspectorKind.EDUCATION,
                level=InspectionLevel.CITY,
                can_lead=at < 2,
                account_id=accounts[login].id if login else None,
            )
            for at, (name, login) in enumerate(
                [
                    ("王带队", "wang"),
                    ("赵带队", "zhao"),
                    ("钱带队", ""),
                    ("孙", ""),
                    ("周", ""),
                    ("吴", ""),
                ]
            )
        )
        session.add(_plan(house, schools, terms or plan_terms(), areas))
        session.commit()
        actors = {
            login: Actor(
                account_id=one.id,
                login=login,
                name=one.name,
                role=one.role,
                district_id=one.district_id,
                township_id=one.township_id,
                school_id=one.school_id,
            )
            for login, one in accounts.items()
        }
        return RoundCity(actors, {area.code: area.id for area in areas}, at_code)


def _plan(
    house: House, schools: list[School], terms: PlanTerms, areas: list[District]
) -> SamplingPlan:
    kept = [school for school in schools if school.code != MUST]
    names = {area.id: area.name for area in areas}
    x_m, y_m = project(np.array([s.lon for s in kept]), np.array([s.lat for s in kept]), EPSG)
    frame = build_frame(
        ids=[s.code for s in kept],
        strata=[f"{names[s.district_id or 0]}/小学" for s in kept],
        weights=[1] * len(kept),
        x_m=x_m,
        y_m=y_m,
    )
    return SamplingPlan(
        number=PLAN,
        year=TODAY.year,
        title=terms.title,
        level=InspectionLevel.CITY,
        status=PlanStatus.APPROVED,
        terms=terms.as_json(),
        frame=frame.content,
        excluded=excluded_bytes([(MUST, "must_visit:listed")]),
        frame_hash=frame.hash,
        inspected=[],
        schools=len(frame),
        created_by="li",
        created_at=house.now(),
    )


@dataclass(frozen=True)
class Committed:
    """A committed round: its departure, its number and the printed salts by login."""

    departure_id: int
    number: str
    salts: dict[str, str]


def prepare_round(
    house: House, city: RoundCity, *, n: int = 4, keepers: tuple[str, ...] = ("ju", "shen")
) -> tuple[int, dict[str, str]]:
    """Open a departure today and let every custodian make a salt."""
    departure = open_departure(
        city.actor("li"),
        house,
        plan_number=PLAN,
        departs_on=TODAY,
        n=n,
        value_source="当众掷骰子",
        custodian_ids=[city.actor(login).account_id or 0 for login in keepers],
    )
    return departure, {
        login: make_salt(city.actor(login), house, departure_id=departure) for login in keepers
    }


def commit(house: House, city: RoundCity, *, n: int = 4) -> Committed:
    """Prepare a round and commit it."""
    departure, salts = prepare_round(house, city, n=n)
    number = commit_round(city.actor("li"), house, departure_id=departure)
    return Committed(departure, number, salts)


def depart(house: House, city: RoundCity, *, n: int = 4, value: str = "3 5 1 6") -> Committed:
    """Bring a round to its departure."""
    made = commit(house, city, n=n)
    enter_value(city.actor("li"), house, number=made.number, value=value)
    for login, salt in made.salts.items():
        enter_salt(city.actor(login), house, number=made.number, salt=salt)
    return made
