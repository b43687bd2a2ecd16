"""Inspections and the hazards they found, as records to be shown."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Recorded, word
from domain.words import (
    Channel,
    DeadlineClass,
    HazardCategory,
    HazardSource,
    HazardStage,
    InspectionLevel,
    NoticeMode,
    Severity,
)


class Inspection(Recorded, Base):
    """One visit to one school; a clean visit is a record too."""

    __tablename__ = "inspection"
    __table_args__ = (Index("ix_inspection_on_date_level", "on_date", "level"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), index=True)
    level: Mapped[InspectionLevel] = mapped_column(word(InspectionLevel))
    channel: Mapped[Channel] = mapped_column(word(Channel))
    notice_mode: Mapped[NoticeMode] = mapped_column(word(NoticeMode))
    on_date: Mapped[dt.date] = mapped_column()
    unit: Mapped[str] = mapped_column(String(80), default="", comment="督查单位")
    hazards_found: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(String(500), default="")


class Hazard(Recorded, Base):
    """One hazard with the date it reached each stage; an empty date = not reached."""

    __tablename__ = "hazard"
    __table_args__ = (Index("ix_hazard_stage_due_on", "stage", "due_on"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), index=True)
    inspection_id: Mapped[int | None] = mapped_column(
        ForeignKey("inspection.id", ondelete="SET NULL"), index=True
    )
    origin: Mapped[HazardSource] = mapped_column(word(HazardSource), comment="隐患来源")
    category: Mapped[HazardCategory] = mapped_column(word(HazardCategory))
    item_code: Mapped[str] = mapped_column(String(32), default="")
    description: Mapped[str] = mapped_column(String(500))
    severity: Mapped[Severity] = mapped_column(word(Severity))
    deadline_class: Mapped[DeadlineClass] = mapped_column(word(DeadlineClass))
    stage: Mapped[HazardStage] = mapped_column(word(HazardStage))
    found_on: Mapped[dt.date] = mapped_column(index=True)
    feedback_on: Mapped[dt.date | None] = mapped_column()
    due_on: Mapped[dt.date | None] = mapped_column()
    submitted_on: Mapped[dt.date | None] = mapped_column(comment="整改提交日")
    verified_on: Mapped[dt.date | None] = mapped_column(comment="查验通过日")
    evaluated_on: Mapped[dt.date | None] = mapped_column()
    closed_on: Mapped[dt.date | None] = mapped_column(comment="销号日")
    reopened_count: Mapped[int] = mapped_column(default=0)
    repeat_of_id: Mapped[int | None] = mapped_column(
        ForeignKey("hazard.id", ondelete="SET NULL"), index=True
    )
    rectifier: Mapped[str] = mapped_column(String(80), default="")
    verifier: Mapped[str] = mapped_column(String(80), default="")
