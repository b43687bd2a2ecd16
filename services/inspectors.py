"""The register of inspectors as it is read: who is on it, and how many teams they make."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from db.models import Account, District, Draw, Inspector, InspectorTie, PatrolPost, RouteMember
from db.scope import draws_readable_by, inspectors_managed_by, inspectors_readable_by
from domain.access import SCOPE_FIELD, Actor, Permission, require
from domain.draw.roster import LEAST_TEAM
from domain.errors import Forbidden, NotFound
from domain.words import DistrictLevel, DrawStatus, InspectionLevel, InspectorKind, Role, Word
from services.house import House

SEARCH_LIMIT = 40
LINKABLE_ROLES = (Role.INSPECTOR, Role.DISTRICT, Role.POLICE)
"""Roles that may see the route of their own team."""


@dataclass(frozen=True, slots=True)
class InspectorFilter:
    """Which people are listed. An empty field does not limit.

    ``level`` and ``kind`` hold stable words, ``district`` codes, ``q`` part of a name, code
    or unit; ``lead``: ``yes`` or ``no``; ``state``: ``active``, ``inactive`` or all.
    """

    q: str = ""
    level: tuple[str, ...] = ()
    district: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    lead: str = ""
    state: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, Sequence[str]]) -> InspectorFilter:
        """Read a filter from URL parameters; unknown keys are ignored."""
        many = {
            key: tuple(sorted(set(query.get(key, ())))) for key in ("level", "district", "kind")
        }
        one = {key: next(iter(query.get(key, ())), "") for key in ("lead", "state")}
        q = " ".join(query.get("q", ())).strip()[:SEARCH_LIMIT]
        return cls(q=q, **many, **one)  # type: ignore[arg-type]

    def to_query(self) -> str:
        """Return the canonical query string: same filter, same string."""
        pairs: list[tuple[str, str]] = []
        for item in fields(self):
            value = getattr(self, item.name)
            texts = (value,) if isinstance(value, str) else sorted(value)
            pairs.extend((item.name, text) for text in texts if text)
        return urlencode(pairs)


@dataclass(frozen=True, slots=True)
class InspectorFacts:
    """One person as a screen shows it; phone and account only to those who keep registers.

    ``may_edit``: the actor may change the person. ``row_version`` is what a change must name.
    """

    code: str
    name: str
    kind: InspectorKind
    level: InspectionLevel
    district_code: str
    district: str
    unit: str
    qualifications: str
    can_lead: bool
    phone: str
    account_login: str
    account_name: str
    is_active: bool
    may_edit: bool
    row_version: int


@dataclass(frozen=True, slots=True)
class RosterSize:
    """How many teams the active people of a level can make, before any recusal.

    Teams of county people are counted district by district and added up.
    """

    level: InspectionLevel
    people: int
    leads: int
    teams: int
    districts: int


def own_level(actor: Actor) -> InspectionLevel:
    """Return the level whose people the actor keeps."""
    return InspectionLevel.CITY if actor.district_id is None else InspectionLevel.COUNTY


def require_keeper(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the actor keeps a register: its city's or its own district's."""
    require(actor, Permission.MANAGE_INSPECTORS)
    scope = SCOPE_FIELD.get(actor.role)
    if scope is not None and getattr(actor, scope) is None:
        raise Forbidden(Permission.MANAGE_INSPECTORS.label)


def list_inspectors(actor: Actor, house: House, *, wanted: InspectorFilter) -> pd.DataFrame:
    """Return the kept people of the actor's scope, city first, by district and code.

    Columns: ``code``, ``name``, ``kind``, ``level``, ``district``, ``unit``,
    ``qualifications``, ``can_lead`` (bool), ``phone``, ``account``, ``ties`` (schools to stay
    away from, expired ones too), ``duties`` (rounds of this year whose result is out, as far
    as the actor sees them), ``is_active`` (bool). ``phone`` and ``account`` are empty for
    roles that keep no register.
    """
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        rows = session.execute(
            select(
                Inspector.id,
                Inspector.code,
                Inspector.name,
                Inspector.kind,
                Inspector.level,
                func.coalesce(District.name, "").label("district"),
                Inspector.unit,
                Inspector.qualifications,
                Inspector.can_lead,
                Inspector.phone,
                func.coalesce(Account.login, "").label("account"),
                Inspector.is_active,
            )
            .outerjoin(District, District.id == Inspector.district_id)
            .outerjoin(Account, Account.id == Inspector.account_id)
            .where(inspectors_readable_by(actor), *_conditions(wanted))
            .order_by(Inspector.level, District.code, Inspector.code)
        ).all()
        ties = _count_by_person(session, select(InspectorTie.inspector_id))
        duties = _count_by_person(
            session,
            select(RouteMember.inspector_id)
            .join(Draw, Draw.id == RouteMember.draw_id)
            .where(
                draws_readable_by(actor),
                Draw.status == DrawStatus.DRAWN,
                Draw.year == house.today().year,
                RouteMember.absent_reason.is_(None),
            ),
        )
    columns = [
        "id", "code", "name", "kind", "level", "district", "unit", "qualifications",
        "can_lead", "phone", "account", "is_active",
    ]  # fmt: skip
    labelled = [[cell.label if isinstance(cell, Word) else cell for cell in row] for row in rows]
    frame = pd.DataFrame(labelled, columns=columns)
    frame["can_lead"] = frame["can_lead"].astype(bool)
    frame["is_active"] = frame["is_active"].astype(bool)
    frame.insert(11, "ties", frame["id"].map(ties).fillna(0).astype(int))
    frame.insert(12, "duties", frame["id"].map(duties).fillna(0).astype(int))
    if not actor.may(Permission.MANAGE_INSPECTORS):
        frame[["phone", "account"]] = ""
    return frame.drop(columns="id")


def _conditions(wanted: InspectorFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.q:
        text = unicodedata.normalize("NFKC", wanted.q).strip()
        columns = (Inspector.code, Inspector.name, Inspector.unit)
        found.append(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    if wanted.level:
        found.append(Inspector.level.in_(_known(InspectionLevel, wanted.level)))
    if wanted.kind:
        found.append(Inspector.kind.in_(_known(InspectorKind, wanted.kind)))
    if wanted.district:
        found.append(District.code.in_(wanted.district))
    if wanted.lead in ("yes", "no"):
        found.append(Inspector.can_lead.is_(wanted.lead == "yes"))
    if wanted.state in ("active", "inactive"):
        found.append(Inspector.is_active.is_(wanted.state == "active"))
    return found


def _known(enum: type[Any], words: Sequence[str]) -> list[Any]:
    """Return the words there are: an address may say anything."""
    return [member for member in enum if member.value in words]


def _count_by_person(session: Session, query: Any) -> dict[int, int]:
    grouped = query.add_columns(func.count()).group_by(query.selected_columns[0])
    return {int(row[0]): int(row[1]) for row in session.execute(grouped).all()}


def count_teams(people: int, leads: int, *, size: int = LEAST_TEAM) -> int:
    """Return how many teams of ``size`` can leave at once, each with one who may lead."""
    return min(people // size, leads)


def measure_rosters(actor: Actor, house: House) -> tuple[RosterSize, ...]:
    """Return the size of each level's roster in the actor's scope; levels without people left out."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        rows = session.execute(
            select(
                Inspector.level,
                Inspector.district_id,
                func.count(),
                func.count().filter(Inspector.can_lead),
            )
            .where(inspectors_readable_by(actor), Inspector.is_active)
            .group_by(Inspector.level, Inspector.district_id)
        ).all()
    sizes = []
    for level in InspectionLevel:
        groups = [(int(people), int(leads)) for of, _, people, leads in rows if of is level]
        people, leads = (sum(part) for part in zip(*groups, strict=True)) if groups else (0, 0)
        is_city = level is InspectionLevel.CITY
        teams = [(people, leads)] if is_city else groups
        if people:
            sizes.append(
                RosterSize(level, people, leads, sum(count_teams(*g) for g in teams), len(groups))
            )
    return tuple(sizes)


def has_inspectors(actor: Actor, house: House) -> bool:
    """Tell whether the register holds anybody the actor may see."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        found = session.execute(
            select(Inspector.id).where(inspectors_readable_by(actor)).limit(1)
        ).first()
    return found is not None


def read_inspector(actor: Actor, house: House, *, code: str) -> InspectorFacts:
    """Return one person of the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        row = session.execute(
            select(Inspector, District, Account, inspectors_managed_by(actor))
            .outerjoin(District, District.id == Inspector.district_id)
            .outerjoin(Account, Account.id == Inspector.account_id)
            .where(inspectors_readable_by(actor), Inspector.code == code)
        ).one_or_none()
    if row is None:
        raise NotFound("这名督查人员")
    person, district, account, may_edit = row
    keeps = actor.may(Permission.MANAGE_INSPECTORS)
    return InspectorFacts(
        code=person.code,
        name=person.name,
        kind=person.kind,
        level=person.level,
        district_code=district.code if district else "",
        district=district.name if district else "",
        unit=person.unit,
        qualifications=person.qualifications,
        can_lead=person.can_lead,
        phone=person.phone if keeps else "",
        account_login=account.login if account and keeps else "",
        account_name=account.name if account and keeps else "",
        is_active=person.is_active,
        may_edit=bool(may_edit),
        row_version=person.row_version,
    )


def list_home_districts(actor: Actor, house: House) -> list[tuple[str, str]]:
    """Return (code, name) of the districts a person may belong to, in the actor's scope."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        query = select(District.code, District.name).where(District.level == DistrictLevel.COUNTY)
        if actor.district_id is not None:
            query = query.where(District.id == actor.district_id)
        return [(code, name) for code, name in session.execute(query.order_by(District.code))]


def linkable_accounts(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Account``: whose route page a person may get.

    A district links accounts of its own only, a police account by its station too.
    """
    fits = and_(Account.is_active, Account.role.in_(LINKABLE_ROLES))
    if actor.district_id is None:
        return fits
    stations = select(PatrolPost.id).where(PatrolPost.district_id == actor.district_id)
    mine = or_(Account.district_id == actor.district_id, Account.station_id.in_(stations))
    return and_(fits, mine)


def list_linkable_accounts(actor: Actor, house: House, *, code: str = "") -> list[tuple[str, str]]:
    """Return (login, words) of accounts without a person, and of the one ``code`` has already."""
    require(actor, Permission.MANAGE_INSPECTORS)
    with house.read() as session:
        taken = select(Inspector.account_id).where(
            Inspector.account_id.is_not(None), Inspector.code != code
        )
        held = select(Inspector.account_id).where(
            inspectors_managed_by(actor), Inspector.code == code
        )
        rows = session.execute(
            select(Account.login, Account.name, Account.role, Account.is_active)
            .where(or_(linkable_accounts(actor), Account.id.in_(held)), Account.id.not_in(taken))
            .order_by(Account.login)
        ).all()
    return [
        (login, f"{login}（{name}，{role.label}{'' if is_active else '，已停用'}）")
        for login, name, role, is_active in rows
    ]
