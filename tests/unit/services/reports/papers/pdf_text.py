"""Read the text of our own PDFs back, without a PDF library: enough for tests, no more."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj\s(.*?)\sendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_PAIR = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_TOKEN = re.compile(
    rb"/(?P<font>f\d+) [\d.]+ Tf"
    rb"|/ActualText ?(?:<FEFF(?P<actual>\w*)>|(?P<latin>\())"
    rb"|<(?P<hex>[0-9A-Fa-f]+)>|(?P<open>\()|(?P<end>\bET\b)"
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def page_count(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def text_of(pdf: bytes) -> str:
    """Return all text in drawing order, a line feed between separately placed pieces."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    pages = [body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)]
    return "\n".join(_page_text(page, objects) for page in pages)


def _page_text(page: bytes, objects: dict[int, bytes]) -> str:
    resources = page
    found = re.search(rb"/Resources (\d+) 0 R", page)
    if found:
        resources = objects[int(found[1])]
    maps = {
        name: _glyph_texts(objects[int(number)], objects)
        for name, number in re.findall(rb"/(f\d+) (\d+) 0 R", resources)
    }
    contents = re.search(rb"/Contents (\d+) 0 R", page)
    assert contents, "a page without contents"
    drawn = zlib.decompress(_STREAM.search(objects[int(contents[1])])[1])
    blocks = re.split(rb"(?:^|\s)BT\s", drawn)[1:]
    return "\n".join(_block_text(block, maps) for block in blocks)


def _block_text(block: bytes, maps: dict[bytes, dict[int, str]]) -> str:
    glyphs: dict[int, str] = {}
    piece, token = "", _TOKEN.search(block)
    while token and not token["end"]:
        at = token.end()
        if token["font"]:
            glyphs = maps[token["font"]]
        elif token["actual"] is not None:
            piece += bytes.fromhex(token["actual"].decode()).decode("utf-16-be")
            at = block.index(b"EMC", at)
        elif token["latin"]:
            raw, at = _string(block, at)
            piece += raw.decode("latin-1")
            at = block.index(b"EMC", at)
        elif token["hex"]:
            piece += _glyphs_of(bytes.fromhex(token["hex"].decode()), glyphs)
        elif token["open"]:
            raw, at = _string(block, at)
            piece += _glyphs_of(raw, glyphs)
        token = _TOKEN.search(block, at)
    return piece


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """Return the bytes of a string that starts at ``at`` and where it ends; brackets pair up."""
    raw, depth = bytearray(), 1
    while True:
        escape = _ESCAPE.match(block, at)
        if escape:
            code = escape[1]
            raw += bytes([int(code, 8)]) if code.isdigit() else _ESCAPES.get(code, code)
            at = escape.end()
            continue
        sign = block[at : at + 1]
        depth += (sign == b"(") - (sign == b")")
        at += 1
        if not depth:
            return bytes(raw), at
        raw += sign


def _glyphs_of(raw: bytes, glyphs: dict[int, str]) -> str:
    return "".join(glyphs[int.from_bytes(raw[i : i + 2])] for i in range(0, len(raw), 2))


def _glyph_texts(font: bytes, objects: dict[int, bytes]) -> dict[int, str]:
    number = re.search(rb"/ToUnicode (\d+) 0 R", font)
    assert number, "a font without a way back to text"
    table = zlib.decompress(_STREAM.search(objects[int(number[1])])[1])
    return {
        int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be")
        for code, text in _PAIR.findall(table.split(b"endcodespacerange")[1])
    }
