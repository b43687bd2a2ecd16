"""Data versions: one counter an area, raised inside the write that changes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

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
    "draws",
    "inspectors",
)
"""``base`` = city, districts, roads; ``inspections`` = inspections and hazards;
``draws`` = plans and draws, nothing of a sealed round."""


def read_versions(connection: Connection) -> Mapping[str, int]:
    """Return every area's counter (0 where never written)."""
    found = connection.execute(select(DataVersion.area, DataVersion.version))
    rows = {area: version for area, version in found}  # noqa: C416 (rows are not plain pairs)
    return {area: rows.get(area, 0) for area in AREAS}


RISK_BASIS = "risk_basis"
"""Not an area: the row that holds the sum of the versions the stored risk was computed from.

Counters only grow, so an equal sum means that not one of them has moved.
"""


def read_basis(
    connection: Connection, basis: str, areas: Iterable[str]
) -> tuple[int | None, Mapping[str, int]]:
    """Return, by one query, what ``basis`` was set to (``None`` = never) and ``areas``' counters."""
    found = connection.execute(select(DataVersion.area, DataVersion.version))
    rows = {area: version for area, version in found}  # noqa: C416 (rows are not plain pairs)
    return rows.get(basis), {area: rows.get(area, 0) for area in areas}


def set_basis(connection: Connection, basis: str, version_sum: int) -> None:
    """Note in the caller's transaction what a stored result was computed from."""
    row = _insert_of(connection)(DataVersion).values(area=basis, version=version_sum)
    connection.execute(
        row.on_conflict_do_update(
            index_elements=[DataVersion.area], set_={"version": row.excluded.version}
        )
    )


def bump(connection: Connection, areas: Iterable[str]) -> None:
    """Raise the counters of ``areas`` by one, in the caller's transaction."""
    insert = _insert_of(connection)
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


def _insert_of(connection: Connection) -> Any:
    """Return the dialect's own INSERT, which knows ON CONFLICT."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
