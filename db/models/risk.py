"""The stored result of a risk computation: one row a school."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, UtcDateTime, word
from domain.words import MeasuredFrom, RiskLevel


class SchoolRisk(Base):
    """Score, parts and inputs of one school under one rule set; empty = unknown.

    Distances are metres in the city's CGCS2000 3-degree zone, measured from
    ``measured_from``; ``*_score`` and ``score`` run 0–100, higher is worse.
    """

    __tablename__ = "school_risk"

    school_id: Mapped[int] = mapped_column(
        ForeignKey("school.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    rule_set_id: Mapped[int | None] = mapped_column(ForeignKey("rule_set.id"))
    computed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
    as_of: Mapped[dt.date] = mapped_column(comment="计算基准日")
    score: Mapped[float | None] = mapped_column(index=True)
    level: Mapped[RiskLevel] = mapped_column(word(RiskLevel), index=True)
    completeness: Mapped[float] = mapped_column(comment="已知输入占比 0–1")
    water_score: Mapped[float | None] = mapped_column()
    traffic_score: Mapped[float | None] = mapped_column()
    patrol_score: Mapped[float | None] = mapped_column()
    management_score: Mapped[float | None] = mapped_column()
    measured_from: Mapped[MeasuredFrom] = mapped_column(word(MeasuredFrom))
    precision_m: Mapped[float | None] = mapped_column(comment="量算精度，米；空为未知")
    nearest_water_m: Mapped[float | None] = mapped_column()
    nearest_water_id: Mapped[int | None] = mapped_column()
    nearest_signal_m: Mapped[float | None] = mapped_column()
    nearest_crossing_m: Mapped[float | None] = mapped_column()
    nearest_police_m: Mapped[float | None] = mapped_column()
    nearest_police_id: Mapped[int | None] = mapped_column()
    nearest_post_m: Mapped[float | None] = mapped_column()
    nearest_post_id: Mapped[int | None] = mapped_column()
    facilities_within_200m: Mapped[int | None] = mapped_column()
