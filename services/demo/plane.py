"""The plane the demo city is drawn on: metres about an invented centre, and its noise.

Coordinates are metres east and north of ``CENTRE_LON_LAT`` in EPSG:4548, the CGCS2000
3-degree zone of 117° E (DOMAIN.md §4). The place is only a canvas: nothing real is meant.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.crs import project, unproject

Array = NDArray[Any]
Table = dict[str, Array]
"""Columns of one table: name → array of one length. NaN, NaT and None mean unknown."""

EPSG = 4548
CENTRE_LON_LAT = (118.2, 33.4)
LON_LAT_DECIMALS = 7
"""About 1 cm: finer digits would only differ between maths libraries."""

SOURCE = "演示数据"


def geometries(made: Any) -> Array:
    """State that a shapely call given arrays returns an array, which its types leave open."""
    return np.asarray(made, dtype=object)


def points_at(xy: Array) -> Array:
    """Return point geometries of (n, 2) coordinates."""
    return geometries(shapely.points(xy))


def line_array(coordinates: Array, indices: Array | None = None) -> Array:
    """Return lines of (n, m, 2) coordinates, or of (n, 2) ones grouped by ``indices``."""
    return geometries(shapely.linestrings(coordinates, indices=indices))


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """Return the random stream of one part, so that a change in one part moves no other."""
    return np.random.default_rng([seed, *(zlib.crc32(str(key).encode()) for key in keys)])


_ORIGIN_EAST, _ORIGIN_NORTH = project(*CENTRE_LON_LAT, EPSG)


def to_lon_lat(xy: Array) -> Array:
    """Turn plane metres (n, 2) into WGS 84 lon, lat (n, 2), rounded to 1 cm."""
    lon, lat = unproject(xy[:, 0] + _ORIGIN_EAST, xy[:, 1] + _ORIGIN_NORTH, EPSG)
    return np.round(np.column_stack([lon, lat]), LON_LAT_DECIMALS)


def geometries_to_lon_lat(geometries: Array) -> Array:
    """Turn plane geometries into WGS 84 ones; equal vertices stay equal."""
    moved: Array = shapely.transform(geometries, to_lon_lat)
    return moved


@dataclass(frozen=True)
class Warp:
    """A smooth displacement: straight lines in, organic ones out, neighbours stay neighbours."""

    waves: Array
    phases: Array
    amplitudes_m: Array

    def __call__(self, xy: Array) -> Array:
        """Displace points (n, 2) in metres."""
        moved = xy.astype(float).copy()
        for wave, phase, amplitude in zip(self.waves, self.phases, self.amplitudes_m, strict=True):
            moved += amplitude * np.sin(xy @ wave + phase)[:, None]
        return moved


TERRAIN_OCTAVES = (
    (26_000.0, 0.024),
    (13_000.0, 0.020),
    (6_000.0, 0.016),
    (2_800.0, 0.014),
    (1_300.0, 0.010),
    (700.0, 0.008),
)
BORDER_OCTAVES = ((7_000.0, 0.026), (3_600.0, 0.028), (1_900.0, 0.026), (950.0, 0.022))
"""Wave length in m and amplitude as a share of it; slopes stay below 1, so nothing folds."""


def make_warp(rng: np.random.Generator, octaves: tuple[tuple[float, float], ...]) -> Warp:
    """Make a displacement of three waves an octave."""
    lengths_m = np.repeat([length for length, _ in octaves], 3)
    share = np.repeat([part for _, part in octaves], 3)
    turn = rng.uniform(0, 2 * np.pi, len(lengths_m))
    push = rng.uniform(0, 2 * np.pi, len(lengths_m))
    waves = 2 * np.pi / lengths_m[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    amplitudes = (share * lengths_m)[:, None] * np.column_stack([np.cos(push), np.sin(push)])
    return Warp(waves, rng.uniform(0, 2 * np.pi, len(lengths_m)), amplitudes)


def densified(starts: Array, ends: Array, spacing_m: float) -> tuple[Array, Array]:
    """Return points along straight edges and, for each point, the index of its edge."""
    pieces = np.maximum(np.ceil(np.hypot(*(ends - starts).T) / spacing_m).astype(int), 1)
    index = np.repeat(np.arange(len(starts)), pieces + 1)
    first = np.repeat(np.concatenate([[0], np.cumsum(pieces + 1)[:-1]]), pieces + 1)
    share = (np.arange(len(index)) - first) / np.repeat(pieces, pieces + 1)
    points = starts[index] + share[:, None] * (ends - starts)[index]
    return points, index


def blobs(rng: np.random.Generator, centres: Array, radii_m: Array, roughness: float) -> Array:
    """Return organic polygons (lakes, ponds) around centres (n, 2), elongated at random."""
    count, corners = len(centres), 40
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.ones((count, corners))
    for harmonic in (2, 3, 4, 5, 7):
        size = roughness * rng.uniform(0.3, 1.0, count) / harmonic
        radius += size[:, None] * np.sin(
            harmonic * angle + rng.uniform(0, 2 * np.pi, count)[:, None]
        )
    radius *= radii_m[:, None]
    squeeze = rng.uniform(0.55, 1.0, count)[:, None]
    turn = rng.uniform(0, np.pi, count)[:, None]
    along, across = radius * np.cos(angle), radius * np.sin(angle) * squeeze
    x = centres[:, :1] + along * np.cos(turn) - across * np.sin(turn)
    y = centres[:, 1:] + along * np.sin(turn) + across * np.cos(turn)
    rings = np.stack([x, y], axis=-1)
    return geometries(shapely.polygons(np.concatenate([rings, rings[:, :1]], axis=1)))


def spread(
    rng: np.random.Generator, candidates: Array, count: int, tries: int, taken: Array | None = None
) -> Array:
    """Pick ``count`` of the candidates, each the best-spaced of ``tries`` random ones."""
    chosen = [] if taken is None else list(taken)
    before = len(chosen)
    for _ in range(count):
        draw = candidates[rng.integers(0, len(candidates), tries)]
        if not chosen:
            chosen.append(draw[0])
            continue
        gaps = np.min(
            np.hypot(*(draw[:, None] - np.array(chosen)[None]).transpose(2, 0, 1)), axis=1
        )
        chosen.append(draw[int(np.argmax(gaps))])
    return np.array(chosen[before:])


def pick(rng: np.random.Generator, options: list[Any], weights: list[float], count: int) -> Array:
    """Draw ``count`` of the options by weight, as an object array."""
    share = np.asarray(weights, float)
    values = np.empty(len(options), dtype=object)
    values[:] = options
    drawn: Array = values[rng.choice(len(options), size=count, p=share / share.sum())]
    return drawn


def blanked(rng: np.random.Generator, values: Array, share: float | Array) -> Array:
    """Return a copy in which a share of the values is unknown (NaN, NaT or None)."""
    lost = rng.random(len(values)) < share
    if values.dtype.kind == "O":
        copy = values.copy()
        copy[lost] = None
    elif values.dtype.kind == "M":
        copy = values.copy()
        copy[lost] = np.datetime64("NaT")
    else:
        copy = values.astype(float)
        copy[lost] = np.nan
    return copy


def texts(count: int, fill: Any = "") -> Array:
    """Return an object array of one value."""
    column = np.empty(count, dtype=object)
    column[:] = fill
    return column


def objects(values: list[Any]) -> Array:
    """Return an object array of exactly these values."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
