"""A server with a small demo city, a real Chromium, and a watch over every request."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    sync_playwright,
)

from domain.access import SYSTEM
from domain.words import Role
from services.accounts import ensure_demo_accounts
from services.demo.build import build_demo_city
from tests.browser.serving import Server, make_house, serving

DEMO_SCHOOLS = 120
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder as a browser test."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a small demo city; built once and shared, so tests must not change its data."""
    house = make_house(tmp_path_factory.mktemp("served") / "var")
    build_demo_city(
        SYSTEM,
        house,
        schools=DEMO_SCHOOLS,
        seed=7,
        as_of=dt.date(2026, 10, 15),
        progress=lambda _done, _total, _what: None,
    )
    ensure_demo_accounts(house)
    with serving(house) as running:
        yield running
    house.engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium; without it skip, but fail in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


class RequestLog:
    """Every address a browser context asked for, websockets included, and what its CSP forbade."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.forbidden: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("request", self._note)
        context.on("console", self._read)
        context.on(
            "page",
            lambda page: page.on("websocket", lambda ws: self.addresses.append(ws.url)),
        )

    def _note(self, request: Request) -> None:
        self.addresses.append(request.url)

    def _read(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.forbidden.append(message.text)

    def leaving(self, server: Server) -> list[str]:
        """Return the addresses that are not this server's own."""
        return [
            address
            for address in self.addresses
            if urlsplit(address).scheme not in {"data", "blob", "about"}
            and urlsplit(address).netloc != f"localhost:{server.port}"
        ]


@pytest.fixture
def request_log(server: Server) -> Iterator[RequestLog]:
    """Log all requests of the test's browser; fail it when any leaves or wants to leave."""
    log = RequestLog()
    yield log
    assert log.forbidden == []
    assert log.leaving(server) == []


@pytest.fixture
def context(chromium: Browser, server: Server, request_log: RequestLog) -> Iterator[BrowserContext]:
    """Give a fresh browser profile, signed in nowhere."""
    made = chromium.new_context(
        base_url=server.url, viewport={"width": 1440, "height": 860}, locale="zh-CN"
    )
    made.set_default_timeout(30_000)
    request_log.watch(made)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Give a fresh tab."""
    return context.new_page()


@pytest.fixture
def sign_in() -> Callable[..., None]:
    """Give the helper that signs a tab in as a demo role and waits for the frame."""

    def enter(page: Page, role: Role = Role.LEADER, at: str = "/") -> None:
        page.goto(at)
        page.click(f"button[name=demo][value={role.value}]")
        page.wait_for_selector("form.csm-out button")

    return enter
