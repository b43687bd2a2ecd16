"""The year's coverage as it stands: by level, district, channel, month and school.

``drawn_school`` is never read here: what a round has drawn shows only as inspections, which
a sealed round gets at its reveal.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sqlalchemy import String, extract, func, select, type_coerce
from sqlalchemy.orm import Session

from db.models import Inspection
from db.scope import inspections_readable_by
from domain.access import Actor, Permission, require
from domain.coverage import (
    Integers,
    YearForecast,
    covered_by,
    day_of_year,
    first_days,
    forecast,
    times_visited,
    week_ends,
)
from domain.errors import UserError
from domain.sampling_rules import SamplingRules
from domain.words import Channel, InspectionLevel, RiskLevel, SchoolKind
from services.cache import VersionedCache
from services.house import House
from services.map_schools import SchoolTable, data_version, load_school_table
from services.rules import sampling_rules_in_force

NO_DISTRICT = "未归属区县"
MONTHS = tuple(range(1, 13))
_years = VersionedCache(max_entries=32)
_spans = VersionedCache(max_entries=32)


@dataclass(frozen=True)
class LevelYear:
    """One level's year. ``curve``: ``day`` (of the year, from 0), ``date``, ``schools``."""

    forecast: YearForecast
    recent: int
    visits: int
    curve: pd.DataFrame


@dataclass(frozen=True)
class CoverageYear:
    """All figures of one year in one reader's scope (shared: do not alter).

    ``schools`` are active schools, ``visits`` those paid to them, ``visits_elsewhere`` those
    to schools no longer active, which count nowhere else. Frames:
    ``districts``: ``code``, ``name``, ``schools``, ``city``, ``county``, ``visited`` (schools
    inspected at that or any level), ``visits``, ``again`` (visits beyond each school's first),
    ``never``. ``channels``: ``channel`` (label), ``month`` (1–12), ``visits``, all months up to
    ``as_of``. ``times``: ``times`` (0–5, 5 = and more), ``schools``. ``capped``: ``code``,
    ``name``, ``district``, ``kind``, ``visits`` of schools at the visit cap or above.
    ``never``: ``code``, ``name``, ``district_code``, ``district``, ``kind``, ``level`` (risk),
    ``last_on`` (date or NaT) of schools without a visit, longest without one first.
    """

    year: int
    as_of: dt.date
    is_current: bool
    schools: int
    visits: int
    visits_elsewhere: int
    visit_cap: int
    city: LevelYear
    county: LevelYear
    districts: pd.DataFrame
    channels: pd.DataFrame
    times: pd.DataFrame
    capped: pd.DataFrame
    never: pd.DataFrame

    def of(self, level: InspectionLevel) -> LevelYear:
        """Return the figures of one level."""
        return self.city if level is InspectionLevel.CITY else self.county


def list_years(actor: Actor, house: House) -> tuple[int, ...]:
    """Return this year and every earlier one with an inspection in scope, newest first."""
    require(actor, Permission.VIEW_COVERAGE)
    today = house.today()

    def read() -> tuple[int, ...]:
        year = extract("year", Inspection.on_date)
        with house.read() as session:
            found = session.scalars(
                select(year)
                .where(inspections_readable_by(actor), Inspection.on_date <= today)
                .distinct()
            )
            return tuple(sorted({today.year, *(int(one) for one in found)}, reverse=True))

    return _spans.get((str(house.engine.url), actor.scope_key, data_version(house)), read)


def read_coverage(actor: Actor, house: House, *, year: int | None = None) -> CoverageYear:
    """Return the figures of ``year`` (default: this year) in the actor's scope, cached.

    An earlier year is counted up to its 31 December, over the schools active now. Raises
    ``UserError`` for a year to come.
    """
    require(actor, Permission.VIEW_COVERAGE)
    today = house.today()
    year = today.year if year is None else year
    if not 1900 <= year <= today.year:
        raise UserError(f"{year} 年还没有数据。", f"请选 {today.year} 年或更早的年份。")
    table = load_school_table(actor, house)
    rules_version = house.versions()["rules"]
    key = (str(house.engine.url), actor.scope_key, table.version, rules_version, year)
    return _years.get(key, lambda: _read(actor, house, table, year, today))


def forecast_year(
    actor: Actor, house: House, *, level: InspectionLevel, extra_per_week: float = 0.0
) -> YearForecast:
    """Forecast one level's coverage at this year's end, with ``extra_per_week`` more schools.

    Only schools not yet covered by this level are "more": repeated visits add nothing.
    """
    year = read_coverage(actor, house).of(level)
    said = year.forecast
    return forecast(
        level=level,
        as_of=said.as_of,
        schools=said.schools,
        visited=said.visited,
        recent=year.recent,
        window_days=said.window_days,
        target_share=said.target_share,
        schools_per_team_day=said.schools_per_team_day,
        extra_per_week=extra_per_week,
    )


def _read(
    actor: Actor, house: House, table: SchoolTable, year: int, today: dt.date
) -> CoverageYear:
    as_of = min(dt.date(year, 12, 31), today)
    with house.read() as session:
        rules = _rules(session, as_of, today)
        visits = _visits(session, actor, table, dt.date(year, 1, 1), as_of)
        last_on = _last_visits(session, actor, table, as_of)
    known = visits[visits["school"] >= 0]
    count = np.bincount(known["school"], minlength=len(table))
    firsts = {
        level: first_days(
            known.loc[known["level"] == level.value, "school"],
            known.loc[known["level"] == level.value, "day"],
            schools=len(table),
        )
        for level in InspectionLevel
    }
    levels = {
        level: _level_year(level, as_of, rules, first, known) for level, first in firsts.items()
    }
    areas = np.minimum(table.district, len(table.district_names)).astype(np.int64)
    names = np.array([*table.district_names, NO_DISTRICT], dtype=object)
    return CoverageYear(
        year=year,
        as_of=as_of,
        is_current=year == today.year,
        schools=len(table),
        visits=len(known),
        visits_elsewhere=len(visits) - len(known),
        visit_cap=rules.visit_cap,
        city=levels[InspectionLevel.CITY],
        county=levels[InspectionLevel.COUNTY],
        districts=_by_district(table, areas, count, firsts),
        channels=_by_channel(known, as_of),
        times=pd.DataFrame({"times": range(6), "schools": times_visited(count)}),
        capped=_capped(table, names[areas], count, rules.visit_cap),
        never=_never(table, areas, names, count, last_on),
    )


def _rules(session: Session, as_of: dt.date, today: dt.date) -> SamplingRules:
    """Return that year's rules; today's where none were in force then."""
    connection = session.connection()
    try:
        return sampling_rules_in_force(connection, as_of)
    except UserError:
        if as_of == today:
            raise
        return _rules(session, today, today)


def _positions(table: SchoolTable, ids: npt.ArrayLike) -> Integers:
    """Return the row of each school id in the table, −1 where it is not there."""
    wanted = np.asarray(ids, dtype=np.int64)
    if not len(table):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(table.ids)
    at = np.minimum(np.searchsorted(table.ids[order], wanted), len(table) - 1)
    found = order[at]
    return np.where(table.ids[found] == wanted, found, -1).astype(np.int64)


def _visits(
    session: Session, actor: Actor, table: SchoolTable, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Return one row a visit.

    Columns: ``school`` (row of the table, −1 = not active), ``level``, ``channel``, ``day``
    (of the year, from 1), ``month``.
    """
    rows = session.execute(
        select(
            Inspection.school_id,
            type_coerce(Inspection.level, String),
            type_coerce(Inspection.channel, String),
            Inspection.on_date,
        ).where(inspections_readable_by(actor), Inspection.on_date.between(first, last))
    ).all()
    ids, level, channel, on = zip(*rows, strict=True) if rows else ((), (), (), ())
    dates = pd.to_datetime(pd.Series(on, dtype="datetime64[s]"))
    return pd.DataFrame(
        {
            "school": _positions(table, ids),
            "level": pd.Series(level, dtype=object),
            "channel": pd.Series(channel, dtype=object),
            "day": dates.dt.day_of_year.astype("int64"),
            "month": dates.dt.month.astype("int64"),
        }
    )


def _last_visits(
    session: Session, actor: Actor, table: SchoolTable, as_of: dt.date
) -> npt.NDArray[np.datetime64]:
    """Return each school's last visit up to ``as_of`` in any year, NaT where there is none."""
    rows = session.execute(
        select(Inspection.school_id, func.max(Inspection.on_date))
        .where(inspections_readable_by(actor), Inspection.on_date <= as_of)
        .group_by(Inspection.school_id)
    ).all()
    last = np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
    at = _positions(table, [row[0] for row in rows])
    dates = np.array([row[1] for row in rows], dtype="datetime64[D]")
    last[at[at >= 0]] = dates[at >= 0]
    return last


def _level_year(
    level: InspectionLevel,
    as_of: dt.date,
    rules: SamplingRules,
    first: Integers,
    known: pd.DataFrame,
) -> LevelYear:
    elapsed = day_of_year(as_of)
    recent = int((first > max(0, elapsed - rules.coverage_window_days)).sum())
    days = week_ends(elapsed)
    new_year = pd.Timestamp(as_of.year, 1, 1)
    curve = pd.DataFrame(
        {
            "day": days,
            "date": new_year + pd.to_timedelta(np.maximum(days - 1, 0), unit="D"),
            "schools": covered_by(first, days),
        }
    )
    said = forecast(
        level=level,
        as_of=as_of,
        schools=len(first),
        visited=int((first > 0).sum()),
        recent=recent,
        window_days=rules.coverage_window_days,
        target_share=rules.target_share(level),
        schools_per_team_day=rules.schools_per_team_day,
    )
    return LevelYear(said, recent, int((known["level"] == level.value).sum()), curve)


def _by_district(
    table: SchoolTable, areas: Integers, count: Integers, firsts: dict[InspectionLevel, Integers]
) -> pd.DataFrame:
    size = len(table.district_names) + 1

    def total(values: npt.ArrayLike) -> Integers:
        return np.bincount(areas, weights=np.asarray(values), minlength=size).astype(np.int64)

    frame = pd.DataFrame(
        {
            "code": [*table.district_codes, ""],
            "name": [*table.district_names, NO_DISTRICT],
            "schools": np.bincount(areas, minlength=size),
            "city": total(firsts[InspectionLevel.CITY] > 0),
            "county": total(firsts[InspectionLevel.COUNTY] > 0),
            "visited": total(count > 0),
            "visits": total(count),
            "again": total(np.maximum(count - 1, 0)),
            "never": total(count == 0),
        }
    )
    twice = frame["name"].duplicated(keep=False) & (frame["code"] != "")
    frame.loc[twice, "name"] = frame["name"] + "（" + frame["code"] + "）"
    return frame[frame["schools"] > 0].reset_index(drop=True)


def _by_channel(known: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    order = [channel.value for channel in Channel]
    table = np.zeros((len(order), len(MONTHS)), dtype=np.int64)
    at = pd.Categorical(known["channel"], categories=order).codes
    np.add.at(table, (at[at >= 0], known["month"].to_numpy()[at >= 0] - 1), 1)
    months = MONTHS[: as_of.month]
    return pd.DataFrame(
        {
            "channel": np.repeat([channel.label for channel in Channel], len(months)),
            "month": np.tile(months, len(order)),
            "visits": table[:, : len(months)].ravel(),
        }
    )


def _columns(table: SchoolTable, rows: Integers) -> dict[str, object]:
    at = pa.array(rows)
    kinds = np.array([kind.label for kind in SchoolKind], dtype=object)
    return {
        "code": table.codes.take(at).to_pylist(),
        "name": table.names.take(at).to_pylist(),
        "kind": kinds[table.bytes_["kind"][rows]],
    }


def _capped(
    table: SchoolTable, districts: npt.NDArray[np.object_], count: Integers, visit_cap: int
) -> pd.DataFrame:
    rows = np.flatnonzero(count >= visit_cap)
    rows = rows[np.lexsort((table.ids[rows], -count[rows]))]
    frame = pd.DataFrame({**_columns(table, rows), "visits": count[rows]})
    frame.insert(2, "district", districts[rows])
    return frame


def _never(
    table: SchoolTable,
    areas: Integers,
    names: npt.NDArray[np.object_],
    count: Integers,
    last_on: npt.NDArray[np.datetime64],
) -> pd.DataFrame:
    rows = np.flatnonzero(count == 0)
    codes = np.array([*table.district_codes, ""], dtype=object)
    risks = np.array([level.label for level in RiskLevel], dtype=object)
    frame = pd.DataFrame(_columns(table, rows))
    frame.insert(2, "district_code", codes[areas[rows]])
    frame.insert(3, "district", names[areas[rows]])
    frame["level"] = risks[table.bytes_["level"][rows]]
    frame["last_on"] = last_on[rows].astype("datetime64[s]")
    order = frame.sort_values(["last_on", "code"], na_position="first", kind="stable").index
    return frame.loc[order].reset_index(drop=True)
