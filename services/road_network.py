"""How the day's travel is reckoned: by our own roads, else straight line × a shown factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, LargeBinary, String, select, type_coerce

from db.models import RoadSegment
from db.versions import read_versions
from domain.day_task import E7, Table, TravelTable
from domain.sampling_rules import SHIPPED, SamplingRules
from geo.crs import project, project_geometries, unproject
from geo.road_graph import Access, Floats, RoadGraph, build_graph, draw_ways, find_ways
from services.cache import VersionedCache
from services.house import House
from services.proximity import zone_of_city
from services.rules import sampling_rules_in_force

ACCESS_LIMIT_M = 3_000
"""A point farther from every road has no way by road. source: [own]"""
SIMPLIFY_M = 5.0
"""A route's picture: under two pixels at zoom 16. source: own choice"""
_bases = VersionedCache(max_entries=2)

Path = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class TravelBasis:
    """What travel is reckoned from: roads (``graph`` may be ``None``) and the straight line.

    ``roads`` counts the segments in the graph; ``rules`` give speeds and the detour factor.
    """

    graph: RoadGraph | None
    roads: int
    epsg: int
    rules: SamplingRules = SHIPPED

    @property
    def text(self) -> str:
        """Say in Chinese how travel is reckoned."""
        straight = f"直线距离×{self.rules.detour_pct / 100:g}、{self.rules.straight_kmh} 公里/小时"
        if self.graph is None:
            return f"没有路网数据，按{straight}计算"
        speeds = self.rules.road_kmh.values()
        return (
            f"按路网 {self.roads:,} 段计算，车速按道路等级取 {min(speeds)}–{max(speeds)} 公里/小时，"
            f"单行、禁转和立交不计；路网不通处按{straight}计算"
        )

    @property
    def access(self) -> Access:
        """Return how a gate reaches the nearest road."""
        return Access(self.rules.detour_pct / 100, self.rules.access_kmh, ACCESS_LIMIT_M)


def load_travel(house: House) -> TravelBasis:
    """Return the basis of the roads and rules in force, kept until roads, zone or rules change.

    Roads are public: nothing here depends on who asks. Raises ``UserError`` where no
    sampling rules are in force.
    """
    today = house.today()
    with house.read() as session:
        connection = session.connection()
        rules = sampling_rules_in_force(connection, today)
        epsg = zone_of_city(connection)
        roads = read_versions(connection)["base"]
        key = (str(house.engine.url), roads, epsg, rules.version)
        return _bases.get(key, lambda: _read_basis(connection, epsg, rules))


def straight_travel(epsg: int, rules: SamplingRules = SHIPPED) -> TravelBasis:
    """Return the basis that uses no roads."""
    return TravelBasis(graph=None, roads=0, epsg=epsg, rules=rules)


def measure_travel(basis: TravelBasis, places_e7: Sequence[tuple[int, int]]) -> TravelTable:
    """Return the travel table between places (lon, lat in 1e-7 degree), in whole units up."""
    xy = _metres(basis, places_e7)
    apart_m = np.hypot(*(xy[:, None, :] - xy[None, :, :]).transpose(2, 0, 1))
    metres = apart_m * basis.rules.detour_pct / 100
    seconds = metres / (basis.rules.straight_kmh / 3.6)
    straight = np.ones(metres.shape, dtype=np.int64)
    if basis.graph is not None:
        ways = find_ways(basis.graph, xy, basis.access)
        has_way = np.isfinite(ways.seconds)
        seconds = np.where(has_way, ways.seconds, seconds)
        metres = np.where(has_way, ways.metres, metres)
        straight = np.where(has_way, 0, 1)
    np.fill_diagonal(straight, 0)
    return TravelTable(basis.text, _table(seconds), _table(metres), _table(straight))


def draw_path(basis: TravelBasis, places_e7: Sequence[tuple[int, int]]) -> Path:
    """Return the line through places in their order, along the roads where there is a way."""
    xy = _metres(basis, places_e7)
    pairs = [(at, at + 1) for at in range(len(xy) - 1)]
    ways = (
        [None] * len(pairs)
        if basis.graph is None
        else draw_ways(basis.graph, xy, pairs, basis.access)
    )
    legs = [
        xy[[a, b]] if way is None else shapely.get_coordinates(way.simplify(SIMPLIFY_M))
        for (a, b), way in zip(pairs, ways, strict=True)
    ]
    line = np.vstack(legs)
    lon_lat = np.column_stack(unproject(line[:, 0], line[:, 1], basis.epsg))
    path = np.rint(lon_lat * E7).astype(np.int64)
    kept = np.r_[True, np.any(np.diff(path, axis=0) != 0, axis=1)]
    return tuple((int(lon), int(lat)) for lon, lat in path[kept])


def _read_basis(connection: Connection, epsg: int, rules: SamplingRules) -> TravelBasis:
    rows = connection.execute(
        select(
            type_coerce(RoadSegment.road_class, String),
            type_coerce(RoadSegment.geometry, LargeBinary),
        ).order_by(RoadSegment.id)
    ).all()
    if not rows:
        return straight_travel(epsg, rules)
    lines = project_geometries(shapely.from_wkb([bytes(row[1]) for row in rows]), epsg)
    graph = build_graph(lines, [rules.road_kmh[row[0]] for row in rows])
    return TravelBasis(graph=graph, roads=len(rows), epsg=epsg, rules=rules)


def _metres(basis: TravelBasis, places_e7: Sequence[tuple[int, int]]) -> Floats:
    degrees = np.asarray(places_e7, dtype=float).reshape(-1, 2) / E7
    return np.column_stack(project(degrees[:, 0], degrees[:, 1], basis.epsg))


def _table(values: NDArray[np.float64] | NDArray[np.int64]) -> Table:
    whole = np.ceil(np.round(values, 3)).astype(np.int64)
    np.fill_diagonal(whole, 0)
    return cast(Table, tuple(tuple(row) for row in whole.tolist()))
