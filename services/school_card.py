"""Everything the card of one school shows, read in a handful of queries."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from db.models import (
    DefenceState,
    District,
    Gate,
    Hazard,
    Inspection,
    PatrolPost,
    School,
    SchoolRisk,
    TrafficFacility,
)
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.words import (
    SIX_FACILITY_KINDS,
    FacilityKind,
    FacilityState,
    HazardStage,
    InspectionLevel,
    RiskLevel,
)
from services.house import House
from services.map_schools import STAGES_BEFORE_SUBMISSION
from services.neighbours import Neighbour, list_neighbours

TIMELINE_ROWS = 12


@dataclass(frozen=True, slots=True)
class NearThing:
    """Something nearest to the school: what, its name, metres (None = none is known)."""

    what: str
    name: str
    metres: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate's row of the six-facility matrix: state per kind, None = no record."""

    name: str
    states: tuple[FacilityState | None, ...]
    recorded: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class OpenHazard:
    """One hazard not yet closed."""

    number: str
    description: str
    severity: str
    stage: str
    due_on: dt.date | None
    days_late: int


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One dated fact of the school's history."""

    on: dt.date
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class SchoolCard:
    """What the map's drawer says of one school."""

    id: int
    code: str
    name: str
    lon: float
    lat: float
    kind: str
    ownership: str
    district: str
    township: str
    station: str
    students: int | None
    boarders: int | None
    arrival_at: dt.time | None
    dismissal_at: dt.time | None
    duty_phone: str
    address: str
    level: RiskLevel
    score: float | None
    parts: tuple[tuple[str, float | None], ...]
    completeness: float
    risk_as_of: dt.date | None
    measured_from: str
    precision_m: float | None
    near: tuple[NearThing, ...]
    facilities_within_200m: int | None
    gates: tuple[GateRow, ...]
    defence: tuple[tuple[str, str], ...]
    visits_city: int
    visits_county: int
    year: int
    open_hazards: tuple[OpenHazard, ...]
    timeline: tuple[TimelineEntry, ...]
    today: dt.date


def read_school_card(actor: Actor, house: House, *, school_id: int) -> SchoolCard:
    """Return the card. Raises ``NotFound`` for schools outside the actor's scope."""
    require(actor, Permission.VIEW_MAP)
    today = house.today()
    neighbours = list_neighbours(actor, house, school_id=school_id)
    county, town = aliased(District), aliased(District)
    with house.read() as session:
        found = session.execute(
            select(School, county.name, town.name, PatrolPost.name, SchoolRisk, DefenceState)
            .outerjoin(county, county.id == School.district_id)
            .outerjoin(town, town.id == School.township_id)
            .outerjoin(PatrolPost, PatrolPost.id == School.police_station_id)
            .outerjoin(SchoolRisk, SchoolRisk.school_id == School.id)
            .outerjoin(DefenceState, DefenceState.school_id == School.id)
            .where(schools_readable_by(actor), School.id == school_id)
        ).first()
        if found is None:
            raise NotFound("这所学校")
        school, district, township, station, risk, defence = found
        visits = session.scalars(
            select(Inspection)
            .where(Inspection.school_id == school_id, Inspection.on_date <= today)
            .order_by(Inspection.on_date.desc())
        ).all()
        hazards = session.scalars(
            select(Hazard)
            .where(Hazard.school_id == school_id, Hazard.found_on <= today)
            .order_by(Hazard.found_on.desc())
        ).all()
        this_year = [v for v in visits if v.on_date.year == today.year]
        return SchoolCard(
            id=school.id,
            code=school.code,
            name=school.name,
            lon=school.lon,
            lat=school.lat,
            kind=school.kind.label,
            ownership=school.ownership.label,
            district=district or "",
            township=township or "",
            station=station or "",
            students=school.students,
            boarders=school.boarders,
            arrival_at=school.arrival_at,
            dismissal_at=school.dismissal_at,
            duty_phone=school.duty_phone,
            address=school.address,
            level=risk.level if risk else RiskLevel.UNKNOWN,
            score=risk.score if risk else None,
            parts=_parts(risk),
            completeness=risk.completeness if risk else 0.0,
            risk_as_of=risk.as_of if risk else None,
            measured_from=risk.measured_from.label if risk else "",
            precision_m=risk.precision_m if risk else None,
            near=_near(neighbours, risk),
            facilities_within_200m=risk.facilities_within_200m if risk else None,
            gates=_gates(session, school_id),
            defence=_defence(defence, today),
            visits_city=sum(v.level is InspectionLevel.CITY for v in this_year),
            visits_county=sum(v.level is InspectionLevel.COUNTY for v in this_year),
            year=today.year,
            open_hazards=_open_hazards(hazards, today),
            timeline=_timeline(visits, hazards),
            today=today,
        )


def _parts(risk: SchoolRisk | None) -> tuple[tuple[str, float | None], ...]:
    if risk is None:
        return (("水域", None), ("交通", None), ("巡防", None), ("管理", None))
    return (
        ("水域", risk.water_score),
        ("交通", risk.traffic_score),
        ("巡防", risk.patrol_score),
        ("管理", risk.management_score),
    )


_ROLES = {"water": "最近水域", "post": "最近勤务点位", "police": "最近派出所或岗亭"}


def _near(neighbours: tuple[Neighbour, ...], risk: SchoolRisk | None) -> tuple[NearThing, ...]:
    """Return a row per neighbour, one saying so where a role has none, then the crossings."""
    rows = []
    for role, words in _ROLES.items():
        of_role = [n for n in neighbours if n.role == role]
        for i, near in enumerate(of_role):
            note = near.note or (near.kind if near.kind != near.name else "")
            rows.append(NearThing(words if i == 0 else "", near.name, near.metres, note))
        if not of_role:
            rows.append(NearThing(words, "", None))
    return (
        *rows,
        NearThing("最近行人过街设施", "", risk.nearest_crossing_m if risk else None),
        NearThing("最近交通信号灯", "", risk.nearest_signal_m if risk else None),
    )


def _gates(session: Session, school_id: int) -> tuple[GateRow, ...]:
    gates = session.execute(
        select(Gate.id, Gate.name).where(Gate.school_id == school_id).order_by(Gate.id)
    ).all()
    rows = session.execute(
        select(TrafficFacility.gate_id, TrafficFacility.kind, TrafficFacility.state).where(
            TrafficFacility.gate_id.in_([g.id for g in gates])
        )
    ).all()
    by_gate: dict[tuple[int | None, FacilityKind], list[FacilityState | None]] = {}
    for row in rows:
        by_gate.setdefault((row.gate_id, row.kind), []).append(row.state)
    return tuple(
        GateRow(
            name=gate.name,
            states=tuple(_best(by_gate.get((gate.id, kind), [])) for kind in SIX_FACILITY_KINDS),
            recorded=tuple((gate.id, kind) in by_gate for kind in SIX_FACILITY_KINDS),
        )
        for gate in gates
    )


def _best(states: list[FacilityState | None]) -> FacilityState | None:
    """Of several of one kind at one gate, the best one standing serves the gate."""
    order = [
        FacilityState.OK,
        FacilityState.NOT_APPLICABLE,
        FacilityState.FADED,
        FacilityState.DAMAGED,
        FacilityState.MISSING,
    ]
    known = [s for s in states if s is not None]
    return min(known, key=order.index) if known else None


def _defence(state: DefenceState | None, today: dt.date) -> tuple[tuple[str, str], ...]:
    def people(count: int | None) -> str:
        return "未登记" if count is None else f"{count} 人"

    def yes(flag: bool | None) -> str:
        return "未登记" if flag is None else ("有" if flag else "无")

    if state is None:
        return ()
    tested = state.alarm_tested_on
    cameras = (
        "未登记"
        if state.cameras_total is None or state.cameras_offline is None
        else f"{state.cameras_total} 路，离线 {state.cameras_offline} 路"
    )
    return (
        ("专职保安", people(state.guards_full_time)),
        ("其中 50 岁以上", people(state.guards_over_50)),
        ("教师顶岗", people(state.teacher_stand_ins)),
        ("专职保卫干部", people(state.officers)),
        ("一键报警", state.alarm.label if state.alarm else "未登记"),
        (
            "最近实测",
            "无实测记录"
            if tested is None
            else f"{tested:%Y-%m-%d}（{(today - tested).days} 天前）",
        ),
        ("监控", cameras),
        (
            "监控时钟误差",
            "未登记" if state.clock_error_s is None else f"{state.clock_error_s} 秒",
        ),
        ("封闭式管理", yes(state.closed_management)),
        ("硬质防冲撞设施", yes(state.hard_barrier)),
    )


def _open_hazards(hazards: Any, today: dt.date) -> tuple[OpenHazard, ...]:
    rows = []
    for hazard in hazards:
        if hazard.stage is HazardStage.CLOSED:
            continue
        late = 0
        if hazard.due_on and hazard.stage in STAGES_BEFORE_SUBMISSION:
            late = max(0, (today - hazard.due_on).days)
        rows.append(
            OpenHazard(
                number=hazard.number,
                description=hazard.description,
                severity=hazard.severity.label,
                stage=hazard.stage.label,
                due_on=hazard.due_on,
                days_late=late,
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.days_late, row.due_on or dt.date.max)))


def _timeline(visits: Any, hazards: Any) -> tuple[TimelineEntry, ...]:
    entries = [
        TimelineEntry(
            visit.on_date,
            f"{visit.level.label}{visit.channel.label}",
            f"发现隐患 {visit.hazards_found} 处" if visit.hazards_found else "未发现隐患",
        )
        for visit in visits[:TIMELINE_ROWS]
    ]
    entries += [
        TimelineEntry(hazard.closed_on, "隐患销号", hazard.description)
        for hazard in hazards
        if hazard.closed_on
    ]
    return tuple(sorted(entries, key=lambda e: e.on, reverse=True)[:TIMELINE_ROWS])
