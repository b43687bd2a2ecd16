"""What every screen says about the data it shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from db.models import City
from services.house import LOCAL_ZONE, House


@dataclass(frozen=True, slots=True)
class CityNotice:
    """Which city this is, whether it is invented, and the day the figures are for."""

    name: str
    is_demo: bool
    figures_on: dt.date


def read_city(house: House) -> CityNotice | None:
    """Return the city served here, or ``None`` before any data was loaded."""
    with house.read() as session:
        city = session.execute(select(City).limit(1)).scalar_one_or_none()
    if city is None:
        return None
    today = house.now().astimezone(LOCAL_ZONE).date()
    return CityNotice(name=city.name, is_demo=city.is_demo, figures_on=city.as_of or today)
