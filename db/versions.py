"""Data versions: one counter an area, raised inside the write that changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from db.models.city import DataVersion

AREAS = (
    "base",
    "schools",
    "waters",
    "facilities",
    "posts",
    "sessions",
    "inspections",
    "rules",
    "risk",
    "accounts",
)
"""``base`` = city, districts, roads; ``inspections`` = inspections and hazards."""


def read_versions(connection: Connection) -> Mapping[str, int]:
    """Return every area's counter (0 where never written)."""
    found = connection.execute(select(DataVersion.area, DataVersion.version))
    rows = {area: version for area, version in found}  # noqa: C416 (rows are not plain pairs)
    return {area: rows.get(area, 0) for area in AREAS}


def bump(connection: Connection, areas: Iterable[str]) -> None:
    """Raise the counters of ``areas`` by one, in the caller's transaction."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for area in sorted(set(areas)):
        if area not in AREAS:
            raise ValueError(f"unknown data area {area!r}")
        # One statement: two first writers of an area must not both insert its row.
        first = insert(DataVersion).values(area=area, version=1)
        connection.execute(
            first.on_conflict_do_update(
                index_elements=[DataVersion.area], set_={"version": DataVersion.version + 1}
            )
        )
