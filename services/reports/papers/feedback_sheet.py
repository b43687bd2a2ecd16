"""The feedback sheet: what one school is told after a visit, and until when to mend it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from domain.words import DeadlineClass, HazardCategory, Severity
from services.reports.papers.texts import cut, long_date
from services.reports.papers.typeset import typeset


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; ``due`` where it differs from the sheet's deadline."""

    text: str
    category: HazardCategory
    severity: Severity
    deadline: DeadlineClass
    due: dt.date | None = None


@dataclass(frozen=True, slots=True)
class FeedbackFacts:
    """One visit's feedback.

    ``blank_lines`` adds empty lines to fill in by hand; ``head`` is the draw's chain head
    where there is one; ``made_at`` (aware) dates the file.
    """

    number: str
    school: str
    district: str
    address: str
    on: dt.date
    team: tuple[str, ...]
    findings: tuple[Finding, ...]
    rectify_by: dt.date | None
    made_at: dt.datetime
    route: str = ""
    blank_lines: int = 0
    is_sealed: bool = False
    head: str = ""
    issuer: str = ""


def make_feedback_sheet(facts: FeedbackFacts) -> bytes:
    """Return the feedback sheet as PDF bytes; many findings run over several pages."""
    return typeset(
        "feedback_sheet",
        {
            "number": facts.number,
            "school": cut(facts.school, 80),
            "district": cut(facts.district, 30),
            "address": cut(facts.address, 80),
            "on": long_date(facts.on),
            "team": "、".join(cut(name, 24) for name in facts.team),
            "route": cut(facts.route, 20),
            "findings": [
                {
                    "text": cut(finding.text, 500),
                    "category": finding.category.label,
                    "severity": finding.severity.label,
                    "deadline": finding.deadline.label,
                    "due": long_date(finding.due or facts.rectify_by),
                }
                for finding in facts.findings
            ],
            "rectify_by": long_date(facts.rectify_by),
            "blank_lines": facts.blank_lines,
            "is_sealed": facts.is_sealed,
            "head": facts.head,
            "issuer": cut(facts.issuer, 40),
        },
        at=facts.made_at,
    )
