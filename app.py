"""The front door: the gate, our own routes, and Streamlit behind them.

``streamlit run app.py`` and ``uvicorn app:app`` serve the same product. Streamlit finds
the app only when it is a literal ``app = st.App(…)`` in this file.
"""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from components import registry
from components.faults import show_fault
from components.start import prepare_streamlit
from routes.doors import all_routes
from routes.errors import ERROR_ANSWERS
from routes.guard import Gate, content_policy
from services.logs import open_log
from services.start import prepare_house
from services.warm import warm_up
from settings import load_settings


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Open the house and warm up, before the first visitor."""
    settings = load_settings()
    open_log(settings.var_dir, settings.log_level)
    warm_up(prepare_house())
    prepare_streamlit()
    # What is loaded by now lives as long as the process: keep collections from walking it.
    gc.collect()
    gc.freeze()
    yield


app = st.App(
    "main.py",
    lifespan=lifespan,
    routes=all_routes(),
    middleware=[
        Middleware(
            Gate,
            content_policy=content_policy(load_settings().basemap_url),
            pages=registry.addresses(),
            home_alias=registry.home_alias(),
        )
    ],
    exception_handlers=ERROR_ANSWERS,
    on_script_error=show_fault,
)
