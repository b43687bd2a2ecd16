"""What validation hands on: clean rows of one kind, with the problems they had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from services.importers.kinds import Kind
from services.importers.problems import CellProblem, shown


@dataclass
class CleanBatch:
    """Rows of one kind, ready to be compared with what is stored.

    All frames share one default index. ``stated``: what the file says, ``None`` where
    a cell is empty; columns ``code`` and any of the kind's fields, geometry as WKB
    bytes (WGS 84). ``derived``: guesses and defaults for *new* records only. ``lon``,
    ``lat``: degrees WGS 84 of a point inside each row's geometry, NaN where unknown.
    ``file_rows``: row numbers as the file counts. ``incomplete``: why a *new* record
    cannot be made of the row (empty = it can), ``incomplete_column`` the column to mend.
    ``unread``: for each field, the rows whose cell holds something that could not be read;
    such a cell is told of already and must not be called empty as well.
    """

    kind: Kind
    stated: pd.DataFrame
    derived: pd.DataFrame
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    raw_lon: NDArray[np.float64]
    raw_lat: NDArray[np.float64]
    file_rows: NDArray[np.int64]
    bad: NDArray[np.bool_]
    incomplete: NDArray[np.object_]
    incomplete_column: NDArray[np.object_]
    headers: dict[str, str]
    sheet: str = ""
    rows_read: int = 0
    problems: list[CellProblem] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unread: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.file_rows)

    def refuse(
        self,
        mask: NDArray[np.bool_],
        messages: Iterable[str] | str,
        *,
        column: str = "",
        values: pd.Series | None = None,
        is_blocking: bool = True,
    ) -> None:
        """Note a problem for each row in ``mask``; blocking ones make the row bad."""
        at = np.flatnonzero(mask)
        if len(at) == 0:
            return
        texts = [messages] * len(at) if isinstance(messages, str) else list(messages)
        cells = [""] * len(at) if values is None else [shown(v) for v in values.iloc[at]]
        self.problems += [
            CellProblem(text, int(row), column, cell, self.sheet, is_blocking)
            for text, row, cell in zip(texts, self.file_rows[at], cells, strict=True)
        ]
        if is_blocking:
            self.bad[at] = True

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Drop the rows outside ``mask``, in place."""
        self.stated = self.stated[mask].reset_index(drop=True)
        self.derived = self.derived[mask].reset_index(drop=True)
        for name in (
            "lon", "lat", "raw_lon", "raw_lat", "file_rows", "bad", "incomplete", "incomplete_column"
        ):  # fmt: skip
            setattr(self, name, getattr(self, name)[mask])
        self.unread = {name: rows[mask] for name, rows in self.unread.items()}

    def is_unread(self, *names: str) -> NDArray[np.bool_]:
        """Tell which rows hold an unreadable cell in any of the fields ``names``."""
        nowhere = np.zeros(len(self), dtype=bool)
        masks = [self.unread.get(name, nowhere) for name in names]
        return np.asarray(np.logical_or.reduce(masks), dtype=bool)
