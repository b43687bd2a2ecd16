"""Measure from schools to what lies round them: all distances in metres of one zone.

Everything here takes coordinates already projected (geo.crs); nothing here knows
degrees. A school is measured from its campus boundary where known, else from its
gates (the nearest one counts), else from its point; 0 means the thing touches or
lies inside the campus.

How it is fast: some vertices of every geometry go into a KD-tree. The nearest of them
bounds a school's answer from above, a box of that half-width round the school holds
every geometry that could be nearer, and these few are measured exactly in one call.
Schools in the middle of nowhere, whose box would hold too much, walk the STRtree
instead, with no limit. Queries are sorted by cell so that tree walks stay in cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from shapely import STRtree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geoms = NDArray[np.object_]

CAMPUS, GATE, POINT = "campus", "gate", "point"
"""What a school is measured from, by the stored values of ``domain.words.MeasuredFrom``."""

CELL_M = 2_000.0
BOX_LIMIT_M = 20_000.0
CHUNK = 20_000
VERTEX_STEP = 8
"""Every eighth vertex bounds the answer tightly enough; all of them cost more than they save."""


@dataclass(frozen=True)
class Origins:
    """Where n schools are measured from, metres of one projected zone.

    Each school owns one or more *atoms*: its campus (a polygon), or its gates, or
    its point. ``measured_from`` has one word a school.
    """

    size: int
    measured_from: Geoms
    point_xy: Floats
    point_owner: Ints
    campus: Geoms
    campus_owner: Ints

    @classmethod
    def build(
        cls,
        point_xy: ArrayLike,
        *,
        campus: ArrayLike | None = None,
        gate_xy: ArrayLike | None = None,
        gate_owner: ArrayLike | None = None,
    ) -> Origins:
        """Choose the atoms of each school.

        Args:
            point_xy: (n, 2) metres, one point a school.
            campus: (n,) projected polygons or ``None``.
            gate_xy: (m, 2) metres of all known gates.
            gate_owner: (m,) position of each gate's school in ``point_xy``.
        """
        points = np.asarray(point_xy, dtype=float).reshape(-1, 2)
        size = len(points)
        shapes = np.full(size, None, dtype=object) if campus is None else _objects(campus)
        has_campus = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        gates = np.empty((0, 2)) if gate_xy is None else np.asarray(gate_xy, float).reshape(-1, 2)
        owner = np.asarray([] if gate_owner is None else gate_owner, dtype=np.int64)
        used = ~has_campus[owner] if len(owner) else np.zeros(0, dtype=bool)
        gates, owner = gates[used], owner[used]
        has_gate = np.zeros(size, dtype=bool)
        has_gate[owner] = True
        bare = np.flatnonzero(~has_campus & ~has_gate)
        measured = np.full(size, POINT, dtype=object)
        measured[has_gate] = GATE
        measured[has_campus] = CAMPUS
        with_campus = np.flatnonzero(has_campus)
        return cls(
            size=size,
            measured_from=measured,
            point_xy=np.concatenate([points[bare], gates]),
            point_owner=np.concatenate([bare, owner]),
            campus=shapes[with_campus],
            campus_owner=with_campus,
        )

    def precision_m(
        self, accuracy_m: ArrayLike, *, campus_precision_m: float, gate_precision_m: float
    ) -> Floats:
        """Return how far off each school's distances may be, metres; NaN = not known.

        ``accuracy_m`` is the stated accuracy of each point and is used only where the
        point is what was measured from; the other two come from the rule set.
        """
        result = np.array(accuracy_m, dtype=float)
        result[self.measured_from == GATE] = gate_precision_m
        result[self.measured_from == CAMPUS] = campus_precision_m
        return result

    def geometries(self) -> Geoms:
        """Return one geometry a school: polygon, multipoint of the gates, or point."""
        result = np.full(self.size, None, dtype=object)
        if len(self.point_owner):
            order = np.argsort(self.point_owner, kind="stable")
            owners, where = np.unique(self.point_owner[order], return_inverse=True)
            points = _points(self.point_xy[order])
            result[owners] = shapely.multipoints(points, indices=where)
            single = np.isin(np.arange(self.size), owners[np.bincount(where) == 1])
            result[single] = shapely.get_geometry(result[single], 0)
        result[self.campus_owner] = self.campus
        return result


@dataclass(frozen=True)
class Nearest:
    """The nearest thing of each school: metres (NaN = none found) and index (−1 = none)."""

    distance_m: Floats
    index: Ints


@dataclass(frozen=True)
class Pairs:
    """School–thing pairs with their distance; ``owner`` is the position of the school."""

    owner: Ints
    index: Ints
    distance_m: Floats


@dataclass(frozen=True)
class GeometryLayer:
    """Polygons, lines or points of one layer, indexed once for many questions."""

    geoms: Geoms
    tree: STRtree = field(repr=False)
    vertices: cKDTree | None = field(repr=False)

    @classmethod
    def build(cls, geoms: ArrayLike) -> GeometryLayer:
        """Index projected geometries; missing and empty ones are never found."""
        array = _objects(geoms)
        xy = shapely.get_coordinates(array)[::VERTEX_STEP]
        return cls(geoms=array, tree=STRtree(array), vertices=_kd(xy) if len(xy) else None)

    def __len__(self) -> int:
        """Return the number of things, findable or not."""
        return len(self.geoms)


@dataclass(frozen=True)
class PointLayer:
    """Points of one layer, indexed once for many questions."""

    xy: Floats
    kd: cKDTree | None = field(repr=False)

    @classmethod
    def build(cls, xy: ArrayLike) -> PointLayer:
        """Index (n, 2) finite metres."""
        array = np.asarray(xy, dtype=float).reshape(-1, 2)
        return cls(xy=array, kd=_kd(array) if len(array) else None)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.xy)


def nearest_geometry(
    origins: Origins, layer: GeometryLayer, *, limit_m: float | None = None
) -> Nearest:
    """Find the nearest geometry of each school, exact to floating point.

    Args:
        origins: n schools.
        layer: polygons, lines or points in the same zone.
        limit_m: look no farther; ``None`` means no cut-off at all.

    Returns:
        n distances in metres and indices into the layer. Ties (several things at the
        very same distance, 0 included) go to the lowest index.
    """
    best = _Best(origins.size)
    if layer.vertices is not None:
        order = _cell_order(origins.point_xy)
        xy = origins.point_xy[order]
        best.offer_found(layer, _points(xy), xy, origins.point_owner[order])
        spots = shapely.get_coordinates(shapely.get_point(_shells(origins.campus), 0))
        best.offer_found(layer, origins.campus, spots, origins.campus_owner)
    return best.result(limit_m)


def nearest_point(origins: Origins, layer: PointLayer, *, limit_m: float | None = None) -> Nearest:
    """Find the nearest point of each school; see ``nearest_geometry`` for the promise.

    Ties between points at the very same place go to the lowest index only among what the
    tree returns; distances are exact in any case.
    """
    best = _Best(origins.size)
    if layer.kd is None:
        return best.result()
    if len(origins.point_owner):
        bound = np.inf if limit_m is None else float(np.nextafter(limit_m, np.inf))
        answer = layer.kd.query(origins.point_xy, distance_upper_bound=bound)
        distance, index = np.asarray(answer[0]), np.asarray(answer[1])
        found = np.isfinite(distance)
        best.offer(origins.point_owner[found], index[found], distance[found])
    if len(origins.campus):
        # A campus can only be beaten by points nearer than the one nearest to any spot of it
        spots = shapely.get_coordinates(_surface_points(origins.campus))
        _, nearest = layer.kd.query(spots)
        first = np.asarray(nearest, dtype=np.int64)
        reach = np.asarray(shapely.distance(origins.campus, _points(layer.xy[first])))
        best.offer(origins.campus_owner, first, reach)
        box = shapely.bounds(origins.campus)
        centre = (box[:, :2] + box[:, 2:]) / 2.0
        half = np.hypot(*(box[:, 2:] - box[:, :2]).T) / 2.0
        owner, index = _ball(layer.kd, centre, half + reach)
        keep = shapely.distance(origins.campus[owner], _points(layer.xy[index]))
        best.offer(origins.campus_owner[owner], index, keep)
    return best.result(limit_m)


def geometries_within(origins: Origins, layer: GeometryLayer, radius_m: float) -> Pairs:
    """List every school–geometry pair no farther apart than ``radius_m``, each once."""
    if not len(layer):
        return _no_pairs()
    shapes = np.concatenate([_points(origins.point_xy), origins.campus])
    owners = np.concatenate([origins.point_owner, origins.campus_owner])
    shapely.prepare(origins.campus)
    atom, index = layer.tree.query(shapes, predicate="dwithin", distance=radius_m)
    distance = shapely.distance(shapes[atom], layer.geoms[index])
    return _each_once(owners[atom], index, distance)


def points_within(origins: Origins, layer: PointLayer, radius_m: float) -> Pairs:
    """List every school–point pair no farther apart than ``radius_m``, each once."""
    if layer.kd is None:
        return _no_pairs()
    owner, index = _ball(layer.kd, origins.point_xy, radius_m)
    distance = np.hypot(*(origins.point_xy[owner] - layer.xy[index]).T)
    campus, found, reach = _campus_points_within(origins, layer, radius_m)
    return _each_once(
        np.concatenate([origins.point_owner[owner], origins.campus_owner[campus]]),
        np.concatenate([index, found]),
        np.concatenate([distance, reach]),
    )


def count_points_within(origins: Origins, layer: PointLayer, radius_m: float) -> Ints:
    """Count the points within ``radius_m`` of each school, each point once a school."""
    count = np.zeros(origins.size, dtype=np.int64)
    if layer.kd is None:
        return count
    atoms = np.bincount(origins.point_owner, minlength=origins.size)
    alone = atoms[origins.point_owner] == 1
    if alone.any():
        order = np.flatnonzero(alone)[_cell_order(origins.point_xy[alone])]
        found = layer.kd.query_ball_point(origins.point_xy[order], radius_m, return_length=True)
        count[origins.point_owner[order]] = found
    if not alone.all():
        many = np.flatnonzero(~alone)
        owner, index = _ball(layer.kd, origins.point_xy[many], radius_m)
        pairs = np.unique(origins.point_owner[many][owner] * len(layer) + index)
        count += np.bincount(pairs // len(layer), minlength=origins.size)
    campus, _, _ = _campus_points_within(origins, layer, radius_m)
    return count + np.bincount(origins.campus_owner[campus], minlength=origins.size)


class _Best:
    """The least (distance, index) seen for each school so far."""

    def __init__(self, size: int) -> None:
        self.distance = np.full(size, np.inf)
        self.index = np.full(size, np.iinfo(np.int64).max)

    def offer(self, owner: Ints, index: Ints, distance: Floats) -> None:
        order = np.lexsort((index, distance, owner))
        owner, index, distance = owner[order], index[order], distance[order]
        first = np.ones(len(owner), dtype=bool)
        first[1:] = owner[1:] != owner[:-1]
        owner, index, distance = owner[first], index[first], distance[first]
        nearer = (distance < self.distance[owner]) | (
            (distance == self.distance[owner]) & (index < self.index[owner])
        )
        self.distance[owner[nearer]] = distance[nearer]
        self.index[owner[nearer]] = index[nearer]

    def offer_found(self, layer: GeometryLayer, shapes: Geoms, spots: Floats, owner: Ints) -> None:
        """Offer the nearest geometries of ``shapes``; ``spots`` lie one on each shape."""
        if layer.vertices is None or not len(shapes):
            return
        bound = np.asarray(layer.vertices.query(spots, distance_upper_bound=BOX_LIMIT_M)[0])
        boxed = np.flatnonzero(np.isfinite(bound))
        for start in range(0, len(boxed), CHUNK):  # bounds the memory of the pairs
            some = boxed[start : start + CHUNK]
            reach = bound[some] * (1.0 + 1e-9) + 1e-6
            west, south, east, north = shapely.bounds(shapes[some]).T
            boxes = shapely.box(west - reach, south - reach, east + reach, north + reach)
            query, index = layer.tree.query(boxes)
            atom = some[query]
            self.offer(owner[atom], index, shapely.distance(shapes[atom], layer.geoms[index]))
        lonely = np.flatnonzero(~np.isfinite(bound))
        (query, index), distance = layer.tree.query_nearest(
            shapes[lonely], return_distance=True, all_matches=True
        )
        self.offer(owner[lonely[query]], index, distance)

    def result(self, limit_m: float | None = None) -> Nearest:
        found = np.isfinite(self.distance)
        if limit_m is not None:
            found &= self.distance <= limit_m
        return Nearest(np.where(found, self.distance, np.nan), np.where(found, self.index, -1))


def _campus_points_within(
    origins: Origins, layer: PointLayer, radius_m: float
) -> tuple[Ints, Ints, Floats]:
    if layer.kd is None or not len(origins.campus):
        none = np.zeros(0, dtype=np.int64)
        return none, none, np.zeros(0)
    box = shapely.bounds(origins.campus)
    centre = (box[:, :2] + box[:, 2:]) / 2.0
    half = np.hypot(*(box[:, 2:] - box[:, :2]).T) / 2.0
    campus, index = _ball(layer.kd, centre, half + radius_m)
    distance = shapely.distance(origins.campus[campus], _points(layer.xy[index]))
    inside = distance <= radius_m
    return campus[inside], index[inside], distance[inside]


def _kd(xy: Floats) -> cKDTree:
    # Sliding-midpoint splits build several times faster and answer as fast here
    return cKDTree(xy, balanced_tree=False, compact_nodes=False)


def _ball(kd: cKDTree, centres: Floats, radius: float | Floats) -> tuple[Ints, Ints]:
    """Return parallel (query, point) arrays of all points in the balls."""
    lists = np.asarray(kd.query_ball_point(centres, radius), dtype=object)
    lengths = np.fromiter((len(found) for found in lists), dtype=np.int64, count=len(lists))
    index = np.fromiter((i for found in lists for i in found), dtype=np.int64, count=lengths.sum())
    return np.repeat(np.arange(len(lists)), lengths), index


def _each_once(owner: Ints, index: Ints, distance: Floats) -> Pairs:
    order = np.lexsort((distance, index, owner))
    owner, index, distance = owner[order], index[order], distance[order]
    first = np.ones(len(owner), dtype=bool)
    first[1:] = (owner[1:] != owner[:-1]) | (index[1:] != index[:-1])
    return Pairs(owner[first], index[first], distance[first])


def _no_pairs() -> Pairs:
    none = np.zeros(0, dtype=np.int64)
    return Pairs(none, none, np.zeros(0))


def _cell_order(xy: Floats) -> Ints:
    cell = np.floor(xy / CELL_M)
    return np.lexsort((cell[:, 1], cell[:, 0]))


def _points(xy: Floats) -> Geoms:
    return np.asarray(shapely.points(xy), dtype=object)


def _surface_points(geoms: Geoms) -> Geoms:
    return np.asarray(shapely.point_on_surface(geoms), dtype=object)


def _shells(geoms: Geoms) -> Geoms:
    """Return one ring of each (multi)polygon, to pick a vertex from."""
    return np.asarray(shapely.get_exterior_ring(shapely.get_geometry(geoms, 0)), dtype=object)


def _objects(geoms: ArrayLike) -> Geoms:
    if isinstance(geoms, np.ndarray):
        return geoms.astype(object, copy=False)
    items = list(geoms)  # type: ignore[arg-type]
    array: Geoms = np.full(len(items), None, dtype=object)
    array[:] = items
    return array
