"""The demo city's inspectors and plans: two approved, one to approve, one being drafted."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import delete, func, insert, select

from db.models import (
    Account,
    Departure,
    District,
    Inspector,
    InspectorTie,
    RouteMember,
    SamplingPlan,
    School,
)
from domain.access import SYSTEM, Actor
from domain.draw.roster import RosterRule
from domain.plan import DayTerms, MustVisit, PlanTerms, RosterTerms
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import (
    Channel,
    DistrictLevel,
    InspectionLevel,
    InspectorKind,
    MustVisitReason,
    NoticeMode,
    Role,
    SchoolStatus,
    TieKind,
)
from services.accounts import DEMO_PREFIX
from services.demo import names
from services.demo.plane import SOURCE, stream
from services.house import House, Work
from services.map_schools import load_school_table
from services.plans.places import default_start
from services.plans.suggest import suggest_must_visits
from services.plans.write import approve_plan, save_plan, submit_plan

CITY_TEAM: tuple[tuple[InspectorKind, int, int], ...] = (
    (InspectorKind.EDUCATION, 9, 4),
    (InspectorKind.POLICE, 5, 2),
    (InspectorKind.HEALTH, 3, 1),
    (InspectorKind.MARKET, 3, 1),
    (InspectorKind.FIRE, 2, 1),
    (InspectorKind.EXPERT, 2, 0),
)
"""Kind, people, how many of them may lead."""
COUNTY_TEAM: tuple[tuple[InspectorKind, int, int], ...] = (
    (InspectorKind.EDUCATION, 2, 2),
    (InspectorKind.SUPERVISOR, 2, 1),
    (InspectorKind.POLICE, 1, 0),
    (InspectorKind.HEALTH, 1, 0),
    (InspectorKind.MARKET, 1, 0),
)
_UNITS = {
    InspectorKind.EDUCATION: "教育局",
    InspectorKind.POLICE: "公安局",
    InspectorKind.HEALTH: "卫生健康委员会",
    InspectorKind.MARKET: "市场监督管理局",
    InspectorKind.FIRE: "消防救援支队",
    InspectorKind.SUPERVISOR: "人民政府教育督导室",
    InspectorKind.EXPERT: "校园安全专家库",
}
_PAPERS = {
    InspectorKind.EDUCATION: "教育督导员证",
    InspectorKind.POLICE: "人民警察证",
    InspectorKind.HEALTH: "卫生监督员证",
    InspectorKind.MARKET: "食品安全监督员证",
    InspectorKind.FIRE: "消防监督员证",
    InspectorKind.SUPERVISOR: "责任督学聘书",
    InspectorKind.EXPERT: "注册安全工程师",
}
TIE_SHARE = 0.2
PLANS_UP_TO_SCHOOLS = 20_000
"""Larger demo cities serve measurements: their plans would only weigh on the database."""
PLAN_DAYS = 21


def clear_sampling(work: Work) -> None:
    """Delete plans and people of an older demo city that no departure or round refers to."""
    session = work.session
    session.execute(delete(SamplingPlan).where(SamplingPlan.id.not_in(select(Departure.plan_id))))
    sent = select(RouteMember.inspector_id)
    session.execute(delete(Inspector).where(Inspector.id.not_in(sent)))


def plant_sampling(house: House, *, seed: int, as_of: dt.date) -> dict[str, int]:
    """Add inspectors and plans to a demo city that has its schools; return their numbers.

    Same seed and date, same people and plans. A plan for which the city is too small is
    left out.
    """
    people = _plant_people(house, seed, as_of)
    with house.read() as session:
        schools = session.scalar(select(func.count()).select_from(School)) or 0
    plans = _plant_plans(house, as_of) if schools <= PLANS_UP_TO_SCHOOLS else 0
    return {"inspector": people, "sampling_plan": plans}


def _plant_people(house: House, seed: int, as_of: dt.date) -> int:
    rng = stream(seed, "inspectors")
    with house.write(SYSTEM) as work:
        districts = work.session.execute(
            select(District.id, District.name)
            .where(District.level == DistrictLevel.COUNTY)
            .order_by(District.code)
        ).all()
        posts: list[dict[str, Any]] = _posts("SZ", CITY_TEAM, names.CITY_NAME, None)
        for at, row in enumerate(districts, start=1):
            posts += _posts(f"QX{at:02d}", COUNTY_TEAM, row.name, row.id)
        called = names.person_names(rng, len(posts))
        phones = rng.integers(1_000_000, 9_999_999, len(posts)).tolist()
        there = set(work.session.scalars(select(Inspector.code)))
        accounts = _accounts(work)
        rows = []
        for post, name, phone in zip(posts, called, phones, strict=True):
            is_city = post["level"] is InspectionLevel.CITY
            key = (post["kind"], None if is_city else post["district_id"])
            rows.append(
                {
                    **post,
                    "name": name,
                    "phone": f"0000-9{phone}",
                    "account_id": accounts.pop(key, None),
                    "source": SOURCE,
                    "updated_at": work.at,
                }
            )
        rows = [row for row in rows if row["code"] not in there]
        if rows:
            work.session.execute(insert(Inspector), rows)
        ties = _plant_ties(work, rng, as_of)
        work.bump("inspectors")
        work.audit("demo.inspectors", names.CITY_NAME, {"people": len(rows), "ties": ties})
    return len(posts)


def _posts(
    prefix: str,
    team: tuple[tuple[InspectorKind, int, int], ...],
    area: str,
    district_id: int | None,
) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = []
    level = InspectionLevel.CITY if district_id is None else InspectionLevel.COUNTY
    for kind, count, leads in team:
        own = "" if kind is InspectorKind.EXPERT else area
        for at in range(count):
            posts.append(
                {
                    "code": f"{prefix}{len(posts) + 1:03d}",
                    "kind": kind,
                    "level": level,
                    "district_id": district_id,
                    "unit": own + _UNITS[kind],
                    "qualifications": _PAPERS[kind],
                    "can_lead": at < leads,
                }
            )
    return posts


def _accounts(work: Work) -> dict[tuple[InspectorKind, int | None], int]:
    """Return which demo account goes to the first person of a kind in a district."""
    rows = work.session.execute(
        select(Account.id, Account.role, Account.district_id).where(Account.is_demo)
    ).all()
    wanted = {
        Role.INSPECTOR: InspectorKind.EDUCATION,
        Role.DISTRICT: InspectorKind.EDUCATION,
        Role.POLICE: InspectorKind.POLICE,
    }
    taken = set(work.session.scalars(select(Inspector.account_id)))
    return {
        (wanted[row.role], row.district_id): row.id
        for row in rows
        if row.role in wanted and row.id not in taken
    }


def _plant_ties(work: Work, rng: np.random.Generator, as_of: dt.date) -> int:
    people = work.session.execute(
        select(Inspector.id, Inspector.district_id)
        .where(Inspector.id.not_in(select(InspectorTie.inspector_id)))
        .order_by(Inspector.code)
    ).all()
    near_of: dict[int | None, list[int]] = {None: []}
    for school_id, district_id in work.session.execute(
        select(School.id, School.district_id)
        .where(School.status == SchoolStatus.ACTIVE)
        .order_by(School.code)
    ):
        near_of[None].append(school_id)
        near_of.setdefault(district_id, []).append(school_id)
    rows = []
    for person in people:
        chosen, declared, at, gone = rng.random(4)
        near = near_of.get(person.district_id, [])
        if chosen >= TIE_SHARE or not near:
            continue
        is_former = declared < 0.5
        rows.append(
            {
                "inspector_id": person.id,
                "school_id": near[int(at * len(near))],
                "kind": TieKind.FORMER if is_former else TieKind.DECLARED,
                "left_on": as_of - dt.timedelta(days=200 + int(gone * 1500)) if is_former else None,
                "note": "" if is_former else "近亲属在该校任职",
            }
        )
    if rows:
        work.session.execute(insert(InspectorTie), rows)
    return len(rows)


def _plant_plans(house: House, as_of: dt.date) -> int:
    inspector, leader = _stand_in(house, Role.INSPECTOR), _stand_in(house, Role.LEADER)
    officer = _stand_in(house, Role.DISTRICT)
    last = min(as_of + dt.timedelta(days=PLAN_DAYS), dt.date(as_of.year, 12, 31))
    must = suggest_must_visits(inspector, house).drop_duplicates("reason")
    named = tuple(
        MustVisit(code, MustVisitReason(reason), why)
        for code, reason, why in must[["code", "reason", "why"]].to_numpy(dtype=str).tolist()
    )
    start = _start(house, None)
    made = 0
    city = PlanTerms(
        title="冬季校园安全多部门联合督查",
        n=12,
        weighting=Weighting(by_risk=True),
        reserve=3,
        must_visit=named,
        day=replace(start, teams=3),
        roster=RosterTerms(duty_cap=4),
        first_day=as_of,
        last_day=last,
    )
    made += _plan(house, inspector, city, approve_by=leader)
    if officer.district_id is not None:
        home = _start(house, officer.district_id)
        county = PlanTerms(
            title="年末消防专项抽查",
            channel=Channel.SPECIAL,
            n=6,
            rho_permille=150,
            day=home,
            roster=RosterTerms(relax=(RosterRule.SAME_PAIR,)),
            first_day=as_of,
            last_day=last,
        )
        made += _plan(house, officer, county, approve_by=leader)
    crossed = PlanTerms(
        title="县市区交叉检查（第四季度）",
        channel=Channel.CROSS,
        n=16,
        reserve=4,
        departures=2,
        must_visit=named[:1],
        day=replace(start, teams=2, team_size=3),
        first_day=as_of,
        last_day=last,
    )
    made += _plan(house, inspector, crossed)
    if officer.district_id is not None:
        draft = PlanTerms(
            title="寒假前安全检查（草稿）",
            channel=Channel.ROUTINE,
            notice=NoticeMode.ANNOUNCED,
            wanted=SchoolFilter(kind=("kindergarten", "primary")),
            n=0,
            share_permille=100,
            day=home,
            first_day=as_of,
            last_day=last,
        )
        save_plan(officer, house, terms=draft)
        made += 1
    return made


def _plan(house: House, actor: Actor, terms: PlanTerms, approve_by: Actor | None = None) -> int:
    """Save, submit and perhaps approve; 0 where the actor has too few schools for it."""
    room = len(load_school_table(actor, house)) - len(terms.must_visit)
    if room < 2 * terms.departures:
        return 0
    reserve = min(terms.reserve, room // 4)
    fitting = replace(terms, n=min(terms.n, room - reserve), reserve=reserve)
    number = save_plan(actor, house, terms=fitting)
    submit_plan(actor, house, number=number)
    if approve_by is not None:
        approve_plan(approve_by, house, number=number, note="同意")
    return 1


def _stand_in(house: House, role: Role) -> Actor:
    """Return the demo account of a role, or somebody of that role where it is gone."""
    with house.read() as session:
        found = session.execute(
            select(Account.id, Account.name, Account.district_id).where(
                Account.login == DEMO_PREFIX + role.value, Account.is_demo
            )
        ).first()
        largest = session.scalar(
            select(School.district_id)
            .where(School.district_id.is_not(None))
            .group_by(School.district_id)
            .order_by(func.count().desc(), School.district_id)
            .limit(1)
        )
    district_id = largest if role is Role.DISTRICT else None
    if found is None:
        return Actor(None, DEMO_PREFIX + role.value, "", role, district_id=district_id)
    return Actor(found.id, DEMO_PREFIX + role.value, found.name, role, district_id=district_id)


def _start(house: House, district_id: int | None) -> DayTerms:
    """Return the working day that starts at the office in the middle of the area."""
    place = default_start(house, district_id=district_id)
    if place is None:
        return DayTerms()
    return DayTerms(start_name=place.name, start_lon=place.lon, start_lat=place.lat)
