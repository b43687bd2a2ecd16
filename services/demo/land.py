"""The land: eight districts and their townships, as one coverage with shared edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from scipy.spatial import Voronoi

from domain.words import DistrictLevel
from services.demo import names
from services.demo.plane import (
    BORDER_OCTAVES,
    TERRAIN_OCTAVES,
    Array,
    Table,
    Warp,
    densified,
    geometries_to_lon_lat,
    line_array,
    make_warp,
    objects,
    points_at,
    spread,
    stream,
    texts,
)

CORE_RADIUS_M = 3_400.0
URBAN_RADIUS_M = 9_000.0
CITY_RADIUS_M = 36_000.0
VILLAGES = 460
_EDGE_SPACING_M = 160.0


@dataclass(frozen=True)
class Land:
    """Districts, townships, seats and villages in plane metres.

    ``flat_*`` are positions before the warp, where streets are laid out straight.
    """

    warp: Warp
    district_names: tuple[str, ...]
    township_names: Array
    township_district: Array
    townships: Array
    flat_seats: Array
    county_town: Array
    flat_villages: Array
    village_names: Array
    outline: Any
    scale: float

    @property
    def seats(self) -> Array:
        """Return the township seats, warped, (t, 2)."""
        return self.warp(self.flat_seats) * self.scale

    @property
    def villages(self) -> Array:
        """Return the villages, warped, (v, 2)."""
        return self.warp(self.flat_villages) * self.scale

    def township_at(self, xy: Array) -> Array:
        """Return the index of the township at each point; the nearest one for a point outside."""
        tree = shapely.STRtree(self.townships)
        found = tree.query_nearest(points_at(xy), all_matches=False)
        index = np.zeros(len(xy), dtype=int)
        index[found[0]] = found[1]
        return index

    def as_table(self) -> Table:
        """Return the district table: the city, then 8 districts, then their townships."""
        units = geometries_to_lon_lat(self.townships)
        districts = objects(
            [
                shapely.coverage_union_all(units[self.township_district == d])
                for d in range(len(self.district_names))
            ]
        )
        d_count, t_count = len(districts), len(units)
        codes = [f"DEMO-{d + 1:02d}" for d in range(d_count)]
        nth = [
            int(np.sum(self.township_district[:i] == self.township_district[i])) + 1
            for i in range(t_count)
        ]
        return {
            "id": np.arange(1, d_count + t_count + 1),
            "code": objects(
                codes
                + [f"{codes[d]}-{n:02d}" for d, n in zip(self.township_district, nth, strict=True)]
            ),
            "name": objects([*self.district_names, *self.township_names.tolist()]),
            "level": np.concatenate(
                [
                    texts(d_count, DistrictLevel.COUNTY.value),
                    texts(t_count, DistrictLevel.TOWNSHIP.value),
                ]
            ),
            "parent_id": np.concatenate([np.full(d_count, np.nan), self.township_district + 1.0]),
            "boundary": shapely.to_wkb(np.concatenate([districts, units])),
            "is_reporting_unit": np.concatenate([np.ones(d_count), np.zeros(t_count)]),
        }

    def district_ids(self, township: Array) -> Array:
        """Return database ids of the districts of township indices."""
        ids: Array = self.township_district[township] + 1
        return ids

    def township_ids(self, township: Array) -> Array:
        """Return database ids of township indices."""
        ids: Array = township + len(self.district_names) + 1
        return ids


def make_land(seed: int, scale: float) -> Land:
    """Lay out the city. ``scale`` stretches everything for very large demo cities."""
    rng = stream(seed, "land")
    warp = make_warp(rng, TERRAIN_OCTAVES)
    border = make_warp(rng, BORDER_OCTAVES)
    flat, district = _township_seeds(rng)
    polygons = _warped_cells(flat, _outside_seeds(flat), warp, border)
    polygons = shapely.transform(polygons, lambda xy: np.round(xy * scale, 3))
    county_town = _county_towns(flat, district)
    words = names.place_words(rng, len(flat))
    urban = district < len(names.URBAN_DISTRICTS)
    ends = np.where(urban, "街道", np.where(rng.random(len(flat)) < 0.75, "镇", "乡"))
    ends[county_town] = "镇"
    villages = _villages(rng, flat[~urban])
    outline = shapely.coverage_union_all(polygons)
    return Land(
        warp=warp,
        district_names=names.URBAN_DISTRICTS + names.COUNTIES,
        township_names=objects([w + e for w, e in zip(words.tolist(), ends.tolist(), strict=True)]),
        township_district=district,
        townships=polygons,
        flat_seats=flat,
        county_town=county_town,
        flat_villages=villages,
        village_names=names.village_words(rng, len(villages)),
        outline=outline,
        scale=scale,
    )


def _sector(
    rng: np.random.Generator, inner_m: float, outer_m: float, angles: tuple[float, float]
) -> Array:
    """Return random points spread evenly over a sector of a ring."""
    radius = np.sqrt(rng.uniform(inner_m**2, outer_m**2, 600))
    angle = rng.uniform(*angles, 600)
    bulge = np.where(outer_m > URBAN_RADIUS_M, _bulge(angle), 1.0)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) * bulge[:, None]


def _bulge(angle: Array) -> Array:
    """Return how far the city reaches in a direction: longer to the north-east and south."""
    reach: Array = 1 + 0.13 * np.sin(2 * angle + 0.4) + 0.07 * np.sin(3 * angle + 1.9)
    return reach


def _township_seeds(rng: np.random.Generator) -> tuple[Array, Array]:
    seeds: list[Array] = [
        spread(rng, _sector(rng, 0, CORE_RADIUS_M, (0, 2 * np.pi)), int(rng.integers(8, 11)), 20)
    ]
    for ring_inner, ring_outer, sectors, low, high, turn in (
        (CORE_RADIUS_M + 900, URBAN_RADIUS_M, 3, 9, 12, 0.5),
        (URBAN_RADIUS_M + 3_500, CITY_RADIUS_M, 4, 11, 14, 0.9),
    ):
        cuts = turn + np.arange(sectors + 1) * 2 * np.pi / sectors
        cuts[1:-1] += rng.uniform(-0.18, 0.18, sectors - 1)
        for a, b in pairwise(cuts.tolist()):
            area = _sector(rng, ring_inner, ring_outer, (a + 0.04, b - 0.04))
            seeds.append(
                spread(rng, area, int(rng.integers(low, high + 1)), 20, np.concatenate(seeds))
            )
    district = np.repeat(np.arange(len(seeds)), [len(s) for s in seeds])
    return np.concatenate(seeds), district


def _outside_seeds(seeds: Array) -> Array:
    """Return seeds of the land around: the outer ones mirrored, so that the edge runs smooth."""
    radius, angle = np.hypot(*seeds.T), np.arctan2(seeds[:, 1], seeds[:, 0])
    edge = (CITY_RADIUS_M + 1_500) * _bulge(angle)
    outer = radius > 0.35 * CITY_RADIUS_M
    radius, angle, edge = radius[outer], angle[outer], edge[outer]
    mirrored = (2 * edge - radius)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    far = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.concatenate(
        [mirrored, 5 * CITY_RADIUS_M * np.column_stack([np.cos(far), np.sin(far)])]
    )


def _warped_cells(seeds: Array, outside: Array, warp: Warp, border: Warp) -> Array:
    """Return the warped Voronoi cell of each seed; shared edges have equal vertices.

    Borders wander a little more than streets do: that is ``border``.
    """
    diagram = Voronoi(np.concatenate([seeds, outside]))
    ridges = np.array(diagram.ridge_vertices)
    kept = (diagram.ridge_points.min(axis=1) < len(seeds)) & (ridges.min(axis=1) >= 0)
    ridges = np.sort(ridges[kept], axis=1)
    points, edge = densified(
        diagram.vertices[ridges[:, 0]], diagram.vertices[ridges[:, 1]], _EDGE_SPACING_M
    )
    moved = np.round(border(warp(points)), 2)
    # The ends come from one table: two calls of sin may differ in the last bit by lane.
    corners = np.round(border(warp(diagram.vertices)), 2)
    first = np.r_[True, edge[1:] != edge[:-1]]
    last = np.r_[edge[1:] != edge[:-1], True]
    moved[first], moved[last] = corners[ridges[:, 0]], corners[ridges[:, 1]]
    faces = shapely.get_parts(shapely.polygonize(line_array(moved, indices=edge)))
    centre, face = shapely.STRtree(faces).query(points_at(warp(seeds)), predicate="within")
    if not np.array_equal(centre, np.arange(len(seeds))):
        raise RuntimeError("the warp folded a township; choose another seed")
    cells: Array = faces[face]
    return cells


def _county_towns(flat: Array, district: Array) -> Array:
    """Return the index of the seat that is the county town of each rural district."""
    towns = []
    for d in range(len(names.URBAN_DISTRICTS), len(names.URBAN_DISTRICTS) + len(names.COUNTIES)):
        members = np.flatnonzero(district == d)
        middle = flat[members].mean(axis=0)
        towns.append(members[np.argmin(np.hypot(*(flat[members] - middle).T))])
    return np.array(towns)


def _villages(rng: np.random.Generator, rural_seats: Array) -> Array:
    ring = np.concatenate(
        [
            _sector(rng, URBAN_RADIUS_M + 1_500, CITY_RADIUS_M, (a, a + np.pi / 3))
            for a in np.arange(6) * np.pi / 3
        ]
    )
    gap = np.min(np.hypot(*(ring[:, None] - rural_seats[None]).transpose(2, 0, 1)), axis=1)
    return spread(rng, ring[gap > 900], VILLAGES, 6, rural_seats)
