"""Visits that follow from a draw: the ones of a quick draw, told by whoever made them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.draw_chain import lock_chain
from db.models import City, Draw, DrawnSchool, Inspection
from domain.access import Actor, Permission, require
from domain.errors import UserError
from domain.words import Channel, NoticeMode
from services.draws import find_quick_draw
from services.house import LOCAL_ZONE, House

DEMO_SOURCE = "演示数据"


def source_of_visit(session: Session, said: str) -> str:
    """Return what a visit names as its source.

    A demo city is replaced whole by the next one: what came of its draws belongs to it.
    """
    is_demo = session.scalar(select(City.is_demo).limit(1))
    return DEMO_SOURCE if is_demo else said


def visit_number(draw_number: str, position: int) -> str:
    """Return the number of the visit to a drawn school, e.g. ``CQ2026-0002-003``."""
    return f"{draw_number}-{position:03d}"


def list_unvisited(actor: Actor, house: House, *, number: str) -> dict[str, str]:
    """Return code and name of a quick draw's schools whose visit is not recorded yet."""
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        draw = find_quick_draw(session, actor, number)
        return {row.school_code: row.school_name for row in _open_schools(session, draw)}


def record_quick_visits(
    actor: Actor, house: House, *, number: str, on: dt.date, codes: Sequence[str]
) -> int:
    """Record that drawn schools were inspected on a day; return how many.

    From then on they count towards coverage and the visit cap. Raises ``UserError`` where
    the draw is not the one in use, the day lies before it or in the future, a school is not
    of it, or was recorded before.
    """
    require(actor, Permission.DRAW)
    with house.write(actor) as work:
        lock_chain(work.connection)
        draw = find_quick_draw(work.session, actor, number)
        if draw.used_at is None or draw.drawn_at is None:
            raise UserError(f"抽取 {number} 还没有采用。", "请先按“采用这次抽取”，再登记督查。")
        drawn_on = min(draw.drawn_at.astimezone(LOCAL_ZONE).date(), house.today())
        if not drawn_on <= on <= house.today():
            raise UserError(
                f"督查日期 {on} 不在抽取之后、今天之前。",
                f"请选 {drawn_on} 至 {house.today()} 之间的日期。",
            )
        still_open = {row.school_code: row for row in _open_schools(work.session, draw)}
        if not codes:
            raise UserError("没有选学校。", "请至少选一所已督查的学校。")
        gone = [code for code in codes if code not in still_open]
        if gone:
            raise UserError(
                f"学校 {gone[0]} 不在这次名单中，或已经登记过。", "请刷新页面，重新选择。"
            )
        source = source_of_visit(work.session, f"简易抽取 {number}")
        work.session.add_all(
            Inspection(
                number=visit_number(number, still_open[code].position),
                school_id=still_open[code].school_id,
                level=draw.level,
                channel=Channel.ROUTINE,
                notice_mode=NoticeMode.UNANNOUNCED,
                on_date=on,
                unit=draw.title,
                source=source,
                updated_by=actor.login,
                updated_at=work.at,
            )
            for code in dict.fromkeys(codes)
        )
        work.bump("inspections", "draws")
        work.audit("draw.visits_recorded", number, {"schools": len(set(codes))})
    return len(set(codes))


def _open_schools(session: Session, draw: Draw) -> list[DrawnSchool]:
    drawn = session.scalars(
        select(DrawnSchool)
        .where(DrawnSchool.draw_id == draw.id, DrawnSchool.school_id.is_not(None))
        .order_by(DrawnSchool.position)
    ).all()
    numbers = [visit_number(draw.number, row.position) for row in drawn]
    done = set(session.scalars(select(Inspection.number).where(Inspection.number.in_(numbers))))
    return [row for row in drawn if visit_number(draw.number, row.position) not in done]
