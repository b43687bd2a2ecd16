"""The stored result of a risk computation: one row a school."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, UtcDateTime, word
from domain.words import AlarmState, MeasuredFrom, RiskLevel, RoadClass, WaterAccess, WaterGrade


class SchoolRisk(Base):
    """Score, parts and inputs of one school under one rule set; empty = unknown.

    Distances are metres in the city's CGCS2000 3-degree zone, measured from
    ``measured_from``; ``*_score`` and ``score`` run 0–100, higher is worse. The inputs
    are kept as they entered the score, so that a figure can be explained, and computed
    again, after the data have moved on.
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

    water_id: Mapped[int | None] = mapped_column(comment="计分水域：危险度最高者，不一定最近")
    water_m: Mapped[float | None] = mapped_column(comment="到计分水域，米")
    water_grade: Mapped[WaterGrade | None] = mapped_column(word(WaterGrade))
    water_access: Mapped[WaterAccess | None] = mapped_column(word(WaterAccess))
    water_gear_missing: Mapped[float | None] = mapped_column(comment="四个一缺项占比 0–1")
    water_gear_known: Mapped[float | None] = mapped_column(comment="四个一中已核查占比 0–1")
    six_bad_share: Mapped[float | None] = mapped_column(comment="六类设施缺损程度 0–1")
    six_known_share: Mapped[float | None] = mapped_column(comment="六类设施已核查占比 0–1")
    road_class: Mapped[RoadClass | None] = mapped_column(word(RoadClass), comment="最高等级门前路")
    road_known_share: Mapped[float | None] = mapped_column(comment="道路等级已知的校门占比")
    speed_kmh: Mapped[float | None] = mapped_column(comment="门前最高限速，公里/小时")
    speed_known_share: Mapped[float | None] = mapped_column(comment="限速已知的校门占比")
    complaints_12m: Mapped[int | None] = mapped_column(comment="投诉，件")
    students: Mapped[int | None] = mapped_column()
    officers: Mapped[int | None] = mapped_column()
    guards_full_time: Mapped[int | None] = mapped_column()
    guards_total: Mapped[int | None] = mapped_column()
    guards_over_50: Mapped[int | None] = mapped_column()
    stand_ins: Mapped[int | None] = mapped_column(comment="教师顶岗，人")
    alarm: Mapped[AlarmState | None] = mapped_column(word(AlarmState))
    alarm_test_age_days: Mapped[int | None] = mapped_column(comment="距最近实测，天")
    post_gap_share: Mapped[float | None] = mapped_column(comment="高峰时段缺岗占比 0–1")
    open_hazards: Mapped[int | None] = mapped_column()
    overdue_hazards: Mapped[int | None] = mapped_column()
    major_hazards: Mapped[int | None] = mapped_column()
    repeat_hazards: Mapped[int | None] = mapped_column()
    unsubmitted_share: Mapped[float | None] = mapped_column(comment="自查未报月份占比 0–1")
    zero_share: Mapped[float | None] = mapped_column(comment="已报中零报告占比 0–1")
    drills_done: Mapped[int | None] = mapped_column()
    drills_due: Mapped[int | None] = mapped_column()
