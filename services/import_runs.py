"""What is kept of every import run: the request, the row in the log, the audit event."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from db.repositories import imports as store
from db.versions import read_versions
from domain.access import Actor
from domain.words import Datum
from services.house import House, Work
from services.importers.problems import CellProblem
from services.importers.report import ImportReport, KindCounts


@dataclass(frozen=True)
class ImportRequest:
    """What to import and how to read it.

    ``kind``: a kind of ``services.importers.kinds`` or ``osm``. ``layer``: layer or
    sheet. ``columns``: {field: header}; ``values``: {field: constant}. ``datum``: of the
    coordinates in the file. ``source``: prefix of minted codes, by default the file's
    name (with its layer where there are several). ``dissolve``: for districts, the
    column whose equal values form one district. ``good_rows_only``: leave bad rows out
    instead of refusing the file. ``as_of``: date of the data.
    """

    kind: str
    path: Path
    layer: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    datum: Datum = Datum.WGS84
    source: str = ""
    dissolve: str = ""
    good_rows_only: bool = False
    as_of: dt.date | None = None

    @property
    def stem(self) -> str:
        """Return the file's name without its endings."""
        name = self.path.name
        for ending in (".osm.pbf", self.path.suffix):
            if ending and name.lower().endswith(ending.lower()):
                return name[: -len(ending)]
        return name

    def options(self) -> dict[str, Any]:
        """Return everything but the file itself, as JSON values."""
        told = asdict(self)
        told.pop("path")
        told.pop("kind")
        told["datum"] = self.datum.value
        told["as_of"] = self.as_of.isoformat() if self.as_of else None
        # Minted codes hang on the file's name, so the same bytes renamed are another import.
        return {
            **told,
            "columns": dict(self.columns),
            "values": dict(self.values),
            "stem": self.stem,
        }


class _WrittenMeanwhileError(Exception):
    """Somebody else wrote between the look and the lock."""


@dataclass(frozen=True)
class Origin:
    """Which run this is: kind, file and its hash."""

    kind: str
    request: ImportRequest
    sha256: str
    started_at: dt.datetime


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_same_file(actor: Actor, house: House, origin: Origin) -> ImportReport | None:
    """Answer at once when file, options and every data version are those of the last run."""
    with house.read() as session:
        last = store.find_last_run(
            session.connection(),
            kind=origin.kind,
            sha256=origin.sha256,
            options=origin.request.options(),
        )
        if last is None or last["versions"] != _watched(read_versions(session.connection())):
            return None
    counts = tuple(
        replace(_counts_from_json(c), new=0, changed=0, same=c["new"] + c["changed"] + c["same"])
        for c in last["counts"]
    )
    try:
        with house.write(actor) as work:
            if last["versions"] != _watched(read_versions(work.connection)):
                raise _WrittenMeanwhileError
            return record_run(work, origin, counts, (), (), is_same_file=True)
    except _WrittenMeanwhileError:
        return None  # take the long way


def merge_counts(counts: list[KindCounts]) -> tuple[KindCounts, ...]:
    """Add up batches of one kind (districts come level by level)."""
    merged: dict[str, KindCounts] = {}
    for one in counts:
        before = merged.get(one.kind)
        merged[one.kind] = one if before is None else replace(
            before,
            **{
                name: getattr(before, name) + getattr(one, name)
                for name in ("read", "new", "changed", "same", "refused", "skipped")
            },
            skipped_reasons=(*before.skipped_reasons, *one.skipped_reasons),
        )  # fmt: skip
    return tuple(merged.values())


def _counts_from_json(told: Mapping[str, Any]) -> KindCounts:
    reasons = tuple((str(r), int(n)) for r, n in told["skipped_reasons"])
    return KindCounts(**{**told, "skipped_reasons": reasons})


def _watched(versions: Mapping[str, int]) -> dict[str, int]:
    """Return the versions of the areas an import reads or writes."""
    return {a: versions[a] for a in ("base", *sorted(store.LOCATED.values()))}


def _run_row(
    origin: Origin, actor: Actor, status: str, counts: tuple[KindCounts, ...]
) -> dict[str, Any]:
    def total(name: str) -> int:
        return sum(int(getattr(c, name)) for c in counts)

    return {
        "kind": origin.kind,
        "file_name": origin.request.path.name[:200],
        "file_sha256": origin.sha256,
        "options": origin.request.options(),
        "started_at": origin.started_at,
        "started_by": actor.login,
        "status": status,
        "rows_read": total("read"),
        "rows_new": total("new"),
        "rows_changed": total("changed"),
        "rows_same": total("same"),
        "rows_refused": total("refused"),
        "rows_skipped": total("skipped"),
        "counts": [
            {**asdict(c), "skipped_reasons": [list(r) for r in c.skipped_reasons]} for c in counts
        ],
    }


def _problem_rows(problems: tuple[CellProblem, ...]) -> list[dict[str, Any]]:
    return [
        {
            "sheet": p.sheet[:80],
            "row": p.row,
            "column": p.column[:80],
            "value": p.value[:200],
            "message": p.message,
            "is_blocking": p.is_blocking,
        }
        for p in problems
    ]


def record_run(
    work: Work,
    origin: Origin,
    counts: tuple[KindCounts, ...],
    problems: tuple[CellProblem, ...],
    notes: tuple[str, ...],
    *,
    is_same_file: bool = False,
) -> ImportReport:
    """Write the run and its audit event into the transaction under way."""
    status = "done" if work.areas else "unchanged"
    raised = read_versions(work.connection)
    after = {area: raised[area] + (area in work.areas) for area in raised}
    row = {**_run_row(origin, work.actor, status, counts), "versions": _watched(after)}
    run_id = store.insert_run(
        work.connection, run=row, problems=_problem_rows(problems), finished_at=work.at
    )
    work.audit(f"import.{status}", f"import_run:{run_id}", _audit_data(row))
    return ImportReport(
        run_id=run_id,
        kind=origin.kind,
        file_name=origin.request.path.name,
        status=status,
        counts=counts,
        problems=problems,
        notes=notes,
        is_same_file=is_same_file,
    )


def record_refusal(
    actor: Actor,
    house: House,
    origin: Origin,
    problems: tuple[CellProblem, ...],
    counts: tuple[KindCounts, ...],
) -> None:
    """Write down a refused run in a transaction of its own: the import's was rolled back."""
    # What the rolled-back plan counted as new never came to be.
    nothing = tuple(replace(c, new=0, changed=0, same=0) for c in merge_counts(list(counts)))
    with house.write(actor) as work:
        row = {**_run_row(origin, actor, "refused", nothing), "versions": {}}
        run_id = store.insert_run(
            work.connection, run=row, problems=_problem_rows(problems), finished_at=work.at
        )
        work.audit("import.refused", f"import_run:{run_id}", _audit_data(row))


def _audit_data(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("kind", "file_name", "file_sha256", "rows_read", "rows_new", "rows_changed",
             "rows_same", "rows_refused", "rows_skipped")  # fmt: skip
    return {name: row[name] for name in names}
