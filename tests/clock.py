"""A clock that tests set by hand."""

from __future__ import annotations

import datetime as dt


class Clock:
    """Stands still until told to advance; call it for the present instant."""

    def __init__(self) -> None:
        self.instant = dt.datetime(2026, 9, 7, 1, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.instant

    def advance(self, **step: float) -> None:
        self.instant += dt.timedelta(**step)
