"""Inspectors by file: look what it would do, then import all of it or nothing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sqlalchemy import Connection, Select, insert, select
from sqlalchemy.exc import IntegrityError

from db.models import Account, Inspector, InspectorTie, School
from db.repositories import imports as store
from db.scope import inspectors_managed_by, inspectors_readable_by, schools_readable_by
from domain.access import Actor
from domain.errors import UserError
from domain.words import InspectionLevel, TieKind
from services.house import House, Work
from services.importers.clean import CleanBatch
from services.importers.gazetteer import Gazetteer
from services.importers.inspectors import (
    AVOID,
    MAX_FILE_MB,
    read_people,
    split_codes,
)
from services.importers.plan import Plan, make_plan, refuse_incomplete, resolve_area
from services.importers.problems import CellProblem
from services.inspector_ties import TIES_LIMIT
from services.inspectors import linkable_accounts, own_level, require_keeper

_WAS_NOT_WRITTEN = "整个文件未导入，名册没有变化。"
_NAME_CHARS = 60


@dataclass(frozen=True)
class PeopleReport:
    """What a file would change or has changed; nothing where ``problems`` block."""

    file_name: str
    read: int
    new: int = 0
    changed: int = 0
    same: int = 0
    ties: int = 0
    problems: tuple[CellProblem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Tell whether any cell keeps the whole file out."""
        return any(problem.is_blocking for problem in self.problems)

    @property
    def changes_anything(self) -> bool:
        """Tell whether anything is or would be written."""
        return not self.is_refused and bool(self.new or self.changed or self.ties)

    def problem_table(self) -> pd.DataFrame:
        """Return ``row``, ``column``, ``message``, ``value``, ``sheet`` by row, blocking first."""
        ordered = sorted(self.problems, key=lambda p: (not p.is_blocking, p.row or 0, p.column))
        return pd.DataFrame(
            [(p.row, p.column, p.message, p.value, p.sheet) for p in ordered],
            columns=["row", "column", "message", "value", "sheet"],
        )


class PeopleRefused(UserError):
    """A file with faults in single cells; ``report`` names them all."""

    def __init__(self, report: PeopleReport) -> None:
        """Sum up."""
        count = sum(problem.is_blocking for problem in report.problems)
        super().__init__(
            f"「{report.file_name}」有 {count} 处错误，{_WAS_NOT_WRITTEN}",
            "请按下表逐处修改后重新上传。",
        )
        self.report = report


@dataclass(frozen=True)
class _Ready:
    """A checked file: the rows to write, the (code, school id) ties to add, what to tell."""

    plan: Plan
    ties: list[tuple[str, int]]
    report: PeopleReport


def check_people_file(
    actor: Actor, house: House, *, file_name: str, content: bytes
) -> PeopleReport:
    """Say what importing the file would do, all faults at once; write nothing.

    Raises ``UserError`` where the file as a whole cannot be used.
    """
    require_keeper(actor)
    batch = _read(file_name, content)
    with house.read() as session:
        return _prepare(session.connection(), actor, batch, file_name).report


def import_people(actor: Actor, house: House, *, file_name: str, content: bytes) -> PeopleReport:
    """Put the people of a file on the actor's register: all of them, or none.

    Known codes are updated, empty cells erase nothing, schools to stay away from are only
    added; the same file again changes nothing. Raises ``PeopleRefused`` with every fault.
    """
    require_keeper(actor)
    batch = _read(file_name, content)
    try:
        with house.write(actor) as work:
            ready = _prepare(work.connection, actor, batch, file_name)
            if ready.report.is_refused:
                raise PeopleRefused(ready.report)
            _apply(work, ready)
    except PeopleRefused as refused:
        with house.write(actor) as work:
            work.audit("inspectors.import_refused", file_name[:_NAME_CHARS], _told(refused.report))
        raise
    except IntegrityError as error:
        raise UserError(
            f"导入期间他人改动了名册，{_WAS_NOT_WRITTEN}", "请核对后再导入一次。"
        ) from error
    return ready.report


def _told(report: PeopleReport) -> dict[str, int]:
    names = ("read", "new", "changed", "same", "ties")
    return {**{n: getattr(report, n) for n in names}, "problems": len(report.problems)}


def _read(file_name: str, content: bytes) -> CleanBatch:
    if len(content) > MAX_FILE_MB << 20:
        raise UserError(
            f"文件超过 {MAX_FILE_MB} MB，不像人员名册。", "请下载模板，只填人员后再导入。"
        )
    kept = "".join(c for c in file_name if c.isprintable() and c not in '/\\:*?"<>|')
    suffix = Path(kept).suffix.lower()
    with tempfile.TemporaryDirectory(prefix="csm-people-") as folder:
        path = Path(folder) / f"{Path(kept).stem[:_NAME_CHARS] or '名册'}{suffix[:8]}"
        path.write_bytes(content)
        return read_people(path)


def _prepare(connection: Connection, actor: Actor, batch: CleanBatch, file_name: str) -> _Ready:
    stated = batch.stated
    avoid = stated.pop(AVOID) if AVOID in stated else _nothing(batch)
    _resolve_place(connection, actor, batch)
    _resolve_accounts(connection, actor, batch)
    _refuse_others(connection, actor, batch)
    wanted = _resolve_schools(connection, actor, batch, avoid)
    columns = [name for name in stated.columns if name != "code"]
    existing = store.load_by_code(connection, "inspectors", columns, list(stated["code"]))
    refuse_incomplete(batch, existing)
    problems, notes = tuple(batch.problems), tuple(batch.notes)
    if batch.bad.any():
        nothing = Plan(pd.DataFrame(), pd.DataFrame(), 0)
        report = PeopleReport(file_name, batch.rows_read, problems=problems, notes=notes)
        return _Ready(nothing, [], report)
    plan = make_plan(batch, existing, None)
    ties = _new_ties(connection, wanted)
    report = PeopleReport(
        file_name,
        batch.rows_read,
        new=len(plan.insert),
        changed=len(plan.update),
        same=plan.same,
        ties=len(ties),
        problems=problems,
        notes=notes,
    )
    return _Ready(plan, ties, report)


def _nothing(batch: CleanBatch) -> pd.Series:
    return pd.Series([None] * len(batch), dtype=object)


def _resolve_place(connection: Connection, actor: Actor, batch: CleanBatch) -> None:
    """Settle level and district: each office registers its own people only."""
    stated, own = batch.stated, own_level(actor)
    told = stated.get("level", _nothing(batch))
    message = (
        "县级人员由所属区县的专干登记，请从本表删去。"
        if own is InspectionLevel.CITY
        else "您只能登记本区县的县级人员；市级人员由市级督查员登记，请从本表删去。"
    )
    other = (told.notna() & told.ne(own)).to_numpy()
    labels = pd.Series([level.label if level else "" for level in told], dtype=object)
    batch.refuse(other, message, column=batch.headers.get("level", "层级"), values=labels)
    stated["level"] = pd.Series([own] * len(batch), dtype=object)
    words = stated.get("district", _nothing(batch))
    resolve_area(batch, Gazetteer(store.load_districts(connection)))
    if actor.district_id is None:
        return
    found = stated.get("district_id", _nothing(batch))
    foreign = (found.notna() & found.ne(actor.district_id)).to_numpy()
    batch.refuse(
        foreign,
        "不是本区县，您只能登记本区县的人员，请改正或删去这一行。",
        column=batch.headers.get("district", "区县"),
        values=words,
    )
    stated["district_id"] = pd.Series([actor.district_id] * len(batch), dtype=object)


def _resolve_accounts(connection: Connection, actor: Actor, batch: CleanBatch) -> None:
    """Turn login names into account ids: fit to be linked, of nobody else, each once."""
    if "account" not in batch.stated:
        return
    words = batch.stated.pop("account")
    logins = [None if word is None else str(word).lower() for word in words]
    fits = _pairs(connection, select(Account.login, Account.id).where(linkable_accounts(actor)))
    linked = {
        login: (code, account)
        for login, code, account in connection.execute(
            select(Account.login, Inspector.code, Account.id).join(
                Inspector, Inspector.account_id == Account.id
            )
        )
    }
    ids: list[int | None] = []
    messages = []
    seen: dict[str, int] = {}
    for login, code, row in zip(logins, batch.stated["code"], batch.file_rows, strict=True):
        message, account = "", None
        if login is not None:
            holder, account = linked.get(login, (code, fits.get(login)))
            if login in seen:
                message = f"账号与第 {seen[login]} 行重复，一个账号只能关联一人。"
            elif holder != code:
                message = "账号已关联其他人员，请核对登录名。"
            elif account is None:
                message = (
                    "没有这个可关联的账号：须是启用中的督查员、区县专干或警校联动账号；"
                    "不关联请留空。"
                )
            seen.setdefault(login, int(row))
        ids.append(None if message else account)
        messages.append(message)
    _refuse_told(batch, messages, batch.headers.get("account", "关联账号"), words)
    batch.stated["account_id"] = pd.Series(ids, dtype=object)


def _pairs(connection: Connection, query: Select[str, int]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in connection.execute(query)}


def _refuse_told(batch: CleanBatch, messages: list[str], column: str, values: pd.Series) -> None:
    wrong: NDArray[np.bool_] = np.array([bool(message) for message in messages], dtype=bool)
    batch.refuse(wrong, [m for m in messages if m], column=column, values=values)


def _refuse_others(connection: Connection, actor: Actor, batch: CleanBatch) -> None:
    """Refuse codes that another office's people carry, without saying whose."""
    managed = select(Inspector.id).where(inspectors_managed_by(actor))
    others = set(
        connection.execute(select(Inspector.code).where(Inspector.id.not_in(managed))).scalars()
    )
    codes = batch.stated["code"]
    batch.refuse(
        codes.isin(others).to_numpy(),
        "这个工号已由其他层级或区县的人员使用，请核对工号。",
        column=batch.headers.get("code", "工号"),
        values=codes,
    )


def _resolve_schools(
    connection: Connection, actor: Actor, batch: CleanBatch, avoid: pd.Series
) -> list[tuple[str, int]]:
    """Return (person's code, school id) of all cells; a school known as a tie may lie anywhere."""
    cells = [split_codes(cell) for cell in avoid]
    asked = sorted({code for codes in cells for code in codes})
    known: dict[str, int] = {}
    for at in range(0, len(asked), store.CODES_PER_QUERY):
        part = asked[at : at + store.CODES_PER_QUERY]
        query = select(School.code, School.id).where(schools_readable_by(actor))
        known |= _pairs(connection, query.where(School.code.in_(part)))
    held = {
        (person, school): school_id
        for person, school, school_id in connection.execute(
            select(Inspector.code, School.code, School.id)
            .join(InspectorTie, InspectorTie.inspector_id == Inspector.id)
            .join(School, School.id == InspectorTie.school_id)
            .where(inspectors_readable_by(actor))
        )
    }
    elsewhere = "，或不属于本区县（外区县的学校请市级督查员登记）" if actor.district_id else ""
    wanted: list[tuple[str, int]] = []
    messages = []
    for person, codes in zip(batch.stated["code"], cells, strict=True):
        found = {code: known.get(code) or held.get((person, code)) for code in codes}
        lost = [code for code, school in found.items() if school is None]
        message = f"学校代码 {'、'.join(lost)} 不在名录中{elsewhere}，请核对。" if lost else ""
        if len(codes) > TIES_LIMIT:
            message = f"一人最多登记 {TIES_LIMIT} 所回避学校。"
        messages.append(message)
        wanted += [(person, school) for school in found.values() if school is not None]
    _refuse_told(batch, messages, batch.headers.get(AVOID, "回避学校"), avoid)
    return wanted


def _new_ties(connection: Connection, wanted: list[tuple[str, int]]) -> list[tuple[str, int]]:
    rows = connection.execute(
        select(Inspector.code, InspectorTie.school_id)
        .join(InspectorTie, InspectorTie.inspector_id == Inspector.id)
        .where(InspectorTie.kind == TieKind.DECLARED)
    )
    held = {tuple(row) for row in rows}
    return [pair for pair in dict.fromkeys(wanted) if pair not in held]


def _apply(work: Work, ready: _Ready) -> None:
    report = ready.report
    common: dict[str, Any] = {
        "source": f"人员名册 {report.file_name}"[:200],
        "updated_by": work.actor.login,
        "updated_at": work.at,
    }
    for frame, write in (
        (ready.plan.insert, store.insert_rows),
        (ready.plan.update, store.update_rows),
    ):
        if len(frame):
            write(work.connection, "inspectors", frame.assign(**common))
    if ready.ties:
        people = _pairs(
            work.connection,
            select(Inspector.code, Inspector.id).where(inspectors_managed_by(work.actor)),
        )
        rows = [
            {"inspector_id": people[code], "school_id": school, "kind": TieKind.DECLARED}
            for code, school in ready.ties
        ]
        work.connection.execute(insert(InspectorTie), rows)
    if report.changes_anything:
        work.bump("inspectors")
    kind = "inspectors.imported" if report.changes_anything else "inspectors.import_unchanged"
    work.audit(kind, report.file_name[:_NAME_CHARS], _told(report))
