"""Patrol posts and their sessions: who was needed, planned and, where checked, present."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from domain.words import PostKind, PostRole, SchoolKind, SessionKind
from services.demo.land import Land
from services.demo.plane import Array, Table, blanked, objects, points_at, stream, texts, to_lon_lat
from services.demo.roads import PRIMARY, Roads
from services.demo.schools import CROWDED_FROM, KINDS, Schools
from services.demo.waters import LAKE, RESERVOIR, RIVER, Waters

STATIONS = 36
BOXES = 80
PATROL_POINTS = 45
WATER_WATCHES = 60
SESSION_DAYS = 56
CHECKED_SHARE = 0.35
GUARD_POSTS_MAX = 20_000
CROWDED_SESSION_DAYS = 14
CROWDED_SESSION_POSTS = 1_000
_HOLIDAYS = ((1, 1, 3), (5, 1, 5), (10, 1, 7))
"""Month, first and last day. The demo city keeps no long vacations, so that a demonstration
on any date shows recent sessions."""


@dataclass(frozen=True)
class Posts:
    """Posts in plane metres; ``gate`` and ``water`` are indices or -1."""

    kind: Array
    xy: Array
    names: Array
    gate: Array
    water: Array

    def station_of(self, land: Land, schools: Schools) -> Array:
        """Return the post id of each school's station: the nearest one of its own district."""
        stations = np.flatnonzero(self.kind == PostKind.POLICE_STATION.value)
        home = land.township_district[land.township_at(self.xy[stations])]
        mine = land.township_district[schools.township]
        found = np.zeros(schools.count, dtype=int)
        for district in np.unique(mine):
            near = stations[home == district] if (home == district).any() else stations
            rows = mine == district
            found[rows] = near[cKDTree(self.xy[near]).query(schools.centre[rows])[1]] + 1
        return found


def make_posts(seed: int, land: Land, roads: Roads, waters: Waters, schools: Schools) -> Posts:
    """Place stations, boxes, patrol points, water watches and the posts at school gates."""
    rng = stream(seed, "posts", schools.count)
    seats = _station_seats(land)
    stations = _beside_road(rng, roads, land.seats[seats])
    junctions = roads.signal_junctions
    at = rng.choice(len(junctions), min(BOXES, len(junctions)), replace=False)
    boxes = _beside_road(rng, roads, junctions[at])
    points = _beside_road(
        rng, roads, roads.junctions[rng.choice(len(roads.junctions), PATROL_POINTS)]
    )
    watched, banks = _watches(rng, waters, land)
    gate = _guarded_gates(rng, schools)
    guards = schools.gate_xy[gate] + 3.0 * schools.gate_outward[gate]

    road_names = roads.names[shapely.STRtree(roads.lines).nearest(points_at(np.concatenate([boxes, points])))]  # fmt: skip
    town = land.township_names[seats]
    counts = [len(stations), len(boxes), len(points), len(watched), len(gate)]
    kinds = [
        PostKind.POLICE_STATION,
        PostKind.POLICE_BOX,
        PostKind.PATROL_POINT,
        PostKind.WATER_WATCH,
        PostKind.SCHOOL_GUARD,
    ]
    box_numbers = [f"{n}岗亭" for n in road_names[: len(boxes)]]
    point_names = [f"{n}巡逻点" for n in road_names[len(boxes) :]]
    return Posts(
        kind=np.repeat(objects([k.value for k in kinds]), counts),
        xy=np.concatenate([stations, boxes, points, banks, guards]),
        names=objects(
            [
                *[
                    f"{t.removesuffix('街道').removesuffix('镇').removesuffix('乡')}派出所"
                    for t in town
                ],
                *box_numbers,
                *point_names,
                *[f"{n}看护点" for n in waters.names[watched]],
                *texts(len(gate), "护学岗"),
            ]
        ),
        gate=np.concatenate([np.full(sum(counts[:4]), -1), gate]),
        water=np.concatenate([np.full(sum(counts[:3]), -1), watched, np.full(len(gate), -1)]),
    )


def _station_seats(land: Land) -> Array:
    """Return the townships that have a station: county towns first, then every second or third."""
    order = np.setdiff1d(np.arange(len(land.township_names)), land.county_town)
    step = len(order) / (STATIONS - len(land.county_town))
    spaced = order[(np.arange(STATIONS - len(land.county_town)) * step).astype(int)]
    return np.concatenate([land.county_town, spaced])


def _beside_road(rng: np.random.Generator, roads: Roads, xy: Array) -> Array:
    """Move places to the side of their nearest main street."""
    main = roads.lines[(roads.road_class >= PRIMARY) & (roads.road_class <= PRIMARY + 2)]
    near = main[shapely.STRtree(main).nearest(points_at(xy))]
    length = shapely.length(near)
    at = shapely.line_locate_point(near, points_at(xy)) + rng.uniform(-45, 45, len(xy))
    at = np.clip(at, 10, np.maximum(length - 10, 11))
    here = shapely.get_coordinates(shapely.line_interpolate_point(near, at))
    back = shapely.get_coordinates(shapely.line_interpolate_point(near, np.maximum(at - 5, 0)))
    along = (here - back) / np.maximum(np.hypot(*(here - back).T), 1e-9)[:, None]
    side = np.where(rng.random(len(xy)) < 0.5, -14.0, 14.0)
    moved: Array = here + np.column_stack([-along[:, 1], along[:, 0]]) * side[:, None]
    return moved


def _watches(rng: np.random.Generator, waters: Waters, land: Land) -> tuple[Array, Array]:
    """Return watched waters and a place on the bank of each, on the side of people."""
    big = np.flatnonzero(np.isin(waters.kind, [RIVER, LAKE, RESERVOIR]))
    rest = np.setdiff1d(np.arange(len(waters.kind)), big)
    few = rng.choice(rest, min(max(WATER_WATCHES - len(big), 0), len(rest)), replace=False)
    watched = np.concatenate([big, np.sort(few)])
    bodies = waters.geometries[watched]
    people = points_at(land.villages)
    near = people[shapely.STRtree(people).nearest(shapely.centroid(bodies))]
    link = shapely.shortest_line(shapely.buffer(bodies, 4, quad_segs=2), near)
    return watched, shapely.get_coordinates(shapely.get_point(link, 0))


def _guarded_gates(rng: np.random.Generator, schools: Schools) -> Array:
    """Return the gates with a 護学岗: most main gates, fewer at kindergartens, none when closed."""
    kindergarten = schools.kind == KINDS.index(SchoolKind.KINDERGARTEN)
    share = np.where(kindergarten, 0.62, 0.9) * (0.72 + 0.4 * schools.care)
    has = (rng.random(schools.count) < share) & schools.active
    gates = np.flatnonzero(schools.main_gate & has[schools.gate_school])
    if len(gates) > GUARD_POSTS_MAX:
        gates = np.sort(rng.choice(gates, GUARD_POSTS_MAX, replace=False))
    return gates


def post_table(seed: int, land: Land, posts: Posts, schools: Schools, school_names: Array) -> Table:
    """Return the patrol_post table."""
    count = len(posts.kind)
    rng = stream(seed, "post table", count)
    township = land.township_at(posts.xy)
    at_gate = posts.gate >= 0
    township[at_gate] = schools.township[schools.gate_school[posts.gate[at_gate]]]
    names = posts.names.copy()
    names[at_gate] = school_names[schools.gate_school[posts.gate[at_gate]]] + "护学岗"
    lon_lat = to_lon_lat(posts.xy)
    radius = {
        PostKind.SCHOOL_GUARD.value: 50.0,
        PostKind.POLICE_STATION.value: 3_000.0,
        PostKind.POLICE_BOX.value: 500.0,
        PostKind.PATROL_POINT.value: 300.0,
        PostKind.WATER_WATCH.value: 200.0,
    }
    phone = [f"0000-6{n:07d}" for n in rng.integers(0, 10_000_000, count).tolist()]
    staffed = np.isin(posts.kind, [PostKind.POLICE_STATION.value, PostKind.POLICE_BOX.value])
    return {
        "id": np.arange(1, count + 1),
        "code": objects([f"DEMO-P{i:06d}" for i in range(1, count + 1)]),
        "name": names,
        "kind": posts.kind,
        "lon": lon_lat[:, 0],
        "lat": lon_lat[:, 1],
        "radius_m": blanked(rng, np.array([radius[k] for k in posts.kind.tolist()]), 0.06),
        "gate_id": np.where(at_gate, posts.gate + 1.0, np.nan),
        "water_id": np.where(posts.water >= 0, posts.water + 1.0, np.nan),
        "district_id": land.district_ids(township),
        "township_id": land.township_ids(township),
        "phone": np.where(staffed, objects(phone), "").astype(object),
    }


def school_days(as_of: dt.date, days: int) -> Array:
    """Return the school days among the last ``days`` days, ``as_of`` included, as datetime64[D]."""
    last = np.datetime64(as_of, "D")
    every = np.arange(last - np.timedelta64(days - 1, "D"), last + np.timedelta64(1, "D"))
    month = every.astype("datetime64[M]")
    day_of_month = (every - month.astype("datetime64[D]")).astype(int) + 1
    month_of_year = month.astype(int) % 12 + 1
    free = np.zeros(len(every), dtype=bool)
    for holiday_month, first, final in _HOLIDAYS:
        free |= (month_of_year == holiday_month) & (first <= day_of_month) & (day_of_month <= final)
    kept: Array = every[np.is_busday(every) & ~free]
    return kept


def session_table(
    seed: int, posts: Posts, schools: Schools, hours: tuple[Array, Array], as_of: dt.date
) -> Table:
    """Return the post_session table: two sessions a school day at each gate post, and exams.

    ``hours``: arrival and dismissal times of the schools (None = unknown, usual hours are taken).
    Cities of 5,000 schools or more keep two weeks and 1,000 posts.
    """
    rng = stream(seed, "sessions", schools.count, as_of.isoformat())
    guarded = np.flatnonzero(posts.gate >= 0)
    crowded = schools.count >= CROWDED_FROM
    if crowded and len(guarded) > CROWDED_SESSION_POSTS:
        guarded = np.sort(rng.choice(guarded, CROWDED_SESSION_POSTS, replace=False))
    dates = school_days(as_of, CROWDED_SESSION_DAYS if crowded else SESSION_DAYS)
    post, day, peak = (
        part.ravel() for part in np.meshgrid(guarded, np.arange(len(dates)), [0, 1], indexing="ij")
    )
    planned_at_all = rng.random(len(post)) > 0.02
    post, on_date, peak = post[planned_at_all], dates[day[planned_at_all]], peak[planned_at_all]
    post, on_date, peak = _with_exams(posts, schools, guarded, as_of, post, on_date, peak)
    school = schools.gate_school[posts.gate[post]]
    starts, ends = _windows(hours, school, peak)
    needed, planned, present = _people(rng, schools, school)
    kinds = objects(
        [k.value for k in (SessionKind.ARRIVAL, SessionKind.DISMISSAL, SessionKind.EVENT)]
    )
    table: Table = {
        "id": np.arange(1, len(post) + 1),
        "post_id": post + 1,
        "on_date": on_date,
        "kind": kinds[peak],
        "starts_at": starts,
        "ends_at": ends,
    }
    for prefix, people in (("needed", needed), ("planned", planned), ("present", present)):
        for column, role in enumerate(PostRole):
            table[f"{prefix}_{role.value}"] = people[:, column]
    return table


def _with_exams(
    posts: Posts,
    schools: Schools,
    guarded: Array,
    as_of: dt.date,
    post: Array,
    on_date: Array,
    peak: Array,
) -> tuple[Array, Array, Array]:
    """Add one exam Saturday at the schools with a senior stage."""
    saturday = np.busday_offset(
        np.datetime64(as_of, "D") - np.timedelta64(21, "D"), 0, roll="backward", weekmask="Sat"
    )
    if not len(on_date) or saturday < on_date.min():
        saturday = on_date.max() if len(on_date) else np.datetime64(as_of, "D")
    stages = [KINDS.index(k) for k in (SchoolKind.SENIOR, SchoolKind.COMPLETE_SECONDARY, SchoolKind.TWELVE_YEAR)]  # fmt: skip
    exams = guarded[np.isin(schools.kind[schools.gate_school[posts.gate[guarded]]], stages)]
    return (
        np.concatenate([post, exams]),
        np.concatenate([on_date, np.full(len(exams), saturday)]),
        np.concatenate([peak, np.full(len(exams), 2)]),
    )


def _windows(hours: tuple[Array, Array], school: Array, peak: Array) -> tuple[Array, Array]:
    """Return when each session starts and ends: 30 min before the bell, 40 min after it."""
    minutes = [
        np.array([default if t is None else t.hour * 60 + t.minute for t in column.tolist()])
        for column, default in zip(hours, (470, 1_010), strict=True)
    ]
    start = np.choose(peak, [minutes[0][school] - 30, minutes[1][school] - 10, 480])
    end = np.choose(peak, [minutes[0][school] + 10, minutes[1][school] + 40, 720])
    clock = objects([dt.time(m // 60, m % 60) for m in range(24 * 60)])
    return clock[np.clip(start, 0, 1_439)], clock[np.clip(end, 0, 1_439)]


def _people(
    rng: np.random.Generator, schools: Schools, school: Array
) -> tuple[Array, Array, Array]:
    """Return needed, planned, present (n, 5) in the order of ``PostRole``."""
    care, pupils = schools.care[school], schools.pupils[school]
    busy = (schools.road_class[school] <= PRIMARY) | (pupils > 1_500)
    # source of leader 1, teachers 2: DOMAIN.md §2 [brief]
    needed = np.stack(
        [
            np.ones(len(school)),
            np.where(pupils > 1_200, 3, 2),
            np.where(pupils > 1_000, 2, 1),
            busy * 1.0,
            np.where(pupils > 600, 2, 0),
        ],
        axis=1,
    ).astype(int)
    habit = np.array([0.97, 0.95, 0.93, 0.80, 0.75])
    willing = np.clip(habit + 0.28 * (care[:, None] - 0.55), 0.3, 0.995)
    planned = rng.binomial(needed, willing)
    showed = rng.binomial(planned, np.clip(willing + 0.03, 0, 1)).astype(float)
    checked = rng.random(len(school)) < CHECKED_SHARE
    showed[~checked] = np.nan
    return needed, planned, showed
