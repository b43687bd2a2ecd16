"""The year's charts as Vega-Lite specs: plain dicts, nothing loaded from outside."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd

from components.palette import COVERAGE_COLOURS, STATUS_COLOURS
from domain.coverage import MOST_TIMES_SHOWN, YearForecast, day_of_year, days_of_year
from domain.words import Channel, Coverage, InspectionStatus
from services.coverage import CoverageYear, LevelYear

Spec = dict[str, Any]

INK, MUTED = "#14233a", "#51606f"
DONE = COVERAGE_COLOURS[Coverage.BOTH]
PACE = COVERAGE_COLOURS[Coverage.NONE]
SHORT = STATUS_COLOURS[InspectionStatus.OPEN]
PALE = "#e4eef8"
CURVE_HEIGHT_PX, BAR_STEP_PX, AXIS_ROOM_PX, CELL_PX = 270, 27, 74, 40
CURVE_ROOM = 1.2
"""The day axis runs on beyond the year, so that the last point's label has its place."""
_CONFIG: Spec = {
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": MUTED,
        "gridColor": "#e6ebf1",
        "domainColor": "#9aa6b2",
        "labelLimit": 220,
    },
    "text": {"fontSize": 13, "color": INK},
}


def _spec(**parts: Any) -> Spec:
    # Vega's own menu is English and offers a foreign editor; streamlit reads this switch.
    menu = {"embedOptions": {"actions": False}}
    return {"config": _CONFIG, "usermeta": menu, **parts}


def _values(*rows: Spec) -> Spec:
    return {"values": list(rows)}


def curve(level: LevelYear) -> Spec:
    """Draw covered schools by week against even pace and target, and on to the year's end."""
    said = level.forecast
    days, today = days_of_year(said.as_of.year), day_of_year(said.as_of)
    top = max(said.target, said.expected, 1) * 1.16
    x: Spec = {
        "field": "day",
        "type": "quantitative",
        "scale": {"domain": [0, days * CURVE_ROOM], "nice": False},
        "axis": _month_axis(said.as_of.year),
    }
    y: Spec = {
        "field": "schools",
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": "学校（所）", "tickCount": 5, "format": ",d", "tickMinStep": 1},
    }
    points = [
        {"day": day, "date": f"{date:%Y-%m-%d}", "schools": count}
        for day, date, count in zip(
            level.curve["day"].tolist(),
            level.curve["date"],
            level.curve["schools"].tolist(),
            strict=True,
        )
    ]
    layers: list[Spec] = [
        {
            "data": _values(
                {"day": 0, "schools": said.target}, {"day": days, "schools": said.target}
            ),
            "mark": {"type": "line", "color": INK, "strokeWidth": 1.5},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": _values({"day": 0, "schools": said.target, "text": f"目标 {said.target:,} 所"}),
            "mark": {"type": "text", "align": "left", "dx": 4, "dy": -9},
            "encoding": {"x": x, "y": y, "text": {"field": "text"}},
        },
        {
            "data": _values({"day": 0, "schools": 0}, {"day": days, "schools": said.target}),
            "mark": {"type": "line", "color": PACE, "strokeWidth": 2, "strokeDash": [7, 5]},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": points},
            "mark": {"type": "line", "color": DONE, "strokeWidth": 3.5},
            "encoding": {"x": x, "y": y},
        },
        {
            "data": {"values": points},
            "mark": {"type": "point", "size": 160, "opacity": 0, "filled": True},
            "encoding": {
                "x": x,
                "y": y,
                "tooltip": [
                    {"field": "date", "title": "截至"},
                    {"field": "schools", "title": "已督查（所）", "format": ",d"},
                ],
            },
        },
        _label(today, said.visited, f"{said.visited:,} 所", x, y, _side_of(said)),
    ]
    if not said.is_over:
        layers[3:3] = _outlook(said, x, y, today=today, days=days)
    return _spec(height=CURVE_HEIGHT_PX, layer=layers)


def _side_of(said: YearForecast) -> Spec:
    """Place today's label where no other line runs: under the curve when it lags."""
    if said.is_over:
        return {"align": "left", "dx": 8, "dy": 0}
    if said.visited < said.pace:
        return {"align": "left", "dx": 6, "dy": 17}
    return {"align": "right", "dx": -4, "dy": -13}


def _outlook(said: YearForecast, x: Spec, y: Spec, *, today: int, days: int) -> list[Spec]:
    """Draw the way to the year's end; its label stands in the room right of the last day."""
    end = int(said.expected)
    return [
        {
            "data": _values(
                {"day": today, "schools": said.visited}, {"day": days, "schools": said.expected}
            ),
            "mark": {"type": "line", "color": DONE, "strokeWidth": 2.5, "strokeDash": [2, 4]},
            "encoding": {"x": x, "y": y},
        },
        _label(days, end, f"预计\n{end:,} 所", x, y, {"align": "left", "dx": 8, "dy": -7}),
    ]


def _label(day: int, schools: float, text: str, x: Spec, y: Spec, place: Spec) -> Spec:
    dot = {"type": "point", "filled": True, "size": 70, "color": DONE, "opacity": 1}
    mark = {"type": "text", "fontWeight": "bold", "color": DONE, "lineBreak": "\n", **place}
    return {
        "data": _values({"day": day, "schools": schools, "text": text}),
        "layer": [
            {"mark": dot, "encoding": {"x": x, "y": y}},
            *_halo(mark, {"x": x, "y": y, "text": {"field": "text"}}),
        ],
    }


def _month_axis(year: int) -> Spec:
    starts = {day_of_year(dt.date(year, month, 1)): f"{month}月" for month in range(1, 13)}
    named = ",".join(f"{day}:'{name}'" for day, name in starts.items())
    return {
        "title": None,
        "values": list(starts),
        "labelExpr": f"{{{named}}}[datum.value]",
        "labelAlign": "left",
        "labelFontSize": 12,
        "labelOverlap": "greedy",
        "grid": False,
    }


def district_bars(frame: pd.DataFrame, said: YearForecast) -> Spec:
    """Draw each district's coverage, worst first, with n/N; orange = behind even pace.

    ``frame``: ``name``, ``visited``, ``schools``, in the order shown.
    """
    pace = said.pace / said.schools if said.schools else 0.0
    rows = [
        {
            "name": row.name,
            "share": row.visited / row.schools,
            "text": f"{row.visited:,}/{row.schools:,}（{row.visited / row.schools:.0%}）",
            "colour": DONE if row.visited / row.schools >= min(pace, said.target_share) else SHORT,
        }
        for row in frame.itertuples(index=False)
    ]
    most = max(said.target_share, *(row["share"] for row in rows))
    step_pct = 25 if most > 0.5 else 10 if most > 0.2 else 5
    x: Spec = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, most * 1.34], "nice": False},
        "axis": {
            "title": "覆盖率",
            "values": [at * step_pct / 100 for at in range(int(most * 100) // step_pct + 1)],
            "format": ".0%",
        },
    }
    return _bars(
        rows,
        x,
        extra=[
            _line_at(said.target_share, INK, []),
            *([] if said.is_over else [_line_at(pace, PACE, [6, 4])]),
        ],
    )


def count_bars(rows: list[Spec], *, title: str, colour: str = DONE) -> Spec:
    """Draw counts by name in the order given; each row: ``name``, ``count``, ``text``."""
    most = max([row["count"] for row in rows] or [0])
    x: Spec = {
        "field": "count",
        "type": "quantitative",
        "scale": {"domain": [0, max(most, 1) * 1.45], "nice": False},
        "axis": {"title": title, "tickCount": 4, "format": ",d", "tickMinStep": 1},
    }
    return _bars([{**row, "colour": colour} for row in rows], x, extra=[])


def _bars(rows: list[Spec], x: Spec, *, extra: list[Spec]) -> Spec:
    names = [row["name"] for row in rows]
    y: Spec = {
        "field": "name",
        "type": "nominal",
        "sort": names,
        "scale": {"domain": names, "paddingInner": 0.35, "paddingOuter": 0.2},
        "axis": {"title": None, "labelLimit": 130, "ticks": False, "domain": False},
    }
    tooltip = [{"field": "name", "title": "区县"}, {"field": "text", "title": "数量"}]
    return _spec(
        height=BAR_STEP_PX * len(rows) + AXIS_ROOM_PX,
        data={"values": rows},
        layer=[
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"field": "colour", "type": "nominal", "scale": None},
                    "tooltip": tooltip,
                },
            },
            *extra,
            *_halo(
                {"type": "text", "align": "left", "dx": 5},
                {"x": x, "y": y, "text": {"field": "text"}},
            ),
        ],
    )


def _halo(mark: Spec, encoding: Spec) -> list[Spec]:
    """Write text with a white rim, so that a line behind it does not cross it out."""
    rim = {**mark, "stroke": "#ffffff", "strokeWidth": 4, "color": "#ffffff"}
    return [{"mark": rim, "encoding": encoding}, {"mark": mark, "encoding": encoding}]


def _line_at(share: float, colour: str, dash: list[int]) -> Spec:
    return {
        "data": _values({"share": share}),
        "mark": {"type": "rule", "color": colour, "strokeWidth": 1.8, "strokeDash": dash},
        "encoding": {"x": {"field": "share", "type": "quantitative"}},
    }


def channel_heat(channels: pd.DataFrame) -> Spec:
    """Draw visits by channel and month; a channel's name carries its total."""
    totals = channels.groupby("channel", sort=False)["visits"].sum()
    names = {channel: f"{channel}|{total:,} 次" for channel, total in totals.items()}
    most = max(int(channels["visits"].max()), 1)
    rows = [
        {
            "row": names[row.channel],
            "channel": row.channel,
            "month": f"{row.month}月",
            "visits": int(row.visits),
        }
        for row in channels.itertuples(index=False)
    ]
    x: Spec = {
        "field": "month",
        "type": "ordinal",
        "sort": None,
        "scale": {"domain": [f"{month}月" for month in range(1, 13)]},
        "axis": {"title": None, "orient": "top", "labelAngle": 0, "ticks": False, "domain": False},
    }
    y: Spec = {
        "field": "row",
        "type": "ordinal",
        "sort": None,
        "axis": {
            "title": None,
            "ticks": False,
            "domain": False,
            "labelExpr": "split(datum.label, '|')",
            "labelOverlap": False,
            "labelOffset": -7,
            "labelLineHeight": 15,
            "labelFontSize": 12,
        },
    }
    tooltip = [
        {"field": "channel", "title": "督查方式"},
        {"field": "month", "title": "月份"},
        {"field": "visits", "title": "次数"},
    ]
    return _spec(
        height=CELL_PX * len(totals) + AXIS_ROOM_PX // 2,
        data={"values": rows},
        layer=[
            {
                "mark": {"type": "rect", "stroke": "#ffffff", "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {
                        "field": "visits",
                        "type": "quantitative",
                        "scale": {"domain": [0, most], "range": [PALE, DONE]},
                        "legend": None,
                    },
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {"type": "text", "fontSize": 12},
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {"field": "visits", "format": ",d"},
                    "color": {
                        "condition": {"test": f"datum.visits > {most * 0.65}", "value": "#ffffff"},
                        "value": INK,
                    },
                },
            },
        ],
    )


def times_bars(found: CoverageYear) -> Spec:
    """Draw how many schools were visited how often; grey = never, orange = at the cap."""
    rows = []
    for row in found.times.itertuples(index=False):
        least = "≥" if row.times == MOST_TIMES_SHOWN else ""
        at_cap = row.times >= found.visit_cap
        rows.append(
            {
                "name": f"{least}{row.times} 次",
                "schools": int(row.schools),
                "text": f"{row.schools:,} 所\n{row.schools / found.schools:.1%}",
                "colour": SHORT if at_cap else PACE if row.times == 0 else DONE,
            }
        )
    most = max(row["schools"] for row in rows)
    x: Spec = {
        "field": "name",
        "type": "ordinal",
        "sort": None,
        "axis": {"title": "本年督查次数", "labelAngle": 0, "ticks": False},
    }
    y: Spec = {
        "field": "schools",
        "type": "quantitative",
        "scale": {"domain": [0, max(most, 1) * 1.22], "nice": False},
        "axis": {"title": "学校（所）", "tickCount": 4, "format": ",d", "tickMinStep": 1},
    }
    return _spec(
        height=CELL_PX * len(Channel) + AXIS_ROOM_PX // 2,
        data={"values": rows},
        layer=[
            {
                "mark": {"type": "bar", "cornerRadiusEnd": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"field": "colour", "type": "nominal", "scale": None},
                    "tooltip": [
                        {"field": "name", "title": "次数"},
                        {"field": "text", "title": "学校（所）"},
                    ],
                },
            },
            {
                "mark": {"type": "text", "baseline": "bottom", "dy": -18, "lineBreak": "\n"},
                "encoding": {"x": x, "y": y, "text": {"field": "text"}},
            },
        ],
    )
