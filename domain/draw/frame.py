"""The frame: the schools that can be drawn, in the exact bytes that are hashed.

Section 1 of the draw's specification. A frame is CSV in UTF-8 with line-feed line ends and
the header ``id,stratum,weight,x,y``, sorted by id in code-point order; ``x, y`` are metres
in the city's CGCS2000 Gauss–Krüger zone. The excluded schools stand in a second file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from domain.draw.randomness import sha256_hex
from domain.errors import UserError

FRAME_HEADER = "id,stratum,weight,x,y"
EXCLUDED_HEADER = "id,reason"
_FORBIDDEN = re.compile(r'[,"\r\n\v\f\x1c-\x1e\x85\u2028\u2029]')
_INTEGER = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_MOST_DIGITS = 18
NameRow = Callable[[int], str]


@dataclass(frozen=True)
class Frame:
    """The schools that can be drawn, in code-point order of their ids.

    ``ids``, ``strata`` (paths of levels joined by ``/``), ``weights`` (integers ≥ 1) and
    ``x_m, y_m`` (integer metres, one Gauss–Krüger zone) are of one length.
    """

    ids: tuple[str, ...]
    strata: tuple[str, ...]
    weights: tuple[int, ...]
    x_m: tuple[int, ...]
    y_m: tuple[int, ...]

    def __len__(self) -> int:
        """Count the schools."""
        return len(self.ids)

    @cached_property
    def content(self) -> bytes:
        """Return the exact bytes of the frame file."""
        rows = zip(self.ids, self.strata, self.weights, self.x_m, self.y_m, strict=True)
        lines = [f"{i},{s},{w},{x},{y}\n" for i, s, w, x, y in rows]
        return (FRAME_HEADER + "\n" + "".join(lines)).encode()

    @cached_property
    def hash(self) -> str:
        """Return F, the SHA-256 of the frame file in hex."""
        return sha256_hex(self.content)

    @cached_property
    def position(self) -> dict[str, int]:
        """Return the place of each id in the frame, from 0."""
        return {school: at for at, school in enumerate(self.ids)}

    def take(self, positions: Iterable[int]) -> Frame:
        """Return the frame of the rows at these places, in frame order."""
        keep = sorted(positions)
        return Frame(
            ids=tuple(self.ids[p] for p in keep),
            strata=tuple(self.strata[p] for p in keep),
            weights=tuple(self.weights[p] for p in keep),
            x_m=tuple(self.x_m[p] for p in keep),
            y_m=tuple(self.y_m[p] for p in keep),
        )


def build_frame(
    *,
    ids: Sequence[str],
    strata: Sequence[str],
    weights: Sequence[int],
    x_m: ArrayLike,
    y_m: ArrayLike,
) -> Frame:
    """Build a frame from columns of one length in any order.

    ``x_m, y_m`` are metres in the city's Gauss–Krüger zone, rounded half up here. Raises
    ``UserError`` naming the school where an id is twice there, a text holds a comma, quote
    or line break, a weight is below 1, a position is missing or strata differ in depth.
    """
    x, y = _rounded_half_up(x_m, ids), _rounded_half_up(y_m, ids)
    rows = sorted(
        zip(ids, strata, (int(w) for w in weights), x, y, strict=True), key=lambda row: row[0]
    )
    columns = tuple(zip(*rows, strict=True)) if rows else ((), (), (), (), ())
    frame = Frame(*columns)
    _check(frame, lambda at: f"学校“{frame.ids[at]}”")
    return frame


def parse_frame(content: bytes) -> Frame:
    """Read a frame file, refusing whatever the specification does not allow.

    Raises ``UserError`` naming the line and what to do. The bytes of the frame returned
    equal ``content``.
    """
    rows = _split(content, FRAME_HEADER, "名录库")
    whole: list[list[int]] = []
    for number, row in enumerate(rows, start=2):
        for name, text in zip(("weight", "x", "y"), row[2:], strict=True):
            if not _INTEGER.fullmatch(text) or len(text) > _MOST_DIGITS:
                raise UserError(
                    f"名录库第 {number} 行的 {name} 是“{text}”，不是整数。",
                    "请写成不带小数点、正号和前导零的整数，例如 3 或 -12。",
                )
        whole.append([int(text) for text in row[2:]])
    frame = Frame(
        ids=tuple(row[0] for row in rows),
        strata=tuple(row[1] for row in rows),
        weights=tuple(numbers[0] for numbers in whole),
        x_m=tuple(numbers[1] for numbers in whole),
        y_m=tuple(numbers[2] for numbers in whole),
    )
    _check(frame, lambda at: f"名录库第 {at + 2} 行（{frame.ids[at]}）")
    return frame


def excluded_bytes(reasons: Iterable[tuple[str, str]]) -> bytes:
    """Return the file of excluded schools: ``id,reason`` rows, sorted by id.

    ``reasons`` are pairs of id and reason code. Raises ``UserError`` where an id comes
    twice or a text holds a comma, quote or line break.
    """
    rows = sorted(reasons)
    content = (EXCLUDED_HEADER + "\n" + "".join(f"{i},{r}\n" for i, r in rows)).encode()
    for (school, reason), following in zip(rows, [*rows[1:], ("", "")], strict=False):
        if _FORBIDDEN.search(school + reason) or not school or not reason:
            raise _bad_text(f"不参加抽取的学校“{school}”")
        if school == following[0]:
            raise _twice(f"不参加抽取的学校“{school}”")
    return content


def parse_excluded(content: bytes) -> list[tuple[str, str]]:
    """Read the file of excluded schools; raises ``UserError`` naming the line."""
    pairs = [(row[0], row[1]) for row in _split(content, EXCLUDED_HEADER, "不参加抽取名单")]
    if excluded_bytes(pairs) != content:
        raise UserError("不参加抽取名单没有按 id 排序。", "请使用系统导出的原始文件。")
    return pairs


def _split(content: bytes, header: str, what: str) -> list[list[str]]:
    restore = "请使用系统导出的原始文件，不要用表格软件另存。"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{what}文件不是 UTF-8 编码。", restore) from error
    lines = text.split("\n")
    if lines[0] != header:
        raise UserError(f"{what}文件第 1 行应为 {header}，实为“{lines[0][:60]}”。", restore)
    if lines.pop() != "":
        raise UserError(f"{what}文件最后一行没有换行符。", restore)
    rows = [line.split(",") for line in lines[1:]]
    width = header.count(",") + 1
    for number, row in enumerate(rows, start=2):
        if len(row) != width:
            raise UserError(f"{what}第 {number} 行有 {len(row)} 项，应为 {width} 项。", restore)
        if any(_FORBIDDEN.search(field) for field in row):
            raise _bad_text(f"{what}第 {number} 行")
    return rows


def _check(frame: Frame, name_row: NameRow) -> None:
    depth = frame.strata[0].count("/") if frame.strata else 0
    for at, (school, stratum) in enumerate(zip(frame.ids, frame.strata, strict=True)):
        if _FORBIDDEN.search(school + stratum) or not school:
            raise _bad_text(name_row(at))
        if stratum.count("/") != depth:
            raise UserError(
                f"{name_row(at)}的分层“{stratum}”有 {stratum.count('/') + 1} 级，"
                f"第一所学校有 {depth + 1} 级。",
                "请让全部学校的分层级数相同，例如都写成 区县/类型。",
            )
        if frame.weights[at] < 1:
            raise UserError(
                f"{name_row(at)}的权重是 {frame.weights[at]}，至少应为 1。",
                "确有法定理由不抽的学校，请连同理由列入不参加抽取名单。",
            )
        if at and frame.ids[at - 1] == school:
            raise _twice(name_row(at))
        if at and frame.ids[at - 1] > school:
            raise UserError(
                f"{name_row(at)}没有按 id 的码位顺序排列。", "请使用系统导出的原始文件。"
            )


def _rounded_half_up(metres: ArrayLike, ids: Sequence[str]) -> list[int]:
    values = np.asarray(metres, dtype=np.float64)
    for at in np.flatnonzero(~np.isfinite(values))[:1]:
        raise UserError(f"学校“{ids[at]}”没有坐标。", "请先在地图上给出位置，再生成名录库。")
    floor = np.floor(values)
    rounded: list[int] = (floor + (values - floor >= 0.5)).astype(np.int64).tolist()
    return rounded


def _bad_text(where: str) -> UserError:
    return UserError(f"{where}为空，或含有逗号、引号、换行。", "请改掉这些符号后再试。")


def _twice(where: str) -> UserError:
    return UserError(f"{where}出现了两次。", "请删去重复的一行。")
