"""Make Streamlit fit the house, once per process, before the first visitor."""

from __future__ import annotations

import importlib
import pkgutil

from streamlit.runtime import get_instance
from streamlit.runtime.pages_manager import PagesManager

import components


def prepare_streamlit() -> None:
    """Switch off the pages folder, load what pages need, register the map component.

    The folder is called ``pages/``, which Streamlit would serve by itself: a fresh server's
    first deep link then shows an English "Page not found". And streamlit_folium imported
    outside a script run leaves its component unregistered, so the map would stay blank.
    Loading every component now spares the first visitor the wait.
    """
    PagesManager.uses_pages_directory = False
    for module in pkgutil.iter_modules(components.__path__, "components."):
        importlib.import_module(module.name)
    import streamlit_folium

    get_instance().component_registry.register_component(streamlit_folium._component_func)
