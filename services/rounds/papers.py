"""The papers of a sealed round: commit sheet, salt slip, certificate after the reveal."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import (
    Custodian,
    Departure,
    Draw,
    SamplingPlan,
    SealedRound,
)
from db.scope import draws_readable_by, plans_readable_by
from domain.access import Actor, Permission, require
from domain.draw.frame import parse_excluded
from domain.draw.seal import read_salt, rule_of_parameters, salt_commitment
from domain.errors import NotFound, UserError
from domain.rounds import Staffed, roster_from_json
from domain.words import DrawForm, DrawStatus
from services.draw_papers import export_certificate
from services.house import House
from services.paper_facts import count_strata, issuer_of, names_behind
from services.reports.papers.certificate import (
    CertificateFacts,
    Hand,
    RosterFacts,
    Step,
    make_certificate,
)
from services.reports.papers.commit_sheet import CommitSheetFacts, make_commit_sheet
from services.reports.papers.commit_sheet import Custodian as Promise
from services.reports.papers.salt_slip import GROUP, SaltSlipFacts, make_salt_slip
from services.reports.papers.texts import code_svg
from services.rounds.prepare import read_keepers
from services.rounds.trail import trail_from

SEALED_HOLDS = (
    "先承诺后抽取，名录库、参数、人员名册在随机数产生之前冻结",
    "公开值与多名保管人的随机盐合成种子，任何一人都不能事先算出名单",
    "随机盐到出发时才录入，之前名单不存在",
    "从出发到启封，各队只能看本队路线，每次查看留痕",
    "一个编号只抽一次，作废的编号和原因留在记录上",
    "名单、路线、队伍、替补均可凭复算包逐步复算",
)
SEALED_LACKS = (
    "能改动服务器程序的人，出发之后、启封之前可以读到名单",
    "记录链末尾被截去时，须对照纸质凭证上的链头才能发现",
)


@dataclass(frozen=True, slots=True, repr=False)
class SaltSlip:
    """A salt to be shown this once: in groups, as a QR code (SVG text), as a PDF to print.

    It has no ``repr``, so that the salt stands in no log.
    """

    groups: tuple[str, ...]
    code: str
    pdf: bytes


def print_slip(actor: Actor, house: House, *, departure_id: int, salt: str) -> SaltSlip:
    """Return the slip of the salt that the actor has just made; nothing of it is stored.

    Raises ``NotFound`` unless the actor keeps a salt of that departure, ``UserError``
    where this is not the salt of the present commitment.
    """
    require(actor, Permission.KEEP_SALT)
    with house.read() as session:
        found = session.execute(
            select(Custodian, Departure, SamplingPlan)
            .join(Departure, Departure.id == Custodian.departure_id)
            .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
            .where(Departure.id == departure_id, Custodian.account_id == actor.account_id)
        ).first()
        if found is None:
            raise NotFound("这次出发的保管任务")
        keeper, departure, plan = found
        issuer = issuer_of(session, plan.district_id)
    plain = read_salt(salt)
    if salt_commitment(plain, keeper.name) != keeper.commitment:
        raise UserError("这份随机盐已被重新生成的取代。", "请重新生成，并销毁先前打印的封条。")
    pdf = make_salt_slip(
        SaltSlipFacts(
            number=f"{plan.number} 第 {departure.ordinal} 次出发",
            title=plan.title,
            custodian=keeper.name,
            salt=plain,
            commitment=keeper.commitment,
            made_at=keeper.made_at or house.now(),
            departs_on=departure.departs_on,
            issuer=issuer,
        )
    )
    groups = tuple(plain[at : at + GROUP] for at in range(0, len(plain), GROUP))
    return SaltSlip(groups, code_svg(plain), pdf)


def export_commit_sheet(actor: Actor, house: House, *, departure_id: int) -> bytes:
    """Return the commit sheet of a committed round as PDF bytes; writes an audit event.

    Raises ``NotFound`` outside the actor's scope, ``UserError`` before the commitment.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = session.execute(
            select(Departure, Draw)
            .join(SamplingPlan, SamplingPlan.id == Departure.plan_id)
            .outerjoin(Draw, Draw.id == Departure.draw_id)
            .where(plans_readable_by(actor), Departure.id == departure_id)
        ).first()
        if found is None:
            raise NotFound("这次出发")
        departure, draw = found
        if draw is None:
            raise UserError("这次出发还没有承诺。", "请先在“封存抽取”页承诺，再打印承诺书。")
        line = read_lines(session.connection(), first=draw.commit_seq, last=draw.commit_seq)[0]
        facts = CommitSheetFacts(
            number=draw.number,
            title=draw.title,
            level=draw.level,
            form=draw.form.label,
            schools=draw.schools,
            n=draw.n,
            frame_hash=draw.frame_hash,
            parameters_hash=draw.parameters_hash,
            value_promised=departure.value_source,
            custodians=tuple(
                Promise(said["name"], said["commitment"]) for said in line.data["custodians"]
            ),
            committed_by=names_behind(session, [draw.committed_by])[draw.committed_by],
            committed_at=draw.committed_at,
            head=line.hash,
            excluded=len(parse_excluded(draw.excluded)),
            reserve=rule_of_parameters(draw.parameters).reserve,
            departs_on=draw.departs_on,
            issuer=issuer_of(session, draw.district_id),
        )
    content = make_commit_sheet(facts)
    with house.write(actor) as work:
        work.audit("draw.commit_sheet_exported", draw.number, {"head": facts.head})
    return content


def export_draw_certificate(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the certificate of a draw of either form as PDF bytes; writes an audit event.

    A published round's is for everybody signed in, any other for those who may see the draw.
    Raises ``Forbidden`` or ``NotFound`` otherwise; before the reveal a round has none.
    """
    require(actor, Permission.VIEW_PUBLISHED)
    with house.read() as session:
        draw = session.scalars(select(Draw).where(Draw.number == number)).one_or_none()
        if draw is not None and draw.form is DrawForm.SEALED:
            if draw.published_at is None:
                require(actor, Permission.VIEW_DRAWS)
                draw = session.scalars(
                    select(Draw).where(
                        draws_readable_by(actor),
                        Draw.number == number,
                        Draw.status == DrawStatus.DRAWN,
                    )
                ).one_or_none()
            if draw is None:
                raise NotFound("这次抽取")
            facts = _certificate_facts(session, draw)
        else:
            facts = None
    if facts is None:
        return export_certificate(actor, house, number=number)
    content = make_certificate(facts)
    with house.write(actor) as work:
        work.audit("draw.certificate_exported", number, {"head": facts.head})
    return content


def _certificate_facts(session: Session, draw: Draw) -> CertificateFacts:
    departure = session.scalars(select(Departure).where(Departure.draw_id == draw.id)).one()
    sealed = session.scalars(select(SealedRound).where(SealedRound.draw_id == draw.id)).one()
    staffed = roster_from_json(sealed.roster)
    steps = trail_from(session, draw.commit_seq, number=draw.number)
    keepers = [keeper.name for keeper in read_keepers(session, departure.id)]
    names = names_behind(session, [draw.committed_by, draw.drawn_by or "", draw.published_by or ""])
    people = [
        Hand("承诺人", names[draw.committed_by]),
        *(Hand("随机盐保管人", name) for name in keepers),
        Hand("启封人", names[draw.drawn_by or ""]),
    ]
    if draw.published_by:
        people.append(Hand("公示人", names[draw.published_by]))
    return CertificateFacts(
        number=draw.number,
        title=draw.title,
        level=draw.level,
        form=draw.form.label,
        status="已公示" if draw.published_at else "已启封，未公示",
        schools=draw.schools,
        n=draw.n,
        strata=count_strata(session, draw),
        frame_hash=draw.frame_hash,
        parameters_hash=draw.parameters_hash,
        value=draw.public_value or "",
        value_source=departure.value_source,
        value_at=next((step.at for step in steps if step.what == "公开值"), None),
        people=tuple(people),
        steps=tuple(Step(step.what, step.at) for step in steps),
        head=next(step.hash for step in steps if step.what == "启封"),
        holds=SEALED_HOLDS,
        lacks=(*SEALED_LACKS, *_set_aside(staffed)),
        made_at=draw.published_at or draw.drawn_at or draw.committed_at,
        seed=draw.seed or "",
        excluded=len(parse_excluded(draw.excluded)),
        reserve=rule_of_parameters(draw.parameters).reserve,
        roster=_roster(staffed),
        issuer=issuer_of(session, draw.district_id),
    )


def _roster(staffed: Staffed) -> RosterFacts:
    drawn = staffed.drawn
    return RosterFacts(
        method=drawn.method,
        teams=len(drawn.teams),
        people=sum(len(team.people) for team in drawn.teams),
        count=drawn.count,
    )


def _set_aside(staffed: Staffed) -> tuple[str, ...]:
    """Return which rules the approved plan let the teams do without, as one guarantee less."""
    rules = "、".join(rule.label for rule in staffed.relaxed)
    return (f"组队时按批准的计划放宽：{rules}",) if rules else ()
