"""Load what the risk figures need: one set-wise query a table, frames out.

Every function takes an open connection and, where rows belong to schools, an optional
list of school ids; without it, all of them. Words come as their stored values, shapes as
shapely arrays in WGS 84. Counting is done in SQL, so that sessions never travel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    String,
    case,
    func,
    or_,
    select,
    type_coerce,
)

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
from domain.words import HazardStage, PostRole, SchoolStatus, SessionKind, Severity

IDS_PER_QUERY = 500
"""Well under the smallest limit on variables in a query (SQLite before 3.32: 999)."""

BEFORE_SUBMISSION = (HazardStage.FOUND, HazardStage.FEEDBACK, HazardStage.RECTIFICATION)
STANDING = ("ok", "damaged", "faded")
"""States of a facility that physically exists; so does one never checked (no state)."""

Ids = Sequence[int] | None
AnySelect = Select[*tuple[Any, ...]]


def load_city_epsg(connection: Connection) -> int | None:
    """Return the zone set for the city, if one is set."""
    return connection.execute(select(City.epsg).limit(1)).scalar_one_or_none()


def load_median_lon(connection: Connection) -> float | None:
    """Return the (upper) median longitude of all schools, or ``None`` without schools."""
    count = connection.execute(select(func.count()).select_from(School)).scalar_one()
    if not count:
        return None
    return connection.execute(
        select(School.lon).order_by(School.lon).offset(count // 2).limit(1)
    ).scalar_one()


def load_schools(
    connection: Connection,
    ids: Ids = None,
    *,
    only_active: bool = True,
    where: ColumnElement[bool] | None = None,
) -> pd.DataFrame:
    """Load schools: id, code, name, kind, lon, lat, accuracy_m, students, campus; id order."""
    query = select(
        School.id,
        School.code,
        School.name,
        type_coerce(School.kind, String).label("kind"),
        School.lon,
        School.lat,
        School.accuracy_m,
        School.students,
        type_coerce(School.campus, LargeBinary).label("campus"),
    )
    if only_active:
        query = query.where(School.status == SchoolStatus.ACTIVE)
    if where is not None:
        query = query.where(where)
    frame = _frame(connection, query, School.id, ids).sort_values("id", ignore_index=True)
    frame["campus"] = _shapes(frame["campus"])
    return frame


def load_gates(connection: Connection, ids: Ids = None) -> pd.DataFrame:
    """Load gates: id, school_id, lon, lat, road_class, speed_kmh; id order."""
    query = select(
        Gate.id,
        Gate.school_id,
        Gate.lon,
        Gate.lat,
        type_coerce(Gate.road_class, String).label("road_class"),
        Gate.speed_limit_kmh.label("speed_kmh"),
    )
    return _frame(connection, query, Gate.school_id, ids).sort_values("id", ignore_index=True)


def load_waters(connection: Connection) -> pd.DataFrame:
    """Load waters: id, geometry, grade, access, gear_missing, gear_known; id order.

    ``gear_known`` is the share of the four kinds of rescue gear whose count is known,
    ``gear_missing`` the share of those whose count is 0 (NaN where none is known).
    """
    query = select(
        WaterBody.id,
        type_coerce(WaterBody.geometry, LargeBinary).label("geometry"),
        type_coerce(WaterBody.grade, String).label("grade"),
        type_coerce(WaterBody.access, String).label("access"),
        WaterBody.signs,
        WaterBody.rings,
        WaterBody.ropes,
        WaterBody.poles,
    ).order_by(WaterBody.id)
    frame = _frame(connection, query)
    frame["geometry"] = _shapes(frame["geometry"])
    gear = frame[["signs", "rings", "ropes", "poles"]].to_numpy(dtype=float, na_value=np.nan)
    known = (~np.isnan(gear)).sum(axis=1)
    frame["gear_known"] = known / 4.0
    frame["gear_missing"] = np.where(
        known > 0, (gear == 0).sum(axis=1) / np.maximum(known, 1), np.nan
    )
    return frame.drop(columns=["signs", "rings", "ropes", "poles"])


def load_facilities(connection: Connection) -> pd.DataFrame:
    """Load facilities: id, kind, lon, lat, stands (physically there); id order."""
    query = select(
        TrafficFacility.id,
        type_coerce(TrafficFacility.kind, String).label("kind"),
        type_coerce(TrafficFacility.state, String).label("state"),
        TrafficFacility.lon,
        TrafficFacility.lat,
    ).order_by(TrafficFacility.id)
    frame = _frame(connection, query)
    frame["stands"] = frame["state"].isna() | frame["state"].isin(STANDING)
    return frame.drop(columns="state")


def load_gate_facilities(connection: Connection, ids: Ids = None) -> pd.DataFrame:
    """Load facilities that belong to a gate: school_id, gate_id, kind, state (None = unchecked)."""
    query = select(
        Gate.school_id,
        TrafficFacility.gate_id,
        type_coerce(TrafficFacility.kind, String).label("kind"),
        type_coerce(TrafficFacility.state, String).label("state"),
    ).join(Gate, Gate.id == TrafficFacility.gate_id)
    return _frame(connection, query, Gate.school_id, ids)


def load_posts(connection: Connection) -> pd.DataFrame:
    """Load posts: id, kind, lon, lat; id order."""
    query = select(
        PatrolPost.id,
        type_coerce(PatrolPost.kind, String).label("kind"),
        PatrolPost.lon,
        PatrolPost.lat,
    ).order_by(PatrolPost.id)
    return _frame(connection, query)


def load_defence(connection: Connection, ids: Ids = None) -> pd.DataFrame:
    """Load defence states: school_id and the columns the score uses."""
    query = select(
        DefenceState.school_id,
        DefenceState.officers,
        DefenceState.guards_full_time,
        DefenceState.guards_part_time,
        DefenceState.guards_over_50,
        DefenceState.teacher_stand_ins.label("stand_ins"),
        type_coerce(DefenceState.alarm, String).label("alarm"),
        DefenceState.alarm_tested_on,
    )
    return _frame(connection, query, DefenceState.school_id, ids)


def load_post_gaps(
    connection: Connection, ids: Ids = None, *, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Count peak sessions at the schools' gates: school_id, sessions, gaps.

    A gap is a session where a needed role has fewer people than needed: those present
    where somebody checked, else those planned. Days: ``since`` < day ≤ ``until``.
    """
    short = or_(
        *(
            func.coalesce(
                getattr(PostSession, f"present_{role.value}"),
                getattr(PostSession, f"planned_{role.value}"),
            )
            < getattr(PostSession, f"needed_{role.value}")
            for role in PostRole
        )
    )
    query = (
        select(
            Gate.school_id,
            func.count().label("sessions"),
            func.sum(case((short, 1), else_=0)).label("gaps"),
        )
        .select_from(PostSession)
        .join(PatrolPost, PatrolPost.id == PostSession.post_id)
        .join(Gate, Gate.id == PatrolPost.gate_id)
        .where(
            PostSession.on_date > since,
            PostSession.on_date <= until,
            PostSession.kind.in_((SessionKind.ARRIVAL, SessionKind.DISMISSAL)),
        )
        .group_by(Gate.school_id)
    )
    return _frame(connection, query, Gate.school_id, ids)


def load_hazards(
    connection: Connection, ids: Ids = None, *, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Count hazards: school_id, recent, open, overdue, major, repeats.

    ``overdue``: past due and not yet submitted for verification, as on the map.
    ``recent`` and ``repeats`` count those found after ``since``; ``major`` the open ones.
    """
    is_open = Hazard.stage != HazardStage.CLOSED
    is_overdue = Hazard.stage.in_(BEFORE_SUBMISSION) & (Hazard.due_on < until)
    recent = Hazard.found_on > since
    query = (
        select(
            Hazard.school_id,
            _count_if(recent).label("recent"),
            _count_if(is_open).label("open"),
            _count_if(is_overdue).label("overdue"),
            _count_if(is_open & (Hazard.severity == Severity.MAJOR)).label("major"),
            _count_if(recent & Hazard.repeat_of_id.is_not(None)).label("repeats"),
        )
        .where(Hazard.found_on <= until)
        .group_by(Hazard.school_id)
    )
    return _frame(connection, query, Hazard.school_id, ids)


def load_inspected(
    connection: Connection, ids: Ids = None, *, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Count inspections after ``since``: school_id, visits."""
    query = (
        select(Inspection.school_id, func.count().label("visits"))
        .where(Inspection.on_date > since, Inspection.on_date <= until)
        .group_by(Inspection.school_id)
    )
    return _frame(connection, query, Inspection.school_id, ids)


def load_complaints(
    connection: Connection, ids: Ids = None, *, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Sum complaints of the months after ``since``: school_id, complaints."""
    query = (
        select(Complaint.school_id, func.sum(Complaint.count).label("complaints"))
        .where(Complaint.month > since, Complaint.month <= until)
        .group_by(Complaint.school_id)
    )
    return _frame(connection, query, Complaint.school_id, ids)


def has_complaints(connection: Connection, *, since: dt.date, until: dt.date) -> bool:
    """Tell whether the city's hotline figures for the time are loaded at all."""
    query = select(Complaint.id).where(Complaint.month > since, Complaint.month <= until).limit(1)
    return connection.execute(query).first() is not None


def load_self_checks(
    connection: Connection, ids: Ids = None, *, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Count months ``first`` … ``last``: school_id, submitted, zero (checked, none found)."""
    sent = SelfCheck.submitted_on.is_not(None)
    query = (
        select(
            SelfCheck.school_id,
            _count_if(sent).label("submitted"),
            _count_if(sent & (SelfCheck.findings == 0)).label("zero"),
        )
        .where(SelfCheck.month.between(first, last))
        .group_by(SelfCheck.school_id)
    )
    return _frame(connection, query, SelfCheck.school_id, ids)


def has_self_checks(connection: Connection, *, first: dt.date, last: dt.date) -> bool:
    """Tell whether the city collects self-checks at all in these months."""
    query = select(SelfCheck.id).where(SelfCheck.month.between(first, last)).limit(1)
    return connection.execute(query).first() is not None


def load_drills(
    connection: Connection, ids: Ids = None, *, since: dt.date, until: dt.date
) -> pd.DataFrame:
    """Count drills after ``since``, for each school that ever recorded one: school_id, drills."""
    query = (
        select(DrillRecord.school_id, _count_if(DrillRecord.on_date > since).label("drills"))
        .where(DrillRecord.on_date <= until)
        .group_by(DrillRecord.school_id)
    )
    return _frame(connection, query, DrillRecord.school_id, ids)


def load_input_dates(
    connection: Connection,
    school_id: int,
    *,
    water_id: int | None,
    post_id: int | None,
    until: dt.date,
) -> dict[str, dt.date | None]:
    """Return the newest date behind each group of one school's inputs (None = unknown)."""
    gates = select(Gate.id).where(Gate.school_id == school_id)
    posts = select(PatrolPost.id).where(PatrolPost.gate_id.in_(gates))
    queries: dict[str, AnySelect] = {
        "water": select(WaterBody.as_of).where(WaterBody.id == water_id),
        "posts": select(PatrolPost.as_of).where(PatrolPost.id == post_id),
        "facilities": select(func.max(TrafficFacility.checked_on)).where(
            TrafficFacility.gate_id.in_(gates)
        ),
        "gates": select(func.max(Gate.as_of)).where(Gate.school_id == school_id),
        "complaints": select(func.max(Complaint.month)).where(
            Complaint.school_id == school_id, Complaint.month <= until
        ),
        "defence": select(DefenceState.as_of).where(DefenceState.school_id == school_id),
        "alarm_test": select(DefenceState.alarm_tested_on).where(
            DefenceState.school_id == school_id
        ),
        "sessions": select(func.max(PostSession.on_date)).where(
            PostSession.post_id.in_(posts), PostSession.on_date <= until
        ),
        "inspections": select(func.max(Inspection.on_date)).where(
            Inspection.school_id == school_id, Inspection.on_date <= until
        ),
        "self_checks": select(func.max(SelfCheck.submitted_on)).where(
            SelfCheck.school_id == school_id, SelfCheck.submitted_on <= until
        ),
        "drills": select(func.max(DrillRecord.on_date)).where(
            DrillRecord.school_id == school_id, DrillRecord.on_date <= until
        ),
    }
    return {name: connection.execute(query).scalar() for name, query in queries.items()}


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _frame(
    connection: Connection, query: AnySelect, column: Any = None, ids: Ids = None
) -> pd.DataFrame:
    """Run ``query``, in parts when limited to ``ids``, and return one frame."""
    names = [str(described["name"]) for described in query.column_descriptions]
    if ids is None or column is None:
        rows = [tuple(row) for row in connection.execute(query).all()]
    else:
        rows = []
        wanted = sorted({int(i) for i in ids})
        for start in range(0, len(wanted), IDS_PER_QUERY):
            part = query.where(column.in_(wanted[start : start + IDS_PER_QUERY]))
            rows.extend(tuple(row) for row in connection.execute(part).all())
    # plain tuples: pandas would probe every SQLAlchemy row for attributes, at great cost
    return pd.DataFrame.from_records(rows, columns=names)


def _shapes(wkb: pd.Series) -> pd.Series:
    shapes = shapely.from_wkb(wkb.to_numpy(dtype=object))
    return pd.Series(shapes, index=wkb.index, dtype=object)
