"""Write generated columns into tables, in chunks, inside the caller's transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import (
    Boolean,
    Connection,
    Integer,
    Table,
    delete,
    func,
    select,
    text,
    update,
)

from db.base import Base
from db.models import Account, Custodian, Inspector, SignIn
from services.demo import plane
from services.demo.plane import SOURCE, Array

Progress = Callable[[int, int, str], None]
CHUNK_ROWS = 10_000

DEMO_TABLES = (
    "city",
    "district",
    "road_segment",
    "water_body",
    "school",
    "gate",
    "patrol_post",
    "defence_state",
    "traffic_facility",
    "post_session",
    "inspection",
    "hazard",
    "complaint",
    "drill_record",
    "self_check",
)
"""All tables the demo city fills, in the order that foreign keys allow."""


def table_of(name: str) -> Table:
    """Return a table of the schema by its name."""
    return Base.metadata.tables[name]


def _python_values(column: Any, values: Array) -> list[Any]:
    """Return what the database driver takes: NaN and NaT become None, whole numbers int."""
    if values.dtype.kind == "O":
        return values.tolist()  # type: ignore[no-any-return]
    if values.dtype.kind == "M":
        days: list[dt.date | None] = values.astype("datetime64[D]").astype(object).tolist()
        return days
    kind: type = float
    if isinstance(column.type, Boolean):
        kind = bool
    elif isinstance(column.type, Integer):
        kind = int
    if values.dtype.kind != "f":
        return [kind(value) for value in values.tolist()]
    return [None if value != value else kind(value) for value in values.tolist()]


def rows_of(name: str, columns: plane.Table, as_of: dt.date) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as dicts, with source and data date on each that has them."""
    table = table_of(name)
    lists = {key: _python_values(table.c[key], values) for key, values in columns.items()}
    marks = {"source": SOURCE, "as_of": as_of} if "source" in table.c else {}
    keys = list(lists)
    for values in zip(*lists.values(), strict=True):
        yield {**dict(zip(keys, values, strict=True)), **marks}


def write_table(
    connection: Connection,
    name: str,
    columns: plane.Table,
    as_of: dt.date,
    tick: Callable[[int], None],
) -> int:
    """Insert all rows of one table; call ``tick(rows)`` after each chunk; return their number."""
    insert = table_of(name).insert()
    rows, written = rows_of(name, columns, as_of), 0
    while chunk := list(islice(rows, CHUNK_ROWS)):
        connection.execute(insert, chunk)
        written += len(chunk)
        tick(len(chunk))
    return written


def move_sequences(connection: Connection) -> None:
    """Set PostgreSQL's sequences behind the ids we chose; SQLite needs nothing."""
    if connection.dialect.name != "postgresql":
        return
    for name in DEMO_TABLES:
        table = table_of(name)
        if "id" in table.c:
            last = connection.execute(select(func.max(table.c.id))).scalar_one()
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
                {"name": name, "last": last or 1},
            )


def row_count(columns: plane.Table) -> int:
    """Return the number of rows of generated columns."""
    return len(next(iter(columns.values()))) if columns else 0


_SCOPES = (
    ("district_id", "district"),
    ("township_id", "district"),
    ("school_id", "school"),
    ("station_id", "patrol_post"),
)


def lift_scopes(connection: Connection) -> list[dict[str, Any]]:
    """Remove demo accounts, unbind the others' scopes, and return those by code.

    A demo account that kept a salt or was sent out stays with its round. Codes stay the
    same from one demo city to the next; row ids need not.
    """
    account = Account.__table__
    demo = select(account.c.id).where(account.c.is_demo)
    connection.execute(delete(SignIn).where(SignIn.account_id.in_(demo)))
    keepers = select(Custodian.account_id)
    sent = select(Inspector.account_id).where(Inspector.account_id.is_not(None))
    connection.execute(
        delete(Account).where(Account.is_demo, Account.id.not_in(keepers), Account.id.not_in(sent))
    )
    kept: list[dict[str, Any]] = []
    for column, name in _SCOPES:
        target = table_of(name)
        found = connection.execute(
            select(account.c.id, target.c.code).join(target, account.c[column] == target.c.id)
        )
        kept += [{"account": row.id, "column": column, "code": row.code} for row in found]
    connection.execute(update(Account).values({column: None for column, _ in _SCOPES}))
    return kept


def restore_scopes(connection: Connection, kept: list[dict[str, Any]]) -> None:
    """Bind scopes again; an account whose place is gone sees nothing until it is given one."""
    for column, name in _SCOPES:
        target = table_of(name)
        for scope in (s for s in kept if s["column"] == column):
            found = select(target.c.id).where(target.c.code == scope["code"]).scalar_subquery()
            connection.execute(
                update(Account).where(Account.id == scope["account"]).values({column: found})
            )


def clear_tables(connection: Connection) -> None:
    """Delete everything the demo city and its computations filled."""
    school, hazard = table_of("school"), table_of("hazard")
    connection.execute(school.update().values(police_station_id=None))
    connection.execute(hazard.update().values(repeat_of_id=None))
    connection.execute(table_of("school_risk").delete())
    for name in reversed(DEMO_TABLES):
        table = table_of(name)
        if name == "district":
            connection.execute(table.update().values(parent_id=None))
        connection.execute(table.delete())


def holds_rows(connection: Connection, name: str, *, other_than_demo: bool = False) -> bool:
    """Tell whether a table holds rows (of another source than the demo city's)."""
    table = table_of(name)
    query = select(table.c[next(iter(table.primary_key.columns)).name]).limit(1)
    if other_than_demo:
        query = query.where(table.c.source != SOURCE)
    return connection.execute(query).first() is not None
