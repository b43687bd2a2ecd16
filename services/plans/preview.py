"""What a plan would give, said before it is approved: chances, numbers, warnings, forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from domain.access import Actor, Permission, require
from domain.coverage import YearForecast
from domain.draw.frame import Frame, parse_excluded
from domain.draw.seal import canonical_json
from domain.draw.year import DrawRule, YearPreparation, year_chances
from domain.plan import PlanTerms
from domain.plan_chances import Expected, expect_groups, join_groups
from domain.words import InspectionLevel, RiskLevel
from services.cache import VersionedCache
from services.coverage import forecast_year
from services.house import House
from services.map_schools import SchoolTable, data_version, load_school_table
from services.plans.basis import make_basis, owner_of
from services.plans.overlaps import Overlap, find_overlaps
from services.plans.preview_rows import (
    capped_rows,
    company_rows,
    count_visits,
    excluded_rows,
    level_of,
    must_visit_rows,
    names_of,
    weight_rows,
)
from services.plans.records import PlanFacts, read_frozen, read_plan

_previews = VersionedCache(max_entries=32)


@dataclass(frozen=True)
class PlanOutlook:
    """One frame and rule with the schools' own facts (shared: do not alter).

    ``schools`` has one row a school in frame order: ``code``, ``name``, ``district``,
    ``kind``, ``level``, ``weight``, ``inspected`` (bool, stream B), ``chance`` (fraction as
    text), ``percent`` (0–100), ``visits`` (this year up to today, all levels),
    ``expected_visits`` (float).
    """

    frame: Frame
    rule: DrawRule
    chances: tuple[Fraction, ...]
    schools: pd.DataFrame


@dataclass(frozen=True)
class PlanPreview:
    """Everything a leader should see before approving (shared: do not alter).

    ``n`` places in all, ``first_n`` at the first departure; chances and numbers are those of
    the first departure. ``by_district``, ``by_kind``, ``by_stratum``: ``group``,
    ``schools``, ``expected`` (float), ``low``, ``high``; the other tables: ``preview_rows``.
    ``fresh``: schools expected to be covered anew. ``forecast``
    and ``with_plan`` are empty where the plan is another unit's or another year's.
    """

    frame_hash: str
    outlook: PlanOutlook
    n: int
    first_n: int
    by_district: pd.DataFrame
    by_kind: pd.DataFrame
    by_stratum: pd.DataFrame
    weights: pd.DataFrame
    excluded: pd.DataFrame
    capped: pd.DataFrame
    companies: pd.DataFrame
    overlaps: tuple[Overlap, ...]
    forecast: YearForecast | None
    with_plan: YearForecast | None
    fresh: float

    @property
    def inspected(self) -> int:
        """Count the schools of stream B."""
        return len(self.outlook.rule.inspected)


def preview_plan(
    actor: Actor, house: House, *, terms: PlanTerms, number: str | None = None
) -> PlanPreview:
    """Return what the terms would give if submitted now; writes nothing.

    ``number`` is the draft's own, so that it is not compared with itself. Raises
    ``UserError`` like a submission.
    """
    require(actor, Permission.EDIT_PLANS)
    level, _ = owner_of(actor)
    asked = canonical_json(terms.as_json())
    return _previews.get(
        (*_version(actor, house), asked, number),
        lambda: _from_terms(actor, house, terms, number, level),
    )


def preview_frozen(actor: Actor, house: House, *, number: str) -> PlanPreview:
    """Return what a submitted plan gives, from what it froze; raises where it is a draft."""
    require(actor, Permission.VIEW_PLANS)
    facts = read_plan(actor, house, number=number)
    return _previews.get(
        (*_version(actor, house), number, facts.row_version),
        lambda: _from_frozen(actor, house, facts),
    )


def _version(actor: Actor, house: House) -> tuple[str, ...]:
    versions = house.versions()
    rest = f"{versions['rules']}-{versions['draws']}"
    return str(house.engine.url), actor.scope_key, actor.role.value, data_version(house), rest


def _from_terms(
    actor: Actor,
    house: House,
    terms: PlanTerms,
    number: str | None,
    level: InspectionLevel,
) -> PlanPreview:
    basis = make_basis(actor, house, terms=terms)
    return _preview(
        actor,
        house,
        frame=basis.frame,
        excluded=parse_excluded(basis.excluded),
        rule=basis.first_rule(terms),
        weights={level.value: weight for level, weight in basis.rules.level_weights.items()},
        terms=terms,
        level=level,
        number=number,
        is_own=True,
    )


def _from_frozen(actor: Actor, house: House, facts: PlanFacts) -> PlanPreview:
    frozen = read_frozen(actor, house, number=facts.number)
    terms = facts.terms
    return _preview(
        actor,
        house,
        frame=frozen.frame,
        excluded=frozen.excluded,
        rule=terms.rule(n=terms.first_places(len(frozen.frame)), inspected=frozen.inspected),
        weights=facts.rules.get("weights", {}),
        terms=terms,
        level=facts.level,
        number=facts.number,
        is_own=facts.district_id == actor.district_id,
    )


def _preview(
    actor: Actor,
    house: House,
    *,
    frame: Frame,
    excluded: Sequence[tuple[str, str]],
    rule: DrawRule,
    weights: Mapping[str, int],
    terms: PlanTerms,
    level: InspectionLevel,
    number: str | None,
    is_own: bool,
) -> PlanPreview:
    prepared = YearPreparation(frame, rule)
    n = terms.places(len(frame))
    with house.read() as session:
        visits = count_visits(session, actor, house)
        outlook = _outlook(load_school_table(actor, house), frame, rule, visits)
        must = must_visit_rows(session, actor, visits, terms)
        names = names_of(session, actor, [code for code, _ in excluded])
        companies = company_rows(session, actor, outlook.schools, terms)
    strata = expect_groups(prepared, frame.strata)
    fresh = _fresh(outlook, n)
    now = after = None
    if is_own and terms.first_day.year == house.today().year:
        now = forecast_year(actor, house, level=level)
        more = fresh + int((must[level.value] == 0).sum())
        extra = more / now.weeks_left if now.weeks_left else 0.0
        after = forecast_year(actor, house, level=level, extra_per_week=extra)
    return PlanPreview(
        frame_hash=frame.hash,
        outlook=outlook,
        n=n,
        first_n=rule.n,
        by_district=_as_frame(expect_groups(prepared, [level_of(s, 0) for s in frame.strata])),
        by_kind=_as_frame(join_groups(strata, lambda s: level_of(s, 1), most=rule.n)),
        by_stratum=_as_frame(strata),
        weights=weight_rows(outlook.schools, weights, terms),
        excluded=excluded_rows(excluded, names, terms),
        capped=capped_rows(outlook.schools, must, terms),
        companies=companies,
        overlaps=find_overlaps(
            actor, house, frame=frame, chances=outlook.chances, terms=terms, number=number
        ),
        forecast=now,
        with_plan=after,
        fresh=fresh,
    )


def _outlook(table: SchoolTable, frame: Frame, rule: DrawRule, visits: pd.DataFrame) -> PlanOutlook:
    at = pd.Index(table.codes.to_pylist()).get_indexer(pd.Index(frame.ids))
    names = np.array([*table.names.to_pylist(), "（已不在库中）"], dtype=object)
    levels = np.array([level.label for level in RiskLevel], dtype=object)
    unknown = list(RiskLevel).index(RiskLevel.UNKNOWN)
    chances = year_chances(frame, rule)
    percent = np.array([float(chance) * 100 for chance in chances])
    again = set(rule.inspected)
    ids = np.append(table.ids.astype(np.int64), -1)[at]
    count = visits["visits"].reindex(ids).fillna(0).to_numpy(dtype=np.int64)
    schools = pd.DataFrame(
        {
            "code": frame.ids,
            "name": names[at],
            "district": [level_of(stratum, 0) for stratum in frame.strata],
            "kind": [level_of(stratum, 1) for stratum in frame.strata],
            "level": levels[np.append(table.bytes_["level"], unknown)[at]],
            "weight": frame.weights,
            "inspected": [code in again for code in frame.ids],
            "chance": [str(chance) for chance in chances],
            "percent": percent,
            "visits": count,
            "expected_visits": count + percent / 100,
        }
    )
    return PlanOutlook(frame, rule, chances, schools)


def _fresh(outlook: PlanOutlook, n: int) -> float:
    """Return how many schools the plan is expected to cover anew, over all its departures.

    Each departure draws as many places of stream A as the first, in step with its size.
    """
    new = ~outlook.schools["inspected"].to_numpy(dtype=bool)
    first = float(outlook.schools.loc[new, "percent"].sum()) / 100
    return min(first * n / max(outlook.rule.n, 1), float(new.sum()))


def _as_frame(groups: Sequence[Expected]) -> pd.DataFrame:
    return pd.DataFrame(
        [(g.group, g.schools, float(g.expected), g.low, g.high) for g in groups],
        columns=["group", "schools", "expected", "low", "high"],
    )
