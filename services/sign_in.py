"""Sign-in: passwords against tokens, throttling, expiry and revocation.

A browser holds a random 256-bit token; the database holds only its SHA-256.
Nobody is signed in while these verbs run, so they take no actor.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, or_, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db.engine import BUSY_TIMEOUT_MS
from db.models import Account, City, SignIn, SignInTry
from domain.access import Actor
from domain.errors import UserError
from domain.words import Role
from services.house import House, Work
from services.passwords import hash_password, needs_rehash, verify_password

COOKIE_NAME = "csm_sign_in"
"""The cookie that carries the token; routes and pages read the same one."""

ADDRESS_FACTOR = 4
"""An address may fail this many times as often as an account: one address is often a whole
office, and a colleague's typing errors must not lock the others out before a meeting."""

TOUCH_EVERY = dt.timedelta(minutes=1)
_TOUCH_PATIENCE_MS = 50
_POSTGRES_TRIES_LOCK = 20_261_122

VISITOR = Actor(account_id=None, login="visitor", name="未登录访客", role=Role.SCHOOL)
"""Who the audit log names for a failed try: a school account without a school sees nothing."""


class SignInRefused(UserError):
    """Name and password do not fit; said alike for unknown names, wrong passwords, disabled ones."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("账号或密码不正确。", "请核对后重试；忘记密码请联系本单位管理员。")


class TooManyTries(UserError):
    """The account or the address failed too often within the window."""

    def __init__(self, window_min: int) -> None:
        """Say how long to wait."""
        super().__init__("登录失败次数过多，已暂停尝试。", f"请 {window_min} 分钟后再试。")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a try comes from."""

    address: str
    browser: str = ""


@dataclass(frozen=True, slots=True)
class NewSignIn:
    """A fresh sign-in: ``token`` goes into the cookie and is kept nowhere else."""

    token: str
    actor: Actor
    expires_at: dt.datetime


def sign_in(
    house: House, *, login: str, password: str, visitor: Visitor, previous_token: str = ""
) -> NewSignIn:
    """Check name and password and open a sign-in; the browser's previous one ends.

    Raises ``SignInRefused`` or ``TooManyTries``. The password is verified outside the
    transaction (it takes tens of milliseconds); the count of failures is taken again
    inside it, so that parallel guesses cannot slip past the limit.
    """
    login = login.strip().lower()[:64]
    with house.read() as session:
        if _is_throttled(session.connection(), house, login, visitor.address):
            raise TooManyTries(house.settings.sign_in_window_min)
        known = _active_account(session, login)
    fits = verify_password(known.password_hash if known else None, password)
    if known is None or not fits:
        with house.write(VISITOR) as work:
            _lock_tries(house, work, login, visitor)
            _record_failure(work, login, visitor, known=known is not None)
        raise SignInRefused()
    fresh_hash = hash_password(password) if needs_rehash(known.password_hash) else ""
    with house.write(_actor(known)) as work:
        _lock_tries(house, work, login, visitor)
        account = _active_account(work.session, login)
        if account is None:
            raise SignInRefused()
        if fresh_hash:
            account.password_hash = fresh_hash
        work.session.execute(delete(SignInTry).where(SignInTry.login == login))
        return _open(house, work, account, visitor, previous_token)


def sign_in_demo(
    house: House, *, role: Role, visitor: Visitor, previous_token: str = ""
) -> NewSignIn:
    """Open a sign-in as the demo account of ``role``, while the demo is open."""
    ended = UserError("演示账号已停用。", "请使用管理员为您建立的账号登录。")
    with house.read() as session:
        known = _active_demo_account(session, role)
    if known is None:
        raise ended
    with house.write(_actor(known)) as work:
        account = _active_demo_account(work.session, role)
        if account is None:
            raise ended
        return _open(house, work, account, visitor, previous_token)


def demo_roles(house: House) -> list[Role]:
    """Return the roles the sign-in page offers without a password; empty once the demo ended."""
    with house.read() as session:
        if not _demo_is_open(session):
            return []
        held = set(
            session.execute(
                select(Account.role).where(Account.is_demo, Account.is_active)
            ).scalars()
        )
    return [role for role in Role if role in held]


def has_accounts(house: House) -> bool:
    """Tell whether anybody at all could sign in."""
    with house.read() as session:
        return (
            session.execute(select(Account.id).where(Account.is_active).limit(1)).first()
            is not None
        )


def actor_of_token(house: House, token: str) -> Actor | None:
    """Return who holds ``token`` now: read anew each time, so a revoked user is out at once."""
    if not token:
        return None
    now = house.now()
    with house.read() as session:
        row = session.execute(
            select(SignIn.id, SignIn.last_seen_at, Account)
            .join(Account, Account.id == SignIn.account_id)
            .where(
                SignIn.token_hash == token_hash(token),
                SignIn.revoked_at.is_(None),
                SignIn.expires_at > now,
                SignIn.last_seen_at > now - dt.timedelta(minutes=house.settings.sign_in_idle_min),
                Account.is_active,
            )
        ).first()
    if row is None:
        return None
    if now - row.last_seen_at >= TOUCH_EVERY:
        _touch(house, row.id, now)
    return _actor(row.Account)


def sign_out(house: House, *, token: str) -> None:
    """Revoke the token's sign-in; an unknown or ended one is left as it is."""
    actor = actor_of_token(house, token)
    if actor is None:
        return
    with house.write(actor) as work:
        work.session.execute(
            update(SignIn).where(SignIn.token_hash == token_hash(token)).values(revoked_at=work.at)
        )
        work.audit("sign_in.ended", actor.login)


def revoke_sign_ins(work: Work, account_ids: list[int]) -> int:
    """End all sign-ins of the accounts within the caller's write; return how many ended."""
    if not account_ids:
        return 0
    ended = work.connection.execute(
        update(SignIn)
        .where(SignIn.account_id.in_(account_ids), SignIn.revoked_at.is_(None))
        .values(revoked_at=work.at)
    )
    return ended.rowcount


def _open(
    house: House, work: Work, account: Account, visitor: Visitor, previous_token: str
) -> NewSignIn:
    token = secrets.token_urlsafe(32)
    expires_at = work.at + dt.timedelta(hours=house.settings.sign_in_absolute_h)
    if previous_token:
        work.session.execute(
            update(SignIn)
            .where(SignIn.token_hash == token_hash(previous_token), SignIn.revoked_at.is_(None))
            .values(revoked_at=work.at)
        )
    # Ended sign-ins are in the audit log; the table keeps a week of them.
    work.session.execute(delete(SignIn).where(SignIn.expires_at < work.at - dt.timedelta(days=7)))
    work.session.add(
        SignIn(
            account_id=account.id,
            token_hash=token_hash(token),
            created_at=work.at,
            last_seen_at=work.at,
            expires_at=expires_at,
            address=visitor.address[:64],
            browser=visitor.browser[:200],
        )
    )
    work.audit(
        "sign_in.opened",
        account.login,
        {"address": visitor.address, "role": account.role.value, "demo": account.is_demo},
    )
    return NewSignIn(token=token, actor=_actor(account), expires_at=expires_at)


def _record_failure(work: Work, login: str, visitor: Visitor, *, known: bool) -> None:
    old = work.at - dt.timedelta(days=1)
    work.session.execute(delete(SignInTry).where(SignInTry.at < old))
    work.session.add(SignInTry(login=login, address=visitor.address[:64], at=work.at))
    # People type passwords into the name field: an unknown name never reaches the log.
    work.audit(
        "sign_in.failed",
        login if known else "",
        {"address": visitor.address, "known_account": known},
    )


def _is_throttled(connection: Connection, house: House, login: str, address: str) -> bool:
    since = house.now() - dt.timedelta(minutes=house.settings.sign_in_window_min)
    tries = house.settings.sign_in_tries
    by_login, by_address = connection.execute(
        select(
            func.count().filter(SignInTry.login == login),
            func.count().filter(SignInTry.address == address[:64]),
        ).where(
            SignInTry.at > since,
            or_(SignInTry.login == login, SignInTry.address == address[:64]),
        )
    ).one()
    return by_login >= tries or by_address >= tries * ADDRESS_FACTOR


def _lock_tries(house: House, work: Work, login: str, visitor: Visitor) -> None:
    """Let one try at a time through (SQLite's write lock already does) and count anew."""
    if work.connection.dialect.name == "postgresql":
        work.connection.execute(
            text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_TRIES_LOCK}
        )
    if _is_throttled(work.connection, house, login, visitor.address):
        raise TooManyTries(house.settings.sign_in_window_min)


def _active_account(session: Session, login: str) -> Account | None:
    return session.execute(
        select(Account).where(Account.login == login, Account.is_active)
    ).scalar_one_or_none()


def _active_demo_account(session: Session, role: Role) -> Account | None:
    if not _demo_is_open(session):
        return None
    return session.execute(
        select(Account)
        .where(Account.is_demo, Account.is_active, Account.role == role)
        .order_by(Account.id)
        .limit(1)
    ).scalar_one_or_none()


def _touch(house: House, sign_in_id: int, now: dt.datetime) -> None:
    """Note the visit; give up at once while a long write holds the database."""
    is_sqlite = house.engine.dialect.name == "sqlite"
    with house.engine.connect() as connection:
        try:
            if is_sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={_TOUCH_PATIENCE_MS}")
            connection.execute(
                update(SignIn).where(SignIn.id == sign_in_id).values(last_seen_at=now)
            )
            connection.commit()
        except OperationalError:
            connection.rollback()
        finally:
            if is_sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _demo_is_open(session: Session) -> bool:
    is_demo = session.execute(select(City.is_demo).limit(1)).scalar_one_or_none()
    real = session.execute(select(Account.id).where(Account.is_demo.is_(False)).limit(1)).first()
    return bool(is_demo) and real is None


def token_hash(token: str) -> str:
    """Return the hash under which a sign-in token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _actor(account: Account) -> Actor:
    return Actor(
        account_id=account.id,
        login=account.login,
        name=account.name,
        role=account.role,
        district_id=account.district_id,
        township_id=account.township_id,
        school_id=account.school_id,
        station_id=account.station_id,
    )
