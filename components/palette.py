"""Colours, shapes and words of the map, in one place; no Streamlit here, so routes may use it.

Chosen so that red–green blind viewers and a washed-out projector still tell levels
apart: lightness and size change along with the hue, and kinds differ by shape.
"""

from __future__ import annotations

import json
from typing import Any

from domain.post_state import Manning
from domain.words import (
    SIX_FACILITY_KINDS,
    Coverage,
    FacilityKind,
    InspectionStatus,
    PostKind,
    RiskLevel,
    SchoolKind,
    WaterGrade,
)

LEVEL_COLOURS: dict[RiskLevel, str] = {
    RiskLevel.MAJOR: "#c1121f",
    RiskLevel.LARGER: "#f08519",
    RiskLevel.GENERAL: "#f2cf3b",
    RiskLevel.LOW: "#3f7fc1",
    RiskLevel.UNKNOWN: "#7b8794",
}
STATUS_COLOURS: dict[InspectionStatus, str] = {
    InspectionStatus.OVERDUE: "#c1121f",
    InspectionStatus.OPEN: "#f08519",
    InspectionStatus.CLOSED: "#8bc48a",
    InspectionStatus.VISITED: "#3f7fc1",
    InspectionStatus.NOT_YET: "#7b8794",
}
COVERAGE_COLOURS: dict[Coverage, str] = {
    Coverage.BOTH: "#1d5d9b",
    Coverage.CITY: "#5aa0d6",
    Coverage.COUNTY: "#c9a227",
    Coverage.NONE: "#7b8794",
}
_GROW = {"major": 1.3, "larger": 1.12, "low": 0.88, "overdue": 1.25, "open": 1.1}
_SHAPES: dict[SchoolKind, str] = {
    SchoolKind.KINDERGARTEN: "circle",
    SchoolKind.PRIMARY: "square",
    SchoolKind.TEACHING_POINT: "square",
    SchoolKind.JUNIOR: "triangle",
    SchoolKind.SENIOR: "triangle",
    SchoolKind.NINE_YEAR: "triangle",
    SchoolKind.TWELVE_YEAR: "triangle",
    SchoolKind.COMPLETE_SECONDARY: "triangle",
    SchoolKind.VOCATIONAL: "diamond",
    SchoolKind.SPECIAL: "diamond",
    SchoolKind.UNKNOWN: "circle",
}
_FACILITY_STATES: tuple[dict[str, Any], ...] = (
    {"label": "完好", "color": "#2f8f6b", "rank": 1},
    {"label": "褪色不清", "color": "#c9a227", "rank": 2},
    {"label": "损坏", "color": "#f08519", "rank": 3},
    {"label": "缺失（标在应设校门处）", "color": "#c1121f", "rank": 4, "hollow": True},
    {"label": "状态未登记", "color": "#7b8794", "rank": 0, "hollow": True},
)
_FACILITY_SHAPES = {
    FacilityKind.SPEED_SIGN: "triangle",
    FacilityKind.SCHOOL_SIGN: "triangle",
    FacilityKind.PEDESTRIAN_SIGN: "triangle",
    FacilityKind.ENFORCEMENT: "square",
    FacilityKind.CROSSING: "diamond",
}
_MANNING_STYLES: dict[Manning, dict[str, Any]] = {
    Manning.MET: {"color": "#2f8f6b", "rank": 2},
    Manning.SHORT: {"color": "#f08519", "rank": 5},
    Manning.ABSENT: {"color": "#c1121f", "rank": 6},
    Manning.PLANNED: {"color": "#5aa0d6", "rank": 1},
    Manning.UNPLANNED: {"color": "#c9a227", "rank": 4},
    Manning.NO_ROSTER: {"color": "#7b8794", "rank": 3, "hollow": True},
    Manning.FIXED: {"color": "#1d3f66", "rank": 0},
}
FACILITIES_FROM_ZOOM = 12
POST_SHAPES = ("diamond", "square", "square", "triangle", "triangle")
WATER_GRADES: tuple[dict[str, Any], ...] = (
    {"label": WaterGrade.MAJOR.label, "color": "#b5122a", "shape": "line", "quiet": True},
    {"label": WaterGrade.LARGER.label, "color": "#d9a400", "shape": "line", "quiet": True},
    {"label": WaterGrade.GENERAL.label, "color": "#2b6cb0", "shape": "line", "quiet": True},
    {"label": "未评定", "color": "#5c6b7a", "shape": "line", "quiet": True},
    {
        "label": "救生设备有缺（虚线）",
        "color": "#5c6b7a",
        "shape": "line",
        "quiet": True,
        "dash": True,
    },
)
LINE_COLOURS = {"water": "#1e6fb8", "post": "#2f6b4f", "police": "#1d3f66"}


def map_config(xyz: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what the browser needs to draw; constant for one installation."""
    styles = {
        "level": _school_styles(RiskLevel, LEVEL_COLOURS, RiskLevel.UNKNOWN),
        "status": _school_styles(InspectionStatus, STATUS_COLOURS, InspectionStatus.NOT_YET),
        "coverage": _school_styles(Coverage, COVERAGE_COLOURS, Coverage.NONE),
        "kind": [{"label": kind.label} for kind in SchoolKind],
    }
    facility_kinds = [{"label": kind.label} for kind in FacilityKind]
    manning = [{"label": m.label, "edge": "#0b1f33", **_MANNING_STYLES[m]} for m in Manning]
    return {
        "points": {
            "facilities": {
                "column": "state",
                "fromZoom": FACILITIES_FROM_ZOOM,
                "radius": 4,
                "styles": {"state": list(_FACILITY_STATES), "kind": facility_kinds},
                "shapes": {
                    "column": "kind",
                    "of": [_FACILITY_SHAPES.get(kind, "circle") for kind in FacilityKind],
                },
                "tips": ["kind", "state"],
                "gaps": [kind.label for kind in SIX_FACILITY_KINDS],
            },
            "posts": {
                "column": "manned",
                "radius": 3.2,
                "styles": {
                    "manned": manning,
                    "kind": [{"label": kind.label} for kind in PostKind],
                },
                "shapes": {
                    "column": "kind",
                    "of": list(POST_SHAPES),
                },
                "tips": ["kind", "manned"],
            },
            "schools": {
                "column": "level",
                "radius": 5,
                "labels": True,
                "styles": styles,
                "shapes": {"column": "kind", "of": [_SHAPES[kind] for kind in SchoolKind]},
                "tips": ["kind", "level", "status"],
            },
        },
        "waterGrades": list(WATER_GRADES),
        "lines": LINE_COLOURS,
        "legend": {
            "level": {"title": "风险等级（所）", "items": styles["level"]},
            "status": {"title": "本年督查状态（所）", "items": styles["status"]},
            "coverage": {"title": "本年督查覆盖（所）", "items": styles["coverage"]},
            "kinds": {
                "title": "学段",
                "items": [
                    {"label": "幼儿园", "color": "#51606f", "shape": "circle"},
                    {"label": "小学、教学点", "color": "#51606f", "shape": "square"},
                    {"label": "中学", "color": "#51606f", "shape": "triangle"},
                    {"label": "中职、特教", "color": "#51606f", "shape": "diamond"},
                ],
            },
            "waters": {"title": "辖区水域（处）", "items": list(WATER_GRADES)},
            "facilities": {
                "title": "辖区设施（处）",
                "fromZoom": FACILITIES_FROM_ZOOM,
                "items": [
                    {"shape": "triangle", "quiet": True, **state} for state in _FACILITY_STATES
                ],
            },
            "posts": {
                "title": "辖区岗位（个）",
                "items": [{"shape": "diamond", "quiet": True, **style} for style in manning],
            },
            "post_kinds": {
                "title": "岗位种类（个）",
                "items": [
                    {
                        "label": k.label,
                        "color": "#51606f",
                        "edge": "#0b1f33",
                        "shape": s,
                        "quiet": True,
                    }
                    for k, s in zip(PostKind, POST_SHAPES, strict=True)
                ],
            },
            "hazards": {
                "title": "隐患（所）",
                "items": [
                    {"label": "有逾期隐患", "color": "#c1121f", "shape": "ring"},
                    {"label": "有未销号隐患（未逾期）", "color": "#e07b00", "shape": "ring"},
                ],
            },
        },
        "xyz": xyz,
    }


def config_script(xyz: dict[str, str] | None = None) -> bytes:
    """Return the configuration as a script for the map frame."""
    text = json.dumps(map_config(xyz), ensure_ascii=False, separators=(",", ":"))
    return f"window.csmConfig={text};".encode()


def _school_styles(words: Any, colours: dict[Any, str], hollow: Any) -> list[dict[str, Any]]:
    """Return one style per word, in stored order; the first word is drawn on top."""
    count = len(list(words))
    return [
        {
            "label": word.label,
            "color": colours[word],
            "rank": 0 if word is hollow else count - i,
            "grow": _GROW.get(word.value, 1.0),
            "hollow": word is hollow,
            "edge": "#5a4a00" if colours[word] == "#f2cf3b" else "#ffffff",
        }
        for i, word in enumerate(words)
    ]
