"""Declarative base: naming convention, column types and the mixin of every row."""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import DateTime, Dialect, Enum, LargeBinary, MetaData, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from domain.words import Word

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of all models."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Geometry(TypeDecorator[BaseGeometry]):
    """A shapely geometry kept as WKB, lon/lat in WGS 84 (EPSG:4326)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: BaseGeometry | bytes | None, dialect: Dialect) -> Any:
        """Accept a geometry or ready WKB bytes."""
        if value is None or isinstance(value, bytes):
            return value
        return shapely.to_wkb(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> BaseGeometry | None:
        """Give the geometry back. Bulk reads cast to LargeBinary and parse in one call."""
        return None if value is None else shapely.from_wkb(bytes(value))


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware instant, kept in UTC whatever the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse naive times: they are the usual source of eight-hour errors."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime given to a UTC column")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Return an aware UTC instant (SQLite forgets the zone)."""
        if value is None:
            return None
        if value.tzinfo is None:
            return value.replace(tzinfo=dt.UTC)  # type: ignore[no-any-return]
        return value.astimezone(dt.UTC)  # type: ignore[no-any-return]


def word(enum: type[Word]) -> Enum:
    """Return a column type that stores a word's stable English value."""
    return Enum(
        enum,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda e: [m.value for m in e],
    )


class Recorded:
    """Where a row came from and who touched it last; ``row_version`` is the optimistic lock."""

    source: Mapped[str] = mapped_column(String(200), default="", comment="数据来源")
    as_of: Mapped[dt.date | None] = mapped_column(comment="数据日期")
    updated_by: Mapped[str] = mapped_column(String(64), default="system", comment="最后修改账号")
    updated_at: Mapped[dt.datetime | None] = mapped_column(
        UtcDateTime(), comment="最后修改时刻 UTC"
    )
    row_version: Mapped[int] = mapped_column(default=1, comment="乐观锁版本")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        """Let SQLAlchemy check and raise the version on every ORM update."""
        return {"version_id_col": cls.row_version}
