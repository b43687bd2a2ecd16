"""Positions for drawing: Web Mercator, never to be measured in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
WORLD_UNITS = 2**31
MAX_LAT = 85.0511287798066
"""Where the square Web Mercator world ends. source: EPSG:3857 definition"""


def world_pixels(
    lon: FloatArray, lat: FloatArray
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return x (east) and y (south) in units of 2⁻³¹ of the Web Mercator world.

    ``lon``, ``lat``: degrees, WGS 84, one shape. One unit is about 2 cm at the
    equator, finer than any screen; 32-bit integers halve the file.
    """
    clipped = np.radians(np.clip(lat, -MAX_LAT, MAX_LAT))
    x = (lon + 180.0) / 360.0
    y = (1.0 - np.arcsinh(np.tan(clipped)) / np.pi) / 2.0
    top = WORLD_UNITS - 1
    return (
        np.clip(np.rint(x * WORLD_UNITS), 0, top).astype(np.int32),
        np.clip(np.rint(y * WORLD_UNITS), 0, top).astype(np.int32),
    )
