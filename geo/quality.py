"""Judge coordinates and polygons as they arrive, before anything is stored."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geo.datum import CHINA_LAT_DEG, CHINA_LON_DEG, is_in_china

Bools = NDArray[np.bool_]

POLYGON_TYPE_IDS = (3, 6)


def repair_polygon(geoms: ArrayLike) -> tuple[NDArray[np.object_], Bools]:
    """Repair self-crossing polygons, keeping all the area they enclose.

    Args:
        geoms: polygons or multipolygons, any CRS; ``None`` and other kinds pass through.

    Returns:
        ``(fixed, was_invalid)``. A repaired geometry is a polygon or multipolygon; one
        that encloses no area at all cannot be repaired and becomes ``None``.
    """
    array = np.asarray(geoms, dtype=object).copy()
    areal = np.isin(shapely.get_type_id(array), POLYGON_TYPE_IDS)
    was_invalid = areal & (~shapely.is_valid(array) | shapely.is_empty(array))
    if not was_invalid.any():
        return array, np.asarray(was_invalid)
    made = shapely.make_valid(array[was_invalid], method="structure", keep_collapsed=False)
    whole = np.isin(shapely.get_type_id(made), POLYGON_TYPE_IDS) & ~shapely.is_empty(made)
    made[~whole] = None
    array[was_invalid] = made
    return array, np.asarray(was_invalid)


def are_plausible(lon: ArrayLike, lat: ArrayLike) -> Bools:
    """Tell which points are degrees inside the rectangle round China (NaN: no)."""
    return is_in_china(lon, lat)


def look_swapped(lon: ArrayLike, lat: ArrayLike) -> Bools:
    """Tell which points would be plausible only with lon and lat exchanged."""
    return ~is_in_china(lon, lat) & is_in_china(lat, lon)


def look_projected(x: ArrayLike, y: ArrayLike) -> Bools:
    """Tell which points cannot be degrees at all, so are metres of some projection."""
    east, north = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    return np.asarray((np.abs(east) > 360.0) | (np.abs(north) > 360.0))


def china_bounds() -> tuple[float, float, float, float]:
    """Return the plausible rectangle as (west, south, east, north) degrees."""
    return CHINA_LON_DEG[0], CHINA_LAT_DEG[0], CHINA_LON_DEG[1], CHINA_LAT_DEG[1]
