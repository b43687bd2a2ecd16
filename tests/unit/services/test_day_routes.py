"""A day's routes: optimal where that can be known, alike for all teams, and replayable."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from shapely import LineString
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import RoadSegment, School
from domain.access import SYSTEM
from domain.day_plan import DayPlan, check_plan, time_order
from domain.day_task import E7, DayStart, DayStop, DayTask
from domain.draw.seal import canonical_json
from domain.errors import UserError
from domain.words import RoadClass
from geo.crs import project
from services import day_solver
from services.day_routes import (
    TravelBasis,
    draw_routes,
    load_travel,
    plan_day,
    prepare_day,
    replay_day,
    straight_travel,
)
from services.house import House
from services.imports import ImportRequest, run_import
from services.road_network import measure_travel
from services.rules import ensure_default_rules

EPSG = 4548
START = DayStart.at(name="市教育局", lon=118.0, lat=33.0)
STRAIGHT = straight_travel(EPSG)
HOURS = {"from_min": 510, "to_min": 1050}


def stops_around(count: int, *, seed: int = 1, spread: float = 0.15, visit_min: int = 60, **more):
    rng = np.random.default_rng(seed)
    places = rng.normal([START.lon_e7 / E7, START.lat_e7 / E7], spread, (count, 2))
    return [
        DayStop.at(id=f"S{i:03d}", lon=lon, lat=lat, visit_min=visit_min, **more)
        for i, (lon, lat) in enumerate(places)
    ]


def day(stops, *, teams: int = 1, travel: TravelBasis = STRAIGHT, **more) -> DayTask:
    given = {**HOURS, "iterations": 150, **more}
    return prepare_day(travel, start=START, stops=stops, teams=teams, **given)


def ids(plan: DayPlan) -> list[list[str]]:
    return [[stop.id for stop in route.stops] for route in plan.routes]


def test_one_team_drives_the_best_of_all_orders() -> None:
    for seed in range(4):
        task = day(stops_around(6, seed=seed, spread=0.05, visit_min=40))
        plan = plan_day(task)
        travel = task.travel.seconds

        def cost(order: tuple[int, ...], task: DayTask = task, travel=travel) -> int:
            timing = time_order(task, order)
            assert timing is not None
            places = [0, *(stop + 1 for stop in order), 0]
            return sum(travel[a][b] for a, b in pairwise(places)) + 30 * timing.total_min

        at = {stop.id: i for i, stop in enumerate(task.stops)}
        ours = tuple(at[name] for name in ids(plan)[0])
        assert cost(ours) == min(cost(order) for order in permutations(range(6)))


def test_two_teams_take_one_side_of_town_each() -> None:
    east = [DayStop.at(id=f"E{i}", lon=118.3 + i / 200, lat=33.0, visit_min=60) for i in range(4)]
    west = [DayStop.at(id=f"W{i}", lon=117.7 - i / 200, lat=33.0, visit_min=60) for i in range(4)]
    plan = plan_day(day([*east, *west], teams=2))
    assert [sorted(names) for names in ids(plan)] == [
        [stop.id for stop in east],
        [stop.id for stop in west],
    ]


def test_the_work_is_spread_and_nobody_has_a_whole_day_beside_a_short_one() -> None:
    plan = plan_day(day(stops_around(24, spread=0.05, visit_min=50), teams=6))
    minutes = [route.total_min for route in plan.routes]
    assert len(minutes) == 6
    assert plan.unserved == ()
    assert max(minutes) - min(minutes) <= 60
    assert {len(route.stops) for route in plan.routes} <= {3, 4, 5}


def test_a_short_day_the_search_left_beside_a_long_one_takes_over_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_solver, "_search", lambda *_: [(0, 1, 2, 3, 4, 5), (6,)])
    plan = plan_day(day(stops_around(7, spread=0.01, visit_min=40), teams=2))
    assert sorted(len(names) for names in ids(plan)) == [3, 4]
    assert plan.unserved == ()


@pytest.mark.parametrize(("stops", "teams"), [(8, 8), (9, 8), (12, 5), (3, 3), (40, 8)])
def test_no_team_is_without_a_route_while_there_are_schools_enough(stops: int, teams: int) -> None:
    plan = plan_day(day(stops_around(stops, spread=0.04, visit_min=40), teams=teams))
    assert len(plan.routes) == teams
    assert plan.idle_teams == 0
    assert sorted(name for names in ids(plan) for name in names) == [
        f"S{i:03d}" for i in range(stops)
    ]
    assert [route.id for route in plan.routes] == [f"R{i}" for i in range(1, teams + 1)]
    firsts = [names[0] for names in ids(plan)]
    assert firsts == sorted(firsts)


def test_a_single_school_takes_one_team_and_the_others_stay() -> None:
    plan = plan_day(day(stops_around(1), teams=3))
    assert ids(plan) == [["S000"]]
    assert plan.idle_teams == 2


def test_two_schools_at_one_place_cost_no_travel_between_them() -> None:
    twin = [DayStop.at(id=name, lon=118.1, lat=33.1, visit_min=30) for name in "AB"]
    (route,) = plan_day(day(twin)).routes
    assert (route.stops[1].travel_min, route.stops[1].travel_m) == (0, 0)


def test_without_schools_there_is_no_day() -> None:
    with pytest.raises(UserError, match="没有要去的学校"):
        day([])


def test_what_does_not_fit_is_named_and_really_fits_nowhere() -> None:
    task = day(stops_around(14, spread=0.3, visit_min=90), teams=2)
    plan = plan_day(task)
    assert len(plan.unserved) >= 2
    assert all("收工时间" in left.reason for left in plan.unserved)
    at = {stop.id: i for i, stop in enumerate(task.stops)}
    for left in plan.unserved:
        for names in ids(plan):
            order = [at[name] for name in names]
            for gap in range(len(order) + 1):
                assert time_order(task, [*order[:gap], at[left.id], *order[gap:]]) is None


def test_a_school_out_of_reach_does_not_keep_the_others_from_being_visited() -> None:
    far = DayStop.at(id="FAR", lon=124.0, lat=33.0, visit_min=60)
    plan = plan_day(day([*stops_around(5), far], teams=2))
    assert sum(len(names) for names in ids(plan)) == 5
    assert [left.id for left in plan.unserved] == ["FAR"]
    assert "单独前往" in plan.unserved[0].reason
    nobody = plan_day(day([far], teams=2))
    assert (nobody.routes, nobody.idle_teams, nobody.straight_share) == ((), 2, 0.0)


def test_visits_start_within_the_windows_the_schools_have() -> None:
    bells = [(510, 540), (690, 750), (960, 990)]
    stops = stops_around(18, spread=0.06, visit_min=40)
    stops = [replace(s, windows=DayStop.at(id="x", lon=0, lat=0, visit_min=1, windows=bells).windows)
             if i % 2 else s for i, s in enumerate(stops)]  # fmt: skip
    plan = plan_day(day(stops, teams=5))
    windowed = {s.id for s in stops if s.windows}
    begins = {s.id: s.arrive_min + s.wait_min for route in plan.routes for s in route.stops}
    assert len(begins) + len(plan.unserved) == 18
    assert len(windowed & set(begins)) >= 7
    for name in windowed & set(begins):
        assert any(early <= begins[name] <= late for early, late in bells)


def test_the_same_task_gives_the_same_plan_and_a_plan_that_checks() -> None:
    task = day(stops_around(20), teams=4)
    plan = plan_day(task)
    assert replay_day(DayTask.from_json(json.loads(canonical_json(task.as_json())))) == plan
    assert canonical_json(replay_day(task).as_json()) == canonical_json(plan.as_json())
    assert check_plan(task, plan) == ""
    assert plan.solver.startswith("PyVRP ")


def test_the_order_in_which_schools_are_given_changes_nothing() -> None:
    stops = stops_around(12)
    assert day(stops, teams=3) == day(stops[::-1], teams=3)


def test_a_fresh_process_replays_the_plan_byte_for_byte() -> None:
    task = day(stops_around(20, windows=[(510, 600), (660, 1000)]), teams=4)
    ours = canonical_json(plan_day(task).as_json())
    script = (
        "import json,sys\n"
        "from domain.day_task import DayTask\n"
        "from domain.draw.seal import canonical_json\n"
        "from services.day_routes import replay_day\n"
        "task = DayTask.from_json(json.load(sys.stdin))\n"
        "sys.stdout.write(canonical_json(replay_day(task).as_json()))\n"
    )
    theirs = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        input=canonical_json(task.as_json()),
        capture_output=True,
        check=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    assert theirs.stdout == ours


def test_straight_line_travel_is_the_shown_factor_and_speed() -> None:
    there = DayStop.at(id="A", lon=118.2, lat=33.0, visit_min=30)
    task = day([there])
    east, north = project([118.0, 118.2], [33.0, 33.0], EPSG)
    apart_m = math.hypot(east[1] - east[0], north[1] - north[0])
    assert task.travel.metres[0][1] == math.ceil(apart_m * 1.3)
    assert task.travel.seconds[0][1] == math.ceil(apart_m * 1.3 / (30 / 3.6))
    assert "没有路网数据" in task.travel.basis
    assert "×1.3、30 公里/小时" in task.travel.basis
    plan = plan_day(task)
    assert (plan.legs, plan.straight_legs, plan.straight_share) == (2, 2, 1.0)
    assert plan.basis == task.travel.basis


def add_roads(house: House, *lines: list[tuple[float, float]]) -> None:
    with house.write(SYSTEM) as work:
        have = len(work.session.scalars(select(RoadSegment.id)).all())
        for i, line in enumerate(lines, start=have):
            work.session.add(
                RoadSegment(code=f"R{i}", road_class=RoadClass.SECONDARY, geometry=LineString(line))
            )
        work.bump("base")
        work.audit("test.roads", "roads")


def test_travel_follows_the_roads_as_soon_as_there_are_any(any_house: House) -> None:
    ensure_default_rules(any_house)
    bare = load_travel(any_house)
    assert bare.graph is None
    assert load_travel(any_house) is bare
    # A road that goes north, east and south again; and one on an island.
    add_roads(
        any_house,
        [(118.0, 33.0), (118.0, 33.1), (118.1, 33.1)],
        [(118.1, 33.1), (118.1, 33.0)],
        [(118.5, 33.5), (118.6, 33.5)],
    )
    travel = load_travel(any_house)
    assert travel is not bare
    assert load_travel(any_house) is travel
    assert travel.graph is not None
    assert "按路网 3 段计算" in travel.text
    near = DayStop.at(id="A", lon=118.1, lat=33.0, visit_min=30)
    far = DayStop.at(id="B", lon=118.55, lat=33.5, visit_min=30)
    task = day([near, far], travel=travel)
    straight = measure_travel(bare, [(START.lon_e7, START.lat_e7), (near.lon_e7, near.lat_e7)])
    around_m = 2 * 11_090 + 9_330
    assert task.travel.metres[0][1] == pytest.approx(around_m, rel=0.01)
    assert task.travel.seconds[0][1] == pytest.approx(around_m / (30 / 3.6), rel=0.01)
    assert task.travel.metres[0][1] > 2 * straight.metres[0][1]
    assert task.travel.straight == ((0, 0, 1), (0, 0, 1), (1, 1, 0))
    plan = plan_day(task, travel)
    assert plan == replay_day(task)
    assert (plan.legs, plan.straight_legs) == (3, 2)
    (route,) = plan.routes
    corner = (118_0000000, 33_1000000)
    assert min(math.dist(point, corner) for point in route.path) < 200
    assert math.dist(route.path[0], (START.lon_e7, START.lat_e7)) < 2
    assert math.dist(route.path[-1], (START.lon_e7, START.lat_e7)) < 2
    assert draw_routes(task, replay_day(task), travel).as_json() == plan.as_json()
    unpictured = draw_routes(task, plan, bare).routes[0].path
    assert len(unpictured) == 4


def test_real_streets_carry_a_day_among_the_real_schools(house: House, test_data: Path) -> None:
    ensure_default_rules(house)
    path = test_data / "haidian" / "haidian_tsinghua_2017.osm"
    run_import(SYSTEM, house, request=ImportRequest("osm", path))
    travel = load_travel(house)
    assert travel.graph is not None
    with Session(house.engine) as session:
        schools = session.execute(select(School.code, School.lon, School.lat)).all()
    stops = [DayStop.at(id=s.code, lon=s.lon, lat=s.lat, visit_min=40) for s in schools]
    assert len(stops) >= 5
    start = DayStart.at(name="起点", lon=116.32, lat=40.0)
    task = prepare_day(travel, start=start, stops=stops, teams=2, iterations=150, **HOURS)
    plan = plan_day(task, travel)
    assert plan.straight_share == 0
    for route in plan.routes:
        assert route.total_m / 1000 / (route.travel_min / 60) < 60
        assert 0 < route.total_m < 25_000
        assert len(route.path) > 10
    table = np.array(task.travel.metres), np.array(task.travel.seconds)
    away = table[0] > 300
    kmh = table[0][away] / table[1][away] * 3.6
    assert kmh.min() > 8
    assert kmh.max() < 60
