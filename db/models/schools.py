"""Schools with their gates, defence state, drills, complaints and self-checks."""

from __future__ import annotations

import datetime as dt

from shapely.geometry.base import BaseGeometry
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Geometry, Recorded, word
from domain.words import (
    AlarmState,
    GateKind,
    LegalForm,
    Ownership,
    RoadClass,
    SchoolKind,
    SchoolStatus,
)


class School(Recorded, Base):
    """A school or kindergarten. ``lon``/``lat`` are always known; ``campus`` where surveyed."""

    __tablename__ = "school"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True, comment="学校标识码")
    name: Mapped[str] = mapped_column(String(120), index=True)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    township_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    police_station_id: Mapped[int | None] = mapped_column(
        ForeignKey("patrol_post.id", use_alter=True), index=True
    )
    kind: Mapped[SchoolKind] = mapped_column(word(SchoolKind), default=SchoolKind.UNKNOWN)
    ownership: Mapped[Ownership] = mapped_column(word(Ownership), default=Ownership.UNKNOWN)
    legal_form: Mapped[LegalForm | None] = mapped_column(word(LegalForm))
    status: Mapped[SchoolStatus] = mapped_column(word(SchoolStatus), default=SchoolStatus.ACTIVE)
    students: Mapped[int | None] = mapped_column(comment="在校生数，人")
    boarders: Mapped[int | None] = mapped_column(comment="寄宿生数，人")
    staff: Mapped[int | None] = mapped_column(comment="教职工数，人")
    lon: Mapped[float] = mapped_column(comment="WGS 84 经度")
    lat: Mapped[float] = mapped_column(comment="WGS 84 纬度")
    accuracy_m: Mapped[float | None] = mapped_column(comment="点位精度，米；空为未知")
    campus: Mapped[BaseGeometry | None] = mapped_column(Geometry(), comment="校园边界")
    address: Mapped[str] = mapped_column(String(200), default="")
    arrival_at: Mapped[dt.time | None] = mapped_column(comment="上学时刻")
    dismissal_at: Mapped[dt.time | None] = mapped_column(comment="放学时刻")
    duty_phone: Mapped[str] = mapped_column(String(32), default="")
    building_grade: Mapped[str | None] = mapped_column(String(4), comment="校舍安全等级 A/B/C/D")


class Gate(Recorded, Base):
    """A school gate with the road before it."""

    __tablename__ = "gate"
    __table_args__ = (UniqueConstraint("school_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    kind: Mapped[GateKind] = mapped_column(word(GateKind), default=GateKind.MAIN)
    lon: Mapped[float] = mapped_column()
    lat: Mapped[float] = mapped_column()
    road_class: Mapped[RoadClass | None] = mapped_column(word(RoadClass))
    speed_limit_kmh: Mapped[int | None] = mapped_column(comment="门前限速，公里/小时")
    lanes: Mapped[int | None] = mapped_column(comment="双向车道数")
    setback_m: Mapped[float | None] = mapped_column(comment="校门退距，米")
    separated: Mapped[bool | None] = mapped_column(comment="人车物理隔离")
    waiting_area: Mapped[bool | None] = mapped_column(comment="家长等候区")


class DefenceState(Recorded, Base):
    """Guards, alarm, cameras and closed management of one school: installed and proven apart."""

    __tablename__ = "defence_state"

    school_id: Mapped[int] = mapped_column(
        ForeignKey("school.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    guards_full_time: Mapped[int | None] = mapped_column(comment="专职保安，人")
    guards_part_time: Mapped[int | None] = mapped_column(comment="兼职保安，人")
    guards_over_50: Mapped[int | None] = mapped_column(comment="50 岁以上保安，人")
    teacher_stand_ins: Mapped[int | None] = mapped_column(comment="教师顶岗，人")
    officers: Mapped[int | None] = mapped_column(comment="专职保卫干部，人")
    alarm: Mapped[AlarmState | None] = mapped_column(word(AlarmState), comment="一键报警")
    alarm_tested_on: Mapped[dt.date | None] = mapped_column(comment="最近实测日期")
    cameras_total: Mapped[int | None] = mapped_column()
    cameras_offline: Mapped[int | None] = mapped_column()
    clock_error_s: Mapped[int | None] = mapped_column(comment="监控时钟误差，秒")
    closed_management: Mapped[bool | None] = mapped_column(comment="封闭式管理")
    hard_barrier: Mapped[bool | None] = mapped_column(comment="硬质防冲撞设施")


class DrillRecord(Recorded, Base):
    """One drill held by a school."""

    __tablename__ = "drill_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"), index=True)
    on_date: Mapped[dt.date] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(40), default="疏散演练")


class Complaint(Recorded, Base):
    """Number of hotline complaints about one school's surroundings in one month (no persons)."""

    __tablename__ = "complaint"
    __table_args__ = (UniqueConstraint("school_id", "month", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"))
    month: Mapped[dt.date] = mapped_column(comment="当月一日")
    kind: Mapped[str] = mapped_column(String(40), default="停车秩序")
    count: Mapped[int] = mapped_column(comment="件")


class SelfCheck(Recorded, Base):
    """A school's monthly self-check: no row or no date = not submitted; 0 = checked, none."""

    __tablename__ = "self_check"
    __table_args__ = (UniqueConstraint("school_id", "month"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id", ondelete="CASCADE"))
    month: Mapped[dt.date] = mapped_column(comment="当月一日")
    submitted_on: Mapped[dt.date | None] = mapped_column()
    findings: Mapped[int | None] = mapped_column(comment="上报隐患数；0 为已查无隐患")
