"""Papers of draws: the certificate of a quick draw, from what was stored with it."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import Draw
from db.scope import draws_readable_by
from domain.access import Actor, Permission, require
from domain.draw.frame import parse_excluded
from domain.draw.seal import rule_of_parameters
from domain.errors import NotFound, UserError
from domain.words import DrawForm, DrawStatus, ValueSource
from services.draw_list import QUICK_HOLDS, QUICK_LACKS
from services.house import House
from services.paper_facts import count_strata, issuer_of, names_behind
from services.reports.papers.certificate import (
    CertificateFacts,
    Hand,
    Step,
    make_certificate,
)


def export_certificate(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the certificate of a quick draw as PDF bytes; writes an audit event.

    The same draw gives the same bytes until it is marked as used. Raises ``NotFound``
    outside the actor's scope, ``UserError`` where the draw has no result or was sealed.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        facts = _quick_facts(session, _find(session, actor, number))
    content = make_certificate(facts)
    with house.write(actor) as work:
        work.audit("draw.certificate_exported", number, {"head": facts.head})
    return content


def _find(session: Session, actor: Actor, number: str) -> Draw:
    found = session.scalars(
        select(Draw).where(draws_readable_by(actor), Draw.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("这次抽取")
    if found.form is not DrawForm.QUICK:
        raise UserError(f"抽取 {number} 是封存抽取。", "请在“抽取”页启封后下载凭证。")
    if found.status is not DrawStatus.DRAWN:
        raise UserError(f"抽取 {number} 没有结果。", "请先在“简易抽取”页补完或作废。")
    return found


def _quick_facts(session: Session, found: Draw) -> CertificateFacts:
    # A draw with a result has all of these; the types cannot know.
    if found.reveal_seq is None or found.drawn_at is None or found.seed is None:
        raise RuntimeError(f"draw {found.number} is drawn but lacks its result")
    typed = found.value_source is ValueSource.TYPED
    names = names_behind(session, {found.committed_by, found.drawn_by or "", found.used_by or ""})
    head = read_lines(session.connection(), first=found.reveal_seq, last=found.reveal_seq)[0].hash
    people = [Hand("承诺人", names[found.committed_by])]
    if typed:
        people.append(Hand("录入公开值", names[found.committed_by]))
    people.append(Hand("抽取、启封", names[found.drawn_by or ""]))
    steps = [
        Step("冻结名录、承诺", found.committed_at),
        Step("抽取、启封", found.drawn_at),
    ]
    if found.used_at is not None:
        people.append(Hand("采用", names[found.used_by or ""]))
        steps.append(Step("采用", found.used_at))
    return CertificateFacts(
        number=found.number,
        title=found.title,
        level=found.level,
        form=found.form.label,
        status=f"{'已采用' if found.used_at else '未采用'}（本事由第 {_attempt(session, found)} 次抽取）",
        schools=found.schools,
        n=found.n,
        strata=count_strata(session, found),
        frame_hash=found.frame_hash,
        parameters_hash=found.parameters_hash,
        value=found.public_value or "",
        value_source="录入，随承诺写入记录" if typed else "系统随机，承诺之后产生",
        value_at=found.committed_at if typed else found.drawn_at,
        people=tuple(people),
        steps=tuple(steps),
        head=head,
        holds=QUICK_HOLDS,
        lacks=QUICK_LACKS,
        made_at=found.used_at or found.drawn_at,
        seed=found.seed,
        excluded=len(parse_excluded(found.excluded)),
        reserve=rule_of_parameters(found.parameters).reserve,
        issuer=issuer_of(session, found.district_id),
    )


def _attempt(session: Session, found: Draw) -> int:
    """Return which attempt of its title this is, from 1, as the list of attempts counts."""
    return session.execute(
        select(func.count())
        .select_from(Draw)
        .where(
            Draw.year == found.year,
            Draw.title == found.title,
            Draw.level == found.level,
            Draw.district_id.is_not_distinct_from(found.district_id),
            Draw.id <= found.id,
        )
    ).scalar_one()
