"""The map's data files: each checked against the cookie, scoped, compressed, revalidated.

``Cache-Control: private, no-cache`` with an ETag over scope and version: the browser
keeps a copy but asks every time, so that the next user of a shared PC never sees
what was the previous user's (DESIGN.md §3).
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from components.palette import config_script
from domain.access import Actor
from domain.errors import NotFound, UserError
from domain.school_filter import FILTER_KEYS, SchoolFilter
from domain.words import SessionKind
from routes.guard import actor_from_request
from services.cache import VersionedCache
from services.house import House
from services.map_focus import focus_layer
from services.map_layers import (
    base_layer,
    facility_layer,
    near_layer,
    post_layer,
    water_layer,
)
from services.map_pack import pack_columns, pack_mask, pack_names
from services.map_schools import data_version, load_school_table, match_schools
from services.start import current_house

BINARY = "application/octet-stream"
JSON = "application/geo+json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
GZIP_LEVEL = 4
_ready = VersionedCache(max_entries=48)

_KNOWN_PARAMETERS = frozenset({*FILTER_KEYS, "on", "session", "box"})
MAX_SCHOOL_ID = 2**31 - 1

Make = Callable[[Actor, House, Request], bytes]


def _schools(actor: Actor, house: House, _request: Request) -> bytes:
    return pack_columns(load_school_table(actor, house))


def _names(actor: Actor, house: House, _request: Request) -> bytes:
    return pack_names(load_school_table(actor, house))


def _mask(actor: Actor, house: House, request: Request) -> bytes:
    query = {key: request.query_params.getlist(key) for key in request.query_params}
    return pack_mask(match_schools(actor, house, wanted=SchoolFilter.from_query(query)))


def _posts(actor: Actor, house: House, request: Request) -> bytes:
    try:
        day = request.query_params.get("on", "")
        on_date = dt.date.fromisoformat(day) if day else None
        kind = SessionKind(request.query_params.get("session", SessionKind.DISMISSAL.value))
    except ValueError as error:
        raise UserError("勤务时段的写法不对。", "请从页面上选择日期和时段。") from error
    return post_layer(actor, house, on_date=on_date, kind=kind).body


def _near(actor: Actor, house: House, request: Request) -> bytes:
    try:
        west, south, east, north = (float(v) for v in request.query_params["box"].split(","))
    except (KeyError, ValueError) as error:
        raise UserError("范围参数的写法不对。", "请刷新地图后重试。") from error
    return near_layer(actor, house, box=(west, south, east, north)).body


def _focus(actor: Actor, house: House, request: Request) -> bytes:
    school_id = request.path_params["school_id"]
    if school_id > MAX_SCHOOL_ID:
        raise NotFound("这所学校")
    return focus_layer(actor, house, school_id=school_id).body


def _asked(request: Request) -> str:
    """Return what the answer depends on: other parameters must not make another cache entry."""
    known = [(k, v) for k, v in request.query_params.multi_items() if k in _KNOWN_PARAMETERS]
    return f"{request.url.path}?{urlencode(sorted(known))}"


def _layer(make: Make, media_type: str, *, keep: bool) -> Callable[[Request], Response]:
    """Return an endpoint that serves what ``make`` builds; ``keep`` the compressed body."""

    def answer(request: Request) -> Response:
        actor, house = actor_from_request(request), current_house()
        versions = "-".join(str(v) for v in house.versions().values())
        key = f"{house.engine.url}|{actor.scope_key}|{versions}|{data_version(house)}|{_asked(request)}"
        etag = f'"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'
        headers = {"Cache-Control": "private, no-cache", "ETag": etag, "Vary": "Cookie"}
        headers["X-CSM-Version"] = data_version(house)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)

        def compressed() -> bytes:
            return gzip.compress(make(actor, house, request), GZIP_LEVEL, mtime=0)

        body = _ready.get(key, compressed) if keep else compressed()
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(gzip.decompress(body), media_type=media_type, headers=headers)
        return Response(
            body, media_type=media_type, headers={**headers, "Content-Encoding": "gzip"}
        )

    return answer


def nothing_here(_request: Request) -> Response:
    """Answer any other address below /layers: Streamlit would send its own page."""
    raise NotFound("这个地图图层")


def style(request: Request) -> Response:
    """Serve colours, shapes and words of the map as a script (the same for everybody)."""
    actor_from_request(request)
    chosen = current_house().settings
    xyz = None
    if chosen.basemap_url:
        xyz = {"url": chosen.basemap_url, "attribution": chosen.basemap_attribution}
    body = config_script(xyz)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": "private, no-cache", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/javascript; charset=utf-8", headers=headers)


def _water(actor: Actor, house: House, _request: Request) -> bytes:
    return water_layer(actor, house).body


def _base(actor: Actor, house: House, _request: Request) -> bytes:
    return base_layer(actor, house).body


def _facility(actor: Actor, house: House, _request: Request) -> bytes:
    return facility_layer(actor, house).body


LAYER_ROUTES: list[Route] = [
    Route("/layers/style.js", style),
    Route("/layers/schools.bin", _layer(_schools, BINARY, keep=True)),
    Route("/layers/schools.names", _layer(_names, TEXT, keep=True)),
    Route("/layers/schools.mask", _layer(_mask, BINARY, keep=False)),
    Route("/layers/base.bin", _layer(_base, BINARY, keep=True)),
    Route("/layers/waters.bin", _layer(_water, BINARY, keep=True)),
    Route("/layers/facilities.bin", _layer(_facility, BINARY, keep=True)),
    Route("/layers/posts.bin", _layer(_posts, BINARY, keep=True)),
    Route("/layers/near.json", _layer(_near, JSON, keep=False)),
    Route("/layers/focus/{school_id:int}.json", _layer(_focus, JSON, keep=False)),
    Route("/layers/{rest:path}", nothing_here),
]
