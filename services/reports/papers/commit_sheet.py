"""The commit sheet: what is promised and posted before any randomness exists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from domain.words import InspectionLevel
from services.reports.papers.texts import METHOD, code_svg, cut, local_time, long_date
from services.reports.papers.typeset import typeset

MOST_CUSTODIANS = 12


@dataclass(frozen=True, slots=True)
class Custodian:
    """One custodian and SHA-256(salt ‖ name) in hex."""

    name: str
    commitment: str


@dataclass(frozen=True, slots=True)
class CommitSheetFacts:
    """What the commitment states.

    ``value_promised`` names the public value that will count; ``head`` is the hash of the
    commitment's own line on the chain.
    """

    number: str
    title: str
    level: InspectionLevel
    form: str
    schools: int
    n: int
    frame_hash: str
    parameters_hash: str
    value_promised: str
    custodians: tuple[Custodian, ...]
    committed_by: str
    committed_at: dt.datetime
    head: str
    excluded: int = 0
    reserve: int = 0
    departs_on: dt.date | None = None
    issuer: str = ""


def make_commit_sheet(facts: CommitSheetFacts) -> bytes:
    """Return the commit sheet as PDF bytes, always one page.

    Raises ``ValueError`` beyond 12 custodians: each one's commitment must stand on it.
    """
    if len(facts.custodians) > MOST_CUSTODIANS:
        raise ValueError(f"a commit sheet holds at most {MOST_CUSTODIANS} custodians")
    return typeset(
        "commit_sheet",
        {
            "number": facts.number,
            "title": cut(facts.title, 80),
            "level": facts.level.label,
            "form": facts.form,
            "schools": f"{facts.schools:,}",
            "n": f"{facts.n:,}",
            "outside": f"不参加抽取 {facts.excluded:,} 所，后备 {facts.reserve:,} 所",
            "frame_hash": facts.frame_hash,
            "parameters_hash": facts.parameters_hash,
            "value_promised": cut(facts.value_promised, 160),
            "custodians": [
                {"name": cut(custodian.name, 24), "commitment": custodian.commitment}
                for custodian in facts.custodians
            ],
            "committed_by": cut(facts.committed_by, 40),
            "committed_at": local_time(facts.committed_at),
            "departs_on": long_date(facts.departs_on),
            "method": METHOD,
            "head": facts.head,
            "issuer": cut(facts.issuer, 40),
        },
        at=facts.committed_at,
        images={"code": code_svg(commit_code(facts))},
    )


def commit_code(facts: CommitSheetFacts) -> str:
    """Return what the QR code holds; the chain head binds the salts' commitments too."""
    return "\n".join(
        (
            "CSM-COMMIT 1",
            f"NO {facts.number}",
            f"F {facts.frame_hash}",
            f"P {facts.parameters_hash}",
            f"HEAD {facts.head}",
        )
    )
