"""The slip a custodian keeps: the salt, printed once and kept nowhere else."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from domain.draw.seal import read_salt
from services.reports.papers.texts import code_svg, cut, local_time, long_date
from services.reports.papers.typeset import typeset

GROUP = 4


@dataclass(frozen=True, slots=True, repr=False)
class SaltSlipFacts:
    """One custodian's salt (hex, as ``salt_text`` made it) and what it belongs to.

    It has no ``repr``, so that the salt stands in no log; the caller stores neither this
    nor the PDF.
    """

    number: str
    title: str
    custodian: str
    salt: str
    commitment: str
    made_at: dt.datetime
    departs_on: dt.date | None = None
    issuer: str = ""


def make_salt_slip(facts: SaltSlipFacts) -> bytes:
    """Return the slip as PDF bytes: one page to fold, the salt inside.

    Raises ``UserError`` where ``salt`` is none.
    """
    salt = read_salt(facts.salt)
    return typeset(
        "salt_slip",
        {
            "number": facts.number,
            "title": cut(facts.title, 80),
            "custodian": cut(facts.custodian, 24),
            "groups": [salt[at : at + GROUP] for at in range(0, len(salt), GROUP)],
            "commitment": facts.commitment,
            "made_at": local_time(facts.made_at),
            "departs_on": long_date(facts.departs_on),
            "head": "",
            "issuer": cut(facts.issuer, 40),
        },
        at=facts.made_at,
        images={"code": code_svg(salt)},
    )
