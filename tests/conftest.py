"""Fixtures every test may use: a house on SQLite, on both databases, the real data."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import db.models  # noqa: F401  (registers all tables)
from db.base import Base
from db.engine import make_engine
from services.house import House
from settings import Settings
from tests.clock import Clock
from tests.postgres import Cluster, running_cluster, why_not


@pytest.fixture(autouse=True)
def own_main_module() -> Iterator[None]:
    """Put the test runner's ``__main__`` back: AppTest leaves the page's script there, and
    every process spawned later would run that script as its own main module."""
    mine = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = mine


@pytest.fixture
def clock() -> Clock:
    """Return the clock of this test's house."""
    return Clock()


def _house(var_dir: Path, url: str, clock: Clock) -> House:
    settings = Settings(_env_file=None, database_url=url, var_dir=var_dir)
    return House(engine=make_engine(settings.resolved_database_url), settings=settings, now=clock)


def _sqlite_house(folder: Path, clock: Clock) -> House:
    house = _house(folder / "var", f"sqlite:///{(folder / 'test.sqlite').as_posix()}", clock)
    Base.metadata.create_all(house.engine)
    return house


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    """Give an empty house on a fresh SQLite file."""
    made = _sqlite_house(tmp_path, clock)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Give the session's PostgreSQL cluster, or skip saying why there is none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def any_house(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[House]:
    """Give an empty house, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        made = _sqlite_house(tmp_path, clock)
        yield made
        made.engine.dispose()
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    database = cluster.fresh_database()
    made = _house(tmp_path / "var", cluster.url(database), clock)
    yield made
    made.engine.dispose()
    cluster.drop(database)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Return the folder of real files, or skip where it is absent."""
    folder = os.environ.get("CSM_TEST_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("real data not available: set CSM_TEST_DATA to its folder")
    return Path(folder)
