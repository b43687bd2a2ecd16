from __future__ import annotations

from threading import Event

import pandas as pd
import pytest

from domain.access import Actor
from domain.draw.year import DrawRule, year_chances
from domain.errors import Forbidden
from domain.words import Role
from services.draw_simulation import simulate_draws
from services.jobs import JobState
from services.plans.preview import PlanOutlook
from services.plans.simulate import (
    SimulationFacts,
    look_at_simulation,
    simulation_key,
    start_simulation,
    stop_simulation,
    summarise,
)
from tests.unit.domain.draw.frames import scattered
from tests.unit.services.plans.conftest import LEADER

FRAME = scattered(120)
RULE = DrawRule(n=12, streams=2, rho_permille=150, inspected=FRAME.ids[:40])
OUTLOOK = PlanOutlook(FRAME, RULE, year_chances(FRAME, RULE), pd.DataFrame())


def wait_for(key: str) -> SimulationFacts:
    waiter = Event()
    for _ in range(3000):
        seen = look_at_simulation(LEADER, key=key)
        assert seen is not None
        if seen.state is not JobState.RUNNING:
            assert isinstance(seen.result, SimulationFacts), seen.fault
            return seen.result
        waiter.wait(0.01)
    raise AssertionError("the simulation never ended")


def test_no_draw_leaves_a_districts_bounds_and_few_schools_stand_far_off() -> None:
    facts = summarise(simulate_draws(FRAME, RULE, seed="s", draws=200), RULE, wanted=200)
    assert facts.outside == 0
    assert facts.districts.groupby("group")["share"].sum().round(9).eq(1).all()
    assert facts.tested == facts.z["schools"].sum() == 120
    assert facts.far <= 3
    assert facts.z["normal"].sum() == pytest.approx(120)


def test_a_simulation_runs_in_the_background_and_says_the_same_every_time() -> None:
    key = start_simulation(LEADER, outlook=OUTLOOK, draws=40)
    assert key == simulation_key(OUTLOOK)
    first = wait_for(key)
    assert (first.draws, first.wanted) == (40, 40)
    start_simulation(LEADER, outlook=OUTLOOK, draws=40)
    again = wait_for(key)
    pd.testing.assert_frame_equal(first.districts, again.districts)


def test_another_number_of_places_is_another_question() -> None:
    other = DrawRule(n=13, streams=2, rho_permille=150, inspected=FRAME.ids[:40])
    outlook = PlanOutlook(FRAME, other, year_chances(FRAME, other), pd.DataFrame())
    assert simulation_key(outlook) != simulation_key(OUTLOOK)


def test_a_simulation_that_was_called_off_at_once_shows_nothing_wrong() -> None:
    facts = summarise(
        simulate_draws(FRAME, RULE, seed="s", draws=200, is_cancelled=lambda: True),
        RULE,
        wanted=200,
    )
    assert (facts.draws, facts.tested, facts.outside) == (0, 0, 0)
    stop_simulation(LEADER, key="nothing of the kind")


def test_whoever_sees_no_plans_simulates_none() -> None:
    police = Actor(9, "p", "", Role.POLICE)
    with pytest.raises(Forbidden):
        start_simulation(police, outlook=OUTLOOK)
