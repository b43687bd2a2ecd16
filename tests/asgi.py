"""Ask an ASGI app in-process: one request, one answer, no server and no HTTP library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode, urlsplit

T = TypeVar("T")


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name.lower()), "")

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def run_alone(work: Coroutine[Any, Any, T]) -> T:
    """Run in a thread of its own: the browser tests keep a loop running in this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


def ask(
    app: Any,
    method: str,
    address: str,
    *,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    body: bytes = b"",
    client: str = "10.1.1.1",
) -> Answer:
    """Send one request to ``app`` as ``Host: desk.test`` and return its answer."""
    sent = {"host": "desk.test", **(headers or {})}
    if form is not None:
        body = urlencode(form).encode()
        sent["content-type"] = "application/x-www-form-urlencoded"
    parts = urlsplit(address) if not address.startswith("//") else None
    path, query = (parts.path, parts.query) if parts else (address, "")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
        "client": (client, 50_000),
        "server": ("desk.test", 80),
    }
    return run_alone(_exchange(app, scope, body))


async def _exchange(app: Any, scope: dict[str, Any], body: bytes) -> Answer:
    to_app = [{"type": "http.request", "body": body, "more_body": False}]
    got: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return to_app.pop(0) if to_app else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        got.append(message)

    await app(scope, receive, send)
    start = next(m for m in got if m["type"] == "http.response.start")
    return Answer(
        status=start["status"],
        headers=[(k.decode().lower(), v.decode("latin-1")) for k, v in start["headers"]],
        body=b"".join(m.get("body", b"") for m in got if m["type"] == "http.response.body"),
    )


def refuses_websocket(app: Any, path: str, headers: Mapping[str, str]) -> bool:
    """Tell whether ``app`` closes a websocket before accepting it."""
    got: list[str] = []

    async def connect() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: dict[str, Any]) -> None:
            got.append(message["type"])

        scope = {
            "type": "websocket",
            "path": path,
            "query_string": b"",
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "client": ("10.1.1.1", 50_000),
            "subprotocols": [],
        }
        await app(scope, receive, send)

    run_alone(connect())
    return got == ["websocket.close"]
