"""The record of draws: append inside the caller's transaction, read a piece of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, text

from db.models.draws import ChainEntry
from domain.draw.seal import ChainLine, next_line

_POSTGRES_CHAIN_LOCK = 20_261_122
_FIELDS = (
    ChainEntry.seq,
    ChainEntry.time,
    ChainEntry.kind,
    ChainEntry.data,
    ChainEntry.prev,
    ChainEntry.hash,
)


def lock_chain(connection: Connection) -> None:
    """Let one writer at a time go on from here to its commit.

    SQLite's BEGIN IMMEDIATE already does; PostgreSQL takes an advisory lock of the
    transaction. Always taken before the audit chain's own lock, which comes at commit.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_CHAIN_LOCK}
        )


def append_line(
    connection: Connection, *, at: dt.datetime, kind: str, data: Mapping[str, Any]
) -> ChainLine:
    """Write the next line of the record and return it."""
    lock_chain(connection)
    head = connection.execute(select(*_FIELDS).order_by(ChainEntry.seq.desc()).limit(1)).first()
    time = at.astimezone(dt.UTC).isoformat(timespec="milliseconds")
    line = next_line(ChainLine(*head) if head else None, time=time, kind=kind, data=data)
    connection.execute(insert(ChainEntry).values(**vars(line)))
    return line


def read_lines(connection: Connection, *, first: int, last: int) -> list[ChainLine]:
    """Return the lines from sequence number ``first`` to ``last``, both included."""
    rows = connection.execute(
        select(*_FIELDS).where(ChainEntry.seq.between(first, last)).order_by(ChainEntry.seq)
    )
    return [ChainLine(*row) for row in rows]
