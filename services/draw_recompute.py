"""The replay page's use cases: recompute an uploaded pack or a stored draw, look at duels."""

from __future__ import annotations

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from domain.access import Actor, Permission, require
from domain.draw.pivotal import Duel
from domain.draw.randomness import sha256_hex
from domain.errors import UserError
from services.cache import VersionedCache
from services.draw_list import stored_pack
from services.draw_replay import Replay, replay_pack
from services.house import House
from services.map_schools import load_school_table

MOST_UPLOAD_MB = 30
"""A pack of 20,000 schools takes under 1 MB."""
_replays = VersionedCache(max_entries=4)


def recompute_pack(actor: Actor, _house: House, *, content: bytes, head: str = "") -> Replay:
    """Recompute an uploaded pack; ``head`` is the chain head printed on paper, if any.

    Raises ``UserError`` where it cannot be opened, is too large or the head is no hash.
    """
    require(actor, Permission.REPLAY)
    if len(content) > MOST_UPLOAD_MB << 20:
        raise UserError(f"文件超过 {MOST_UPLOAD_MB} MB。", "请上传系统导出的复算包。")
    printed = re.sub(r"\s", "", head).lower()
    if printed and not re.fullmatch(r"[0-9a-f]{64}", printed):
        raise UserError("链头应为 64 位的 0–9、a–f 字符。", "请对照凭证填写，或留空。")
    return _replay(content, printed)


def recompute_draw(actor: Actor, house: House, *, number: str) -> Replay:
    """Recompute a stored draw of the actor's scope from what was frozen and recorded."""
    require(actor, Permission.REPLAY)
    return _replay(stored_pack(actor, house, number=number), "")


def _replay(content: bytes, head: str) -> Replay:
    # The answer follows from the bytes alone, whoever asks.
    key = sha256_hex(content), head
    return _replays.get(key, lambda: replay_pack(content, head=head or None))


def drawn_table(actor: Actor, house: House, replay: Replay) -> pd.DataFrame:
    """Return the recomputed list: ``code``, ``name``, ``stratum``, ``chance``, ``percent``.

    ``name`` is empty where the school is not in the actor's scope. Empty before the draw
    could be recomputed.
    """
    drawn = replay.drawn
    places = drawn.selected if drawn else ()
    codes = [drawn.frame.ids[p] for p in places] if drawn else []
    return pd.DataFrame(
        {
            "code": codes,
            "name": school_names(actor, house, codes),
            "stratum": [drawn.frame.strata[p] for p in places] if drawn else [],
            "chance": [str(replay.chances[p]) for p in places],
            "percent": [float(replay.chances[p]) * 100 for p in places],
        }
    )


def duel_table(actor: Actor, house: House, replay: Replay, *, school: str) -> pd.DataFrame:
    """Return a school's duels in order.

    Columns: ``round`` (from 1), ``group`` (empty = the whole frame), ``code``, ``name`` (of
    the other), ``own_before``, ``other_before``, ``own_after``, ``other_after`` (tickets;
    ``full`` make a place), ``full``. Empty where it was taken outright or is not in it.
    """
    rows: list[tuple[str, str, int, int, int, int, int]] = []
    for _label, stream in replay.drawn.streams if replay.drawn else ():
        at = stream.frame.position.get(school)
        own = [duel for duel in stream.duels if at is not None and at in (duel.first, duel.second)]
        rows += [
            _seen_from(duel, at, stream.frame.ids, stream.tickets.full)
            for duel in own
            if at is not None
        ]
    columns = ["group", "code", "own_before", "other_before", "own_after", "other_after", "full"]
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(0, "round", range(1, len(frame) + 1))
    frame.insert(3, "name", school_names(actor, house, frame["code"].tolist()))
    return frame


def _seen_from(
    duel: Duel, at: int, ids: tuple[str, ...], full: int
) -> tuple[str, str, int, int, int, int, int]:
    if at == duel.first:
        other = ids[duel.second]
        return (
            duel.group,
            other,
            duel.first_before,
            duel.second_before,
            duel.first_after,
            duel.second_after,
            full,
        )
    other = ids[duel.first]
    return (
        duel.group,
        other,
        duel.second_before,
        duel.first_before,
        duel.second_after,
        duel.first_after,
        full,
    )


def school_names(actor: Actor, house: House, codes: list[str]) -> list[str]:
    """Return the schools' names in the order of ``codes``; empty outside the actor's scope."""
    table = load_school_table(actor, house)
    if not codes or not len(table):
        return [""] * len(codes)
    at = pc.index_in(pa.array(codes, pa.string()), value_set=table.codes)
    return [name or "" for name in table.names.take(at).to_pylist()]
