"""The road network: a ring and radials, town grids, links between towns, village roads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import Delaunay, cKDTree

from domain.words import RoadClass
from services.demo import names
from services.demo.land import CITY_RADIUS_M, Land
from services.demo.plane import (
    Array,
    Table,
    densified,
    geometries_to_lon_lat,
    line_array,
    objects,
    stream,
)

CLASSES = (
    RoadClass.TRUNK,
    RoadClass.PRIMARY,
    RoadClass.SECONDARY,
    RoadClass.BRANCH,
    RoadClass.RURAL,
    RoadClass.INTERNAL,
)
TRUNK, PRIMARY, SECONDARY, BRANCH, RURAL, INTERNAL = range(6)
HALF_WIDTH_M = np.array([17.0, 16.0, 11.0, 7.0, 4.0, 3.5])
ZONE_URBAN, ZONE_COUNTY_TOWN, ZONE_TOWN, ZONE_VILLAGE = range(4)
RING_RADIUS_M = 9_600.0
_URBAN_BLOCK_M = 480.0


@dataclass(frozen=True)
class Roads:
    """Road segments as plane lines with class index, zone and name."""

    lines: Array
    road_class: Array
    zone: Array
    names: Array
    signal_junctions: Array
    junctions: Array

    def kept(self, mask: Array) -> Roads:
        """Return the segments that the mask keeps."""
        return Roads(
            self.lines[mask],
            self.road_class[mask],
            self.zone[mask],
            self.names[mask],
            self.signal_junctions,
            self.junctions,
        )

    def as_table(self) -> Table:
        """Return the road_segment table."""
        count = len(self.lines)
        classes = objects([c.value for c in CLASSES])
        return {
            "id": np.arange(1, count + 1),
            "code": objects([f"DEMO-R{i:05d}" for i in range(1, count + 1)]),
            "name": self.names,
            "road_class": classes[self.road_class],
            "geometry": shapely.to_wkb(geometries_to_lon_lat(self.lines)),
        }


@dataclass
class _Edges:
    """Straight edges before the warp, gathered part by part."""

    starts: list[Array]
    ends: list[Array]
    road_class: list[Array]
    zone: list[Array]
    names: list[Array]

    def add(self, starts: Array, ends: Array, road_class: Array, zone: int, titles: Array) -> None:
        self.starts.append(starts)
        self.ends.append(ends)
        self.road_class.append(np.broadcast_to(road_class, len(starts)))
        self.zone.append(np.full(len(starts), zone))
        self.names.append(titles)


def make_roads(seed: int, land: Land) -> Roads:
    """Draw all roads inside the city, in plane metres."""
    rng = stream(seed, "roads")
    words = names.place_words(rng, 2_000)
    edges = _Edges([], [], [], [], [])
    big, all_nodes = _add_grid(
        rng, edges, np.zeros(2), 0.22, _URBAN_BLOCK_M, 8_700.0, ZONE_URBAN, words[:80], 4
    )
    signals, crossings = [big], [all_nodes]
    used = 80
    for town in land.county_town:
        big, all_nodes = _add_grid(
            rng, edges, land.flat_seats[town], rng.uniform(0, 1.5), 300.0, 1_750.0,
            ZONE_COUNTY_TOWN, words[used : used + 40], 3,
        )  # fmt: skip
        signals.append(big)
        crossings.append(all_nodes)
        used += 40
    rural = np.flatnonzero(land.township_district >= len(names.URBAN_DISTRICTS))
    for town in np.setdiff1d(rural, land.county_town):
        _, all_nodes = _add_grid(
            rng, edges, land.flat_seats[town], rng.uniform(0, 1.5), 210.0,
            float(rng.uniform(450, 700)), ZONE_TOWN, words[used : used + 24], 3,
        )  # fmt: skip
        crossings.append(all_nodes)
        used += 24
    _add_trunks(rng, edges, land, signals[0])
    _add_links(rng, edges, land, rural)
    return _finish(edges, land, np.concatenate(signals), np.concatenate(crossings))


def _add_grid(
    rng: np.random.Generator,
    edges: _Edges,
    centre: Array,
    turn: float,
    block_m: float,
    radius_m: float,
    zone: int,
    words: Array,
    main_every: int,
) -> tuple[Array, Array]:
    """Add a town's streets; return its main junctions and all its junctions."""
    half = int(radius_m // block_m) + 1
    size = 2 * half + 1
    i, j = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    flat = np.stack([i - half, j - half], axis=-1) * block_m
    nodes = flat + rng.normal(0, block_m * 0.07, flat.shape)
    nodes[half, half] = 0
    angle = np.arctan2(flat[..., 1], flat[..., 0])
    reach = radius_m * (1 + 0.12 * np.sin(3 * angle + turn * 5) + 0.06 * np.sin(5 * angle))
    inside = np.hypot(flat[..., 0], flat[..., 1]) < reach
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    nodes = nodes @ rotation + centre

    offset = np.arange(size) - half
    main = PRIMARY if zone in (ZONE_URBAN, ZONE_COUNTY_TOWN) else SECONDARY
    rank = np.where(
        offset % main_every == 0,
        main,
        np.where(offset % 2 == 0, SECONDARY if main == PRIMARY else BRANCH, BRANCH),
    )
    for axis in (0, 1):
        a, b = (np.s_[:-1, :], np.s_[1:, :]) if axis == 0 else (np.s_[:, :-1], np.s_[:, 1:])
        line = (j if axis == 0 else i)[a]
        street = rank[line]
        drop = np.where(street == BRANCH, 0.22, np.where(street == SECONDARY, 0.05, 0.0))
        there = inside[a] & inside[b] & (rng.random(line.shape) >= drop)
        ends = np.array(["路", "大道", "路", "街", "路", "路"], dtype=object)[street[there]]
        if axis == 1:
            ends = np.where(street[there] == BRANCH, "巷", ends)
        word = words[(line[there] + axis * size) % len(words)]
        edges.add(nodes[a][there], nodes[b][there], street[there], zone, word + ends)
    is_main = inside & (rank[i] == main) & (rank[j] <= SECONDARY)
    return nodes[is_main], nodes[inside]


def _add_trunks(rng: np.random.Generator, edges: _Edges, land: Land, streets: Array) -> None:
    angle = np.linspace(0, 2 * np.pi, 73)
    radius = RING_RADIUS_M * (1 + 0.05 * np.sin(2 * angle + 1) + 0.03 * np.sin(3 * angle))
    ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    _add_path(edges, ring, TRUNK, "绕城公路", ZONE_VILLAGE)
    for number, town in enumerate(land.county_town):
        goal = land.flat_seats[town]
        heading = goal / np.hypot(*goal)
        path = np.concatenate(
            [
                _between(_joined(heading, streets), goal, 1_300.0),
                _between(goal, heading * CITY_RADIUS_M * 1.25, 1_300.0)[1:],
            ]
        )
        county = names.COUNTIES[number].removesuffix("县")
        _add_path(edges, path, TRUNK, f"澄{county[0]}公路", ZONE_VILLAGE)
        side = np.arctan2(goal[1], goal[0]) + np.pi / 4 + rng.uniform(-0.1, 0.1)
        heading = np.array([np.cos(side), np.sin(side)])
        path = _between(_joined(heading, streets), heading * CITY_RADIUS_M * 1.25, 1_300.0)
        _add_path(edges, path, TRUNK, f"{county}联络线", ZONE_VILLAGE)


def _joined(heading: Array, streets: Array) -> Array:
    """Return the main junction at the edge of the city where a radial begins."""
    at: Array = streets[np.argmin(np.hypot(*(streets - heading * 8_000).T))]
    return at


def _between(start: Array, end: Array, step_m: float) -> Array:
    points, _ = densified(start[None], end[None], step_m)
    return points


def _add_path(edges: _Edges, path: Array, road_class: int, title: str, zone: int) -> None:
    edges.add(
        path[:-1], path[1:], np.array(road_class), zone, np.full(len(path) - 1, title, object)
    )


def _neighbours(points: Array) -> Array:
    """Return the Gabriel graph's edges (m, 2): the usual shape of a network between places."""
    triangles = Delaunay(points).simplices
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    middle = points[pairs].mean(axis=1)
    half = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T) / 2
    nearest, _ = cKDTree(points).query(middle)
    kept: Array = pairs[nearest > half * 0.999]
    return kept


def _add_links(rng: np.random.Generator, edges: _Edges, land: Land, rural: Array) -> None:
    seats = land.flat_seats[rural]
    title = land.township_names[rural]
    pairs = _neighbours(seats)
    starts, ends = seats[pairs[:, 0]], seats[pairs[:, 1]]
    points, index = densified(starts, ends, 1_400.0)
    same = index[1:] == index[:-1]
    road = objects([f"{title[a][0]}{title[b][0]}路" for a, b in pairs])
    edges.add(
        points[:-1][same], points[1:][same], np.array(SECONDARY), ZONE_TOWN, road[index[:-1][same]]
    )

    # Villages reach their neighbours and the streets of the nearest towns.
    places = np.concatenate([land.flat_villages, seats])
    pairs = _neighbours(places)
    pairs = pairs[pairs[:, 0] < len(land.flat_villages)]
    length = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    pairs = pairs[(length < 7_000) & (rng.random(len(pairs)) < 0.92)]
    village = land.village_names[pairs[:, 0]]
    edges.add(
        places[pairs[:, 0]], places[pairs[:, 1]], np.array(RURAL), ZONE_VILLAGE, village + "村道"
    )

    # A lane inside each village.
    angle = rng.uniform(0, 2 * np.pi, len(land.flat_villages))
    length = rng.uniform(120, 320, len(angle))
    reach = np.column_stack([np.cos(angle), np.sin(angle)]) * length[:, None]
    edges.add(
        land.flat_villages - reach * 0.4,
        land.flat_villages + reach * 0.6,
        np.array(INTERNAL),
        ZONE_VILLAGE,
        land.village_names + "村内路",
    )


def _finish(edges: _Edges, land: Land, signals: Array, crossings: Array) -> Roads:
    points, index = densified(np.concatenate(edges.starts), np.concatenate(edges.ends), 90.0)
    moved = np.round(land.warp(points) * land.scale, 2)
    lines = line_array(moved, indices=index)
    roads = Roads(
        lines=lines,
        road_class=np.concatenate(edges.road_class),
        zone=np.concatenate(edges.zone),
        names=np.concatenate(edges.names),
        signal_junctions=land.warp(signals) * land.scale,
        junctions=land.warp(crossings) * land.scale,
    )
    shapely.prepare(land.outline)
    return roads.kept(np.asarray(shapely.covers(land.outline, lines)))
