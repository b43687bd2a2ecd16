"""Append to the audit chain inside the caller's transaction, and verify it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, text

from db.models.audit import AuditEvent

FIRST_PREV = "0" * 64
_POSTGRES_CHAIN_LOCK = 20_261_121


def canonical_json(value: Mapping[str, Any]) -> str:
    """Return sorted, spaceless, unescaped JSON: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chain_hash(prev: str, rest: Mapping[str, Any]) -> str:
    """Return SHA-256 hex of ``prev``, a newline and the canonical rest (DRAW.md §5.6)."""
    return hashlib.sha256(f"{prev}\n{canonical_json(rest)}".encode()).hexdigest()


def append_event(
    connection: Connection,
    *,
    at: dt.datetime,
    actor: str,
    kind: str,
    subject: str = "",
    data: Mapping[str, Any] | None = None,
) -> str:
    """Write one event and return its hash.

    The chain is one line for all writers: SQLite's BEGIN IMMEDIATE already admits
    one writer at a time; PostgreSQL takes a transaction-scoped advisory lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_CHAIN_LOCK}
        )
    head = connection.execute(
        select(AuditEvent.seq, AuditEvent.hash).order_by(AuditEvent.seq.desc()).limit(1)
    ).first()
    seq, prev = (head.seq + 1, head.hash) if head else (1, FIRST_PREV)
    rest = {
        "seq": seq,
        "time": at.astimezone(dt.UTC).isoformat(timespec="milliseconds"),
        "actor": actor,
        "kind": kind,
        "subject": subject,
        "data": dict(data or {}),
    }
    digest = chain_hash(prev, rest)
    connection.execute(insert(AuditEvent).values(**rest, prev=prev, hash=digest))
    return digest


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a walk along the chain found; ``broken_at`` is the first bad ``seq``."""

    events: int
    head: str
    broken_at: int | None
    reason: str


def verify_chain(connection: Connection) -> ChainReport:
    """Recompute every hash from the first event on; stop at the first that disagrees."""
    prev, expected, count = FIRST_PREV, 1, 0
    rows = connection.execute(
        select(AuditEvent.__table__).order_by(AuditEvent.seq).execution_options(yield_per=1000)
    )
    for row in rows.mappings():
        rest = {k: row[k] for k in ("seq", "time", "actor", "kind", "subject", "data")}
        if row["seq"] != expected:
            return ChainReport(count, prev, expected, "序号不连续，有记录被删除")
        if row["prev"] != prev:
            return ChainReport(count, prev, row["seq"], "与上一条的链接不符")
        if chain_hash(prev, rest) != row["hash"]:
            return ChainReport(count, prev, row["seq"], "内容与其哈希不符，记录被改动")
        prev, expected, count = row["hash"], expected + 1, count + 1
    return ChainReport(count, prev, None, "")
