"""The page that plays a draw's duels on a map, and the file it plays; never cached."""

from __future__ import annotations

import gzip
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from domain.access import Permission, require
from routes.guard import actor_from_request
from services.draw_duels import play_draw, play_pack
from services.start import current_house
from settings import ROOT

JSON = "application/json; charset=utf-8"
GZIP_LEVEL = 4
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def _page() -> str:
    """Return the page; the stamp in it keeps an upgrade from meeting an old script."""
    files = [
        ROOT / "static" / name
        for name in ("csm-draw.js", "csm-duels.js", "csm-duels-map.js", "csm-duels.css")
    ]
    stamp = sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    shell = ROOT / "routes" / "assets" / "duels.html"
    return shell.read_text(encoding="utf-8").replace("{stamp}", stamp)


_PAGE = _page()


def show_page(request: Request) -> Response:
    """Send the page; it holds nothing of any draw and asks for its file beside it."""
    require(actor_from_request(request), Permission.REPLAY)
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": PAGE_POLICY})


def draw_duels(request: Request) -> Response:
    """Send the duels of a draw that has its result."""
    actor, number = actor_from_request(request), request.path_params["number"]
    return _answer(request, play_draw(actor, current_house(), number=number))


def pack_duels(request: Request) -> Response:
    """Send the duels of a pack that the same person has just uploaded."""
    actor, key = actor_from_request(request), request.path_params["key"]
    return _answer(request, play_pack(actor, current_house(), key=key))


def _answer(request: Request, body: bytes) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=JSON, headers=headers)


DUEL_ROUTES: list[Route] = [
    Route("/files/draws/{number}/duels.html", show_page),
    Route("/files/draws/{number}/duels.json", draw_duels),
    Route("/files/packs/{key}/duels.html", show_page),
    Route("/files/packs/{key}/duels.json", pack_duels),
]
