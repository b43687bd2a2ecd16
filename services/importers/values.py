"""Read what people type into cells: numbers, dates, times, yes or no, words of a list.

Every parser maps a Series of raw cells to a Series of clean values and a Series of
messages (empty string = fine). Each *distinct* raw value is parsed once.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.words import Word
from services.importers.problems import suggestion

EMPTY_WORDS = frozenset(
    {"", "-", "--", "—", "/", "\\", "nan", "none", "null", "n/a", "#n/a", "无数据"}
)
YES = frozenset(
    {"是", "有", "√", "✓", "✔", "对", "y", "yes", "true", "t", "1", "1.0", "已", "已设置"}
)
NO = frozenset(
    {"否", "无", "没有", "×", "✗", "x", "n", "no", "false", "f", "0", "0.0", "未", "未设置"}
)
MULTIPLIERS = {"": 1.0, "百": 100.0, "千": 1_000.0, "万": 10_000.0, "亿": 100_000_000.0}
_NUMBER = re.compile(
    r"^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([百千万亿]?)\s*"
    r"(米|m|公里|km|千米|人|名|个|块|根|条|座|处|岁|秒|s|°|度|公里/小时|km/h|%)?$"
)
_DATE = re.compile(
    r"^(\d{4})\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2})\s*日?)?月?(?:[ t].*)?$"
)
_DATE_PLAIN = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_TIME = re.compile(r"^(\d{1,2})\s*[:点时]\s*(\d{1,2})?\s*分?(?::\d{1,2}(?:\.\d+)?)?$")
EXCEL_DAY_ZERO = dt.date(1899, 12, 30)
EXCEL_SERIALS = range(20_000, 80_000)
"""Cells between 1954 and 2119 that lost their date format. source: Excel's day count."""

Parser = Callable[[pd.Series], tuple[pd.Series, pd.Series]]


@dataclass(frozen=True, slots=True)
class Skip:
    """A word that says this row is not of the kind being imported; ``label`` says what it is."""

    label: str


def plain(value: object) -> str:
    """Return text with full-width characters narrowed and outer blanks removed."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return unicodedata.normalize("NFKC", str(value)).replace("\u00a0", " ").strip()


def is_blank(cells: pd.Series) -> pd.Series:
    """Tell which cells say nothing: empty, blanks, dashes, "n/a"."""
    text = cells.astype(object).where(cells.notna(), "").astype(str)
    return text.str.strip().str.lower().isin(EMPTY_WORDS)


def _by_distinct(cells: pd.Series, parse: Callable[[Any], Any]) -> tuple[pd.Series, pd.Series]:
    """Run ``parse`` once per distinct cell; a ``ValueError`` becomes the message."""
    blank = is_blank(cells)
    codes, distinct = pd.factorize(cells.astype(object).where(~blank, None))
    values: list[Any] = []
    messages: list[str] = []
    for raw in distinct:
        try:
            values.append(parse(raw))
            messages.append("")
        except ValueError as error:
            values.append(None)
            messages.append(str(error))
    values.append(None)  # factorize marks blanks with -1, which picks this last one
    messages.append("")
    clean = pd.Series([values[c] for c in codes], index=cells.index, dtype=object)
    wrong = pd.Series([messages[c] for c in codes], index=cells.index, dtype=object)
    return clean, wrong


def text(max_chars: int) -> Parser:
    """Read text, inner blanks joined, refused past ``max_chars``."""

    def parse(raw: Any) -> str:
        value = " ".join(unicodedata.normalize("NFC", _as_text(raw)).split())
        if len(value) > max_chars:
            raise ValueError(f"文字过长（{len(value)} 字），最多 {max_chars} 字。")
        return value

    return lambda cells: _by_distinct(cells, parse)


def _as_text(raw: Any) -> str:
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    written = str(raw)
    if written.isprintable():
        return written
    return "".join(c for c in written if c >= " " or c in "\t\n\r")


def parse_number(raw: Any) -> float:
    """Read one number: full-width digits, thousands marks, 万 and plain units allowed."""
    if isinstance(raw, bool):
        raise ValueError(f"「{raw}」不是数字。")
    if isinstance(raw, int | float):
        value = float(raw)
    else:
        found = _NUMBER.match(plain(raw).lower().replace(",", "").replace(" ", ""))
        if not found:
            raise ValueError(f"「{plain(raw)[:40]}」不是数字，请只填数字。")
        value = float(found[1]) * MULTIPLIERS[found[2]]
        if found[3] in ("公里", "km", "千米"):
            value *= 1_000.0
    if not math.isfinite(value):
        raise ValueError("数字超出范围。")
    return value


def number(low: float = -math.inf, high: float = math.inf) -> Parser:
    """Read floats within [low, high]."""

    def parse(raw: Any) -> float:
        value = parse_number(raw)
        if not low <= value <= high:
            raise ValueError(f"数值 {value:g} 不在允许范围 {low:g} 至 {high:g} 内。")
        return value

    return lambda cells: _numbers(cells, parse, low, high)


def _numbers(
    cells: pd.Series, parse: Callable[[Any], float], low: float, high: float
) -> tuple[pd.Series, pd.Series]:
    """Take the short way where the whole column already is numbers."""
    if cells.dtype == object and any(isinstance(cell, bool) for cell in cells):
        return _by_distinct(cells, parse)
    quick = pd.to_numeric(cells, errors="coerce").astype(float)
    if (quick.notna() & quick.between(low, high)).all():
        return quick.astype(object), pd.Series("", index=cells.index, dtype=object)
    return _by_distinct(cells, parse)


def integer(low: int = 0, high: int = 10_000_000) -> Parser:
    """Read whole numbers within [low, high]."""

    def parse(raw: Any) -> int:
        value = parse_number(raw)
        if value != round(value):
            raise ValueError(f"「{plain(raw)[:40]}」应为整数。")
        if not low <= value <= high:
            raise ValueError(f"数值 {value:g} 不在允许范围 {low} 至 {high} 内。")
        return int(value)

    return lambda cells: _by_distinct(cells, parse)


def parse_boolean(raw: Any) -> bool:
    """Read one yes or no."""
    word = plain(raw).lower()
    if word in YES:
        return True
    if word in NO:
        return False
    raise ValueError(f"「{plain(raw)[:40]}」应填「是」或「否」。")


def boolean(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read yes or no."""
    return _by_distinct(cells.map(str, na_action="ignore"), parse_boolean)


def parse_date(raw: Any) -> dt.date:
    """Read one date: 2023-6-1, 2023/6/1, 2023.6.1, 20230601, 2023年6月1日, an Excel day."""
    if isinstance(raw, dt.datetime):
        return raw.date()
    if isinstance(raw, dt.date):
        return raw
    value = plain(raw).lower()
    if value.isdigit() and len(value) == 5 and int(value) in EXCEL_SERIALS:
        return EXCEL_DAY_ZERO + dt.timedelta(days=int(value))
    found = _DATE_PLAIN.match(value) or _DATE.match(value)
    if not found:
        raise ValueError(f"「{value[:40]}」不是日期，请写成 2023-06-01 的样子。")
    try:
        return dt.date(int(found[1]), int(found[2]), int(found[3] or 1))
    except ValueError:
        raise ValueError(f"「{value[:40]}」不是存在的日期。") from None


def date(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read dates."""
    return _by_distinct(cells, parse_date)


def parse_time(raw: Any) -> dt.time:
    """Read one time of day: 7:30, 07：30, 7点30分, 7点."""
    if isinstance(raw, dt.datetime):
        return raw.time().replace(microsecond=0)
    if isinstance(raw, dt.time):
        return raw
    found = _TIME.match(plain(raw).lower())
    if not found or int(found[1]) > 23 or int(found[2] or 0) > 59:
        raise ValueError(f"「{plain(raw)[:40]}」不是时刻，请写成 07:30 的样子。")
    return dt.time(int(found[1]), int(found[2] or 0))


def time(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read times of day."""
    return _by_distinct(cells, parse_time)


def word_parser(enum: type[Word], synonyms: Mapping[str, Word | Skip | None]) -> Parser:
    """Read words of ``enum`` by stored value, label or synonym.

    A synonym that maps to ``None`` is understood but says nothing (the OSM tag
    ``amenity=school`` names no kind of school); one that maps to ``Skip`` says the
    row is of another sort and is left out with a note.
    """
    table: dict[str, Word | Skip | None] = {k.lower(): v for k, v in synonyms.items()}
    for member in enum:
        table[member.value.lower()] = member
        table[plain(member.label).lower()] = member
    labels = [member.label for member in enum]

    def parse(raw: Any) -> Word | Skip | None:
        value = plain(raw).lower()
        if value in table:
            return table[value]
        hint = suggestion(plain(raw), [*labels, *table])
        options = "、".join(labels)
        raise ValueError(f"不认识「{plain(raw)[:40]}」{hint}可填：{options}")

    return lambda cells: _by_distinct(cells, parse)
