"""The raw table: what a reader hands over, nothing interpreted yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class RawTable:
    """One sheet or layer as read.

    ``frame``: cells by column header, default index. ``rows``: each row's number as
    the file's own program counts it, from 1. ``geometry``: shapely geometries in the
    file's own coordinates, or ``None``. ``feature_ids``: ids that the format itself
    keeps stable (a GeoPackage's primary key), or ``None``. ``crs``: as declared,
    empty when nothing is declared. ``notes``: what the reader had to decide.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    sheet: str = ""
    geometry: NDArray[np.object_] | None = None
    feature_ids: NDArray[np.int64] | None = None
    crs: str = ""
    layer_count: int = 1
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Return the number of data rows."""
        return len(self.rows)
