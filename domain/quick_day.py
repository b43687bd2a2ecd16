"""What a quick draw's day is planned for, and its way through an address. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from domain.errors import UserError
from domain.plan import MOST_TEAM_SIZE, MOST_TEAMS, DayTerms
from domain.quick_draw import one_line

PLACE_LIMIT, MOST_PEOPLE = 40, 200
_STANDARD = DayTerms()


@dataclass(frozen=True, slots=True)
class DayOrder:
    """What a day is planned for. ``people`` are codes; none means all who may be sent.

    Minutes are after midnight, the start is WGS 84; raises ``UserError`` out of bounds.
    """

    on: dt.date
    start_name: str
    start_lon: float
    start_lat: float
    teams: int = 1
    team_size: int = _STANDARD.team_size
    from_min: int = _STANDARD.from_min
    to_min: int = _STANDARD.to_min
    visit_min: int = _STANDARD.visit_min
    people: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no day can be planned from."""
        one_line(self.start_name, what="出发地名称", limit=PLACE_LIMIT)
        bounds = (
            ("队数", self.teams, 1, MOST_TEAMS),
            ("每队人数", self.team_size, 2, MOST_TEAM_SIZE),
            ("每校停留（分钟）", self.visit_min, 10, 480),
            ("可派人数", len(self.people), 0, MOST_PEOPLE),
            ("出发地经度", self.start_lon, 73, 136),
            ("出发地纬度", self.start_lat, 3, 54),
        )
        for what, value, low, high in bounds:
            if not low <= value <= high:
                raise UserError(f"{what}为 {value:g}，超出范围。", f"请填 {low}–{high}。")

    def to_query(self) -> str:
        """Return the order as a query string: same order, same string."""
        return urlencode(
            [
                ("on", self.on.isoformat()),
                ("start", self.start_name),
                ("at", f"{self.start_lon:.5f},{self.start_lat:.5f}"),
                ("teams", self.teams),
                ("size", self.team_size),
                ("hours", f"{self.from_min}-{self.to_min}"),
                ("visit", self.visit_min),
                *(("who", code) for code in sorted(self.people)),
            ]
        )

    @classmethod
    def from_query(cls, query: str) -> DayOrder:
        """Return the order that ``to_query`` wrote; ``UserError`` where it is none."""
        try:
            said = parse_qs(query, max_num_fields=MOST_PEOPLE + 20)
            lon, lat = said["at"][0].split(",")
            from_min, to_min = said["hours"][0].split("-")
            return cls(
                on=dt.date.fromisoformat(said["on"][0]),
                start_name=said["start"][0],
                start_lon=float(lon),
                start_lat=float(lat),
                teams=int(said["teams"][0]),
                team_size=int(said["size"][0]),
                from_min=int(from_min),
                to_min=int(to_min),
                visit_min=int(said["visit"][0]),
                people=tuple(sorted(set(said.get("who", ())))),
            )
        except (KeyError, ValueError) as error:
            raise UserError("路线的链接不完整或不对。", "请在“简易抽取”页重新排路线。") from error
