"""Draws as they are read: the year's attempts, one draw, its schools; files that leave."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import District, Draw, DrawnSchool, Inspection, School
from db.scope import draws_readable_by, inspections_readable_by, schools_readable_by
from domain.access import Actor, Permission, require
from domain.draw.record import STEPS
from domain.errors import NotFound, UserError
from domain.words import DrawForm, DrawStatus, InspectionLevel, ValueSource, Word
from services.draw_pack import build_pack
from services.house import House
from services.reports.workbooks import Sheet, make_workbook
from services.rounds.opened import opened_round
from services.rules import sampling_rules_in_force

QUICK_LACKS = (
    "由一人操作，录入的公开值本人先知、可以事先试算",
    "系统随机由本系统产生",
    "没有多人随机盐",
    "抽出后除角色权限外没有封存",
)
QUICK_HOLDS = ("先承诺后抽取", "每次尝试留痕", "凭复算包可逐步复算")
LACKS = f"简易抽取缺少的保证：{'；'.join(QUICK_LACKS)}。有的保证：{'，'.join(QUICK_HOLDS)}。"
"""Which guarantees this form lacks, in the words of page and files alike."""


@dataclass(frozen=True, slots=True)
class DrawFacts:
    """One draw. ``head`` is the hash of its last line on the record; texts empty where not yet."""

    number: str
    form: DrawForm
    title: str
    level: InspectionLevel
    status: DrawStatus
    n: int
    schools: int
    value_source: ValueSource
    value: str
    frame_hash: str
    parameters_hash: str
    seed: str
    head: str
    committed_at: dt.datetime
    committed_by: str
    drawn_at: dt.datetime | None
    used_by: str
    void_reason: str

    @property
    def can_complete(self) -> bool:
        """Tell whether an unfinished attempt has its value in its commitment."""
        return self.status is DrawStatus.COMMITTED and self.value_source is ValueSource.TYPED


def list_draws(actor: Actor, house: House) -> pd.DataFrame:
    """Return all quick attempts of the year in the actor's scope, newest first.

    Columns: ``number``, ``title``, ``attempt`` (which of its title, from 1), ``level``,
    ``district``, ``status``, ``used`` (bool), ``committed_by``, ``committed_at`` (aware
    UTC), ``value_source``, ``value``, ``n``, ``schools``, ``frame`` (first 12 hex digits
    of F), ``void_reason``.
    """
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        rows = session.execute(
            select(
                Draw.number,
                Draw.title,
                Draw.level,
                District.name,
                Draw.status,
                Draw.used_at.is_not(None),
                Draw.committed_by,
                Draw.committed_at,
                Draw.value_source,
                Draw.public_value,
                Draw.n,
                Draw.schools,
                Draw.frame_hash,
                Draw.void_reason,
            )
            .outerjoin(District, District.id == Draw.district_id)
            .where(
                draws_readable_by(actor),
                Draw.year == house.today().year,
                Draw.form == DrawForm.QUICK,
            )
            .order_by(Draw.id)
        ).all()
    columns = [
        "number", "title", "level", "district", "status", "used", "committed_by",
        "committed_at", "value_source", "value", "n", "schools", "frame", "void_reason",
    ]  # fmt: skip
    labelled = [[cell.label if isinstance(cell, Word) else cell for cell in row] for row in rows]
    frame = pd.DataFrame(labelled, columns=columns)
    frame["district"] = frame["district"].fillna("")
    frame["value"] = frame["value"].fillna("")
    frame["used"] = frame["used"].astype(bool)
    frame["frame"] = frame["frame"].astype(str).str[:12]
    frame["committed_at"] = pd.to_datetime(frame["committed_at"], utc=True)
    attempt = frame.groupby(["title", "level", "district"]).cumcount() + 1
    frame.insert(2, "attempt", attempt)
    return frame.iloc[::-1].reset_index(drop=True)


def list_replayable(actor: Actor, house: House) -> tuple[str, ...]:
    """Return the numbers of all draws of the actor's scope that have a result, newest first."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        return tuple(
            session.scalars(
                select(Draw.number)
                .where(draws_readable_by(actor), Draw.status == DrawStatus.DRAWN)
                .order_by(Draw.id.desc())
            )
        )


def read_draw(actor: Actor, house: House, *, number: str) -> DrawFacts:
    """Return one draw of the actor's scope, or raise ``NotFound``."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = _find(session, actor, number)
        last = found.reveal_seq or found.commit_seq
        head = read_lines(session.connection(), first=last, last=last)[0].hash
    return DrawFacts(
        number=found.number,
        form=found.form,
        title=found.title,
        level=found.level,
        status=found.status,
        n=found.n,
        schools=found.schools,
        value_source=found.value_source,
        value=found.public_value or "",
        frame_hash=found.frame_hash,
        parameters_hash=found.parameters_hash,
        seed=found.seed or "",
        head=head,
        committed_at=found.committed_at,
        committed_by=found.committed_by,
        drawn_at=found.drawn_at,
        used_by=found.used_by or "",
        void_reason=found.void_reason,
    )


def list_drawn(actor: Actor, house: House, *, number: str) -> pd.DataFrame:
    """Return the drawn schools in frame order.

    Columns: ``position``, ``code``, ``name``, ``district``, ``kind``, ``chance`` (fraction
    as text), ``percent`` (0–100), ``visits`` (inspections this year up to today), ``used``
    (other draws in use this year that hold the school), ``warning`` (text, empty where
    none), ``address``, ``phone``. Raises ``NotFound`` outside the actor's scope.
    """
    require(actor, Permission.VIEW_DRAWS)
    today = house.today()
    with house.read() as session:
        found = _find(session, actor, number)
        mine = select(DrawnSchool.school_id).where(DrawnSchool.draw_id == found.id)
        rows = session.execute(
            select(
                DrawnSchool.position,
                DrawnSchool.school_id,
                DrawnSchool.school_code,
                DrawnSchool.school_name,
                DrawnSchool.stratum,
                DrawnSchool.chance_part,
                DrawnSchool.chance_whole,
                School.address,
                School.duty_phone,
            )
            .outerjoin(School, (School.id == DrawnSchool.school_id) & schools_readable_by(actor))
            .where(DrawnSchool.draw_id == found.id)
            .order_by(DrawnSchool.position)
        ).all()
        visits = _counts(
            session,
            select(Inspection.school_id, func.count())
            .where(
                inspections_readable_by(actor),
                Inspection.school_id.in_(mine),
                Inspection.on_date.between(today.replace(month=1, day=1), today),
            )
            .group_by(Inspection.school_id),
        )
        cap = sampling_rules_in_force(session.connection(), today).visit_cap
        used = _counts(
            session,
            select(DrawnSchool.school_id, func.count())
            .join(Draw, Draw.id == DrawnSchool.draw_id)
            .where(
                draws_readable_by(actor),
                Draw.year == found.year,
                Draw.used_at.is_not(None),
                Draw.id != found.id,
                DrawnSchool.school_id.in_(mine),
            )
            .group_by(DrawnSchool.school_id),
        )
    columns = [
        "position", "id", "code", "name", "stratum", "part", "whole", "address", "phone",
    ]  # fmt: skip
    frame = pd.DataFrame([tuple(row) for row in rows], columns=columns)
    parts = frame["stratum"].astype(str).str.partition("/")
    frame["visits"] = [visits.get(school, 0) for school in frame["id"]]
    frame["used"] = [used.get(school, 0) for school in frame["id"]]
    over = f"本年已查 {cap} 次或以上，请考虑合并进校"
    return pd.DataFrame(
        {
            "position": frame["position"],
            "code": frame["code"],
            "name": frame["name"],
            "district": parts[0] if len(frame) else [],
            "kind": parts[2] if len(frame) else [],
            "chance": [f"{p}/{w}" for p, w in zip(frame["part"], frame["whole"], strict=True)],
            "percent": frame["part"] / frame["whole"] * 100,
            "visits": frame["visits"],
            "used": frame["used"],
            "warning": [over if count >= cap else "" for count in frame["visits"]],
            "address": frame["address"].fillna(""),
            "phone": frame["phone"].fillna(""),
        }
    )


def export_pack(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the replay pack of a finished draw; writes an audit event."""
    require(actor, Permission.REPLAY)
    content = stored_pack(actor, house, number=number)
    with house.write(actor) as work:
        work.audit("draw.pack_exported", number)
    return content


def stored_pack(actor: Actor, house: House, *, number: str) -> bytes:
    """Build the replay pack of a finished draw in the actor's scope, or of a published one.

    The piece of the record in it is unbroken, so it may hold lines of draws that came in
    between. Raises ``UserError`` where one of them reveals a list that the actor may not
    see, or where the draw has no result.
    """
    require(actor, Permission.REPLAY)
    with house.read() as session:
        is_published = Draw.published_at.is_not(None)
        found = session.scalars(
            select(Draw).where(is_published, Draw.number == number)
        ).one_or_none()
        if found is None:
            require(actor, Permission.VIEW_DRAWS)
            found = _find(session, actor, number)
        if found.reveal_seq is None:
            raise _no_result(number, found.form)
        lines = read_lines(session.connection(), first=found.commit_seq, last=found.reveal_seq)
        named = {str(line.data["draw"]) for line in lines if line.kind in STEPS}
        seen = session.scalars(
            select(Draw.number).where(draws_readable_by(actor) | is_published)
        ).all()
        if named - set(seen):
            raise UserError(
                f"抽取 {number} 的记录段中夹有不属于您管辖范围的抽取。",
                "请由市级督查员下载复算包。",
            )
        return build_pack(
            frame=found.frame,
            excluded=found.excluded,
            parameters=found.parameters,
            log=lines,
            sealed_round=opened_round(session, found),
        )


def export_drawn(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the drawn schools as xlsx bytes; writes an audit event."""
    facts = read_draw(actor, house, number=number)
    if facts.status is not DrawStatus.DRAWN:
        raise _no_result(number, facts.form)
    drawn = list_drawn(actor, house, number=number)
    frame = pd.DataFrame(
        {
            "序号": drawn["position"],
            "学校代码": drawn["code"],
            "学校名称": drawn["name"],
            "区县": drawn["district"],
            "学段": drawn["kind"],
            "抽中机会（分数）": drawn["chance"],
            "抽中机会（%）": drawn["percent"].round(4),
            "本年已督查（次）": drawn["visits"],
            "提示": drawn["warning"],
            "地址": drawn["address"],
            "值班电话": drawn["phone"],
        }
    )
    with house.write(actor) as work:
        work.audit("draw.list_exported", number, {"rows": len(frame)})
    title = f"{facts.form.label} {number}：{facts.title}（{facts.schools:,} 所中抽 {facts.n:,} 所）"
    notes = (
        f"公开值：{facts.value}　名录库 F：{facts.frame_hash}",
        f"链头：{facts.head}",
        *([LACKS] if facts.form is DrawForm.QUICK else []),
    )
    return make_workbook(Sheet("抽中名单", title, notes, frame))


def _no_result(number: str, form: DrawForm) -> UserError:
    return UserError(
        f"抽取 {number} 没有结果。",
        "封存抽取启封之后才有。" if form is DrawForm.SEALED else "请先在“简易抽取”页补完或作废。",
    )


def _find(session: Session, actor: Actor, number: str) -> Draw:
    found = session.scalars(
        select(Draw).where(draws_readable_by(actor), Draw.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("这次抽取")
    return found


def _counts(session: Session, query: Select[*tuple[Any, ...]]) -> dict[int, int]:
    return {int(row[0]): int(row[1]) for row in session.execute(query).all()}
