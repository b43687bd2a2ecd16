"""Look at the map in its frame the way a test needs to."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Frame, Page

READY = "window.csm && csm.layers && csm.layers.schools && csm.layers.schools.stats.draws > 0"


def map_frame(page: Page) -> Frame:
    """Wait for the map frame with its first drawing and return it."""
    handle = page.wait_for_selector("iframe[title='streamlit_folium.st_folium']")
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    frame.wait_for_function(READY)
    frame.wait_for_function("csm.layers.schools.stats.visible > 0")
    return frame


def drawn_ids(frame: Frame) -> set[int]:
    """Return the ids of the schools that the filter keeps in the browser."""
    kept = frame.evaluate(
        "JSON.stringify((() => { const l = csm.layers.schools, ids = [];"
        " for (let i = 0; i < l.data.n; i++) if (l.keeps(i)) ids.push(l.data.id[i]); return ids; })())"
    )
    return set(json.loads(kept))


def wait_for_filter(frame: Frame, key: str) -> None:
    """Wait until the map has drawn with exactly this filter."""
    frame.wait_for_function("key => csm.layers.schools.stats.key === key", arg=key)


def click_school(page: Page, frame: Frame, at: int = 0) -> int:
    """Click the ``at``-th topmost school that is alone on its spot; return its id."""
    spot: dict[str, Any] = json.loads(
        frame.evaluate(
            "n => { const l = csm.layers.schools, size = csm.map.getSize(), seen = [];"
            " for (let k = l._drawn.length - 1; k >= 0 && seen.length <= n; k--) {"
            "  const row = l._drawn[k], p = csm.map.latLngToContainerPoint(l.latLng(row));"
            "  if (p.x < 20 || p.y < 20 || p.x > size.x - 20 || p.y > size.y - 20) continue;"
            "  if (l.data.id[row] === l.selected || l.hit(p) !== row) continue;"
            "  if (document.elementFromPoint(p.x, p.y).closest('.leaflet-control')) continue;"
            "  seen.push({id: l.data.id[row], x: p.x, y: p.y}); }"
            " return JSON.stringify(seen[n]); }",
            at,
        )
    )
    box = frame.locator("#map_div").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + spot["x"], box["y"] + spot["y"])
    return int(spot["id"])
