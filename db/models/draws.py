"""Draws with what was frozen and what came of them, and the chain that records every step."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, UtcDateTime, word
from domain.words import DrawForm, DrawStatus, InspectionLevel, ValueSource


class Draw(Base):
    """One attempt under one number. What was committed is never changed afterwards."""

    __tablename__ = "draw"
    __table_args__ = (Index("ix_draw_year_district_id", "year", "district_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True, comment="抽取编号")
    year: Mapped[int] = mapped_column()
    form: Mapped[DrawForm] = mapped_column(word(DrawForm))
    level: Mapped[InspectionLevel] = mapped_column(word(InspectionLevel))
    district_id: Mapped[int | None] = mapped_column(
        ForeignKey("district.id", ondelete="SET NULL"), comment="县级抽取所属区县；市级为空"
    )
    title: Mapped[str] = mapped_column(String(80), comment="事由；同一事由的各次抽取互为尝试")
    wanted: Mapped[str] = mapped_column(String(2000), default="", comment="筛选条件")
    n: Mapped[int] = mapped_column(comment="抽取所数")
    request_key: Mapped[str] = mapped_column(
        String(64), unique=True, comment="页面一次提交的标记，重复提交只算一次"
    )
    value_source: Mapped[ValueSource] = mapped_column(word(ValueSource))
    public_value: Mapped[str | None] = mapped_column(String(200))
    frame: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, comment="名录库文件")
    excluded: Mapped[bytes] = mapped_column(
        LargeBinary, deferred=True, comment="不参加抽取名单文件"
    )
    frame_hash: Mapped[str] = mapped_column(String(64), comment="F")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    parameters_hash: Mapped[str] = mapped_column(String(64), comment="P")
    schools: Mapped[int] = mapped_column(comment="名录库校数")
    seed: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[DrawStatus] = mapped_column(word(DrawStatus))
    committed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
    committed_by: Mapped[str] = mapped_column(String(64))
    commit_seq: Mapped[int] = mapped_column(comment="承诺在记录链上的序号")
    drawn_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    drawn_by: Mapped[str | None] = mapped_column(String(64))
    reveal_seq: Mapped[int | None] = mapped_column(comment="启封在记录链上的序号")
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime(), comment="采用时刻")
    used_by: Mapped[str | None] = mapped_column(String(64))
    voided_by: Mapped[str | None] = mapped_column(String(64))
    void_reason: Mapped[str] = mapped_column(String(200), default="")
    plan_id: Mapped[int | None] = mapped_column(index=True, comment="所属抽查计划 sampling_plan.id")
    departs_on: Mapped[dt.date | None] = mapped_column(comment="封存抽取的出发日")
    departed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    published_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime(), comment="公示时刻")
    published_by: Mapped[str | None] = mapped_column(String(64))


class DrawnSchool(Base):
    """One school that was drawn, with its exact chance; its name as it was then."""

    __tablename__ = "drawn_school"

    draw_id: Mapped[int] = mapped_column(
        ForeignKey("draw.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, comment="名录次序，从 1 起")
    school_id: Mapped[int | None] = mapped_column(
        ForeignKey("school.id", ondelete="SET NULL"), index=True
    )
    school_code: Mapped[str] = mapped_column(String(64))
    school_name: Mapped[str] = mapped_column(String(120))
    stratum: Mapped[str] = mapped_column(String(200))
    chance_part: Mapped[int] = mapped_column(BigInteger, comment="抽中机会的分子")
    chance_whole: Mapped[int] = mapped_column(BigInteger, comment="抽中机会的分母")


class ChainEntry(Base):
    """One line of the draws' record. ``hash`` = SHA-256(prev + newline + canonical rest)."""

    __tablename__ = "chain_entry"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    time: Mapped[str] = mapped_column(String(32), comment="ISO 8601 UTC")
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
