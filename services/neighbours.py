"""The nearest few waters and posts of one school, with the lines that show them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from db.models import Gate, PatrolPost, School, WaterBody
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.words import POLICE_POST_KINDS
from geo.crs import project_geometries, unproject_geometries
from services.cache import VersionedCache
from services.house import House
from services.proximity import STAFFED_POST_KINDS, zone_of_city

REACH_M = 1000.0
"""How far beyond the nearest one others are still shown. [own]"""
MOST = 3
_indexes = VersionedCache(max_entries=4)
_desk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="neighbours")
"""PROJ opens its database anew in every thread (over 100 ms), and each page run is a new
thread: one lasting thread answers in about a millisecond."""
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One thing near a school: ``role`` water, post or police; ``line`` in WGS 84."""

    role: str
    name: str
    kind: str
    note: str
    metres: float
    line: Any


@dataclass(frozen=True)
class _Layer:
    """Things of one role in the city's zone, metres, with what is said of each."""

    role: str
    shapes: Shapes
    tree: shapely.STRtree
    words: list[tuple[str, str, str]]


def list_neighbours(actor: Actor, house: House, *, school_id: int) -> tuple[Neighbour, ...]:
    """Return up to three waters and posts and the nearest police post, nearest first.

    Measured in the city's CGCS2000 3-degree zone from the campus boundary, else the
    nearest gate, else the point. The nearest of each role is always there; others only
    within ``REACH_M``. A water of a neighbouring district is named, its ledger is not
    shown: danger does not stop at a boundary. Raises ``NotFound`` outside the scope.
    """
    require(actor, Permission.VIEW_MAP)
    versions = house.versions()
    key = (str(house.engine.url), *(versions[a] for a in ("base", "schools", "waters", "posts")))
    with house.read() as session:
        origin = _origin(session, actor, school_id)
    return _desk.submit(_find, key, house, origin).result()


def _find(key: tuple[object, ...], house: House, origin: Any) -> tuple[Neighbour, ...]:
    epsg, layers = _indexes.get(key, lambda: _index(house))
    here = project_geometries(np.array([origin], dtype=object), epsg)[0]
    return tuple(
        neighbour
        for layer in layers
        for neighbour in _nearest(layer, here, epsg, 1 if layer.role == "police" else MOST)
    )


def _nearest(layer: _Layer, here: Any, epsg: int, most: int) -> list[Neighbour]:
    if not len(layer.shapes):
        return []
    found = layer.tree.query(here, predicate="dwithin", distance=REACH_M)
    if not len(found):
        found = layer.tree.query_nearest(here, all_matches=False)
    metres = shapely.distance(here, layer.shapes[found])
    order = np.lexsort((found, metres))[:most]
    lines = unproject_geometries(shapely.shortest_line(here, layer.shapes[found[order]]), epsg)
    return [
        Neighbour(layer.role, *layer.words[int(found[at])], metres=float(metres[at]), line=line)
        for at, line in zip(order, lines, strict=True)
    ]


def _origin(session: Session, actor: Actor, school_id: int) -> Any:
    school = session.execute(
        select(School.lon, School.lat, type_coerce(School.campus, LargeBinary)).where(
            schools_readable_by(actor), School.id == school_id
        )
    ).first()
    if school is None:
        raise NotFound("这所学校")
    gates = session.execute(select(Gate.lon, Gate.lat).where(Gate.school_id == school_id)).all()
    return measured_origin(school[0], school[1], school[2], [tuple(gate) for gate in gates])


def measured_origin(
    lon: float, lat: float, campus: bytes | None, gates: list[tuple[float, ...]]
) -> Any:
    """Return what a school is measured from, WGS 84: campus (WKB), else its gates, else its point."""
    if campus is not None:
        return shapely.from_wkb(bytes(campus))
    return shapely.MultiPoint(gates) if gates else shapely.Point(lon, lat)


def _index(house: House) -> tuple[int, tuple[_Layer, ...]]:
    with house.read() as session:
        epsg = zone_of_city(session.connection())
        waters = session.execute(
            select(
                WaterBody.name,
                WaterBody.kind,
                WaterBody.grade,
                type_coerce(WaterBody.geometry, LargeBinary),
            ).order_by(WaterBody.id)
        ).all()
        posts = session.execute(
            select(PatrolPost.name, PatrolPost.kind, PatrolPost.lon, PatrolPost.lat).order_by(
                PatrolPost.id
            )
        ).all()
    water_words = [
        (w.name or w.kind.label, w.kind.label, w.grade.label if w.grade else "等级未评定")
        for w in waters
    ]
    shapes = shapely.from_wkb([bytes(w[3]) for w in waters])

    def of(role: str, kinds: Any) -> _Layer:
        kept = [p for p in posts if p.kind in kinds]
        points = shapely.points([p.lon for p in kept], [p.lat for p in kept])
        return _layer(
            role, points, [(p.name or p.kind.label, p.kind.label, "") for p in kept], epsg
        )

    return epsg, (
        _layer("water", shapes, water_words, epsg),
        of("post", STAFFED_POST_KINDS),
        of("police", POLICE_POST_KINDS),
    )


def _layer(role: str, shapes: Any, words: list[tuple[str, str, str]], epsg: int) -> _Layer:
    ground = project_geometries(np.atleast_1d(np.asarray(shapes, dtype=object)), epsg)
    return _Layer(role, ground, shapely.STRtree(ground), words)
