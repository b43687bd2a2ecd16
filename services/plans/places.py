"""Places and schools for a plan's form: where teams start, which schools a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from sqlalchemy import LargeBinary, func, select, type_coerce

from db.models import City, District, School
from db.scope import schools_readable_by
from domain.access import Actor, Permission, require
from domain.school_filter import SchoolFilter
from domain.words import DistrictLevel, SchoolStatus
from services.house import House
from services.map_schools import SortBy, list_schools
from services.plans.basis import schools_by_code

FOUND_MOST = 30
DECIMALS = 5
"""About a metre: a start place is a car park, not a survey point."""


@dataclass(frozen=True, slots=True)
class StartPlace:
    """A start place in WGS 84 degrees."""

    name: str
    lon: float
    lat: float


def default_start(house: House, *, district_id: int | None) -> StartPlace | None:
    """Return the middle of the district's boundary, or of the whole city's.

    A stand-in named so, because nobody has entered where the office is: a point inside
    the area, else the middle school; ``None`` where there is neither.
    """
    with house.read() as session:
        of_district = District.id == district_id
        area = of_district if district_id is not None else District.level == DistrictLevel.COUNTY
        shapes = session.scalars(
            select(type_coerce(District.boundary, LargeBinary)).where(
                area, District.boundary.is_not(None)
            )
        ).all()
        name = session.scalar(
            select(District.name).where(of_district)
            if district_id is not None
            else select(City.name).limit(1)
        )
        title = f"{name or '市'}教育局（示意）"
        if shapes:
            whole = shapely.union_all(shapely.from_wkb([bytes(shape) for shape in shapes]))
            point = whole.centroid if whole.contains(whole.centroid) else whole.point_on_surface()
            return StartPlace(title, round(point.x, DECIMALS), round(point.y, DECIMALS))
        mine = School.district_id == district_id if district_id is not None else School.id > 0
        lon, lat = session.execute(
            select(func.avg(School.lon), func.avg(School.lat)).where(
                mine, School.status == SchoolStatus.ACTIVE
            )
        ).one()
    if lon is None:
        return None
    return StartPlace(title, round(float(lon), DECIMALS), round(float(lat), DECIMALS))


def start_at_school(actor: Actor, house: House, *, code: str) -> StartPlace | None:
    """Return a school of the actor's scope as start place, or ``None``."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        row = session.execute(
            select(School.name, School.lon, School.lat).where(
                schools_readable_by(actor), School.code == code
            )
        ).first()
    return StartPlace(row.name, row.lon, row.lat) if row else None


def find_schools(actor: Actor, house: House, *, q: str) -> dict[str, str]:
    """Return code → "name (district)" of the active schools that ``q`` finds, by name."""
    require(actor, Permission.VIEW_PLANS)
    found = list_schools(
        actor, house, wanted=SchoolFilter(q=q.strip()), sort=SortBy.NAME, page=1, size=FOUND_MOST
    )
    return {row.code: f"{row.name}（{row.district}）" for row in found.rows}


def names_of_schools(actor: Actor, house: House, *, codes: Sequence[str]) -> dict[str, str]:
    """Return code → name of the schools that lie in the actor's scope."""
    require(actor, Permission.VIEW_PLANS)
    with house.read() as session:
        return {row.code: row.name for row in schools_by_code(session, actor, codes, School.name)}
