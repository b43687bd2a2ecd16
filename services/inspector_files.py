"""Inspectors as files that leave: the list as a workbook, the empty table to fill."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import select

from db.models import District, Inspector, InspectorTie, School
from db.scope import inspectors_readable_by
from domain.access import Actor, Permission, require
from domain.words import InspectorKind, TieKind
from services.house import House
from services.importers.inspectors import EXPLAINED, FIELD_NOTES, SHEET
from services.inspectors import InspectorFilter, list_inspectors, own_level, require_keeper
from services.reports.templates import make_template
from services.reports.workbooks import Sheet, make_workbook


def export_people(actor: Actor, house: House, *, wanted: InspectorFilter) -> bytes:
    """Return the listed people as xlsx bytes, readable by the import; writes an audit event.

    Phones and accounts only for roles that keep a register.
    """
    require(actor, Permission.EXPORT_LIST)
    people = list_inspectors(actor, house, wanted=wanted)
    declared, former = _tie_texts(actor, house)
    frame = pd.DataFrame(
        {
            "工号": people["code"],
            "姓名": people["name"],
            "类别": people["kind"],
            "层级": people["level"],
            "区县": people["district"],
            "单位": people["unit"],
            "资格": people["qualifications"],
            "可带队": people["can_lead"].map({True: "是", False: "否"}),
            "电话": people["phone"],
            "关联账号": people["account"],
            "回避学校": [declared.get(code, "") for code in people["code"]],
            "曾任职学校（离任日）": [former.get(code, "") for code in people["code"]],
            "本年出勤（次）": people["duties"],
            "在册": people["is_active"].map({True: "在册", False: "已停用"}),
        }
    )
    if not actor.may(Permission.MANAGE_INSPECTORS):
        frame = frame.drop(columns=["电话", "关联账号"])
    with house.write(actor) as work:
        data = {"filter": wanted.to_query(), "rows": len(frame)}
        work.audit("export.inspectors", f"{len(frame)} 人", data)
    title = f"督查人员（{len(frame)} 人，{house.today():%Y-%m-%d}）"
    notes = (
        "本年出勤只计已有结果的抽取；曾任职学校自离任日起满三年不再回避。",
        "本表可改后再导入：按工号更新，空格不抹掉原有内容，最后三列不读。",
    )
    return make_workbook(Sheet(SHEET, title, notes, frame))


def _tie_texts(actor: Actor, house: House) -> tuple[dict[str, str], dict[str, str]]:
    """Return {person: codes} of declared schools, and of former ones with the day of leaving."""
    declared: dict[str, list[str]] = {}
    former: dict[str, list[str]] = {}
    with house.read() as session:
        rows = session.execute(
            select(Inspector.code, School.code, InspectorTie.kind, InspectorTie.left_on)
            .join(InspectorTie, InspectorTie.inspector_id == Inspector.id)
            .join(School, School.id == InspectorTie.school_id)
            .where(inspectors_readable_by(actor))
            .order_by(Inspector.code, School.code)
        ).all()
    for person, school, kind, left_on in rows:
        if kind is TieKind.DECLARED:
            declared.setdefault(person, []).append(school)
        else:
            former.setdefault(person, []).append(f"{school}（{left_on or '未登记'}）")
    return tuple(  # type: ignore[return-value]
        {person: "、".join(schools) for person, schools in ties.items()}
        for ties in (declared, former)
    )


def export_template(actor: Actor, house: House) -> bytes:
    """Return the empty table to fill, with its explanation; writes an audit event."""
    require_keeper(actor)
    districts = select(District.name).where(District.id == actor.district_id)
    with house.read() as session:
        own = session.scalars(districts).all()
    with house.write(actor) as work:
        work.audit("export.inspectors_template")
    choices = {
        "类别": [kind.label for kind in InspectorKind],
        "层级": [own_level(actor).label],
        "可带队": ["是", "否"],
    }
    if own:
        choices["区县"] = list(own)
    return make_template(
        SHEET,
        [row[0] for row in EXPLAINED],
        choices=choices,
        explained=EXPLAINED,
        notes=FIELD_NOTES,
    )
