"""Commit, seed, seal and chain: the hashes that let a stranger check a draw afterwards.

Section 5 of the specification. ‖ joins UTF-8 texts by a line feed; canonical JSON has
sorted keys, no spaces, unescaped UTF-8, and only integers and strings as values.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.draw.pivotal import ALGORITHM
from domain.draw.randomness import sha256_hex
from domain.draw.year import DrawRule
from domain.errors import UserError

CHAIN_START = "0" * 64
SYSTEM_VALUE = "system:"
"""A quick draw's public value where the product's own randomness was taken."""
SALT_BYTES = 16
"""source: section 5.4, salts have at least 128 bits"""
_SALT = re.compile(rf"[0-9a-f]{{{2 * SALT_BYTES},}}", re.ASCII)
_CHAIN_FIELDS = {"seq", "time", "kind", "data", "prev", "hash"}


def canonical_json(value: Any) -> str:
    """Return canonical JSON of integers, strings and lists or mappings of such.

    Raises ``TypeError`` for anything else (floats, booleans, None, keys that are no texts).
    """
    _only_integers_and_texts(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def join_texts(*texts: str) -> str:
    """Return texts joined as ‖ does."""
    return "\n".join(texts)


def rule_parameters(
    rule: DrawRule, *, excluded_hash: str, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the parameters that are frozen with a plan, fit for ``canonical_json``.

    ``extra`` (plan number, channel, notice mode …) is kept under ``plan``; it binds the
    commitment but not the draw.
    """
    return {
        "algorithm": ALGORITHM,
        "excluded": excluded_hash,
        "inspected": sorted(rule.inspected),
        "label": rule.label,
        "n": rule.n,
        "plan": dict(extra or {}),
        "reserve": rule.reserve,
        "rho_permille": rule.rho_permille,
        "streams": rule.streams,
    }


def rule_of_parameters(parameters: Mapping[str, Any]) -> DrawRule:
    """Return the rule that frozen parameters stand for.

    Raises ``UserError`` where they are of another algorithm or a field is missing or wrong.
    """
    again = "请使用系统导出的原始参数文件。"
    if parameters.get("algorithm") != ALGORITHM:
        raise UserError(f"参数中的算法不是 {ALGORITHM}。", again)
    numbers = {}
    for name in ("n", "streams", "rho_permille", "reserve"):
        value = parameters.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise UserError(f"参数中缺少整数 {name}。", again)
        numbers[name] = value
    label, inspected = parameters.get("label"), parameters.get("inspected")
    if not isinstance(label, str) or not isinstance(inspected, list):
        raise UserError("参数中缺少 label 或 inspected。", again)
    return DrawRule(label=label, inspected=tuple(str(i) for i in inspected), **numbers)


def parameters_hash(parameters: Mapping[str, Any]) -> str:
    """Return P, the SHA-256 of the parameters' canonical JSON in hex."""
    return sha256_hex(canonical_json(dict(parameters)))


def public_value(text: str) -> str:
    """Return a public value as it enters the seed: NFC, trimmed.

    Raises ``UserError`` where nothing is left or it runs over several lines.
    """
    value = unicodedata.normalize("NFC", text).strip()
    if not value or len(value.splitlines()) > 1:
        raise UserError("公开随机值为空或不止一行。", "请把骰子点数或开奖号码写成一行。")
    return value


def system_value(random_bytes: bytes) -> str:
    """Return a quick draw's public value from 32 random bytes made after the commit."""
    if len(random_bytes) != 32:
        raise ValueError("a system value stands for 32 bytes")
    return SYSTEM_VALUE + random_bytes.hex()


def salt_text(random_bytes: bytes) -> str:
    """Return a custodian's salt as printed text; ``random_bytes`` has at least 16."""
    if len(random_bytes) < SALT_BYTES:
        raise ValueError("a salt has at least 128 bits")
    return random_bytes.hex()


def read_salt(typed: str) -> str:
    """Return a typed salt as it was printed, forgiving spaces, dashes and capitals.

    Raises ``UserError`` where it is not a salt.
    """
    salt = re.sub(r"[\s\-–—]", "", unicodedata.normalize("NFKC", typed)).lower()
    if not _SALT.fullmatch(salt):
        raise UserError(
            "随机盐应为至少 32 位的 0–9、a–f 字符。", "请对照打印的封条逐位核对，或扫描二维码。"
        )
    return salt


def salt_commitment(salt: str, custodian: str) -> str:
    """Return SHA-256(salt ‖ name), which binds a custodian to a salt before the draw."""
    return sha256_hex(join_texts(salt, custodian))


def seed_text(frame_hash: str, params_hash: str, value: str, salts: Sequence[str] = ()) -> str:
    """Return the seed of a draw in hex; ``salts`` in the committed order.

    SHA-256 of the lines algorithm, F, P, public value (NFC, trimmed) and each salt.
    Raises ``UserError`` as ``public_value``.
    """
    return sha256_hex(join_texts(ALGORITHM, frame_hash, params_hash, public_value(value), *salts))


def result_text(selected: Sequence[str], reserve: Sequence[str]) -> str:
    """Return a result as canonical JSON, ids in frame order."""
    return canonical_json({"reserve": list(reserve), "selected": list(selected)})


def result_commitment(result: str, nonce: str) -> str:
    """Return SHA-256(result ‖ nonce), put on the chain the moment a draw is computed."""
    return sha256_hex(join_texts(result, nonce))


@dataclass(frozen=True)
class ChainLine:
    """One line of the append-only record; ``time`` is ISO 8601 UTC text."""

    seq: int
    time: str
    kind: str
    data: dict[str, Any]
    prev: str
    hash: str

    def as_text(self) -> str:
        """Return the line as canonical JSON."""
        return canonical_json(dict(vars(self)))


def chain_hash(*, prev: str, seq: int, time: str, kind: str, data: Mapping[str, Any]) -> str:
    """Return SHA-256(prev ‖ canonical JSON of the rest) of a chain line in hex."""
    rest = {"seq": seq, "time": time, "kind": kind, "data": dict(data)}
    return sha256_hex(join_texts(prev, canonical_json(rest)))


def next_line(
    last: ChainLine | None, *, time: str, kind: str, data: Mapping[str, Any]
) -> ChainLine:
    """Return the line that follows ``last``; the first has number 1 and 64 zeros before it."""
    seq, prev = (last.seq + 1, last.hash) if last else (1, CHAIN_START)
    made = chain_hash(prev=prev, seq=seq, time=time, kind=kind, data=data)
    return ChainLine(seq, time, kind, dict(data), prev, made)


def parse_line(text: str) -> ChainLine:
    """Read one line of a record; raises ``ValueError`` where it is not one."""
    fields = json.loads(text)
    if not isinstance(fields, dict) or set(fields) != _CHAIN_FIELDS:
        raise ValueError("fields of the line are not those of the chain")
    line = ChainLine(**fields)
    whole = isinstance(line.seq, int) and not isinstance(line.seq, bool)
    if not whole or not isinstance(line.data, dict):
        raise ValueError("seq is no integer or data no object")
    if not all(isinstance(v, str) for v in (line.time, line.kind, line.prev, line.hash)):
        raise ValueError("a text of the line is none")
    return line


@dataclass(frozen=True)
class ChainFault:
    """The first thing wrong with a chain: the place of the line (from 1) and what it is."""

    line: int
    reason: str


def find_chain_fault(
    lines: Sequence[ChainLine], *, head: str | None = None, from_start: bool = True
) -> ChainFault | None:
    """Name the first line of a chain that is broken, or return nothing.

    ``head`` is the head hash printed on a certificate: a chain that does not reach it has
    lost its tail. ``from_start`` is false for a piece whose beginning lies elsewhere.
    """
    last: ChainLine | None = None
    for at, line in enumerate(lines, start=1):
        expected = (last.seq + 1, last.hash) if last else (1, CHAIN_START)
        if (last or from_start) and line.seq != expected[0]:
            return ChainFault(at, f"序号为 {line.seq}，应为 {expected[0]}，中间有缺失或重复")
        if (last or from_start) and line.prev != expected[1]:
            return ChainFault(at, "与上一条的哈希对不上")
        try:
            made = chain_hash(
                prev=line.prev, seq=line.seq, time=line.time, kind=line.kind, data=line.data
            )
        except (TypeError, ValueError):
            return ChainFault(at, "含有整数和文字以外的内容")
        if made != line.hash:
            return ChainFault(at, "内容与其哈希不符，已被改动")
        last = line
    if head is not None and head not in {line.hash for line in lines}:
        return ChainFault(
            len(lines) + 1, f"记录到此为止，没有到达凭证上的链头 {head[:12]}…，末尾被截去"
        )
    return None


def _only_integers_and_texts(value: Any) -> None:
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("keys must be texts")
        for inner in value.values():
            _only_integers_and_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _only_integers_and_texts(inner)
    elif isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"neither integer nor text: {value!r}")
