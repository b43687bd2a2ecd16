"""What the papers of all draws state alike: whose draw it is, its strata, the people's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Account, City, District, Draw, DrawnSchool
from domain.draw.frame import parse_frame
from services.reports.papers.certificate import StratumCount


def issuer_of(session: Session, district_id: int | None) -> str:
    """Return whose inspection it is, and plainly that it is none where the data are a demo."""
    city = session.execute(select(City.name, City.is_demo)).first()
    if city is None:
        return ""
    district = session.scalar(select(District.name).where(District.id == district_id)) or ""
    return f"{city.name}{district}校园安全督查{'（演示数据，不作凭据）' if city.is_demo else ''}"


def count_strata(session: Session, found: Draw) -> tuple[StratumCount, ...]:
    """Return each stratum in code-point order: its schools in the frame, and how many were drawn."""
    drawn: dict[str, int] = {
        row[0]: row[1]
        for row in session.execute(
            select(DrawnSchool.stratum, func.count())
            .where(DrawnSchool.draw_id == found.id)
            .group_by(DrawnSchool.stratum)
        )
    }
    counts = sorted(Counter(parse_frame(found.frame).strata).items())
    return tuple(
        StratumCount(
            district=path.partition("/")[0],
            kind=path.partition("/")[2],
            schools=schools,
            drawn=drawn.get(path, 0),
        )
        for path, schools in counts
    )


def names_behind(session: Session, logins: Collection[str]) -> dict[str, str]:
    """Return each login with the name behind it; the login alone where the account is gone."""
    rows = session.execute(select(Account.login, Account.name).where(Account.login.in_(logins)))
    known = {row.login: row.name for row in rows}
    return {login: f"{known[login]}（{login}）" if known.get(login) else login for login in logins}
