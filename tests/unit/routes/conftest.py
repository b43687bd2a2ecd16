"""The product's routes behind its gate, with a stand-in for Streamlit behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import routes.doors
import routes.guard
import routes.sign_in
from domain.access import SYSTEM, Permission, require
from domain.words import Role
from routes.errors import ERROR_ANSWERS
from routes.guard import Gate, actor_from_request, content_policy
from services.accounts import NewAccount, add_account
from services.house import House
from services.sign_in import COOKIE_NAME, Visitor, sign_in

PASSWORD = "一句别人想不到的话吧"


def _whoami(request: Request) -> Response:
    actor = actor_from_request(request)
    return JSONResponse({"login": actor.login})


def _admins_only(request: Request) -> Response:
    require(actor_from_request(request), Permission.MANAGE_ACCOUNTS)
    return JSONResponse({})


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def _streamlit(request: Request) -> Response:
    return HTMLResponse("<title>inside</title>")


@pytest.fixture
def product(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    for module in (routes.guard, routes.sign_in, routes.doors):
        monkeypatch.setattr(module, "current_house", lambda: house)
    return Starlette(
        routes=[
            *(r for r in routes.doors.all_routes() if not r.path.startswith("/layers")),  # type: ignore[attr-defined]
            Route("/layers/whoami", _whoami),
            Route("/layers/admin", _admins_only),
            WebSocketRoute("/_stcore/stream", _stream),
            Route("/{rest:path}", _streamlit, methods=["GET", "POST", "PUT", "DELETE"]),
        ],
        middleware=[Middleware(Gate, content_policy=content_policy(""))],
        exception_handlers=ERROR_ANSWERS,
    )


@pytest.fixture
def cookie(house: House) -> Callable[..., dict[str, str]]:
    """Make an account of a role, with its scope, and return the header of its sign-in."""

    def make(role: Role = Role.LEADER, **scope: str) -> dict[str, str]:
        login = f"the-{role.value}"
        new = NewAccount(login=login, name="", role=role, password=PASSWORD, **scope)
        add_account(SYSTEM, house, new=new)
        opened = sign_in(house, login=login, password=PASSWORD, visitor=Visitor(address="10.1.1.1"))
        return {"cookie": f"{COOKIE_NAME}={opened.token}"}

    return make
