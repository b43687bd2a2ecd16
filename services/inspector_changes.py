"""Keeping the register of inspectors: add, change, take off the rosters, put back.

City people are kept by the city's inspectors, a district's county people by that district;
nobody is ever deleted, because rounds and their records name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from db.models import Account, District, Inspector
from db.scope import inspectors_managed_by, inspectors_readable_by
from domain.access import Actor
from domain.errors import EditConflict, Forbidden, NotFound, UserError
from domain.quick_draw import one_line
from domain.words import DistrictLevel, InspectorKind
from services.house import House, Work
from services.importers.inspectors import (
    CODE_LIMIT,
    NAME_LIMIT,
    PHONE_RULE,
    QUALIFICATIONS_LIMIT,
    UNIT_LIMIT,
    clean_phone,
)
from services.inspectors import linkable_accounts, own_level, require_keeper


@dataclass(frozen=True, slots=True)
class InspectorDraft:
    """What a form says of a person; the level follows from who keeps the register.

    ``district_code``: home district, empty for none (city people only); ``account_login``:
    empty for none.
    """

    code: str
    name: str
    kind: InspectorKind
    unit: str = ""
    qualifications: str = ""
    can_lead: bool = False
    phone: str = ""
    district_code: str = ""
    account_login: str = ""


def add_inspector(actor: Actor, house: House, *, draft: InspectorDraft) -> str:
    """Put a person on the actor's register; return the code.

    Raises ``UserError`` for a code that is taken, a text that does not fit, or an account
    that cannot be linked.
    """
    require_keeper(actor)
    with house.write(actor) as work:
        values = _checked(work.session, actor, draft, held=None)
        person = Inspector(
            **values,
            level=own_level(actor),
            source="人员登记",
            updated_by=actor.login,
            updated_at=work.at,
        )
        work.session.add(person)
        _flush(work, values["code"])
        work.bump("inspectors")
        work.audit("inspector.added", person.code, _told(values))
        return person.code


def change_inspector(
    actor: Actor, house: House, *, code: str, row_version: int, draft: InspectorDraft
) -> str:
    """Change a person; return the code, which may be new. Equal values write nothing.

    Raises ``EditConflict`` where somebody else changed the person since ``row_version``,
    ``Forbidden`` where another office keeps the person, else as ``add_inspector``.
    """
    require_keeper(actor)
    with house.read() as session:
        held = _managed(session, actor, code)
        if held.row_version == row_version and not _changes(
            held, _checked(session, actor, draft, held=held)
        ):
            return held.code
    with house.write(actor) as work:
        person = _locked(work, actor, code, row_version)
        values = _checked(work.session, actor, draft, held=person)
        changes = _changes(person, values)
        for name in changes:
            setattr(person, name, values[name])
        person.updated_by, person.updated_at = actor.login, work.at
        _flush(work, values["code"])
        work.bump("inspectors")
        work.audit("inspector.changed", code, _hide_phone(changes))
        return person.code


def set_inspector_active(
    actor: Actor, house: House, *, code: str, row_version: int, is_active: bool
) -> None:
    """Take a person off the rosters or put back; history and record stay. Twice changes nothing."""
    require_keeper(actor)
    with house.read() as session:
        if _managed(session, actor, code).is_active is is_active:
            return
    with house.write(actor) as work:
        person = _locked(work, actor, code, row_version)
        person.is_active = is_active
        person.updated_by, person.updated_at = actor.login, work.at
        _flush(work, code)
        work.bump("inspectors")
        work.audit("inspector.reactivated" if is_active else "inspector.deactivated", code)


def _managed(session: Session, actor: Actor, code: str, *, lock: bool = False) -> Inspector:
    """Return a person the actor may change; readable ones of another office are refused."""
    query = select(Inspector).where(inspectors_readable_by(actor), Inspector.code == code)
    person = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if person is None:
        raise NotFound("这名督查人员")
    own = session.scalar(
        select(Inspector.id).where(inspectors_managed_by(actor), Inspector.id == person.id)
    )
    if own is None:
        raise Forbidden(f"修改{person.level.label}督查人员")
    return person


def _locked(work: Work, actor: Actor, code: str, row_version: int) -> Inspector:
    person = _managed(work.session, actor, code, lock=True)
    if person.row_version != row_version:
        raise EditConflict(f"督查人员 {code} ")
    return person


def _flush(work: Work, code: str) -> None:
    try:
        work.session.flush()
    except StaleDataError as error:
        raise EditConflict(f"督查人员 {code} ") from error
    except IntegrityError as error:
        raise UserError(
            f"工号 {code} 或所选账号刚刚被他人使用。", "请刷新页面，核对后再提交。"
        ) from error


def _checked(
    session: Session, actor: Actor, draft: InspectorDraft, *, held: Inspector | None
) -> dict[str, Any]:
    """Return the columns of a draft, or say what does not fit."""
    code = one_line(draft.code, what="工号", limit=CODE_LIMIT)
    own = held.id if held else None
    taken = session.scalar(select(Inspector.id).where(Inspector.code == code))
    if taken not in (None, own):
        raise UserError(f"工号 {code} 已有人使用。", "请核对工号；同一人请改已有的登记，不要再建。")
    return {
        "code": code,
        "name": one_line(draft.name, what="姓名", limit=NAME_LIMIT),
        "kind": draft.kind,
        "unit": _text(draft.unit, "单位", UNIT_LIMIT),
        "qualifications": _text(draft.qualifications, "资格", QUALIFICATIONS_LIMIT),
        "can_lead": draft.can_lead,
        "phone": _phone(draft.phone),
        "district_id": _district(session, actor, draft.district_code),
        "account_id": _account(session, actor, draft.account_login, held),
    }


def _text(text: str, what: str, limit: int) -> str:
    return one_line(text, what=what, limit=limit) if text.strip() else ""


def _phone(text: str) -> str:
    try:
        return clean_phone(text)
    except ValueError as error:
        raise UserError("电话的写法不对。", PHONE_RULE) from error


def _district(session: Session, actor: Actor, code: str) -> int | None:
    if actor.district_id is not None:
        return actor.district_id
    if not code:
        return None
    found = session.scalar(
        select(District.id).where(District.code == code, District.level == DistrictLevel.COUNTY)
    )
    if found is None:
        raise UserError(f"没有代码为 {code} 的区县。", "请从列表中选择。")
    return found


def _account(session: Session, actor: Actor, login: str, held: Inspector | None) -> int | None:
    if not login:
        return None
    found = session.scalar(select(Account.id).where(Account.login == login))
    if held is not None and found is not None and found == held.account_id:
        return found
    fits = session.scalar(
        select(Account.id).where(
            linkable_accounts(actor),
            Account.login == login,
            Account.id.not_in(
                select(Inspector.account_id).where(Inspector.account_id.is_not(None))
            ),
        )
    )
    if fits is None:
        raise UserError(
            f"账号 {login} 不能关联。",
            "须是启用中的督查员、区县专干或警校联动账号，且尚未关联他人；请从列表中选择。",
        )
    return fits


def _changes(person: Inspector, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {column: [before, after]} of what differs, as JSON values."""
    return {
        name: [getattr(person, name), value]
        for name, value in values.items()
        if getattr(person, name) != value
    }


def _hide_phone(changes: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Leave numbers out of the audit log, which others read."""
    return {name: "已更改" if name == "phone" else pair for name, pair in changes.items()}


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "phone"}
