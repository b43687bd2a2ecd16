"""Visits of a quick draw: told once, counted from then on."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from db.models import Inspection
from domain.access import Actor
from domain.errors import Forbidden, NotFound, UserError
from domain.quick_draw import Weighting
from domain.school_filter import SchoolFilter
from domain.words import InspectionLevel, Role, ValueSource
from services.coverage import forecast_year
from services.draw_list import list_drawn
from services.draws import QuickOrder, draw_quick, use_draw
from services.house import House
from services.visits import list_unvisited, record_quick_visits
from tests.city import add_small_city

INSPECTOR = Actor(account_id=1, login="li", name="", role=Role.INSPECTOR)
LEADER = Actor(account_id=2, login="ju", name="", role=Role.LEADER)
TODAY = dt.date(2026, 9, 1)


@pytest.fixture
def number(any_house: House) -> str:
    add_small_city(any_house)
    order = QuickOrder("抽查", SchoolFilter(), 2, Weighting(), ValueSource.TYPED, "6 6")
    return draw_quick(INSPECTOR, any_house, order=order, request_key="v" * 16)


def test_visits_count_towards_coverage_once_they_are_told(any_house: House, number: str) -> None:
    use_draw(INSPECTOR, any_house, number=number)
    codes = list(list_drawn(INSPECTOR, any_house, number=number)["code"])
    level = InspectionLevel.CITY
    assert forecast_year(INSPECTOR, any_house, level=level).visited == 0
    made = record_quick_visits(
        INSPECTOR, any_house, number=number, on=TODAY, codes=[codes[0], codes[0]]
    )
    assert made == 1
    assert forecast_year(INSPECTOR, any_house, level=level).visited == 1
    assert list(list_unvisited(INSPECTOR, any_house, number=number)) == codes[1:]
    assert list_drawn(INSPECTOR, any_house, number=number)["visits"].tolist() == [1, 0]
    with pytest.raises(UserError, match="已经登记过"):
        record_quick_visits(INSPECTOR, any_house, number=number, on=TODAY, codes=codes)
    with any_house.read() as session:
        assert session.scalars(select(Inspection.number)).all() == [f"{number}-001"]


def test_only_the_draw_in_use_and_only_real_days_can_be_told(any_house: House, number: str) -> None:
    codes = list(list_drawn(INSPECTOR, any_house, number=number)["code"])
    with pytest.raises(UserError, match="还没有采用"):
        record_quick_visits(INSPECTOR, any_house, number=number, on=TODAY, codes=codes)
    use_draw(INSPECTOR, any_house, number=number)
    for day in (TODAY - dt.timedelta(days=9), TODAY + dt.timedelta(days=1)):
        with pytest.raises(UserError, match="不在抽取之后"):
            record_quick_visits(INSPECTOR, any_house, number=number, on=day, codes=codes)
    with pytest.raises(UserError, match="没有选学校"):
        record_quick_visits(INSPECTOR, any_house, number=number, on=TODAY, codes=[])
    with pytest.raises(UserError, match="不在这次名单中"):
        record_quick_visits(INSPECTOR, any_house, number=number, on=TODAY, codes=["X"])
    with any_house.read() as session:
        assert session.scalars(select(Inspection.id)).all() == []


def test_leaders_look_and_districts_do_not_reach_the_citys_draw(
    any_house: House, number: str
) -> None:
    with pytest.raises(Forbidden):
        record_quick_visits(LEADER, any_house, number=number, on=TODAY, codes=["E1"])
    officer = Actor(account_id=3, login="qu", name="", role=Role.DISTRICT, district_id=1)
    with pytest.raises(NotFound):
        record_quick_visits(officer, any_house, number=number, on=TODAY, codes=["E1"])
