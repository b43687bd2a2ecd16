from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

import services.sign_in as sign_in_module
from db.audit import verify_chain
from db.models import Account, AuditEvent, SignIn, SignInTry
from domain.access import SYSTEM
from domain.words import Role
from services.accounts import NewAccount, add_account, disable_account, ensure_demo_accounts
from services.house import House
from services.sign_in import (
    ADDRESS_FACTOR,
    SignInRefused,
    TooManyTries,
    Visitor,
    actor_of_token,
    demo_roles,
    sign_in,
    sign_in_demo,
    sign_out,
)
from tests.city import add_small_city
from tests.clock import Clock

DESK = Visitor(address="10.1.1.1", browser="test")
GOOD = "一句别人想不到的话吧"


@pytest.fixture
def anna(any_house: House) -> House:
    add_account(
        SYSTEM,
        any_house,
        new=NewAccount(login="anna", name="安娜", role=Role.LEADER, password=GOOD),
    )
    return any_house


def events(house: House) -> list[tuple[str, str, str]]:
    with house.read() as session:
        rows = session.execute(
            select(AuditEvent.kind, AuditEvent.actor, AuditEvent.subject).order_by(AuditEvent.seq)
        )
        return [tuple(row) for row in rows]


def enter(house: House, password: str = GOOD, login: str = "anna", visitor: Visitor = DESK):
    return sign_in(house, login=login, password=password, visitor=visitor)


def test_the_right_password_opens_a_sign_in_and_its_event_names_the_account(anna: House) -> None:
    opened = enter(anna)
    assert actor_of_token(anna, opened.token) == opened.actor
    assert opened.actor.login == "anna"
    assert opened.actor.role is Role.LEADER
    assert events(anna)[-1] == ("sign_in.opened", "anna", "anna")


def test_login_names_are_the_same_in_any_case_and_with_blanks_around(anna: House) -> None:
    assert enter(anna, login="  Anna ").actor.login == "anna"


def test_only_the_hash_of_the_token_is_kept(anna: House) -> None:
    token = enter(anna).token
    assert len(token) >= 43
    with anna.read() as session:
        kept = session.execute(select(SignIn.token_hash)).scalar_one()
        everything = str(session.execute(select(AuditEvent.data)).all())
    assert kept == hashlib.sha256(token.encode()).hexdigest()
    assert token not in everything
    assert actor_of_token(anna, kept) is None


def test_a_wrong_password_an_unknown_name_and_a_disabled_account_get_the_same_answer(
    anna: House,
) -> None:
    add_account(
        SYSTEM, anna, new=NewAccount(login="bert", name="", role=Role.LEADER, password=GOOD)
    )
    disable_account(SYSTEM, anna, login="bert")
    said = set()
    for login, password in (("anna", "wrong"), ("nobody", GOOD), ("bert", GOOD)):
        with pytest.raises(SignInRefused) as refused:
            enter(anna, password, login)
        said.add(str(refused.value))
    assert len(said) == 1


def test_an_unknown_name_costs_the_same_password_work(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    import services.passwords as passwords

    verified: list[str] = []

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            verified.append(stored)
            raise passwords.VerificationError

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    with pytest.raises(SignInRefused):
        enter(house, login="nobody")
    assert len(verified) == 1
    assert verified[0].startswith("$argon2id$")


def test_a_failed_try_is_in_the_chain_without_what_was_typed(anna: House) -> None:
    with pytest.raises(SignInRefused):
        enter(anna, "SecretTyped1")
    with pytest.raises(SignInRefused):
        enter(anna, "x", login="my-password-by-mistake")
    assert events(anna)[-2:] == [
        ("sign_in.failed", "visitor", "anna"),
        ("sign_in.failed", "visitor", ""),
    ]
    with anna.engine.connect() as connection:
        log = str(connection.execute(text("SELECT * FROM audit_event")).all())
        assert verify_chain(connection).broken_at is None
    assert "SecretTyped1" not in log
    assert "my-password-by-mistake" not in log


def test_an_account_is_throttled_after_the_allowed_failures_even_with_the_right_password(
    anna: House, clock: Clock
) -> None:
    for _ in range(anna.settings.sign_in_tries):
        with pytest.raises(SignInRefused):
            enter(anna, "wrong")
    with pytest.raises(TooManyTries):
        enter(anna, GOOD, visitor=Visitor(address="10.9.9.9"))
    clock.advance(minutes=anna.settings.sign_in_window_min, seconds=1)
    assert enter(anna).actor.login == "anna"


def test_an_unknown_name_is_throttled_alike(anna: House) -> None:
    for _ in range(anna.settings.sign_in_tries):
        with pytest.raises(SignInRefused):
            enter(anna, login="nobody")
    with pytest.raises(TooManyTries):
        enter(anna, login="nobody")


def test_one_address_trying_many_names_is_throttled_and_others_are_not(anna: House) -> None:
    for n in range(anna.settings.sign_in_tries * ADDRESS_FACTOR):
        with pytest.raises(SignInRefused):
            enter(anna, "wrong", login=f"guess{n}")
    with pytest.raises(TooManyTries):
        enter(anna)
    assert enter(anna, visitor=Visitor(address="10.2.2.2")).actor.login == "anna"


def test_success_clears_the_accounts_failures(anna: House) -> None:
    for _ in range(anna.settings.sign_in_tries - 1):
        with pytest.raises(SignInRefused):
            enter(anna, "wrong")
    enter(anna)
    with anna.read() as session:
        assert session.execute(select(SignInTry).where(SignInTry.login == "anna")).first() is None


def test_parallel_guesses_cannot_slip_past_the_limit(anna: House) -> None:
    def guess(_: int) -> type[Exception]:
        try:
            enter(anna, "wrong")
        except Exception as error:
            return type(error)
        raise AssertionError("a wrong password got in")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(guess, range(12)))
    assert answers.count(SignInRefused) == anna.settings.sign_in_tries
    assert answers.count(TooManyTries) == 12 - anna.settings.sign_in_tries


def test_a_sign_in_ends_after_the_idle_time_but_visits_keep_it(anna: House, clock: Clock) -> None:
    token = enter(anna).token
    idle_min = anna.settings.sign_in_idle_min
    clock.advance(minutes=idle_min - 1)
    assert actor_of_token(anna, token) is not None
    clock.advance(minutes=idle_min - 1)
    assert actor_of_token(anna, token) is not None
    clock.advance(minutes=idle_min + 1)
    assert actor_of_token(anna, token) is None


def test_a_sign_in_ends_at_its_last_hour_however_busy(anna: House, clock: Clock) -> None:
    token = enter(anna).token
    for _ in range(anna.settings.sign_in_absolute_h):
        assert actor_of_token(anna, token) is not None
        clock.advance(hours=1)
    assert actor_of_token(anna, token) is None


def test_the_visit_is_noted_at_most_once_a_minute(anna: House, clock: Clock) -> None:
    token = enter(anna).token

    def seen():
        with anna.read() as session:
            return session.execute(select(SignIn.last_seen_at)).scalar_one()

    first = seen()
    clock.advance(seconds=59)
    actor_of_token(anna, token)
    assert seen() == first
    clock.advance(seconds=1)
    actor_of_token(anna, token)
    assert seen() == clock()


def test_a_visit_does_not_wait_for_a_long_write(house: House, clock: Clock) -> None:
    add_account(
        SYSTEM, house, new=NewAccount(login="anna", name="", role=Role.LEADER, password=GOOD)
    )
    token = enter(house).token
    clock.advance(minutes=2)
    with house.write(SYSTEM) as work:
        work.audit("test.long")
        assert actor_of_token(house, token) is not None


def test_signing_out_revokes_the_token_and_is_logged(anna: House) -> None:
    token = enter(anna).token
    sign_out(anna, token=token)
    assert actor_of_token(anna, token) is None
    assert events(anna)[-1] == ("sign_in.ended", "anna", "anna")
    before = events(anna)
    sign_out(anna, token=token)
    assert events(anna) == before


def test_signing_in_again_ends_the_same_browsers_previous_sign_in_only(anna: House) -> None:
    here, elsewhere = enter(anna).token, enter(anna).token
    fresh = sign_in(anna, login="anna", password=GOOD, visitor=DESK, previous_token=here).token
    assert actor_of_token(anna, here) is None
    assert actor_of_token(anna, elsewhere) is not None
    assert actor_of_token(anna, fresh) is not None


def test_disabling_an_account_ends_all_its_sign_ins_at_once(anna: House) -> None:
    tokens = [enter(anna).token, enter(anna).token]
    disable_account(SYSTEM, anna, login="anna")
    assert [actor_of_token(anna, token) for token in tokens] == [None, None]


def test_demo_roles_open_without_a_password_on_a_demo_city_only(any_house: House) -> None:
    assert demo_roles(any_house) == []
    add_small_city(any_house, is_demo=True)
    ensure_demo_accounts(any_house)
    assert demo_roles(any_house) == list(Role)
    opened = sign_in_demo(any_house, role=Role.DISTRICT, visitor=DESK)
    assert opened.actor.district_id is not None
    assert events(any_house)[-1] == ("sign_in.opened", "demo-district", "demo-district")


def test_the_first_real_account_ends_the_demo_and_its_sign_ins(any_house: House) -> None:
    add_small_city(any_house)
    ensure_demo_accounts(any_house)
    token = sign_in_demo(any_house, role=Role.ADMIN, visitor=DESK).token
    add_account(
        SYSTEM, any_house, new=NewAccount(login="real", name="", role=Role.ADMIN, password=GOOD)
    )
    assert actor_of_token(any_house, token) is None
    assert demo_roles(any_house) == []
    with pytest.raises(Exception, match="演示账号已停用"):
        sign_in_demo(any_house, role=Role.ADMIN, visitor=DESK)
    disable_account(SYSTEM, any_house, login="real")
    assert ensure_demo_accounts(any_house) == []
    assert demo_roles(any_house) == []


def test_a_demo_account_has_no_password_that_could_fit(any_house: House) -> None:
    add_small_city(any_house)
    ensure_demo_accounts(any_house)
    for guess in ("!", "", "没有这个账号"):
        with pytest.raises(SignInRefused):
            enter(any_house, guess, login="demo-admin")


def test_the_unknown_names_dummy_password_opens_nothing(anna: House) -> None:
    with pytest.raises(SignInRefused):
        enter(anna, "没有这个账号", login="nobody")


def test_an_outdated_hash_is_renewed_on_the_next_sign_in(
    anna: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        with anna.read() as session:
            return session.execute(select(Account.password_hash)).scalar_one()

    before = stored()
    monkeypatch.setattr(sign_in_module, "needs_rehash", lambda _hash: True)
    enter(anna)
    assert stored() != before
    assert enter(anna).actor.login == "anna"
