"""What a day's routes are planned from: places, visits, hours, teams, and the travel table.

Everything is an integer or a text (minutes after midnight, seconds, metres, 1e-7 degree),
so that a stored task gives the same routes to whoever plans it again. The travel table is
part of the task: the roads may change, the task must not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import UserError

TASK_FORM = "csm-day-task-1"
E7 = 10_000_000
DAY_MIN = 24 * 60
MOST_STOPS, MOST_TEAMS = 200, 60
MOST_ITERATIONS = 20_000
_AGAIN = "请使用系统保存的原始排路线任务。"

Table = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class DayStart:
    """Where the teams set out and return; WGS 84 in 1e-7 degree."""

    name: str
    lon_e7: int
    lat_e7: int

    @classmethod
    def at(cls, *, name: str, lon: float, lat: float) -> DayStart:
        """Return a place from degrees."""
        return cls(name, round(lon * E7), round(lat * E7))


@dataclass(frozen=True, slots=True)
class Window:
    """A span, ends included, in which a visit may start; minutes after midnight."""

    from_min: int
    to_min: int


@dataclass(frozen=True, slots=True)
class DayStop:
    """A school to visit; without windows its visit may start at any time of the shift."""

    id: str
    lon_e7: int
    lat_e7: int
    visit_min: int
    windows: tuple[Window, ...] = ()

    @classmethod
    def at(
        cls,
        *,
        id: str,
        lon: float,
        lat: float,
        visit_min: int,
        windows: Sequence[tuple[int, int]] = (),
    ) -> DayStop:
        """Return a stop from degrees and (from, to) minutes."""
        spans = tuple(sorted((Window(*span) for span in windows), key=lambda w: w.from_min))
        return cls(id, round(lon * E7), round(lat * E7), visit_min, spans)


@dataclass(frozen=True, slots=True)
class TravelTable:
    """Travel between all places: row = from, 0 = the start, 1… = the stops in their order.

    ``straight`` has 1 where the figures are straight line × factor, 0 where they follow
    roads. ``basis`` says in Chinese how travel was reckoned.
    """

    basis: str
    seconds: Table
    metres: Table
    straight: Table


@dataclass(frozen=True, slots=True)
class DayTask:
    """One day's problem. Raises ``UserError`` where it cannot be planned at all."""

    start: DayStart
    stops: tuple[DayStop, ...]
    teams: int
    from_min: int
    to_min: int
    travel: TravelTable
    seed: int
    iterations: int

    def __post_init__(self) -> None:
        """Refuse what no plan could be made of."""
        _check_size(self)
        _check_hours(self)
        _check_table(self.travel, len(self.stops) + 1)

    def travel_min(self, start: int, end: int) -> int:
        """Return whole minutes from place to place, rounded up (0 = start, 1… = stops)."""
        return -(-self.travel.seconds[start][end] // 60)

    def as_json(self) -> dict[str, Any]:
        """Return the task as integers, texts, lists and mappings of such."""
        return {
            "form": TASK_FORM,
            "from_min": self.from_min,
            "iterations": self.iterations,
            "seed": self.seed,
            "start": {
                "lat_e7": self.start.lat_e7,
                "lon_e7": self.start.lon_e7,
                "name": self.start.name,
            },
            "stops": [
                {
                    "id": stop.id,
                    "lat_e7": stop.lat_e7,
                    "lon_e7": stop.lon_e7,
                    "visit_min": stop.visit_min,
                    "windows": [[w.from_min, w.to_min] for w in stop.windows],
                }
                for stop in self.stops
            ],
            "teams": self.teams,
            "to_min": self.to_min,
            "travel": {
                "basis": self.travel.basis,
                "metres": [list(row) for row in self.travel.metres],
                "seconds": [list(row) for row in self.travel.seconds],
                "straight": [list(row) for row in self.travel.straight],
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DayTask:
        """Return the task that ``as_json`` wrote; raises ``UserError`` where it is none."""
        if stored.get("form") != TASK_FORM:
            raise UserError(f"不是 {TASK_FORM} 格式的排路线任务。", _AGAIN)
        try:
            place, travel = stored["start"], stored["travel"]
            return cls(
                start=DayStart(
                    text_of(place["name"]), whole(place["lon_e7"]), whole(place["lat_e7"])
                ),
                stops=tuple(_stop_of(stop) for stop in stored["stops"]),
                teams=whole(stored["teams"]),
                from_min=whole(stored["from_min"]),
                to_min=whole(stored["to_min"]),
                travel=TravelTable(
                    text_of(travel["basis"]),
                    *(_table_of(travel[name]) for name in ("seconds", "metres", "straight")),
                ),
                seed=whole(stored["seed"]),
                iterations=whole(stored["iterations"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"排路线任务的内容不完整或不对：{error}。", _AGAIN) from error


def whole(value: Any) -> int:
    """Return an integer as it is; raises ``TypeError`` for anything else."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} 不是整数")
    return value


def text_of(value: Any) -> str:
    """Return a text as it is; raises ``TypeError`` for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} 不是文字")
    return value


def clock(minutes: int) -> str:
    """Return minutes after midnight as 08:30; past midnight the hours go on (25:10)."""
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _stop_of(stored: Mapping[str, Any]) -> DayStop:
    windows = tuple(Window(whole(begin), whole(end)) for begin, end in stored["windows"])
    return DayStop(
        text_of(stored["id"]),
        whole(stored["lon_e7"]),
        whole(stored["lat_e7"]),
        whole(stored["visit_min"]),
        windows,
    )


def _table_of(stored: Sequence[Sequence[Any]]) -> Table:
    return tuple(tuple(whole(value) for value in row) for row in stored)


def _check_size(task: DayTask) -> None:
    if not task.stops:
        raise UserError("没有要去的学校，排不出路线。", "请先抽取或选定至少一所学校。")
    if len(task.stops) > MOST_STOPS:
        raise UserError(
            f"一天有 {len(task.stops)} 所学校，超过一次能排的 {MOST_STOPS} 所。",
            "请分成几天或按区县分别排路线。",
        )
    ids = [stop.id for stop in task.stops]
    if len(set(ids)) < len(ids):
        twice = next(i for i in ids if ids.count(i) > 1)
        raise UserError(f"学校 {twice} 列了不止一次。", "请去掉重复的一条。")
    if not 1 <= task.teams <= MOST_TEAMS:
        raise UserError(f"组数为 {task.teams}。", f"请填 1–{MOST_TEAMS} 个组。")
    if not 1 <= task.iterations <= MOST_ITERATIONS or not 0 <= task.seed < 2**32:
        raise UserError(
            "求解次数或随机种子超出范围。", f"求解次数应为 1–{MOST_ITERATIONS}，种子为非负整数。"
        )


def _check_hours(task: DayTask) -> None:
    if not 0 <= task.from_min < task.to_min <= DAY_MIN:
        raise UserError("出发时间应早于收工时间。", "请改为同一天内的两个时刻，例如 08:30–17:30。")
    places = [(task.start.name, task.start.lon_e7, task.start.lat_e7)]
    places += [(stop.id, stop.lon_e7, stop.lat_e7) for stop in task.stops]
    for name, lon_e7, lat_e7 in places:
        if abs(lon_e7) > 180 * E7 or abs(lat_e7) > 90 * E7:
            raise UserError(f"{name} 的经纬度超出范围。", "请先改正它的位置。")
    for stop in task.stops:
        if not 1 <= stop.visit_min <= DAY_MIN:
            raise UserError(
                f"学校 {stop.id} 的停留时间为 {stop.visit_min} 分钟。", "请填 1 分钟以上。"
            )
        if any(not 0 <= w.from_min <= w.to_min <= DAY_MIN for w in stop.windows):
            raise UserError(
                f"学校 {stop.id} 的可到时段不对。", "每个时段应为同一天内先早后晚的两个时刻。"
            )


def _check_table(travel: TravelTable, size: int) -> None:
    for table in (travel.seconds, travel.metres, travel.straight):
        if len(table) != size or any(len(row) != size for row in table):
            raise UserError("行程表与地点数目不符。", _AGAIN)
        if any(value < 0 for row in table for value in row):
            raise UserError("行程表中有负数。", _AGAIN)
        if any(table[at][at] for at in range(size)):
            raise UserError("行程表中同一地点之间不为零。", _AGAIN)
