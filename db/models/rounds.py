"""A sealed round: its departure and custodians, and what nobody but its teams may read.

``sealed_round``, ``route_stop``, ``route_member`` and ``sealed_event`` hold the secret
between departure and reveal. Only ``services.rounds`` reads them; ``drawn_school`` and
``inspection`` get their rows at the reveal, so no other query can tell what was drawn.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, UtcDateTime, word
from domain.words import SealedEventKind, StopOutcome


class Departure(Base):
    """One departure of a plan: its custodians first, then one draw under one number."""

    __tablename__ = "departure"
    __table_args__ = (UniqueConstraint("plan_id", "ordinal"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("sampling_plan.id", ondelete="CASCADE"))
    ordinal: Mapped[int] = mapped_column(comment="本计划第几次出发，从 1 起")
    departs_on: Mapped[dt.date] = mapped_column()
    n: Mapped[int] = mapped_column(comment="本次抽取所数")
    value_source: Mapped[str] = mapped_column(String(120), comment="承诺采用的公开值")
    opened_by: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
    cancelled_reason: Mapped[str | None] = mapped_column(String(200))
    draw_id: Mapped[int | None] = mapped_column(
        ForeignKey("draw.id", ondelete="CASCADE"), unique=True, comment="承诺后才有"
    )
    people: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, comment="承诺时冻结的督查人员名册"
    )


class Custodian(Base):
    """A keeper of a salt. ``salt`` is empty until it is entered at departure."""

    __tablename__ = "custodian"
    __table_args__ = (UniqueConstraint("departure_id", "account_id"),)

    departure_id: Mapped[int] = mapped_column(
        ForeignKey("departure.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, comment="入种子的次序，从 1 起")
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(80), comment="当时的姓名，进入承诺")
    commitment: Mapped[str | None] = mapped_column(String(64))
    made_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    salt: Mapped[str | None] = mapped_column(String(128))
    entered_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())


class SealedRound(Base):
    """What was computed at departure: result, routes and teams, until the reveal opens it."""

    __tablename__ = "sealed_round"

    draw_id: Mapped[int] = mapped_column(
        ForeignKey("draw.id", ondelete="CASCADE"), primary_key=True
    )
    seed: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    selected: Mapped[list[str]] = mapped_column(JSON, comment="抽中代码，名录次序")
    reserve: Mapped[list[str]] = mapped_column(JSON, comment="后备代码，名录次序")
    day_task: Mapped[dict[str, Any]] = mapped_column(JSON, comment="排路线的输入")
    day_plan: Mapped[dict[str, Any]] = mapped_column(JSON, comment="排出的路线")
    roster: Mapped[dict[str, Any]] = mapped_column(JSON, comment="组队的方法、方案数与结果")


class RouteStop(Base):
    """A school on a team's route and what became of it."""

    __tablename__ = "route_stop"
    __table_args__ = (UniqueConstraint("draw_id", "school_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    draw_id: Mapped[int] = mapped_column(ForeignKey("draw.id", ondelete="CASCADE"), index=True)
    route: Mapped[str] = mapped_column(String(8), comment="路线，如 R1")
    position: Mapped[int] = mapped_column(comment="路线上的次序，从 1 起")
    school_id: Mapped[int | None] = mapped_column(
        ForeignKey("school.id", ondelete="SET NULL"), index=True
    )
    school_code: Mapped[str] = mapped_column(String(64))
    is_must_visit: Mapped[bool] = mapped_column(default=False, comment="必查，不经抽取")
    arrive_min: Mapped[int | None] = mapped_column(comment="计划到校，零点起的分钟")
    leave_min: Mapped[int | None] = mapped_column()
    outcome: Mapped[StopOutcome | None] = mapped_column(word(StopOutcome))
    arrived_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    left_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    findings: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, comment="当场反馈的隐患，启封后才成为隐患记录"
    )
    reason: Mapped[str] = mapped_column(String(200), default="", comment="未能督查的原因")
    replaces: Mapped[str | None] = mapped_column(String(64), comment="替补了哪所学校")
    recorded_by: Mapped[str | None] = mapped_column(String(64))


class RouteMember(Base):
    """A person on a team."""

    __tablename__ = "route_member"

    draw_id: Mapped[int] = mapped_column(
        ForeignKey("draw.id", ondelete="CASCADE"), primary_key=True
    )
    inspector_id: Mapped[int] = mapped_column(ForeignKey("inspector.id"), primary_key=True)
    route: Mapped[str] = mapped_column(String(8))
    can_lead: Mapped[bool] = mapped_column()
    absent_reason: Mapped[str | None] = mapped_column(String(200), comment="未到原因")


class SealedEvent(Base):
    """Something that happened in a sealed round: on the chain as a hash, opened at the reveal."""

    __tablename__ = "sealed_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    draw_id: Mapped[int] = mapped_column(ForeignKey("draw.id", ondelete="CASCADE"), index=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
    kind: Mapped[SealedEventKind] = mapped_column(word(SealedEventKind))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    nonce: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int] = mapped_column(comment="承诺在记录链上的序号")
