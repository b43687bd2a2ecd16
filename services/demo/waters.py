"""The waters: a river, canals, lakes, ponds and ditches, each with its ledger."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from domain.words import WaterAccess, WaterBank, WaterGrade, WaterKind
from services.demo import names
from services.demo.land import CITY_RADIUS_M, URBAN_RADIUS_M, Land
from services.demo.plane import (
    Array,
    Table,
    blanked,
    blobs,
    geometries,
    geometries_to_lon_lat,
    line_array,
    objects,
    pick,
    points_at,
    stream,
    texts,
)
from services.demo.roads import PRIMARY, Roads

PONDS = 250
DITCHES = 70
LAKES = 15
RIVER_HALF_WIDTH_M = 135.0
_ORDER = (
    WaterKind.RIVER,
    WaterKind.CANAL,
    WaterKind.LAKE,
    WaterKind.RESERVOIR,
    WaterKind.POND,
    WaterKind.DITCH,
    WaterKind.OTHER,
)
RIVER, CANAL, LAKE, RESERVOIR, POND, DITCH, OTHER = range(7)


@dataclass(frozen=True)
class Waters:
    """Waters in plane metres: geometry, kind index, name."""

    geometries: Array
    kind: Array
    names: Array

    def keep_out(self, margin_m: float) -> shapely.STRtree:
        """Return a tree of the waters grown by a margin: nothing is built there."""
        return shapely.STRtree(shapely.buffer(self.geometries, margin_m, quad_segs=3))


def make_waters(seed: int, land: Land, roads: Roads) -> tuple[Waters, Roads]:
    """Draw the waters, and drop the minor roads that would run into them."""
    rng = stream(seed, "waters")
    scale = land.scale
    river = _river(rng, scale)
    lakes, lake_kind = _lakes(rng, land, roads, river)
    crosses_lake = _hits(roads.lines, shapely.buffer(lakes, 15 * scale))
    # Bridges are few: main roads always have one, minor roads seldom.
    crosses_river = shapely.intersects(roads.lines, river) & (roads.road_class > PRIMARY)
    roads = roads.kept(~crosses_lake & ~(crosses_river & (rng.random(len(roads.lines)) < 0.9)))
    canals = _canals(rng, land, scale)
    solid = np.concatenate([[river], lakes, shapely.buffer(canals, 12)])
    ponds = _ponds(rng, land, roads, solid)
    ditches = _ditches(rng, land, np.concatenate([[river], lakes, ponds]))

    parts: list[Array] = []
    kinds: list[Array] = []
    titles: list[Array] = []
    districts = objects(
        [
            shapely.coverage_union_all(land.townships[land.township_district == d])
            for d in range(len(land.district_names))
        ]
    )
    for body, kind, title in [
        (river, RIVER, names.RIVER),
        *[(canal, CANAL, title) for canal, title in zip(canals, names.CANALS, strict=True)],
    ]:
        reaches = shapely.intersection(districts, body)
        there = ~shapely.is_empty(reaches)
        reaches, part = _largest_parts(reaches[there], kind)
        parts.append(reaches)
        kinds.append(np.full(len(reaches), kind))
        titles.append(
            objects([f"{title}（{land.district_names[d]}段）" for d in np.flatnonzero(there)[part]])
        )
    words = names.place_words(rng, len(lakes))
    ends = np.where(lake_kind == LAKE, "湖", "水库")
    parts.append(lakes)
    kinds.append(lake_kind)
    titles.append(objects([w + e for w, e in zip(words, ends, strict=True)]))
    near = shapely.STRtree(points_at(land.villages)).nearest(shapely.centroid(ponds))
    parts.append(ponds)
    pond_kind = np.where(rng.random(len(ponds)) < 0.03, OTHER, POND)
    pond_kind[:1] = OTHER
    kinds.append(pond_kind)
    pond_word = np.where(pond_kind == POND, "塘", "取土坑")
    side = pick(rng, ["东", "西", "南", "北", "村口", "学前"], [1, 1, 1, 1, 1, 0.3], len(ponds))
    titles.append(land.village_names[near] + side + pond_word)
    near = shapely.STRtree(points_at(land.villages)).nearest(shapely.centroid(ditches))
    parts.append(ditches)
    kinds.append(np.full(len(ditches), DITCH))
    titles.append(land.village_names[near] + "排水沟")
    return Waters(np.concatenate(parts), np.concatenate(kinds), np.concatenate(titles)), roads


def _largest_parts(reaches: Array, kind: int) -> tuple[Array, Array]:
    """Return single geometries: slivers at a district's edge go, the rest is one reach each."""
    parts, index = shapely.get_parts(reaches, return_index=True)
    size = shapely.area(parts) if kind == RIVER else shapely.length(parts)
    dimension = shapely.get_dimensions(parts)
    kept = (size > (20_000 if kind == RIVER else 150)) & (dimension == (2 if kind == RIVER else 1))
    return parts[kept], index[kept]


def _hits(geometries: Array, others: Array) -> Array:
    mask = np.zeros(len(geometries), dtype=bool)
    mask[shapely.STRtree(others).query(geometries, predicate="intersects")[0]] = True
    return mask


def _river(rng: np.random.Generator, scale: float) -> Any:
    along = np.arange(-58_000.0, 58_000.0, 120.0)
    phases = rng.uniform(0, 2 * np.pi, 4)
    across = 1_500 + sum(
        size * np.sin(2 * np.pi * along / length + phase)
        for size, length, phase in zip(
            (3_000, 1_250, 420, 160), (34_000, 11_500, 5_200, 2_600), phases, strict=True
        )
    )
    heading = rng.uniform(-0.7, -0.3)
    turn = np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
    line = np.column_stack([along, across]) @ turn
    step = np.gradient(line, axis=0)
    normal = np.column_stack([-step[:, 1], step[:, 0]]) / np.hypot(*step.T)[:, None]
    width = RIVER_HALF_WIDTH_M * (
        1 + 0.22 * np.sin(along / 2_300) + 0.16 * np.sin(along / 870 + 1) + along / 200_000
    )
    ring = np.concatenate([line + normal * width[:, None], (line - normal * width[:, None])[::-1]])
    return shapely.make_valid(shapely.Polygon(ring * scale))


def _lakes(rng: np.random.Generator, land: Land, roads: Roads, river: Any) -> tuple[Array, Array]:
    count = 500
    urban = rng.random(count) < 0.3
    radius = np.where(
        urban, rng.uniform(0, URBAN_RADIUS_M, count), rng.uniform(12_000, CITY_RADIUS_M, count)
    )
    angle = rng.uniform(0, 2 * np.pi, count)
    size = np.where(urban, rng.uniform(110, 260, count), np.exp(rng.normal(6.35, 0.4, count)))
    centre = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    shapes = blobs(rng, centre * land.scale, size * land.scale, 0.55)
    main = geometries(shapely.buffer(roads.lines[roads.road_class <= PRIMARY], 60))
    seats = geometries(shapely.buffer(points_at(land.seats), 900 * land.scale))
    bad = _hits(shapes, main) | ~shapely.within(shapes, land.outline)
    bad |= shapely.distance(shapes, river) < 150
    bad |= _hits(shapes, seats) & ~urban
    kept = _apart(shapes, np.flatnonzero(~bad), 400)
    town_lakes, wide_lakes = kept[urban[kept]][:4], kept[~urban[kept]][: LAKES - 4]
    chosen = np.concatenate([town_lakes, wide_lakes])
    kind = np.where(np.arange(len(chosen)) % 2 == 0, LAKE, RESERVOIR)
    kind[: len(town_lakes)] = LAKE
    return shapes[chosen], kind


def _apart(shapes: Array, order: Array, gap_m: float) -> Array:
    """Return those of ``order`` that no earlier one comes nearer to than ``gap_m``."""
    grown = shapely.buffer(shapes[order], gap_m, quad_segs=2)
    a, b = shapely.STRtree(shapes[order]).query(grown, predicate="intersects")
    blocked = np.zeros(len(order), dtype=bool)
    later = np.maximum(a, b)[a != b]
    blocked[later] = True
    return order[~blocked]


def _canals(rng: np.random.Generator, land: Land, scale: float) -> Array:
    lines = []
    for number in range(len(names.CANALS)):
        angle = number * 2 * np.pi / len(names.CANALS) + rng.uniform(-0.2, 0.2)
        start = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(7_000, 12_000)
        bend = angle + rng.uniform(0.5, 1.0)
        middle = np.array([np.cos(bend), np.sin(bend)]) * 21_000
        far = angle + rng.uniform(0.9, 1.5)
        end = np.array([np.cos(far), np.sin(far)]) * CITY_RADIUS_M * 1.1
        share = np.linspace(0, 1, 220)[:, None]
        curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
        lines.append(land.warp(curve) * scale)
    return geometries(shapely.intersection(line_array(np.array(lines)), land.outline))


def _ponds(rng: np.random.Generator, land: Land, roads: Roads, solid: Array) -> Array:
    count = PONDS * 5
    village = land.villages[rng.integers(0, len(land.villages), count)]
    lone = rng.random(count) < 0.25
    offset = rng.normal(0, 1, (count, 2)) * np.where(lone, 1_800, 330)[:, None] * land.scale
    radius = np.clip(np.exp(rng.normal(3.15, 0.5, count)), 8, 85) * land.scale
    shapes = blobs(rng, village + offset, radius, 0.45)
    bad = _hits(shapes, shapely.buffer(roads.lines, 9)) | ~shapely.within(shapes, land.outline)
    bad |= _hits(shapes, shapely.buffer(solid, 25))
    return shapes[_apart(shapes, np.flatnonzero(~bad), 15)[:PONDS]]


def _ditches(rng: np.random.Generator, land: Land, solid: Array) -> Array:
    count = DITCHES * 4
    start = land.villages[rng.integers(0, len(land.villages), count)]
    start = start + rng.normal(0, 260, (count, 2)) * land.scale
    angle = rng.uniform(0, 2 * np.pi, count)
    share = np.linspace(0, 1, 14)
    length = rng.uniform(350, 1_500, count)[:, None] * share
    wave = rng.uniform(8, 35, count)[:, None] * np.sin(share * rng.uniform(3, 9, count)[:, None])
    x = start[:, :1] + (length * np.cos(angle)[:, None] - wave * np.sin(angle)[:, None])
    y = start[:, 1:] + (length * np.sin(angle)[:, None] + wave * np.cos(angle)[:, None])
    lines = line_array(np.stack([x, y], axis=-1))
    bad = _hits(lines, shapely.buffer(solid, 20)) | ~shapely.within(lines, land.outline)
    return lines[~bad][:DITCHES]


def water_table(seed: int, land: Land, waters: Waters, as_of: dt.date) -> Table:
    """Return the water_body table: many waters lack gear, some lack their data."""
    rng = stream(seed, "ledger", as_of.isoformat())
    kind, count = waters.kind, len(waters.kind)
    township = land.township_at(
        shapely.get_coordinates(shapely.point_on_surface(waters.geometries))
    )
    depth = np.array([6.5, 2.6, 4.0, 9.0, 2.2, 1.1, 3.5])[kind] * np.exp(rng.normal(0, 0.3, count))
    big = np.isin(kind, [RIVER, LAKE, RESERVOIR])
    danger = depth + np.where(big, 2.5, 0) + rng.normal(0, 1.2, count)
    grade = np.where(danger > 6.5, 0, np.where(danger > 3.0, 1, 2))
    grades = objects([g.value for g in (WaterGrade.MAJOR, WaterGrade.LARGER, WaterGrade.GENERAL)])
    access = np.where(rng.random(count) < np.where(big, 0.45, 0.72), 0, 1)
    access = np.where(rng.random(count) < 0.14, 2, access)
    accesses = objects(
        [a.value for a in (WaterAccess.OPEN, WaterAccess.PARTLY, WaterAccess.FENCED)]
    )
    length = shapely.length(waters.geometries)
    fence = np.round(length * np.choose(access, [0.0, 0.35, 1.0]) * rng.uniform(0.8, 1.0, count))
    cared = rng.random(count) < np.where(big, 0.75, 0.42)
    gear = {
        column: blanked(
            rng,
            np.where(cared & (rng.random(count) < share), rng.poisson(np.where(big, 5, 1)) + 1, 0),
            0.09,
        )
        for column, share in (("signs", 0.95), ("rings", 0.8), ("ropes", 0.7), ("poles", 0.62))
    }
    days = np.where(cared, rng.geometric(0.12, count), rng.geometric(0.012, count))
    patrol = np.datetime64(as_of, "D") - days.astype("timedelta64[D]")
    banks = pick(rng, [b.value for b in WaterBank], [4, 4, 2], count)
    owners = np.where(
        big, "澄安市水务管理中心", land.township_names[township] + "村民委员会（集体）"
    ).astype(object)
    return {
        "id": np.arange(1, count + 1),
        "code": objects([f"DEMO-W{i:04d}" for i in range(1, count + 1)]),
        "name": waters.names,
        "kind": objects([k.value for k in _ORDER])[kind],
        "district_id": land.district_ids(township),
        "township_id": land.township_ids(township),
        "geometry": shapely.to_wkb(geometries_to_lon_lat(waters.geometries)),
        "grade": blanked(rng, grades[grade], 0.06),
        "depth_m": blanked(rng, np.round(depth, 1), 0.14),
        "bank": blanked(rng, banks, 0.1),
        "access": blanked(rng, accesses[access], 0.07),
        "owner": np.where(rng.random(count) < 0.08, "", owners).astype(object),
        "responsible": _responsible(rng, land.township_names[township], cared),
        **gear,
        "fence_m": blanked(rng, fence, 0.12),
        "last_patrol_on": blanked(rng, patrol, np.where(cared, 0.05, 0.3)),
    }


def _responsible(rng: np.random.Generator, township: Array, cared: Array) -> Array:
    """Return the posts (never persons) of the three tiers; an empty text is an unfilled tier."""
    count = len(township)
    filled = rng.random((count, 3)) < np.where(cared, 0.96, 0.7)[:, None]
    unknown = rng.random(count) < 0.05
    column = texts(count, None)
    for row in np.flatnonzero(~unknown):
        posts = (f"{township[row]}包片领导", "村（社区）负责人", "水域管护员")
        column[row] = {
            tier: post if there else ""
            for tier, post, there in zip(("镇级", "村级", "管护"), posts, filled[row], strict=True)
        }
    return column
