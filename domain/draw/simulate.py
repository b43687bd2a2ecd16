"""Many draws of one plan, to see its chances come out before anyone relies on them.

The draws are real ones, each under a seed text of its own, so a simulation can be repeated
and shared out over processes. It says nothing about the draw to come, whose seed differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.draw.frame import Frame
from domain.draw.year import DrawRule, YearPreparation, year_chances


@dataclass(frozen=True)
class Simulation:
    """The schools selected in each simulated draw.

    ``selected`` has one row per draw and n columns of frame positions, ascending;
    ``chances`` are the exact chances in frame order.
    """

    frame: Frame
    selected: NDArray[np.int32]
    chances: tuple[Fraction, ...]

    @property
    def draws(self) -> int:
        """Count the draws."""
        return len(self.selected)

    def counts(self) -> NDArray[np.int64]:
        """Return how often each school was selected, in frame order."""
        return np.bincount(self.selected.ravel(), minlength=len(self.frame))

    def z_scores(self) -> NDArray[np.float64]:
        """Return each school's count in standard errors away from its exact chance.

        NaN where the chance is 0 or 1, which leaves nothing to chance.
        """
        p = np.array([float(chance) for chance in self.chances])
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (self.counts() - self.draws * p) / np.sqrt(self.draws * p * (1 - p))
        return np.where((p > 0) & (p < 1), z, np.nan)

    def group_counts(self, groups: Sequence[str]) -> pd.DataFrame:
        """Count selected schools per draw (rows) and group (columns, sorted).

        ``groups`` names each school's group in frame order, e.g. its district.
        """
        codes, names = pd.factorize(np.asarray(groups, dtype=object), sort=True)
        width = max(len(names), 1)
        cell = codes[self.selected] + np.arange(self.draws)[:, None] * width
        table = np.bincount(cell.ravel(), minlength=self.draws * width)
        return pd.DataFrame(table.reshape(self.draws, width)[:, : len(names)], columns=list(names))

    def expected_counts(self, groups: Sequence[str]) -> dict[str, Fraction]:
        """Return each group's expected number of selected schools, exactly."""
        expected: dict[str, Fraction] = dict.fromkeys(sorted(groups), Fraction(0))
        for group, chance in zip(groups, self.chances, strict=True):
            expected[group] += chance
        return expected


def simulation_seed(seed: str, number: int) -> str:
    """Return the seed text of one simulated draw."""
    return f"simulation|{seed}|{number}"


def simulate_part(prepared: YearPreparation, seed: str, first: int, last: int) -> NDArray[np.int32]:
    """Run the simulated draws ``first`` … ``last`` − 1; one row of positions per draw."""
    rows = [prepared.draw_positions(simulation_seed(seed, k)) for k in range(first, last)]
    return np.array(rows, dtype=np.int32).reshape(last - first, prepared.rule.n)


def join_parts(frame: Frame, rule: DrawRule, parts: Sequence[NDArray[np.int32]]) -> Simulation:
    """Put the parts of a simulation together, in their order."""
    empty = np.empty((0, rule.n), dtype=np.int32)
    return Simulation(frame, np.concatenate([empty, *parts]), year_chances(frame, rule))
