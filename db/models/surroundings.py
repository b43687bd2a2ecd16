"""What lies round the schools: waters and traffic facilities."""

from __future__ import annotations

import datetime as dt

from shapely.geometry.base import BaseGeometry
from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Geometry, Recorded, word
from domain.words import (
    FacilityKind,
    FacilityState,
    WaterAccess,
    WaterBank,
    WaterGrade,
    WaterKind,
)


class WaterBody(Recorded, Base):
    """A water with its ledger: grade, access, rescue gear, who is responsible."""

    __tablename__ = "water_body"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[WaterKind] = mapped_column(word(WaterKind), default=WaterKind.OTHER)
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    township_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    geometry: Mapped[BaseGeometry] = mapped_column(Geometry())
    grade: Mapped[WaterGrade | None] = mapped_column(word(WaterGrade))
    depth_m: Mapped[float | None] = mapped_column(comment="最大水深，米")
    bank: Mapped[WaterBank | None] = mapped_column(word(WaterBank))
    access: Mapped[WaterAccess | None] = mapped_column(word(WaterAccess))
    owner: Mapped[str] = mapped_column(String(80), default="", comment="权属单位")
    responsible: Mapped[dict[str, str] | None] = mapped_column(JSON, comment="三包靠：层级→岗位")
    signs: Mapped[int | None] = mapped_column(comment="警示牌，块")
    rings: Mapped[int | None] = mapped_column(comment="救生圈，个")
    ropes: Mapped[int | None] = mapped_column(comment="救生绳，根")
    poles: Mapped[int | None] = mapped_column(comment="救生杆，根")
    fence_m: Mapped[float | None] = mapped_column(comment="护栏长度，米")
    last_patrol_on: Mapped[dt.date | None] = mapped_column()


class TrafficFacility(Recorded, Base):
    """A traffic facility; ``state`` empty = never checked; ``missing`` = should stand here."""

    __tablename__ = "traffic_facility"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[FacilityKind] = mapped_column(word(FacilityKind), index=True)
    state: Mapped[FacilityState | None] = mapped_column(word(FacilityState))
    gate_id: Mapped[int | None] = mapped_column(
        ForeignKey("gate.id", ondelete="SET NULL"), index=True
    )
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    township_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    lon: Mapped[float] = mapped_column()
    lat: Mapped[float] = mapped_column()
    name: Mapped[str] = mapped_column(String(80), default="")
    checked_on: Mapped[dt.date | None] = mapped_column()
    owner: Mapped[str] = mapped_column(String(80), default="", comment="权属部门")
