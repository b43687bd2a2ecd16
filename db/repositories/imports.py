"""Set-wise reads and writes of imports: existing rows by code, inserts, updates, runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, LargeBinary, Table, bindparam, or_, select, type_coerce, update

from db.base import Geometry
from db.models import (
    District,
    ImportProblem,
    ImportRun,
    Inspector,
    PatrolPost,
    RoadSegment,
    School,
    TrafficFacility,
    WaterBody,
)
from domain.words import PostKind

CODES_PER_QUERY = 900
"""SQLite's oldest limit is 999 variables a statement."""
ROWS_PER_STATEMENT = 5_000
MAX_PROBLEMS_KEPT = 2_000

TABLES: Mapping[str, Table] = {
    "districts": District.__table__,  # type: ignore[dict-item]
    "schools": School.__table__,  # type: ignore[dict-item]
    "waters": WaterBody.__table__,  # type: ignore[dict-item]
    "facilities": TrafficFacility.__table__,  # type: ignore[dict-item]
    "posts": PatrolPost.__table__,  # type: ignore[dict-item]
    "roads": RoadSegment.__table__,  # type: ignore[dict-item]
    "inspectors": Inspector.__table__,  # type: ignore[dict-item]
}
LOCATED = {"schools": "schools", "waters": "waters", "facilities": "facilities", "posts": "posts"}
"""Kinds that carry district and township, and the data area each belongs to."""


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _as_read(table: Table, name: str) -> Any:
    """Select a column; geometry stays bytes, to be compared or parsed in one call."""
    column = table.c[name]
    if isinstance(column.type, Geometry):
        return type_coerce(column, LargeBinary).label(name)
    return column


def load_by_code(
    connection: Connection, kind: str, columns: Iterable[str], codes: Sequence[str]
) -> pd.DataFrame:
    """Return stored rows with one of ``codes``, indexed by code.

    Columns: ``id``, ``row_version`` and ``columns`` (objects, ``None`` where null).
    """
    table = TABLES[kind]
    names = list(dict.fromkeys(["code", "id", "row_version", *columns]))
    picked = [_as_read(table, name) for name in names]
    rows: list[Any] = []
    for chunk in _chunks(list(codes), CODES_PER_QUERY):
        rows += connection.execute(select(*picked).where(table.c.code.in_(chunk))).all()
    return _frame(rows, names).set_index("code", drop=False)


def _frame(rows: Sequence[Any], names: Sequence[str]) -> pd.DataFrame:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pd.DataFrame(
        {n: pd.Series(list(c), dtype=object) for n, c in zip(names, cells, strict=True)}
    )


def insert_rows(connection: Connection, kind: str, frame: pd.DataFrame) -> None:
    """Insert all rows of ``frame`` (columns = table columns, ``None`` for null)."""
    records = _records(frame)
    for chunk in _chunks(records, ROWS_PER_STATEMENT):
        connection.execute(TABLES[kind].insert(), list(chunk))


def update_rows(connection: Connection, kind: str, frame: pd.DataFrame) -> None:
    """Update rows by ``id``, setting all other columns of ``frame``, and raise the row lock."""
    if frame.empty:
        return
    table = TABLES[kind]
    columns = [c for c in frame.columns if c != "id"]
    statement = (
        update(table)
        .where(table.c.id == bindparam("b_id"))
        .values(
            {c: bindparam(f"v_{c}") for c in columns} | {"row_version": table.c.row_version + 1}
        )
    )
    renamed = frame.rename(columns={"id": "b_id", **{c: f"v_{c}" for c in columns}})
    for chunk in _chunks(_records(renamed), ROWS_PER_STATEMENT):
        connection.execute(statement, list(chunk))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return plain Python dicts: no numpy scalars, ``None`` instead of NaN."""
    objects = frame.astype(object)
    objects = objects.where(objects.notna(), None)
    columns = [[_python(v) for v in objects[c].to_numpy()] for c in objects.columns]
    names = [str(c) for c in objects.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def load_districts(connection: Connection) -> pd.DataFrame:
    """Return all districts: ``id, code, name, level, parent_id, boundary`` (WKB bytes)."""
    table = TABLES["districts"]
    names = ["id", "code", "name", "level", "parent_id", "boundary"]
    rows = connection.execute(select(*(_as_read(table, n) for n in names)).order_by(table.c.code))
    return _frame(rows.all(), names)


def load_stations(connection: Connection) -> pd.DataFrame:
    """Return all police stations: ``id, code, name``."""
    table = TABLES["posts"]
    rows = connection.execute(
        select(table.c.id, table.c.code, table.c.name)
        .where(table.c.kind == PostKind.POLICE_STATION)
        .order_by(table.c.code)
    )
    return _frame(rows.all(), ["id", "code", "name"])


def load_known_schools(connection: Connection, source: str) -> pd.DataFrame:
    """Return ``name, lon, lat`` of schools that came from another source than ``source``."""
    table = TABLES["schools"]
    rows = connection.execute(
        select(table.c.name, table.c.lon, table.c.lat).where(table.c.source != source)
    )
    return _frame(rows.all(), ["name", "lon", "lat"])


def load_without_district(connection: Connection, kind: str) -> pd.DataFrame:
    """Return ``id, district_id, township_id`` and place of rows that lack either.

    Place: ``lon, lat``, or ``geometry`` (WKB bytes) where the kind has no point.
    """
    table = TABLES[kind]
    place = ["lon", "lat"] if "lon" in table.c else ["geometry"]
    names = ["id", "district_id", "township_id", *place]
    rows = connection.execute(
        select(*(_as_read(table, n) for n in names))
        .where(or_(table.c.district_id.is_(None), table.c.township_id.is_(None)))
        .order_by(table.c.id)
    )
    return _frame(rows.all(), names)


def find_last_run(
    connection: Connection, *, kind: str, sha256: str, options: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the newest completed run of the same file with the same options, if any."""
    runs = ImportRun.__table__
    wanted = json.dumps(options, sort_keys=True, ensure_ascii=False)
    rows = connection.execute(
        select(runs)
        .where(
            runs.c.kind == kind,
            runs.c.file_sha256 == sha256,
            runs.c.status.in_(("done", "unchanged")),
        )
        .order_by(runs.c.id.desc())
        .limit(20)
    ).mappings()
    for row in rows:
        if json.dumps(row["options"], sort_keys=True, ensure_ascii=False) == wanted:
            return dict(row)
    return None


def insert_run(
    connection: Connection,
    *,
    run: Mapping[str, Any],
    problems: Sequence[Mapping[str, Any]],
    finished_at: dt.datetime,
) -> int:
    """Write one run with its first problems; return its id."""
    runs = ImportRun.__table__
    statement = runs.insert().values(**run, finished_at=finished_at).returning(runs.c.id)  # type: ignore[attr-defined]
    run_id = int(connection.execute(statement).scalar_one())
    rows = [{**p, "run_id": run_id} for p in problems[:MAX_PROBLEMS_KEPT]]
    if rows:
        connection.execute(ImportProblem.__table__.insert(), rows)  # type: ignore[attr-defined]
    return run_id
