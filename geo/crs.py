"""Project to the city's CGCS2000 3-degree Gauss–Krüger zone, where metres are metres."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer

Floats = NDArray[np.float64]

FIRST_ZONE, LAST_ZONE = 25, 45
FIRST_ZONE_EPSG = 4534
"""EPSG:4534 is zone 25, central meridian 75° E. source: EPSG register; DOMAIN.md §4."""


def city_epsg(lon: float) -> int:
    """Return the EPSG code of the CGCS2000 3-degree zone (no zone prefix) for ``lon``.

    zone = floor((lon + 1.5) / 3), EPSG = 4534 + zone − 25 (DOMAIN.md §4). Longitudes
    beyond the outermost zones get the outermost one. Raises ``ValueError`` on NaN.
    """
    if not math.isfinite(lon):
        raise ValueError("longitude is not a finite number")
    zone = math.floor((lon + 1.5) / 3.0)
    return FIRST_ZONE_EPSG + min(max(zone, FIRST_ZONE), LAST_ZONE) - FIRST_ZONE


@lru_cache(maxsize=64)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def project(lon: ArrayLike, lat: ArrayLike, epsg: int) -> tuple[Floats, Floats]:
    """Project WGS 84 points (lon, lat degrees) to easting and northing, metres in ``epsg``.

    NaN in gives NaN out.
    """
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    east, north = _transformer(4326, epsg).transform(x, y)
    return _finite(east), _finite(north)


def unproject(east_m: ArrayLike, north_m: ArrayLike, epsg: int) -> tuple[Floats, Floats]:
    """Return WGS 84 (lon, lat) degrees of points given in metres of ``epsg``."""
    x, y = np.asarray(east_m, dtype=float), np.asarray(north_m, dtype=float)
    lon, lat = _transformer(epsg, 4326).transform(x, y)
    return _finite(lon), _finite(lat)


def project_geometries(geoms: ArrayLike, epsg: int) -> NDArray[np.object_]:
    """Project WGS 84 geometries (lon/lat) to metres in ``epsg``; ``None`` stays ``None``."""

    def convert(xy: Floats) -> Floats:
        return np.column_stack(project(xy[:, 0], xy[:, 1], epsg))

    return np.asarray(shapely.transform(np.asarray(geoms, dtype=object), convert), dtype=object)


def unproject_geometries(geoms: ArrayLike, epsg: int) -> NDArray[np.object_]:
    """Return geometries given in metres of ``epsg`` as WGS 84 lon/lat."""

    def convert(xy: Floats) -> Floats:
        return np.column_stack(unproject(xy[:, 0], xy[:, 1], epsg))

    return np.asarray(shapely.transform(np.asarray(geoms, dtype=object), convert), dtype=object)


def _finite(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=float)
    return np.where(np.isfinite(array), array, np.nan)
