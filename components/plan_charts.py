"""A plan's charts as Vega-Lite specs: plain dicts, nothing loaded from outside."""

from __future__ import annotations

from typing import Any

import pandas as pd

from components.coverage_charts import INK, MUTED
from domain.coverage import YearForecast
from services.plans.simulate import SimulationFacts

Spec = dict[str, Any]

BLUE, WHISKER, GREY, RED = "#5a9bd8", "#33475f", "#9aa6b2", "#c1121f"
ROW_PX, CELL_PX = 26, 30
_CONFIG: Spec = {
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": MUTED,
        "gridColor": "#e6ebf1",
        "domainColor": GREY,
        "labelLimit": 130,
    },
    "text": {"fontSize": 12.5, "color": INK},
}


def _spec(**parts: Any) -> Spec:
    # Vega's own menu is English and offers a foreign editor; streamlit reads this switch.
    return {"config": _CONFIG, "usermeta": {"embedOptions": {"actions": False}}, **parts}


def _records(frame: pd.DataFrame) -> Spec:
    return {"values": frame.to_dict("records")}


def expected_bars(groups: pd.DataFrame) -> Spec:
    """Draw each group's expected number as a bar, with the least and most as whiskers."""
    order = groups.sort_values("expected", ascending=False)["group"].tolist()
    y: Spec = {"field": "group", "type": "nominal", "sort": order, "axis": {"title": None}}
    tips = [
        {"field": "group", "title": "分组"},
        {"field": "schools", "title": "名录（所）", "format": ",d"},
        {"field": "expected", "title": "预期（所）", "format": ".2f"},
        {"field": "low", "title": "至少"},
        {"field": "high", "title": "至多"},
    ]
    text = groups.assign(
        said=[
            f"{row.expected:.2f}（{row.low}–{row.high}）"
            if row.low != row.high
            else f"{row.expected:.2f}"
            for row in groups.itertuples()
        ]
    )
    top = max(float(groups["high"].max()), 1.0) * 1.28
    x: Spec = {
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": "抽中（所）", "tickMinStep": 1, "format": "d", "tickCount": 6},
    }
    return _spec(
        height={"step": ROW_PX},
        data=_records(text),
        layer=[
            {
                "mark": {"type": "bar", "color": BLUE, "height": 13, "cornerRadiusEnd": 2},
                "encoding": {"y": y, "x": {**x, "field": "expected"}, "tooltip": tips},
            },
            {
                "mark": {"type": "rule", "color": WHISKER, "strokeWidth": 1.5},
                "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "tick", "color": WHISKER, "thickness": 1.5, "size": 11},
                "encoding": {"y": y, "x": {**x, "field": "low"}},
            },
            {
                "mark": {"type": "tick", "color": WHISKER, "thickness": 1.5, "size": 11},
                "encoding": {"y": y, "x": {**x, "field": "high"}},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 7},
                "encoding": {"y": y, "x": {**x, "field": "high"}, "text": {"field": "said"}},
            },
        ],
    )


def coverage_gauge(now: YearForecast, after: YearForecast) -> Spec:
    """Draw covered today, the year's end as it goes, the plan's part, and the target."""
    today = now.visited
    parts = [
        {"part": "已督查", "from": 0, "to": today, "order": 0},
        {"part": "照近期进度", "from": today, "to": now.expected, "order": 1},
        {"part": "本计划增加", "from": now.expected, "to": max(after.expected, now.expected), "order": 2},
    ]  # fmt: skip
    colours = ["#0b5cad", "#8dbbe4", "#f08519"]
    top = max(now.target, after.expected, 1) * 1.06
    x: Spec = {
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": "年末督查学校（所）", "format": ",d", "tickCount": 5},
    }
    y: Spec = {"datum": "全年", "type": "nominal", "axis": None}
    colour: Spec = {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": [part["part"] for part in parts], "range": colours},
        "legend": {"title": None, "orient": "top", "labelFontSize": 13, "labelColor": INK},
    }
    tips = [
        {"field": "part", "title": "部分"},
        {"field": "to", "title": "到（所）", "format": ",.1f"},
    ]
    target = {"values": [{"target": now.target, "said": f"目标 {now.target:,} 所"}]}
    return _spec(
        height={"step": 40},
        layer=[
            {
                "data": {"values": parts},
                "mark": {"type": "bar", "height": 26},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "from"},
                    "x2": {"field": "to"},
                    "color": colour,
                    "tooltip": tips,
                },
            },
            {
                "data": target,
                "mark": {"type": "tick", "color": RED, "thickness": 3, "size": 40},
                "encoding": {"y": y, "x": {**x, "field": "target"}},
            },
            {
                "data": target,
                "mark": {"type": "text", "color": RED, "dy": -26, "fontWeight": "bold"},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "target"},
                    "text": {"field": "said"},
                },
            },
        ],
    )


def count_heat(facts: SimulationFacts) -> Spec:
    """Draw per district how often each number came up; dots mark the expected number."""
    cells = facts.districts.assign(said=[f"{s:.0%}" for s in facts.districts["share"]])
    order = facts.bounds.sort_values("expected", ascending=False)["group"].tolist()
    y: Spec = {"field": "group", "type": "nominal", "sort": order, "axis": {"title": None}}
    top = int(max(facts.districts["count"].max(), facts.bounds["high"].max()))
    x: Spec = {
        "type": "quantitative",
        "scale": {"domain": [-0.5, top + 0.5], "nice": False},
        "axis": {"title": "一次抽取中抽到几所", "values": list(range(top + 1)), "format": "d", "grid": False},
    }  # fmt: skip
    cells = cells.assign(left=cells["count"] - 0.48, right=cells["count"] + 0.48)
    return _spec(
        height={"step": CELL_PX},
        layer=[
            {
                "data": _records(cells),
                "mark": {"type": "bar", "height": CELL_PX - 3, "cornerRadius": 2},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "left"},
                    "x2": {"field": "right"},
                    "color": {
                        "field": "share",
                        "type": "quantitative",
                        "scale": {"domain": [0, 1], "range": ["#eaf2fb", "#5a9bd8"]},
                        "legend": None,
                    },
                    "tooltip": [
                        {"field": "group", "title": "区县"},
                        {"field": "count", "title": "抽到（所）"},
                        {"field": "share", "title": "占模拟次数", "format": ".1%"},
                    ],
                },
            },
            {
                "data": _records(facts.bounds),
                "mark": {"type": "tick", "color": RED, "thickness": 3, "size": CELL_PX - 6},
                "encoding": {
                    "y": y,
                    "x": {**x, "field": "expected"},
                    "tooltip": [{"field": "expected", "title": "预期（所）", "format": ".2f"}],
                },
            },
            {
                "data": _records(cells),
                "mark": {"type": "text"},
                "encoding": {"y": y, "x": {**x, "field": "count"}, "text": {"field": "said"}},
            },
        ],
    )


def z_bars(facts: SimulationFacts) -> Spec:
    """Draw how far the schools' counts stand from their chances, against pure noise."""
    table = facts.z.assign(middle=facts.z["from"] + 0.25, to=facts.z["from"] + 0.5)
    x: Spec = {
        "type": "quantitative",
        "axis": {"title": "学校被抽次数偏离预期几个标准差", "tickCount": 9, "format": "d"},
    }
    y: Spec = {
        "type": "quantitative",
        "axis": {"title": "学校（所）", "tickCount": 4, "format": "d"},
    }
    return _spec(
        height=190,
        data=_records(table),
        layer=[
            {
                "mark": {"type": "bar", "color": "#7fb0dd", "binSpacing": 1},
                "encoding": {
                    "x": {**x, "field": "from", "bin": {"binned": True, "step": 0.5}},
                    "x2": {"field": "to"},
                    "y": {**y, "field": "schools"},
                    "tooltip": [
                        {"field": "from", "title": "从"},
                        {"field": "to", "title": "到"},
                        {"field": "schools", "title": "实际（所）"},
                        {"field": "normal", "title": "纯随机应有（所）", "format": ".1f"},
                    ],
                },
            },
            {
                "mark": {"type": "line", "color": RED, "interpolate": "monotone", "strokeWidth": 2},
                "encoding": {"x": {**x, "field": "middle"}, "y": {**y, "field": "normal"}},
            },
        ],
    )
