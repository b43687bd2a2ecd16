"""Rounds as they may be seen: steps, hashes and people's tasks; never what a sealed one drew."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import (
    Account,
    Custodian,
    Departure,
    District,
    Draw,
    SamplingPlan,
)
from db.scope import plans_readable_by
from domain.access import Actor, Permission, require
from domain.errors import NotFound
from domain.plan import PlanTerms
from domain.words import (
    DrawStatus,
    InspectionLevel,
    PlanStatus,
    Word,
)
from services.house import House


class RoundStep(Word):
    """Where a round stands, in the order of the protocol."""

    SALTS = "salts", "保管人生成随机盐"
    COMMIT = "commit", "承诺"
    VALUE = "value", "公开值"
    DEPART = "depart", "出发"
    REVEAL = "reveal", "启封"
    PUBLISH = "publish", "公示"
    DONE = "done", "已公示"
    STOPPED = "stopped", "已作废或取消"


@dataclass(frozen=True, slots=True)
class Keeper:
    """A custodian as everybody who sees the round may see them; never the salt."""

    name: str
    login: str
    role: str
    commitment: str
    has_entered: bool


@dataclass(frozen=True, slots=True)
class RoundFacts:
    """One departure and its draw. Texts are empty and times ``None`` where not yet.

    ``step`` is what comes next; ``head`` the hash of the round's last line on the record.
    """

    departure_id: int
    plan_number: str
    title: str
    ordinal: int
    number: str
    step: RoundStep
    level: InspectionLevel
    district: str
    district_id: int | None
    departs_on: dt.date
    n: int
    schools: int
    teams: int
    team_size: int
    people: int
    promised: str
    value: str
    frame_hash: str
    parameters_hash: str
    seed: str
    head: str
    keepers: tuple[Keeper, ...]
    opened_by: str
    opened_at: dt.datetime
    committed_by: str
    committed_at: dt.datetime | None
    departed_at: dt.datetime | None
    revealed_by: str
    revealed_at: dt.datetime | None
    published_by: str
    published_at: dt.datetime | None
    stopped_reason: str

    @property
    def all_salts_made(self) -> bool:
        """Tell whether every custodian has committed to a salt."""
        return all(keeper.commitment for keeper in self.keepers)

    @property
    def all_salts_entered(self) -> bool:
        """Tell whether nothing but the computing is missing."""
        return all(keeper.has_entered for keeper in self.keepers)


def list_rounds(actor: Actor, house: House) -> tuple[RoundFacts, ...]:
    """Return the departures of the plans in the actor's scope, newest first."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        return _read(session, plans_readable_by(actor))


def read_round(actor: Actor, house: House, *, departure_id: int) -> RoundFacts:
    """Return one departure in the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = _read(session, plans_readable_by(actor) & (Departure.id == departure_id))
    if not found:
        raise NotFound("这次出发")
    return found[0]


def list_approved_plans(actor: Actor, house: House) -> tuple[tuple[str, str, PlanTerms, int], ...]:
    """Return (number, title, terms, schools in the frame) of plans the actor may draw from."""
    require(actor, Permission.DRAW)
    with house.read() as session:
        rows = session.execute(
            select(
                SamplingPlan.number, SamplingPlan.title, SamplingPlan.terms, SamplingPlan.schools
            )
            .where(
                plans_readable_by(actor),
                SamplingPlan.status == PlanStatus.APPROVED,
                SamplingPlan.district_id.is_not_distinct_from(actor.district_id),
            )
            .order_by(SamplingPlan.id.desc())
        ).all()
    return tuple((r.number, r.title, PlanTerms.from_json(r.terms), r.schools) for r in rows)


def list_keeper_tasks(actor: Actor, house: House) -> tuple[RoundFacts, ...]:
    """Return the rounds in which the actor keeps a salt that are not over, newest first.

    Being a custodian is what lets somebody see them, whatever the scope.
    """
    require(actor, Permission.KEEP_SALT)
    if actor.account_id is None:
        return ()
    mine = select(Custodian.departure_id).where(Custodian.account_id == actor.account_id)
    with house.read() as session:
        found = _read(session, Departure.id.in_(mine))
    return tuple(
        one
        for one in found
        if one.step in (RoundStep.SALTS, RoundStep.COMMIT, RoundStep.VALUE, RoundStep.DEPART)
    )


def _read(session: Session, condition: ColumnElement[bool]) -> tuple[RoundFacts, ...]:
    rows = session.execute(
        select(Departure, SamplingPlan, Draw, District.name)
        .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
        .outerjoin(Draw, Draw.id == Departure.draw_id)
        .outerjoin(District, District.id == SamplingPlan.district_id)
        .where(condition)
        .order_by(Departure.id.desc())
    ).all()
    keepers = _keepers(session, [row[0].id for row in rows])
    return tuple(
        _facts(session, departure, plan, draw, district or "", keepers.get(departure.id, ()))
        for departure, plan, draw, district in rows
    )


def _keepers(session: Session, ids: list[int]) -> dict[int, tuple[Keeper, ...]]:
    rows = session.execute(
        select(
            Custodian.departure_id,
            Custodian.name,
            Account.login,
            Account.role,
            Custodian.commitment,
            Custodian.entered_at,
        )
        .join(Account, Account.id == Custodian.account_id)
        .where(Custodian.departure_id.in_(ids))
        .order_by(Custodian.departure_id, Custodian.position)
    ).all()
    found: dict[int, tuple[Keeper, ...]] = {}
    for row in rows:
        keeper = Keeper(
            row.name, row.login, row.role.label, row.commitment or "", row.entered_at is not None
        )
        found[row.departure_id] = (*found.get(row.departure_id, ()), keeper)
    return found


_NEXT: dict[DrawStatus, RoundStep] = {
    DrawStatus.COMMITTED: RoundStep.VALUE,
    DrawStatus.VALUED: RoundStep.DEPART,
    DrawStatus.DEPARTED: RoundStep.REVEAL,
    DrawStatus.DRAWN: RoundStep.PUBLISH,
    DrawStatus.VOID: RoundStep.STOPPED,
}


def _step(departure: Departure, draw: Draw | None, keepers: tuple[Keeper, ...]) -> RoundStep:
    if departure.cancelled_reason is not None:
        return RoundStep.STOPPED
    if draw is None:
        return RoundStep.COMMIT if all(k.commitment for k in keepers) else RoundStep.SALTS
    if draw.published_at is not None:
        return RoundStep.DONE
    return _NEXT[draw.status]


def _facts(
    session: Session,
    departure: Departure,
    plan: SamplingPlan,
    draw: Draw | None,
    district: str,
    keepers: tuple[Keeper, ...],
) -> RoundFacts:
    terms = PlanTerms.from_json(plan.terms)
    return RoundFacts(
        departure_id=departure.id,
        plan_number=plan.number,
        title=plan.title,
        ordinal=departure.ordinal,
        number=draw.number if draw else "",
        step=_step(departure, draw, keepers),
        level=plan.level,
        district=district,
        district_id=plan.district_id,
        departs_on=departure.departs_on,
        n=departure.n,
        schools=plan.schools,
        teams=terms.day.teams,
        team_size=terms.day.team_size,
        people=len(departure.people),
        promised=departure.value_source,
        value=(draw.public_value or "") if draw else "",
        frame_hash=plan.frame_hash,
        parameters_hash=draw.parameters_hash if draw else "",
        seed=(draw.seed or "") if draw else "",
        head=_head(session, draw),
        keepers=keepers,
        opened_by=departure.opened_by,
        opened_at=departure.opened_at,
        committed_by=draw.committed_by if draw else "",
        committed_at=draw.committed_at if draw else None,
        departed_at=draw.departed_at if draw else None,
        revealed_by=(draw.drawn_by or "") if draw else "",
        revealed_at=draw.drawn_at if draw else None,
        published_by=(draw.published_by or "") if draw else "",
        published_at=draw.published_at if draw else None,
        stopped_reason=departure.cancelled_reason or (draw.void_reason if draw else ""),
    )


def _head(session: Session, draw: Draw | None) -> str:
    if draw is None:
        return ""
    last = draw.reveal_seq or draw.commit_seq
    return read_lines(session.connection(), first=last, last=last)[0].hash
