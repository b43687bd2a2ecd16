"""The certificate of a draw: one page that binds hashes, value, people and times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from domain.draw.roster import RosterMethod
from domain.words import InspectionLevel
from services.reports.papers.texts import METHOD, code_svg, cut, local_time
from services.reports.papers.typeset import typeset

MOST_STRATA, MOST_DISTRICTS, MOST_PEOPLE, MOST_STEPS, MOST_GUARANTEES = 12, 36, 10, 9, 8
"""Lines one page holds; beyond them the certificate gives totals."""


@dataclass(frozen=True, slots=True)
class StratumCount:
    """One stratum: its schools in the frame and how many of them were drawn."""

    district: str
    kind: str
    schools: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Hand:
    """Who did what, e.g. role 随机盐保管人, name 张三."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step and its instant (aware)."""

    what: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class RosterFacts:
    """How the inspectors were drawn. ``count``: admissible rosters, where counted."""

    method: RosterMethod
    teams: int
    people: int
    count: int | None = None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate states.

    ``head`` is the chain's head hash, ``seed`` empty before the reveal; ``excluded`` and
    ``reserve`` count schools; ``made_at`` (aware) dates the file.
    """

    number: str
    title: str
    level: InspectionLevel
    form: str
    status: str
    schools: int
    n: int
    strata: tuple[StratumCount, ...]
    frame_hash: str
    parameters_hash: str
    value: str
    value_source: str
    value_at: dt.datetime | None
    people: tuple[Hand, ...]
    steps: tuple[Step, ...]
    head: str
    holds: tuple[str, ...]
    lacks: tuple[str, ...]
    made_at: dt.datetime
    seed: str = ""
    excluded: int = 0
    reserve: int = 0
    roster: RosterFacts | None = None
    issuer: str = ""


def make_certificate(facts: CertificateFacts) -> bytes:
    """Return the certificate as PDF bytes, always one page.

    At most 12 strata stand line by line, else totals per district (the smallest beyond 36
    together).
    """
    counts_of, counts = count_lines(facts.strata)
    return typeset(
        "certificate",
        {
            "number": facts.number,
            "title": cut(facts.title, 80),
            "level": facts.level.label,
            "form": facts.form,
            "status": cut(facts.status, 40),
            "schools": f"{facts.schools:,}",
            "n": f"{facts.n:,}",
            "outside": f"不参加抽取 {facts.excluded:,} 所，后备 {facts.reserve:,} 所",
            "counts_of": counts_of,
            "counts": [
                {
                    "name": cut(line.district + (f"　{line.kind}" if line.kind else ""), 24),
                    "schools": f"{line.schools:,}",
                    "drawn": f"{line.drawn:,}",
                }
                for line in counts
            ],
            "frame_hash": facts.frame_hash,
            "parameters_hash": facts.parameters_hash,
            "value": cut(facts.value, 160),
            "value_source": cut(facts.value_source, 60),
            "value_at": local_time(facts.value_at),
            "seed": facts.seed,
            "people": _people(facts.people),
            "steps": [
                {"what": cut(step.what, 12), "at": local_time(step.at)}
                for step in facts.steps[:MOST_STEPS]
            ],
            "method": METHOD,
            "roster": _roster(facts.roster),
            "holds": [cut(text, 60) for text in facts.holds[:MOST_GUARANTEES]],
            "lacks": [cut(text, 60) for text in facts.lacks[:MOST_GUARANTEES]],
            "replay": _REPLAY,
            "head": facts.head,
            "issuer": cut(facts.issuer, 40),
        },
        at=facts.made_at,
        images={"code": code_svg(certificate_code(facts))},
    )


_REPLAY = (
    "在系统中打开本编号的抽取，下载复算包（zip），内有名录库、参数、记录和复算脚本。",
    "解压后运行 python replay.py（不联网、不装别的软件），或在“复算”页上传，得到的名单应与公布的一致。",
    "核对复算包中的 F、P、链头与本页及二维码所载一致；不一致即被改动或截短。",
)


def certificate_code(facts: CertificateFacts) -> str:
    """Return what the QR code holds: ASCII lines of a name and a value."""
    lines = [
        "CSM-DRAW 1",
        f"NO {facts.number}",
        f"F {facts.frame_hash}",
        f"P {facts.parameters_hash}",
        *([f"SEED {facts.seed}"] if facts.seed else []),
        f"HEAD {facts.head}",
    ]
    return "\n".join(lines)


def count_lines(strata: Sequence[StratumCount]) -> tuple[str, list[StratumCount]]:
    """Return what the lines stand for (分层 or 区县) and the lines the page has room for."""
    if len(strata) <= MOST_STRATA:
        return "分层", list(strata)
    totals: dict[str, StratumCount] = {}
    for line in strata:
        before = totals.get(line.district, StratumCount(line.district, "", 0, 0))
        totals[line.district] = StratumCount(
            line.district, "", before.schools + line.schools, before.drawn + line.drawn
        )
    lines = list(totals.values())
    if len(lines) <= MOST_DISTRICTS:
        return "区县", lines
    smallest = sorted(lines, key=lambda line: line.schools)[: len(lines) - MOST_DISTRICTS + 1]
    kept = [line for line in lines if line not in smallest]
    rest = StratumCount(
        f"其余 {len(smallest)} 个区县",
        "",
        sum(line.schools for line in smallest),
        sum(line.drawn for line in smallest),
    )
    return "区县", [*kept, rest]


def _people(people: Sequence[Hand]) -> list[dict[str, str]]:
    shown = [{"role": cut(hand.role, 12), "name": cut(hand.name, 24)} for hand in people]
    if len(shown) <= MOST_PEOPLE:
        return shown
    left = len(shown) - MOST_PEOPLE + 1
    return [*shown[: MOST_PEOPLE - 1], {"role": "其他", "name": f"另有 {left} 人，见记录"}]


def _roster(roster: RosterFacts | None) -> str:
    if roster is None:
        return ""
    counted = f"；合规方案共 {roster.count:,} 种" if roster.count is not None else ""
    return f"{roster.teams} 队 {roster.people} 人，{roster.method.label}{cut(counted, 90)}。"
