"""Facts to PDF through a template of ours: no markup from data, one font, the same bytes."""

from __future__ import annotations

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import typst

TEMPLATES = Path(__file__).parent
FONTS = TEMPLATES.parent / "fonts"
PDF_STANDARD: Final = "a-2b"
"""Fit for the archive; under it a character without a glyph is an error, not an empty box."""
GAP_SIGN = "〓"
"""Printed for a character the font lacks, as Chinese printers do; the footer names it."""
_INVISIBLE = {"Cc", "Cf", "Cs"}
_VARIANT = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


class PaperFault(Exception):
    """A template of ours could not be set; nothing a user can mend."""


def typeset(
    template: str,
    facts: Mapping[str, Any],
    *,
    at: dt.datetime,
    images: Mapping[str, str] | None = None,
) -> bytes:
    """Return the PDF/A of a template (its name without ``.typ``).

    ``facts`` hold texts, numbers, lists and mappings; they enter as JSON, so a text is
    always printed as it is. Characters the font lacks are printed as 〓 and named in the
    footer. ``images`` are SVG texts by name, ``at`` (aware) is the document's date. Equal
    arguments give equal bytes. Raises ``PaperFault`` on any error or warning.
    """
    if at.tzinfo is None:
        raise ValueError("the date of a paper is an aware time")
    gaps: dict[str, None] = {}
    inputs = {
        "facts": json.dumps(_printable(facts, gaps), ensure_ascii=False),
        "images": json.dumps(dict(images or {})),
        "gaps": json.dumps([f"U+{ord(sign):04X}" for sign in gaps]),
    }
    try:
        pdf, warnings = typst.compile_with_warnings(
            TEMPLATES / f"{template}.typ",
            root=TEMPLATES,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs=inputs,
            pdf_standards=PDF_STANDARD,
            timestamp=int(at.timestamp()),
        )
    except typst.TypstError as error:
        raise PaperFault(f"{template}: {error.message}") from error
    if warnings:
        raise PaperFault(f"{template}: {warnings[0].message}")
    return pdf


def printable(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text as it is printed, and the characters that were replaced by 〓.

    NFC; line breaks and tabs become spaces; characters that show nothing or turn the
    reading direction are left out.
    """
    gaps: dict[str, None] = {}
    return _clean(text, gaps), tuple(gaps)


def _printable(value: Any, gaps: dict[str, None]) -> Any:
    if isinstance(value, str):
        return _clean(value, gaps)
    if isinstance(value, Mapping):
        return {key: _printable(inner, gaps) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner, gaps) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"a paper cannot hold {type(value).__name__}")


def _clean(text: str, gaps: dict[str, None]) -> str:
    out: list[str] = []
    for sign in _VARIANT.sub("", unicodedata.normalize("NFC", text)):
        if sign.isspace():
            out.append(" ")
        elif unicodedata.category(sign) in _INVISIBLE:
            continue
        elif ord(sign) in _characters():
            out.append(sign)
        else:
            gaps[sign] = None
            out.append(GAP_SIGN)
    return "".join(out).strip()


@cache
def _characters() -> frozenset[int]:
    lines = (FONTS / "characters.txt").read_text(encoding="ascii").split()
    ranges = [[int(part, 16) for part in line.split("-")] for line in lines]
    return frozenset(code for first, last in ranges for code in range(first, last + 1))


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
    )
