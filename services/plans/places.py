"""Where teams start: the middle of the area as a stand-in, a school, or typed coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import shapely
from sqlalchemy import LargeBinary, func, select, type_coerce

from db.models import City, District, School
from domain.words import DistrictLevel, SchoolStatus
from services.house import House

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
