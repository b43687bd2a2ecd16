"""What every screen says about the data it shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from db.models import City, School
from domain.access import Actor, Permission, require
from domain.errors import UserError
from services.house import LOCAL_ZONE, House

NAME_LIMIT = 60
ZONES = range(4534, 4555)
"""CGCS2000 3-degree Gauss–Krüger zones 25–45 without false-easting prefix. source: DOMAIN.md §4"""


@dataclass(frozen=True, slots=True)
class CityNotice:
    """Which city this is, whether it is invented, and the day the figures are for.

    ``name`` is empty where data were loaded and nobody named the city.
    """

    name: str
    is_demo: bool
    figures_on: dt.date


def name_city(actor: Actor, house: House, *, name: str = "", epsg: int | None = None) -> None:
    """Set the city's name, its CGCS2000 3-degree zone (EPSG 4534–4554), or both.

    What is not given stays. Raises ``UserError`` on a demo city, a name of the wrong length,
    another zone, or a zone alone where no city has been named.
    """
    require(actor, Permission.IMPORT_DATA)
    wanted = " ".join(name.split())
    if len(wanted) > NAME_LIMIT or not (wanted or epsg is not None):
        raise UserError("城市名称为空或过长。", f"请给出 1–{NAME_LIMIT} 个字，例如 --city 某某市。")
    if epsg is not None and epsg not in ZONES:
        raise UserError(
            f"EPSG:{epsg} 不是 CGCS2000 三度带。", "可用 4534–4554，或留空按学校位置推定。"
        )
    with house.write(actor) as work:
        city = work.session.execute(select(City).limit(1)).scalar_one_or_none()
        if city is not None and city.is_demo:
            raise UserError(
                "当前是演示城市，不能改名称和投影带。",
                "请换一个空的数据目录（CSM_VAR_DIR）再设置。",
            )
        if city is None and not wanted:
            raise UserError(
                "还没有城市名称，不能单独设置投影带。",
                f"请同时给出名称，例如 --city 某某市 --epsg {epsg}。",
            )
        before = {"name": city.name, "epsg": city.epsg} if city is not None else None
        if city is None:
            city = City(name=wanted, is_demo=False)
            work.session.add(city)
        city.name = wanted or city.name
        city.epsg = city.epsg if epsg is None else epsg
        after = {"name": city.name, "epsg": city.epsg}
        if after != before:
            work.bump("base")
        work.audit("city.named", city.name, {"before": before, **after})


def read_city(house: House) -> CityNotice | None:
    """Return the city served here, or ``None`` before any data was loaded."""
    with house.read() as session:
        city = session.execute(select(City).limit(1)).scalar_one_or_none()
        has_schools = session.execute(select(School.id).limit(1)).first() is not None
    today = house.now().astimezone(LOCAL_ZONE).date()
    if city is None:
        return CityNotice(name="", is_demo=False, figures_on=today) if has_schools else None
    return CityNotice(name=city.name, is_demo=city.is_demo, figures_on=city.as_of or today)
