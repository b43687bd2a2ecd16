"""Frames from the same filter as the map, for quick draws and plans; a quick draw's preview."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from db.models import District, Inspection, PatrolPost, School
from db.scope import inspections_readable_by, schools_readable_by
from domain.access import SCOPE_FIELD, Actor, Permission, require
from domain.draw.frame import Frame, build_frame, excluded_bytes
from domain.draw.pivotal import share_tickets
from domain.errors import Forbidden, UserError
from domain.quick_draw import Weighting, stratum_level
from domain.sampling_rules import SamplingRules
from domain.school_filter import SchoolFilter
from domain.words import RiskLevel, SchoolKind, SchoolStatus
from geo.crs import project
from services.cache import VersionedCache
from services.house import House
from services.map_schools import SchoolTable, data_version, load_school_table, match_schools
from services.proximity import zone_of_city
from services.rules import sampling_rules_in_force

NO_DISTRICT = "未归属区县"
_frames = VersionedCache(max_entries=16)


@dataclass(frozen=True)
class FrozenFrame:
    """The frame, the file of excluded schools and how many there are (shared: do not alter).

    ``rules`` is the rule set that gave the weights.
    """

    frame: Frame
    excluded: bytes
    excluded_count: int
    rules: SamplingRules


@dataclass(frozen=True)
class QuickPreview:
    """What a press would commit and how everybody's chances stand before it.

    ``strata``: ``district``, ``kind``, ``schools``, ``expected`` (float), ``low``, ``high``.
    ``chances``: ``weight``, ``schools``, ``chance`` (fraction as text), ``percent`` (0–100).
    """

    frame_hash: str
    schools: int
    excluded: int
    n: int
    strata: pd.DataFrame
    chances: pd.DataFrame


def preview_draw(
    actor: Actor, house: House, *, wanted: SchoolFilter, n: int, weighting: Weighting
) -> QuickPreview:
    """Return the frame's size and hash, exact chances and expected numbers; writes nothing.

    Raises ``Forbidden``, or ``UserError`` where ``n`` or the weighting does not fit.
    """
    require(actor, Permission.DRAW)
    made = freeze_frame(actor, house, wanted=wanted, weighting=weighting)
    frame = made.frame
    check_places(n, len(frame))
    tickets = share_tickets(frame.weights, n)
    rows = pd.DataFrame(
        {
            "stratum": frame.strata,
            "weight": frame.weights,
            "held": np.array(tickets.held, dtype=np.int64),
        }
    )
    strata = (
        rows.groupby("stratum", sort=True)["held"].agg(schools="size", held="sum").reset_index()
    )
    parts = strata["stratum"].str.partition("/")
    strata.insert(0, "district", parts[0])
    strata.insert(1, "kind", parts[2])
    strata["expected"] = strata["held"] / tickets.full
    strata["low"] = strata["held"] // tickets.full
    strata["high"] = -(-strata["held"] // tickets.full)
    by_weight = (
        rows.groupby("weight", sort=True)["held"].agg(schools="size", held="first").reset_index()
    )
    shares = [Fraction(int(held), tickets.full) for held in by_weight["held"]]
    by_weight["chance"] = [str(share) for share in shares]
    by_weight["percent"] = [float(share) * 100 for share in shares]
    return QuickPreview(
        frame_hash=frame.hash,
        schools=len(frame),
        excluded=made.excluded_count,
        n=n,
        strata=strata.drop(columns=["stratum", "held"]),
        chances=by_weight.drop(columns="held"),
    )


def check_places(n: int, schools: int) -> None:
    """Raise ``UserError`` unless 1 ≤ ``n`` ≤ the number of schools."""
    if not schools:
        raise UserError("所选范围内没有在办学校。", "请放宽筛选条件。")
    if not 1 <= n <= schools:
        raise UserError(f"要抽 {n} 所，但范围内有 {schools} 所学校。", f"请填 1–{schools}。")


def freeze_frame(
    actor: Actor, house: House, *, wanted: SchoolFilter, weighting: Weighting
) -> FrozenFrame:
    """Return a quick draw's frame in the actor's scope; raises like ``make_frame``."""
    require(actor, Permission.DRAW)
    return make_frame(actor, house, wanted=wanted, weighting=weighting)


def make_frame(
    actor: Actor,
    house: House,
    *,
    wanted: SchoolFilter,
    weighting: Weighting,
    by_risk_band: bool = False,
    left_out: tuple[tuple[str, str], ...] = (),
) -> FrozenFrame:
    """Return the frame of the kept schools in the actor's scope, cached by data version.

    Strata are district × kind, with ``by_risk_band`` × risk level. ``left_out`` are pairs of
    code and reason: these schools stand in the excluded file and not in the frame. x, y are
    metres in the city's Gauss–Krüger zone. The caller has checked what the actor may do;
    raises ``UserError`` naming a school whose code cannot stand in a frame.
    """
    field = SCOPE_FIELD.get(actor.role)
    if field and getattr(actor, field) is None:
        raise Forbidden("抽取学校：账号未设定所属区县")
    weighting.check()
    order = _Order(wanted, weighting, by_risk_band, left_out)
    version = f"{data_version(house)}-{house.versions()['rules']}"
    key = (str(house.engine.url), actor.scope_key, version, order)
    return _frames.get(key, lambda: _freeze(actor, house, order))


@dataclass(frozen=True)
class _Order:
    wanted: SchoolFilter
    weighting: Weighting
    by_risk_band: bool
    left_out: tuple[tuple[str, str], ...]


def _freeze(actor: Actor, house: House, order: _Order) -> FrozenFrame:
    table = load_school_table(actor, house)
    mask = match_schools(actor, house, wanted=order.wanted)
    if order.left_out:
        named = pa.array([code for code, _ in order.left_out], pa.string())
        mask = mask & ~pc.is_in(table.codes, value_set=named).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(mask)
    check_places(1, len(rows))
    ids = table.ids[rows]
    with house.read() as session:
        rules = sampling_rules_in_force(session.connection(), house.today())
        epsg = zone_of_city(session.connection())
        lon, lat = _places(session, actor, ids)
        days = _days_since_visit(session, actor, house, ids)
        # A closed school stays so, whatever a plan says of it besides.
        excluded = dict(order.left_out) | dict(_excluded(session, actor, order.wanted))
    x_m, y_m = project(lon, lat, epsg)
    return FrozenFrame(
        frame=build_frame(
            ids=table.codes.take(pa.array(rows)).to_pylist(),
            strata=_strata(table, rows, order.by_risk_band),
            weights=order.weighting.weights(table.bytes_["level"][rows], days, rules).tolist(),
            x_m=x_m,
            y_m=y_m,
        ),
        excluded=excluded_bytes(excluded.items()),
        excluded_count=len(excluded),
        rules=rules,
    )


def _strata(table: SchoolTable, rows: npt.NDArray[np.int64], by_risk_band: bool) -> list[str]:
    names = [stratum_level(name) for name in table.district_names]
    # Two districts of one name stay two strata.
    areas = [
        name if names.count(name) == 1 else f"{name}({stratum_level(code)})"
        for name, code in zip(names, table.district_codes, strict=True)
    ] + [NO_DISTRICT]
    kinds = [kind.label for kind in SchoolKind]
    at = np.minimum(table.district[rows], len(areas) - 1)
    pairs = zip(at.tolist(), table.bytes_["kind"][rows].tolist(), strict=True)
    strata = [f"{areas[area]}/{kinds[kind]}" for area, kind in pairs]
    if not by_risk_band:
        return strata
    bands = [level.label for level in RiskLevel]
    levels = table.bytes_["level"][rows].tolist()
    return [f"{path}/{bands[level]}" for path, level in zip(strata, levels, strict=True)]


def _places(
    session: Session, actor: Actor, ids: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return lon, lat (WGS 84 degrees) of ``ids``; NaN where the school is gone meanwhile."""
    found = session.execute(
        select(School.id, School.lon, School.lat).where(schools_readable_by(actor))
    ).all()
    known = pd.DataFrame([tuple(row) for row in found], columns=["id", "lon", "lat"])
    placed = known.set_index("id").reindex(ids.astype(np.int64))
    return placed["lon"].to_numpy(dtype=float), placed["lat"].to_numpy(dtype=float)


def _days_since_visit(
    session: Session, actor: Actor, house: House, ids: npt.NDArray[np.uint32]
) -> npt.NDArray[np.float64]:
    today = house.today()
    found = session.execute(
        select(Inspection.school_id, func.max(Inspection.on_date))
        .where(inspections_readable_by(actor), Inspection.on_date <= today)
        .group_by(Inspection.school_id)
    ).all()
    days = pd.Series({row[0]: float((today - row[1]).days) for row in found}, dtype=float)
    return np.asarray(days.reindex(ids.astype(np.int64)), dtype=np.float64)


def _excluded(session: Session, actor: Actor, wanted: SchoolFilter) -> list[tuple[str, str]]:
    """Return (code, reason) of the schools in range that cannot be drawn: closed, suspended.

    They carry no risk level and no visits, so these two filters do not apply to them.
    """
    conditions: list[ColumnElement[bool]] = [
        schools_readable_by(actor),
        School.status != SchoolStatus.ACTIVE,
    ]
    if wanted.kind:
        conditions.append(School.kind.in_(wanted.kind))
    if wanted.ownership:
        conditions.append(School.ownership.in_(wanted.ownership))
    if wanted.district:
        areas = select(District.id).where(District.code.in_(wanted.district))
        conditions.append(School.district_id.in_(areas))
    if wanted.station:
        stations = select(PatrolPost.id).where(PatrolPost.code.in_(wanted.station))
        conditions.append(School.police_station_id.in_(stations))
    if wanted.bounds is not None:
        west, south, east, north = wanted.bounds
        conditions += [School.lon.between(west, east), School.lat.between(south, north)]
    if wanted.q:
        conditions.append(
            or_(
                School.name.icontains(wanted.q, autoescape=True),
                School.code.icontains(wanted.q, autoescape=True),
            )
        )
    rows = session.execute(select(School.code, School.status).where(*conditions)).all()
    return [(code, status.value) for code, status in rows]
