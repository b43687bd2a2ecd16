"""The terms of a sampling plan: what an inspector proposes and a leader approves. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from domain.draw.roster import RosterRule
from domain.draw.year import PERMILLE, DrawRule
from domain.errors import UserError
from domain.quick_draw import REASON_LIMIT, TITLE_LIMIT, Weighting, one_line
from domain.sampling_rules import SHIPPED
from domain.school_filter import SchoolFilter
from domain.words import Channel, LegalReason, MustVisitReason, NoticeMode

TERMS_VERSION = 1
MOST_TEAMS, MOST_TEAM_SIZE, MOST_DEPARTURES = 20, 6, 30
MINUTES_A_DAY = 1440
COMPANY_CHANNELS: tuple[Channel, ...] = (Channel.THIRD_PARTY, Channel.CROSS)
"""Channels in which the inspection of companies is restricted. source: DOMAIN.md §2 [std]"""
VISIT_WINDOWS: dict[str, tuple[int, int]] = {
    "上学时段": (7 * 60, 8 * 60 + 20),
    "上午上课": (8 * 60 + 30, 11 * 60 + 20),
    "午餐时段": (10 * 60 + 50, 12 * 60 + 40),
    "下午上课": (14 * 60, 16 * 60),
    "放学时段": (15 * 60 + 30, 18 * 60),
}
"""Spans in which a visit may begin, minutes after midnight. source: [own], for bells and canteen"""
RELAXABLE: tuple[RosterRule, ...] = (
    RosterRule.SAME_PAIR,
    RosterRule.SAME_SCHOOL,
    RosterRule.DUTY_CAP,
)
"""Rules a plan may name to be set aside in this order; recusal is never among them."""


@dataclass(frozen=True, slots=True)
class MustVisit:
    """A school that is visited without being drawn; it stands in the excluded file."""

    code: str
    reason: MustVisitReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A school left out of the frame for a legal reason."""

    code: str
    reason: LegalReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class DayTerms:
    """The working day: start place (WGS 84), minutes after midnight, minutes per visit.

    ``windows`` are spans in which a visit may begin (bells, canteen); none means any time.
    """

    start_name: str = ""
    start_lon: float | None = None
    start_lat: float | None = None
    from_min: int = 8 * 60 + 30
    to_min: int = 17 * 60 + 30
    visit_min: int = 60
    teams: int = 2
    team_size: int = 2
    windows: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RosterTerms:
    """What binds the teams: duties within ``duty_days``, rules to relax in this order."""

    duty_cap: int | None = None
    duty_days: int = 30
    relax: tuple[RosterRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """All of a plan. ``n`` schools, or ``share_permille`` of the frame where ``n`` is 0.

    ``rho_permille`` is the look-back share ρ; ``reserve`` the number of reserve schools;
    the days bound the departures.
    """

    title: str
    first_day: dt.date
    last_day: dt.date
    wanted: SchoolFilter = field(default_factory=SchoolFilter)
    channel: Channel = Channel.JOINT
    notice: NoticeMode = NoticeMode.UNANNOUNCED
    by_risk_band: bool = False
    n: int = 10
    share_permille: int = 0
    weighting: Weighting = field(default_factory=Weighting)
    rho_permille: int = SHIPPED.rho_permille
    visit_cap: int = SHIPPED.visit_cap
    reserve: int = SHIPPED.reserve
    departures: int = 1
    must_visit: tuple[MustVisit, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    day: DayTerms = field(default_factory=DayTerms)
    roster: RosterTerms = field(default_factory=RosterTerms)

    @property
    def named(self) -> tuple[MustVisit | Exclusion, ...]:
        """Return all schools named one by one; they stand in the excluded file."""
        return (*self.must_visit, *self.exclusions)

    def check_draft(self) -> None:
        """Raise ``UserError`` where even a draft could not be listed: title and days."""
        one_line(self.title, what="计划名称", limit=TITLE_LIMIT)
        if self.last_day < self.first_day:
            raise UserError("计划的结束日早于开始日。", "请改正起止日期。")
        if self.first_day.year != self.last_day.year:
            raise UserError("计划跨了年度。", "覆盖率按年度统计，请按年度分成两个计划。")

    def check(self) -> None:
        """Raise ``UserError`` naming the first term that does not hold by itself."""
        self.check_draft()
        self.weighting.check()
        if self.wanted.status or self.wanted.coverage:
            raise UserError(
                "计划范围按督查状态筛选，会让查过的学校毫无机会。",
                "请去掉督查状态、督查覆盖两项筛选；查过的学校由回头看比例管。",
            )
        bounds = (
            ("抽取所数", self.n, 0, 1_000_000),
            ("抽取比例（‰）", self.share_permille, 0, PERMILLE),
            ("回头看比例（‰）", self.rho_permille, 0, PERMILLE),
            ("每校每年督查上限", self.visit_cap, 1, 365),
            ("后备所数", self.reserve, 0, 1_000),
            ("出发次数", self.departures, 1, MOST_DEPARTURES),
            ("队数", self.day.teams, 1, MOST_TEAMS),
            ("每队人数", self.day.team_size, 2, MOST_TEAM_SIZE),
            ("每校停留（分钟）", self.day.visit_min, 10, 480),
            ("出勤统计天数", self.roster.duty_days, 1, 366),
        )
        for what, value, low, high in bounds:
            if not low <= value <= high:
                raise UserError(f"{what}为 {value}，超出范围。", f"请填 {low}–{high}。")
        if (self.n > 0) == (self.share_permille > 0):
            raise UserError("抽取数量应按所数或按比例填写其一。", "请只填一项。")
        if not 0 <= self.day.from_min < self.day.to_min <= MINUTES_A_DAY:
            raise UserError("收工时间不晚于出发时间。", "请改正当天的起止时间。")
        for start, end in self.day.windows:
            if not 0 <= start < end <= MINUTES_A_DAY:
                raise UserError("到校时段的结束不晚于开始。", "请改正到校时段。")
        if self.roster.duty_cap is not None and self.roster.duty_cap < 1:
            raise UserError("出勤次数上限小于 1。", "请填 1 或以上，或不设上限。")
        if any(rule not in RELAXABLE for rule in self.roster.relax):
            raise UserError("回避规则不能放宽。", "只能选择可放宽的规则。")
        codes = [entry.code for entry in self.named]
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise UserError(
                f"学校 {twice[0]} 在必查、不参加名单中出现了两次。", "请只保留其中一处。"
            )
        for left_out in self.exclusions:
            if not left_out.note.strip():
                raise UserError(
                    f"学校 {left_out.code} 不参加抽取，没有写明依据。", "请写明文件或通知。"
                )
        for entry in self.named:
            if len(entry.note) > REASON_LIMIT:
                raise UserError(
                    f"学校 {entry.code} 的说明过长。", f"请写 {REASON_LIMIT} 个字以内。"
                )

    def places(self, schools: int) -> int:
        """Return how many of ``schools`` the plan draws in all; a share is rounded up."""
        if self.n:
            return self.n
        return -(-self.share_permille * schools // PERMILLE)

    def first_places(self, schools: int) -> int:
        """Return the places of the first departure where all are as even as can be."""
        return -(-self.places(schools) // self.departures)

    def rule(self, *, n: int, inspected: tuple[str, ...]) -> DrawRule:
        """Return the draw rule of one departure of ``n`` places: two streams (DRAW.md §6)."""
        return DrawRule(
            n=n,
            streams=2,
            rho_permille=self.rho_permille,
            inspected=inspected,
            reserve=self.reserve,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the terms as canonical JSON holds them: integers and texts only."""
        day, roster = self.day, self.roster
        return {
            "version": TERMS_VERSION,
            "title": self.title,
            "first_day": self.first_day.isoformat(),
            "last_day": self.last_day.isoformat(),
            "wanted": self.wanted.to_query(),
            "channel": self.channel.value,
            "notice": self.notice.value,
            "by_risk_band": int(self.by_risk_band),
            "n": self.n,
            "share_permille": self.share_permille,
            "weighting": {
                "by_risk": int(self.weighting.by_risk),
                "floor": self.weighting.floor,
                "cap": self.weighting.cap,
                "recent_days": self.weighting.recent_days,
            },
            "rho_permille": self.rho_permille,
            "visit_cap": self.visit_cap,
            "reserve": self.reserve,
            "departures": self.departures,
            "must_visit": [_entry(entry) for entry in self.must_visit],
            "exclusions": [_entry(entry) for entry in self.exclusions],
            "day": {
                "start_name": day.start_name,
                "start_lon_e7": _e7(day.start_lon),
                "start_lat_e7": _e7(day.start_lat),
                "from_min": day.from_min,
                "to_min": day.to_min,
                "visit_min": day.visit_min,
                "teams": day.teams,
                "team_size": day.team_size,
                "windows": [list(span) for span in day.windows],
            },
            "roster": {
                "duty_cap": roster.duty_cap or 0,
                "duty_days": roster.duty_days,
                "relax": [rule.value for rule in roster.relax],
            },
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> PlanTerms:
        """Return the terms that ``as_json`` wrote."""
        day, roster, weighting = said["day"], said["roster"], said["weighting"]
        return cls(
            title=said["title"],
            first_day=dt.date.fromisoformat(said["first_day"]),
            last_day=dt.date.fromisoformat(said["last_day"]),
            wanted=SchoolFilter.from_query(parse_qs(said["wanted"])),
            channel=Channel(said["channel"]),
            notice=NoticeMode(said["notice"]),
            by_risk_band=bool(said["by_risk_band"]),
            n=said["n"],
            share_permille=said["share_permille"],
            weighting=Weighting(
                bool(weighting["by_risk"]),
                weighting["floor"],
                weighting["cap"],
                weighting["recent_days"],
            ),
            rho_permille=said["rho_permille"],
            visit_cap=said["visit_cap"],
            reserve=said["reserve"],
            departures=said["departures"],
            must_visit=tuple(
                MustVisit(e["code"], MustVisitReason(e["reason"]), e["note"])
                for e in said["must_visit"]
            ),
            exclusions=tuple(
                Exclusion(e["code"], LegalReason(e["reason"]), e["note"])
                for e in said["exclusions"]
            ),
            day=DayTerms(
                start_name=day["start_name"],
                start_lon=_degrees(day["start_lon_e7"]),
                start_lat=_degrees(day["start_lat_e7"]),
                from_min=day["from_min"],
                to_min=day["to_min"],
                visit_min=day["visit_min"],
                teams=day["teams"],
                team_size=day["team_size"],
                windows=tuple((span[0], span[1]) for span in day["windows"]),
            ),
            roster=RosterTerms(
                duty_cap=roster["duty_cap"] or None,
                duty_days=roster["duty_days"],
                relax=tuple(RosterRule(value) for value in roster["relax"]),
            ),
        )


def plan_number(year: int, serial: int) -> str:
    """Return a plan's number, e.g. ``JH2026-001``."""
    return f"JH{year}-{serial:03d}"


def _entry(entry: MustVisit | Exclusion) -> dict[str, str]:
    return {"code": entry.code, "reason": entry.reason.value, "note": entry.note}


NOWHERE_E7 = 4_000_000_000
"""Stands for "no coordinate" where only integers and texts may stand."""


def _e7(degrees: float | None) -> int:
    return NOWHERE_E7 if degrees is None else round(degrees * 10**7)


def _degrees(e7: int) -> float | None:
    return None if e7 == NOWHERE_E7 else e7 / 10**7
