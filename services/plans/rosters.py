"""Whether teams can be found for a plan: at all, and for rounds as the draw might give them.

Routes do not exist before the draw, so rounds are simulated and their schools parted by a
sweep round the start place. Seeds are of the simulation's own and tell nothing of a draw.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Inspector, School
from db.scope import inspectors_readable_by
from domain.access import Actor, Permission, require
from domain.draw import roster
from domain.draw.roster import Blocked, RosterRule, RosterRules, TeamRoute, find_blockage
from domain.draw.simulate import simulation_seed
from domain.draw.year import YearPreparation
from domain.plan import PlanTerms
from domain.words import Channel, InspectionLevel
from geo.crs import project
from services.cache import VersionedCache
from services.house import House
from services.map_schools import load_school_table
from services.plans.basis import make_basis, owner_of, schools_by_code
from services.plans.preview import preview_frozen
from services.plans.records import read_plan
from services.proximity import zone_of_city
from services.rounds_pool import inspector_pool

TRIES, FEW_TRIES = 40, 10
MANY_SCHOOLS = 5_000
"""Frames above this size get few tries: a draw takes longer, and an answer is waited for."""
SEED = "roster-check"
_outlooks = VersionedCache(max_entries=32)


@dataclass(frozen=True)
class RosterOutlook:
    """Whether rosters exist. Codes of people whom the reader may not see carry no name.

    ``people`` and ``leads`` count the pool; ``needed`` the people of all teams. ``bare`` is
    what blocks even without any school, ``blocked`` the first simulated round that has no
    roster under all rules; ``staffed`` of ``tried`` rounds have one, ``eased`` more have one
    once the rules that the plan names are set aside. ``frees`` counts the blocked rounds
    which setting one rule aside alone would free.
    """

    on: dt.date
    people: int
    leads: int
    teams: int
    team_size: int
    tried: int
    staffed: int
    eased: int
    bare: Blocked | None
    blocked: Blocked | None
    frees: tuple[tuple[RosterRule, int], ...]
    names: Mapping[str, str]

    @property
    def needed(self) -> int:
        """Count the people of all teams."""
        return self.teams * self.team_size

    @property
    def is_good(self) -> bool:
        """Tell whether every simulated round has a roster under all rules."""
        return self.bare is None and self.staffed == self.tried


def check_rosters(actor: Actor, house: House, *, terms: PlanTerms) -> RosterOutlook:
    """Check a draft's teams in the actor's own scope; raises ``UserError`` like a submission."""
    require(actor, Permission.EDIT_PLANS)
    level, district_id = owner_of(actor)
    basis = make_basis(actor, house, terms=terms)
    prepared = YearPreparation(basis.frame, basis.first_rule(terms))
    return _check(actor, house, terms, prepared, level, district_id)


def check_frozen_rosters(actor: Actor, house: House, *, number: str) -> RosterOutlook:
    """Check a submitted plan's teams against the people there are today."""
    require(actor, Permission.VIEW_PLANS)
    facts = read_plan(actor, house, number=number)
    outlook = preview_frozen(actor, house, number=number).outlook
    versions = house.versions()
    areas = tuple(versions[area] for area in ("base", "schools", "inspectors", "draws"))
    # The page is drawn anew at every press; who can go does not change with that.
    key = (str(house.engine.url), actor.login, actor.scope_key, number, house.today(), areas)

    def check() -> RosterOutlook:
        prepared = YearPreparation(outlook.frame, outlook.rule)
        return _check(actor, house, facts.terms, prepared, facts.level, facts.district_id)

    return _outlooks.get(key, check)


def _check(
    actor: Actor,
    house: House,
    terms: PlanTerms,
    prepared: YearPreparation,
    level: InspectionLevel,
    district_id: int | None,
) -> RosterOutlook:
    on = min(max(terms.first_day, house.today()), terms.last_day)
    with house.read() as session:
        pool = inspector_pool(
            session,
            level=level,
            district_id=district_id,
            channel=terms.channel,
            on=on,
            duty_days=terms.roster.duty_days,
        )
        names = _names(session, actor)
        places = _Places.read(session, actor, terms, prepared)
    area_of = _areas(actor, house)
    rules = RosterRules(
        day=on,
        cross_district=terms.channel is Channel.CROSS,
        duty_cap=terms.roster.duty_cap,
    )
    empty = [TeamRoute(f"R{k + 1}", frozenset(), places=terms.day.team_size) for k in range(terms.day.teams)]  # fmt: skip
    bare = _blockage(pool, empty, rules)
    if bare and _eases(pool, empty, rules, terms.roster.relax):
        bare = None
    staffed = eased = 0
    first: Blocked | None = None
    frees: Counter[RosterRule] = Counter()
    tries = TRIES if len(prepared.frame) <= MANY_SCHOOLS else FEW_TRIES
    for k in range(0 if bare else tries):
        routes = places.routes(simulation_seed(SEED, k), terms, area_of)
        blocked = _blockage(pool, routes, rules)
        if blocked is None:
            staffed += 1
            continue
        first = first or blocked
        frees.update(blocked.frees)
        eased += _eases(pool, routes, rules, terms.roster.relax)
    return RosterOutlook(
        on=on,
        people=len(pool),
        leads=sum(person.can_lead for person in pool),
        teams=terms.day.teams,
        team_size=terms.day.team_size,
        tried=tries,
        staffed=staffed,
        eased=eased,
        bare=bare,
        blocked=first,
        frees=tuple(frees.most_common()),
        names=names,
    )


@dataclass(frozen=True)
class _Places:
    """Where the schools of a round lie, metres about the start place."""

    prepared: YearPreparation
    codes: tuple[str, ...]
    angle: npt.NDArray[np.float64]
    must: tuple[int, ...]

    @classmethod
    def read(
        cls, session: Session, actor: Actor, terms: PlanTerms, prepared: YearPreparation
    ) -> _Places:
        frame = prepared.frame
        epsg = zone_of_city(session.connection())
        wanted = [entry.code for entry in terms.must_visit]
        rows = list(schools_by_code(session, actor, wanted, School.lon, School.lat))
        must_x, must_y = project([row.lon for row in rows], [row.lat for row in rows], epsg)
        x = np.concatenate([np.asarray(frame.x_m, dtype=float), np.atleast_1d(must_x)])
        y = np.concatenate([np.asarray(frame.y_m, dtype=float), np.atleast_1d(must_y)])
        if terms.day.start_lon is None or terms.day.start_lat is None:
            start_x, start_y = float(np.median(x)), float(np.median(y))
        else:
            at = project([terms.day.start_lon], [terms.day.start_lat], epsg)
            start_x, start_y = float(at[0][0]), float(at[1][0])
        return cls(
            prepared=prepared,
            codes=(*frame.ids, *(row.code for row in rows)),
            angle=np.arctan2(y - start_y, x - start_x),
            must=tuple(range(len(frame), len(frame) + len(rows))),
        )

    def routes(self, seed: str, terms: PlanTerms, area_of: Mapping[str, str]) -> list[TeamRoute]:
        """Draw a round and part its schools into as many routes as there are teams."""
        drawn = np.array([*self.prepared.draw_positions(seed), *self.must], dtype=np.intp)
        swept = drawn[np.argsort(self.angle[drawn], kind="stable")]
        routes = []
        for k, part in enumerate(np.array_split(swept, terms.day.teams)):
            schools = frozenset(self.codes[p] for p in part.tolist())
            areas = frozenset(area_of[code] for code in schools if area_of.get(code))
            routes.append(TeamRoute(f"R{k + 1}", schools, areas, terms.day.team_size))
        return routes


def _blockage(
    pool: Sequence[roster.Inspector], routes: Sequence[TeamRoute], rules: RosterRules
) -> Blocked | None:
    return find_blockage(roster.build_task(pool, routes, rules))


def _eases(
    pool: Sequence[roster.Inspector],
    routes: Sequence[TeamRoute],
    rules: RosterRules,
    relax: Sequence[RosterRule],
) -> bool:
    """Tell whether setting aside the plan's rules, one after the other, frees this round."""
    return any(
        _blockage(pool, routes, replace(rules, relaxed=frozenset(relax[:count]))) is None
        for count in range(1, len(relax) + 1)
    )


def _areas(actor: Actor, house: House) -> dict[str, str]:
    """Return the district code of every school in the actor's scope."""
    table = load_school_table(actor, house)
    areas = [*table.district_codes, ""]
    at = np.minimum(table.district, len(areas) - 1).tolist()
    return dict(zip(table.codes.to_pylist(), (areas[k] for k in at), strict=True))


def _names(session: Session, actor: Actor) -> dict[str, str]:
    rows = session.execute(
        select(Inspector.code, Inspector.name).where(inspectors_readable_by(actor))
    )
    return {row.code: row.name for row in rows}
