"""The replay pack: one zip from which a stranger can recompute a revealed draw.

Bytes in, bytes out; no database. The pack holds the frame, the excluded list, the
parameters, the record up to the reveal, the certificate's facts, every school's chance, a
stand-alone script and an instruction in Chinese.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.draw.frame import Frame, parse_frame
from domain.draw.randomness import sha256_hex
from domain.draw.record import REVEAL, VALUE
from domain.draw.seal import ChainLine, canonical_json, parameters_hash, rule_of_parameters
from domain.draw.year import year_chances
from domain.errors import UserError

FRAME, EXCLUDED, PARAMS, LOG = "frame.csv", "excluded.csv", "params.json", "log.jsonl"
CERTIFICATE, RESULT, SCRIPT, MANUAL = "certificate.json", "result.csv", "replay.py", "使用说明.txt"
ROUND = "round.json"
"""Only in the pack of a sealed round: people, routes and teams (``domain.rounds``)."""
NEEDED = (FRAME, EXCLUDED, PARAMS, LOG, CERTIFICATE, RESULT)
MOST_BYTES = 256 << 20
"""A pack that unpacks to more is refused; 20,000 schools take about 3 MB."""
ASSETS = Path(__file__).parent / "draw_assets"
_ANY_DAY = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Pack:
    """The files of a pack, as they stand in it."""

    frame: bytes
    excluded: bytes
    params: bytes
    log: bytes
    certificate: bytes
    result: bytes
    round: bytes | None = None


def build_pack(
    *,
    frame: bytes,
    excluded: bytes,
    parameters: Mapping[str, Any],
    log: Sequence[ChainLine],
    sealed_round: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the zip of a revealed draw; the same input gives the same bytes.

    ``log`` is an unbroken piece of the chain, from the draw's commit line or earlier to its
    reveal, which must be the last line (else ``ValueError``). ``sealed_round`` is what a
    sealed round adds: people, day_task, day_plan and roster. Raises ``UserError`` where the
    frame or the parameters cannot be read.
    """
    if not log or log[-1].kind != REVEAL:
        raise ValueError("the record must end with the reveal of the draw")
    reveal = log[-1].data
    value = next(
        line.data["value"]
        for line in log
        if line.kind == VALUE and line.data.get("draw") == reveal["draw"]
    )
    certificate = {
        "draw": reveal["draw"],
        "frame": sha256_hex(frame),
        "params": parameters_hash(parameters),
        "value": value,
        "salts": [entry["salt"] for entry in reveal["salts"]],
        "seed": reveal["seed"],
        "nonce": reveal["nonce"],
        "selected": reveal["selected"],
        "reserve": reveal["reserve"],
        "head": log[-1].hash,
    }
    files = {
        MANUAL: "\ufeff".encode() + (ASSETS / "manual.txt").read_bytes(),
        SCRIPT: (ASSETS / "replay.py").read_bytes(),
        FRAME: frame,
        EXCLUDED: excluded,
        PARAMS: canonical_json(dict(parameters)).encode(),
        LOG: "".join(line.as_text() + "\n" for line in log).encode(),
        CERTIFICATE: canonical_json(certificate).encode(),
        RESULT: result_table(parse_frame(frame), parameters, reveal["selected"], reveal["reserve"]),
    }
    if sealed_round is not None:
        files[ROUND] = canonical_json(dict(sealed_round)).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _ANY_DAY)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def read_pack(content: bytes) -> Pack:
    """Unpack a replay pack without trusting it.

    Raises ``UserError`` where it is no zip, lacks a file or is far too large.
    """
    again = "请重新下载复算包，不要改动其中的文件。"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
            missing = [name for name in NEEDED if name not in sizes]
            if missing:
                raise UserError(f"复算包中缺少文件 {missing[0]}。", again)
            if sum(sizes.get(name, 0) for name in (*NEEDED, ROUND)) > MOST_BYTES:
                raise UserError("复算包解压后过大，不是系统导出的复算包。", again)
            files = [archive.read(name) for name in NEEDED]
            files += [archive.read(ROUND)] if ROUND in sizes else []
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError("复算包已损坏，或不是 zip 文件。", again) from error
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise UserError("复算包已损坏，无法解压。", again) from error
    return Pack(*files)


def result_table(
    frame: Frame,
    parameters: Mapping[str, Any],
    selected: Sequence[str],
    reserve: Sequence[str],
) -> bytes:
    """Return CSV ``id,chance,outcome``: every school's exact chance and what became of it.

    ``outcome`` is ``selected``, ``reserve`` or empty. Raises ``UserError`` where the
    parameters do not fit the frame.
    """
    chances = year_chances(frame, rule_of_parameters(parameters))
    outcome = dict.fromkeys(reserve, "reserve") | dict.fromkeys(selected, "selected")
    rows = zip(frame.ids, chances, strict=True)
    lines = [f"{school},{chance},{outcome.get(school, '')}\n" for school, chance in rows]
    return ("id,chance,outcome\n" + "".join(lines)).encode()


def read_json(content: bytes, name: str) -> dict[str, Any]:
    """Read a JSON object of a pack; raises ``UserError`` naming the file."""
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name} 不是有效的 JSON。", "请使用系统导出的原始文件。") from error
    if not isinstance(value, dict):
        raise UserError(f"{name} 的内容不对。", "请使用系统导出的原始文件。")
    return value
