"""What can be wrong with a cell or a row, told so that a clerk can find and mend it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import UserError

VALUE_SHOWN_CHARS = 60


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One problem: where it is, what stands there, what to do.

    ``row`` counts from 1 as the file's own program shows it (for map files: the
    number of the feature); ``None`` means the whole file.
    """

    message: str
    row: int | None = None
    column: str = ""
    value: str = ""
    sheet: str = ""
    is_blocking: bool = True

    @property
    def where(self) -> str:
        """Return the place in words, e.g. ``第 12 行「区县」列``."""
        parts = [f"「{self.sheet}」" if self.sheet else ""]
        parts.append(f"第 {self.row} 行" if self.row is not None else "")
        parts.append(f"「{self.column}」列" if self.column else "")
        return "".join(parts)

    def as_text(self) -> str:
        """Return one line for a screen or a log."""
        return f"{self.where}：{self.message}" if self.where else self.message


def shown(value: object) -> str:
    """Return a cell value cut to a length that fits a message."""
    text = "".join(c for c in str(value) if c >= " ")
    return text if len(text) <= VALUE_SHOWN_CHARS else text[:VALUE_SHOWN_CHARS] + "…"


def suggestion(value: str, known: list[str]) -> str:
    """Return ``，是否「…」？`` for the closest known word, or nothing."""
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
    return f"，是否「{close[0]}」？" if close else "。"


class WrongAsAWhole(UserError):
    """The file is wrong as a whole; ``problems`` are the faults of single cells beside that."""

    def __init__(self, problems: Sequence[CellProblem], message: str, next_step: str) -> None:
        """Tell the fault of the file and what to do about it."""
        super().__init__(message, next_step)
        self.problems = tuple(problems)
