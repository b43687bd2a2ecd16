"""Frames to xlsx: a title, the definitions, a frozen header, text that stays text."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pandas as pd
import xlsxwriter

MAX_WIDTH_CHARS = 44


@dataclass(frozen=True)
class Sheet:
    """One sheet: ``notes`` stand between title and header; ``percent`` names share columns."""

    name: str
    title: str
    notes: tuple[str, ...]
    frame: pd.DataFrame
    percent: tuple[str, ...] = ()


def make_workbook(*sheets: Sheet) -> bytes:
    """Return an xlsx. Unknown (NaN, None) is an empty cell; no text is ever a formula or link."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold = book.add_format({"bold": True, "font_size": 14})
        note = book.add_format({"font_color": "#51606f"})
        head = book.add_format(
            {"bold": True, "bg_color": "#0b4a8f", "font_color": "#ffffff", "border": 1}
        )
        share = book.add_format({"num_format": "0%"})
        for sheet in sheets:
            page = book.add_worksheet(sheet.name)
            page.write_string(0, 0, sheet.title, bold)
            for i, text in enumerate(sheet.notes, start=1):
                page.write_string(i, 0, text, note)
            top = len(sheet.notes) + 1
            for column, name in enumerate(sheet.frame.columns):
                values = sheet.frame[name].astype(object)
                cells = values.where(values.notna(), None).tolist()
                page.write_string(top, column, str(name), head)
                form = share if name in sheet.percent else None
                for row, cell in enumerate(cells, start=top + 1):
                    if cell is None:
                        continue
                    if isinstance(cell, str):
                        page.write_string(row, column, cell)
                    else:
                        page.write_number(row, column, float(cell), form)
                widest = max((len(str(c)) * 1.7 for c in cells[:200] if c is not None), default=0)
                page.set_column(
                    column, column, min(MAX_WIDTH_CHARS, max(10, widest, len(name) * 2))
                )
            page.freeze_panes(top + 1, 2)
            page.autofilter(top, 0, top + len(sheet.frame), len(sheet.frame.columns) - 1)
    return out.getvalue()
