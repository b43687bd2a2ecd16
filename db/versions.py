"""Data versions: one counter an area, raised inside the write that changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select, update

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
    rows = dict(connection.execute(select(DataVersion.area, DataVersion.version)).tuples().all())
    return {area: rows.get(area, 0) for area in AREAS}


def bump(connection: Connection, areas: Iterable[str]) -> None:
    """Raise the counters of ``areas`` by one, in the caller's transaction."""
    for area in sorted(set(areas)):
        if area not in AREAS:
            raise ValueError(f"unknown data area {area!r}")
        raised = connection.execute(
            update(DataVersion)
            .where(DataVersion.area == area)
            .values(version=DataVersion.version + 1)
        )
        if raised.rowcount == 0:
            connection.execute(DataVersion.__table__.insert().values(area=area, version=1))  # type: ignore[attr-defined]
