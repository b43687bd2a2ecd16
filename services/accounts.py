"""Accounts: add, list, disable; the demo's one account per role."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from db.models import Account, City, District, PatrolPost, School
from domain.access import SYSTEM, Actor, Permission, require
from domain.errors import NotFound, UserError
from domain.words import DistrictLevel, PostKind, Role
from services.house import House, Work
from services.passwords import UNUSABLE, check_password_rule, hash_password
from services.sign_in import revoke_sign_ins

DEMO_PREFIX = "demo-"
_RESERVED_LOGINS = frozenset({"system", "visitor"})
_Row = TypeVar("_Row", District, School, PatrolPost)
_LOGIN_SHAPE = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is needed to make an account; the codes limit what it may see."""

    login: str
    name: str
    role: Role
    password: str = field(repr=False)
    district_code: str = ""
    township_code: str = ""
    school_code: str = ""
    station_code: str = ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account as lists show it."""

    login: str
    name: str
    role: Role
    is_active: bool
    is_demo: bool


@dataclass(frozen=True, slots=True)
class _Scope:
    district_id: int | None = None
    township_id: int | None = None
    school_id: int | None = None
    station_id: int | None = None


def add_account(actor: Actor, house: House, *, new: NewAccount) -> AccountRow:
    """Make an account; the first real one ends the demo accounts and their sign-ins.

    Raises ``UserError`` for a bad login name, a weak password, a taken name, a role
    without the scope it needs, or a code that is not in the database.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    login = _checked_login(new.login)
    check_password_rule(new.password, login=login)
    password_hash = hash_password(new.password)
    with house.write(actor) as work:
        if work.session.execute(select(Account.id).where(Account.login == login)).first():
            raise UserError(f"登录名 {login} 已被使用。", "请换一个登录名。")
        scope = _scope_of(work.session, new)
        account = Account(
            login=login,
            name=new.name.strip() or login,
            role=new.role,
            password_hash=password_hash,
            is_demo=False,
            district_id=scope.district_id,
            township_id=scope.township_id,
            school_id=scope.school_id,
            station_id=scope.station_id,
            source="账号管理",
            updated_by=actor.login,
            updated_at=work.at,
        )
        work.session.add(account)
        work.session.flush()
        work.bump("accounts")
        work.audit(
            "account.added",
            login,
            {
                "name": account.name,
                "role": new.role.value,
                "district": new.district_code,
                "township": new.township_code,
                "school": new.school_code,
                "station": new.station_code,
            },
        )
        _end_demo(work)
        return _row(account)


def list_accounts(actor: Actor, house: House) -> list[AccountRow]:
    """Return all accounts, by role and login."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    with house.read() as session:
        accounts = session.execute(select(Account).order_by(Account.role, Account.login)).scalars()
        return [_row(account) for account in accounts]


def disable_account(actor: Actor, house: House, *, login: str) -> AccountRow:
    """Disable an account and end all its sign-ins at once; doing so twice changes nothing."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    with house.read() as session:
        known = session.execute(
            select(Account).where(Account.login == login.strip().lower())
        ).scalar_one_or_none()
    if known is None:
        raise NotFound(f"账号 {login}")
    if not known.is_active:
        return _row(known)
    with house.write(actor) as work:
        account = work.session.get_one(Account, known.id)
        account.is_active = False
        account.updated_by, account.updated_at = actor.login, work.at
        ended = revoke_sign_ins(work, [account.id])
        work.session.flush()
        work.bump("accounts")
        work.audit("account.disabled", account.login, {"ended_sign_ins": ended})
        return _row(account)


def ensure_demo_accounts(house: House) -> list[AccountRow]:
    """Make or renew one account per role on a demo city; nothing where a real account exists.

    The district account is limited to the district with most schools, the township
    account to its largest township, the school account to that township's largest
    school. Demo accounts have no password: only the sign-in page's buttons open them.
    """
    with house.read() as session:
        if not _may_have_demo(session):
            return []
        wanted = _demo_scopes(session)
        held = {
            account.role: account
            for account in session.execute(select(Account).where(Account.is_demo)).scalars()
        }
    if all(
        role in held
        and held[role].is_active
        and held[role].name == _demo_name(role)
        and _scope_held(held[role]) == scope
        for role, scope in wanted.items()
    ):
        return [_row(held[role]) for role in wanted]
    with house.write(SYSTEM) as work:
        rows = []
        for role, scope in wanted.items():
            account = work.session.execute(
                select(Account).where(Account.login == f"{DEMO_PREFIX}{role.value}")
            ).scalar_one_or_none()
            if account is None:
                account = Account(
                    login=f"{DEMO_PREFIX}{role.value}",
                    name=_demo_name(role),
                    role=role,
                    password_hash=UNUSABLE,
                    is_demo=True,
                    source="演示数据",
                )
                work.session.add(account)
            account.is_active, account.name = True, _demo_name(role)
            account.district_id, account.township_id = scope.district_id, scope.township_id
            account.school_id, account.station_id = scope.school_id, scope.station_id
            account.updated_by, account.updated_at = SYSTEM.login, work.at
            rows.append(account)
        work.session.flush()
        work.bump("accounts")
        work.audit("account.demo_ready", "", {"roles": [role.value for role in wanted]})
        return [_row(account) for account in rows]


def _demo_name(role: Role) -> str:
    """Return the account's name; each its own, because custodians of a draw may not share one."""
    return f"演示{role.label}"


def _checked_login(typed: str) -> str:
    login = typed.strip().lower()
    if not _LOGIN_SHAPE.fullmatch(login):
        raise UserError(
            f"登录名「{typed}」的写法不对。",
            "请用 2 至 32 个小写字母、数字、点、横线或下划线，并以字母或数字开头。",
        )
    if login in _RESERVED_LOGINS or login.startswith(DEMO_PREFIX):
        raise UserError(f"登录名 {login} 由系统保留。", "请换一个登录名。")
    return login


def _scope_of(session: Session, new: NewAccount) -> _Scope:
    """Turn codes into ids, and demand the scope without which the role would see nothing."""
    needed = {
        Role.DISTRICT: (new.district_code, "所属区县", "--district 区县代码"),
        Role.TOWNSHIP: (new.township_code, "所属乡镇街道", "--township 乡镇街道代码"),
        Role.SCHOOL: (new.school_code, "所属学校", "--school 学校代码"),
    }
    code, what, option = needed.get(new.role, ("-", "", ""))
    if not code:
        raise UserError(
            f"{new.role.label}账号必须指明{what}。", f"请补充{what}（命令行为 {option}）。"
        )
    district = _find_district(session, new.district_code, DistrictLevel.COUNTY)
    township = _find_district(session, new.township_code, DistrictLevel.TOWNSHIP)
    school = _find(session, School, new.school_code, "学校")
    station = _find(session, PatrolPost, new.station_code, "派出所")
    if station is not None and station.kind is not PostKind.POLICE_STATION:
        raise UserError(f"勤务点位 {new.station_code} 不是派出所。", "请填写派出所的代码。")
    district_id = district.id if district else None
    township_id = township.id if township else None
    if township is not None:
        if district is not None and township.parent_id != district.id:
            raise UserError(
                f"{township.name} 不属于 {district.name}。", "请核对区县代码与乡镇街道代码。"
            )
        district_id = township.parent_id
    if new.role is Role.SCHOOL and school is not None:
        district_id, township_id = school.district_id, school.township_id
    return _Scope(
        district_id=district_id,
        township_id=township_id,
        school_id=school.id if school else None,
        station_id=station.id if station else None,
    )


def _find_district(session: Session, code: str, level: DistrictLevel) -> District | None:
    found = _find(session, District, code, level.label)
    if found is not None and found.level is not level:
        raise UserError(
            f"代码 {code}（{found.name}）不是{level.label}。", f"请填写{level.label}的代码。"
        )
    return found


def _find(session: Session, model: type[_Row], code: str, what: str) -> _Row | None:
    if not code.strip():
        return None
    found = session.execute(select(model).where(model.code == code.strip())).scalar_one_or_none()
    if found is None:
        raise UserError(f"没有代码为 {code} 的{what}。", f"请先导入{what}数据，或核对代码。")
    return found


def _end_demo(work: Work) -> None:
    ids = list(
        work.session.execute(select(Account.id).where(Account.is_demo, Account.is_active)).scalars()
    )
    if not ids:
        return
    work.connection.execute(
        update(Account).where(Account.id.in_(ids)).values(is_active=False, updated_at=work.at)
    )
    ended = revoke_sign_ins(work, ids)
    work.audit("account.demo_ended", "", {"accounts": len(ids), "ended_sign_ins": ended})


def _may_have_demo(session: Session) -> bool:
    is_demo = session.execute(select(City.is_demo).limit(1)).scalar_one_or_none()
    real = session.execute(select(Account.id).where(Account.is_demo.is_(False)).limit(1)).first()
    return bool(is_demo) and real is None


def _demo_scopes(session: Session) -> dict[Role, _Scope]:
    """Return every role's scope; roles whose scope the city cannot offer are left out."""
    district_id = _largest(session, School.district_id)
    township_id = _largest(session, School.township_id, School.district_id == district_id)
    school_id = session.execute(
        select(School.id)
        .where(School.township_id == township_id)
        .order_by(func.coalesce(School.students, 0).desc(), School.id)
        .limit(1)
    ).scalar_one_or_none()
    scopes = {role: _Scope() for role in Role}
    scopes[Role.DISTRICT] = _Scope(district_id=district_id)
    scopes[Role.TOWNSHIP] = _Scope(district_id=district_id, township_id=township_id)
    scopes[Role.SCHOOL] = _Scope(
        district_id=district_id, township_id=township_id, school_id=school_id
    )
    if district_id is None:
        del scopes[Role.DISTRICT]
    if township_id is None:
        del scopes[Role.TOWNSHIP]
    if school_id is None:
        del scopes[Role.SCHOOL]
    return scopes


def _largest(session: Session, column, *where) -> int | None:  # type: ignore[no-untyped-def]
    row = session.execute(
        select(column)
        .where(column.is_not(None), *where)
        .group_by(column)
        .order_by(func.count().desc(), column)
        .limit(1)
    ).first()
    return row[0] if row else None


def _scope_held(account: Account) -> _Scope:
    return _Scope(account.district_id, account.township_id, account.school_id, account.station_id)


def _row(account: Account) -> AccountRow:
    return AccountRow(
        login=account.login,
        name=account.name,
        role=account.role,
        is_active=account.is_active,
        is_demo=account.is_demo,
    )
