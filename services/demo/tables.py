"""All tables of the demo city, generated from size, seed and date: pure, nothing is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np

from services.demo import names
from services.demo.hazards import hazard_table
from services.demo.history import (
    complaint_table,
    drill_table,
    inspection_table,
    make_visits,
    self_check_table,
)
from services.demo.land import make_land
from services.demo.patrol import make_posts, post_table, session_table
from services.demo.plane import EPSG, Array, Table, objects
from services.demo.roads import make_roads
from services.demo.school_tables import defence_table, gate_table, school_table
from services.demo.schools import CROWDED_FROM, make_schools
from services.demo.surroundings import facility_table
from services.demo.waters import make_waters, water_table

THIN_CAMPUS_FROM = 50_000
THIN_CAMPUS_SHARE = 0.1
_SCALE_MAX = 4.0


def generate_tables(schools: int, seed: int, as_of: dt.date) -> Iterator[tuple[str, Table]]:
    """Yield table name and columns in an order that foreign keys allow.

    ``patrol_post`` comes twice: stations before the schools that belong to them, the rest
    after the gates they stand at. Same arguments, same bytes.

    Cities of 5,000 schools or more serve measurements: the map is stretched (up to four
    times) and campuses may overlap; sessions cover two weeks of 1,000 posts; inspections
    and facilities at most 20,000 schools; drills, complaints and self-checks 5,000; from
    50,000 schools on a tenth has a campus polygon. Schools, gates and defence are complete.
    """
    scale = min(_SCALE_MAX, max(1.0, (schools / CROWDED_FROM) ** 0.5))
    land = make_land(seed, scale)
    waters, roads = make_waters(seed, land, make_roads(seed, land))
    made = make_schools(seed, schools, land, roads, waters)
    posts = make_posts(seed, land, roads, waters, made)
    thin = THIN_CAMPUS_SHARE if schools >= THIN_CAMPUS_FROM else 1.0
    school = school_table(seed, land, made, posts.station_of(land, made), campus_share=thin)

    yield "city", _city_table(as_of)
    yield "district", land.as_table()
    yield "road_segment", roads.as_table()
    yield "water_body", water_table(seed, land, waters, as_of)
    post = post_table(seed, land, posts, made, school["name"])
    stations = int(np.flatnonzero(post["kind"] == "police_station").max()) + 1
    yield "patrol_post", _rows(post, slice(None, stations))
    hours = (school["arrival_at"], school["dismissal_at"])
    yield "school", school
    yield "gate", gate_table(seed, made)
    yield "patrol_post", _rows(post, slice(stations, None))
    yield "defence_state", defence_table(seed, made, as_of)
    yield "traffic_facility", facility_table(seed, land, roads, waters, made, as_of)
    yield "post_session", session_table(seed, posts, made, hours, as_of)
    visits = make_visits(seed, land, made, as_of)
    yield "inspection", inspection_table(seed, land, made, visits)
    checks = self_check_table(seed, made, as_of)
    yield "hazard", hazard_table(seed, land, made, visits, checks, as_of)
    yield "complaint", complaint_table(seed, made, as_of)
    yield "drill_record", drill_table(seed, made, as_of)
    yield "self_check", checks


def _rows(columns: Table, part: slice) -> Table:
    return {name: values[part] for name, values in columns.items()}


def _city_table(as_of: dt.date) -> Table:
    flag: Array = np.array([True])
    return {
        "id": np.array([1]),
        "name": objects([names.CITY_NAME]),
        "epsg": np.array([EPSG]),
        "is_demo": flag,
        "as_of": objects([as_of]),
    }
