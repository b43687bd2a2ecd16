"""School, gate and defence tables of the demo city: names, hours, numbers, what is missing."""

from __future__ import annotations

import datetime as dt

import numpy as np
import shapely

from domain.words import AlarmState, GateKind, LegalForm, Ownership
from services.demo import names
from services.demo.land import Land
from services.demo.plane import (
    Array,
    Table,
    blanked,
    geometries_to_lon_lat,
    objects,
    pick,
    points_at,
    stream,
    texts,
    to_lon_lat,
)
from services.demo.roads import BRANCH, CLASSES, ZONE_TOWN, ZONE_VILLAGE
from services.demo.schools import (
    COMPLETE,
    JUNIOR,
    KG,
    KINDS,
    NINE,
    SENIOR,
    SPECIAL,
    TWELVE,
    VOC,
    Schools,
)

_ARRIVAL_MIN = np.array([485, 475, 450, 420, 465, 450, 430, 490, 470, 500, 480])
_DISMISSAL_MIN = np.array([985, 970, 1_050, 1_290, 1_020, 1_050, 1_280, 960, 1_020, 930, 980])
_TIMES = objects([dt.time(m // 60, m % 60) for m in range(24 * 60)])


def school_table(
    seed: int, land: Land, schools: Schools, station_of: Array, *, campus_share: float = 1.0
) -> Table:
    """Return the school table; ``station_of`` holds police station ids (0 = unknown)."""
    rng = stream(seed, "school table", schools.count)
    count, kind = schools.count, schools.kind
    sparse_loss = np.where(schools.sparse, 0.9, 0.0)
    known = schools.campus_known & (rng.random(count) < campus_share)
    point = np.where(known[:, None], schools.centre, schools.centre + rng.normal(0, 12, (count, 2)))
    lon_lat = to_lon_lat(np.where(schools.sparse[:, None], schools.centre, point))
    campus = texts(count, None)
    campus[known] = shapely.to_wkb(geometries_to_lon_lat(schools.campus[known]))
    boards = np.isin(kind, [SENIOR, COMPLETE, VOC, TWELVE, JUNIOR, NINE, SPECIAL])
    share = np.select(
        [np.isin(kind, [SENIOR, COMPLETE, VOC]), boards & (schools.zone >= ZONE_TOWN), boards],
        [rng.uniform(0.35, 0.9, count), rng.uniform(0, 0.5, count), rng.uniform(0, 0.25, count)],
        0.0,
    )
    share[(share < 0.08)] = 0
    pupils_per_staff = np.where(kind == KG, rng.uniform(6, 9, count), rng.uniform(10, 16, count))
    early = 5 * rng.integers(-3, 4, count)
    late = 5 * rng.integers(-4, 5, count)
    form = np.where(
        schools.public,
        LegalForm.PUBLIC_INSTITUTION.value,
        pick(rng, [LegalForm.NON_PROFIT.value, LegalForm.COMPANY.value], [0.8, 0.2], count),
    ).astype(object)
    ownership = np.where(schools.public, Ownership.PUBLIC.value, Ownership.PRIVATE.value).astype(
        object
    )
    ownership[rng.random(count) < 0.02 + 0.3 * schools.sparse] = Ownership.UNKNOWN.value
    number = rng.integers(1, 400, count)
    township = land.township_names[schools.township]
    phone = rng.integers(0, 10_000_000, count)
    loss = np.maximum(sparse_loss, 0.08)
    return {
        "id": np.arange(1, count + 1),
        "code": objects([f"DEMO{i:06d}" for i in range(1, count + 1)]),
        "name": _school_names(rng, land, schools),
        "district_id": land.district_ids(schools.township),
        "township_id": land.township_ids(schools.township),
        "police_station_id": np.where(station_of > 0, station_of, np.nan),
        "kind": objects([k.value for k in KINDS])[kind],
        "ownership": ownership,
        "legal_form": blanked(rng, form, np.maximum(sparse_loss, 0.1)),
        "status": schools.status,
        "students": blanked(rng, schools.pupils, np.maximum(sparse_loss, 0.05)),
        "boarders": blanked(rng, np.round(schools.pupils * share), loss),
        "staff": blanked(rng, np.maximum(np.round(schools.pupils / pupils_per_staff), 2), loss),
        "lon": lon_lat[:, 0],
        "lat": lon_lat[:, 1],
        "accuracy_m": np.where(known, 5.0, blanked(rng, np.full(count, 30.0), 0.3)),
        "campus": campus,
        "address": objects(
            [
                f"{t}{r}{n}号"
                for t, r, n in zip(township.tolist(), schools.road_name, number, strict=True)
            ]
        ),
        "arrival_at": blanked(rng, _TIMES[_ARRIVAL_MIN[kind] + early], loss),
        "dismissal_at": blanked(rng, _TIMES[_DISMISSAL_MIN[kind] + late], loss),
        "duty_phone": objects([f"0000-8{n:07d}" for n in phone.tolist()]),
        "building_grade": blanked(
            rng, pick(rng, ["A", "B", "C", "D"], [40, 48, 11, 1], count), np.maximum(loss, 0.1)
        ),
    }


def _school_names(rng: np.random.Generator, land: Land, schools: Schools) -> Array:
    count = schools.count
    district = objects(list(land.district_names))[land.township_district[schools.township]]
    town = land.township_names[schools.township]
    town = objects([t.removesuffix("街道").removesuffix("镇").removesuffix("乡") for t in town])
    village = land.village_names[shapely.STRtree(points_at(land.villages)).nearest(
        points_at(schools.centre)
    )]  # fmt: skip
    word = names.place_words(rng, count)
    child = pick(rng, list(names.KINDERGARTEN_WORDS), [1.0] * len(names.KINDERGARTEN_WORDS), count)
    child = np.where(schools.public, word, town + child)
    rural = schools.zone == ZONE_VILLAGE
    place = np.where(rural, town + village, np.where(schools.zone == ZONE_TOWN, town, word))
    place = np.where((schools.zone == ZONE_TOWN) & (rng.random(count) < 0.5), town + word, place)
    ends = [
        np.where(rural, place, child) + "幼儿园",
        place + np.where(schools.zone == ZONE_TOWN, "中心小学", "小学"),
        place + "初级中学",
        place + "高级中学",
        place + "学校",
        place + "实验学校",
        place + "中学",
        town + village + "教学点",
        word + "职业技术学校",
        word + "特殊教育学校",
        place + "托育学校",
    ]
    base = np.choose(schools.kind, [e.astype(object) for e in ends])
    return names.told_apart(district + base)


def gate_table(seed: int, schools: Schools) -> Table:
    """Return the gate table."""
    count = len(schools.gate_school)
    rng = stream(seed, "gates", count)
    school = schools.gate_school
    side = schools.gate_kind == GateKind.SIDE.value
    road = np.where(
        side, np.maximum(schools.road_class[school], BRANCH), schools.road_class[school]
    )
    lon_lat = to_lon_lat(schools.gate_xy)
    cared = rng.random(count) < 0.35 + 0.5 * schools.care[school]
    usual = np.array([60, 50, 40, 30, 40, 20])[road]
    lanes = np.array([6, 6, 4, 2, 2, 1])[road]
    labels = {kind.value: kind.label for kind in GateKind}
    return {
        "id": np.arange(1, count + 1),
        "school_id": school + 1,
        "name": objects([labels[k] for k in schools.gate_kind.tolist()]),
        "kind": schools.gate_kind,
        "lon": lon_lat[:, 0],
        "lat": lon_lat[:, 1],
        "road_class": blanked(rng, objects([c.value for c in CLASSES])[road], 0.07),
        "speed_limit_kmh": blanked(rng, np.where(cared, np.minimum(usual, 30), usual), 0.12),
        "lanes": blanked(rng, lanes, 0.08),
        "setback_m": blanked(rng, np.round(rng.gamma(2.2, 4.2, count) + 1, 1), 0.15),
        "separated": blanked(rng, rng.random(count) < 0.35 + 0.4 * schools.care[school], 0.12),
        "waiting_area": blanked(rng, rng.random(count) < 0.2 + 0.5 * schools.care[school], 0.12),
    }


def defence_table(seed: int, schools: Schools, as_of: dt.date) -> Table:
    """Return the defence_state table; about one school in twenty has no row at all."""
    rng = stream(seed, "defence", schools.count, as_of.isoformat())
    rows = np.flatnonzero(~schools.sparse & (rng.random(schools.count) > 0.03))
    count, care, pupils = len(rows), schools.care[rows], schools.pupils[rows]
    required = np.where(pupils < 100, 1, np.where(pupils < 1_000, 2, 3 + (pupils - 1_000) // 500))
    short = rng.random(count) < 0.5 * (1 - care)
    full = np.maximum(required - short * rng.integers(1, 3, count), 0)
    part = np.where(rng.random(count) < 0.22, rng.integers(1, 3, count), 0)
    # DOMAIN.md §2 [brief]: a quarter of guards over age, teachers standing in common.
    over = rng.binomial((full + part).astype(int), np.clip(0.50 - 0.37 * care, 0.02, 0.6))
    stand_in = rng.binomial(2, np.clip(0.95 - 0.75 * care, 0.03, 0.95))
    officers = np.where(pupils < 300, 1, 2 + np.maximum(pupils - 1_001, 0) // 1_000)
    officers = np.maximum(officers - (rng.random(count) < 0.6 * (1 - care)), 0)
    score = care + rng.normal(0, 0.18, count)
    alarm = np.where(score < 0.22, 0, np.where(score < 0.42, 1, 2))
    alarms = objects(
        [a.value for a in (AlarmState.NONE, AlarmState.INSTALLED, AlarmState.NETWORKED)]
    )
    days = np.round(rng.gamma(1.6, 60 * (1.5 - care), count)).astype("timedelta64[D]")
    tested = np.datetime64(as_of, "D") - days
    tested[alarm == 0] = np.datetime64("NaT")
    cameras = np.maximum(np.round(8 + pupils / 18 * rng.uniform(0.7, 1.3, count)), 4)
    offline = rng.binomial(cameras.astype(int), np.clip(0.14 * (1 - care), 0, 1))
    clock = np.where(
        rng.random(count) < care, rng.integers(0, 8, count), rng.integers(10, 900, count)
    )
    return {
        "school_id": rows + 1,
        "guards_full_time": blanked(rng, full, 0.05),
        "guards_part_time": blanked(rng, part, 0.09),
        "guards_over_50": blanked(rng, over, 0.1),
        "teacher_stand_ins": blanked(rng, stand_in, 0.1),
        "officers": blanked(rng, officers, 0.08),
        "alarm": blanked(rng, alarms[alarm], 0.04),
        "alarm_tested_on": blanked(rng, tested, 0.1),
        "cameras_total": blanked(rng, cameras, 0.06),
        "cameras_offline": blanked(rng, offline, 0.12),
        "clock_error_s": blanked(rng, clock, 0.15),
        "closed_management": blanked(rng, rng.random(count) < 0.55 + 0.43 * care, 0.05),
        "hard_barrier": blanked(rng, rng.random(count) < 0.25 + 0.6 * care, 0.07),
    }
