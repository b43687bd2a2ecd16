from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import db.models  # noqa: F401  (registers all tables)
from db.base import Base
from db.engine import make_engine
from db.migrate import alembic_config, upgrade
from services.start import open_house
from settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{(tmp_path / 'empty.sqlite').as_posix()}")
        yield engine
        engine.dispose()
        return
    cluster = request.getfixturevalue("postgres")
    database = cluster.fresh_database(template="template0")
    engine = make_engine(cluster.url(database))
    yield engine
    engine.dispose()
    cluster.drop(database)


def test_the_migrations_build_exactly_what_the_models_say(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    names = set(inspect(empty_engine).get_table_names())
    assert set(Base.metadata.tables) <= names


def test_upgrading_twice_keeps_the_data(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect().execution_options(csm_write=True) as connection:
        connection.execute(text("INSERT INTO data_version (area, version) VALUES ('base', 7)"))
        connection.commit()
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        assert connection.execute(text("SELECT version FROM data_version")).scalar_one() == 7


def test_upgrading_from_the_first_draws_keeps_draws_and_their_schools(empty_engine: Engine) -> None:
    config = alembic_config()
    with empty_engine.connect().execution_options(csm_write=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO draw (id, number, year, form, level, title, wanted, n, request_key,"
                " value_source, frame, excluded, frame_hash, parameters, parameters_hash, schools,"
                " status, committed_at, committed_by, commit_seq, void_reason) VALUES (1, 'CQ1',"
                " 2026, 'quick', 'city', 't', '', 1, 'k', 'typed', :f, :f, '', '{}', '', 1,"
                " 'drawn', '2026-01-01 00:00:00', 'x', 1, '')"
            ),
            {"f": b"x"},
        )
        connection.execute(
            text(
                "INSERT INTO drawn_school (draw_id, position, school_code, school_name, stratum,"
                " chance_part, chance_whole) VALUES (1, 1, 'S1', 'n', 's', 1, 2)"
            )
        )
        connection.commit()
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        kept = "SELECT number, school_code, plan_id FROM draw JOIN drawn_school ON draw_id = id"
        assert connection.execute(text(kept)).all() == [("CQ1", "S1", None)]


def test_there_is_one_line_of_migrations() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1


def test_opening_a_house_in_an_empty_folder_builds_its_database(tmp_path: Path) -> None:
    house = open_house(Settings(_env_file=None, var_dir=tmp_path / "new" / "var", database_url=""))
    assert house.versions()["base"] == 0
    assert (tmp_path / "new" / "var" / "csm.sqlite").exists()
    house.engine.dispose()


def test_everything_can_be_taken_down_again(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    config = alembic_config()
    with empty_engine.connect().execution_options(csm_write=True) as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
    assert set(inspect(empty_engine).get_table_names()) <= {"alembic_version"}
