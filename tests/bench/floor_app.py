"""What the product is measured against: an empty map, and one plain GeoJson layer.

Served by ``streamlit run`` for ``manage.py bench map`` only; no part of the product.
"""

from __future__ import annotations

import os
import sqlite3

import folium
import streamlit as st
from streamlit_folium import st_folium

_STATIC = "../../app/static/vendor/leaflet-1.9.4"


class LocalMap(folium.Map):
    default_js = (("leaflet", f"{_STATIC}/leaflet.js"),)
    default_css = (("leaflet_css", f"{_STATIC}/leaflet.css"),)


def rest() -> None:
    """Stand in for another page of the app."""
    st.write("rest")


def empty() -> None:
    """Draw an empty map: the floor that Streamlit itself sets."""
    st_folium(
        LocalMap([33.4, 118.2], zoom_start=9, tiles=None, maxZoom=18),
        key="empty",
        returned_objects=[],
        use_container_width=True,
    )


@st.cache_data
def features(only: str) -> dict:
    """Return the schools of the measured database as GeoJSON."""
    connection = sqlite3.connect(os.environ["CSM_BENCH_DB"])
    rows = connection.execute(
        "SELECT s.id, s.name, s.lon, s.lat, r.level FROM school s"
        " JOIN school_risk r ON r.school_id = s.id WHERE s.status = 'active'"
    ).fetchall()
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"id": row[0], "name": row[1], "level": row[4]},
                "geometry": {"type": "Point", "coordinates": [row[2], row[3]]},
            }
            for row in rows
            if only in ("all", row[4])
        ],
    }


def geojson() -> None:
    """Draw all schools as one plain GeoJson layer with a filter."""
    only = st.radio("level", ["all", "low", "general"], horizontal=True)
    shell = LocalMap([33.4, 118.2], zoom_start=9, tiles=None, maxZoom=18)
    folium.GeoJson(
        features(only),
        marker=folium.CircleMarker(radius=5),
        tooltip=folium.GeoJsonTooltip(["name"]),
    ).add_to(shell)
    st_folium(
        shell, key="geojson", returned_objects=["last_active_drawing"], use_container_width=True
    )


st.navigation(
    [
        st.Page(rest, title="rest", url_path="rest", default=True),
        st.Page(empty, title="empty", url_path="empty"),
        st.Page(geojson, title="geojson", url_path="geojson"),
    ],
    position="top",
).run()
