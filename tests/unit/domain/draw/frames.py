"""Frames the draw's tests share."""

from __future__ import annotations

import numpy as np

from domain.draw.frame import Frame, build_frame

RIVEST = "3546311556112163624615351222"


def frame_of_60() -> Frame:
    """Make the frame of the specification's check vectors."""
    return build_frame(
        ids=[f"S{i:02d}" for i in range(60)],
        strata=["ABC"[i % 3] for i in range(60)],
        weights=[1 + (7 * i % 4) for i in range(60)],
        x_m=[7919 * i % 10007 for i in range(60)],
        y_m=[104729 * i % 10009 for i in range(60)],
    )


def small_frame(
    weights: list[int],
    strata: list[str] | None = None,
    points: list[tuple[int, int]] | None = None,
) -> Frame:
    count = len(weights)
    at = points or [(i * i * 7 % 11, i * 5 % 7) for i in range(count)]
    return build_frame(
        ids=[f"s{i}" for i in range(count)],
        strata=strata or [""] * count,
        weights=weights,
        x_m=[x for x, _ in at],
        y_m=[y for _, y in at],
    )


def scattered(count: int, *, grid_m: int = 60_000, seed: int = 5, depth: int = 2) -> Frame:
    """Scatter schools over nested strata; a coarse grid makes many ties."""
    rng = np.random.default_rng(seed)
    district, kind = rng.integers(0, 8, count), rng.integers(0, 6, count)
    path = {
        0: lambda d, k: "",
        1: lambda d, k: f"区{d}",
        2: lambda d, k: f"区{d}/类{k}",
        3: lambda d, k: f"片{d // 4}/区{d}/类{k}",
    }[depth]
    return build_frame(
        ids=[f"S{i:05d}" for i in range(count)],
        strata=[path(d, k) for d, k in zip(district, kind, strict=True)],
        weights=rng.integers(1, 9, count).tolist(),
        x_m=rng.integers(0, grid_m, count),
        y_m=rng.integers(0, grid_m, count),
    )
