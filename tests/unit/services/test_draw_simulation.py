"""A simulation gives the same answer on any number of cores, and can be called off."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from domain.draw.simulate import simulation_seed
from domain.draw.year import DrawRule, draw_year
from domain.errors import UserError
from services import draw_simulation
from services.draw_simulation import PART_DRAWS, simulate_draws
from tests.unit.domain.draw.frames import scattered

FRAME = scattered(150)
RULE = DrawRule(n=12, streams=2, rho_permille=150, inspected=FRAME.ids[:40], reserve=5)


def test_each_simulated_draw_is_the_real_draw_of_its_seed() -> None:
    simulation = simulate_draws(FRAME, RULE, seed="s", draws=30)
    for k in (0, 19, 20, 29):
        drawn = draw_year(FRAME, RULE, seed=simulation_seed("s", k))
        assert tuple(simulation.selected[k]) == drawn.selected
    assert simulation.counts().sum() == 30 * 12


def test_many_cores_give_what_one_gives_and_report_to_the_end(monkeypatch) -> None:
    one = simulate_draws(FRAME, RULE, seed="s", draws=70, workers=1)
    monkeypatch.setattr(draw_simulation, "SMALL_WORK", 0)
    reports: list[tuple[int, int]] = []
    two = simulate_draws(
        FRAME,
        RULE,
        seed="s",
        draws=70,
        workers=2,
        progress=lambda done, total, what: reports.append((done, total)),
    )
    np.testing.assert_array_equal(one.selected, two.selected)
    assert reports[0] == (0, 70)
    assert reports[-1] == (70, 70)
    assert reports == sorted(reports)


@pytest.mark.parametrize("workers", [1, 2])
def test_calling_off_keeps_the_draws_done_so_far(monkeypatch, workers: int) -> None:
    monkeypatch.setattr(draw_simulation, "SMALL_WORK", 0)
    done: list[int] = []
    simulation = simulate_draws(
        FRAME,
        RULE,
        seed="s",
        draws=4000,
        workers=workers,
        progress=lambda count, total, what: done.append(count),
        is_cancelled=lambda: done[-1] >= 2 * PART_DRAWS,
    )
    assert 0 <= simulation.draws <= done[-1] < 4000
    whole = simulate_draws(FRAME, RULE, seed="s", draws=simulation.draws, workers=1)
    np.testing.assert_array_equal(simulation.selected, whole.selected)


def test_a_rule_that_does_not_fit_is_refused_before_any_process_starts() -> None:
    with pytest.raises(UserError, match="名录库中有 150 所"):
        simulate_draws(FRAME, DrawRule(n=151), seed="s")


def test_no_draws_leave_an_empty_simulation() -> None:
    simulation = simulate_draws(FRAME, RULE, seed="s", draws=0)
    assert simulation.selected.shape == (0, 12)
    assert simulation.group_counts(FRAME.strata).empty


def test_many_cores_work_also_where_the_main_module_is_a_page_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "page.py"
    script.write_text("raise SystemExit('a worker ran the page')", encoding="utf-8")
    page = ModuleType("__main__")
    page.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", page)
    test_many_cores_give_what_one_gives_and_report_to_the_end(monkeypatch)
    assert sys.modules["__main__"] is page
