"""Match the columns of a file to the fields of a kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from domain.errors import UserError
from domain.words import Datum
from services.importers.kinds import ID_NAMES, Field, Kind
from services.importers.problems import suggestion
from services.importers.values import plain

_DATUM_MARKS: Mapping[str, Datum] = {
    "wgs84": Datum.WGS84,
    "wgs": Datum.WGS84,
    "gps": Datum.WGS84,
    "cgcs2000": Datum.WGS84,
    "gcj02": Datum.GCJ02,
    "gcj": Datum.GCJ02,
    "gaode": Datum.GCJ02,
    "amap": Datum.GCJ02,
    "高德": Datum.GCJ02,
    "火星": Datum.GCJ02,
    "bd09": Datum.BD09,
    "baidu": Datum.BD09,
    "百度": Datum.BD09,
}


def normalise(header: str) -> str:
    """Return a header without case, blanks, marks and a unit in brackets."""
    text = re.sub(r"[（(【\[].*?[）)】\]]", "", plain(header).lower())
    return re.sub(r"[\s_\-:：*.·/]+", "", text)


def known_headers(kind: Kind) -> frozenset[str]:
    """Return every header, normalised, that means something to ``kind``."""
    names = [n for f in kind.fields for n in (f.name, f.label, *f.names)]
    return frozenset(normalise(n) for n in [*names, *ID_NAMES])


def find_header(rows: Sequence[Sequence[object]], kind: Kind, *, look_at: int = 15) -> int:
    """Return the index of the row that reads most like a header.

    Titles above the table are common; the row with most known headers wins, and the
    first row that is not empty where none is known.
    """
    known = known_headers(kind)
    best, best_score, first_filled = 0, 0, None
    for at, row in enumerate(rows[:look_at]):
        cells = [str(c) for c in row if c not in (None, "")]
        if cells and first_filled is None:
            first_filled = at
        score = sum(normalise(c) in known or _split_datum(normalise(c))[0] in known for c in cells)
        if score > best_score:
            best, best_score = at, score
    return best if best_score else (first_filled or 0)


def match_columns(
    headers: Sequence[str],
    kind: Kind,
    *,
    columns: Mapping[str, str],
    values: Mapping[str, str],
    datum: Datum,
) -> dict[str, str]:
    """Return {field name: column header}, the user's choice first, then guesses.

    Raises:
        UserError: a named column or field does not exist, or the only coordinate
            columns say they are in another datum than the one chosen.
    """
    chosen: dict[str, str] = {}
    for word, column in columns.items():
        field = kind.resolve(word)
        if column not in headers:
            listing = "、".join(headers)
            raise UserError(
                f"文件中没有「{column}」列{suggestion(column, list(headers))}",
                f"现有列：{listing}。",
            )
        chosen[field.name] = column
    fixed = {kind.resolve(word).name for word in values}
    taken = set(chosen.values())
    by_norm: dict[str, str] = {}
    for header in headers:
        by_norm.setdefault(normalise(header), header)
    for field in kind.fields:
        if field.name in chosen or field.name in fixed:
            continue
        found = _guess(field, by_norm, taken)
        if found is None and field.name in ("lon", "lat"):
            found = _guess_in_datum(field, headers, taken, datum)
        if found is not None:
            chosen[field.name] = found
            taken.add(found)
    return chosen


def find_id_column(headers: Iterable[str], taken: Iterable[str]) -> str | None:
    """Return the column that identifies rows within their source, if there is one."""
    used = set(taken)
    by_norm = {normalise(h): h for h in headers if h not in used}
    return next((by_norm[normalise(n)] for n in ID_NAMES if normalise(n) in by_norm), None)


def _guess(field: Field, by_norm: Mapping[str, str], taken: set[str]) -> str | None:
    for name in (*field.names, field.label):
        header = by_norm.get(normalise(name))
        if header is not None and header not in taken:
            return header
    return None


def _split_datum(header: str) -> tuple[str, Datum | None]:
    for mark, datum in _DATUM_MARKS.items():
        if mark in header:
            return header.replace(mark, ""), datum
    return header, None


def _guess_in_datum(
    field: Field, headers: Sequence[str], taken: set[str], datum: Datum
) -> str | None:
    """Find ``lon_gcj02`` and the like: only the column of the chosen datum will do."""
    names = {normalise(n) for n in (*field.names, field.label)}
    others: list[tuple[str, Datum]] = []
    for header in headers:
        stem, marked = _split_datum(normalise(header))
        if marked is None or stem not in names or header in taken:
            continue
        if marked is datum:
            return header
        others.append((header, marked))
    if others:
        header, marked = others[0]
        raise UserError(
            f"选择的坐标系是 {datum.label}，但「{header}」列的名称说明它是 {marked.label}。",
            f"请改选坐标系（--datum {marked.value}），或用 --column {field.name}={header} 明确指定该列。",
        )
    return None
