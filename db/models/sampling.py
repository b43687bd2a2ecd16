"""Who inspects and by which plan: inspectors with what binds them, sampling plans."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Recorded, UtcDateTime, word
from domain.words import InspectionLevel, InspectorKind, PlanStatus, TieKind


class Inspector(Recorded, Base):
    """One person who may be sent on a round; a county-level one belongs to its district."""

    __tablename__ = "inspector"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True, comment="工号，组队按此排序")
    name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[InspectorKind] = mapped_column(word(InspectorKind))
    level: Mapped[InspectionLevel] = mapped_column(word(InspectionLevel))
    district_id: Mapped[int | None] = mapped_column(
        ForeignKey("district.id", ondelete="SET NULL"), index=True, comment="所属区县，回避用"
    )
    unit: Mapped[str] = mapped_column(String(80), default="", comment="工作单位")
    qualifications: Mapped[str] = mapped_column(String(200), default="", comment="资格证件")
    can_lead: Mapped[bool] = mapped_column(default=False, comment="可带队")
    phone: Mapped[str] = mapped_column(String(40), default="")
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="SET NULL"), unique=True, comment="查看本队路线的账号"
    )
    is_active: Mapped[bool] = mapped_column(default=True)


class InspectorTie(Base):
    """A school that an inspector stays away from."""

    __tablename__ = "inspector_tie"

    id: Mapped[int] = mapped_column(primary_key=True)
    inspector_id: Mapped[int] = mapped_column(
        ForeignKey("inspector.id", ondelete="CASCADE"), index=True
    )
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TieKind] = mapped_column(word(TieKind))
    left_on: Mapped[dt.date | None] = mapped_column(comment="曾任职的离任日")
    note: Mapped[str] = mapped_column(String(120), default="")


class SamplingPlan(Recorded, Base):
    """A plan; from approval on, terms and frozen files never change."""

    __tablename__ = "sampling_plan"
    __table_args__ = (Index("ix_sampling_plan_year_district_id", "year", "district_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="计划编号")
    year: Mapped[int] = mapped_column()
    title: Mapped[str] = mapped_column(String(80))
    level: Mapped[InspectionLevel] = mapped_column(word(InspectionLevel))
    district_id: Mapped[int | None] = mapped_column(
        ForeignKey("district.id", ondelete="SET NULL"), comment="县级计划所属区县；市级为空"
    )
    status: Mapped[PlanStatus] = mapped_column(word(PlanStatus))
    terms: Mapped[dict[str, Any]] = mapped_column(JSON, comment="domain.plan.PlanTerms")
    frame: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True, comment="名录库文件")
    excluded: Mapped[bytes | None] = mapped_column(
        LargeBinary, deferred=True, comment="不参加抽取名单文件"
    )
    frame_hash: Mapped[str] = mapped_column(String(64), default="", comment="F")
    inspected: Mapped[list[str]] = mapped_column(
        JSON, default=list, comment="冻结时本周期已查的学校代码"
    )
    schools: Mapped[int] = mapped_column(default=0, comment="名录库校数")
    created_by: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
    submitted_by: Mapped[str | None] = mapped_column(String(64))
    submitted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    decision_note: Mapped[str] = mapped_column(String(200), default="")
