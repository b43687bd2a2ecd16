"""Columns laid out as compact files that the browser reads without parsing text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from services.map_schools import Mask, SchoolTable

DRAWN_COLUMNS = ("level", "status", "coverage", "kind", "open", "overdue")
"""What the browser colours, shapes and rings by; filtering is the server's."""


def pack_columns(table: SchoolTable) -> bytes:
    """Return the compact file that the browser draws from.

    Layout: 4 bytes ``CSM1``; uint32 length of a JSON header; the header, padded
    to 8 bytes; then each column named there, little-endian, padded to 8 bytes.
    """
    columns: list[tuple[str, str, npt.NDArray[Any]]] = [
        ("id", "u4", table.ids),
        ("x", "i4", table.x),
        ("y", "i4", table.y),
        *[(name, "u1", table.bytes_[name]) for name in DRAWN_COLUMNS],
    ]
    return pack(len(table), columns, {"home": table.home})


def pack(
    count: int, columns: Sequence[tuple[str, str, npt.NDArray[Any]]], extra: dict[str, Any]
) -> bytes:
    """Lay columns out behind a JSON header (see ``pack_columns``)."""
    described, body = [], b""
    for name, kind, values in columns:
        raw = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
        described.append({"name": name, "type": kind, "offset": len(body)})
        body += raw + b"\0" * (-len(raw) % 8)
    header = json.dumps({"n": count, "columns": described, **extra}).encode()
    header += b" " * (-(len(header) + 8) % 8)
    return b"CSM1" + np.uint32(len(header)).tobytes() + header + body


def pack_names(table: SchoolTable) -> bytes:
    """Return the schools' names in row order, one a line, UTF-8 (line breaks removed)."""
    return "\n".join(pc.replace_substring_regex(table.names, r"[\r\n]+", " ").to_pylist()).encode()


def pack_mask(mask: Mask) -> bytes:
    """Return the mask as bits, first row in the lowest bit of the first byte."""
    return np.packbits(mask, bitorder="little").tobytes()
