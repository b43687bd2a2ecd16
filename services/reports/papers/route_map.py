"""A route as a small drawing: lon/lat in, millimetres in a box out; no basemap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.crs import city_epsg, project

Floats = npt.NDArray[np.float64]
Place = tuple[float, float]

MARGIN_MM, MARK_MM, LEGEND_MM = 6.0, 5.2, 7.0
"""The legend is a strip below the drawing for scale and north."""
LEAST_SPAN_M = 500.0
"""One school alone, or all in one street, is not blown up further than this."""
FINEST_MM = 0.15
SPREAD_ROUNDS = 60


def draw_route(
    *,
    start: Place | None,
    stops: Sequence[Place | None],
    path: Sequence[Place],
    width_mm: float,
    height_mm: float,
) -> dict[str, Any]:
    """Return the drawing of a route in millimetres from the box's upper left corner.

    All places are WGS 84 lon, lat; grid north of the city's zone is up. ``stops`` in order,
    ``None`` where the place is unknown; ``path`` is the way driven, where empty straight
    lines from place to place. Keys: ``width``, ``height``, ``path`` (points), ``marks``
    (``label``, ``at`` where the number stands, ``spot`` the true place), ``scale``
    (``length`` mm, ``label``), ``unplaced`` (numbers of stops without place), ``view`` (how
    metres of the zone ``epsg`` became millimetres: ``middle`` lies in the middle of the
    drawing above its legend, ``mm_per_m``). An empty mapping where nothing has a place.
    """
    known = [(str(at), stop) for at, stop in enumerate(stops, start=1) if stop is not None]
    places = ([("起", start)] if start is not None else []) + known
    unplaced = [at for at, stop in enumerate(stops, start=1) if stop is None]
    if not places:
        return {}
    way = list(path) or [place for _, place in places]
    lon_lat = np.array([place for _, place in places] + way, dtype=float)
    epsg = city_epsg(float(lon_lat[0, 0]))
    metres = np.column_stack(project(lon_lat[:, 0], lon_lat[:, 1], epsg))
    low, high = metres.min(axis=0), metres.max(axis=0)
    room = np.array([width_mm, height_mm - LEGEND_MM]) - 2 * MARGIN_MM
    mm_per_m = float(min(room / np.maximum(high - low, LEAST_SPAN_M)))
    flat = (metres - (low + high) / 2) * mm_per_m * (1, -1) + (
        width_mm / 2,
        (height_mm - LEGEND_MM) / 2,
    )
    spots, line = flat[: len(places)], flat[len(places) :]
    if len(line) > 1:
        line = shapely.get_coordinates(shapely.simplify(shapely.LineString(line), FINEST_MM))
    marks = _spread(spots, width_mm, height_mm - LEGEND_MM)
    length_m = _scale_length_m(width_mm / 4 / mm_per_m)
    return {
        "width": width_mm,
        "height": height_mm,
        "path": np.round(line, 2).tolist(),
        "marks": [
            {
                "label": label,
                "at": np.round(mark, 2).tolist(),
                "spot": np.round(spot, 2).tolist(),
            }
            for (label, _), mark, spot in zip(places, marks, spots, strict=True)
        ],
        "scale": {
            "length": round(length_m * mm_per_m, 2),
            "label": f"{length_m / 1000:g} 公里" if length_m >= 1000 else f"{length_m:g} 米",
        },
        "unplaced": unplaced,
        "view": {
            "epsg": epsg,
            "middle": ((low + high) / 2).tolist(),
            "mm_per_m": mm_per_m,
        },
    }


def _spread(spots: Floats, width_mm: float, height_mm: float) -> Floats:
    """Push marks apart that would cover each other; the same spots give the same marks."""
    marks = spots.copy()
    # Two schools at one place part along a fixed direction each.
    angle = np.arange(len(marks)) * 2.4
    marks += 0.01 * np.column_stack((np.cos(angle), np.sin(angle)))
    edge = MARK_MM / 2 + 0.5
    for _ in range(SPREAD_ROUNDS):
        apart = marks[:, None, :] - marks[None, :, :]
        distance = np.hypot(apart[..., 0], apart[..., 1])
        np.fill_diagonal(distance, np.inf)
        push = np.clip(MARK_MM + 0.3 - distance, 0, None) / 2
        if not push.any():
            break
        marks += (apart / distance[..., None] * push[..., None]).sum(axis=1)
        marks = np.clip(marks, edge, (width_mm - edge, height_mm - edge))
    return marks


def _scale_length_m(most_m: float) -> float:
    """Return the largest of 1, 2, 5 × a power of ten that is at most ``most_m``."""
    power = 10.0 ** np.floor(np.log10(most_m))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most_m))
