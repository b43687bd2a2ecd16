"""The house every service works in: database, clock, data folder, and its one write path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select
from sqlalchemy.orm import Session

from db.audit import append_event
from db.models import City
from db.versions import bump, read_versions
from domain.access import Actor
from settings import Settings

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")


def utc_now() -> dt.datetime:
    """Return the present instant, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass
class Work:
    """One write transaction under way: a session, the areas it changes, its audit events."""

    session: Session
    actor: Actor
    at: dt.datetime
    areas: set[str] = field(default_factory=set)
    events: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        """Return the transaction's connection, for set-wise SQL."""
        return self.session.connection()

    def bump(self, *areas: str) -> None:
        """Say which areas of data this write changes; caches of them turn stale at commit."""
        self.areas.update(areas)

    def audit(self, kind: str, subject: str = "", data: Mapping[str, Any] | None = None) -> None:
        """Add an event to the chain at commit. ``data``: JSON values, no secrets."""
        self.events.append((kind, subject, dict(data or {})))


@dataclass(frozen=True)
class House:
    """What a service needs from outside, made once per process at the doors."""

    engine: Engine
    settings: Settings
    now: Callable[[], dt.datetime] = utc_now

    @property
    def var_dir(self) -> Path:
        """Return the data folder."""
        return self.settings.var_dir

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session for reading; whatever it would write is rolled back."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, actor: Actor) -> Iterator[Work]:
        """Open the one write transaction of a use case.

        Commits only if the block ends well *and* named at least one audit event;
        events and version counters are written in the same transaction.
        """
        connection = self.engine.connect().execution_options(csm_write=True)
        with connection, connection.begin():
            session = Session(connection, expire_on_commit=False)
            work = Work(session=session, actor=actor, at=self.now())
            yield work
            if not work.events:
                raise RuntimeError("a write without an audit event")
            session.flush()
            bump(connection, work.areas)
            for kind, subject, data in work.events:
                append_event(
                    connection, at=work.at, actor=actor.login, kind=kind, subject=subject, data=data
                )

    def versions(self) -> Mapping[str, int]:
        """Return the data versions that cached reads key on."""
        with self.engine.connect() as connection:
            return read_versions(connection)

    def today(self) -> dt.date:
        """Return the local date the figures are for: the demo city's fixed date, else today."""
        with self.engine.connect() as connection:
            as_of = connection.execute(select(City.as_of).limit(1)).scalar_one_or_none()
        return as_of or self.now().astimezone(LOCAL_ZONE).date()
