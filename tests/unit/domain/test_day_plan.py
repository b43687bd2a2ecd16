"""The times of a day follow from the order of its stops, to the minute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.day_plan import DayPlan, check_plan, make_plan, time_order
from domain.day_task import DayStart, DayStop, DayTask, TravelTable
from domain.draw.seal import canonical_json
from domain.errors import UserError


def line_task(
    *km: int,
    visit_min: int = 30,
    teams: int = 1,
    windows: dict[int, list[tuple[int, int]]] | None = None,
    to_min: int = 1020,
) -> DayTask:
    """Return a task on one straight road: stops at ``km`` from the start, a minute a kilometre."""
    at = [0, *km]
    metres = tuple(tuple(abs(a - b) * 1000 for b in at) for a in at)
    return DayTask(
        start=DayStart.at(name="教育局", lon=118.1, lat=33.2),
        stops=tuple(
            DayStop.at(
                id=f"S{i}", lon=118.1 + i / 100, lat=33.2, visit_min=visit_min,
                windows=(windows or {}).get(i, ()),
            )
            for i in range(len(km))
        ),
        teams=teams,
        from_min=480,
        to_min=to_min,
        travel=TravelTable(
            basis="试验",
            seconds=tuple(tuple(m * 60 // 1000 for m in row) for row in metres),
            metres=metres,
            straight=tuple((0,) * len(at) for _ in at),
        ),
        seed=1,
        iterations=50,
    )  # fmt: skip


def test_a_day_is_travel_visits_and_the_way_back() -> None:
    timing = time_order(line_task(10, 25), [0, 1])
    assert timing is not None
    assert timing.depart_min == 480
    assert timing.visits == ((490, 490), (535, 535))
    assert timing.back_min == 565 + 25
    assert timing.total_min == 110


def test_seconds_are_rounded_up_to_whole_minutes_leg_by_leg() -> None:
    task = line_task(1)
    table = replace(task.travel, seconds=((0, 61), (59, 0)))
    task = replace(task, travel=table)
    assert (task.travel_min(0, 1), task.travel_min(1, 0)) == (2, 1)
    timing = time_order(task, [0])
    assert timing is not None
    assert timing.total_min == 2 + 30 + 1


def test_a_team_leaves_late_rather_than_wait_at_a_gate() -> None:
    task = line_task(10, 25, windows={1: [(600, 700)]})
    timing = time_order(task, [0, 1])
    assert timing is not None
    assert timing.back_min == 600 + 30 + 25
    assert timing.visits == ((555, 555), (600, 600))
    assert timing.depart_min == 545


def test_where_the_first_visit_may_not_be_later_the_team_waits_at_the_second() -> None:
    task = line_task(10, 25, windows={0: [(480, 500)], 1: [(600, 700)]})
    timing = time_order(task, [0, 1])
    assert timing is not None
    assert timing.depart_min == 490
    assert timing.visits == ((500, 500), (545, 600))
    route = make_plan(task, [[0, 1]], solver="x").routes[0]
    assert [stop.wait_min for stop in route.stops] == [0, 55]
    assert route.wait_min == 55


def test_of_several_windows_the_first_that_is_still_open_counts() -> None:
    task = line_task(10, windows={0: [(400, 485), (600, 610), (900, 930)]})
    timing = time_order(task, [0])
    assert timing is not None
    assert timing.visits == ((600, 600),)
    assert timing.depart_min == 590


def test_a_missed_window_or_a_late_return_gives_no_times() -> None:
    assert time_order(line_task(10, windows={0: [(400, 489)]}), [0]) is None
    assert time_order(line_task(10, windows={0: [(400, 490)]}), [0]) is not None
    assert time_order(line_task(10, to_min=529), [0]) is None
    assert time_order(line_task(10, to_min=530), [0]) is not None


def test_routes_are_numbered_by_their_first_stop_whatever_order_they_come_in() -> None:
    task = line_task(10, 20, 30, teams=2)
    one = make_plan(task, [[2], [0, 1]], solver="x")
    other = make_plan(task, [[0, 1], [], [2]], solver="x")
    assert one == other
    assert [(r.id, [s.id for s in r.stops]) for r in one.routes] == [
        ("R1", ["S0", "S1"]),
        ("R2", ["S2"]),
    ]
    assert one.idle_teams == 0
    first = one.routes[0]
    assert (first.total_m, first.travel_min, first.total_min) == (40_000, 40, 100)
    assert one.legs == 5


@pytest.mark.parametrize(
    ("task", "orders", "words"),
    [
        (
            line_task(300),
            [],
            "单独前往，去程 300 分钟、停留 30 分钟、回程 300 分钟，最早 18:30 回来，超过 17:00 收工时间 90 分钟",
        ),
        (
            line_task(60, windows={0: [(480, 500), (505, 530)]}),
            [],
            "08:00 出发单独前往，最早 09:00 到，赶不上可到时段 08:00–08:20、08:25–08:50",
        ),
        (line_task(60, windows={0: [(1000, 1010)]}), [], "（可到时段 16:40–16:50），最早 18:10 回来"),
        (
            line_task(10, 20, visit_min=280),
            [[0]],
            "排进最合适的一组，路程与停留共需 600 分钟，最早 18:00 回来，超过 17:00 收工时间 60 分钟",
        ),
        (
            line_task(10, 200, windows={0: [(480, 490)], 1: [(680, 680)]}, visit_min=60),
            [[0]],
            "可到时段 11:20–11:20 与各组已排的学校冲突",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_the_minutes_it_is_over(
    task: DayTask, orders: list[list[int]], words: str
) -> None:
    plan = make_plan(task, orders, solver="x")
    assert len(plan.unserved) == 1
    assert plan.unserved[0].reason.startswith("当天排不下：")
    assert words in plan.unserved[0].reason


def test_an_order_that_is_late_makes_no_plan() -> None:
    with pytest.raises(ValueError, match="R1"):
        make_plan(line_task(10, 20, visit_min=280), [[0, 1]], solver="x")


def test_task_and_plan_survive_canonical_json_and_pictures_do_not_count() -> None:
    task = line_task(10, 20, 400, windows={1: [(500, 600), (700, 800)]})
    plan = make_plan(task, [[0, 1]], solver="x")
    pictured = replace(plan, routes=(replace(plan.routes[0], path=((1181000000, 332000000),)),))
    assert pictured == plan
    assert DayTask.from_json(task.as_json()) == task
    again = DayPlan.from_json(pictured.as_json())
    assert again == plan
    assert again.routes[0].path == ((1181000000, 332000000),)
    assert canonical_json(DayTask.from_json(task.as_json()).as_json()) == canonical_json(
        task.as_json()
    )
    assert '"lon_e7":1181000000' in canonical_json(task.as_json())


def _without(stored: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in stored.items() if key != name}


def test_json_of_another_form_with_holes_or_fractions_is_refused() -> None:
    task = line_task(10)
    stored = task.as_json()
    plan = make_plan(task, [[0]], solver="x").as_json()
    for broken in (
        {},
        _without(stored, "travel"),
        {**stored, "teams": 1.0},
        {**stored, "teams": True},
        {**stored, "stops": []},
        {**stored, "stops": [stored["stops"][0]] * 2},
        {**stored, "travel": {**stored["travel"], "seconds": [[0]]}},
    ):
        with pytest.raises(UserError):
            DayTask.from_json(broken)
    for broken in ({}, _without(plan, "routes"), {**plan, "teams": "1"}):
        with pytest.raises(UserError):
            DayPlan.from_json(broken)


@pytest.mark.parametrize(
    "change",
    [
        {"teams": 0},
        {"from_min": 1020},
        {"to_min": 1441},
        {"iterations": 0},
        {"seed": -1},
        {"start": DayStart("局", 200 * 10**7, 0)},
        {"stops": (DayStop("S0", 0, 0, 0),)},
        {"stops": (DayStop.at(id="S0", lon=0, lat=0, visit_min=9, windows=[(600, 500)]),)},
        {"stops": ()},
    ],
)
def test_a_task_that_cannot_be_is_refused_with_what_to_do(change: dict[str, Any]) -> None:
    with pytest.raises(UserError) as refused:
        replace(line_task(10), **change)
    assert refused.value.next_step


def test_a_plan_is_checked_against_its_task_without_any_solver() -> None:
    task = line_task(10, 20, 400, teams=2)
    plan = make_plan(task, [[0], [1]], solver="x")
    assert check_plan(task, plan) == ""
    first = plan.routes[0]
    late = replace(first, stops=(replace(first.stops[0], arrive_min=481),))
    assert "R1" in check_plan(task, replace(plan, routes=(late, plan.routes[1])))
    assert "名单" in check_plan(task, replace(plan, unserved=()))
    assert "名单" in check_plan(task, replace(plan, routes=plan.routes[:1]))
    assert "原因" in check_plan(task, replace(plan, basis="另一种算法"))
    assert "组数" in check_plan(task, replace(plan, teams=3))
    assert "R1" in check_plan(replace(task, to_min=500), plan)
