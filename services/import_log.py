"""What has been loaded: the runs, their problems, and how much of each kind there is."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import func, select

from db.models import (
    District,
    ImportProblem,
    ImportRun,
    PatrolPost,
    RoadSegment,
    School,
    TrafficFacility,
    WaterBody,
)
from domain.access import Actor, Permission, require
from services.house import LOCAL_ZONE, House
from services.importers.kinds import KINDS

_HOLDINGS: dict[str, Any] = {
    "区县与乡镇": District,
    "学校": School,
    "水域": WaterBody,
    "交通设施": TrafficFacility,
    "勤务点位": PatrolPost,
    "道路": RoadSegment,
}
STATUS_LABELS = {"done": "已导入", "refused": "已拒绝", "unchanged": "无变化"}


def count_holdings(actor: Actor, house: House) -> pd.DataFrame:
    """Return what is in the database: ``kind``, ``rows``, ``as_of`` (latest data date or empty)."""
    require(actor, Permission.VIEW_IMPORTS)
    with house.read() as session:
        rows = [
            (
                label,
                *session.execute(
                    select(func.count(), func.max(model.as_of)).select_from(model)
                ).one(),
            )
            for label, model in _HOLDINGS.items()
        ]
    return pd.DataFrame(rows, columns=["kind", "rows", "as_of"])


def list_runs(actor: Actor, house: House, *, limit: int = 200) -> pd.DataFrame:
    """Return the newest runs, newest first.

    Columns: ``id, started_at`` (local), ``kind, file_name, status, started_by`` and
    ``rows_read, rows_new, rows_changed, rows_same, rows_refused``.
    """
    require(actor, Permission.VIEW_IMPORTS)
    names = ["id", "started_at", "kind", "file_name", "status", "started_by", "rows_read",
             "rows_new", "rows_changed", "rows_same", "rows_refused"]  # fmt: skip
    with house.read() as session:
        rows = session.execute(
            select(*[getattr(ImportRun, name) for name in names])
            .order_by(ImportRun.id.desc())
            .limit(limit)
        ).all()
    runs = pd.DataFrame([tuple(row) for row in rows], columns=names)
    if not runs.empty:
        runs["started_at"] = [row.started_at.astimezone(LOCAL_ZONE) for row in rows]
        runs["kind"] = [_kind_label(kind) for kind in runs["kind"]]
        runs["status"] = [STATUS_LABELS.get(status, status) for status in runs["status"]]
    return runs


def list_problems(actor: Actor, house: House, *, run_id: int, limit: int = 1000) -> pd.DataFrame:
    """Return one run's problems: ``sheet, row, column, value, message, is_blocking``."""
    require(actor, Permission.VIEW_IMPORTS)
    names = ["sheet", "row", "column", "value", "message", "is_blocking"]
    with house.read() as session:
        rows = session.execute(
            select(*[getattr(ImportProblem, name) for name in names])
            .where(ImportProblem.run_id == run_id)
            .order_by(ImportProblem.id)
            .limit(limit)
        ).all()
    return pd.DataFrame([tuple(row) for row in rows], columns=names)


def _kind_label(kind: str) -> str:
    return KINDS[kind].label if kind in KINDS else "OSM 提取（多种）"
