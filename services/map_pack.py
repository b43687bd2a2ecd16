"""Columns laid out as compact files that the browser reads without parsing text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import shapely

from services.house import House
from services.map_schools import Mask, SchoolTable
from services.map_screen import screen_pixels

DRAWN_COLUMNS = ("level", "status", "coverage", "kind")
"""What the browser colours and shapes by; filtering is the server's."""
Column = tuple[str, str, npt.NDArray[Any]]


def pack_columns(table: SchoolTable) -> bytes:
    """Return the compact file that the browser draws from.

    Layout: 4 bytes ``CSM1``; uint32 length of a JSON header; the header, padded
    to 8 bytes; then each column named there, little-endian, padded to 8 bytes.
    ``ring`` says what the hazard overlay rings: 0 nothing, 1 open, 2 overdue hazards.
    """
    ring = np.where(table.bytes_["overdue"] > 0, 2, table.bytes_["open"] > 0)
    columns: list[Column] = [
        ("id", "u4", table.ids),
        ("x", "i4", table.x),
        ("y", "i4", table.y),
        *[(name, "u1", table.bytes_[name]) for name in DRAWN_COLUMNS],
        ("ring", "u1", ring),
    ]
    return pack(len(table), columns, {"home": table.home})


def pack(count: int, columns: Sequence[Column], extra: dict[str, Any]) -> bytes:
    """Lay columns out behind a JSON header (see ``pack_columns``), each of its own length."""
    described, body = [], b""
    for name, kind, values in columns:
        raw = np.ascontiguousarray(values, dtype=f"<{kind}").tobytes()
        described.append({"name": name, "type": kind, "offset": len(body), "n": len(values)})
        body += raw + b"\0" * (-len(raw) % 8)
    header = json.dumps({"n": count, "columns": described, **extra}).encode()
    header += b" " * (-(len(header) + 8) % 8)
    return b"CSM1" + np.uint32(len(header)).tobytes() + header + body


def shape_columns(house: House, shapes: Any, prefix: str = "") -> list[Column]:
    """Return lines and areas (WGS 84 degrees) as columns, in the given order.

    ``x``, ``y``: corners in drawing units (``geo.tiles.world_pixels``). ``part``: first
    corner of each line or ring, ``shape``: first part of each shape, both with the end
    appended. ``area``: 1 where a shape has an inside, its rings told apart by even-odd.
    ``prefix`` goes before every name.
    """
    whole = np.atleast_1d(np.asarray(shapes, dtype=object))
    simple, owner = shapely.get_parts(whole, return_index=True)
    while (shapely.get_type_id(simple) > shapely.GeometryType.POLYGON).any():
        simple, inner = shapely.get_parts(simple, return_index=True)
        owner = owner[inner]
    is_area = shapely.get_type_id(simple) == shapely.GeometryType.POLYGON
    area = np.zeros(len(whole), dtype=np.uint8)
    area[owner[is_area]] = 1
    rings, of_area = shapely.get_rings(simple[is_area], return_index=True)
    parts = np.concatenate([simple[~is_area], rings])
    of_shape = np.concatenate([owner[~is_area], owner[is_area][of_area]])
    order = np.argsort(of_shape, kind="stable")
    parts, of_shape = parts[order], of_shape[order]
    corners, of_part = shapely.get_coordinates(parts, return_index=True)
    x, y = screen_pixels(house, corners[:, 0], corners[:, 1])
    part = np.searchsorted(of_part, np.arange(len(parts) + 1))
    shape = np.searchsorted(of_shape, np.arange(len(whole) + 1))
    columns = (("x", "i4", x), ("y", "i4", y), ("part", "u4", part), ("shape", "u4", shape))
    return [
        (prefix + name, kind, values) for name, kind, values in (*columns, ("area", "u1", area))
    ]


def pack_names(table: SchoolTable) -> bytes:
    """Return the schools' names in row order, one a line, UTF-8 (line breaks removed)."""
    return "\n".join(pc.replace_substring_regex(table.names, r"[\r\n]+", " ").to_pylist()).encode()


def pack_mask(mask: Mask) -> bytes:
    """Return the mask as bits, first row in the lowest bit of the first byte."""
    return np.packbits(mask, bitorder="little").tobytes()
