from __future__ import annotations

import datetime as dt

import pytest
import shapely
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from db.base import Base
from db.models import Account, District, Gate, School, SignIn
from domain.words import DistrictLevel, Role, SchoolKind
from services.house import House
from tests.city import add_small_city


def test_geometry_comes_back_as_it_went_in(any_house: House) -> None:
    hole = shapely.Polygon(
        [(118, 33), (118.1, 33), (118.1, 33.1), (118, 33.1)],
        [[(118.02, 33.02), (118.04, 33.02), (118.04, 33.04)]],
    )
    with Session(any_house.engine) as session:
        session.add(District(code="D", name="D", level=DistrictLevel.COUNTY, boundary=hole))
        session.add(District(code="N", name="N", level=DistrictLevel.COUNTY, boundary=None))
        session.commit()
    with any_house.read() as session:
        got = dict(session.execute(select(District.code, District.boundary)).all())
    assert got["D"].equals_exact(hole, 0)
    assert got["N"] is None


def test_words_are_stored_as_stable_english_and_read_as_members(any_house: House) -> None:
    city = add_small_city(any_house)
    with Session(any_house.engine) as session:
        session.get_one(School, city.schools["E1"]).kind = SchoolKind.NINE_YEAR
        session.commit()
    with any_house.engine.connect() as connection:
        raw = connection.execute(text("SELECT kind FROM school WHERE code='E1'")).scalar_one()
    assert raw == "nine_year"
    with any_house.read() as session:
        assert session.get_one(School, city.schools["E1"]).kind.label == "九年一贯制"


def add_account(house: House) -> int:
    with Session(house.engine) as session:
        account = Account(login="a", name="A", role=Role.ADMIN, password_hash="!")
        session.add(account)
        session.commit()
        return account.id


def test_instants_come_back_aware_and_in_utc_from_any_zone(any_house: House) -> None:
    account_id = add_account(any_house)
    shanghai = dt.timezone(dt.timedelta(hours=8))
    at = dt.datetime(2026, 9, 1, 7, 30, 15, 123456, tzinfo=shanghai)
    with Session(any_house.engine) as session:
        session.add(
            SignIn(
                account_id=account_id, token_hash="x", created_at=at, last_seen_at=at, expires_at=at
            )
        )
        session.commit()
    with any_house.read() as session:
        got = session.execute(select(SignIn.created_at)).scalar_one()
        found = session.execute(select(SignIn.id).where(SignIn.created_at == at)).all()
    assert got == at
    assert got.utcoffset() == dt.timedelta(0)
    assert len(found) == 1


def test_a_naive_instant_is_refused(any_house: House) -> None:
    at = dt.datetime(2026, 9, 1)
    with (
        Session(any_house.engine) as session,
        pytest.raises(StatementError, match="naive datetime"),
    ):
        session.execute(select(SignIn).where(SignIn.created_at == at))


def test_codes_are_unique(any_house: House) -> None:
    add_small_city(any_house)
    with Session(any_house.engine) as session:
        session.add(School(code="E1", name="again", lon=1, lat=1))
        with pytest.raises(IntegrityError):
            session.commit()


def test_foreign_keys_hold_and_a_schools_gates_go_with_it(any_house: House) -> None:
    city = add_small_city(any_house)
    with Session(any_house.engine) as session:
        session.add(School(code="X", name="x", lon=1, lat=1, district_id=999_999))
        with pytest.raises(IntegrityError):
            session.commit()
    with Session(any_house.engine) as session:
        session.add(Gate(school_id=city.schools["W1"], name="正门", lon=1, lat=1))
        session.commit()
        session.execute(delete(School).where(School.id == city.schools["W1"]))
        session.commit()
        assert session.execute(select(Gate.id)).all() == []


def test_the_second_of_two_edits_of_one_row_is_refused(any_house: House) -> None:
    city = add_small_city(any_house)
    with any_house.read() as session:
        mine = session.get_one(School, city.schools["E1"])
    with any_house.read() as session:
        theirs = session.get_one(School, city.schools["E1"])
    mine.name, theirs.name = "甲", "乙"
    with Session(any_house.engine) as session:
        session.add(mine)
        session.commit()
        assert mine.row_version == theirs.row_version + 1
    with Session(any_house.engine) as session:
        session.add(theirs)
        with pytest.raises(StaleDataError):
            session.commit()


def test_every_constraint_has_a_name_of_at_most_63_letters() -> None:
    for table in Base.metadata.tables.values():
        for thing in (*table.constraints, *table.indexes):
            assert thing.name, f"{table.name}: unnamed {type(thing).__name__}"
            assert len(str(thing.name)) <= 63, thing.name


def test_sqlite_is_set_up_as_the_product_relies_on(house: House) -> None:
    with house.engine.connect() as connection:
        got = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert got == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30000,
    }
