"""The nearest remaining school, exactly: integer squared distance, ties to frame order.

A k-d tree only proposes candidates; their squared distances are taken again in 64-bit
integers, and a candidate list is trusted only up to the last distance it is sure to hold
whole. Where no trusted candidate is left, all remaining schools are measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

TREE_NEIGHBOURS = 12
MATRIX_MOST = 160
"""Up to this many schools, a full distance table is quicker than a tree."""
SAFE_SPAN_M = 1 << 23
"""Within this span every squared distance (< 2**47) is exact in double precision too."""

Lists = dict[int, list[int]]


class Plane:
    """The positions of a frame's schools, ``x_m, y_m`` in integer metres."""

    def __init__(self, x_m: Sequence[int], y_m: Sequence[int]) -> None:
        """Keep the positions; wide ones (over 8,388 km) are measured in Python integers."""
        self.x_m, self.y_m = tuple(x_m), tuple(y_m)
        spans = [max(axis) - min(axis) for axis in (self.x_m, self.y_m) if axis]
        self.is_wide = max(spans, default=0) > SAFE_SPAN_M
        if not self.is_wide:
            # Shifted to the corner, so that far-off zones cost no precision.
            corner = [min(axis, default=0) for axis in (self.x_m, self.y_m)]
            self.x = np.array([v - corner[0] for v in self.x_m], dtype=np.int64)
            self.y = np.array([v - corner[1] for v in self.y_m], dtype=np.int64)

    def neighbour_lists(self, group: Sequence[int]) -> Lists:
        """Return, per school, its nearest others of ``group``, nearest first.

        ``group`` holds frame positions in ascending order. A list may stop early, never
        skip; for groups over ``MATRIX_MOST`` it holds at most ``TREE_NEIGHBOURS``.
        """
        if self.is_wide or len(group) <= 1:
            return {u: [] for u in group}
        at = np.asarray(group, dtype=np.int64)
        x, y = self.x[at], self.y[at]
        if len(group) <= MATRIX_MOST:
            squared = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
            np.fill_diagonal(squared, -1)
            order = np.argsort(squared, axis=1, kind="stable")[:, 1:]
            return dict(zip(group, at[order].tolist(), strict=True))
        return self._by_tree(at, x, y)

    def _by_tree(self, at: NDArray[np.int64], x: NDArray[np.int64], y: NDArray[np.int64]) -> Lists:
        points = np.column_stack([x, y]).astype(np.float64)
        _, found = cKDTree(points).query(points, k=TREE_NEIGHBOURS + 1)
        squared = (x[found] - x[:, None]) ** 2 + (y[found] - y[:, None]) ** 2
        # The list may lack others at exactly its farthest distance: trust only what is nearer.
        trusted = squared < squared.max(axis=1, keepdims=True)
        trusted &= found != np.arange(len(at))[:, None]
        order = np.lexsort((found, squared, ~trusted), axis=1)
        ordered = at[np.take_along_axis(found, order, axis=1)].tolist()
        counts = trusted.sum(axis=1).tolist()
        return {u: row[:count] for u, row, count in zip(at.tolist(), ordered, counts, strict=True)}


class Remaining:
    """The schools of one group still in the game, asked for nearest neighbours.

    ``members`` are frame positions in ascending order. ``lists`` may hand in the answer of
    ``Plane.neighbour_lists(members)`` where it is known already.
    """

    def __init__(self, plane: Plane, members: Sequence[int], lists: Lists | None = None) -> None:
        """Start with all members in the game."""
        self._plane = plane
        self._alive = bytearray(len(plane.x_m))
        for u in members:
            self._alive[u] = 1
        self._alive_view = np.frombuffer(self._alive, dtype=np.uint8)
        self._set_lists(list(members), lists)

    def remove(self, u: int) -> None:
        """Take a school out of the game."""
        self._alive[u] = 0
        self._count -= 1

    def nearest(self, u: int) -> int:
        """Return the nearest other member of ``u``, the earliest in frame order on a tie."""
        if self._count <= self._rebuild_at:
            self._set_lists([v for v in self._built if self._alive[v]], None)
        alive = self._alive
        for v in self._lists[u]:
            if alive[v]:
                return v
        return self._measure_all(u)

    def _set_lists(self, members: list[int], lists: Lists | None) -> None:
        self._built, self._count = members, len(members)
        self._lists = self._plane.neighbour_lists(members) if lists is None else lists
        self._built_array = np.asarray(members, dtype=np.int64)
        complete = self._plane.is_wide or len(members) <= MATRIX_MOST
        self._rebuild_at = 0 if complete else len(members) // 2

    def _measure_all(self, u: int) -> int:
        plane = self._plane
        if plane.is_wide:
            x, y = plane.x_m, plane.y_m
            others = (v for v in self._built if self._alive[v] and v != u)
            return min(others, key=lambda v: ((x[v] - x[u]) ** 2 + (y[v] - y[u]) ** 2, v))
        at = self._built_array
        squared = (plane.x[at] - plane.x[u]) ** 2 + (plane.y[at] - plane.y[u]) ** 2
        squared[(self._alive_view[at] == 0) | (at == u)] = np.iinfo(np.int64).max
        return int(at[np.argmin(squared)])
