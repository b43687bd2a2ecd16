"""The few hundred bytes that tell the mounted map what to show."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from components import session
from components.chosen_school import Chosen
from components.map_options import MapOptions
from components.reads import Shown
from domain.access import Actor
from domain.school_filter import SchoolFilter
from services.map_layers import layer_version
from services.map_pack import pack_mask
from services.map_screen import screen_lonlat

CLOSE_UP_ZOOM = 16
INLINE_SCHOOLS = 24_000
"""Up to so many schools a mask takes 4 kB as text, within what a rerun of the map may send."""


def map_state(
    actor: Actor,
    shown: Shown,
    options: MapOptions,
    chosen: Chosen | None,
    legend: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return the state for ``csm.apply``: versions, mask, colours, overlays, the chosen school."""
    house = session.house()
    version = shown.table.version
    # Says whose view this is without saying who: keys the view kept in the browser's tab.
    scope = sha256(f"{house.engine.url}|{actor.scope_key}|{shown.table.home}".encode()).hexdigest()[
        :12
    ]
    overlays = list(options.overlays)
    parts: list[dict[str, Any]] = [
        {"of": options.colour, "n": shown.counts(options.colour)},
        {"of": "kinds"},
    ]
    if "hazards" in overlays:
        overdue = int((shown.table.bytes_["overdue"][shown.mask] > 0).sum())
        with_open = int((shown.table.bytes_["open"][shown.mask] > 0).sum())
        parts.append({"of": "hazards", "n": [overdue, with_open - overdue]})
    base, waters = layer_version(house, "base"), layer_version(house, "waters")
    facilities = layer_version(house, "facilities", "schools")
    posts = layer_version(house, "posts", "sessions")
    day = options.on.isoformat() if options.on else ""
    state: dict[str, Any] = {
        "v": version,
        "scope": scope,
        "base": base,
        "waters": waters,
        "mask": shown.wanted.to_query(),
        "bits": _inline_mask(shown),
        "colour": options.colour,
        "overlays": overlays,
        "facilities": f"/layers/facilities.bin?v={facilities}"
        if "facilities" in overlays
        else None,
        "posts": f"/layers/posts.bin?v={posts}&on={day}&session={options.session.value}"
        if "posts" in overlays
        else None,
        "home": shown.table.home,
        "select": chosen.id if chosen else None,
        "focus": f"/layers/focus/{chosen.id}.json?v={version}-{posts}-{facilities}-{waters}"
        if chosen
        else None,
        "show": None,
        "area": _screen_area(shown.wanted),
        "legend": parts + legend,
    }
    if chosen is not None and chosen.moves:
        lon, lat = screen_lonlat(house, chosen.lon, chosen.lat)
        state["show"] = [float(lon), float(lat), CLOSE_UP_ZOOM, chosen.moves]
    return state


def _inline_mask(shown: Shown) -> str | None:
    """Return the mask in base64 where it is short: it then needs no request of its own."""
    if shown.wanted.is_empty or len(shown.table) > INLINE_SCHOOLS:
        return None
    return b64encode(pack_mask(shown.mask)).decode("ascii")


def _screen_area(wanted: SchoolFilter) -> list[float] | None:
    """Return the filter's rectangle where it is drawn: west, south, east, north."""
    if wanted.bounds is None:
        return None
    west, south, east, north = wanted.bounds
    lon, lat = screen_lonlat(session.house(), [west, east], [south, north])
    return [float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])]
