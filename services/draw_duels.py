"""The duels of a revealed draw as one file that the browser plays back, nothing added.

Of a stored draw the duels are recomputed from what was frozen and revealed, and compared
with the revealed list first. Of an uploaded pack nothing is stored: its replay stays in
memory for a while, for the one who uploaded it.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.draw_chain import read_lines
from db.models import Draw, School
from db.scope import draws_readable_by
from domain.access import Actor, Permission, require
from domain.draw.frame import Frame, parse_frame
from domain.draw.pivotal import Duel
from domain.draw.randomness import sha256_hex
from domain.draw.seal import canonical_json, rule_of_parameters
from domain.draw.year import STREAM_AGAIN, STREAM_NEW, YearDrawn, draw_year
from domain.errors import NotFound, UserError
from domain.words import DrawStatus
from geo.crs import unproject
from services.cache import VersionedCache
from services.draw_recompute import school_names
from services.draw_replay import Replay
from services.house import House
from services.map_screen import screen_pixels
from services.proximity import zone_of_city

HAS_RESULT = frozenset({DrawStatus.DRAWN})
STREAM_LABELS = {STREAM_NEW: "本轮未查", STREAM_AGAIN: "回头看"}
ASKED_IDS = 400
"""So many ids tell whether a frame is of this city. source: own choice"""
_drawn = VersionedCache(max_entries=4)
_held = VersionedCache(max_entries=8)


def play_draw(actor: Actor, house: House, *, number: str) -> bytes:
    """Return the duels of a draw with a result as JSON (see ``duel_file``); audited.

    Raises ``Forbidden``, ``NotFound`` outside the actor's scope and before the result is
    revealed (not told apart), ``UserError`` where the record and the recomputed list differ.
    """
    require(actor, Permission.REPLAY)
    require(actor, Permission.VIEW_DRAWS)
    with house.read() as session:
        found = session.scalars(
            select(Draw).where(draws_readable_by(actor), Draw.number == number)
        ).one_or_none()
        if found is None or found.status not in HAS_RESULT or found.reveal_seq is None:
            raise NotFound("这次抽取的结果")
        revealed = read_lines(session.connection(), first=found.reveal_seq, last=found.reveal_seq)[
            0
        ].data
        seed = str(revealed["seed"])
        key = str(house.engine.url), number, found.frame_hash, found.parameters_hash, seed
        drawn = _drawn.get(
            key,
            lambda: draw_year(
                parse_frame(found.frame),
                rule_of_parameters(found.parameters),
                seed=seed,
                record=True,
            ),
        )
    if revealed["draw"] != number or list(drawn.ids) != revealed["selected"]:
        raise UserError(
            f"抽取 {number} 的记录与复算结果不一致，不予播放。", "请在“复算”页核对，并交审计人员。"
        )
    body = _file(actor, house, drawn, number)
    with house.write(actor) as work:
        work.audit("draw.duels_shown", number)
    return body


def hold_replay(actor: Actor, house: House, *, replay: Replay) -> str:
    """Keep an uploaded pack's replay in memory for its uploader; return the key to it.

    The key is the same for the same draw. Raises ``UserError`` where nothing was drawn.
    """
    require(actor, Permission.REPLAY)
    drawn = replay.drawn
    if drawn is None:
        raise UserError("这个复算包没有算到对决这一步。", "请先查看左侧指出的不一致。")
    facts = {"frame": drawn.frame.hash, "seed": replay.seed, "rule": repr(drawn.rule)}
    key = sha256_hex(canonical_json(facts))
    _held.get((str(house.engine.url), actor.login, key), lambda: (drawn, replay.draw_number))
    return key


def play_pack(actor: Actor, house: House, *, key: str) -> bytes:
    """Return the duels of a pack that the actor uploaded a while ago as JSON.

    Raises ``NotFound`` where the actor uploaded none under this key, or long ago.
    """
    require(actor, Permission.REPLAY)
    drawn, number = _held.get((str(house.engine.url), actor.login, key), _gone)
    return _file(actor, house, drawn, number)


def duel_file(
    drawn: YearDrawn, *, number: str, x: list[int], y: list[int], names: list[str], ground: bool
) -> bytes:
    """Return a draw with all its duels as compact JSON for the browser.

    ``schools``: columns in frame order: ``code``, ``name``, ``x``, ``y`` (drawing positions,
    see ``geo.tiles.world_pixels``), ``stratum`` (place in ``strata``), ``stream`` (place in
    ``streams``), ``tickets`` (before the first duel). ``streams``: ``label``, ``full``,
    ``n``. ``groups``: ``stream``, ``path``, ``level`` (place in ``levels``), ``end`` (the
    number of duels fought when it is done), in order. ``duels``: columns in the order
    fought: ``a``, ``b`` (places of the schools), tickets before (``a0``, ``b0``) and after
    (``a1``, ``b1``). ``selected``, ``reserve``: places, ascending. ``ground``: whether the
    city's own ground belongs under it.
    """
    frame = drawn.frame
    depth = frame.strata[0].count("/") + 1 if len(frame) else 0
    strata = {path: at for at, path in enumerate(dict.fromkeys(frame.strata))}
    stream_of, tickets = [0] * len(frame), [0] * len(frame)
    groups: list[dict[str, Any]] = []
    duels: dict[str, list[int]] = {name: [] for name in ("a", "b", "a0", "b0", "a1", "b1")}
    for at, (_label, stream) in enumerate(drawn.streams):
        whole = [frame.position[school] for school in stream.frame.ids]
        for place, held in zip(whole, stream.tickets.held, strict=True):
            stream_of[place], tickets[place] = at, held
        _add_groups(groups, at, stream.duels, depth)
        duels["a"] += [whole[duel.first] for duel in stream.duels]
        duels["b"] += [whole[duel.second] for duel in stream.duels]
        duels["a0"] += [duel.first_before for duel in stream.duels]
        duels["b0"] += [duel.second_before for duel in stream.duels]
        duels["a1"] += [duel.first_after for duel in stream.duels]
        duels["b1"] += [duel.second_after for duel in stream.duels]
    facts = {
        "number": number,
        "n": drawn.rule.n,
        "ground": ground,
        "levels": _level_names(depth),
        "strata": list(strata),
        "streams": [
            {
                "label": STREAM_LABELS.get(label, "") if drawn.rule.streams == 2 else "",
                "full": stream.tickets.full,
                "n": len(stream.selected),
            }
            for label, stream in drawn.streams
        ],
        "schools": {
            "code": frame.ids,
            "name": names,
            "x": x,
            "y": y,
            "stratum": [strata[path] for path in frame.strata],
            "stream": stream_of,
            "tickets": tickets,
        },
        "groups": groups,
        "duels": duels,
        "selected": drawn.selected,
        "reserve": drawn.reserve,
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def _add_groups(
    groups: list[dict[str, Any]], stream: int, duels: tuple[Duel, ...], depth: int
) -> None:
    """Add the groups of one stream in order; a group's duels follow each other."""
    done = groups[-1]["end"] if groups else 0
    path = None
    for duel in duels:
        if duel.group != path:
            path = duel.group
            level = depth - (path.count("/") + 1 if path else 0)
            groups.append({"stream": stream, "path": path, "level": level, "end": done})
        done += 1
        groups[-1]["end"] = done


def _level_names(depth: int) -> list[str]:
    """Return what the levels are called, deepest first, last the whole frame.

    Our own plans part by district and kind, then by risk band; others are only counted.
    """
    parts = ["区县", "学段", "风险段"] if depth in (2, 3) else []
    named = [" / ".join(parts[:level]) or f"第 {level} 层" for level in range(depth, 0, -1)]
    return [*named, "全部"]


def _file(actor: Actor, house: House, drawn: YearDrawn, number: str) -> bytes:
    frame = drawn.frame
    with house.read() as session:
        epsg = zone_of_city(session.connection())
        ground = _is_of_this_city(session, frame)
    x, y = screen_pixels(house, *unproject(frame.x_m, frame.y_m, epsg))
    names = school_names(actor, house, list(frame.ids))
    return duel_file(drawn, number=number, x=x.tolist(), y=y.tolist(), names=names, ground=ground)


def _is_of_this_city(session: Session, frame: Frame) -> bool:
    """Tell whether most of the frame's ids are schools here: else only its shape is true."""
    asked = frame.ids[:: max(1, len(frame) // ASKED_IDS)]
    known = session.scalar(select(func.count()).where(School.code.in_(asked))) or 0
    return 2 * known >= len(asked)


def _gone() -> tuple[YearDrawn, str]:
    raise NotFound("这个复算包")
