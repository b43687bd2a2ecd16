"""Measure every school against waters, facilities and posts; export the distances."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from db.models import SchoolRisk
from db.repositories import risk_inputs as load
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.rules import RiskRules
from domain.words import POLICE_POST_KINDS, FacilityKind, PostKind
from geo.crs import city_epsg, project, project_geometries
from geo.proximity import (
    GeometryLayer,
    Nearest,
    Origins,
    Pairs,
    PointLayer,
    count_points_within,
    geometries_within,
    nearest_geometry,
    nearest_point,
)
from services.house import House
from services.rules import ensure_default_rules, rules_in_force

EXPORT_COLUMNS = (
    "school_code",
    "name",
    "lon",
    "lat",
    "nearest_water_m",
    "nearest_signal_m",
    "nearest_crossing_m",
    "nearest_police_m",
    "facilities_within_200m",
    "score",
    "level",
    "completeness",
)
STAFFED_POST_KINDS = (
    PostKind.SCHOOL_GUARD,
    PostKind.POLICE_STATION,
    PostKind.POLICE_BOX,
    PostKind.PATROL_POINT,
)
"""Posts that answer for a school's safety; a water watch answers for a water."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
EMPTY_CITY_LON = 117.0
FACILITY_COUNT_RADIUS_M = 200.0
"""The column says 200 m in its name, so this one is not a rule-set parameter."""


@dataclass(frozen=True)
class Surroundings:
    """All layers round the schools, read once."""

    waters: pd.DataFrame
    facilities: pd.DataFrame
    posts: pd.DataFrame
    epsg: int


@dataclass(frozen=True)
class Measured:
    """Distances in metres of each school of a frame, in its order; NaN / −1 = none."""

    origins: Origins
    precision_m: NDArray[np.float64]
    water: Nearest
    signal_m: NDArray[np.float64]
    crossing_m: NDArray[np.float64]
    police: Nearest
    post: Nearest
    facilities_within_200m: NDArray[np.float64]
    waters_in_reach: Pairs
    water_ids: NDArray[np.int64]
    police_ids: NDArray[np.int64]
    post_ids: NDArray[np.int64]


def zone_of_city(connection: Connection) -> int:
    """Return the EPSG code of the city's metre zone: as set, else by the median school."""
    set_by_hand = load.load_city_epsg(connection)
    if set_by_hand is not None:
        return set_by_hand
    lon = load.load_median_lon(connection)
    return city_epsg(EMPTY_CITY_LON if lon is None else lon)


def read_surroundings(connection: Connection) -> Surroundings:
    """Read waters, facilities and posts whole."""
    return Surroundings(
        waters=load.load_waters(connection),
        facilities=load.load_facilities(connection),
        posts=load.load_posts(connection),
        epsg=zone_of_city(connection),
    )


def origins_of(schools: pd.DataFrame, gates: pd.DataFrame, epsg: int) -> Origins:
    """Return where each school is measured from, projected to ``epsg``."""
    position = pd.Series(np.arange(len(schools)), index=schools["id"].to_numpy())
    own = gates[gates["school_id"].isin(position.index)]
    return Origins.build(
        _xy(schools, epsg),
        campus=project_geometries(schools["campus"].to_numpy(), epsg),
        gate_xy=_xy(own, epsg),
        gate_owner=position.reindex(own["school_id"]).to_numpy(dtype=np.int64),
    )


def measure_schools(
    schools: pd.DataFrame, gates: pd.DataFrame, around: Surroundings, rules: RiskRules
) -> Measured:
    """Measure schools against their surroundings, with no distance cut-off.

    Args:
        schools: columns of ``load_schools``.
        gates: columns of ``load_gates``; gates of other schools are ignored.
        around: the layers; a facility that is missing on the ground is no facility.
        rules: for the reach of waters that count and the stated precisions.
    """
    origins = origins_of(schools, gates, around.epsg)
    water_layer = GeometryLayer.build(
        project_geometries(around.waters["geometry"].to_numpy(), around.epsg)
    )
    standing = around.facilities[around.facilities["stands"].to_numpy(dtype=bool)]
    posts = around.posts
    police = posts[posts["kind"].isin(POLICE_POST_KINDS)]
    staffed = posts[posts["kind"].isin(STAFFED_POST_KINDS)]
    counted = count_points_within(
        origins, PointLayer.build(_xy(standing, around.epsg)), FACILITY_COUNT_RADIUS_M
    ).astype(float)
    if not len(around.facilities):
        counted[:] = np.nan  # no facility layer was ever loaded: that is not "none"

    def nearest_facility(kind: FacilityKind) -> NDArray[np.float64]:
        of_kind = standing[standing["kind"] == kind]
        return nearest_point(origins, PointLayer.build(_xy(of_kind, around.epsg))).distance_m

    return Measured(
        origins=origins,
        precision_m=origins.precision_m(
            _floats(schools, "accuracy_m"),
            campus_precision_m=rules.campus_precision_m,
            gate_precision_m=rules.gate_precision_m,
        ),
        water=nearest_geometry(origins, water_layer),
        signal_m=nearest_facility(FacilityKind.SIGNAL),
        crossing_m=nearest_facility(FacilityKind.CROSSING),
        police=nearest_point(origins, PointLayer.build(_xy(police, around.epsg))),
        post=nearest_point(origins, PointLayer.build(_xy(staffed, around.epsg))),
        facilities_within_200m=counted,
        waters_in_reach=geometries_within(origins, water_layer, rules.water_radius_m),
        water_ids=around.waters["id"].to_numpy(dtype=np.int64),
        police_ids=police["id"].to_numpy(dtype=np.int64),
        post_ids=staffed["id"].to_numpy(dtype=np.int64),
    )


def list_proximity(actor: Actor, house: House) -> pd.DataFrame:
    """Return the distances and the stored risk of every school the actor may see.

    Columns ``EXPORT_COLUMNS``, ordered by code: lon/lat WGS 84; ``nearest_*_m`` metres in
    the city's zone from campus boundary, else nearest gate, else point, exact and with no
    cut-off, measured now; ``score``, ``level`` (stable English word) and ``completeness``
    as last computed. NaN/None = unknown.
    """
    require(actor, Permission.EXPORT_PROXIMITY)
    ensure_default_rules(house)
    today = house.today()
    with house.read() as session:
        connection = session.connection()
        _, rules = rules_in_force(connection, today)
        schools = load.load_schools(connection, only_active=False, where=schools_readable_by(actor))
        gates = load.load_gates(connection)
        measured = measure_schools(schools, gates, read_surroundings(connection), rules)
        rows = connection.execute(
            select(
                SchoolRisk.school_id, SchoolRisk.score, SchoolRisk.level, SchoolRisk.completeness
            )
        )
        stored = pd.DataFrame.from_records(
            [tuple(row) for row in rows], columns=["school_id", "score", "level", "completeness"]
        ).set_index("school_id")
    risk = stored.reindex(schools["id"])
    frame = pd.DataFrame(
        {
            "school_code": schools["code"],
            "name": schools["name"],
            "lon": schools["lon"],
            "lat": schools["lat"],
            "nearest_water_m": measured.water.distance_m,
            "nearest_signal_m": measured.signal_m,
            "nearest_crossing_m": measured.crossing_m,
            "nearest_police_m": measured.police.distance_m,
            "facilities_within_200m": pd.array(measured.facilities_within_200m).astype("Int64"),
            "score": _floats(risk, "score"),
            "level": [None if pd.isna(word) else str(word) for word in risk["level"]],
            "completeness": _floats(risk, "completeness"),
        },
        columns=list(EXPORT_COLUMNS),
    )
    return frame.sort_values("school_code", ignore_index=True)


def export_proximity_csv(actor: Actor, house: House, *, out: Path) -> int:
    """Write ``list_proximity`` as CSV (UTF-8 with BOM, unknown empty) and return the row count.

    Distances carry 0.01 m, coordinates 1e-7 degree. Text that a spreadsheet would run as
    a formula gets a leading apostrophe. The export is an audit event.
    """
    frame = list_proximity(actor, house)
    cells = pd.DataFrame(index=frame.index)
    digits = {"lon": 7, "lat": 7, "score": 2, "completeness": 4}
    for column in EXPORT_COLUMNS:
        values = frame[column]
        if column in ("school_code", "name"):
            cells[column] = values.map(_harmless)
        elif column.endswith("_m") or column in digits:
            places = digits.get(column, 2)
            cells[column] = ["" if np.isnan(v) else f"{v:.{places}f}" for v in values]
        else:
            cells[column] = ["" if pd.isna(v) else str(v) for v in values]
    out.parent.mkdir(parents=True, exist_ok=True)
    cells.to_csv(
        out, index=False, encoding="utf-8-sig", lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL
    )
    with house.write(actor) as work:
        work.audit("proximity.exported", out.name, {"rows": len(cells)})
    return len(cells)


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _xy(frame: pd.DataFrame, epsg: int) -> NDArray[np.float64]:
    return np.column_stack(project(_floats(frame, "lon"), _floats(frame, "lat"), epsg))


def _floats(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return np.asarray(pd.to_numeric(frame[name]).to_numpy(dtype=float, na_value=np.nan))
