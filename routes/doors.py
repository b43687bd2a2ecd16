"""All routes beside Streamlit, in one list for app.py."""

from __future__ import annotations

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from routes.files import FILE_ROUTES
from routes.layers import LAYER_ROUTES
from routes.sign_in import SIGN_IN_ROUTES
from services.start import current_house


def show_health(_request: Request) -> Response:
    """Tell whether the server and its database answer; tells a stranger nothing else."""
    with current_house().engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return JSONResponse({"ok": True}, headers={"Cache-Control": "no-store"})


def all_routes() -> list[BaseRoute]:
    """Return the routes in the order they are tried."""
    health = Route("/healthz", show_health, methods=["GET"])
    return [health, *SIGN_IN_ROUTES, *LAYER_ROUTES, *FILE_ROUTES]
