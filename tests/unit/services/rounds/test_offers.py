"""Which plans a departure can be opened from: what is left, and what is in the way."""

from __future__ import annotations

import pytest

from domain.errors import Forbidden
from services.house import House
from services.rounds.offers import PlanOffer, list_offers
from services.rounds.prepare import void_round
from services.rounds.reveal import reveal_round
from tests.rounds import PLAN, TODAY, RoundCity, add_round_city, commit, depart


@pytest.fixture
def city(any_house: House) -> RoundCity:
    return add_round_city(any_house)


def offer(house: House, city: RoundCity) -> PlanOffer:
    (only,) = list_offers(city.actor("li"), house)
    return only


def test_an_approved_plan_is_offered_with_what_it_has_left(
    any_house: House, city: RoundCity
) -> None:
    only = offer(any_house, city)
    assert (only.number, only.schools, only.left, only.must_visit) == (PLAN, 23, 6, 1)
    assert (only.first_day, only.suggested, only.is_open) == (TODAY, 3, True)


def test_a_round_under_way_stands_in_the_way_and_a_revealed_one_counts(
    any_house: House, city: RoundCity
) -> None:
    made = commit(any_house, city)
    assert (offer(any_house, city).under_way, offer(any_house, city).is_open) == (1, False)
    void_round(city.actor("li"), any_house, number=made.number, reason="封条遗失")
    assert (offer(any_house, city).left, offer(any_house, city).is_open) == (6, True)
    made = depart(any_house, city)
    assert offer(any_house, city).under_way == 2
    reveal_round(city.actor("li"), any_house, number=made.number, unrecorded_reason="演练")
    only = offer(any_house, city)
    assert (only.left, only.made, only.suggested, only.under_way) == (2, 1, 2, 0)


def test_a_citys_plan_is_not_offered_to_a_district_and_to_no_other_role(
    any_house: House, city: RoundCity
) -> None:
    assert list_offers(city.actor("qu"), any_house) == ()
    for login in ("ju", "xiao"):
        with pytest.raises(Forbidden):
            list_offers(city.actor(login), any_house)
