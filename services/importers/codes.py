"""Mint codes for rows that carry no real-world code of their own."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.importers.values import is_blank, plain

MAX_CODE_CHARS = 64
ROUNDED_DECIMALS = 5
"""About 1 m: closer than that, two records of one name are one place."""


def mint(source: str, key: str) -> str:
    """Return ``<source>:<key>``, the middle replaced by a hash where it is too long."""
    code = f"{source}:{key}"
    if len(code) <= MAX_CODE_CHARS:
        return code
    digest = hashlib.sha256(code.encode()).hexdigest()[:12]
    return f"{code[: MAX_CODE_CHARS - 13]}~{digest}"


def key_texts(cells: pd.Series) -> pd.Series:
    """Return id cells as text (``12.0`` is ``12``), ``None`` where blank."""
    blank = is_blank(cells)
    text = pd.Series([plain(c) for c in cells], index=cells.index, dtype=object)
    return text.where(~blank, None)


def place_keys(
    names: pd.Series, kinds: pd.Series, geometry_bounds: NDArray[np.float64]
) -> pd.Series:
    """Return a stable key from name, kind and rounded place, for rows without any id.

    Args:
        names: text or ``None``.
        kinds: text or ``None``; tells unnamed things at one place apart.
        geometry_bounds: (n, 4) west, south, east, north in degrees, NaN where unknown.

    Returns:
        16 hex digits a row; exact repeats get ``-2``, ``-3`` …, so that none is lost.
    """
    rounded = np.round(np.nan_to_num(geometry_bounds), ROUNDED_DECIMALS) + 0.0
    texts = [
        f"{plain(n or '').lower()}|{k or ''}|{b[0]:.5f},{b[1]:.5f},{b[2]:.5f},{b[3]:.5f}"
        for n, k, b in zip(names, kinds, rounded, strict=True)
    ]
    keys = pd.Series(
        [hashlib.sha256(t.encode()).hexdigest()[:16] for t in texts],
        index=names.index,
        dtype=object,
    )
    again = keys.groupby(keys).cumcount()
    return keys.where(again == 0, keys + "-" + (again + 1).astype(str))
