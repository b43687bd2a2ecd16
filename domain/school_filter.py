"""The one filter of the map: its values, its form in a URL, nothing of where it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

MAX_QUERY_CHARS = 60
FILTER_KEYS = ("district", "station", "kind", "ownership", "level", "status", "coverage", "q")
AREA_KEY = "area"
AREA_DECIMALS = 5
"""About a metre."""


@dataclass(frozen=True, slots=True)
class SchoolFilter:
    """Which schools are shown. An empty field does not limit.

    ``district`` and ``station`` hold codes; ``kind``, ``ownership``, ``level``, ``status``
    and ``coverage`` hold stable English words; ``q`` is part of a name or code; ``area`` is
    a rectangle ``west,south,east,north`` in degrees (WGS 84) as ``area_text`` writes it.
    """

    district: tuple[str, ...] = ()
    station: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    ownership: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()
    q: str = ""
    area: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> SchoolFilter:
        """Read a filter from URL parameters; unknown keys are ignored."""
        values: dict[str, tuple[str, ...] | str] = {
            key: tuple(sorted(set(query.get(key, ())))) for key in FILTER_KEYS if key != "q"
        }
        values["q"] = " ".join(query.get("q", ("",))).strip()[:MAX_QUERY_CHARS]
        values[AREA_KEY] = read_area("".join(query.get(AREA_KEY, ("",))[:1]))
        return cls(**values)  # type: ignore[arg-type]

    def to_query(self) -> str:
        """Return the canonical query string: same filter, same string."""
        pairs: list[tuple[str, str]] = []
        for item in fields(self):
            value = getattr(self, item.name)
            texts = (value,) if isinstance(value, str) else sorted(value)
            pairs.extend((item.name, text) for text in texts if text)
        return urlencode(pairs)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north in degrees (WGS 84), or nothing without an area."""
        if not self.area:
            return None
        west, south, east, north = (float(part) for part in self.area.split(","))
        return west, south, east, north

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is limited."""
        return not self.to_query()


def area_text(west: float, south: float, east: float, north: float) -> str:
    """Return a rectangle in degrees as the filter holds it; empty where it is none."""
    fits = -180 <= west < east <= 180 and -90 <= south < north <= 90
    if not fits:
        return ""
    return ",".join(f"{edge:.{AREA_DECIMALS}f}" for edge in (west, south, east, north))


def read_area(text: str) -> str:
    """Return the rectangle that a URL names in its canonical form; empty where it names none."""
    try:
        edges = [float(part) for part in text.split(",")]
    except ValueError:
        return ""
    if len(edges) != 4 or not all(math.isfinite(edge) for edge in edges):
        return ""
    made = area_text(*edges)
    # Rounding may leave nothing of a very thin one.
    west, south, east, north = (float(part) for part in made.split(",")) if made else (0, 0, 0, 0)
    return made if west < east and south < north else ""
