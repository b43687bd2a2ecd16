"""Simulate a thousand draws of a plan, to see its chances come out before it is approved."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from domain.access import Actor, Permission, require
from domain.draw.pivotal import ALGORITHM
from domain.draw.randomness import sha256_hex
from domain.draw.simulate import Simulation
from domain.draw.year import DrawRule, YearPreparation
from domain.plan_chances import expect_groups
from services.draw_simulation import simulate_draws
from services.jobs import JOBS, JobView, Progress
from services.plans.preview import PlanOutlook
from services.plans.preview_rows import level_of

DRAWS = 1000
FAR_Z = 3.0
"""Beyond three standard errors lie 0.27 % of counts that only chance moves."""
FAR_SHARE = 0.0027
Z_BINS = np.arange(-4.0, 4.25, 0.5)


@dataclass(frozen=True)
class SimulationFacts:
    """What a simulation showed (plain numbers, small enough to keep).

    ``districts``: ``group``, ``count``, ``share`` (of the draws that gave this count);
    ``bounds``: ``group``, ``expected``, ``low``, ``high``; ``z``: ``from``, ``schools``,
    ``normal`` (schools that pure chance puts there). ``outside``: draws in which a
    district's count left its bounds; ``far``: schools beyond ``FAR_Z`` of ``tested``.
    """

    draws: int
    wanted: int
    districts: pd.DataFrame
    bounds: pd.DataFrame
    z: pd.DataFrame
    outside: int
    tested: int
    far: int
    worst: float


def simulation_key(outlook: PlanOutlook) -> str:
    """Return the key of a frame's and rule's simulation: same question, same key."""
    rule = outlook.rule
    asked = (
        f"{ALGORITHM}|{outlook.frame.hash}|{rule.n}|{rule.rho_permille}|{','.join(rule.inspected)}"
    )
    return "plan-" + sha256_hex(asked)[:24]


def start_simulation(actor: Actor, *, outlook: PlanOutlook, draws: int = DRAWS) -> str:
    """Start simulating in the background; return the job's key. Nothing is written.

    The seeds are made from the frame's hash, so the answer is the same every time; real
    draws have other seeds. Raises ``UserError`` where too many jobs are at work.
    """
    require(actor, Permission.VIEW_PLANS)
    key = simulation_key(outlook)
    frame, rule = outlook.frame, outlook.rule
    # One core is left to everybody else's pages.
    workers = max(1, (os.cpu_count() or 2) - 1)

    def work(progress: Progress, is_cancelled: Callable[[], bool]) -> SimulationFacts:
        made = simulate_draws(
            frame,
            rule,
            seed=f"plan|{frame.hash}",
            draws=draws,
            progress=progress,
            is_cancelled=is_cancelled,
            workers=workers,
        )
        return summarise(made, rule, wanted=draws)

    JOBS.start(actor, key, work)
    return key


def look_at_simulation(actor: Actor, *, key: str) -> JobView | None:
    """Return the actor's simulation as it stands; its result is ``SimulationFacts``."""
    require(actor, Permission.VIEW_PLANS)
    return JOBS.look(actor, key)


def stop_simulation(actor: Actor, *, key: str) -> None:
    """Call the actor's simulation off; what was drawn by then is shown."""
    require(actor, Permission.VIEW_PLANS)
    JOBS.call_off(actor, key)


def summarise(made: Simulation, rule: DrawRule, *, wanted: int) -> SimulationFacts:
    """Return what a simulation shows of districts and schools."""
    areas = [level_of(stratum, 0) for stratum in made.frame.strata]
    counts = made.group_counts(areas)
    expected = expect_groups(YearPreparation(made.frame, rule), areas)
    low = np.array([group.low for group in expected])
    high = np.array([group.high for group in expected])
    values = counts.to_numpy()
    outside = int(((values < low) | (values > high)).any(axis=1).sum())
    spread = counts.melt(var_name="group", value_name="count")
    shares = spread.groupby(["group", "count"]).size() / max(made.draws, 1)
    z = made.z_scores() if made.draws else np.array([])
    z = z[np.isfinite(z)]
    return SimulationFacts(
        draws=made.draws,
        wanted=wanted,
        districts=shares.rename("share").reset_index(),
        bounds=pd.DataFrame(
            [(g.group, float(g.expected), g.low, g.high) for g in expected],
            columns=["group", "expected", "low", "high"],
        ),
        z=_z_table(z),
        outside=outside,
        tested=len(z),
        far=int((np.abs(z) > FAR_Z).sum()),
        worst=float(np.abs(z).max()) if len(z) else 0.0,
    )


def _z_table(z: NDArray[np.float64]) -> pd.DataFrame:
    inside = np.clip(z, Z_BINS[0], Z_BINS[-1] - 1e-9)
    schools, _ = np.histogram(inside, bins=Z_BINS)
    edges = Z_BINS.copy()
    edges[0], edges[-1] = -np.inf, np.inf
    chance = np.diff(ndtr(edges)) * len(z)
    return pd.DataFrame({"from": Z_BINS[:-1], "schools": schools, "normal": chance})
