"""An invented town with every kind of record a risk score reads, some of it missing."""

from __future__ import annotations

import datetime as dt

import numpy as np
import shapely
from sqlalchemy.orm import Session

from db.models import (
    City,
    Complaint,
    DefenceState,
    DrillRecord,
    Gate,
    Hazard,
    Inspection,
    PatrolPost,
    PostSession,
    School,
    SelfCheck,
    TrafficFacility,
    WaterBody,
)
from domain.words import (
    AlarmState,
    Channel,
    DeadlineClass,
    FacilityKind,
    FacilityState,
    HazardCategory,
    HazardSource,
    HazardStage,
    InspectionLevel,
    NoticeMode,
    PostKind,
    RoadClass,
    SchoolKind,
    SchoolStatus,
    SessionKind,
    Severity,
    WaterAccess,
    WaterGrade,
)
from services.house import House
from services.rules import ensure_default_rules

TODAY = dt.date(2026, 9, 1)
EPSG = 4548
WEST, SOUTH = 117.00, 33.00
M_LON, M_LAT = 1 / 93_500, 1 / 110_900
"""Degrees of one metre there, near enough to lay out a town."""


def add_town(house: House, *, schools: int = 24, seed: int = 5) -> None:
    """Write the town: the last school is closed, the one before it has no records at all."""
    ensure_default_rules(house)
    rng = np.random.default_rng(seed)
    with Session(house.engine) as session:
        session.add(City(name="测试市", is_demo=True, as_of=TODAY, epsg=EPSG))
        waters = [_water(rng, i) for i in range(10)]
        session.add_all(waters)
        for i in range(schools):
            bare = i >= schools - 2
            school = _school(rng, i)
            if i == schools - 1:
                school.status = SchoolStatus.CLOSED
            session.add(school)
            session.flush()
            if not bare:
                _add_records(session, rng, school, i)
        for i in range(60):
            lon, lat = _spot(rng)
            session.add(
                TrafficFacility(
                    code=f"F{i}",
                    kind=rng.choice(
                        [FacilityKind.SIGNAL, FacilityKind.CROSSING, FacilityKind.OTHER]
                    ),
                    state=rng.choice([None, FacilityState.OK, FacilityState.MISSING]),
                    lon=lon,
                    lat=lat,
                )
            )
        for i in range(6):
            lon, lat = _spot(rng)
            kind = PostKind.POLICE_STATION if i % 2 else PostKind.WATER_WATCH
            session.add(PatrolPost(code=f"P{i}", kind=kind, lon=lon, lat=lat))
        session.commit()


def _spot(rng: np.random.Generator) -> tuple[float, float]:
    x, y = rng.uniform(0, 5000, 2)
    return WEST + float(x) * M_LON, SOUTH + float(y) * M_LAT


def box_at(lon: float, lat: float, side_m: float) -> shapely.Polygon:
    """Return a square with its south-west corner there."""
    return shapely.box(lon, lat, lon + side_m * M_LON, lat + side_m * M_LAT)


def _water(rng: np.random.Generator, i: int) -> WaterBody:
    lon, lat = _spot(rng)
    count = [None, 0, 2]
    return WaterBody(
        code=f"W{i}",
        geometry=box_at(lon, lat, float(rng.uniform(20, 200))),
        grade=rng.choice([None, *WaterGrade]),
        access=rng.choice([None, *WaterAccess]),
        signs=rng.choice(count),
        rings=rng.choice(count),
        ropes=rng.choice(count),
        poles=rng.choice(count),
    )


def _school(rng: np.random.Generator, i: int) -> School:
    lon, lat = _spot(rng)
    return School(
        code=f"S{i:03d}",
        name=f"第{i}学校",
        kind=SchoolKind.KINDERGARTEN if i % 3 == 0 else SchoolKind.PRIMARY,
        students=None if i % 7 == 3 else int(rng.integers(50, 2500)),
        lon=lon,
        lat=lat,
        campus=box_at(lon, lat, 120.0) if i % 3 == 0 else None,
        accuracy_m=20.0 if i % 2 else None,
    )


def _add_records(session: Session, rng: np.random.Generator, school: School, i: int) -> None:
    if i % 3 < 2:
        for number in range(1 + i % 2):
            gate = Gate(
                school_id=school.id,
                name=f"门{number}",
                lon=school.lon + number * 60 * M_LON,
                lat=school.lat,
                road_class=rng.choice([None, *RoadClass]),
                speed_limit_kmh=rng.choice([None, 30, 50]),
            )
            session.add(gate)
            session.flush()
            _add_gate_records(session, rng, gate)
    session.add(
        DefenceState(
            school_id=school.id,
            officers=rng.choice([None, 0, 1, 2]),
            guards_full_time=rng.choice([None, 0, 2, 4]),
            guards_over_50=rng.choice([None, 0, 1]),
            teacher_stand_ins=rng.choice([None, 0, 2]),
            alarm=rng.choice([None, *AlarmState]),
            alarm_tested_on=rng.choice([None, dt.date(2026, 8, 20), dt.date(2025, 9, 1)]),
        )
    )
    if i % 2:
        session.add(
            Inspection(
                number=f"D{i}",
                school_id=school.id,
                level=InspectionLevel.CITY,
                channel=Channel.JOINT,
                notice_mode=NoticeMode.UNANNOUNCED,
                on_date=dt.date(2026, 5, 1),
            )
        )
        for number in range(int(rng.integers(0, 3))):
            session.add(
                Hazard(
                    number=f"H{i}-{number}",
                    school_id=school.id,
                    origin=HazardSource.INSPECTION,
                    category=HazardCategory.FIRE,
                    description="灭火器过期",
                    severity=rng.choice(list(Severity)),
                    deadline_class=DeadlineClass.TERM,
                    stage=rng.choice(list(HazardStage)),
                    found_on=dt.date(2026, 5, 1),
                    due_on=dt.date(2026, 6, 1),
                )
            )
    if i % 5:
        session.add(DrillRecord(school_id=school.id, on_date=dt.date(2026, 4, 1)))
        session.add(
            SelfCheck(
                school_id=school.id,
                month=dt.date(2026, 7, 1),
                submitted_on=dt.date(2026, 7, 30),
                findings=int(rng.integers(0, 2)),
            )
        )
    if i % 4 == 0:
        session.add(Complaint(school_id=school.id, month=dt.date(2026, 6, 1), count=i))


def _add_gate_records(session: Session, rng: np.random.Generator, gate: Gate) -> None:
    for kind in (FacilityKind.SPEED_SIGN, FacilityKind.CROSSING, FacilityKind.NO_PARKING):
        session.add(
            TrafficFacility(
                code=f"G{gate.id}-{kind.value}",
                kind=kind,
                state=rng.choice([None, *FacilityState]),
                gate_id=gate.id,
                lon=gate.lon,
                lat=gate.lat + 20 * M_LAT,
            )
        )
    post = PatrolPost(
        code=f"PG{gate.id}",
        kind=PostKind.SCHOOL_GUARD,
        lon=gate.lon,
        lat=gate.lat,
        gate_id=gate.id,
    )
    session.add(post)
    session.flush()
    for day in range(3):
        session.add(
            PostSession(
                post_id=post.id,
                on_date=TODAY - dt.timedelta(days=day),
                kind=SessionKind.ARRIVAL,
                starts_at=dt.time(7, 20),
                ends_at=dt.time(8, 0),
                needed_police=1,
                planned_police=1,
                present_police=rng.choice([None, 0, 1]),
            )
        )
