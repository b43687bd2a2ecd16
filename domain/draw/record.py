"""What each step of a draw puts on the chain: one place for the field names.

The steps are commit → public value → draw → reveal (section 5 of the specification). Every
line's data holds the draw number under ``draw``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

COMMIT, VALUE, DRAW, REVEAL = "commit", "value", "draw", "reveal"
STEPS = (COMMIT, VALUE, DRAW, REVEAL)
VOID, USE, EVENT, OPENED, PUBLISH = "void", "use", "event", "opened", "publish"
"""Kinds beside the four steps. An event of a sealed round stands as a hash until the reveal,
whose transaction opens it just before the reveal's own line."""


def commit_data(
    *,
    draw: str,
    frame_hash: str,
    params_hash: str,
    excluded_hash: str,
    value_source: str,
    custodians: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Return the commitment made before any randomness exists.

    ``custodians`` are pairs of name and salt commitment, in the order their salts will
    enter the seed; a quick draw has none. ``value_source`` says which public value counts.
    """
    return {
        "draw": draw,
        "frame": frame_hash,
        "params": params_hash,
        "excluded": excluded_hash,
        "value_source": value_source,
        "custodians": [{"name": name, "commitment": made} for name, made in custodians],
    }


def value_data(*, draw: str, value: str) -> dict[str, Any]:
    """Return the public value as it fell, NFC and trimmed (``seal.public_value``)."""
    return {"draw": draw, "value": value}


def draw_data(*, draw: str, commitment: str, round_commitment: str = "") -> dict[str, Any]:
    """Return the sealed result: SHA-256(result ‖ nonce) only.

    A sealed round adds the same of its routes and teams (``domain.rounds.round_text``).
    """
    data = {"draw": draw, "result": commitment}
    return data | {"round": round_commitment} if round_commitment else data


def event_data(*, draw: str, commitment: str) -> dict[str, Any]:
    """Return what the chain says of an event while the round is sealed: not even its kind."""
    return {"draw": draw, "commitment": commitment}


def opened_data(*, draw: str, text: str, nonce: str) -> dict[str, Any]:
    """Return an event as the reveal opens it; ``text`` is its canonical JSON."""
    return {"draw": draw, "event": text, "nonce": nonce}


def reveal_data(
    *,
    draw: str,
    salts: Sequence[tuple[str, str]],
    seed: str,
    nonce: str,
    selected: Sequence[str],
    reserve: Sequence[str],
) -> dict[str, Any]:
    """Return what is made public after the round.

    ``salts`` are pairs of custodian and salt in the committed order; ``selected`` and
    ``reserve`` ids are in frame order.
    """
    return {
        "draw": draw,
        "salts": [{"name": name, "salt": salt} for name, salt in salts],
        "seed": seed,
        "nonce": nonce,
        "selected": list(selected),
        "reserve": list(reserve),
    }
