"""What the map draws for the one chosen school: boundary, gates, rings, lines with metres."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import shapely
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from db.models import (
    Gate,
    School,
    TrafficFacility,
)
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.words import SIX_FACILITY_KINDS, FacilityState
from geo.zones import zone_rings
from services.house import House
from services.map_layers import LayerFile, feature_collection
from services.map_screen import screen_lonlat
from services.neighbours import list_neighbours, measured_origin
from services.proximity import zone_of_city
from services.rules import rules_in_force


def focus_layer(actor: Actor, house: House, *, school_id: int) -> LayerFile:
    """Return one school's surroundings as GeoJSON.

    Features carry ``role``: campus, gate, ring, water, post, police; lines carry
    ``label`` and ``label_at`` (lon, lat). Raises ``NotFound`` outside the scope.
    """
    require(actor, Permission.VIEW_MAP)
    with house.read() as session:
        school = session.execute(
            select(
                School.id,
                School.lon,
                School.lat,
                type_coerce(School.campus, LargeBinary).label("campus"),
            ).where(schools_readable_by(actor), School.id == school_id)
        ).first()
        if school is None:
            raise NotFound("这所学校")
        gates = session.execute(
            select(Gate.id, Gate.name, Gate.lon, Gate.lat).where(Gate.school_id == school_id)
        ).all()
        missing = _missing_by_gate(session, school_id)
        _, rules = rules_in_force(session.connection(), house.today())
        epsg = zone_of_city(session.connection())
    shapes: list[Any] = []
    properties: list[dict[str, Any]] = []
    origin = measured_origin(
        school.lon, school.lat, school.campus, [(gate.lon, gate.lat) for gate in gates]
    )
    rings = zone_rings(np.array([origin], dtype=object), radii_m=rules.zone_radii_m, epsg=epsg)
    for radius_m, ring in zip(rings["radius_m"], rings["geometry"], strict=True):
        shapes.append(ring)
        properties.append({"role": "ring", "label": f"{radius_m:g} 米"})
    _spread_labels(shapes, properties)
    if school.campus is not None:
        shapes.append(origin)
        properties.append({"role": "campus"})
    for gate in gates:
        shapes.append(shapely.Point(gate.lon, gate.lat))
        properties.append({"role": "gate", "name": gate.name, "missing": missing.get(gate.id, 0)})
    for near in list_neighbours(actor, house, school_id=school_id):
        end_lon, end_lat = shapely.get_coordinates(near.line)[-1]
        shapes.append(near.line)
        properties.append(
            {
                "role": near.role,
                "label": f"{near.kind} {near.metres:,.0f} 米",
                "label_at": [float(end_lon), float(end_lat)],
            }
        )
    _move_labels(house, properties)
    return LayerFile(feature_collection(house, shapes, properties).encode(), {})


def _spread_labels(rings: list[Any], properties: list[dict[str, Any]]) -> None:
    """Put each ring's label on another side of it, so that near rings stay legible."""
    sides = ((0, 1), (1, 0), (0, -1), (-1, 0))
    for i, (ring, described) in enumerate(zip(rings, properties, strict=True)):
        corners = shapely.get_coordinates(ring)
        at = corners[(corners @ np.array(sides[i % 4])).argmax()]
        described["label_at"] = [float(at[0]), float(at[1])]


def _move_labels(house: House, properties: list[dict[str, Any]]) -> None:
    labelled = [p for p in properties if "label_at" in p]
    lon, lat = screen_lonlat(
        house, [p["label_at"][0] for p in labelled], [p["label_at"][1] for p in labelled]
    )
    for described, x, y in zip(labelled, lon, lat, strict=True):
        described["label_at"] = [round(float(x), 6), round(float(y), 6)]


def _missing_by_gate(session: Session, school_id: int) -> dict[int, int]:
    """Count, per gate, the kinds of the six that are missing and nowhere else on record there."""
    rows = session.execute(
        select(TrafficFacility.gate_id, TrafficFacility.kind, TrafficFacility.state)
        .join(Gate, Gate.id == TrafficFacility.gate_id)
        .where(Gate.school_id == school_id, TrafficFacility.kind.in_(SIX_FACILITY_KINDS))
    ).all()
    lacking = {(r.gate_id, r.kind) for r in rows if r.state is FacilityState.MISSING}
    lacking -= {(r.gate_id, r.kind) for r in rows if r.state is not FacilityState.MISSING}
    return Counter(gate_id for gate_id, _ in lacking if gate_id is not None)
