"""Read tables: CSV in the encodings that occur, xlsx, xls and ods."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from python_calamine import CalamineWorkbook

from domain.errors import UserError
from services.importers.kinds import Kind
from services.importers.limits import MAX_CELL_CHARS, check_rows, check_xlsx_ranges, check_zip
from services.importers.match import find_header
from services.importers.table import RawTable

CSV_SUFFIXES = (".csv", ".txt", ".tsv")
WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
_DELIMITERS = ",\t;|"


def read_csv(path: Path, kind: Kind) -> RawTable:
    """Read a delimited text file.

    Raises:
        UserError: an encoding that is neither UTF-8 nor GB18030, no data rows.
    """
    content, encoding = _decode(path)
    head = content[:65_536].splitlines()[:20]
    delimiter = max(_DELIMITERS, key=lambda d: max((line.count(d) for line in head), default=0))
    old_limit = csv.field_size_limit(MAX_CELL_CHARS * 64)  # WKT polygons are long
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise UserError(
            f"文件「{path.name}」不是规整的 CSV：{error}。", "请在表格软件中打开后另存为 CSV。"
        ) from error
    finally:
        csv.field_size_limit(old_limit)
    notes = () if encoding == "utf-8" else (f"文件按 {encoding.upper()} 编码读取。",)
    return _table(rows, kind, name=path.name, sheet="", notes=notes)


def _decode(path: Path) -> tuple[str, str]:
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16"), "utf-16"
        except UnicodeDecodeError:
            raw = b"\x00"
    if b"\x00" not in raw:
        encodings = ["utf-8-sig"] if raw.startswith(b"\xef\xbb\xbf") else ["utf-8-sig", "gb18030"]
        for encoding in encodings:
            try:
                return raw.decode(encoding), encoding.removesuffix("-sig")
            except UnicodeDecodeError:
                continue
    raise UserError(
        f"文件「{path.name}」的文字编码无法识别（既不是 UTF-8，也不是 GB18030/GBK）。",
        "请在 WPS 或 Excel 中打开，另存为「CSV UTF-8」后再导入；若它其实是表格文件，请改正扩展名。",
    )


def read_workbook(path: Path, kind: Kind, sheet: str) -> RawTable:
    """Read one sheet of a workbook; without ``sheet``, the kind's own, else the only filled one.

    Raises:
        UserError: damaged, protected, unknown sheet, or several sheets to choose from.
    """
    if path.suffix.lower() != ".xls":
        check_zip(path, called="表格文件")
    try:
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            check_xlsx_ranges(path)
        book = CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        if not sheet and kind.sheet in names:
            sheet = kind.sheet
        if sheet and sheet not in names:
            raise UserError(f"文件中没有工作表「{sheet}」。", f"现有工作表：{'、'.join(names)}。")
        filled: dict[str, Sequence[Sequence[Any]]] = {}
        for name in [sheet] if sheet else names:
            page = book.get_sheet_by_name(name)
            if page.end is not None:  # one stray cell far off would fill the memory
                check_rows(name, page.end[0] + 1, page.end[1] + 1)
            cells: Sequence[Sequence[Any]] = page.to_python(skip_empty_area=False)
            if any(cell not in ("", None) for row in cells for cell in row):
                filled[name] = cells
    except UserError:
        raise
    except Exception as error:  # calamine raises several unrelated classes
        raise UserError(
            f"无法读取表格文件「{path.name}」，文件可能已损坏或设有密码。",
            "请在 WPS 或 Excel 中打开并另存为 xlsx 后再导入。",
        ) from error
    if not filled:
        raise UserError(f"表格文件「{path.name}」里没有数据。", "请确认选对了文件。")
    if len(filled) > 1:
        listing = "、".join(filled)
        raise UserError(
            f"文件「{path.name}」有 {len(filled)} 个有数据的工作表：{listing}。",
            f"请把要导入的工作表命名为「{kind.sheet}」，或只留下这一个。"
            if kind.sheet
            else "请用 --layer 指定要导入的工作表。",
        )
    name, rows = next(iter(filled.items()))
    return _table(rows, kind, name=path.name, sheet=name, notes=())


def _table(
    rows: Sequence[Sequence[Any]], kind: Kind, *, name: str, sheet: str, notes: tuple[str, ...]
) -> RawTable:
    """Cut the header off and keep every row's own number."""
    check_rows(name, len(rows))
    at = find_header(rows, kind)
    width = max(len(row) for row in rows[at:])
    check_rows(name, len(rows), width)
    headers = _unique_headers(list(rows[at]) + [""] * (width - len(rows[at])))
    body = [list(row) + [None] * (width - len(row)) for row in rows[at + 1 :]]
    frame = pd.DataFrame(body, columns=headers, dtype=object)
    frame = frame.where(frame.ne(np.array("", dtype=object)), None)
    nameless = [h for h in headers if h.startswith("\0")]
    extra = frame[nameless].notna().any(axis=1).to_numpy()
    if extra.any():
        row = at + 2 + int(np.flatnonzero(extra)[0])
        notes = (
            *notes,
            f"{int(extra.sum())} 行在没有表头的列里有内容（如第 {row} 行），该部分未读。",
        )
    frame = frame.loc[:, [h for h in headers if not h.startswith("\0")]]
    filled = frame.notna().any(axis=1).to_numpy()
    numbers = np.arange(at + 2, at + 2 + len(body), dtype=np.int64)[filled]
    check_rows(name, len(numbers))
    if at:
        notes = (*notes, f"第 {at + 1} 行识别为表头，其上 {at} 行略过。")
    return RawTable(frame[filled].reset_index(drop=True), numbers, sheet=sheet, notes=notes)


def _unique_headers(cells: Sequence[Any]) -> list[str]:
    """Return headers as text; nameless columns are marked with a NUL and dropped later."""
    seen: dict[str, int] = {}
    headers = []
    for at, cell in enumerate(cells):
        header = " ".join(str(cell).split()) if cell is not None else ""
        if not header:
            headers.append(f"\0{at}")
            continue
        seen[header] = seen.get(header, 0) + 1
        headers.append(header if seen[header] == 1 else f"{header}({seen[header]})")
    return headers
