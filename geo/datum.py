"""Convert between WGS 84 and the shifted Chinese datums GCJ-02 and BD-09.

The shift is written down by hand because no maintained library offers an exact
inverse over arrays. Formula: the publicly known GCJ-02 polynomial on the Krasovsky
ellipsoid (a = 6378245 m, e² = 0.00669342162296594323; DOMAIN.md §4) and Baidu's
published polar shift on top of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
_Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

WGS84, GCJ02, BD09 = "wgs84", "gcj02", "bd09"
"""The datums by the stored values of ``domain.words.Datum``, whose members equal them."""

KRASOVSKY_A_M = 6378245.0
KRASOVSKY_EE = 0.00669342162296594323
BD_TURN_RAD_PER_DEG = np.pi * 3000.0 / 180.0
BD_LON_OFFSET_DEG, BD_LAT_OFFSET_DEG = 0.0065, 0.006
CHINA_LON_DEG = (72.004, 137.8347)
CHINA_LAT_DEG = (0.8293, 55.8271)
"""The rectangle inside which map makers apply the shift. source: the same formula."""

MAX_ITERATIONS = 12
CONVERGED_DEG = 1e-12


def is_in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Tell which WGS 84 points lie in the rectangle where the shift applies (NaN: no)."""
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    inside = (x >= CHINA_LON_DEG[0]) & (x <= CHINA_LON_DEG[1])
    return np.asarray(inside & (y >= CHINA_LAT_DEG[0]) & (y <= CHINA_LAT_DEG[1]))


def from_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Shift WGS 84 points into ``datum``.

    Args:
        lon: degrees, any shape.
        lat: degrees, same shape.
        datum: the target, ``wgs84``, ``gcj02`` or ``bd09``; else ``KeyError``.

    Returns:
        New ``(lon, lat)``; points outside China and NaN are left alone.
    """
    x, y = _pair(lon, lat)
    if datum == WGS84:
        return x, y
    shifted_x, shifted_y = _SHIFTS[datum](x, y)
    inside = is_in_china(x, y)
    return np.where(inside, shifted_x, x), np.where(inside, shifted_y, y)


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Undo the shift of ``datum`` by fixed-point iteration (error < 1e-9 degree).

    Args:
        lon: degrees in ``datum``, any shape.
        lat: degrees in ``datum``, same shape.
        datum: what the points are in, ``wgs84``, ``gcj02`` or ``bd09``; else ``KeyError``.

    Returns:
        ``(lon, lat)`` in WGS 84; points whose origin lies outside China, and NaN,
        are left alone.
    """
    x, y = _pair(lon, lat)
    if datum == WGS84:
        return x, y
    shift = _SHIFTS[datum]
    guess_x, guess_y = x, y
    for _ in range(MAX_ITERATIONS):
        back_x, back_y = shift(guess_x, guess_y)
        error_x, error_y = back_x - x, back_y - y
        guess_x, guess_y = guess_x - error_x, guess_y - error_y
        worst = np.maximum(np.abs(error_x), np.abs(error_y))
        if not np.any(worst > CONVERGED_DEG):
            break
    inside = is_in_china(guess_x, guess_y)
    return np.where(inside, guess_x, x), np.where(inside, guess_y, y)


def transform_geometry(geoms: ArrayLike, datum: str) -> NDArray[np.object_]:
    """Convert geometries from ``datum`` to WGS 84, vertex by vertex.

    Args:
        geoms: shapely geometries, lon/lat degrees; ``None`` stays ``None``.
        datum: the datum the vertices are in.

    Returns:
        New geometries; a third ordinate is dropped, as nothing here uses heights.
    """
    array = np.asarray(geoms, dtype=object)
    if datum == WGS84:
        return array

    def convert(xy: Floats) -> Floats:
        return np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum))

    return np.asarray(shapely.transform(array, convert), dtype=object)


def _pair(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.broadcast_arrays(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
    return x.copy(), y.copy()


def _gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    waves = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves
    north_m += (20.0 * np.sin(np.pi * y) + 40.0 * np.sin(np.pi / 3.0 * y)) * 2.0 / 3.0
    north_m += (160.0 * np.sin(np.pi / 12.0 * y) + 320.0 * np.sin(np.pi / 30.0 * y)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves
    east_m += (20.0 * np.sin(np.pi * x) + 40.0 * np.sin(np.pi / 3.0 * x)) * 2.0 / 3.0
    east_m += (150.0 * np.sin(np.pi / 12.0 * x) + 300.0 * np.sin(np.pi / 30.0 * x)) * 2.0 / 3.0
    lat_rad = lat * np.pi / 180.0
    magic = 1.0 - KRASOVSKY_EE * np.sin(lat_rad) ** 2
    root_magic = np.sqrt(magic)
    meridian_m = KRASOVSKY_A_M * (1.0 - KRASOVSKY_EE) / (magic * root_magic)
    parallel_m = KRASOVSKY_A_M / root_magic * np.cos(lat_rad)
    return lon + np.degrees(east_m / parallel_m), lat + np.degrees(north_m / meridian_m)


def _bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = _gcj02(lon, lat)
    radius = np.hypot(x, y) + 2e-5 * np.sin(y * BD_TURN_RAD_PER_DEG)
    angle = np.arctan2(y, x) + 3e-6 * np.cos(x * BD_TURN_RAD_PER_DEG)
    return (
        radius * np.cos(angle) + BD_LON_OFFSET_DEG,
        radius * np.sin(angle) + BD_LAT_OFFSET_DEG,
    )


_SHIFTS: dict[str, _Shift] = {GCJ02: _gcj02, BD09: _bd09}
