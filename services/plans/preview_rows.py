"""The tables of a plan's preview, each from the frame, the terms and what the schools are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from db.models import Inspection, School
from db.scope import inspections_readable_by, schools_readable_by
from domain.access import Actor
from domain.plan import COMPANY_CHANNELS, PlanTerms
from domain.words import (
    InspectionLevel,
    LegalForm,
    LegalReason,
    MustVisitReason,
    RiskLevel,
    SchoolStatus,
)
from services.house import House
from services.plans.basis import schools_by_code

REASON_LABELS: Mapping[str, str] = {
    word.value: word.label for enum in (LegalReason, MustVisitReason, SchoolStatus) for word in enum
}


def level_of(stratum: str, at: int) -> str:
    """Return one level of a stratum's path: 0 the district, 1 the kind."""
    return stratum.split("/")[at]


def count_visits(session: Session, actor: Actor, house: House) -> pd.DataFrame:
    """Return this year's inspections up to today, one row a visited school.

    Index: school id; columns ``city``, ``county`` and ``visits`` (both).
    """
    today = house.today()
    rows = session.execute(
        select(
            Inspection.school_id,
            func.sum(case((Inspection.level == InspectionLevel.CITY, 1), else_=0)),
            func.sum(case((Inspection.level == InspectionLevel.COUNTY, 1), else_=0)),
        )
        .where(
            inspections_readable_by(actor),
            Inspection.on_date.between(today.replace(month=1, day=1), today),
        )
        .group_by(Inspection.school_id)
    ).all()
    visits = pd.DataFrame([tuple(row) for row in rows], columns=["id", "city", "county"])
    visits = visits.set_index("id").astype("int64")
    return visits.assign(visits=visits["city"] + visits["county"])


def must_visit_rows(
    session: Session, actor: Actor, visits: pd.DataFrame, terms: PlanTerms
) -> pd.DataFrame:
    """Return ``code``, ``name``, ``city``, ``county``, ``visits`` of the must-visit schools."""
    codes = [entry.code for entry in terms.must_visit]
    rows = [tuple(row) for row in schools_by_code(session, actor, codes, School.id, School.name)]
    must = pd.DataFrame(rows, columns=["code", "id", "name"])
    counts = visits.reindex(must["id"]).fillna(0).astype("int64").reset_index(drop=True)
    return pd.concat([must[["code", "name"]], counts], axis=1)


def names_of(session: Session, actor: Actor, codes: Sequence[str]) -> dict[str, str]:
    """Return the names of the schools that lie in the actor's scope."""
    return {row.code: row.name for row in schools_by_code(session, actor, codes, School.name)}


def company_rows(
    session: Session, actor: Actor, schools: pd.DataFrame, terms: PlanTerms
) -> pd.DataFrame:
    """Return ``code``, ``name``, ``where`` of the companies that the plan may not just visit.

    Empty for channels in which their inspection is not restricted.
    """
    none = pd.DataFrame({"code": [], "name": [], "where": []}, dtype=object)
    if terms.channel not in COMPANY_CHANNELS:
        return none
    rows = session.execute(
        select(School.code, School.name).where(
            schools_readable_by(actor),
            School.legal_form == LegalForm.COMPANY,
            School.status == SchoolStatus.ACTIVE,
        )
    ).all()
    companies = pd.DataFrame([tuple(row) for row in rows], columns=["code", "name"])
    if companies.empty:
        return none
    must = companies["code"].isin([entry.code for entry in terms.must_visit])
    drawn = companies["code"].isin(schools["code"])
    companies["where"] = np.where(must, "必查名单", "抽取名录")
    return companies[must | drawn].sort_values("code").reset_index(drop=True)


def weight_rows(
    schools: pd.DataFrame, weights: Mapping[str, int], terms: PlanTerms
) -> pd.DataFrame:
    """Return ``level``, ``base``, ``bound``, ``schools``, ``lowest``, ``highest`` (chance, %).

    ``base`` is the rule set's weight of the level, ``bound`` what floor and cap make of it
    (1 for all where weights are equal).
    """
    percent = schools.groupby("level")["percent"].agg(list).to_dict()
    rows = []
    for level in RiskLevel:
        base, way = weights.get(level.value, 1), terms.weighting
        bound = min(max(base, way.floor), way.cap) if way.by_risk else 1
        if level.label in percent:
            shares = percent[level.label]
            rows.append((level.label, base, bound, len(shares), min(shares), max(shares)))
    columns = ["level", "base", "bound", "schools", "lowest", "highest"]
    return pd.DataFrame(rows, columns=columns)


def excluded_rows(
    excluded: Sequence[tuple[str, str]], names: Mapping[str, str], terms: PlanTerms
) -> pd.DataFrame:
    """Return ``code``, ``name``, ``reason`` (label), ``note`` of the schools left out."""
    notes = {entry.code: entry.note for entry in terms.named}
    return pd.DataFrame(
        [
            (code, names.get(code, ""), REASON_LABELS.get(reason, reason), notes.get(code, ""))
            for code, reason in excluded
        ],
        columns=["code", "name", "reason", "note"],
    )


def capped_rows(schools: pd.DataFrame, must: pd.DataFrame, terms: PlanTerms) -> pd.DataFrame:
    """Return ``code``, ``name``, ``visits``, ``chance``, ``expected_visits`` of full schools.

    Those whose visits this year have reached the plan's cap: one more goes beyond it.
    """
    columns = ["code", "name", "visits", "chance", "expected_visits"]
    drawn = schools.loc[schools["visits"] >= terms.visit_cap, columns]
    sure = must[must["visits"] >= terms.visit_cap]
    sure = sure.assign(chance="必查", expected_visits=sure["visits"] + 1.0)[columns]
    parts = [part for part in (sure, drawn) if len(part)]
    if not parts:
        return pd.DataFrame(columns=columns)
    capped = pd.concat(parts)
    return capped.sort_values(["visits", "code"], ascending=[False, True]).reset_index(drop=True)
