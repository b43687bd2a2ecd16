"""The frame round every page: product, city, what kind of data, who is signed in."""

from __future__ import annotations

from html import escape

import streamlit as st

from components import session
from domain.access import Actor
from services.city import CityNotice, read_city
from settings import ROOT

ICON = str(ROOT / "static" / "brand" / "icon.png")

_STYLE = (ROOT / "static" / "frame.css").read_text(encoding="utf-8")


def product_name() -> str:
    """Return the product's name as this installation shows it."""
    return session.house().settings.product_name


def draw(actor: Actor) -> None:
    """Draw the bar on top: left what this is, right which data, who is signed in, the way out."""
    city = read_city(session.house())
    st.html(
        f'<style>{_STYLE}</style><div class="csm-bar">'
        f'<span class="csm-name" title="{escape(product_name())}">{escape(product_name())}</span>'
        f'<span class="csm-gap"></span>{_city(city)}{_who(actor)}</div>'
    )


def _city(city: CityNotice | None) -> str:
    if city is None:
        return '<span class="csm-city">尚未载入城市数据</span>'
    name = f'<span class="csm-city">{escape(city.name)}</span>' if city.name else ""
    badge = '<span class="csm-demo">演示数据</span>' if city.is_demo else ""
    return (
        f"{badge}{name}"
        f'<span class="csm-date" title="逾期、本年等以此日计算；各项数据的日期见卡片">统计截至 {city.figures_on:%Y-%m-%d}</span>'
    )


def _who(actor: Actor) -> str:
    return (
        f'<span class="csm-who" title="登录名 {escape(actor.login)}">{escape(actor.name)}'
        f"<em>{actor.role.label}</em></span>"
        '<form class="csm-out" method="post" action="/sign-out">'
        '<button type="submit">退出</button></form>'
    )
