from __future__ import annotations

import pytest
from sqlalchemy import select

from db.models import Account, AuditEvent
from domain.access import SYSTEM, Actor
from domain.errors import Forbidden, NotFound, UserError
from domain.words import Role
from services.accounts import (
    NewAccount,
    add_account,
    disable_account,
    ensure_demo_accounts,
    list_accounts,
)
from services.house import House
from services.passwords import check_password_rule
from tests.city import add_small_city

GOOD = "一句别人想不到的话吧"


def new(login: str = "anna", role: Role = Role.ADMIN, password: str = GOOD, **codes: str):
    return NewAccount(login=login, name="", role=role, password=password, **codes)


def account(house: House, login: str) -> Account:
    with house.read() as session:
        return session.execute(select(Account).where(Account.login == login)).scalar_one()


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("", "写法不对"),
        ("a", "写法不对"),
        ("有中文", "写法不对"),
        ("a b", "写法不对"),
        ("-dash", "写法不对"),
        ("system", "保留"),
        ("visitor", "保留"),
        ("demo-leader", "保留"),
    ],
)
def test_a_bad_or_reserved_login_name_is_refused(house: House, login: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        add_account(SYSTEM, house, new=new(login))


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "123456789",
        "1234567890",
        "12345678901",
        "aaaaaaaaaaaa",
        "abababababab",
        "abcdefghijkl",
        "Password2026!",
        "admin123456",
        "anna-2026-09",
        "9876543210",
        "Woaini1314520",
        "x" * 200,
    ],
)
def test_short_and_first_guess_passwords_are_refused(password: str) -> None:
    with pytest.raises(UserError):
        check_password_rule(password, login="anna")


@pytest.mark.parametrize(
    "password", [GOOD, "correct horse battery", "tr0ub4dor&3xyz", "杭州的桂花九月开了呀"]
)
def test_an_unguessable_sentence_is_accepted_without_character_classes(password: str) -> None:
    check_password_rule(password, login="anna")


def test_a_taken_login_name_is_refused_in_any_case(any_house: House) -> None:
    add_account(SYSTEM, any_house, new=new("anna"))
    with pytest.raises(UserError, match="已被使用"):
        add_account(SYSTEM, any_house, new=new("ANNA"))


@pytest.mark.parametrize("role", [Role.DISTRICT, Role.TOWNSHIP, Role.SCHOOL])
def test_a_scoped_role_without_its_scope_is_refused(house: House, role: Role) -> None:
    with pytest.raises(UserError, match="必须指明"):
        add_account(SYSTEM, house, new=new(role=role))
    assert list_accounts(SYSTEM, house) == []


def test_an_unknown_code_or_one_of_the_wrong_kind_is_refused(house: House) -> None:
    add_small_city(house)
    for codes, said in (
        ({"district_code": "X9"}, "没有代码为 X9"),
        ({"district_code": "E01"}, "不是区县"),
        ({"township_code": "E"}, "不是乡镇街道"),
        ({"district_code": "W", "township_code": "E01"}, "不属于"),
    ):
        with pytest.raises(UserError, match=said):
            add_account(SYSTEM, house, new=new(role=Role.INSPECTOR, **codes))
    assert [row.login for row in list_accounts(SYSTEM, house)] == []


def test_scope_codes_become_the_ids_that_queries_use(any_house: House) -> None:
    city = add_small_city(any_house)
    add_account(SYSTEM, any_house, new=new("d1", Role.DISTRICT, district_code="E"))
    add_account(SYSTEM, any_house, new=new("t1", Role.TOWNSHIP, township_code="E02"))
    add_account(SYSTEM, any_house, new=new("s1", Role.SCHOOL, school_code="W1"))
    add_account(SYSTEM, any_house, new=new("p1", Role.POLICE, station_code="P1"))
    d1, t1, s1, p1 = (account(any_house, login) for login in ("d1", "t1", "s1", "p1"))
    assert d1.district_id == city.east
    assert (t1.district_id, t1.township_id) == (city.east, city.townships["E02"])
    assert (s1.school_id, s1.district_id) == (city.schools["W1"], city.west)
    assert p1.station_id == city.station


def test_only_those_who_manage_accounts_may_add_list_or_disable(house: House) -> None:
    leader = Actor(account_id=1, login="leader", name="", role=Role.LEADER)
    with pytest.raises(Forbidden):
        add_account(leader, house, new=new())
    with pytest.raises(Forbidden):
        list_accounts(leader, house)
    with pytest.raises(Forbidden):
        disable_account(leader, house, login="anna")


def test_the_password_reaches_neither_the_log_nor_a_repr(house: House) -> None:
    wanted = new()
    assert GOOD not in repr(wanted)
    add_account(SYSTEM, house, new=wanted)
    with house.read() as session:
        assert GOOD not in str(session.execute(select(AuditEvent.data)).all())
    assert account(house, "anna").password_hash.startswith("$argon2id$")


def test_disabling_an_unknown_account_says_so_and_twice_changes_nothing(house: House) -> None:
    with pytest.raises(NotFound):
        disable_account(SYSTEM, house, login="ghost")
    add_account(SYSTEM, house, new=new())
    disable_account(SYSTEM, house, login="anna")
    with house.read() as session:
        before = len(session.execute(select(AuditEvent.seq)).all())
    assert disable_account(SYSTEM, house, login="anna").is_active is False
    with house.read() as session:
        assert len(session.execute(select(AuditEvent.seq)).all()) == before


def test_demo_accounts_are_one_a_role_and_scoped_to_the_largest_places(any_house: House) -> None:
    city = add_small_city(any_house)
    rows = ensure_demo_accounts(any_house)
    assert {row.role for row in rows} == set(Role)
    assert account(any_house, "demo-district").district_id == city.east
    assert account(any_house, "demo-township").township_id == city.townships["E01"]
    assert account(any_house, "demo-school").school_id == city.schools["E1"]
    assert account(any_house, "demo-police").station_id is None


def test_making_demo_accounts_twice_writes_nothing_the_second_time(house: House) -> None:
    add_small_city(house)
    ensure_demo_accounts(house)
    before = house.versions()
    ensure_demo_accounts(house)
    assert house.versions() == before


def test_a_real_city_gets_no_demo_accounts(house: House) -> None:
    add_small_city(house, is_demo=False)
    assert ensure_demo_accounts(house) == []
    assert list_accounts(SYSTEM, house) == []
