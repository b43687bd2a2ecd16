"""The one filter of the map: its values, its form in a URL, nothing of where it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

MAX_QUERY_CHARS = 60
FILTER_KEYS = ("district", "station", "kind", "ownership", "level", "status", "coverage", "q")


@dataclass(frozen=True, slots=True)
class SchoolFilter:
    """Which schools are shown. An empty field does not limit.

    ``district`` and ``station`` hold codes; ``kind``, ``ownership``, ``level``, ``status``
    and ``coverage`` hold stable English words; ``q`` is part of a name or code.
    """

    district: tuple[str, ...] = ()
    station: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    ownership: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    coverage: tuple[str, ...] = ()
    q: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> SchoolFilter:
        """Read a filter from URL parameters; unknown keys are ignored."""
        values: dict[str, tuple[str, ...] | str] = {
            key: tuple(sorted(set(query.get(key, ())))) for key in FILTER_KEYS if key != "q"
        }
        values["q"] = " ".join(query.get("q", ("",))).strip()[:MAX_QUERY_CHARS]
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
    def is_empty(self) -> bool:
        """Tell whether nothing is limited."""
        return not self.to_query()
