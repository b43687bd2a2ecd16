"""The things round the schools as files for the browser: ground, waters, facilities, posts."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import ColumnElement, LargeBinary, String, func, select, type_coerce

from db.models import (
    District,
    Gate,
    PatrolPost,
    PostSession,
    RoadSegment,
    School,
    TrafficFacility,
    WaterBody,
)
from db.scope import (
    facilities_readable_by,
    gates_readable_by,
    posts_readable_by,
    schools_readable_by,
    waters_readable_by,
)
from domain.access import Actor, Permission, require
from domain.post_state import MANNING_ORDER, Manning, manning_index
from domain.words import (
    SIX_FACILITY_KINDS,
    DistrictLevel,
    FacilityKind,
    FacilityState,
    PostKind,
    PostRole,
    RoadClass,
    SessionKind,
    WaterGrade,
)
from geo.tiles import world_pixels
from services.cache import VersionedCache
from services.house import House
from services.map_pack import Column, pack, shape_columns
from services.map_schools import load_school_table
from services.map_screen import screen_datum, screen_pixels, screen_shapes

SIMPLIFY_DEG = 0.00004
"""About 4 m: under one pixel at zoom 15, where campuses take over. source: own choice"""
NEAR_LIMIT = 500
FACILITY_STATES: tuple[str, ...] = ("ok", "faded", "damaged", "missing", "unknown")
GRADES: tuple[str, ...] = ("major", "larger", "general", "unknown")
NOT_TOLD = 255
ROAD_CLASSES = tuple(word.value for word in reversed(RoadClass))
"""The least first: what is drawn last lies on top."""
_files = VersionedCache(max_entries=64)


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A file for the browser and the counts its legend shows."""

    body: bytes
    counts: dict[str, int]
    table: tuple[tuple[str | int, ...], ...] = ()


def layer_version(house: House, *areas: str) -> str:
    """Return the text that changes whenever one of ``areas`` is written."""
    versions = house.versions()
    return "-".join([*(str(versions[area]) for area in areas), screen_datum(house).value])


def _cached(house: House, actor_key: str, name: str, version: str, make: Any) -> LayerFile:
    return _files.get((str(house.engine.url), name, actor_key, version), make)  # type: ignore[no-any-return]


def base_layer(actor: Actor, house: House) -> LayerFile:
    """Return districts (with label positions) and roads; public, so not scoped.

    A column file of three ``map_pack.shape_columns``: ``land_…`` the counties, ``border_…``
    two shapes, the lines between townships and those between counties, and ``road_…`` one
    shape a road class, in the order of the header's ``roads``.
    """
    require(actor, Permission.VIEW_MAP)
    return _cached(house, "all", "base", layer_version(house, "base"), lambda: _base(house))


def water_layer(actor: Actor, house: House) -> LayerFile:
    """Return all waters: shapes for everybody, the ledger within the scope only.

    A column file of ``map_pack.shape_columns`` with ``grade`` (position in ``GRADES``,
    255 = not the reader's), ``gear`` (0 short, 1 complete, 255 unknown) and header ``tips``.
    """
    require(actor, Permission.VIEW_MAP)
    version = layer_version(house, "waters")
    return _cached(house, actor.scope_key, "waters", version, lambda: _waters(actor, house))


def facility_layer(actor: Actor, house: House) -> LayerFile:
    """Return facilities as a column file; what a gate lacks is one point at that gate."""
    require(actor, Permission.VIEW_MAP)
    version = layer_version(house, "facilities", "schools")
    return _cached(house, actor.scope_key, "facilities", version, lambda: _facilities(actor, house))


def post_layer(
    actor: Actor, house: House, *, on_date: dt.date | None, kind: SessionKind
) -> LayerFile:
    """Return posts with their manning at one session; no date = no session known."""
    require(actor, Permission.VIEW_MAP)
    version = f"{layer_version(house, 'posts', 'sessions')}|{on_date}|{kind}"
    return _cached(
        house, actor.scope_key, "posts", version, lambda: _posts(actor, house, on_date, kind)
    )


def session_dates(actor: Actor, house: House) -> list[dt.date]:
    """Return the days that have post sessions, newest first, none in the future."""
    require(actor, Permission.VIEW_MAP)
    today = house.today()
    with house.read() as session:
        days = session.scalars(
            select(PostSession.on_date)
            .where(PostSession.on_date <= today)
            .distinct()
            .order_by(PostSession.on_date.desc())
        ).all()
    return list(days)


def near_layer(actor: Actor, house: House, *, box: tuple[float, float, float, float]) -> LayerFile:
    """Return campuses and gates of the actor's schools inside ``box`` (W, S, E, N, degrees)."""
    table = load_school_table(actor, house)
    west, south, east, north = box
    x, y = world_pixels(np.array([west, east]), np.array([north, south]))
    inside = (table.x >= x[0]) & (table.x <= x[1]) & (table.y >= y[0]) & (table.y <= y[1])
    ids = [int(i) for i in table.ids[inside][::-1][:NEAR_LIMIT]]
    with house.read() as session:
        campuses = session.execute(
            select(School.id, type_coerce(School.campus, LargeBinary)).where(
                schools_readable_by(actor), School.id.in_(ids), School.campus.is_not(None)
            )
        ).all()
        gates = session.execute(
            select(Gate.id, Gate.lon, Gate.lat).where(
                gates_readable_by(actor), Gate.school_id.in_(ids)
            )
        ).all()
    shapes = list(shapely.from_wkb([bytes(row[1]) for row in campuses]))
    points = list(shapely.points([g.lon for g in gates], [g.lat for g in gates])) if gates else []
    properties = [{"role": "campus"}] * len(shapes) + [{"role": "gate"}] * len(points)
    return LayerFile(feature_collection(house, shapes + points, properties).encode(), {})


def _base(house: House) -> LayerFile:
    with house.read() as session:
        districts = session.execute(
            select(
                type_coerce(District.level, String),
                District.name,
                type_coerce(District.boundary, LargeBinary),
            ).where(District.boundary.is_not(None), District.level != DistrictLevel.CITY)
        ).all()
        roads = session.execute(
            select(
                type_coerce(RoadSegment.road_class, String),
                type_coerce(RoadSegment.geometry, LargeBinary),
            )
        ).all()
    shapes = shapely.from_wkb([bytes(d[2]) for d in districts])
    labels = screen_shapes(house, shapely.point_on_surface(shapes))
    is_county = np.array([d[0] == DistrictLevel.COUNTY.value for d in districts], dtype=bool)
    townships = shapely.coverage_simplify(shapes[~is_county], SIMPLIFY_DEG * 4)
    counties = shapely.coverage_simplify(shapes[is_county], SIMPLIFY_DEG * 4)
    named = [
        {"level": d[0], "name": d[1], "label": [round(p.x, 5), round(p.y, 5)]}
        for d, p in zip(districts, labels, strict=True)
    ]
    # One shape a class, the least first: the browser draws each with one stroke.
    classes = [name for name in ROAD_CLASSES if name in {r[0] for r in roads}]
    lines = [
        shapely.multilinestrings(
            shapely.get_parts(
                shapely.simplify(
                    shapely.from_wkb([bytes(r[1]) for r in roads if r[0] == name]), SIMPLIFY_DEG
                )
            )
        )
        for name in classes
    ]
    columns = [
        *shape_columns(house, counties, "land_"),
        *shape_columns(house, [_borders(townships), _borders(counties)], "border_"),
        *shape_columns(house, lines, "road_"),
    ]
    return LayerFile(pack(len(named), columns, {"districts": named, "roads": classes}), {})


def _borders(areas: Any) -> Any:
    """Return each border once: drawn from both sides, the dashes of two would fill each other."""
    return shapely.line_merge(shapely.union_all(shapely.boundary(areas)))


def _waters(actor: Actor, house: House) -> LayerFile:
    mine: ColumnElement[bool] = waters_readable_by(actor)
    with house.read() as session:
        rows = session.execute(
            select(
                WaterBody.id,
                WaterBody.name,
                WaterBody.kind,
                WaterBody.grade,
                WaterBody.signs,
                WaterBody.rings,
                WaterBody.ropes,
                WaterBody.poles,
                WaterBody.last_patrol_on,
                mine.label("mine"),
                type_coerce(WaterBody.geometry, LargeBinary),
            )
        ).all()
    shapes = shapely.simplify(shapely.from_wkb([bytes(r[10]) for r in rows]), SIMPLIFY_DEG)
    counts = dict.fromkeys((*GRADES, "total", "gear_short"), 0)
    grades = np.full(len(rows), NOT_TOLD, dtype=np.uint8)
    gears = np.full(len(rows), NOT_TOLD, dtype=np.uint8)
    tips = []
    for i, row in enumerate(rows):
        if not row.mine:
            tips.append(row.name or row.kind.label)
            continue
        gear = [row.signs, row.rings, row.ropes, row.poles]
        grade = row.grade.value if row.grade else "unknown"
        grades[i] = GRADES.index(grade)
        if None not in gear:
            gears[i] = all(gear)
        counts[grade] += 1
        counts["total"] += 1
        counts["gear_short"] += int(gears[i] == 0)
        tips.append(_water_tip(row, gear))
    columns = [*shape_columns(house, shapes), ("grade", "u1", grades), ("gear", "u1", gears)]
    return LayerFile(pack(len(rows), columns, {"tips": tips}), counts)


def _water_tip(row: Any, gear: list[int | None]) -> str:
    names = ("警示牌", "救生圈", "救生绳", "救生杆")
    unknown = [n for n, c in zip(names, gear, strict=True) if c is None]
    short = [n for n, c in zip(names, gear, strict=True) if c == 0]
    lines = [f"{row.name or '（未命名）'} · {row.kind.label}"]
    lines.append(WaterGrade(row.grade).label if row.grade else "危险等级未评定")
    if short:
        lines.append("缺 " + "、".join(short))
    if unknown:
        lines.append("未登记 " + "、".join(unknown))
    if not short and not unknown:
        lines.append("四类救生设备齐全")
    return "\n".join(lines)


def _facilities(actor: Actor, house: House) -> LayerFile:
    with house.read() as session:
        rows = session.execute(
            select(
                TrafficFacility.id,
                TrafficFacility.lon,
                TrafficFacility.lat,
                type_coerce(TrafficFacility.kind, String),
                func.coalesce(type_coerce(TrafficFacility.state, String), "unknown"),
                TrafficFacility.gate_id,
                Gate.lon,
                Gate.lat,
            )
            .outerjoin(Gate, Gate.id == TrafficFacility.gate_id)
            .where(facilities_readable_by(actor))
            .order_by(TrafficFacility.id)
        ).all()
    rows = [r for r in rows if r[4] != FacilityState.NOT_APPLICABLE.value]
    kinds = [kind.value for kind in FacilityKind]
    kind = np.array([kinds.index(r[3]) for r in rows], dtype=np.uint8)
    state = np.array([FACILITY_STATES.index(r[4]) for r in rows], dtype=np.uint8)
    gate = np.array([r[5] or 0 for r in rows], dtype=np.int64)
    at_gate = np.array([r[6] is not None for r in rows], dtype=bool)
    missing = state == FACILITY_STATES.index("missing")
    # What is missing has no place of its own: show it where it should stand.
    lon = np.array([r[6] if r[4] == "missing" and r[6] else r[1] for r in rows], dtype=float)
    lat = np.array([r[7] if r[4] == "missing" and r[7] else r[2] for r in rows], dtype=float)
    gap, keep = _merge_gaps(kind, gate, missing & at_gate, kinds)
    x, y = screen_pixels(house, lon, lat)
    columns: list[Column] = [
        ("id", "u4", np.array([r[0] for r in rows], dtype=np.uint32)[keep]),
        ("x", "i4", x[keep]),
        ("y", "i4", y[keep]),
        ("kind", "u1", kind[keep]),
        ("state", "u1", state[keep]),
        ("gap", "u1", gap[keep]),
    ]
    counts = {s: int((state == i).sum()) for i, s in enumerate(FACILITY_STATES)}
    counts["total"] = len(rows)
    matrix = np.zeros((len(kinds), len(FACILITY_STATES)), dtype=int)
    np.add.at(matrix, (kind, state), 1)
    table: tuple[tuple[str | int, ...], ...] = tuple(
        (FacilityKind(k).label, *(int(n) for n in matrix[i]))
        for i, k in enumerate(kinds)
        if matrix[i].sum()
    )
    return LayerFile(pack(int(keep.sum()), columns, {}), counts, table)


def _merge_gaps(
    kind: npt.NDArray[np.uint8],
    gate: npt.NDArray[np.int64],
    gaps: npt.NDArray[np.bool_],
    kinds: list[str],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Fold a gate's missing kinds into one point: bits of the six kinds, and rows to keep."""
    six = np.array([kinds.index(k.value) for k in SIX_FACILITY_KINDS])
    bit = np.zeros(len(kinds), dtype=np.uint8)
    bit[six] = 1 << np.arange(len(six))
    gap = np.zeros(len(kind), dtype=np.uint8)
    keep = np.ones(len(kind), dtype=bool)
    at = np.flatnonzero(gaps)
    if len(at):
        _, first, group = np.unique(gate[at], return_index=True, return_inverse=True)
        bits = np.zeros(len(first), dtype=np.uint8)
        np.bitwise_or.at(bits, group, bit[kind[at]])
        keep[at] = False
        keep[at[first]] = True
        gap[at[first]] = bits
    return gap, keep


def _posts(actor: Actor, house: House, on_date: dt.date | None, kind: SessionKind) -> LayerFile:
    roles = [role.value for role in PostRole]
    with house.read() as session:
        posts = session.execute(
            select(
                PatrolPost.id,
                PatrolPost.lon,
                PatrolPost.lat,
                type_coerce(PatrolPost.kind, String),
                PatrolPost.name,
            )
            .where(posts_readable_by(actor))
            .order_by(PatrolPost.id)
        ).all()
        columns = [
            getattr(PostSession, f"{what}_{role}")
            for what in ("needed", "planned", "present")
            for role in roles
        ]
        rows = session.execute(
            select(PostSession.post_id, *columns)
            .join(PatrolPost, PatrolPost.id == PostSession.post_id)
            .where(
                posts_readable_by(actor), PostSession.on_date == on_date, PostSession.kind == kind
            )
        ).all()
    ids = np.array([p[0] for p in posts], dtype=np.uint32)
    numbers = np.full((len(posts), 3 * len(roles)), np.nan)
    if rows and len(ids):
        at = np.searchsorted(ids, np.array([r[0] for r in rows], dtype=np.uint32))
        numbers[at] = np.array([[np.nan if v is None else v for v in r[1:]] for r in rows])
    needed, planned, present = np.split(numbers, 3, axis=1)
    manned = manning_index(needed=np.nan_to_num(needed), planned=planned, present=present)
    kinds = [k.value for k in PostKind]
    kind_at = np.array([kinds.index(p[3]) for p in posts], dtype=np.uint8)
    standing = kind_at != kinds.index(PostKind.SCHOOL_GUARD.value)
    no_roster = manned == MANNING_ORDER.index(Manning.NO_ROSTER)
    manned[standing & no_roster] = MANNING_ORDER.index(Manning.FIXED)
    x, y = screen_pixels(house, [p[1] for p in posts], [p[2] for p in posts])
    counts = {m.value: int((manned == i).sum()) for i, m in enumerate(MANNING_ORDER)}
    counts |= {f"kind:{name}": int((kind_at == i).sum()) for i, name in enumerate(kinds)}
    counts["total"] = len(posts)
    body = pack(
        len(posts),
        [
            ("id", "u4", ids),
            ("x", "i4", x),
            ("y", "i4", y),
            ("kind", "u1", kind_at),
            ("manned", "u1", manned),
        ],
        {"names": [p[4] for p in posts]},
    )
    return LayerFile(body, counts)


def feature_collection(
    house: House, shapes: Iterable[Any], properties: list[dict[str, Any]]
) -> str:
    """Return a GeoJSON text with six decimals (11 cm), enough for any screen."""
    moved = screen_shapes(house, list(shapes))
    rounded = shapely.transform(moved, lambda xy: np.round(xy, 6))
    features = [
        f'{{"type":"Feature","properties":{_compact_json(p)},"geometry":{g}}}'
        for g, p in zip(shapely.to_geojson(rounded), properties, strict=True)
        if g is not None
    ]
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'


def _compact_json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
