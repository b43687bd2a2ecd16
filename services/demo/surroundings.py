"""Traffic facilities: the six kinds at every gate in every state, and junctions."""

from __future__ import annotations

import datetime as dt

import numpy as np
import shapely

from domain.words import SIX_FACILITY_KINDS, FacilityKind, FacilityState, GateKind
from services.demo.land import Land
from services.demo.plane import Array, Table, blanked, objects, pick, stream, to_lon_lat
from services.demo.roads import Roads
from services.demo.schools import Schools
from services.demo.waters import Waters

SCHOOLS_WITH_FACILITIES_MAX = 20_000
SIX_COMPLETE_SHARE = 0.14
# source: DOMAIN.md §2 [city23]: 10 of 72 schools complete = 13.89 %
_ALONG_M = np.array([110.0, 80.0, 55.0, 130.0, 16.0, 10.0])
_STATES = (
    FacilityState.OK,
    FacilityState.DAMAGED,
    FacilityState.FADED,
    FacilityState.MISSING,
    FacilityState.NOT_APPLICABLE,
    None,
)
_OK, _DAMAGED, _FADED, _MISSING, _NOT_APPLICABLE, _UNCHECKED = range(6)


def facility_table(
    seed: int, land: Land, roads: Roads, waters: Waters, schools: Schools, as_of: dt.date
) -> Table:
    """Return the traffic_facility table; a few schools were never surveyed and have none."""
    rng = stream(seed, "facilities", schools.count, as_of.isoformat())
    kind, state, gate, xy = _at_gates(rng, schools)
    j_kind, j_state, j_xy = _at_junctions(rng, roads, waters)
    kind, state = np.concatenate([kind, j_kind]), np.concatenate([state, j_state])
    xy = np.concatenate([xy, j_xy])
    gate_id = np.concatenate([gate + 1.0, np.full(len(j_kind), np.nan)])
    township = np.concatenate([schools.township[schools.gate_school[gate]], land.township_at(j_xy)])
    count = len(kind)
    lon_lat = to_lon_lat(xy)
    days = np.round(rng.gamma(2.0, 70, count)).astype("timedelta64[D]")
    checked = np.datetime64(as_of, "D") - days
    checked[state == _UNCHECKED] = np.datetime64("NaT")
    kinds = [*SIX_FACILITY_KINDS, FacilityKind.SIGNAL, FacilityKind.OTHER]
    owners = pick(rng, ["公安交警支队", "城市管理局", "交通运输局", ""], [5, 2, 2, 1], count)
    return {
        "id": np.arange(1, count + 1),
        "code": objects([f"DEMO-F{i:06d}" for i in range(1, count + 1)]),
        "kind": objects([k.value for k in kinds])[kind],
        "state": objects([s.value if s else None for s in _STATES])[state],
        "gate_id": gate_id,
        "district_id": land.district_ids(township),
        "township_id": land.township_ids(township),
        "lon": lon_lat[:, 0],
        "lat": lon_lat[:, 1],
        "name": objects([k.label for k in kinds])[kind],
        "checked_on": blanked(rng, checked, 0.05),
        "owner": owners,
    }


def _at_gates(rng: np.random.Generator, schools: Schools) -> tuple[Array, Array, Array, Array]:
    surveyed = rng.random(schools.count) > 0.04
    if schools.count > SCHOOLS_WITH_FACILITIES_MAX:
        chosen = rng.choice(schools.count, SCHOOLS_WITH_FACILITIES_MAX, replace=False)
        surveyed &= np.isin(np.arange(schools.count), chosen)
    gates = np.flatnonzero(surveyed[schools.gate_school])
    school = schools.gate_school[gates]
    care = schools.care[school][:, None]
    # Better-run schools are the complete ones, but not only they.
    luck = schools.care + rng.normal(0, 0.12, schools.count)
    complete = (luck > np.quantile(luck, 1 - SIX_COMPLETE_SHARE))[school]

    draw = rng.random((len(gates), 6))
    odds = np.stack(
        [
            np.broadcast_to(0.42 + 0.45 * care, draw.shape),
            np.full(draw.shape, 0.06),
            np.full(draw.shape, 0.09),
            np.broadcast_to(0.30 - 0.22 * care, draw.shape),
            np.full(draw.shape, 0.05),
            np.full(draw.shape, 0.07),
        ],
        axis=-1,
    )
    odds = odds.cumsum(axis=-1) / odds.sum(axis=-1, keepdims=True)
    state = np.minimum((draw[..., None] > odds).sum(axis=-1), _UNCHECKED)
    state = np.where(
        complete[:, None], np.where(state == _NOT_APPLICABLE, _NOT_APPLICABLE, _OK), state
    )
    # A school that is not complete lacks something at its first gate.
    first = np.r_[True, school[1:] != school[:-1]] & ~complete
    flaw = pick(rng, [_DAMAGED, _FADED, _MISSING, _UNCHECKED], [2, 3, 5, 1], len(gates)).astype(int)
    spot = rng.integers(0, 6, len(gates))
    fine = first & np.isin(state, [_OK, _NOT_APPLICABLE]).all(axis=1)
    state[fine, spot[fine]] = flaw[fine]

    side = np.where((np.arange(6) + rng.integers(0, 2, (len(gates), 1))) % 2 == 0, -1.0, 1.0)
    # The lane at a side gate is short.
    reach = np.where(schools.gate_kind[gates] == GateKind.SIDE.value, 0.35, 1.0)[:, None]
    along = side * reach * _ALONG_M * rng.uniform(0.8, 1.15, draw.shape)
    along = np.where(state == _MISSING, side * (2 + 3 * np.arange(6)), along)
    out = np.where(state == _MISSING, 4.0, rng.uniform(5, 9, draw.shape))
    xy = (
        schools.gate_xy[gates][:, None]
        + along[..., None] * schools.gate_tangent[gates][:, None]
        + out[..., None] * schools.gate_outward[gates][:, None]
    )
    kind = np.broadcast_to(np.arange(6), draw.shape)
    return kind.ravel(), state.ravel(), np.repeat(gates, 6), xy.reshape(-1, 2)


def _at_junctions(
    rng: np.random.Generator, roads: Roads, waters: Waters
) -> tuple[Array, Array, Array]:
    signals = _dry(waters, roads.signal_junctions)
    crossings = _dry(waters, roads.junctions[rng.random(len(roads.junctions)) < 0.3])
    others = _dry(waters, roads.junctions[rng.random(len(roads.junctions)) < 0.04])
    crossing_kind = SIX_FACILITY_KINDS.index(FacilityKind.CROSSING)
    kind = np.repeat([6, crossing_kind, 7], [len(signals), len(crossings), len(others)])
    state = np.where(rng.random(len(kind)) < 0.88, _OK, rng.choice([1, 2, 5], len(kind)))
    xy = np.concatenate([signals, crossings, others])
    return kind, state, xy + rng.normal(0, 6, xy.shape)


def _dry(waters: Waters, xy: Array) -> Array:
    wet = np.zeros(len(xy), dtype=bool)
    wet[waters.keep_out(15).query(shapely.points(xy), predicate="intersects")[0]] = True
    return xy[~wet]
