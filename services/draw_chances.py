"""How predictable the draws are: the highest chance that any school had."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import select

from db.models import Draw
from db.scope import draws_readable_by
from domain.access import Actor, Permission, require
from domain.draw.frame import parse_frame
from domain.draw.seal import rule_of_parameters
from domain.draw.year import year_chances
from domain.words import DrawForm, DrawStatus, InspectionLevel
from services.cache import VersionedCache
from services.house import House

_chances = VersionedCache(max_entries=64)


@dataclass(frozen=True, slots=True)
class Predictability:
    """What anybody could know of a draw before it: chances by frame and rule, no result.

    ``highest`` is held by ``at_highest`` of ``schools`` schools; ``lowest`` is the smallest
    chance; the average is ``n`` ÷ ``schools``.
    """

    number: str
    title: str
    form: DrawForm
    level: InspectionLevel
    committed_at: dt.datetime
    n: int
    schools: int
    highest: Fraction
    at_highest: int
    lowest: Fraction


def read_predictability(actor: Actor, house: House) -> Predictability | None:
    """Return the chances of the latest draw committed this year in scope, or ``None``.

    Read from the committed frame and rule alone, so a draw under seal tells nothing by it.
    """
    require(actor, Permission.VIEW_COVERAGE)
    with house.read() as session:
        found = session.execute(
            select(
                Draw.id,
                Draw.number,
                Draw.title,
                Draw.form,
                Draw.level,
                Draw.committed_at,
                Draw.n,
                Draw.schools,
                Draw.frame_hash,
                Draw.parameters_hash,
            )
            .where(
                draws_readable_by(actor),
                Draw.year == house.today().year,
                Draw.status != DrawStatus.VOID,
            )
            .order_by(Draw.id.desc())
            .limit(1)
        ).first()
    if found is None:
        return None
    # What is committed never changes: the hashes are the version.
    key = (str(house.engine.url), found.id, found.frame_hash, found.parameters_hash)
    highest, at_highest, lowest = _chances.get(key, lambda: _ends(house, found.id))
    return Predictability(
        number=found.number,
        title=found.title,
        form=found.form,
        level=found.level,
        committed_at=found.committed_at,
        n=found.n,
        schools=found.schools,
        highest=highest,
        at_highest=at_highest,
        lowest=lowest,
    )


def _ends(house: House, draw_id: int) -> tuple[Fraction, int, Fraction]:
    with house.read() as session:
        frozen = session.execute(
            select(Draw.frame, Draw.parameters).where(Draw.id == draw_id)
        ).one()
    chances = year_chances(parse_frame(frozen.frame), rule_of_parameters(frozen.parameters))
    highest = max(chances)
    return highest, chances.count(highest), min(chances)
