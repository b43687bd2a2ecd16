"""Recompute, keep and explain the risk of every school."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Connection, delete, select

from db.models import School, SchoolRisk
from db.repositories import risk_inputs as load
from db.scope import schools_readable_by
from db.versions import RISK_BASIS, read_basis, read_versions, set_basis
from domain.access import Actor, Permission, require
from domain.errors import NotFound, UserError
from domain.risk import INPUT_COLUMNS, score_risk
from domain.risk_text import RiskExplanation, explain
from geo.crs import project_geometries
from services.house import House, Work
from services.proximity import measure_schools, origins_of, read_surroundings, zone_of_city
from services.risk_inputs import gather_inputs
from services.rules import ensure_default_rules, rules_in_force, rules_of

Progress = Callable[[int, int, str], None]

READ_AREAS = (
    "base",
    "schools",
    "waters",
    "facilities",
    "posts",
    "sessions",
    "inspections",
    "rules",
)
ROWS_PER_INSERT = 20_000
TOUCH_M = 0.001
"""Distances recomputed from the same shapes may differ in the last digits."""
_FIGURES = ("score", "water_score", "traffic_score", "patrol_score", "management_score")
_WHOLE = (
    "nearest_water_id",
    "nearest_police_id",
    "nearest_post_id",
    "facilities_within_200m",
    "water_id",
    "complaints_12m",
    "students",
    "officers",
    "guards_full_time",
    "guards_total",
    "guards_over_50",
    "stand_ins",
    "alarm_test_age_days",
    "open_hazards",
    "overdue_hazards",
    "major_hazards",
    "repeat_hazards",
    "drills_done",
    "drills_due",
)


def recompute_risk(
    actor: Actor,
    house: House,
    *,
    school_ids: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> int:
    """Recompute and store the risk of all active schools, or of the ones named.

    Reads first, so that other writers need not wait; if anything it read has changed
    when its turn to write comes, it reads again inside the write. Schools that are
    closed or suspended lose their row. A recompute of all schools leaves, in the same
    transaction, the versions of what it read (see ``risk_is_stale``); one of a few schools
    does not, since it cannot know about the others. Returns how many schools were computed.
    """
    require(actor, Permission.RECOMPUTE_RISK)
    ensure_default_rules(house)
    say = progress or _silent
    today = house.today()
    with house.read() as session:
        seen = _versions(session.connection())
        frame = _compute(session.connection(), today, school_ids, say)
    with house.write(actor) as work:
        # A version read before its data can only make fresh figures look stale, never stale
        # ones fresh.
        now = _versions(work.connection)
        if now != seen:
            frame = _compute(work.connection, today, school_ids, _silent)
        _store(work, frame, today, school_ids, say)
        if school_ids is None:
            set_basis(work.connection, RISK_BASIS, sum(now))
        work.bump("risk")
        work.audit(
            "risk.recomputed",
            "全部学校" if school_ids is None else f"{len(set(school_ids))} 所学校",
            {"schools": len(frame), "as_of": today.isoformat()},
        )
    return len(frame)


def risk_is_stale(house: House) -> bool:
    """Tell whether anything a risk reads was written since all schools were last computed.

    One small query. A city without schools has nothing to compute and is never stale; the
    passing of days (deadlines, the season) is not a write and does not count.
    """
    with house.read() as session:
        basis, versions = read_basis(session.connection(), RISK_BASIS, READ_AREAS)
    return versions["schools"] > 0 and basis != sum(versions.values())


def affected_schools(
    house: House,
    *,
    geometry: BaseGeometry | None = None,
    lon: float | None = None,
    lat: float | None = None,
    radius_m: float,
) -> list[int]:
    """Return ids of the active schools whose figures may change with an object there.

    Those within ``radius_m`` of it, those it is (or was, or now becomes) the nearest of
    its kind for, and those without a complete stored figure. WGS 84 geometry or lon/lat;
    for an object that moved, give the union of its old and new shape.
    """
    if geometry is None:
        if lon is None or lat is None:
            raise ValueError("geometry, or lon and lat, must be given")
        geometry = shapely.Point(lon, lat)
    with house.read() as session:
        connection = session.connection()
        epsg = zone_of_city(connection)
        schools = load.load_schools(connection)
        origins = origins_of(schools, load.load_gates(connection), epsg)
        nearest = [
            SchoolRisk.nearest_water_m,
            SchoolRisk.nearest_signal_m,
            SchoolRisk.nearest_crossing_m,
            SchoolRisk.nearest_police_m,
            SchoolRisk.nearest_post_m,
        ]
        rows = [tuple(r) for r in connection.execute(select(SchoolRisk.school_id, *nearest))]
    there = project_geometries(np.array([geometry], dtype=object), epsg)[0]
    distance = np.asarray(shapely.distance(origins.geometries(), there))
    stored = pd.DataFrame.from_records(rows, columns=["id", *"wscpo"]).set_index("id")
    known = stored.reindex(schools["id"]).to_numpy(dtype=float, na_value=np.nan)
    # an unknown nearest distance means that anything new, anywhere, may be the nearest
    reach = np.maximum(np.where(np.isnan(known), np.inf, known).max(axis=1), radius_m)
    return [int(i) for i in schools["id"].to_numpy()[distance <= reach + TOUCH_M]]


def recompute_near(
    actor: Actor,
    house: House,
    *,
    geometry: BaseGeometry,
    also_school_ids: Sequence[int] = (),
) -> int:
    """Recompute the schools that one changed object touches; equals a full recompute.

    ``geometry``: the object's shape in WGS 84; where it moved, the union of both shapes.
    ``also_school_ids``: schools tied to the object by record and not by distance, such as
    the school whose gate a facility or post belongs to.
    """
    with house.read() as session:
        _, rules = rules_in_force(session.connection(), house.today())
    radius_m = max(rules.water_radius_m, rules.facility_radius_m)
    ids = affected_schools(house, geometry=geometry, radius_m=radius_m)
    return recompute_risk(actor, house, school_ids=[*ids, *also_school_ids])


def explain_school(actor: Actor, house: House, *, school_id: int) -> RiskExplanation:
    """Explain the stored risk of one school: why, from what, and what to collect next.

    Raises ``NotFound`` outside the actor's scope, ``UserError`` where nothing was computed.
    """
    require(actor, Permission.VIEW_MAP)
    with house.read() as session:
        found = session.execute(
            select(School.name, SchoolRisk)
            .outerjoin(SchoolRisk, SchoolRisk.school_id == School.id)
            .where(School.id == school_id, schools_readable_by(actor))
        ).first()
        if found is None:
            raise NotFound("该学校")
        name, risk = found
        if risk is None or risk.rule_set_id is None:
            raise UserError(
                f"{name}还没有风险结果。",
                "停办、撤并的学校不计算；其他学校请管理员运行 manage.py recompute。",
            )
        connection = session.connection()
        rules = rules_of(connection, risk.rule_set_id)
        dates = load.load_input_dates(
            connection,
            school_id,
            water_id=risk.water_id,
            post_id=risk.nearest_post_id,
            until=risk.as_of,
        )
    return explain(
        {column: getattr(risk, column) for column in INPUT_COLUMNS},
        {column: getattr(risk, column) for column in (*_FIGURES, "level", "completeness")},
        rules,
        on=risk.as_of,
        school_name=name,
        dates=dates,
    )


def _compute(
    connection: Connection, today: dt.date, school_ids: Sequence[int] | None, say: Progress
) -> pd.DataFrame:
    """Return rows of ``school_risk`` (without time), one a school, indexed from 0."""
    say(0, 4, "读取数据")
    rule_set_id, rules = rules_in_force(connection, today)
    schools = load.load_schools(connection, school_ids)
    gates = load.load_gates(connection, school_ids)
    around = read_surroundings(connection)
    say(1, 4, "量算周边")
    measured = measure_schools(schools, gates, around, rules)
    say(2, 4, "汇总记录")
    inputs = gather_inputs(
        connection, schools, gates, measured, around, rules, today, ids=school_ids
    )
    say(3, 4, "计算风险")
    scores = score_risk(inputs, rules, on=today)
    frame = pd.DataFrame({"school_id": schools["id"], "rule_set_id": rule_set_id})
    columns = {
        **{str(name): scores[name].to_numpy() for name in scores.columns},
        "measured_from": measured.origins.measured_from,
        "precision_m": measured.precision_m,
        "nearest_water_m": measured.water.distance_m,
        "nearest_water_id": _ids(measured.water.index, measured.water_ids),
        "nearest_signal_m": measured.signal_m,
        "nearest_crossing_m": measured.crossing_m,
        "nearest_police_m": measured.police.distance_m,
        "nearest_police_id": _ids(measured.police.index, measured.police_ids),
        "nearest_post_id": _ids(measured.post.index, measured.post_ids),
        "facilities_within_200m": measured.facilities_within_200m,
        **{name: inputs[name].to_numpy() for name in (*INPUT_COLUMNS, "water_id")},
    }
    say(4, 4, "计算风险")
    return frame.assign(**columns)


def _store(
    work: Work,
    frame: pd.DataFrame,
    today: dt.date,
    school_ids: Sequence[int] | None,
    say: Progress,
) -> None:
    connection = work.connection
    if school_ids is None:
        connection.execute(delete(SchoolRisk))
    else:
        wanted = sorted({int(i) for i in school_ids})
        for start in range(0, len(wanted), load.IDS_PER_QUERY):
            some = wanted[start : start + load.IDS_PER_QUERY]
            connection.execute(delete(SchoolRisk).where(SchoolRisk.school_id.in_(some)))
    insert = SchoolRisk.__table__.insert()  # type: ignore[attr-defined]
    for start in range(0, len(frame), ROWS_PER_INSERT):
        part = frame.iloc[start : start + ROWS_PER_INSERT]
        columns = {str(n): _plain(part[n], whole=n in _WHOLE) for n in part.columns}
        rows = [
            dict(zip(columns, values, strict=True))
            for values in zip(*columns.values(), strict=True)
        ]
        for row in rows:
            row["computed_at"], row["as_of"] = work.at, today
        connection.execute(insert, rows)
        say(min(start + ROWS_PER_INSERT, len(frame)), len(frame), "保存结果")


def _plain(values: pd.Series, *, whole: bool) -> list[object]:
    """Return Python values, ``None`` for unknown; whole numbers as ``int``."""
    plain = values.astype(object).where(values.notna(), None).tolist()
    return [None if v is None else int(v) for v in plain] if whole else plain


def _ids(index: np.ndarray, ids: np.ndarray) -> np.ndarray:
    if not len(ids):
        return np.full(len(index), np.nan)
    return np.where(index >= 0, ids[index], np.nan)


def _versions(connection: Connection) -> tuple[int, ...]:
    versions = read_versions(connection)
    return tuple(versions[area] for area in READ_AREAS)


def _silent(_done: int, _total: int, _what: str) -> None:
    """Say nothing."""
