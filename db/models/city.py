"""The city itself: its name and zone, districts, roads, rule sets, data versions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Geometry, Recorded, word
from domain.words import DistrictLevel, RoadClass


class City(Base):
    """One row: which city this installation serves."""

    __tablename__ = "city"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), comment="城市名称")
    epsg: Mapped[int | None] = mapped_column(comment="CGCS2000 三度带 EPSG；空则按学校位置推定")
    is_demo: Mapped[bool] = mapped_column(default=False, comment="演示数据")
    as_of: Mapped[dt.date | None] = mapped_column(comment="演示基准日；空则用当天")


class DataVersion(Base):
    """A counter per area of data, raised in the write's own transaction; caches key on it."""

    __tablename__ = "data_version"

    area: Mapped[str] = mapped_column(String(32), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)


class District(Recorded, Base):
    """A district, county or township with its boundary."""

    __tablename__ = "district"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True, comment="区划代码")
    name: Mapped[str] = mapped_column(String(60), index=True)
    level: Mapped[DistrictLevel] = mapped_column(word(DistrictLevel), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    boundary: Mapped[BaseGeometry | None] = mapped_column(Geometry(), comment="边界 WGS 84")
    is_reporting_unit: Mapped[bool] = mapped_column(default=True, comment="是否单独统计排名")


class RoadSegment(Recorded, Base):
    """A road line of the own basemap and of later route planning."""

    __tablename__ = "road_segment"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    road_class: Mapped[RoadClass] = mapped_column(word(RoadClass), index=True)
    geometry: Mapped[BaseGeometry] = mapped_column(Geometry())


class RuleSet(Recorded, Base):
    """A dated set of thresholds and weights with its source; a version is never edited."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    version: Mapped[int] = mapped_column(default=1)
    jurisdiction: Mapped[str] = mapped_column(String(60), default="")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str] = mapped_column(String(16), default="in_force", comment="draft/in_force")
    valid_from: Mapped[dt.date] = mapped_column()
    valid_to: Mapped[dt.date | None] = mapped_column()
