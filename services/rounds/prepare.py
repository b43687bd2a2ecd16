"""Before the draw: a departure is opened, custodians make their salts, the commitment is made.

A salt is made once, handed back once and kept nowhere; the house holds its hash only.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.draw_chain import append_line, lock_chain
from db.models import Account, Custodian, Departure, Draw, DrawnSchool, SamplingPlan
from db.scope import plans_readable_by
from domain.access import ALLOWED, Actor, Permission, require
from domain.day_task import MOST_STOPS
from domain.draw import record
from domain.draw.frame import parse_frame
from domain.draw.randomness import sha256_hex
from domain.draw.seal import (
    SALT_BYTES,
    parameters_hash,
    rule_parameters,
    salt_commitment,
    salt_text,
)
from domain.errors import NotFound, UserError
from domain.plan import PlanTerms
from domain.quick_draw import REASON_LIMIT, one_line
from domain.rounds import check_custodians, people_as_json, people_hash
from domain.words import DrawForm, DrawStatus, PlanStatus, ValueSource
from services.draws import next_number
from services.house import House, Work
from services.rounds_pool import inspector_pool

SOURCE_LIMIT = 80
PROMISED = "public:"
"""How the commitment marks a public value that has yet to fall."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An account that may keep a salt."""

    account_id: int
    name: str
    role: str


def list_candidates(actor: Actor, house: House) -> tuple[Candidate, ...]:
    """Return the active accounts that may keep a salt, by name.

    A district officer is offered own people, and leaders and auditors of the city.
    """
    require(actor, Permission.DRAW)
    with house.read() as session:
        rows = session.execute(
            select(Account.id, Account.name, Account.role)
            .where(
                Account.is_active,
                Account.role.in_(ALLOWED[Permission.KEEP_SALT]),
                Account.district_id.is_(None) | (Account.district_id == actor.district_id)
                if actor.district_id is not None
                else Account.district_id.is_(None) | Account.district_id.is_not(None),
            )
            .order_by(Account.name, Account.id)
        ).all()
    return tuple(Candidate(row.id, row.name, row.role.label) for row in rows)


def open_departure(
    actor: Actor,
    house: House,
    *,
    plan_number: str,
    departs_on: dt.date,
    n: int,
    value_source: str,
    custodian_ids: Sequence[int],
) -> int:
    """Open the next departure of an approved plan; return its id.

    ``value_source`` says which public value will count (dice before witnesses, a named
    lottery issue). Raises ``UserError`` where the plan is not approved, an earlier
    departure is still under way, or a term does not hold.
    """
    require(actor, Permission.DRAW)
    promised = one_line(value_source, what="公开值的来源", limit=SOURCE_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        plan, terms = _approved_plan(work.session, actor, plan_number)
        _no_other_under_way(work.session, plan)
        left = _places_left(work.session, plan, terms)
        if not 1 <= n <= left:
            raise UserError(
                f"本次要抽 {n} 所，计划还剩 {left} 所。",
                f"请填 1–{left}。" if left else "计划的抽取数已用完，请另拟计划。",
            )
        if n + len(terms.must_visit) > MOST_STOPS:
            raise UserError(
                f"一次出发连同必查共 {n + len(terms.must_visit)} 所，过多。",
                f"每次出发至多 {MOST_STOPS} 所，请分几次出发。",
            )
        if not max(terms.first_day, house.today()) <= departs_on <= terms.last_day:
            raise UserError(
                f"出发日 {departs_on} 不在计划期内或已过去。",
                f"计划期为 {terms.first_day} 至 {terms.last_day}，请改选日期。",
            )
        keepers = _keepers(work.session, custodian_ids)
        serial = select(func.count()).where(Departure.plan_id == plan.id)
        made = Departure(
            plan_id=plan.id,
            ordinal=work.session.execute(serial).scalar_one() + 1,
            departs_on=departs_on,
            n=n,
            value_source=promised,
            opened_by=actor.login,
            opened_at=work.at,
        )
        work.session.add(made)
        work.session.flush()
        work.session.add_all(
            Custodian(departure_id=made.id, position=at, account_id=account_id, name=name)
            for at, (account_id, name) in enumerate(keepers, start=1)
        )
        work.bump("draws")
        work.audit(
            "round.opened",
            f"{plan.number}-{made.ordinal}",
            {"n": n, "departs_on": departs_on.isoformat(), "custodians": len(keepers)},
        )
        return made.id


def make_salt(actor: Actor, house: House, *, departure_id: int) -> str:
    """Make the actor's salt, keep its hash and return it: this once, to be printed.

    Until the commitment a lost print can be replaced by a new salt. Raises ``NotFound``
    unless the actor is a custodian of that departure.
    """
    require(actor, Permission.KEEP_SALT)
    salt = salt_text(secrets.token_bytes(SALT_BYTES))
    _keep_commitment(actor, house, departure_id, lambda name: salt_commitment(salt, name))
    return salt


def give_commitment(actor: Actor, house: House, *, departure_id: int, commitment: str) -> None:
    """Keep the hash of a salt made elsewhere: before departure the house never sees the salt.

    ``commitment`` is SHA-256 in hex of the salt (32 or more of 0–9, a–f), a line feed and
    the custodian's name as the round shows it. Raises ``UserError`` where it is no hash.
    """
    require(actor, Permission.KEEP_SALT)
    made = "".join(commitment.split()).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", made):
        raise UserError("承诺应为 64 位的 0–9、a–f 字符。", "请对照自己计算的 SHA-256 填写。")
    _keep_commitment(actor, house, departure_id, lambda _name: made)


def _keep_commitment(
    actor: Actor, house: House, departure_id: int, made_for: Callable[[str], str]
) -> None:
    with house.write(actor) as work:
        lock_chain(work.connection)
        found = work.session.execute(
            select(Custodian, Departure)
            .join(Departure, Departure.id == Custodian.departure_id)
            .where(Departure.id == departure_id, Custodian.account_id == actor.account_id)
        ).first()
        if found is None:
            raise NotFound("这次出发的保管任务")
        keeper, departure = found
        if departure.draw_id is not None or departure.cancelled_reason is not None:
            raise UserError(
                "已经承诺或取消，随机盐不能再换。", "封条遗失时，请由督查员公开作废这次抽取。"
            )
        is_anew = keeper.commitment is not None
        keeper.commitment, keeper.made_at = made_for(keeper.name), work.at
        work.bump("draws")
        work.audit("round.salt_made", str(departure_id), {"anew": int(is_anew)})


def cancel_departure(actor: Actor, house: House, *, departure_id: int, reason: str) -> None:
    """Cancel a departure that is not committed yet; it stays listed with its reason."""
    require(actor, Permission.DRAW)
    said = one_line(reason, what="取消原因", limit=REASON_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        departure, plan = find_departure(work.session, actor, departure_id)
        if departure.draw_id is not None:
            raise UserError("已经承诺，不能取消。", "请改为作废，并写明原因。")
        departure.cancelled_reason = said
        work.bump("draws")
        work.audit("round.cancelled", f"{plan.number}-{departure.ordinal}", {"reason": said})


def commit_round(actor: Actor, house: House, *, departure_id: int) -> str:
    """Put the commitment on the record before any randomness exists; return the number.

    Freezes F, P, the people who may be sent and each custodian's hash. A second press
    answers with the same number.
    """
    require(actor, Permission.DRAW)
    with house.write(actor) as work:
        lock_chain(work.connection)
        departure, plan = find_departure(work.session, actor, departure_id)
        if departure.cancelled_reason is not None:
            raise UserError("这次出发已取消。", "请另开一次出发。")
        if departure.draw_id is not None:
            work.audit("round.pressed_again", f"{plan.number}-{departure.ordinal}")
            return str(work.session.scalar(select(Draw.number).where(Draw.id == departure.draw_id)))
        keepers = read_keepers(work.session, departure.id)
        missing = [keeper.name for keeper in keepers if keeper.commitment is None]
        if missing:
            raise UserError(
                f"保管人 {'、'.join(missing)} 还没有生成随机盐。",
                "请其登录本人账号，在“封条保管”页生成并打印。",
            )
        terms = PlanTerms.from_json(plan.terms)
        people = people_as_json(
            inspector_pool(
                work.session,
                level=plan.level,
                district_id=plan.district_id,
                channel=terms.channel,
                on=departure.departs_on,
                duty_days=terms.roster.duty_days,
            )
        )
        number = next_number(work, house.today().year)
        frame, excluded = _frozen_files(plan)
        excluded_hash = sha256_hex(excluded)
        parameters = rule_parameters(
            terms.rule(n=departure.n, inspected=_inspected(work.session, plan, frame)),
            excluded_hash=excluded_hash,
            extra=_extra(departure, plan, number=number, people=people),
        )
        line = append_line(
            work.connection,
            at=work.at,
            kind=record.COMMIT,
            data=record.commit_data(
                draw=number,
                frame_hash=plan.frame_hash,
                params_hash=parameters_hash(parameters),
                excluded_hash=excluded_hash,
                value_source=PROMISED + departure.value_source,
                custodians=[(keeper.name, str(keeper.commitment)) for keeper in keepers],
            ),
        )
        draw = Draw(
            number=number,
            year=house.today().year,
            form=DrawForm.SEALED,
            level=plan.level,
            district_id=plan.district_id,
            title=plan.title,
            wanted=terms.wanted.to_query(),
            n=departure.n,
            request_key=f"departure-{departure.id:08d}",
            value_source=ValueSource.TYPED,
            frame=frame,
            excluded=excluded,
            frame_hash=plan.frame_hash,
            parameters=parameters,
            parameters_hash=parameters_hash(parameters),
            schools=plan.schools,
            status=DrawStatus.COMMITTED,
            committed_at=work.at,
            committed_by=actor.login,
            commit_seq=line.seq,
            plan_id=plan.id,
            departs_on=departure.departs_on,
        )
        work.session.add(draw)
        work.session.flush()
        departure.draw_id, departure.people = draw.id, people
        work.bump("draws")
        work.audit(
            "draw.committed",
            number,
            {"frame": plan.frame_hash, "n": departure.n, "plan": plan.number, "head": line.hash},
        )
    return number


def find_departure(
    session: Session, actor: Actor, departure_id: int
) -> tuple[Departure, SamplingPlan]:
    """Return a departure with its plan in the actor's scope, or raise ``NotFound``."""
    found = session.execute(
        select(Departure, SamplingPlan)
        .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
        .where(plans_readable_by(actor), Departure.id == departure_id)
    ).first()
    if found is None:
        raise NotFound("这次出发")
    return found[0], found[1]


def read_keepers(session: Session, departure_id: int) -> Sequence[Custodian]:
    """Return a departure's custodians in the order their salts enter the seed."""
    return session.scalars(
        select(Custodian).where(Custodian.departure_id == departure_id).order_by(Custodian.position)
    ).all()


def _approved_plan(session: Session, actor: Actor, number: str) -> tuple[SamplingPlan, PlanTerms]:
    plan = session.scalars(
        select(SamplingPlan).where(plans_readable_by(actor), SamplingPlan.number == number)
    ).one_or_none()
    if plan is None:
        raise NotFound("这个抽查计划")
    if plan.status is not PlanStatus.APPROVED:
        raise UserError(f"计划 {number} 的状态是“{plan.status.label}”。", "局领导批准后才能抽取。")
    if plan.district_id != actor.district_id:
        raise UserError(
            "这是区县的计划，应由该区县的专干抽取。", "市级督查员可以查看，不能代为抽取。"
        )
    return plan, PlanTerms.from_json(plan.terms)


def _no_other_under_way(session: Session, plan: SamplingPlan) -> None:
    """A second departure would have to know what the first one drew, which is sealed."""
    under_way = session.scalar(
        select(Departure.ordinal)
        .outerjoin(Draw, Draw.id == Departure.draw_id)
        .where(
            Departure.plan_id == plan.id,
            Departure.cancelled_reason.is_(None),
            Draw.id.is_(None) | Draw.status.not_in((DrawStatus.DRAWN, DrawStatus.VOID)),
        )
    )
    if under_way is not None:
        raise UserError(
            f"计划 {plan.number} 的第 {under_way} 次出发还没有启封。",
            "请先启封、作废或取消那一次，再开下一次。",
        )


def _places_left(session: Session, plan: SamplingPlan, terms: PlanTerms) -> int:
    done = session.scalar(
        select(func.coalesce(func.sum(Draw.n), 0)).where(
            Draw.plan_id == plan.id, Draw.status == DrawStatus.DRAWN
        )
    )
    return terms.places(plan.schools) - int(done or 0)


def _keepers(session: Session, ids: Sequence[int]) -> list[tuple[int, str]]:
    rows = session.execute(
        select(Account.id, Account.name).where(
            Account.id.in_(ids),
            Account.is_active,
            Account.role.in_(ALLOWED[Permission.KEEP_SALT]),
        )
    ).all()
    known = {row.id: row.name for row in rows}
    if set(ids) - set(known):
        raise UserError("有保管人的账号已停用或不能保管随机盐。", "请重新选择。")
    check_custodians([known[one] for one in ids])
    return [(one, known[one]) for one in ids]


def _frozen_files(plan: SamplingPlan) -> tuple[bytes, bytes]:
    if plan.frame is None or plan.excluded is None:
        raise UserError(f"计划 {plan.number} 没有冻结的名录库。", "请退回后重新提交、批准。")
    return plan.frame, plan.excluded


def _inspected(session: Session, plan: SamplingPlan, frame: bytes) -> tuple[str, ...]:
    """Return stream B: inspected when the plan froze, or drawn by its earlier departures."""
    drawn = session.scalars(
        select(DrawnSchool.school_code)
        .join(Draw, Draw.id == DrawnSchool.draw_id)
        .where(Draw.plan_id == plan.id)
    ).all()
    known = parse_frame(frame).position
    return tuple(sorted({code for code in (*plan.inspected, *drawn) if code in known}))


def _extra(
    departure: Departure, plan: SamplingPlan, *, number: str, people: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "form": DrawForm.SEALED.value,
        "number": number,
        "plan": plan.number,
        "departure": departure.ordinal,
        "departs_on": departure.departs_on.isoformat(),
        "title": plan.title,
        "level": plan.level.value,
        "value_source": departure.value_source,
        "terms": plan.terms,
        "people": people_hash(people),
    }


def void_round(actor: Actor, house: House, *, number: str, reason: str) -> None:
    """Void a round before departure, in public; number, commitment and reason stay.

    Salts that were entered are wiped, so that nothing follows from what remains.
    """
    require(actor, Permission.DRAW)
    said = one_line(reason, what="作废原因", limit=REASON_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw_id = find_round(work, actor, number).id
        changed = work.session.execute(
            update(Draw)
            .where(
                Draw.id == draw_id,
                Draw.status.in_((DrawStatus.COMMITTED, DrawStatus.VALUED)),
            )
            .values(status=DrawStatus.VOID, void_reason=said, voided_by=actor.login)
            .returning(Draw.id)
        ).all()
        if not changed:
            raise UserError(
                f"抽取 {number} 已经出发、启封或作废，不能作废。",
                "已出发的，请在督查结束后启封；没有查成的学校写明原因。",
            )
        departures = select(Departure.id).where(Departure.draw_id == draw_id)
        work.session.execute(
            update(Custodian).where(Custodian.departure_id.in_(departures)).values(salt=None)
        )
        append_line(
            work.connection,
            at=work.at,
            kind=record.VOID,
            data={"draw": number, "reason": said},
        )
        work.bump("draws")
        work.audit("draw.voided", number, {"reason": said})


def find_round(work: Work, actor: Actor, number: str) -> Draw:
    """Return a sealed draw that the actor may carry on, or raise ``NotFound``.

    A city inspector sees a district's draws but does not act on them.
    """
    found = work.session.scalars(
        select(Draw).where(
            Draw.number == number,
            Draw.form == DrawForm.SEALED,
            Draw.district_id.is_not_distinct_from(actor.district_id),
        )
    ).one_or_none()
    if found is None:
        raise NotFound("这次抽取")
    return found
