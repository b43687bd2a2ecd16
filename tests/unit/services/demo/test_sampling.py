"""The demo city's people and plans: the same for the same seed, and fit to be shown."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from db.models import Account, Inspector, InspectorTie, SamplingPlan
from domain.access import SYSTEM, Actor
from domain.words import InspectionLevel, PlanStatus, Role
from services.demo.build import build_demo_city
from services.draw_recompute import recompute_draw
from services.house import House
from services.plans.rosters import check_frozen_rosters
from services.rounds.outcome import list_published, list_published_schools
from services.rounds.publication import read_publication

LEADER = Actor(None, "demo-leader", "", Role.LEADER)


def build(house: House, schools: int = 90) -> None:
    build_demo_city(
        SYSTEM,
        house,
        schools=schools,
        seed=7,
        as_of=dt.date(2026, 11, 20),
        progress=lambda *_: None,
    )


def rows(house: House) -> tuple[list[object], list[object]]:
    with house.read() as session:
        people = session.execute(
            select(Inspector.code, Inspector.name, Inspector.can_lead, Inspector.phone).order_by(
                Inspector.code
            )
        )
        plans = session.execute(
            select(SamplingPlan.number, SamplingPlan.title, SamplingPlan.frame_hash).order_by(
                SamplingPlan.number
            )
        )
        return [tuple(row) for row in people], [tuple(row) for row in plans]


def test_the_demo_shows_plans_at_every_step_and_teams_for_those_that_are_frozen(
    any_house: House,
) -> None:
    build(any_house)
    with any_house.read() as session:
        plans = session.scalars(select(SamplingPlan).order_by(SamplingPlan.number)).all()
        people = session.scalars(select(Inspector)).all()
        ties = len(session.scalars(select(InspectorTie)).all())
        linked = session.scalars(
            select(Account.login).join(Inspector, Inspector.account_id == Account.id)
        ).all()
    assert [(plan.status, plan.level) for plan in plans] == [
        (PlanStatus.APPROVED, InspectionLevel.CITY),
        (PlanStatus.APPROVED, InspectionLevel.CITY),
        (PlanStatus.APPROVED, InspectionLevel.COUNTY),
        (PlanStatus.SUBMITTED, InspectionLevel.CITY),
        (PlanStatus.DRAFT, InspectionLevel.COUNTY),
    ]
    assert sum(person.level is InspectionLevel.CITY for person in people) == 24
    assert len({person.name for person in people}) == len(people) == 24 + 8 * 7
    assert 5 <= ties <= 30
    assert sorted(linked) == ["demo-district", "demo-inspector", "demo-police"]
    for plan in plans[1:4]:
        found = check_frozen_rosters(LEADER, any_house, number=plan.number)
        assert found.bare is None
        assert found.staffed + found.eased >= found.tried // 2, plan.number


def test_a_rebuilt_demo_city_has_the_same_people_and_plans(house: House) -> None:
    build(house)
    before = rows(house)
    build(house)
    assert rows(house) == before


def test_the_demo_has_one_published_round_that_replays_and_outlives_a_rebuild(
    any_house: House,
) -> None:
    build(any_house)
    (number,) = list_published(LEADER, any_house)["number"]
    drawn = list_published_schools(LEADER, any_house, number=number)
    assert len(drawn) == 10
    assert recompute_draw(LEADER, any_house, number=number).fault is None
    facts = read_publication(LEADER, any_house, number=number)
    assert (facts.visited, facts.departs_on) == (facts.stops, dt.date(2026, 10, 21))
    build(any_house)
    assert list_published(LEADER, any_house)["number"].tolist() == [number]
    again = list_published_schools(LEADER, any_house, number=number)
    assert again["code"].tolist() == drawn["code"].tolist()


@pytest.mark.parametrize("schools", [8, 20])
def test_a_tiny_demo_city_leaves_out_what_does_not_fit(house: House, schools: int) -> None:
    build(house, schools)
    assert len(rows(house)[1]) >= 2
