"""The ground under a small drawing of places: main roads and district borders, both public."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from sqlalchemy import LargeBinary, select, type_coerce

from db.models import District, RoadSegment
from db.versions import read_versions
from domain.words import DistrictLevel, RoadClass
from geo.crs import project_geometries
from services.cache import VersionedCache
from services.house import House
from services.reports.papers.route_map import LEGEND_MM, Place, draw_route

Shapes = npt.NDArray[Any]
MAIN_ROADS = (RoadClass.TRUNK, RoadClass.PRIMARY, RoadClass.SECONDARY)
FINEST_MM = 0.25
MOST_LINES = 1_500
"""A picture of a whole city keeps its longest roads only."""
_grounds = VersionedCache(max_entries=2)


@dataclass(frozen=True)
class Sketch:
    """A drawing of places with the ground under it.

    ``drawing`` is ``draw_route``'s, empty where no place is known; ``roads`` and
    ``borders`` are lines of points in its millimetres.
    """

    drawing: dict[str, Any]
    roads: tuple[tuple[Place, ...], ...]
    borders: tuple[tuple[Place, ...], ...]


@dataclass(frozen=True)
class _Ground:
    """Lines in metres of one zone."""

    roads: Shapes
    borders: Shapes


def sketch_route(
    house: House,
    *,
    start: Place | None,
    stops: Sequence[Place | None],
    path: Sequence[Place] = (),
    width_mm: float,
    height_mm: float,
) -> Sketch:
    """Return a drawing of start, numbered stops and the way (WGS 84 lon, lat) on its ground.

    The ground is the same for everybody; it says nothing of who asks or of what is drawn
    elsewhere.
    """
    drawing = draw_route(
        start=start, stops=stops, path=path, width_mm=width_mm, height_mm=height_mm
    )
    if not drawing:
        return Sketch(drawing, (), ())
    ground = _load(house, drawing["view"]["epsg"])
    return Sketch(drawing, _clip(ground.roads, drawing), _clip(ground.borders, drawing))


def _load(house: House, epsg: int) -> _Ground:
    with house.read() as session:
        version = read_versions(session.connection())["base"]

        def read() -> _Ground:
            roads = session.scalars(
                select(type_coerce(RoadSegment.geometry, LargeBinary)).where(
                    RoadSegment.road_class.in_(MAIN_ROADS)
                )
            ).all()
            areas = session.scalars(
                select(type_coerce(District.boundary, LargeBinary)).where(
                    District.level == DistrictLevel.COUNTY, District.boundary.is_not(None)
                )
            ).all()
            return _Ground(
                project_geometries(_read_shapes(roads), epsg),
                project_geometries(shapely.boundary(_read_shapes(areas)), epsg),
            )

        return _grounds.get((str(house.engine.url), version, epsg), read)


def _read_shapes(stored: Sequence[bytes]) -> Shapes:
    made = np.empty(len(stored), dtype=object)
    made[:] = [shapely.from_wkb(bytes(one)) for one in stored]
    return made


def _clip(lines: Shapes, drawing: dict[str, Any]) -> tuple[tuple[Place, ...], ...]:
    """Return the pieces of lines that lie in the drawing, in its millimetres."""
    view, width = drawing["view"], drawing["width"]
    height = drawing["height"] - LEGEND_MM
    middle, scale = np.array(view["middle"]), view["mm_per_m"]
    (west, south), (east, north) = (
        middle + side * np.array([width, height]) / 2 / scale for side in (-1, 1)
    )
    in_view = shapely.clip_by_rect(lines, west, south, east, north)

    def to_mm(metres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        flat = (metres - middle) * scale * (1, -1) + (width / 2, height / 2)
        return np.asarray(flat)

    seen = shapely.simplify(in_view[~shapely.is_empty(in_view)], FINEST_MM / scale)
    pieces = shapely.get_parts(shapely.transform(seen, to_mm))
    kept = pieces[shapely.length(pieces) > 2 * FINEST_MM]
    longest = kept[np.argsort(-shapely.length(kept), kind="stable")[:MOST_LINES]]
    return tuple(
        tuple((round(float(x), 1), round(float(y), 1)) for x, y in shapely.get_coordinates(one))
        for one in longest
        if one.geom_type == "LineString"
    )
