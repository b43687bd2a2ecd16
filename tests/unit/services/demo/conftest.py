"""One small generated city, shared by the tests of this package: nothing is stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pytest

from services.demo.plane import Array, Table
from services.demo.tables import generate_tables

AS_OF = dt.date(2026, 11, 20)
SEED = 20230901
SCHOOLS = 320


@dataclass(frozen=True)
class Made:
    """Generated tables by name; both parts of the posts put together."""

    tables: dict[str, Table]

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def by_id(self, name: str, column: str, ids: Array) -> Array:
        """Return a column's values at ids (1 … n, in order)."""
        values: Array = self.tables[name][column][np.asarray(ids, dtype=int) - 1]
        return values


def made(schools: int = SCHOOLS, seed: int = SEED, as_of: dt.date = AS_OF) -> Made:
    tables: dict[str, Table] = {}
    for name, columns in generate_tables(schools, seed, as_of):
        if name in tables:
            earlier = tables[name]
            columns = {key: np.concatenate([earlier[key], columns[key]]) for key in columns}
        tables[name] = columns
    return Made(tables)


@pytest.fixture(scope="session")
def city() -> Made:
    """Return the small demo city as tables."""
    return made()
