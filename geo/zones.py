"""Draw rings round schools: the control zones of a rule set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike

from geo.crs import project_geometries, unproject_geometries

QUADRANT_SEGMENTS = 32
"""A 200 m circle of 128 sides lies at most 0.06 m inside the true one."""


def zone_rings(origins: ArrayLike, *, radii_m: Sequence[float], epsg: int) -> pd.DataFrame:
    """Return zones of the given radii round campus, gates or points.

    Args:
        origins: (n,) WGS 84 geometries: campus polygon, multipoint of gates, or point.
        radii_m: ground metres, each > 0.
        epsg: the city's metre zone, where the buffering is done.

    Returns:
        Columns ``origin`` (position in ``origins``), ``radius_m``, ``geometry`` (WGS 84
        polygon or multipolygon, everything within the radius, the origin included).
        Missing origins have no row.
    """
    if any(not radius > 0 for radius in radii_m):
        raise ValueError("a zone radius must be above 0 m")
    shapes = np.asarray(origins, dtype=object)
    known = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    ground = project_geometries(shapes[known], epsg)
    radius = np.repeat(np.asarray(radii_m, dtype=float), len(known))
    zones = shapely.buffer(np.tile(ground, len(radii_m)), radius, quad_segs=QUADRANT_SEGMENTS)
    return pd.DataFrame(
        {
            "origin": np.tile(known, len(radii_m)),
            "radius_m": radius,
            "geometry": unproject_geometries(zones, epsg),
        }
    )
