"""Judge whether the chosen datum fits what is already known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.words import Datum
from geo.datum import to_wgs84

SAME_PLACE_M = 60.0
METRES_PER_DEGREE = 111_320.0
ENOUGH_MATCHES = 3
"""Fewer agreeing schools than this prove nothing."""


def matches_by_datum(
    names: pd.Series,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    known: pd.DataFrame,
) -> tuple[int, Mapping[Datum, int]]:
    """Count rows that fall on the known school of the same name, for each datum.

    Args:
        names: names in the file.
        lon: degrees as in the file.
        lat: degrees as in the file.
        known: frame with ``name``, ``lon``, ``lat`` (WGS 84).

    Returns:
        (rows with a known name, {datum: rows within 60 m}); names that occur twice
        on either side are left out.
    """
    mine = pd.DataFrame({"name": names.to_numpy(dtype=object), "lon": lon, "lat": lat}).dropna()
    mine = mine[~mine["name"].duplicated(keep=False)]
    theirs = known[~known["name"].duplicated(keep=False)].astype({"lon": float, "lat": float})
    both = mine.merge(theirs, on="name", suffixes=("", "_known"))
    counts: dict[Datum, int] = {}
    for datum in Datum:
        x, y = to_wgs84(both["lon"].to_numpy(), both["lat"].to_numpy(), datum)
        east = (x - both["lon_known"].to_numpy()) * np.cos(np.radians(y))
        north = y - both["lat_known"].to_numpy()
        near = np.hypot(east, north) * METRES_PER_DEGREE <= SAME_PLACE_M
        counts[datum] = int(near.sum())
    return len(both), counts


def datum_warning(chosen: Datum, total: int, counts: Mapping[Datum, int]) -> str:
    """Return a warning when another datum fits clearly better, else an empty string."""
    best = max(counts, key=lambda d: (counts[d], d is chosen))
    if best is chosen or counts[best] < ENOUGH_MATCHES or counts[best] < 2 * counts[chosen]:
        return ""
    return (
        f"坐标系可能选错：{total} 所与已有学校同名的学校中，按 {best.label} 有 {counts[best]} 所"
        f"落在 {SAME_PLACE_M:.0f} 米内，按所选的 {chosen.label} 只有 {counts[chosen]} 所。"
    )


def district_warning(chosen: Datum, total: int, inside: Mapping[Datum, int]) -> str:
    """Return a warning when under another datum clearly more rows lie in their own district."""
    best = max(inside, key=lambda d: (inside[d], d is chosen))
    outside, least = total - inside[chosen], total - inside[best]
    if best is chosen or outside < ENOUGH_MATCHES or least * 2 > outside:
        return ""
    return (
        f"坐标系可能选错：{total} 行填写了区县，按所选的 {chosen.label} 有 {outside} 行不在所填区县内，"
        f"按 {best.label} 只有 {least} 行。"
    )
