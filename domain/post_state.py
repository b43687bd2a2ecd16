"""Whether a post is manned at one session: pure rule over counts by role."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.words import Word

Counts = npt.NDArray[np.float64]


class Manning(Word):
    """State of one post at one session, best to worst, then the unknown ones."""

    MET = "met", "到岗齐全"
    SHORT = "short", "到岗不足"
    ABSENT = "absent", "无人到岗"
    PLANNED = "planned", "已排班未查岗"
    UNPLANNED = "unplanned", "排班不足"
    NO_ROSTER = "no_roster", "该时段无排班"
    FIXED = "fixed", "常设点位"


MANNING_ORDER: tuple[Manning, ...] = tuple(Manning)


def manning_index(*, needed: Counts, planned: Counts, present: Counts) -> npt.NDArray[np.uint8]:
    """Return each post's position in ``MANNING_ORDER``.

    Args: arrays of shape (posts, roles), people; NaN in ``present`` = nobody
    checked, a whole row of NaN in ``planned`` = no session row. A roster is not
    proof that somebody stood there: unchecked posts are never ``MET``.
    """
    checked = ~np.isnan(present).all(axis=1)
    rostered = ~np.isnan(planned).all(axis=1)
    stood = np.nan_to_num(present)
    enough = (stood >= needed).all(axis=1)
    nobody = stood.sum(axis=1) == 0
    plan_enough = (np.nan_to_num(planned) >= needed).all(axis=1)
    result = np.full(len(needed), MANNING_ORDER.index(Manning.NO_ROSTER), dtype=np.uint8)
    result[rostered & plan_enough] = MANNING_ORDER.index(Manning.PLANNED)
    result[rostered & ~plan_enough] = MANNING_ORDER.index(Manning.UNPLANNED)
    result[checked & ~enough] = MANNING_ORDER.index(Manning.SHORT)
    result[checked & nobody] = MANNING_ORDER.index(Manning.ABSENT)
    result[checked & enough & ~nobody] = MANNING_ORDER.index(Manning.MET)
    return result
