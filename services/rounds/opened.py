"""What a revealed round adds to its replay pack."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Departure, Draw, SealedRound
from domain.words import DrawForm, DrawStatus


def opened_round(session: Session, draw: Draw) -> dict[str, Any] | None:
    """Return people, routes and teams of a revealed round, or nothing for any other draw."""
    if draw.form is not DrawForm.SEALED or draw.status is not DrawStatus.DRAWN:
        return None
    sealed = session.scalars(select(SealedRound).where(SealedRound.draw_id == draw.id)).one()
    departure = session.scalars(select(Departure).where(Departure.draw_id == draw.id)).one()
    return {
        "people": departure.people,
        "day_task": sealed.day_task,
        "day_plan": sealed.day_plan,
        "roster": sealed.roster,
    }
