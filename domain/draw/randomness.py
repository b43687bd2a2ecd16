"""Random integers from SHA-256 in counter mode (the draw's specification, section 2).

The habit is that of Rivest's ``sampler``, used in risk-limiting election audits: a public
seed, a counter, a hash. Nothing here draws on the machine's own randomness.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

SPAN = 1 << 256
"""source: SHA-256 answers an integer below 2**256."""


class Source(Protocol):
    """Where a draw takes its random integers from; tests put an enumeration here."""

    def below(self, m: int) -> int:
        """Return an integer from 0 to ``m`` − 1, each equally likely."""

    def chance(self, part: int, whole: int) -> bool:
        """Return true with the probability ``part / whole``."""


class HashStream:
    """The integers that one seed text and one label stand for.

    Streams of different labels under one seed are independent of each other; each has its
    own counter, starting at 0.
    """

    def __init__(self, seed: str, label: str = "") -> None:
        """Start the stream of ``{seed}|{label}|…``."""
        self.seed, self.label, self.counter = seed, label, 0
        self._prefix = f"{seed}|{label}|".encode()

    def below(self, m: int) -> int:
        """Return the next integer from 0 to ``m`` − 1, each equally likely.

        The counter is increased before each hash; a hash at or above the largest multiple
        of ``m`` is passed over, so that no remainder is favoured. Raises ``ValueError``
        unless 1 ≤ ``m`` ≤ 2**256.
        """
        if not 1 <= m <= SPAN:
            raise ValueError(f"below({m}) has no answer")
        limit = SPAN - SPAN % m
        while True:
            self.counter += 1
            digest = hashlib.sha256(self._prefix + b"%d" % self.counter).digest()
            v = int.from_bytes(digest, "big")
            if v < limit:
                return v % m

    def chance(self, part: int, whole: int) -> bool:
        """Return true in ``part`` of ``whole`` equally likely cases."""
        return self.below(whole) < part


def sha256_hex(data: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text's UTF-8, as 64 hex digits."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()
