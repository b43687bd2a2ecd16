"""Change plans: save, submit, return, approve, cancel, copy. One transaction and event each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select, update

from db.draw_chain import lock_chain
from db.models import Departure, Draw, SamplingPlan
from domain.access import Actor, Permission, require
from domain.draw.randomness import sha256_hex
from domain.errors import Forbidden, UserError
from domain.plan import PlanTerms, plan_number
from domain.quick_draw import REASON_LIMIT, TITLE_LIMIT, one_line
from domain.words import DrawStatus, PlanStatus
from services.house import LOCAL_ZONE, House, Work
from services.plans.basis import make_basis, owner_of
from services.plans.records import find_plan, name_of, read_plan

THAWED: dict[str, Any] = {
    "frame": None,
    "excluded": None,
    "frame_hash": "",
    "inspected": [],
    "schools": 0,
}
"""What a plan holds of frozen files while it is a draft."""


def save_plan(
    actor: Actor,
    house: House,
    *,
    terms: PlanTerms,
    number: str | None = None,
    row_version: int | None = None,
) -> str:
    """Save a new draft, or new terms of a draft; return its number.

    A draft may be unfinished; submission checks the rest. ``row_version`` is the one that
    the page showed: raises ``UserError`` where somebody else has saved since.
    """
    require(actor, Permission.EDIT_PLANS)
    level, district_id = owner_of(actor)
    terms = replace(terms, title=one_line(terms.title, what="计划名称", limit=TITLE_LIMIT))
    terms.check_draft()
    with house.write(actor) as work:
        lock_chain(work.connection)
        if number is not None:
            _change(
                work,
                actor,
                number=number,
                row_version=row_version,
                allowed={PlanStatus.DRAFT},
                verb="修改",
                as_editor=True,
                values={
                    "title": terms.title,
                    "year": terms.first_day.year,
                    "terms": terms.as_json(),
                },
            )
            work.audit("plan.saved", number, {"title": terms.title})
            return number
        number = _next_number(work, terms.first_day.year)
        work.session.add(
            SamplingPlan(
                number=number,
                year=terms.first_day.year,
                title=terms.title,
                level=level,
                district_id=district_id,
                status=PlanStatus.DRAFT,
                terms=terms.as_json(),
                created_by=actor.login,
                created_at=work.at,
                updated_by=actor.login,
                updated_at=work.at,
                **THAWED,
            )
        )
        work.bump("draws")
        work.audit("plan.drafted", number, {"title": terms.title})
    return number


def submit_plan(
    actor: Actor,
    house: House,
    *,
    number: str,
    row_version: int | None = None,
    frame_hash: str = "",
) -> str:
    """Freeze the plan and hand it to the leaders; return F.

    ``frame_hash`` is F as the preview showed it: another frame is not frozen. Raises
    ``UserError`` naming the first term that does not hold.
    """
    require(actor, Permission.EDIT_PLANS)
    before = read_plan(actor, house, number=number)
    if before.district_id != actor.district_id:
        raise _not_yours("提交")
    if before.status is not PlanStatus.DRAFT:
        raise _wrong_status(before.status, number, "提交")
    if before.terms.last_day < house.today():
        raise UserError(f"计划期 {before.terms.last_day} 已过。", "请改正起止日期再提交。")
    basis = make_basis(actor, house, terms=before.terms)
    if frame_hash and frame_hash != basis.frame.hash:
        raise UserError("预览之后学校数据有了变化。", "请核对新的预览，再提交一次。")
    weighting = before.terms.weighting
    rules = {
        "version": basis.rules.version,
        "weights": {level.value: w for level, w in basis.rules.level_weights.items()},
        "floor": weighting.floor,
        "cap": weighting.cap,
        "recent_divisor": basis.rules.recent_divisor,
    }
    with house.write(actor) as work:
        lock_chain(work.connection)
        _change(
            work,
            actor,
            number=number,
            row_version=before.row_version if row_version is None else row_version,
            allowed={PlanStatus.DRAFT},
            verb="提交",
            as_editor=True,
            values={
                "status": PlanStatus.SUBMITTED,
                "terms": {**before.terms.as_json(), "rules": rules},
                "frame": basis.frame.content,
                "excluded": basis.excluded,
                "frame_hash": basis.frame.hash,
                "inspected": list(basis.inspected),
                "schools": len(basis.frame),
                "submitted_by": actor.login,
                "submitted_at": work.at,
                "decided_by": None,
                "decided_at": None,
                "decision_note": "",
            },
        )
        work.audit(
            "plan.submitted",
            number,
            {
                "frame": basis.frame.hash,
                "excluded": sha256_hex(basis.excluded),
                "schools": len(basis.frame),
                "n": basis.n,
            },
        )
    return basis.frame.hash


def return_plan(
    actor: Actor, house: House, *, number: str, note: str, row_version: int | None = None
) -> None:
    """Send a submitted plan back to its drafters with a note; nothing stays frozen."""
    require(actor, Permission.APPROVE_PLANS)
    said = one_line(note, what="退回意见", limit=REASON_LIMIT)
    with house.write(actor) as work:
        lock_chain(work.connection)
        terms = dict(find_plan(work.session, actor, number).terms)
        terms.pop("rules", None)
        _decide(
            work,
            actor,
            number=number,
            row_version=row_version,
            allowed={PlanStatus.SUBMITTED},
            verb="退回",
            note=said,
            values={"status": PlanStatus.DRAFT, "terms": terms, **THAWED},
        )
        work.audit("plan.returned", number, {"note": said})


def approve_plan(
    actor: Actor, house: House, *, number: str, row_version: int | None = None, note: str = ""
) -> None:
    """Approve a submitted plan; from then on its terms and files never change.

    ``row_version`` is that of the plan as it was shown, so that nobody approves unseen
    terms. Raises ``UserError`` where the frozen file is not what its hash says.
    """
    require(actor, Permission.APPROVE_PLANS)
    said = one_line(note, what="批准意见", limit=REASON_LIMIT) if note.strip() else ""
    with house.write(actor) as work:
        lock_chain(work.connection)
        found = find_plan(work.session, actor, number)
        if found.status is PlanStatus.SUBMITTED:
            if found.frame is None or sha256_hex(found.frame) != found.frame_hash:
                raise UserError(
                    f"计划 {number} 冻结的名录库与其哈希不符。", "请退回，并请审计核查日志。"
                )
            if PlanTerms.from_json(found.terms).last_day < house.today():
                raise UserError(f"计划 {number} 的计划期已过。", "请退回，改正日期后再提交。")
        _decide(
            work,
            actor,
            number=number,
            row_version=row_version,
            allowed={PlanStatus.SUBMITTED},
            verb="批准",
            note=said,
            values={"status": PlanStatus.APPROVED},
        )
        work.audit("plan.approved", number, {"frame": found.frame_hash, "note": said})


def cancel_plan(
    actor: Actor, house: House, *, number: str, reason: str, row_version: int | None = None
) -> None:
    """Cancel a plan with a reason; it stays listed.

    Its drafters cancel it before approval, a leader from submission on. Raises
    ``UserError`` while one of its departures is under way.
    """
    said = one_line(reason, what="撤销原因", limit=REASON_LIMIT)
    leads = actor.may(Permission.APPROVE_PLANS)
    if not leads:
        require(actor, Permission.EDIT_PLANS)
    allowed = (
        {PlanStatus.SUBMITTED, PlanStatus.APPROVED}
        if leads
        else {PlanStatus.DRAFT, PlanStatus.SUBMITTED}
    )
    with house.write(actor) as work:
        lock_chain(work.connection)
        under_way = work.session.scalar(
            select(Departure.ordinal)
            .outerjoin(Draw, Draw.id == Departure.draw_id)
            .where(
                Departure.plan_id == find_plan(work.session, actor, number).id,
                Departure.cancelled_reason.is_(None),
                Draw.id.is_(None) | Draw.status.not_in((DrawStatus.DRAWN, DrawStatus.VOID)),
            )
        )
        if under_way is not None:
            raise UserError(
                f"计划 {number} 的第 {under_way} 次出发还没有结束。",
                "请先启封、作废或取消那次出发，再撤销计划。",
            )
        _decide(
            work,
            actor,
            number=number,
            row_version=row_version,
            allowed=allowed,
            verb="撤销",
            note=said,
            values={"status": PlanStatus.CANCELLED},
            as_editor=not leads,
        )
        work.audit("plan.cancelled", number, {"reason": said})


def copy_plan(actor: Actor, house: House, *, number: str) -> str:
    """Make a new draft from an earlier plan of the same owner; return its number.

    Days that have passed move on to start today, as long as the year allows.
    """
    require(actor, Permission.EDIT_PLANS)
    old = read_plan(actor, house, number=number)
    if old.district_id != actor.district_id:
        raise UserError(f"计划 {number} 由别的单位拟定，不能复制。", "请新拟一个计划。")
    terms, today = old.terms, house.today()
    if terms.first_day < today:
        length = terms.last_day - terms.first_day
        last = min(today + length, dt.date(today.year, 12, 31))
        terms = replace(terms, first_day=today, last_day=last)
    title = f"{terms.title[: TITLE_LIMIT - 4]}（复制）"
    return save_plan(actor, house, terms=replace(terms, title=title))


def _decide(
    work: Work,
    actor: Actor,
    *,
    number: str,
    row_version: int | None,
    allowed: Collection[PlanStatus],
    verb: str,
    note: str,
    values: dict[str, Any],
    as_editor: bool = False,
) -> None:
    decided = {"decided_by": actor.login, "decided_at": work.at, "decision_note": note}
    _change(
        work,
        actor,
        number=number,
        row_version=row_version,
        allowed=allowed,
        verb=verb,
        values={**values, **decided},
        as_editor=as_editor,
    )


def _change(
    work: Work,
    actor: Actor,
    *,
    number: str,
    row_version: int | None,
    allowed: Collection[PlanStatus],
    verb: str,
    values: dict[str, Any],
    as_editor: bool,
) -> None:
    """Change a plan's row under ``lock_chain``, or say in words why not."""
    found = find_plan(work.session, actor, number)
    if as_editor and found.district_id != actor.district_id:
        raise _not_yours(verb)
    if found.status not in allowed:
        raise _wrong_status(found.status, number, verb)
    if row_version is not None and found.row_version != row_version:
        at = found.updated_at.astimezone(LOCAL_ZONE) if found.updated_at else None
        when = f"于 {at:%m-%d %H:%M} " if at else ""
        raise UserError(
            f"计划 {number} 已由{name_of(work.session, found.updated_by)}{when}保存过，"
            f"您看到的不是最新内容，这次{verb}没有生效。",
            "请重新打开这个计划，看过新内容后再改。",
        )
    work.session.execute(
        update(SamplingPlan)
        .where(SamplingPlan.id == found.id)
        .values(
            **values,
            row_version=found.row_version + 1,
            updated_by=actor.login,
            updated_at=work.at,
        )
        .execution_options(synchronize_session=False)
    )
    work.bump("draws")


def _not_yours(verb: str) -> Forbidden:
    return Forbidden(f"{verb}别的单位拟定的计划")


def _wrong_status(status: PlanStatus, number: str, verb: str) -> UserError:
    cure = {
        PlanStatus.DRAFT: "请由拟定人提交后再办。",
        PlanStatus.SUBMITTED: "请局领导退回后再改。",
        PlanStatus.APPROVED: "批准后内容不再变动；确需改变，请局领导撤销，复制为新计划。",
        PlanStatus.CANCELLED: "可以复制为新计划。",
    }[status]
    return UserError(f"计划 {number} {status.label}，不能{verb}。", cure)


def _next_number(work: Work, year: int) -> str:
    prefix = plan_number(year, 0).rpartition("-")[0]
    before = work.session.scalar(
        select(SamplingPlan.number)
        .where(SamplingPlan.number.startswith(prefix))
        .order_by(func.length(SamplingPlan.number).desc(), SamplingPlan.number.desc())
        .limit(1)
    )
    return plan_number(year, int(before.rpartition("-")[2]) + 1 if before else 1)
