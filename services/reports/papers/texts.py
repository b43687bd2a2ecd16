"""What papers share: local time, cut texts, numbers as they are read, codes to scan."""

from __future__ import annotations

import datetime as dt
import io
from zoneinfo import ZoneInfo

import segno

LOCAL_ZONE = ZoneInfo("Asia/Shanghai")
METHOD = (
    "LPM-INT-1 就近两两抽签：每校按权重持票，相距最近的两校依种子生成的随机数逐对抽签、票数合并，"
    "直至票满（抽中）或票尽。全程整数运算，机会为精确分数；各层抽中数为期望数向下或向上取整。"
)
"""The method in one sentence, in the words of the specification."""


def local_time(at: dt.datetime | None) -> str:
    """Return an aware instant as local date and time to the second; empty where unknown."""
    return at.astimezone(LOCAL_ZONE).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def long_date(day: dt.date | None) -> str:
    """Return a local date in Chinese; empty where unknown."""
    return f"{day.year} 年 {day.month} 月 {day.day} 日" if day else ""


def cut(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def code_svg(text: str) -> str:
    """Return a QR code (error level M, no quiet zone) as an SVG text."""
    code = segno.make(text, error="m", micro=False, boost_error=False)
    out = io.BytesIO()
    code.save(out, kind="svg", border=0, xmldecl=False, omitsize=True, nl=False)
    return out.getvalue().decode("ascii")
