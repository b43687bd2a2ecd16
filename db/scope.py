"""Row scope inside the query: every read of scoped rows starts here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, false, select, true

from db.models import (
    Draw,
    Gate,
    Hazard,
    Inspection,
    Inspector,
    PatrolPost,
    RouteMember,
    SamplingPlan,
    School,
    TrafficFacility,
    WaterBody,
)
from domain.access import SCOPE_FIELD, Actor, Permission
from domain.words import InspectionLevel, Role


def _has_no_scope(actor: Actor) -> bool:
    field = SCOPE_FIELD.get(actor.role)
    return field is not None and getattr(actor, field) is None


def schools_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``School`` for ``actor``."""
    if _has_no_scope(actor):
        return false()
    if actor.role is Role.SCHOOL:
        return School.id == actor.school_id
    if actor.role is Role.TOWNSHIP:
        return School.township_id == actor.township_id
    if actor.role is Role.POLICE and actor.station_id is not None:
        return School.police_station_id == actor.station_id
    if actor.district_id is not None:
        return School.district_id == actor.district_id
    return true()


def _within_area(actor: Actor, model: Any) -> ColumnElement[bool]:
    """Scope of things on the ground that carry ``district_id`` and ``township_id``."""
    if _has_no_scope(actor):
        return false()
    if actor.role is Role.TOWNSHIP:
        return model.township_id == actor.township_id  # type: ignore[no-any-return]
    if actor.district_id is not None:
        return model.district_id == actor.district_id  # type: ignore[no-any-return]
    if actor.role is Role.SCHOOL:
        mine = select(School.district_id).where(School.id == actor.school_id).scalar_subquery()
        return model.district_id == mine  # type: ignore[no-any-return]
    return true()


def waters_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``WaterBody``."""
    return _within_area(actor, WaterBody)


def facilities_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``TrafficFacility``."""
    return _within_area(actor, TrafficFacility)


def posts_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``PatrolPost``."""
    return _within_area(actor, PatrolPost)


def gates_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Gate``."""
    return Gate.school_id.in_(select(School.id).where(schools_readable_by(actor)))


def inspections_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Inspection``."""
    return Inspection.school_id.in_(select(School.id).where(schools_readable_by(actor)))


def hazards_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Hazard``."""
    return Hazard.school_id.in_(select(School.id).where(schools_readable_by(actor)))


def draws_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Draw``: a district sees its own draws and no others.

    Roles that may not see draws at all see none, whatever the caller checked before.
    """
    if _has_no_scope(actor) or not actor.may(Permission.VIEW_DRAWS):
        return false()
    if actor.district_id is not None:
        return Draw.district_id == actor.district_id
    return true()


def plans_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``SamplingPlan``: a district sees its own plans."""
    if _has_no_scope(actor) or not actor.may(Permission.VIEW_PLANS):
        return false()
    if actor.district_id is not None:
        return SamplingPlan.district_id == actor.district_id
    return true()


def inspectors_readable_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Inspector``: a district sees its own people."""
    if _has_no_scope(actor) or not actor.may(Permission.VIEW_PLANS):
        return false()
    if actor.district_id is not None:
        return Inspector.district_id == actor.district_id
    return true()


def inspectors_managed_by(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``Inspector`` for changes.

    City people are the city's, a district's county people its own; others are only read.
    """
    if _has_no_scope(actor) or not actor.may(Permission.MANAGE_INSPECTORS):
        return false()
    if actor.district_id is None:
        return Inspector.level == InspectionLevel.CITY
    mine = Inspector.district_id == actor.district_id
    return mine & (Inspector.level == InspectionLevel.COUNTY)


def own_routes(actor: Actor) -> ColumnElement[bool]:
    """Return the WHERE condition on ``RouteMember``: the teams that the account belongs to.

    A person recorded as absent is no longer of the team.
    """
    if actor.account_id is None or not actor.may(Permission.VIEW_OWN_ROUTE):
        return false()
    mine = select(Inspector.id).where(Inspector.account_id == actor.account_id)
    return RouteMember.inspector_id.in_(mine) & RouteMember.absent_reason.is_(None)
