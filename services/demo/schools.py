"""The schools: where they stand, their campus and gates, their size, hours and defence."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import shapely
from scipy.spatial import cKDTree

from domain.words import (
    GateKind,
    SchoolKind,
    SchoolStatus,
)
from services.demo.land import Land
from services.demo.plane import (
    Array,
    objects,
    pick,
    stream,
)
from services.demo.roads import (
    HALF_WIDTH_M,
    INTERNAL,
    RURAL,
    TRUNK,
    ZONE_COUNTY_TOWN,
    ZONE_TOWN,
    ZONE_URBAN,
    ZONE_VILLAGE,
    Roads,
)
from services.demo.waters import Waters

CROWDED_FROM = 5_000
"""From here on campuses may overlap each other and roads: such cities serve benchmarks."""
CAMPUS_SHARE = 0.85
WATER_MARGIN_M = 8.0
_ROUNDS = 40

KINDS = tuple(SchoolKind)
KG, PRIMARY, JUNIOR, SENIOR, NINE, TWELVE, COMPLETE, POINT, VOC, SPECIAL, UNKNOWN = range(11)
#                       幼儿园  小学  初中  高中  九年  十二  完中  教学点 中职  特教  未知
_KIND_SHARE = np.array(
    [
        [0.500, 0.265, 0.075, 0.030, 0.050, 0.012, 0.022, 0.000, 0.020, 0.006, 0.020],
        [0.460, 0.250, 0.100, 0.050, 0.045, 0.012, 0.020, 0.000, 0.035, 0.010, 0.018],
        [0.440, 0.310, 0.150, 0.004, 0.080, 0.000, 0.004, 0.000, 0.000, 0.000, 0.012],
        [0.360, 0.420, 0.000, 0.000, 0.012, 0.000, 0.000, 0.190, 0.000, 0.000, 0.018],
    ]
)
_ZONE_SHARE = [0.50, 0.15, 0.18, 0.17]
_MEDIAN_PUPILS = np.array([190, 760, 900, 1_900, 1_500, 2_300, 1_700, 42, 1_900, 110, 300])
_SPREAD = np.array([0.5, 0.6, 0.45, 0.35, 0.45, 0.35, 0.4, 0.4, 0.5, 0.4, 0.6])
_AREA_PER_PUPIL_M2 = np.array([11, 17, 22, 25, 20, 22, 24, 30, 26, 45, 15])


@dataclass(frozen=True)
class Schools:
    """Schools and gates in plane metres, before they become tables.

    ``care`` runs 0–1: how well a school is run; all later data lean on it.
    """

    kind: Array
    zone: Array
    road_class: Array
    road_name: Array
    pupils: Array
    campus: Array
    campus_known: Array
    centre: Array
    township: Array
    status: Array
    public: Array
    care: Array
    sparse: Array
    gate_school: Array
    gate_kind: Array
    gate_xy: Array
    gate_tangent: Array
    gate_outward: Array

    @property
    def count(self) -> int:
        """Return the number of schools."""
        return len(self.kind)

    @property
    def active(self) -> Array:
        """Return the mask of schools in operation."""
        mask: Array = self.status == SchoolStatus.ACTIVE.value
        return mask

    @property
    def main_gate(self) -> Array:
        """Return the mask of main gates among the gates."""
        mask: Array = self.gate_kind == GateKind.MAIN.value
        return mask


@dataclass(frozen=True)
class _Frames:
    """Where campuses lie: the middle of the front, the road's direction, the way out, the size.

    ``skew`` leans the sides of a campus by a share of its width.
    """

    origin: Array
    along: Array
    outward: Array
    width: Array
    depth: Array
    skew: Array

    @classmethod
    def blank(cls, count: int) -> _Frames:
        """Return frames to be filled."""
        pairs, singles = [np.zeros((count, 2)) for _ in "abc"], [np.zeros(count) for _ in "abc"]
        return cls(*pairs, *singles)

    def fill(self, rows: Array, other: _Frames, part: Array) -> None:
        """Copy the ``part`` of other frames into ``rows``."""
        for field in fields(self):
            getattr(self, field.name)[rows] = getattr(other, field.name)[part]


def make_schools(seed: int, count: int, land: Land, roads: Roads, waters: Waters) -> Schools:
    """Place ``count`` schools along roads: dry, and (up to 5,000) clear of each other and of roads."""
    rng = stream(seed, "schools", count)
    zone = np.sort(rng.choice(4, size=count, p=_ZONE_SHARE))
    kind = (rng.random(count)[:, None] > _KIND_SHARE.cumsum(axis=1)[zone]).sum(axis=1)
    kind = np.minimum(kind, len(KINDS) - 1)
    if count >= 4 * len(KINDS):
        # A small city shows every kind too; they go where such schools stand.
        kind[: len(KINDS)] = np.where(np.arange(len(KINDS)) == POINT, KG, np.arange(len(KINDS)))
        kind[-1] = POINT
    pupils = _MEDIAN_PUPILS[kind] * np.exp(rng.normal(0, _SPREAD[kind]))
    pupils *= np.array([1.1, 1.15, 0.75, 0.42])[zone] ** (kind != POINT)
    pupils = np.clip(np.round(pupils), 8, 2.4 * _MEDIAN_PUPILS[kind])
    area = np.clip(pupils * _AREA_PER_PUPIL_M2[kind], 700, 60_000) * rng.uniform(0.75, 1.3, count)

    segment, campus, frames = _place(rng, land, roads, waters, zone, area)
    township = land.township_at(frames.origin)
    district_care = rng.uniform(-0.07, 0.07, len(land.district_names))
    care = rng.beta(4.2, 2.3, count) + district_care[land.township_district[township]]
    care = np.clip(care - 0.10 * (zone == ZONE_VILLAGE) - 0.05 * (zone == ZONE_TOWN), 0.02, 0.98)
    sparse = rng.random(count) < 0.03
    public_share = np.where(kind == KG, np.where(zone == ZONE_URBAN, 0.48, 0.6), 0.88)
    gates = _gates(rng, pupils, sparse, frames)
    status = pick(rng, [s.value for s in SchoolStatus], [0.973, 0.017, 0.010], count)
    if count >= 4 * len(KINDS):
        status[-3], status[-4] = SchoolStatus.SUSPENDED.value, SchoolStatus.CLOSED.value
    return Schools(
        kind=kind,
        zone=zone,
        road_class=roads.road_class[segment],
        road_name=roads.names[segment],
        pupils=pupils,
        campus=campus,
        campus_known=(rng.random(count) < CAMPUS_SHARE) & ~sparse,
        centre=shapely.get_coordinates(shapely.point_on_surface(campus)),
        township=township,
        status=status,
        public=rng.random(count) < public_share,
        care=care,
        sparse=sparse,
        gate_school=gates[0],
        gate_kind=gates[1],
        gate_xy=gates[2],
        gate_tangent=gates[3],
        gate_outward=gates[4],
    )


def _place(
    rng: np.random.Generator, land: Land, roads: Roads, waters: Waters, zone: Array, area: Array
) -> tuple[Array, Array, _Frames]:
    """Try places until every campus is dry; be less choosy about the rest as rounds go by."""
    count = len(zone)
    crowded = count >= CROWDED_FROM
    wet = waters.keep_out(WATER_MARGIN_M)
    road_tree = shapely.STRtree(roads.lines)
    shapely.prepare(land.outline)
    cumulative = _road_shares(land, roads)
    segment = np.zeros(count, dtype=int)
    campus = np.empty(count, dtype=object)
    frames = _Frames.blank(count)
    todo = np.arange(count)
    for turn in range(_ROUNDS):
        shrink = 0.93**turn
        chosen = np.empty(len(todo), dtype=int)
        for z in range(4):
            mine = zone[todo] == z
            chosen[mine] = np.searchsorted(
                cumulative[z], rng.random(int(mine.sum())) * cumulative[z][-1], side="right"
            )
        tried = _fronts(rng, roads, chosen, zone[todo], area[todo] * shrink)
        shapes = _campuses(rng, tried)
        bad = np.zeros(len(todo), dtype=bool)
        bad[wet.query(shapes, predicate="intersects")[0]] = True
        bad |= ~shapely.contains_properly(land.outline, shapes)
        if not crowded and turn < _ROUNDS - 10:
            bad[road_tree.query(shapes, predicate="intersects")[0]] = True
            grown = shapely.buffer(shapes, 6, quad_segs=2)
            done = campus[np.setdiff1d(np.arange(count), todo)]
            if len(done):
                bad[shapely.STRtree(done).query(grown, predicate="intersects")[0]] = True
            a, b = shapely.STRtree(shapes).query(grown, predicate="intersects")
            bad[np.maximum(a, b)[a != b]] = True
        good = ~bad
        rows = todo[good]
        segment[rows], campus[rows] = chosen[good], shapes[good]
        frames.fill(rows, tried, good)
        todo = todo[bad]
        if not len(todo):
            return segment, campus, frames
    raise RuntimeError(f"{len(todo)} schools found no dry place")


def _road_shares(land: Land, roads: Roads) -> list[Array]:
    """Return, a zone, the running sum of how likely a school stands on each segment."""
    length = shapely.length(roads.lines)
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(roads.lines, 0.5, normalized=True)
    )
    weight = np.array([0.0, 0.5, 1.0, 1.2, 1.0, 1.5])[roads.road_class] * length
    centre_m = np.hypot(*(middle / land.scale).T)
    urban = (roads.zone == ZONE_URBAN) * weight * np.exp(-((centre_m / 6_500) ** 2))
    county = (roads.zone == ZONE_COUNTY_TOWN) * weight
    in_town = cKDTree(land.seats).query(middle)[0] < 800 * land.scale
    town = (roads.zone == ZONE_TOWN) * weight * np.where(in_town, 1.0, 0.04)
    village = np.isin(roads.road_class, [RURAL, INTERNAL]) * 1.0
    village += (roads.road_class == TRUNK) * 0.15
    return [np.cumsum(share) for share in (urban, county, town, village)]


def _fronts(
    rng: np.random.Generator, roads: Roads, segment: Array, zone: Array, area_m2: Array
) -> _Frames:
    """Lay a campus front along each road segment, set back from the carriageway."""
    share = rng.uniform(0.1, 0.9, len(segment))
    # In the country a school stands in its village, which is where the road begins.
    rural = zone == ZONE_VILLAGE
    share[rural] = rng.uniform(0.03, 0.14, int(rural.sum()))
    internal = rural & (roads.road_class[segment] == INTERNAL)
    share[internal] = rng.uniform(0.1, 0.9, int(internal.sum()))
    lines = roads.lines[segment]
    length = shapely.length(lines)
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines, share * length))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(lines, np.minimum(share * length + 3, length))
    )
    along = ahead - here
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    side = np.where(rng.random(len(segment)) < 0.5, -1.0, 1.0)
    inward = np.column_stack([-along[:, 1], along[:, 0]]) * side[:, None]
    setback = HALF_WIDTH_M[roads.road_class[segment]] + rng.gamma(2.0, 4.0, len(segment)) + 1.5
    ratio = rng.uniform(0.75, 1.5, len(segment))
    width = np.sqrt(area_m2 * ratio)
    return _Frames(
        origin=here + inward * setback[:, None],
        along=along,
        outward=-inward,
        width=width,
        depth=width / ratio,
        skew=rng.normal(0, 0.03, len(segment)),
    )


def _campuses(rng: np.random.Generator, frames: _Frames) -> Array:
    """Return campus polygons: three quarters rectangles, the rest L-shaped at the back."""
    count, skew = len(frames.origin), frames.skew
    cut = np.where(rng.random(count) < 0.25, rng.uniform(0.3, 0.6, count), 0.0)
    back = np.where(cut > 0, rng.uniform(0.55, 0.75, count), 1.0)
    # Corners in shares of width and depth; a rectangle repeats its back corner.
    across = np.stack(
        [
            np.full_like(cut, -0.5),
            np.full_like(cut, 0.5),
            0.5 + skew * back,
            0.5 - cut + skew * back,
            0.5 - cut + skew,
            -0.5 + skew,
        ],
        axis=1,
    )
    deep = np.stack([0 * cut, 0 * cut, back, back, 0 * cut + 1, 0 * cut + 1], axis=1)
    corners = (
        frames.origin[:, None]
        + (across * frames.width[:, None])[..., None] * frames.along[:, None]
        - (deep * frames.depth[:, None])[..., None] * frames.outward[:, None]
    )
    rings = np.concatenate([corners, corners[:, :1]], axis=1)
    simple = cut == 0
    shapes = np.empty(count, dtype=object)
    shapes[~simple] = shapely.polygons(np.round(rings[~simple], 2))
    shapes[simple] = shapely.polygons(np.round(rings[simple][:, [0, 1, 2, 5, 0]], 2))
    return shapes


def _gates(
    rng: np.random.Generator, pupils: Array, sparse: Array, frames: _Frames
) -> tuple[Array, Array, Array, Array, Array]:
    """Return gates, school by school: school, kind, place, direction of the road, way out."""
    count = len(pupils)
    origin, along, outward = frames.origin, frames.along, frames.outward
    width = frames.width
    large = np.clip(pupils / 1_500, 0, 1)
    has_side = (rng.random(count) < 0.30 + 0.35 * large) & ~sparse
    has_vehicle = (rng.random(count) < 0.12 + 0.45 * large) & ~sparse
    main_at = rng.uniform(-0.2, 0.2, count) * width
    hand = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    # Side gates stand in the front half, which no L-shape cuts away.
    deep = rng.uniform(0.15, 0.45, count)
    side_xy = (
        origin
        + ((hand / 2 + frames.skew * deep) * width)[:, None] * along
        - (deep * frames.depth)[:, None] * outward
    )
    places = np.stack(
        [
            origin + main_at[:, None] * along,
            side_xy,
            origin + (-hand * 0.42 * width)[:, None] * along,
        ],
        axis=1,
    )
    roads = np.stack([along, outward, along], axis=1)
    ways = np.stack([outward, hand[:, None] * along, outward], axis=1)
    there = np.stack([~sparse, has_side, has_vehicle], axis=1)
    school, nth = np.nonzero(there)
    kinds = objects([GateKind.MAIN.value, GateKind.SIDE.value, GateKind.VEHICLE.value])
    return school, kinds[nth], places[there], roads[there], ways[there]
