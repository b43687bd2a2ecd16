"""Patrol posts and their sessions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Recorded, word
from domain.words import PostKind, SessionKind


class PatrolPost(Recorded, Base):
    """A place where somebody stands: 护学岗 at a gate, police station, box, patrol point."""

    __tablename__ = "patrol_post"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[PostKind] = mapped_column(word(PostKind), index=True)
    lon: Mapped[float] = mapped_column()
    lat: Mapped[float] = mapped_column()
    radius_m: Mapped[float | None] = mapped_column(comment="责任半径，米")
    gate_id: Mapped[int | None] = mapped_column(
        ForeignKey("gate.id", ondelete="SET NULL"), index=True
    )
    water_id: Mapped[int | None] = mapped_column(ForeignKey("water_body.id", ondelete="SET NULL"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    township_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"), index=True)
    phone: Mapped[str] = mapped_column(String(32), default="")


class PostSession(Recorded, Base):
    """One post on one day at one session: needed, planned, present by role.

    ``present_*`` empty = nobody checked, which is not the same as nobody present.
    """

    __tablename__ = "post_session"
    __table_args__ = (
        UniqueConstraint("post_id", "on_date", "kind"),
        Index("ix_post_session_on_date_kind", "on_date", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("patrol_post.id", ondelete="CASCADE"))
    on_date: Mapped[dt.date] = mapped_column()
    kind: Mapped[SessionKind] = mapped_column(word(SessionKind))
    starts_at: Mapped[dt.time] = mapped_column()
    ends_at: Mapped[dt.time] = mapped_column()
    needed_leader: Mapped[int] = mapped_column(default=0)
    needed_teacher: Mapped[int] = mapped_column(default=0)
    needed_guard: Mapped[int] = mapped_column(default=0)
    needed_police: Mapped[int] = mapped_column(default=0)
    needed_volunteer: Mapped[int] = mapped_column(default=0)
    planned_leader: Mapped[int] = mapped_column(default=0)
    planned_teacher: Mapped[int] = mapped_column(default=0)
    planned_guard: Mapped[int] = mapped_column(default=0)
    planned_police: Mapped[int] = mapped_column(default=0)
    planned_volunteer: Mapped[int] = mapped_column(default=0)
    present_leader: Mapped[int | None] = mapped_column()
    present_teacher: Mapped[int | None] = mapped_column()
    present_guard: Mapped[int | None] = mapped_column()
    present_police: Mapped[int | None] = mapped_column()
    present_volunteer: Mapped[int | None] = mapped_column()
