"""Quick draws: commit, value, draw, result in one press; complete, void, use; every attempt kept.

The protocol is DRAW.md §5 without custodians: the commitment stands on the record, in a
transaction of its own, before a system value exists and before anything is drawn.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from db.draw_chain import append_line, lock_chain
from db.models import Draw, DrawnSchool, School
from db.scope import draws_readable_by
from domain.access import Actor, Permission, require
from domain.draw import record
from domain.draw.frame import parse_frame
from domain.draw.randomness import sha256_hex
from domain.draw.seal import (
    parameters_hash,
    result_commitment,
    result_text,
    rule_of_parameters,
    rule_parameters,
    seed_text,
    system_value,
)
from domain.draw.year import DrawRule, YearDrawn, draw_year, year_chances
from domain.errors import NotFound, UserError
from domain.quick_draw import (
    REASON_LIMIT,
    TITLE_LIMIT,
    Weighting,
    committed_source,
    draw_number,
    one_line,
    plan_parameters,
    typed_value,
)
from domain.school_filter import SchoolFilter
from domain.words import DrawForm, DrawStatus, InspectionLevel, ValueSource
from services.draw_frames import check_places, freeze_frame
from services.house import House, Work

IN_CHUNK = 5000
"""Below SQLite's limit of variables in one statement."""


@dataclass(frozen=True, slots=True)
class QuickOrder:
    """What is asked for. ``value`` counts only where it is typed.

    ``frame_hash`` is F as the preview showed it: another frame is not committed.
    """

    title: str
    wanted: SchoolFilter
    n: int
    weighting: Weighting
    value_source: ValueSource
    value: str = ""
    frame_hash: str = ""


def draw_quick(actor: Actor, house: House, *, order: QuickOrder, request_key: str) -> str:
    """Commit and draw in one press; return the draw's number.

    The same ``request_key`` pressed again answers with the same number and draws nothing
    anew. Raises ``UserError`` where the order does not fit, the frame changed since the
    preview, or an earlier press with this key stopped between commitment and result.
    """
    number, is_new = commit_quick_draw(actor, house, order=order, request_key=request_key)
    if is_new:
        typed = order.value_source is ValueSource.TYPED
        value = typed_value(order.value) if typed else system_value(secrets.token_bytes(32))
        _finish(actor, house, number=number, value=value)
        return number
    with house.read() as session:
        status = session.scalar(select(Draw.status).where(Draw.number == number))
    if status is DrawStatus.COMMITTED:
        raise UserError(
            f"抽取 {number} 已承诺，但还没有结果。",
            "可能正在计算，请刷新；仍没有结果时，请在下方记录中补完或作废。",
        )
    return number


def commit_quick_draw(
    actor: Actor, house: House, *, order: QuickOrder, request_key: str
) -> tuple[str, bool]:
    """Put frame, parameters and number on the record before the draw.

    Returns the number and whether this call made it (false: the key was used before).
    """
    require(actor, Permission.DRAW)
    if not 16 <= len(request_key) <= 64:
        raise ValueError("a request key has 16 to 64 characters")
    title = one_line(order.title, what="事由", limit=TITLE_LIMIT)
    typed = order.value_source is ValueSource.TYPED
    value = typed_value(order.value) if typed else ""
    made = freeze_frame(actor, house, wanted=order.wanted, weighting=order.weighting)
    check_places(order.n, len(made.frame))
    level = InspectionLevel.CITY if actor.district_id is None else InspectionLevel.COUNTY
    source = committed_source(order.value_source, value)
    excluded_hash = sha256_hex(made.excluded)
    with house.write(actor) as work:
        lock_chain(work.connection)
        before = work.session.execute(
            select(Draw.number, Draw.committed_by).where(Draw.request_key == request_key)
        ).first()
        if before is not None:
            if before.committed_by != actor.login:
                raise NotFound("这次抽取")
            work.audit("draw.pressed_again", before.number)
            return before.number, False
        if order.frame_hash and order.frame_hash != made.frame.hash:
            raise UserError("预览之后学校数据有了变化。", "请核对新的预览，再按一次。")
        year = house.today().year
        number = next_number(work, year)
        wanted = order.wanted.to_query()
        parameters = rule_parameters(
            DrawRule(n=order.n),
            excluded_hash=excluded_hash,
            extra=plan_parameters(
                number=number,
                title=title,
                level=level.value,
                source=order.value_source.value,
                wanted=wanted,
                weighting=order.weighting,
                rules=made.rules,
            ),
        )
        line = append_line(
            work.connection,
            at=work.at,
            kind=record.COMMIT,
            data=record.commit_data(
                draw=number,
                frame_hash=made.frame.hash,
                params_hash=parameters_hash(parameters),
                excluded_hash=excluded_hash,
                value_source=source,
                custodians=(),
            ),
        )
        work.session.add(
            Draw(
                number=number,
                year=year,
                form=DrawForm.QUICK,
                level=level,
                district_id=actor.district_id,
                title=title,
                wanted=wanted,
                n=order.n,
                request_key=request_key,
                value_source=order.value_source,
                public_value=value or None,
                frame=made.frame.content,
                excluded=made.excluded,
                frame_hash=made.frame.hash,
                parameters=parameters,
                parameters_hash=parameters_hash(parameters),
                schools=len(made.frame),
                status=DrawStatus.COMMITTED,
                committed_at=work.at,
                committed_by=actor.login,
                commit_seq=line.seq,
            )
        )
        work.bump("draws")
        work.audit(
            "draw.committed",
            number,
            {"frame": made.frame.hash, "n": order.n, "schools": len(made.frame), "head": line.hash},
        )
    return number, True


def complete_draw(actor: Actor, house: House, *, number: str) -> None:
    """Finish an attempt that stopped after its commitment, with its own committed value.

    Only a typed value stands in the commitment; a system value is made once and never
    again, so such an attempt can only be voided. A finished draw is left as it is.
    """
    require(actor, Permission.DRAW)
    found = _find(actor, house, number)
    if found.status is DrawStatus.DRAWN:
        return
    if found.value_source is not ValueSource.TYPED or found.public_value is None:
        raise UserError(
            f"抽取 {number} 用的是系统随机，一个编号只抽一次，不能补完。",
            "请写明原因作废，再用新编号抽取。",
        )
    _finish(actor, house, number=number, value=found.public_value)


def void_draw(actor: Actor, house: House, *, number: str, reason: str) -> None:
    """Void an attempt without result; number, commitment and reason stay on the record.

    Raises ``UserError`` where it has a result: that one stays, used or not.
    """
    require(actor, Permission.DRAW)
    said = one_line(reason, what="作废原因", limit=REASON_LIMIT)
    draw_id = _find(actor, house, number).id
    with house.write(actor) as work:
        lock_chain(work.connection)
        changed = work.session.execute(
            update(Draw)
            .where(Draw.id == draw_id, Draw.status == DrawStatus.COMMITTED)
            .values(status=DrawStatus.VOID, void_reason=said, voided_by=actor.login)
            .returning(Draw.id)
        ).all()
        if not changed:
            raise UserError(
                f"抽取 {number} 已有结果或已作废，不能作废。", "不用这次结果时，不按“采用”即可。"
            )
        append_line(
            work.connection, at=work.at, kind=record.VOID, data={"draw": number, "reason": said}
        )
        work.bump("draws")
        work.audit("draw.voided", number, {"reason": said})


def use_draw(actor: Actor, house: House, *, number: str) -> None:
    """Mark a draw as the one that is used; the other attempts of its title stay listed.

    Raises ``UserError`` where it has no result or another attempt of the title is used.
    """
    require(actor, Permission.DRAW)
    found = _find(actor, house, number)
    with house.write(actor) as work:
        lock_chain(work.connection)
        other = work.session.scalar(
            select(Draw.number).where(
                Draw.year == found.year,
                Draw.title == found.title,
                Draw.level == found.level,
                Draw.district_id.is_not_distinct_from(found.district_id),
                Draw.used_at.is_not(None),
            )
        )
        if other is not None:
            raise UserError(
                f"“{found.title}”已采用抽取 {other}。", "另一轮督查请另写事由，重新抽取。"
            )
        changed = work.session.execute(
            update(Draw)
            .where(Draw.id == found.id, Draw.status == DrawStatus.DRAWN)
            .values(used_at=work.at, used_by=actor.login)
            .returning(Draw.id)
        ).all()
        if not changed:
            raise UserError(f"抽取 {number} 还没有结果，不能采用。", "请先补完，或作废后重抽。")
        append_line(work.connection, at=work.at, kind=record.USE, data={"draw": number})
        work.bump("draws")
        work.audit("draw.used", number)


def next_number(work: Work, year: int) -> str:
    """Return the year's next number; call it under ``lock_chain``, so that none comes twice."""
    made_before = select(func.count()).select_from(Draw).where(Draw.year == year)
    return draw_number(year, work.session.execute(made_before).scalar_one() + 1)


def find_quick_draw(session: Session, actor: Actor, number: str) -> Draw:
    """Return a quick draw in the actor's scope, or raise ``NotFound``."""
    found = session.scalars(
        select(Draw).where(
            draws_readable_by(actor), Draw.number == number, Draw.form == DrawForm.QUICK
        )
    ).one_or_none()
    if found is None:
        raise NotFound("这次抽取")
    return found


def _find(actor: Actor, house: House, number: str) -> Draw:
    with house.read() as session:
        return find_quick_draw(session, actor, number)


def _finish(actor: Actor, house: House, *, number: str, value: str) -> None:
    """Draw with the value and store value, result and record in one transaction.

    Whoever comes second finds the result there and changes nothing.
    """
    with house.read() as session:
        frozen = session.execute(
            select(Draw.id, Draw.frame, Draw.parameters).where(Draw.number == number)
        ).one()
    frame = parse_frame(frozen.frame)
    seed = seed_text(frame.hash, parameters_hash(frozen.parameters), value)
    drawn = draw_year(frame, rule_of_parameters(frozen.parameters), seed=seed)
    with house.write(actor) as work:
        lock_chain(work.connection)
        changed = work.session.execute(
            update(Draw)
            .where(Draw.id == frozen.id, Draw.status == DrawStatus.COMMITTED)
            .values(
                status=DrawStatus.DRAWN,
                public_value=value,
                seed=seed,
                drawn_at=work.at,
                drawn_by=actor.login,
            )
            .returning(Draw.id)
        ).all()
        if not changed:
            work.audit("draw.pressed_again", number)
            return
        head = _write_record(work, number=number, value=value, seed=seed, drawn=drawn)
        work.session.execute(update(Draw).where(Draw.id == frozen.id).values(reveal_seq=head[0]))
        work.session.execute(insert(DrawnSchool), drawn_rows(work, frozen.id, drawn))
        work.bump("draws")
        work.audit("draw.drawn", number, {"head": head[1]})


def _write_record(
    work: Work, *, number: str, value: str, seed: str, drawn: YearDrawn
) -> tuple[int, str]:
    """Append value, result hash and result; return number and hash of the last line."""
    nonce = secrets.token_hex(16)
    sealed = result_commitment(result_text(drawn.ids, drawn.reserve_ids), nonce)
    steps: tuple[tuple[str, dict[str, Any]], ...] = (
        (record.VALUE, record.value_data(draw=number, value=value)),
        (record.DRAW, record.draw_data(draw=number, commitment=sealed)),
        (
            record.REVEAL,
            record.reveal_data(
                draw=number,
                salts=(),
                seed=seed,
                nonce=nonce,
                selected=drawn.ids,
                reserve=drawn.reserve_ids,
            ),
        ),
    )
    lines = [append_line(work.connection, at=work.at, kind=k, data=d) for k, d in steps]
    return lines[-1].seq, lines[-1].hash


def drawn_rows(work: Work, draw_id: int, drawn: YearDrawn) -> list[dict[str, Any]]:
    """Return the rows of ``drawn_school``, each with its exact chance over both streams."""
    known: dict[str, tuple[int, str]] = {}
    for start in range(0, len(drawn.ids), IN_CHUNK):
        chunk = drawn.ids[start : start + IN_CHUNK]
        rows = work.session.execute(
            select(School.code, School.id, School.name).where(School.code.in_(chunk))
        )
        known |= {row.code: (row.id, row.name) for row in rows}
    chances = year_chances(drawn.frame, drawn.rule)
    rows_out = []
    for at, (place, code) in enumerate(zip(drawn.selected, drawn.ids, strict=True), start=1):
        school_id, name = known.get(code, (None, code))
        chance = chances[place]
        rows_out.append(
            {
                "draw_id": draw_id,
                "position": at,
                "school_id": school_id,
                "school_code": code,
                "school_name": name,
                "stratum": drawn.frame.strata[place],
                "chance_part": chance.numerator,
                "chance_whole": chance.denominator,
            }
        )
    return rows_out
