"""How evenly a selection covers the map: the weight of the Voronoi cells around it.

Every school of the frame gives its chance to the nearest selected one (shared out equally
on a tie). In a perfect spread each selected school gathers exactly 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

_TIE_M = 1e-6


def cell_totals(
    x_m: ArrayLike, y_m: ArrayLike, chances: ArrayLike, selected: Sequence[int]
) -> NDArray[np.float64]:
    """Return the sum of chances in each selected school's Voronoi cell, in given order.

    ``x_m, y_m`` in metres of one plane and ``chances`` are arrays of one length;
    ``selected`` are positions in them. Sums to the sum of chances.
    """
    points = np.column_stack([np.asarray(x_m, float), np.asarray(y_m, float)])
    weight = np.asarray(chances, float)
    tree = cKDTree(points[np.asarray(selected, dtype=np.int64)])
    nearest_m, _ = tree.query(points)
    cells: Any = tree.query_ball_point(points, nearest_m + _TIE_M)
    width = np.array([len(cell) for cell in cells])
    totals: NDArray[Any] = np.bincount(
        np.concatenate([np.asarray(cell, dtype=np.int64) for cell in cells]),
        weights=np.repeat(weight / width, width),
        minlength=len(selected),
    )
    return totals


def voronoi_variance(totals: ArrayLike) -> float:
    """Return the mean squared distance of cell totals from 1; 0 is a perfect spread.

    Source: Stevens & Olsen 2004; Grafström et al. 2012, equation for spatial balance.
    """
    return float(np.mean((np.asarray(totals, float) - 1.0) ** 2))


def pielou_unevenness(totals: ArrayLike) -> float:
    """Return 1 − Pielou's evenness of the cell totals; 0 is a perfect spread.

    With shares p of n cells: 1 + Σ p·ln p / ln n. Fewer than two cells are even.
    """
    shares = np.asarray(totals, float)
    if len(shares) < 2:
        return 0.0
    shares = shares / shares.sum()
    held = shares[shares > 0]
    return float(1.0 + (held * np.log(held)).sum() / np.log(len(shares)))
