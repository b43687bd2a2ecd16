"""Empty tables for clerks to fill: a header, lists to choose from, a sheet that explains."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import xlsxwriter

ROWS_WITH_LISTS = 2_000
_WIDTHS = (12, 10, 78, 28)


def make_template(
    sheet: str,
    columns: Sequence[str],
    *,
    choices: Mapping[str, Sequence[str]],
    explained: Sequence[tuple[str, str, str, str]],
    notes: Sequence[str],
) -> bytes:
    """Return an xlsx of two sheets: ``columns`` to fill as text, and what each means.

    ``choices``: words that a column offers; another word can still be typed, the import
    tells. ``explained``: (column, whether needed, how, example).
    """
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format(
            {"bold": True, "bg_color": "#0b4a8f", "font_color": "#ffffff", "border": 1}
        )
        text = book.add_format({"num_format": "@"})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        page = book.add_worksheet(sheet)
        for at, name in enumerate(columns):
            page.set_column(at, at, max(12, len(name) * 2 + 4), text)
            page.write_string(0, at, name, head)
            if name in choices:
                rule = {"validate": "list", "source": list(choices[name]), "error_type": "warning"}
                page.data_validation(1, at, ROWS_WITH_LISTS, at, rule)
        page.freeze_panes(1, 2)
        told = book.add_worksheet("填写说明")
        for at, (name, width) in enumerate(
            zip(("列名", "是否必填", "怎么填", "示例"), _WIDTHS, strict=True)
        ):
            told.set_column(at, at, width)
            told.write_string(0, at, name, head)
        for row, cells in enumerate(explained, start=1):
            for at, cell in enumerate(cells):
                told.write_string(row, at, cell, wrapped)
        for row, note in enumerate(notes, start=len(explained) + 2):
            told.write_string(row, 0, note)
    return out.getvalue()
