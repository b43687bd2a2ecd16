"""Import files: one engine for every kind, one transaction for every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import shapely

from db.repositories import imports as store
from domain.access import Actor, Permission, require
from domain.errors import UserError
from domain.words import Datum, DistrictLevel
from services.city import read_city
from services.house import House, Work
from services.import_runs import (
    ImportRequest,
    Origin,
    find_same_file,
    hash_file,
    merge_counts,
    record_refusal,
    record_run,
)
from services.importers.clean import CleanBatch
from services.importers.districts import validate_dissolved
from services.importers.gazetteer import Gazetteer
from services.importers.kinds import DISTRICTS, OSM, SCHOOLS, resolve_kind
from services.importers.limits import check_file
from services.importers.osm import split_osm
from services.importers.plan import (
    Plan,
    adopt_known_districts,
    check_datum,
    make_plan,
    refuse_incomplete,
    resolve_area,
    resolve_named,
)
from services.importers.problems import CellProblem, WrongAsAWhole
from services.importers.readers import read_table
from services.importers.report import ImportReport, KindCounts, problem_lines
from services.importers.validate import validate
from services.importers.vectors import OSM_SUFFIXES, is_projected, read_osm, to_lonlat

__all__ = ["ImportRefused", "ImportReport", "ImportRequest", "run_import"]

Progress = Callable[[int, int, str], None]
MAX_SOURCE_CHARS = 200


class ImportRefused(UserError):
    """The file was refused whole; ``problems`` says why, cell by cell."""

    def __init__(
        self,
        file_name: str,
        problems: tuple[CellProblem, ...],
        counts: tuple[KindCounts, ...] = (),
    ) -> None:
        """Sum up the first problems."""
        blocking = sum(p.is_blocking for p in problems)
        lines = "\n".join(problem_lines(problems))
        super().__init__(
            f"「{file_name}」有 {blocking} 处错误，整个文件未导入，库中数据没有变化。\n{lines}",
            "请按行号修改后重新导入；若只想先导入无误的行，请加 --good-rows-only。",
        )
        self.problems = problems
        self.counts = counts


def _say_nothing(_done: int, _total: int, _what: str) -> None:
    """Stand in where nobody wants to hear of progress."""


def _refuse_demo_city(house: House) -> None:
    """Keep invented and real data apart: distances and counts of a mixture mean nothing."""
    city = read_city(house)
    if city is not None and city.is_demo:
        raise UserError(
            "当前数据目录里是演示城市，不能与真实数据混在一起。",
            "请换一个空的数据目录再导入：先设置环境变量 CSM_VAR_DIR 指向新目录，"
            "运行 python manage.py init，再重新导入。",
        )


def run_import(
    actor: Actor, house: House, *, request: ImportRequest, progress: Progress | None = None
) -> ImportReport:
    """Load one file: read, match, validate, convert, assign districts, upsert; all or nothing.

    Running it again changes nothing. Each run, a refused one too, leaves an ``ImportRun``
    with its problems and an audit event.

    Raises:
        Forbidden: the actor may not import.
        UserError: the file cannot be used; ``ImportRefused`` when single rows are at fault.
    """
    require(actor, Permission.IMPORT_DATA)
    _refuse_demo_city(house)
    tell = progress or _say_nothing
    kind = OSM if request.kind.lower() == OSM else resolve_kind(request.kind).name
    check_file(request.path)
    sha256 = hash_file(request.path)
    origin = Origin(kind, request, sha256, house.now())
    same = find_same_file(actor, house, origin)
    if same is not None:
        return same
    try:
        tell(0, 4, "读取文件")
        batches, source = _read(kind, request)
        tell(1, 4, "核对数据")
        with house.write(actor) as work:
            return _write(work, origin, batches, source, tell)
    except ImportRefused as refused:
        record_refusal(actor, house, origin, refused.problems, refused.counts)
        raise
    except WrongAsAWhole as wrong:
        problem = CellProblem(f"{wrong.message}{wrong.next_step}")
        record_refusal(actor, house, origin, (problem, *wrong.problems), ())
        if not wrong.problems:
            raise
        lines = "\n".join(problem_lines(wrong.problems))
        message = f"{wrong.message}\n此外还有 {len(wrong.problems)} 处问题：\n{lines}"
        raise UserError(message, wrong.next_step) from wrong
    except UserError as error:
        problem = CellProblem(f"{error.message}{error.next_step}")
        record_refusal(actor, house, origin, (problem,), ())
        raise


def _read(kind: str, request: ImportRequest) -> tuple[list[CleanBatch], str]:
    """Return the validated batches, in the order they must be written, and their source."""
    if kind == OSM:
        return _read_osm(request)
    target = resolve_kind(kind)
    if request.dissolve and target is not DISTRICTS:
        raise UserError("只有导入区划（districts）时才能按列合并。", "请去掉 --dissolve。")
    table = read_table(request.path, target, layer=request.layer)
    if request.datum is not Datum.WGS84 and is_projected(table):
        raise UserError(
            f"选择了 {request.datum.label}，但文件声明的是投影坐标（米）。",
            "GCJ-02、BD-09 只有经纬度；若文件已是 CGCS2000 投影，请把坐标系改为 wgs84。",
        )
    table = to_lonlat(table, request.path.name)
    source = request.source or request.stem
    if not request.source and table.layer_count > 1:
        source = f"{source}/{table.sheet}"
    given: dict[str, Any] = {
        "columns": request.columns,
        "values": request.values,
        "datum": request.datum,
    }
    if request.dissolve:
        return list(validate_dissolved(table, request.dissolve, source=source, **given)), source
    batch = validate(table, target, source=source, **given)
    return (_by_level(batch) if target is DISTRICTS else [batch]), source


def _read_osm(request: ImportRequest) -> tuple[list[CleanBatch], str]:
    if request.path.suffix.lower() not in OSM_SUFFIXES:
        raise UserError(
            f"「{request.path.name}」不是 OpenStreetMap 摘录。",
            "种类 osm 只接受 .osm 或 .osm.pbf 文件。",
        )
    if request.datum is not Datum.WGS84 or request.columns or request.values or request.dissolve:
        raise UserError(
            "OpenStreetMap 数据的坐标系和标签是固定的。",
            "请去掉 --datum、--column、--value、--dissolve。",
        )
    source = request.source or request.stem
    batches = split_osm(read_osm(request.path), source=source)
    if not any(len(batch) for batch in batches):
        raise UserError(
            f"「{request.path.name}」里没有学校、水域、交通设施、警务点或道路。",
            "请确认摘录的范围。",
        )
    return batches, source


def _by_level(batch: CleanBatch) -> list[CleanBatch]:
    """Split districts by level, upper ones first, so that parents exist when named."""
    none = pd.Series([None] * len(batch), dtype=object)
    told = batch.stated.get("level", none)
    level = told.where(told.notna(), batch.derived["level"])
    parts = []
    for one in (DistrictLevel.CITY, DistrictLevel.COUNTY, DistrictLevel.TOWNSHIP):
        mask = level.eq(one).to_numpy()
        if mask.any():
            part = replace(batch, problems=[], notes=[], rows_read=int(mask.sum()), skipped={})
            part.keep(mask)
            parts.append(part)
    parts[0].problems, parts[0].notes = batch.problems, batch.notes
    return parts


def _write(
    work: Work,
    origin: Origin,
    batches: list[CleanBatch],
    source: str,
    tell: Progress,
) -> ImportReport:
    request = origin.request
    common: dict[str, Any] = {
        "source": source[:MAX_SOURCE_CHARS],
        "updated_by": work.actor.login,
        "updated_at": work.at,
        **({"as_of": request.as_of} if request.as_of else {}),
    }
    counts: list[KindCounts] = []
    refused = False
    for batch in batches:
        gazetteer = Gazetteer(store.load_districts(work.connection))
        existing = _prepare(work, batch, gazetteer, request.datum, common["source"])
        bad = int(batch.bad.sum())
        refused |= bad > 0 and (not request.good_rows_only or bad == len(batch))
        batch.keep(~batch.bad)
        plan = Plan(pd.DataFrame(), pd.DataFrame(), 0)
        if not refused:
            tell(2, 4, f"写入{batch.kind.label}")
            has_area = batch.kind.name in store.LOCATED
            plan = make_plan(batch, existing, gazetteer if has_area else None)
            _apply(work, batch, plan, common)
        counts.append(_counts(batch, plan, bad))
    problems = tuple(p for batch in batches for p in batch.problems)
    if refused:
        raise ImportRefused(request.path.name, problems, tuple(counts))
    notes = [note for batch in batches for note in batch.notes]
    if origin.kind == DISTRICTS.name and "base" in work.areas:
        notes += _assign_districts(work)
    tell(4, 4, "导入完成")
    return record_run(work, origin, merge_counts(counts), problems, tuple(notes))


def _prepare(
    work: Work, batch: CleanBatch, gazetteer: Gazetteer, datum: Datum, source: str
) -> pd.DataFrame:
    """Resolve references, refuse what cannot stand; return the stored rows by code."""
    connection = work.connection
    if batch.kind is DISTRICTS:
        resolve_named(batch, "parent", "parent_id", gazetteer.districts, label="上级区划")
        adopt_known_districts(batch, gazetteer.districts)
    elif batch.kind.name in store.LOCATED:
        resolve_area(batch, gazetteer)
    if "police_station" in batch.stated:
        stations = store.load_stations(connection)
        resolve_named(batch, "police_station", "police_station_id", stations, label="派出所")
    is_school = batch.kind is SCHOOLS
    known = store.load_known_schools(connection, source) if is_school else pd.DataFrame()
    check_datum(batch, datum, gazetteer, known)
    columns = [c for c in batch.stated.columns if c != "code"]
    if batch.kind.name in store.LOCATED:
        columns += ["district_id", "township_id"]
    existing = store.load_by_code(
        connection, batch.kind.name, columns, list(batch.stated["code"].dropna())
    )
    refuse_incomplete(batch, existing)
    return existing


def _apply(work: Work, batch: CleanBatch, plan: Plan, common: Mapping[str, Any]) -> None:
    kind = batch.kind.name
    if len(plan.insert):
        store.insert_rows(work.connection, kind, plan.insert.assign(**common))
    if len(plan.update):
        store.update_rows(work.connection, kind, plan.update.assign(**common))
    if len(plan.insert) or len(plan.update):
        work.bump(batch.kind.area)


def _counts(batch: CleanBatch, plan: Plan, refused: int) -> KindCounts:
    return KindCounts(
        kind=batch.kind.name,
        label=batch.kind.label,
        read=batch.rows_read,
        new=len(plan.insert),
        changed=len(plan.update),
        same=plan.same,
        refused=refused,
        skipped=sum(batch.skipped.values()),
        skipped_reasons=tuple(batch.skipped.items()),
    )


def _assign_districts(work: Work) -> list[str]:
    """Give schools and things that lack a district the one they lie in."""
    gazetteer = Gazetteer(store.load_districts(work.connection))
    notes = []
    for kind, area in store.LOCATED.items():
        rows = store.load_without_district(work.connection, kind)
        if rows.empty:
            continue
        if "lon" in rows:
            lon, lat = rows["lon"].to_numpy(dtype=float), rows["lat"].to_numpy(dtype=float)
        else:
            inner = shapely.point_on_surface(
                shapely.from_wkb(rows["geometry"].to_numpy(dtype=object))
            )
            lon, lat = shapely.get_x(inner), shapely.get_y(inner)
        found = gazetteer.locate(lon, lat)
        change = np.zeros(len(rows), dtype=bool)
        for name, ids in zip(("district_id", "township_id"), found, strict=True):
            change |= (rows[name].isna() & ids.notna()).to_numpy()
            rows[name] = rows[name].where(rows[name].notna(), ids)
        if change.any():
            filled = rows.loc[change, ["id", "district_id", "township_id"]]
            told: dict[str, Any] = {"updated_by": work.actor.login, "updated_at": work.at}
            store.update_rows(work.connection, kind, filled.assign(**told))
            work.bump(area)
            notes.append(f"按位置补上区县：{resolve_kind(kind).label} {int(change.sum())} 条。")
    return notes
