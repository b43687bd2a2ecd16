"""The one map: a folium map mounted once, whose state changes without re-mounting it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any

import folium
from branca.element import MacroElement
from folium.template import Template
from streamlit_folium import st_folium

from settings import ROOT

HEIGHT_PX = 620
_STATIC = "../../app/static"
_SCRIPTS = ("csm-draw.js", "csm-area.js", "csm-map.js")
"""In the order they build on each other."""


@lru_cache(maxsize=1)
def _stamp() -> str:
    """Return a short hash of our map files, so that an upgrade is never met by an old copy."""
    names = (*_SCRIPTS, "csm-map.css")
    files = [ROOT / "static" / name for name in names]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


class _Shell(folium.Map):
    """A folium map that loads nothing from outside the server."""

    default_js = (
        ("leaflet", f"{_STATIC}/vendor/leaflet-1.9.4/leaflet.js"),
        ("csm_config", "../../layers/style.js"),
    )
    default_css = (("leaflet_css", f"{_STATIC}/vendor/leaflet-1.9.4/leaflet.css"),)


class _Mount(MacroElement):
    """Hand the Leaflet map to our script."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "csm.mount({{ this._parent.get_name() }}, window.csmConfig);"
        "{% endmacro %}"
    )


class LayerState(folium.FeatureGroup):
    """An empty group whose script only tells our layers what to show."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = L.featureGroup();"
        "csm.apply({{ this.state|tojson }});"
        "{% endmacro %}"
    )

    def __init__(self, state: dict[str, Any]) -> None:
        """Keep the state: JSON values only."""
        super().__init__()
        self.state = state


def draw_map(state: dict[str, Any], *, key: str, on_change: Callable[[], None]) -> Any:
    """Draw the map in the given state and return the component's value.

    The map object is built anew each run (0.6 ms) but always with the same text, so
    that streamlit-folium keeps the mounted one: a cached object would re-mount.
    """
    shell = _Shell(
        location=[35.0, 105.0],
        zoom_start=4,
        tiles=None,
        maxZoom=18,
        minZoom=4,
        attributionControl=True,
        zoomSnap=0.25,
    )
    shell.default_js = [
        *_Shell.default_js,
        *((name, f"{_STATIC}/{name}?v={_stamp()}") for name in _SCRIPTS),
    ]
    shell.default_css = [
        *_Shell.default_css,
        ("csm_map_css", f"{_STATIC}/csm-map.css?v={_stamp()}"),
    ]
    shell.add_child(_Mount())
    return st_folium(
        shell,
        key=key,
        height=HEIGHT_PX,
        use_container_width=True,
        returned_objects=["last_active_drawing"],
        feature_group_to_add=LayerState(state),
        on_change=on_change,
    )
