"""Reads that several parts of a page share within one run; caching lives in the services."""

from __future__ import annotations

from dataclasses import dataclass

from components import session
from domain.access import Actor
from domain.school_filter import SchoolFilter
from services.map_schools import (
    Mask,
    SchoolTable,
    count_words,
    load_school_table,
    match_schools,
)


@dataclass(frozen=True)
class Shown:
    """The schools in scope and which of them the filter keeps."""

    table: SchoolTable
    mask: Mask
    wanted: SchoolFilter
    kept: int

    def counts(self, column: str) -> list[int]:
        """Return kept schools per word of ``column``, in stored order."""
        return list(count_words(self.table, self.mask, column).values())


def read_shown(actor: Actor, wanted: SchoolFilter) -> Shown:
    """Return what the map shows for this filter."""
    house = session.house()
    mask = match_schools(actor, house, wanted=wanted)
    return Shown(load_school_table(actor, house), mask, wanted, int(mask.sum()))
