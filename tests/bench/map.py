"""Measure the map page in a real Chromium: ``manage.py bench map``."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Frame, Page, sync_playwright

from domain.access import SYSTEM
from services.demo.build import build_demo_city
from services.house import House
from settings import ROOT
from tests.bench.quiet import QuietTab
from tests.browser.conftest import CHROMIUM_FLAGS
from tests.browser.mapping import click_school
from tests.browser.serving import make_house, serving
from tests.postgres import free_port

Progress = Callable[[int, int, str], None]
SEED = 20230901
AS_OF = dt.date(2026, 11, 20)
TRIES = 9
FLOOR_SIZE = 3000
VIEW = {"width": 1366, "height": 768}
DRAWN = "window.csm && csm.layers.schools && csm.layers.schools.stats.visible > 0"
MAP_THERE = "document.querySelector('.leaflet-map-pane') !== null"
CLOCK = """() => { window.csmBench = {acted: 0, card: 0};
  for (const kind of ['click', 'keydown'])
    document.addEventListener(kind, () => { csmBench.acted = performance.timeOrigin + performance.now(); }, true);
  let last = '';
  new MutationObserver(() => { const head = document.querySelector('.csm-card h2');
    const text = head ? head.textContent : '';
    if (text && text !== last) { csmBench.card = performance.timeOrigin + performance.now(); }
    last = text; }).observe(document.body, {subtree: true, childList: true, characterData: true}); }"""


def run_bench(sizes: list[int], progress: Progress) -> dict[str, Any]:
    """Return ``{name, figures, limits, ok}``; milliseconds are medians of ``TRIES``."""
    figures: dict[str, float] = {}
    limits: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_FLAGS
        )
        built: dict[int, House] = {}
        for at, size in enumerate([FLOOR_SIZE, *sizes]):
            house = built.get(size) or _build(Path(folder) / f"var-{size}", size, progress)
            built[size] = house
            if at == 0:
                floor_mb = _measure_floor(browser, house.var_dir, figures)
                continue
            with serving(house) as server:
                _measure_size(browser, server.url, size, floor_mb, figures, limits)
            progress(at, len(sizes), f"已测 {size} 所")
        browser.close()
    ok = all(figures[name] <= limit for name, limit in limits.items())
    return {"name": "map", "figures": figures, "limits": limits, "ok": ok}


def _build(var_dir: Path, size: int, progress: Progress) -> House:
    house = make_house(var_dir)
    build_demo_city(SYSTEM, house, schools=size, seed=SEED, as_of=AS_OF, progress=progress)
    house.engine.dispose()
    return house


def _measure_floor(browser: Browser, var_dir: Path, figures: dict[str, float]) -> float:
    """Measure the empty map and the plain GeoJson layer; return the empty map's memory, MB."""
    with _comparison_server(var_dir) as root:
        floor_mb = _quiet_mb(browser, f"{root}/empty", MAP_THERE, visits=4)
        context = browser.new_context(viewport=VIEW)
        page = context.new_page()
        figures["empty_cold_ms"] = _navigation_ms(page, f"{root}/empty")
        warm = [_navigation_ms(page, f"{root}/empty") for _ in range(3)]
        figures["empty_warm_ms"] = round(statistics.median(warm))
        page.goto(f"{root}/geojson")
        _map_frame(page, "document.querySelectorAll('path.leaflet-interactive').length > 100")
        filters, switches = [], []
        page.evaluate(CLOCK)
        for i in range(4):
            seen = _folium_frame(page).evaluate(
                "document.querySelectorAll('path.leaflet-interactive').length"
            )
            page.get_by_text(["low", "general"][i % 2], exact=True).click()
            _until(
                page,
                lambda frame, before=seen: (
                    frame.evaluate("document.querySelectorAll('path.leaflet-interactive').length")
                    not in (0, before)
                ),
            )
            filters.append(time.time() * 1000 - page.evaluate("csmBench.acted"))
        for _ in range(3):
            page.get_by_role("link", name="rest").click()
            page.get_by_text("rest", exact=True).nth(1).wait_for()
            page.get_by_role("link", name="geojson").click()
            _map_frame(page, "document.querySelectorAll('path.leaflet-interactive').length > 100")
            switches.append(time.time() * 1000 - page.evaluate("csmBench.acted"))
        figures["geojson_3000_filter_ms"] = round(statistics.median(filters))
        figures["geojson_3000_page_switch_ms"] = round(statistics.median(switches))
        context.close()
    return floor_mb


def _measure_size(
    browser: Browser,
    root: str,
    size: int,
    floor_mb: float,
    figures: dict[str, float],
    limits: dict[str, float],
) -> None:
    context = browser.new_context(viewport=VIEW)
    context.request.post(
        f"{root}/sign-in", form={"demo": "auditor", "next": "/"}, headers={"Origin": root}
    )
    map_mb = _quiet_mb(browser, root, DRAWN, visits=1, cookies=context.cookies())
    figures[f"memory_over_empty_{size}_mb"] = round(map_mb - floor_mb, 1)
    page = context.new_page()
    sent: list[int] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda data: _weigh(data, sent)))
    page.goto(root)
    frame = _map_frame(page, DRAWN, timeout_s=120)
    _settle(page)
    page.evaluate(CLOCK)
    switches = _page_switches(page)
    frame = _map_frame(page, DRAWN)
    blank = _filters(page, frame, size, figures)
    clicks = _clicks(page, frame)
    figures[f"page_switch_{size}_ms"] = round(statistics.median(switches))
    figures[f"click_{size}_ms"] = round(statistics.median(clicks))
    figures[f"component_{size}_bytes"] = max(sent)
    figures[f"blank_or_lost_view_{size}"] = blank
    limits[f"page_switch_{size}_ms"] = 400
    limits[f"filter_{size}_ms"] = 150 if size <= 20_000 else 200
    limits[f"click_{size}_ms"] = 250
    limits[f"component_{size}_bytes"] = 8192
    limits[f"blank_or_lost_view_{size}"] = 0
    if size >= 500_000:
        limits[f"memory_over_empty_{size}_mb"] = 60
    context.close()


def _page_switches(page: Page) -> list[float]:
    taken = []
    for _ in range(TRIES):
        page.get_by_role("link", name="审计日志").click()
        page.locator("iframe[title='streamlit_folium.st_folium']").wait_for(state="detached")
        _settle(page)
        page.get_by_role("link", name="一张图").click()
        frame = _map_frame(page, DRAWN)
        taken.append(frame.evaluate("csm.firstDrawnAt") - page.evaluate("csmBench.acted"))
        _settle(page)
    return taken


def _filters(page: Page, frame: Frame, size: int, figures: dict[str, float]) -> int:
    """Measure filter changes; return how often the map blanked or lost the user's view."""
    box = page.get_by_test_id("stMultiSelect").filter(has_text="风险等级")
    frame.evaluate(
        "void csm.map.setView(csm.map.getCenter(), csm.map.getZoom() + 1, {animate: false})"
    )
    view = frame.evaluate("JSON.stringify([csm.map.getCenter(), csm.map.getZoom()])")
    taken, broken = [], 0
    for i in range(TRIES):
        before = frame.evaluate("csm.layers.schools.stats.key")
        box.click()
        if i % 2 == 0:
            page.get_by_role("option", name="较大").click()
        else:
            page.keyboard.press("Backspace")
        frame.wait_for_function("key => csm.layers.schools.stats.key !== key", arg=before)
        taken.append(
            frame.evaluate("csm.layers.schools.stats.at") - page.evaluate("csmBench.acted")
        )
        page.keyboard.press("Escape")
        _settle(page)
        now = frame.evaluate("JSON.stringify([csm.map.getCenter(), csm.map.getZoom()])")
        broken += now != view or frame.is_detached()
    figures[f"filter_{size}_ms"] = round(statistics.median(taken))
    return broken


def _clicks(page: Page, frame: Frame) -> list[float]:
    taken = []
    if frame.evaluate("csm.layers.schools.stats.clusters > 0"):
        # A cluster is no school: look close enough that single schools are drawn.
        frame.evaluate(
            "void (() => { const l = csm.layers.schools; let row = 0; while (!l.keeps(row)) row++;"
            " csm.map.setView(l.latLng(row), 15, {animate: false}); })()"
        )
        _settle(page)
    for i in range(TRIES):
        before = page.evaluate("csmBench.card")
        click_school(page, frame, at=i)
        page.wait_for_function("card => csmBench.card > card", arg=before)
        taken.append(page.evaluate("csmBench.card") - frame.evaluate("csm.clickedAt"))
        _settle(page)
    return taken


def _weigh(data: bytes | str, sent: list[int]) -> None:
    raw = data if isinstance(data, bytes) else data.encode()
    if b"csm.apply" in raw:
        sent.append(len(raw))


def _navigation_ms(page: Page, url: str) -> float:
    page.goto(url)
    _map_frame(page, MAP_THERE)
    return round(time.time() * 1000 - page.evaluate("performance.timeOrigin"))


def _folium_frame(page: Page) -> Frame:
    for frame in page.frames:
        if "st_folium" in frame.url and not frame.is_detached():
            return frame
    raise LookupError("the map frame is not there")


def _map_frame(page: Page, ready: str, timeout_s: float = 30) -> Frame:
    return _until(page, lambda frame: frame.evaluate(ready), timeout_s)


def _until(page: Page, is_ready: Callable[[Frame], Any], timeout_s: float = 30) -> Frame:
    """Poll the map frame, which comes and goes with page switches, until it is ready."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            frame = _folium_frame(page)
            if is_ready(frame):
                return frame
        except Exception as error:
            last = error
        page.evaluate("new Promise(requestAnimationFrame)")
    raise TimeoutError(f"the map did not become ready: {last!r}")


def _settle(page: Page) -> None:
    """Pause as a person does between two actions, so that one never pays for the other."""
    page.evaluate("new Promise(done => setTimeout(done, 400))")


def _quiet_mb(
    browser: Browser, address: str, ready: str, *, visits: int, cookies: Iterable[Any] = ()
) -> float:
    """Return the private memory of a fresh tab after ``visits`` to ``address``, MB."""
    tab = QuietTab(browser, VIEW, cookies)
    for _ in range(visits):
        tab.open(address, ready)
    private_mb = tab.private_mb()
    tab.close()
    return private_mb


@contextmanager
def _comparison_server(var_dir: Path) -> Iterator[str]:
    """Serve floor_app.py with our configuration and Leaflet, in a folder of its own."""
    port, folder = free_port(), var_dir / "floor"
    shutil.copytree(ROOT / "static" / "vendor", folder / "static" / "vendor")
    shutil.copytree(ROOT / ".streamlit", folder / ".streamlit")
    shutil.copy(ROOT / "tests" / "bench" / "floor_app.py", folder / "floor_app.py")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "floor_app.py", "--server.port", str(port)],
        cwd=folder,
        env={**os.environ, "CSM_BENCH_DB": str(var_dir / "csm.sqlite")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(port)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_up(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            continue
    raise TimeoutError("the comparison server did not start")
