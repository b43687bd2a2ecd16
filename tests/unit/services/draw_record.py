"""A whole revealed draw, as the tests of packs and replays need it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from domain.draw import record
from domain.draw.frame import Frame, excluded_bytes
from domain.draw.randomness import sha256_hex
from domain.draw.seal import (
    ChainLine,
    next_line,
    parameters_hash,
    result_commitment,
    result_text,
    rule_parameters,
    salt_commitment,
    salt_text,
    seed_text,
)
from domain.draw.year import DrawRule, draw_year
from services.draw_pack import build_pack

CUSTODIANS = (("张三", salt_text(bytes(range(16)))), ("李四", salt_text(bytes(range(16, 32)))))
NONCE = "ab" * 16
VALUE = "骰子 3 5 1 6"


def chained(steps: list[tuple[str, dict[str, Any]]]) -> list[ChainLine]:
    lines: list[ChainLine] = []
    for minute, (kind, data) in enumerate(steps):
        last = lines[-1] if lines else None
        time = f"2026-03-02T08:{minute:02d}:00Z"
        lines.append(next_line(last, time=time, kind=kind, data=data))
    return lines


def recorded(
    frame: Frame,
    rule: DrawRule,
    *,
    custodians: tuple[tuple[str, str], ...] = CUSTODIANS,
    value: str = VALUE,
) -> tuple[bytes, dict[str, Any], list[ChainLine]]:
    """Return the excluded file, the parameters and the record of a draw done by the rules."""
    excluded = excluded_bytes([("X1", "closed"), ("X2", "must_visit")])
    parameters = rule_parameters(rule, excluded_hash=sha256_hex(excluded), extra={"name": "三月"})
    seed = seed_text(frame.hash, parameters_hash(parameters), value, [s for _, s in custodians])
    drawn = draw_year(frame, rule, seed=seed)
    result = result_text(drawn.ids, drawn.reserve_ids)
    steps = [
        ("note", {"text": "别的事"}),
        (
            record.COMMIT,
            record.commit_data(
                draw="2026-1",
                frame_hash=frame.hash,
                params_hash=parameters_hash(parameters),
                excluded_hash=sha256_hex(excluded),
                value_source="dice",
                custodians=[(name, salt_commitment(salt, name)) for name, salt in custodians],
            ),
        ),
        (record.VALUE, record.value_data(draw="2026-1", value=value)),
        ("void", {"draw": "2026-0", "reason": "盐丢失"}),
        (record.DRAW, record.draw_data(draw="2026-1", commitment=result_commitment(result, NONCE))),
        (
            record.REVEAL,
            record.reveal_data(
                draw="2026-1",
                salts=custodians,
                seed=seed,
                nonce=NONCE,
                selected=drawn.ids,
                reserve=drawn.reserve_ids,
            ),
        ),
    ]
    return excluded, parameters, chained(steps)


def packed(frame: Frame, rule: DrawRule, **how: Any) -> bytes:
    excluded, parameters, log = recorded(frame, rule, **how)
    return build_pack(frame=frame.content, excluded=excluded, parameters=parameters, log=log)


def changed(pack: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the pack with its files altered by ``change``."""
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def rechained(files: dict[str, bytes], change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Alter the record's lines and forge all hashes after them, the certificate's head too."""
    lines = [json.loads(text) for text in files["log.jsonl"].decode().splitlines()]
    change(lines)
    forged = chained([(line["kind"], line["data"]) for line in lines])
    files["log.jsonl"] = "".join(line.as_text() + "\n" for line in forged).encode()
    certificate = json.loads(files["certificate.json"])
    certificate["head"] = forged[-1].hash
    files["certificate.json"] = json.dumps(certificate, ensure_ascii=False).encode()
