"""Whatever the day, its plan keeps every promise, told by a second reckoning."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.day_plan import check_plan, time_order
from domain.day_task import DayStart, DayStop, DayTask, TravelTable
from services.day_routes import plan_day, replay_day

LATEST = 1020


@st.composite
def tasks(draw: st.DrawFn) -> DayTask:
    count = draw(st.integers(1, 9))
    cells = st.integers(0, 5400)
    seconds = [[0 if a == b else draw(cells) for b in range(count + 1)] for a in range(count + 1)]
    span = st.tuples(st.integers(400, 1100), st.integers(0, 200)).map(lambda w: (w[0], sum(w)))
    return DayTask(
        start=DayStart("起点", 0, 0),
        stops=tuple(
            DayStop.at(
                id=f"S{i}",
                lon=0,
                lat=0,
                visit_min=draw(st.integers(1, 200)),
                windows=draw(st.lists(span, max_size=3)),
            )
            for i in range(count)
        ),
        teams=draw(st.integers(1, 4)),
        from_min=480,
        to_min=LATEST,
        travel=TravelTable(
            "试验",
            tuple(map(tuple, seconds)),
            tuple(tuple(s * 8 for s in row) for row in seconds),
            tuple((0,) * (count + 1) for _ in range(count + 1)),
        ),
        seed=draw(st.integers(0, 9)),
        iterations=draw(st.integers(1, 20)),
    )


@settings(max_examples=80, deadline=None)
@given(tasks())
def test_a_plan_keeps_hours_windows_and_everybody(task: DayTask) -> None:
    plan = plan_day(task)
    stops = {stop.id: stop for stop in task.stops}
    place = {stop.id: at for at, stop in enumerate(task.stops, start=1)}
    seen = [stop.id for route in plan.routes for stop in route.stops]
    assert sorted([*seen, *(left.id for left in plan.unserved)]) == sorted(stops)
    assert len(plan.routes) <= task.teams
    for route in plan.routes:
        now, at = route.depart_min, 0
        assert route.stops
        assert now >= task.from_min
        for stop in route.stops:
            now += -(-task.travel.seconds[at][place[stop.id]] // 60)
            assert now == stop.arrive_min
            assert stop.wait_min >= 0
            now += stop.wait_min
            windows = stops[stop.id].windows
            assert not windows or any(w.from_min <= now <= w.to_min for w in windows)
            now += stops[stop.id].visit_min
            assert now == stop.leave_min
            at = place[stop.id]
        assert now + -(-task.travel.seconds[at][0] // 60) == route.back_min <= LATEST
    assert check_plan(task, plan) == ""
    orders = [[place[stop.id] - 1 for stop in route.stops] for route in plan.routes]
    spare: list[list[int]] = [[]] if plan.idle_teams else []
    for left in plan.unserved:
        for order in [*orders, *spare]:
            for gap in range(len(order) + 1):
                tried = [*order[:gap], place[left.id] - 1, *order[gap:]]
                assert time_order(task, tried) is None
    if plan.idle_teams:
        for order in orders:
            for gap in range(len(order) if len(order) > 1 else 0):
                alone, rest = [order[gap]], [*order[:gap], *order[gap + 1 :]]
                assert not (time_order(task, alone) and time_order(task, rest))
    assert replay_day(task) == plan
    assert DayTask.from_json(task.as_json()) == task
