"""A route or some schools as a still picture within the page: no request, works offline.

The picture travels in the page itself, so whoever may not open the page cannot ask for it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from enum import Enum
from html import escape

import streamlit as st

from services.route_sketch import Sketch

WIDTH_MM, HEIGHT_MM = 84.0, 72.0
"""As wide as a phone is: marks stay large enough to be read there."""
_FONT = "'Noto Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
_DOT_MM = 0.7
Point = tuple[float, float]


class Look(Enum):
    """How a numbered place is drawn: fill, text, ring."""

    OPEN = ("#0b5cad", "#ffffff", "#ffffff")
    DONE = ("#1f7a55", "#ffffff", "#ffffff")
    LOST = ("#e3e8ee", "#5c6977", "#8a96a3")
    START = ("#14233a", "#ffffff", "#ffffff")


def show_picture(
    sketch: Sketch,
    *,
    says: str,
    looks: Mapping[str, Look] | None = None,
    has_way: bool = True,
    detour: Sequence[str] = (),
    has_numbers: bool = True,
) -> None:
    """Show a sketch; ``says`` is its text for those who cannot see it.

    ``looks`` by label (1, 2, …), ``OPEN`` where not named. ``has_way`` draws the way;
    ``detour`` are labels joined by a dashed line, in order: what came after planning.
    """
    if not sketch.drawing:
        st.info("这些学校没有登记位置，画不出示意图，请按地址前往。")
        return
    picture = picture_of(
        sketch, looks=looks or {}, has_way=has_way, detour=detour, has_numbers=has_numbers
    )
    coded = b64encode(picture.encode()).decode()
    st.html(
        f'<img class="csm-route-map" alt="{escape(says, quote=True)}" '
        f'src="data:image/svg+xml;base64,{coded}">'
    )
    unplaced = sketch.drawing["unplaced"]
    if unplaced:
        st.caption(f"第 {'、'.join(map(str, unplaced))} 所没有登记位置，未上图，请按地址前往。")


def picture_of(
    sketch: Sketch,
    *,
    looks: Mapping[str, Look],
    has_way: bool,
    detour: Sequence[str],
    has_numbers: bool,
) -> str:
    """Return the picture as SVG text; all in it are numbers and words of ours."""
    drawing = sketch.drawing
    width, height = drawing["width"], drawing["height"]
    spots = {mark["label"]: tuple(mark["spot"]) for mark in drawing["marks"]}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="{_FONT}">',
        f'<rect width="{width:g}" height="{height:g}" fill="#fbfcfd"/>',
        _lines(sketch.borders, 'stroke="#b9a9c9" stroke-width=".3" stroke-dasharray="1.4 .8"'),
        _lines(sketch.roads, 'stroke="#d9dfe6" stroke-width=".55"'),
    ]
    if has_way:
        way = tuple(map(tuple, drawing["path"]))
        parts.append(_lines((way,), 'stroke="#7fb2e5" stroke-width="1"'))
    extra = tuple(spots[label] for label in detour if label in spots)
    parts.append(_lines((extra,), 'stroke="#d9822b" stroke-width=".7" stroke-dasharray="1.6 1.1"'))
    parts += [_spot(mark, has_numbers=has_numbers) for mark in drawing["marks"]]
    if has_numbers:
        parts += [_mark(mark, looks) for mark in drawing["marks"]]
    parts += [_scale(drawing), "</svg>"]
    return "".join(parts)


def _lines(lines: Sequence[Sequence[Point]], style: str) -> str:
    drawn = "".join(
        "M" + "L".join(f"{x:g} {y:g}" for x, y in line) for line in lines if len(line) > 1
    )
    if not drawn:
        return ""
    return f'<path d="{drawn}" fill="none" stroke-linejoin="round" stroke-linecap="round" {style}/>'


def _spot(mark: Mapping[str, object], *, has_numbers: bool) -> str:
    x, y = mark["spot"]  # type: ignore[misc]
    if not has_numbers:
        return f'<circle cx="{x:g}" cy="{y:g}" r="1.1" fill="#0b5cad" stroke="#fff" stroke-width=".3"/>'
    at_x, at_y = mark["at"]  # type: ignore[misc]
    return (
        f'<path d="M{x:g} {y:g}L{at_x:g} {at_y:g}" stroke="#42536a" stroke-width=".3"/>'
        f'<circle cx="{x:g}" cy="{y:g}" r="{_DOT_MM}" fill="#14233a"/>'
    )


def _mark(mark: Mapping[str, object], looks: Mapping[str, Look]) -> str:
    label = str(mark["label"])
    x, y = mark["at"]  # type: ignore[misc]
    is_start = not label.isdigit()
    fill, ink, ring = (Look.START if is_start else looks.get(label, Look.OPEN)).value
    style = f'fill="{fill}" stroke="{ring}" stroke-width=".5"'
    shape = (
        f'<rect x="{x - 2.5:g}" y="{y - 2.5:g}" width="5" height="5" rx=".7" {style}/>'
        if is_start
        else f'<circle cx="{x:g}" cy="{y:g}" r="2.6" {style}/>'
    )
    size = 3.1 if len(label) == 1 else 2.6 if len(label) == 2 else 2
    return (
        f'{shape}<text x="{x:g}" y="{y + size * 0.36:g}" font-size="{size}" font-weight="700" '
        f'text-anchor="middle" fill="{ink}">{label}</text>'
    )


def _scale(drawing: Mapping[str, object]) -> str:
    scale = drawing["scale"]
    length, label = scale["length"], scale["label"]  # type: ignore[index]
    width, height = float(drawing["width"]), float(drawing["height"])  # type: ignore[arg-type]
    y = height - 2.2
    return (
        f'<path d="M3 {y - 1.5:g}V{y:g}H{3 + length:g}V{y - 1.5:g}" fill="none" '
        f'stroke="#14233a" stroke-width=".4"/>'
        f'<text x="{4.2 + length:g}" y="{y:g}" font-size="2.7" fill="#14233a">{label}</text>'
        f'<path d="M{width - 4.5:g} {y:g}l1.5 -4l1.5 4l-1.5 -1z" fill="#14233a"/>'
        f'<text x="{width - 5.2:g}" y="{y:g}" font-size="2.7" text-anchor="end" '
        f'fill="#14233a">北</text>'
    )
