"""Who is asking: the cookie, read anew on every request; and the gate before everything.

Streamlit's own paths (its stream, media, components) answer anybody who asks, and routes
beside it sit outside its sign-in. So one ASGI gate stands before the whole product: without
a valid sign-in a page becomes the sign-in form, and everything else becomes 401.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.access import Actor
from domain.errors import NotSignedIn, UserError
from services.sign_in import COOKIE_NAME, actor_of_token
from services.start import current_house

MAX_NEXT_CHARS = 2000

OPEN_TO_STRANGERS = frozenset(
    {
        ("GET", "/sign-in"),
        ("HEAD", "/sign-in"),
        ("POST", "/sign-in"),
        ("POST", "/sign-out"),
        ("GET", "/healthz"),
        ("HEAD", "/healthz"),
        ("GET", "/_stcore/health"),
        ("HEAD", "/_stcore/health"),
    }
)
"""All that a stranger may ask for, by exact method and path: any other method on these
paths would fall through to Streamlit."""

_NOT_A_WAY_BACK = frozenset({"/sign-in", "/sign-out"})

DATA_PREFIXES = (
    "/layers",
    "/files",
    "/media",
    "/component",
    "/_stcore",
    "/static",
    "/app/static",
    "/oauth2callback",
    "/auth",
)
"""Never pages: a stranger gets 401 here even when a browser asks for a document."""


NAMED_BY_CONTENT = re.compile(r"^/component/.*\.[0-9a-f]{8}\.(js|css)$")
"""Scripts of Streamlit components whose names change with their content: Streamlit sends them
without a validator, so a browser would fetch them anew at every visit of the map."""


NO_SUCH_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>没有这个页面</title>
<style>body{font:16px/1.7 "Noto Sans SC","Microsoft YaHei",sans-serif;color:#14233a;
background:#f2f6fb;display:grid;place-items:center;min-height:90vh;margin:0;text-align:center}
a{display:inline-block;margin-top:1rem;background:#0b5cad;color:#fff;text-decoration:none;
padding:.5rem 1.8rem;border-radius:.4rem}</style>
<main><h1>没有这个页面</h1><p>地址可能有误，或该页面已经移走。</p><a href="/">返回一张图</a></main></html>"""


class CrossOrigin(UserError):
    """A form was posted from another site."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("该请求来自其他网站，已拒绝。", "请从本系统页面内操作。")


def token_from(connection: HTTPConnection) -> str:
    """Return the sign-in token of the request's cookie, or an empty text."""
    return connection.cookies.get(COOKIE_NAME, "")


def actor_from_request(request: HTTPConnection) -> Actor:
    """Return who asks; raise ``NotSignedIn`` (answered as 401) for a stranger.

    Reads the database, so call it from a plain ``def`` endpoint, which Starlette runs in a
    thread, or through ``run_in_threadpool``.
    """
    actor = actor_of_token(current_house(), token_from(request))
    if actor is None:
        raise NotSignedIn
    return actor


def require_same_origin(request: Request) -> None:
    """Raise ``CrossOrigin`` unless Origin (or, without one, Referer) names our own host."""
    origin = request.headers.get("origin") or request.headers.get("referer", "")
    host = request.headers.get("host", "")
    if not host or urlsplit(origin).netloc.lower() != host.lower():
        raise CrossOrigin


def local_path(wanted: str) -> str:
    r"""Return ``wanted`` when it is a path of this site, else ``/``: no open redirect.

    Browsers drop tabs and line breaks and read ``\`` as ``/``, so any of these, and a
    second leading slash, make the path a foreign address.
    """
    if not wanted.startswith("/") or len(wanted) > MAX_NEXT_CHARS:
        return "/"
    if (
        wanted.startswith("//")
        or "\\" in wanted
        or any(ord(c) < 32 or ord(c) == 127 for c in wanted)
    ):
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or parts.path in _NOT_A_WAY_BACK:
        return "/"
    return wanted


def sign_in_address(scope: Scope) -> str:
    """Return the sign-in page's address that leads back to the page asked for."""
    path: str = scope.get("path", "/")
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = local_path(quote(path) + (f"?{query}" if query else ""))
    return "/sign-in" if wanted == "/" else f"/sign-in?next={quote(wanted, safe='')}"


class Gate:
    """ASGI middleware: strangers meet the sign-in page or 401, and every answer is armoured."""

    def __init__(
        self,
        app: ASGIApp,
        content_policy: str,
        pages: frozenset[str] = frozenset(),
        home_alias: str = "",
    ) -> None:
        """Stand before ``app``.

        ``content_policy`` is the CSP of pages that bring none; ``pages`` the addresses of
        all pages (empty = not checked): Streamlit answers any other address with its own
        page and an English dialog. ``home_alias`` is another address of ``/``.
        """
        self.app = app
        self.content_policy = content_policy
        self.pages = pages
        self.home_alias = home_alias

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        armoured = self._armour(scope, send)
        if (scope.get("method", ""), scope["path"]) not in OPEN_TO_STRANGERS:
            actor = await run_in_threadpool(
                actor_of_token, current_house(), token_from(HTTPConnection(scope))
            )
            if actor is None:
                await self._turn_away(scope, receive, armoured)
                return
            if self.pages and scope["type"] == "http" and _asks_for_a_page(scope):
                wrong = self._wrong_address(scope)
                if wrong is not None:
                    await wrong(scope, receive, armoured)
                    return
        await self.app(scope, receive, armoured)

    def _wrong_address(self, scope: Scope) -> Response | None:
        path: str = scope["path"].rstrip("/") or "/"
        if path == self.home_alias:
            query = scope.get("query_string", b"").decode("latin-1")
            return RedirectResponse("/" + (f"?{query}" if query else ""), status_code=303)
        return None if path in self.pages else HTMLResponse(NO_SUCH_PAGE, status_code=404)

    async def _turn_away(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # Closing before accepting makes the server answer 403 to the handshake.
            await send({"type": "websocket.close", "code": 1008})
            return
        if _asks_for_a_page(scope):
            page = RedirectResponse(sign_in_address(scope), status_code=303)
            page.headers["Cache-Control"] = "no-store"
            await page(scope, receive, send)
            return
        error = NotSignedIn()
        refusal = JSONResponse(
            {"error": error.message, "next_step": error.next_step},
            status_code=401,
            headers={"Cache-Control": "no-store"},
        )
        await refusal(scope, receive, send)

    def _armour(self, scope: Scope, send: Send) -> Send:
        path: str = scope["path"]

        async def armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Content-Type-Options"] = "nosniff"
                # Not "no-referrer": that turns the Origin of our own forms into "null".
                headers["Referrer-Policy"] = "same-origin"
                headers["Permissions-Policy"] = (
                    "camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"
                )
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers.setdefault("Content-Security-Policy", self.content_policy)
                if message["status"] == 200 and NAMED_BY_CONTENT.search(path):
                    headers["Cache-Control"] = "private, max-age=31536000, immutable"
                is_page = headers.get("content-type", "").startswith("text/html")
                if is_page and not path.startswith("/component/"):
                    # The back button after sign-out must ask the server again.
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return armoured


def _asks_for_a_page(scope: Scope) -> bool:
    path: str = scope["path"]
    if scope["method"] not in {"GET", "HEAD"}:
        return False
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in DATA_PREFIXES):
        return False
    headers = Headers(scope=scope)
    target = headers.get("sec-fetch-dest", "")
    if target:
        return target == "document"
    return "text/html" in headers.get("accept", "")


def content_policy(basemap_url: str) -> str:
    """Return the Content-Security-Policy of Streamlit's pages: this server and nothing else.

    Streamlit and streamlit-folium need inline and evaluated scripts; the fence is that no
    other host can be reached. A configured basemap server may send pictures only.
    """
    host = urlsplit(basemap_url.replace("{s}", "*")).netloc if basemap_url else ""
    pictures = f" {urlsplit(basemap_url).scheme}://{host}" if host else ""
    return "; ".join(
        (
            "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
            f"img-src 'self' data: blob:{pictures}",
            f"connect-src 'self' data: blob:{pictures}",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )
