"""Every school of a reader's scope as columns: one table behind map, list and counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import String, case, func, select, type_coerce
from sqlalchemy.orm import Session

from db.models import District, Hazard, Inspection, PatrolPost, School, SchoolRisk
from db.scope import hazards_readable_by, inspections_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.inspection_status import coverage_index, status_index
from domain.school_filter import SchoolFilter
from domain.words import (
    Coverage,
    HazardStage,
    InspectionLevel,
    InspectionStatus,
    Ownership,
    RiskLevel,
    SchoolKind,
    SchoolStatus,
    Word,
)
from services.cache import VersionedCache
from services.house import House
from services.map_screen import screen_datum, screen_lonlat, screen_pixels

AREAS = ("base", "schools", "inspections", "risk")
STAGES_BEFORE_SUBMISSION = (HazardStage.FOUND, HazardStage.FEEDBACK, HazardStage.RECTIFICATION)
_tables = VersionedCache(max_entries=32)
_masks = VersionedCache(max_entries=256)
_orders = VersionedCache(max_entries=64)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SchoolTable:
    """Columns of equal length, one entry a school, worst risk last (drawn on top).

    ``x``/``y`` are Web Mercator positions in units of 2⁻³¹ of the world, used for
    drawing only, never for metres. Word columns hold positions in ``words``.
    """

    version: str
    ids: npt.NDArray[np.uint32]
    codes: pa.Array
    names: pa.Array
    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    bytes_: dict[str, npt.NDArray[np.uint8]]
    district: npt.NDArray[np.uint16]
    station: npt.NDArray[np.uint16]
    district_codes: list[str]
    district_names: list[str]
    station_codes: list[str]
    station_names: list[str]
    score: npt.NDArray[np.float32]
    students: npt.NDArray[np.float32]
    completeness: npt.NDArray[np.float32]
    water_m: npt.NDArray[np.float32]
    home: tuple[float, float, float, float] | None

    def __len__(self) -> int:
        """Return the number of schools in scope."""
        return len(self.ids)

    @property
    def everything(self) -> Mask:
        """Return the mask that keeps all rows."""
        return np.ones(len(self.ids), dtype=bool)


WORD_COLUMNS: dict[str, type[Word]] = {
    "level": RiskLevel,
    "status": InspectionStatus,
    "coverage": Coverage,
    "kind": SchoolKind,
    "ownership": Ownership,
}


def data_version(house: House) -> str:
    """Return the text that changes whenever a school table would."""
    versions = house.versions()
    numbers = "-".join(str(versions[area]) for area in AREAS)
    return f"{numbers}-{house.today():%Y%m%d}-{screen_datum(house)}"


def load_school_table(actor: Actor, house: House) -> SchoolTable:
    """Return the actor's school table, cached by scope and data version.

    Raises ``Forbidden`` when the role may not see the map.
    """
    require(actor, Permission.VIEW_MAP)
    version = data_version(house)
    key = (str(house.engine.url), actor.scope_key, version)
    return _tables.get(key, lambda: _load(actor, house, version))


def match_schools(actor: Actor, house: House, *, wanted: SchoolFilter) -> Mask:
    """Return which rows of the actor's table the filter keeps (shared: do not write to it)."""
    table = load_school_table(actor, house)
    key = (str(house.engine.url), actor.scope_key, table.version, wanted)

    def match() -> Mask:
        mask = _match(table, wanted) & _inside(table, house, wanted)
        mask.setflags(write=False)
        return mask

    return _masks.get(key, match)


class SortBy(Word):
    """How the side list is ordered; unknown values always come last."""

    RISK = "risk", "风险从高到低"
    OVERDUE = "overdue", "逾期隐患从多到少"
    WATER = "water", "离水域从近到远"
    STUDENTS = "students", "学生数从多到少"
    NAME = "name", "名称"


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of the side list."""

    id: int
    code: str
    name: str
    level: RiskLevel
    score: float | None
    status: InspectionStatus
    kind: SchoolKind
    district: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of the side list; ``total`` counts all kept schools."""

    total: int
    rows: tuple[ListRow, ...]


def ordered_rows(
    actor: Actor, house: House, *, wanted: SchoolFilter, sort: SortBy
) -> npt.NDArray[np.int64]:
    """Return the kept rows of the actor's table in the order of the list (do not write to it)."""
    table = load_school_table(actor, house)
    mask = match_schools(actor, house, wanted=wanted)
    key = (str(house.engine.url), actor.scope_key, table.version, wanted, sort)
    return _orders.get(key, lambda: _sorted_rows(table, mask, sort))


def list_schools(
    actor: Actor, house: House, *, wanted: SchoolFilter, sort: SortBy, page: int, size: int
) -> ListPage:
    """Return page ``page`` (from 1) of the very schools that the map shows."""
    table = load_school_table(actor, house)
    order = ordered_rows(actor, house, wanted=wanted, sort=sort)
    rows = order[(page - 1) * size : page * size]
    levels, statuses, kinds = list(RiskLevel), list(InspectionStatus), list(SchoolKind)
    return ListPage(
        total=len(order),
        rows=tuple(
            ListRow(
                id=int(table.ids[i]),
                code=table.codes[i].as_py(),
                name=table.names[i].as_py(),
                level=levels[table.bytes_["level"][i]],
                score=_decided_score(table, i),
                status=statuses[table.bytes_["status"][i]],
                kind=kinds[table.bytes_["kind"][i]],
                district=_area_name(table, int(table.district[i])),
            )
            for i in map(int, rows)
        ),
    )


def find_school(actor: Actor, house: House, *, code: str) -> tuple[int, float, float] | None:
    """Return (id, lon, lat) of the school with this code in the actor's scope, or ``None``."""
    require(actor, Permission.VIEW_MAP)
    with house.read() as session:
        row = session.execute(
            select(School.id, School.lon, School.lat).where(
                schools_readable_by(actor), School.code == code
            )
        ).first()
    return (row.id, row.lon, row.lat) if row else None


def code_of(actor: Actor, house: House, *, school_id: int) -> str | None:
    """Return the code of a school in the actor's scope, or ``None``."""
    require(actor, Permission.VIEW_MAP)
    with house.read() as session:
        return session.scalar(
            select(School.code).where(schools_readable_by(actor), School.id == school_id)
        )


def _decided_score(table: SchoolTable, row: int) -> float | None:
    undecided = table.bytes_["level"][row] == list(RiskLevel).index(RiskLevel.UNKNOWN)
    return None if undecided or np.isnan(table.score[row]) else float(table.score[row])


def _area_name(table: SchoolTable, at: int) -> str:
    return table.district_names[at] if at < len(table.district_names) else "未归属区县"


def _sorted_rows(table: SchoolTable, mask: Mask, sort: SortBy) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(mask)
    # Too little data is no level: such a school's provisional score must not lead the list.
    undecided = table.bytes_["level"][rows] == list(RiskLevel).index(RiskLevel.UNKNOWN)
    score = np.where(undecided, -1.0, np.nan_to_num(table.score[rows], nan=-1.0))
    if sort is SortBy.NAME:
        names = pc.take(table.names, pa.array(rows))
        by_name: npt.NDArray[np.int64] = rows[pc.sort_indices(names).to_numpy()]
        return by_name
    first = {
        SortBy.RISK: score,
        SortBy.OVERDUE: table.bytes_["overdue"][rows].astype(float),
        SortBy.WATER: -np.nan_to_num(table.water_m[rows], nan=np.inf),
        SortBy.STUDENTS: np.nan_to_num(table.students[rows], nan=-1.0),
    }[sort]
    return rows[np.lexsort((table.ids[rows], -score, -first))]


def count_words(table: SchoolTable, mask: Mask, column: str) -> dict[str, int]:
    """Return how many kept schools carry each word of ``column`` (zero where none)."""
    words = list(WORD_COLUMNS[column])
    counts = np.bincount(table.bytes_[column][mask], minlength=len(words))
    return {word.value: int(counts[i]) for i, word in enumerate(words)}


def _inside(table: SchoolTable, house: House, wanted: SchoolFilter) -> Mask:
    """Return the rows in the filter's rectangle, compared where they are drawn."""
    bounds = wanted.bounds
    if bounds is None:
        return table.everything
    west, south, east, north = bounds
    # Screen positions count from the north-west corner of the world.
    x, y = screen_pixels(house, [west, east], [north, south])
    inside: Mask = (table.x >= x[0]) & (table.x <= x[1]) & (table.y >= y[0]) & (table.y <= y[1])
    return inside


def _match(table: SchoolTable, wanted: SchoolFilter) -> Mask:
    mask = np.ones(len(table), dtype=bool)
    for name, enum in WORD_COLUMNS.items():
        values = getattr(wanted, name, ())
        if values:
            order = [word.value for word in enum]
            keep = [order.index(value) for value in values if value in order]
            mask &= np.isin(table.bytes_[name], np.array(keep, dtype=np.uint8))
    for codes, column, values in (
        (table.district_codes, table.district, wanted.district),
        (table.station_codes, table.station, wanted.station),
    ):
        if values:
            keep = [codes.index(value) for value in values if value in codes]
            mask &= np.isin(column, np.array(keep, dtype=np.uint16))
    if wanted.q:
        by_name = pc.match_substring(table.names, wanted.q, ignore_case=True)
        by_code = pc.match_substring(table.codes, wanted.q, ignore_case=True)
        mask &= pc.or_(by_name, by_code).to_numpy(zero_copy_only=False)
    return mask


def _load(actor: Actor, house: House, version: str) -> SchoolTable:
    today = house.today()
    with house.read() as session:
        rows = session.execute(
            select(
                School.id,
                School.code,
                School.name,
                School.lon,
                School.lat,
                type_coerce(School.kind, String),
                type_coerce(School.ownership, String),
                School.district_id,
                School.police_station_id,
                School.students,
                SchoolRisk.score,
                type_coerce(SchoolRisk.level, String),
                SchoolRisk.completeness,
                SchoolRisk.nearest_water_m,
            )
            .outerjoin(SchoolRisk, SchoolRisk.school_id == School.id)
            .where(schools_readable_by(actor), School.status == SchoolStatus.ACTIVE)
            .order_by(School.id)
        ).all()
        districts = session.execute(select(District.id, District.code, District.name)).all()
        stations = session.execute(
            select(PatrolPost.id, PatrolPost.code, PatrolPost.name).where(
                PatrolPost.id.in_(
                    select(School.police_station_id).where(schools_readable_by(actor)).distinct()
                )
            )
        ).all()
        counts = _inspection_counts(session, actor, today)
    cells: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 14
    ids = np.array(cells[0], dtype=np.uint32)
    levels = _word_bytes(RiskLevel, cells[11], RiskLevel.UNKNOWN)
    # Worst last, so that dense places show the red ones; unknown lies under all.
    order = np.lexsort((ids, -levels.astype(np.int64)))
    x, y = screen_pixels(house, cells[3], cells[4])
    district, district_codes, district_names = _encode(
        cells[7], {d.id: d.code for d in districts}, {d.id: d.name for d in districts}
    )
    station, station_codes, station_names = _encode(
        cells[8], {s.id: s.code for s in stations}, {s.id: s.name for s in stations}
    )
    by_id = {name: _spread(ids, *pair) for name, pair in counts.items()}
    score = _floats(cells[10])
    bytes_ = {
        "level": levels,
        "status": status_index(
            visited=(by_id["city"] + by_id["county"]) > 0,
            found_this_year=by_id["found"],
            open_now=by_id["open"],
            overdue_now=by_id["overdue"],
        ),
        "coverage": coverage_index(city=by_id["city"] > 0, county=by_id["county"] > 0),
        "kind": _word_bytes(SchoolKind, cells[5], SchoolKind.UNKNOWN),
        "ownership": _word_bytes(Ownership, cells[6], Ownership.UNKNOWN),
        "open": np.minimum(by_id["open"], 254).astype(np.uint8),
        "overdue": np.minimum(by_id["overdue"], 254).astype(np.uint8),
    }
    home = None
    if rows:
        lon, lat = screen_lonlat(house, cells[3], cells[4])
        # A stray point must not zoom the city away: the view holds the middle 99.8 %.
        west, east = np.quantile(lon, [0.001, 0.999])
        south, north = np.quantile(lat, [0.001, 0.999])
        home = (float(west), float(south), float(east), float(north))
    students = _floats(cells[9])
    return SchoolTable(
        version=version,
        ids=ids[order],
        codes=pa.array(cells[1], pa.string()).take(pa.array(order)),
        names=pa.array(cells[2], pa.string()).take(pa.array(order)),
        x=x[order],
        y=y[order],
        bytes_={name: column[order] for name, column in bytes_.items()},
        district=district[order],
        station=station[order],
        district_codes=district_codes,
        district_names=district_names,
        station_codes=station_codes,
        station_names=station_names,
        score=score[order],
        students=students[order],
        completeness=_floats(cells[12])[order],
        water_m=_floats(cells[13])[order],
        home=home,
    )


def _floats(cells: Sequence[float | None]) -> npt.NDArray[np.float32]:
    return np.array([np.nan if v is None else v for v in cells], dtype=np.float32)


def _inspection_counts(
    session: Session, actor: Actor, today: dt.date
) -> dict[str, tuple[list[int], list[int]]]:
    """Return name → (school ids, counts) for this year's visits and for hazards."""
    new_year = dt.date(today.year, 1, 1)
    visits = session.execute(
        select(
            Inspection.school_id,
            func.sum(case((Inspection.level == InspectionLevel.CITY, 1), else_=0)),
            func.sum(case((Inspection.level == InspectionLevel.COUNTY, 1), else_=0)),
        )
        .where(inspections_readable_by(actor), Inspection.on_date.between(new_year, today))
        .group_by(Inspection.school_id)
    ).all()
    is_open = Hazard.stage != HazardStage.CLOSED
    is_overdue = Hazard.stage.in_(STAGES_BEFORE_SUBMISSION) & (Hazard.due_on < today)
    hazards = session.execute(
        select(
            Hazard.school_id,
            func.sum(case((Hazard.found_on >= new_year, 1), else_=0)),
            func.sum(case((is_open, 1), else_=0)),
            func.sum(case((is_overdue, 1), else_=0)),
        )
        .where(hazards_readable_by(actor), Hazard.found_on <= today)
        .group_by(Hazard.school_id)
    ).all()
    visit_ids = [row[0] for row in visits]
    hazard_ids = [row[0] for row in hazards]
    return {
        "city": (visit_ids, [int(row[1]) for row in visits]),
        "county": (visit_ids, [int(row[2]) for row in visits]),
        "found": (hazard_ids, [int(row[1]) for row in hazards]),
        "open": (hazard_ids, [int(row[2]) for row in hazards]),
        "overdue": (hazard_ids, [int(row[3]) for row in hazards]),
    }


def _spread(
    ids: npt.NDArray[np.uint32], keys: list[int], values: list[int]
) -> npt.NDArray[np.int64]:
    """Put ``values`` of ``keys`` where ``ids`` (ascending) have them, zero elsewhere."""
    result = np.zeros(len(ids), dtype=np.int64)
    if len(ids) and keys:
        wanted = np.array(keys, dtype=np.uint32)
        at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
        hit = ids[at] == wanted
        result[at[hit]] = np.array(values, dtype=np.int64)[hit]
    return result


def _word_bytes(
    enum: type[Word], cells: Sequence[str | None], unknown: Word
) -> npt.NDArray[np.uint8]:
    order = {word.value: i for i, word in enumerate(enum)}
    missing = order[unknown.value]
    return np.array([order.get(cell or "", missing) for cell in cells], dtype=np.uint8)


def _encode(
    cells: Sequence[int | None], codes: dict[int, str], names: dict[int, str]
) -> tuple[npt.NDArray[np.uint16], list[str], list[str]]:
    """Number the areas that occur, by code; 65535 = none."""
    present = sorted({c for c in cells if c is not None and c in codes}, key=lambda c: codes[c])
    position = {c: i for i, c in enumerate(present)}
    column = np.array([position.get(c, 65535) if c is not None else 65535 for c in cells])
    return (
        column.astype(np.uint16),
        [codes[c] for c in present],
        [names[c] or codes[c] for c in present],
    )
