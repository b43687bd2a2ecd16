"""The private memory of a page in a tab that no inspector listens to.

Playwright switches every page's network inspector on, and that keeps a copy of every
answer's body in the page's own process: 13 MB at 500,000 schools, which no reader's
browser holds. So memory is measured in a tab that is only told where to go.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

FRAME = "document.querySelector(\"iframe[title='streamlit_folium.st_folium']\").contentWindow"
PAUSE_S = 0.4


class QuietTab:
    """A tab in a profile of its own, driven without any inspector domain switched on."""

    def __init__(self, browser: Browser, view: dict[str, int], cookies: Iterable[Any] = ()) -> None:
        """Open the tab; ``cookies`` as Playwright's ``context.cookies()`` returns them."""
        self.cdp = browser.new_browser_cdp_session()
        self.cdp.on("Target.receivedMessageFromTarget", self._hear)
        self.answers: dict[int, dict[str, Any]] = {}
        self.asked = 0
        self.profile = self.cdp.send("Target.createBrowserContext")["browserContextId"]
        kept = ("name", "value", "domain", "path", "httpOnly", "secure", "sameSite")
        self.cdp.send(
            "Storage.setCookies",
            {
                "cookies": [{key: c[key] for key in kept} for c in cookies],
                "browserContextId": self.profile,
            },
        )
        tab = self.cdp.send(
            "Target.createTarget", {"url": "about:blank", "browserContextId": self.profile}
        )
        self.session = self.cdp.send(
            "Target.attachToTarget", {"targetId": tab["targetId"], "flatten": False}
        )["sessionId"]
        self._ask("Emulation.setDeviceMetricsOverride", deviceScaleFactor=1, mobile=False, **view)

    def close(self) -> None:
        """Close the tab and forget its profile."""
        self.cdp.send("Target.disposeBrowserContext", {"browserContextId": self.profile})
        self.cdp.detach()

    def open(self, address: str, ready: str, timeout_s: float = 120) -> None:
        """Open ``address`` and wait until ``ready`` holds in the map's frame, then a little more."""
        self._ask("Page.navigate", url=address)
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            # Until page and frame are there, asking fails.
            with suppress(RuntimeError):
                if self.evaluate(f"Boolean({FRAME}.eval({json.dumps(ready)}))"):
                    time.sleep(PAUSE_S)
                    return
            time.sleep(0.05)
        raise TimeoutError(f"the map did not become ready at {address}")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a script in the page; raise ``RuntimeError`` where it fails."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    def private_mb(self) -> float:
        """Return the private memory of the tab's own renderer after a collection, MB.

        Chromium keeps spare renderers; the tab's is the one that grows when the tab does.
        """
        before = self._renderers_mb()
        self.evaluate("void(window.csmBallast = new Uint8Array(96e6).fill(1))")
        grown = self._renderers_mb()
        own = max(grown, key=lambda pid: grown[pid] - before.get(pid, 0.0))
        self.evaluate("void(delete window.csmBallast)")
        for _ in range(2):
            self._ask("HeapProfiler.collectGarbage")
            time.sleep(PAUSE_S)
        return self._renderers_mb()[own]

    def _renderers_mb(self) -> dict[int, float]:
        found = {}
        for info in self.cdp.send("SystemInfo.getProcessInfo")["processInfo"]:
            if info["type"] == "renderer":
                lines = Path(f"/proc/{info['id']}/smaps_rollup").read_text().splitlines()
                private_kb = sum(int(ln.split()[1]) for ln in lines if ln.startswith("Private_"))
                found[info["id"]] = private_kb / 1024
        return found

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.asked += 1
        wanted = self.asked
        message = json.dumps({"id": wanted, "method": method, "params": params})
        self.cdp.send("Target.sendMessageToTarget", {"sessionId": self.session, "message": message})
        end = time.monotonic() + 60
        while wanted not in self.answers:
            # Playwright hands events over only while it is itself asked something.
            self.cdp.send("Browser.getVersion")
            if time.monotonic() > end:
                raise TimeoutError(f"the tab did not answer {method}")
        answer = self.answers.pop(wanted)
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return dict(answer["result"])

    def _hear(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self.answers[message["id"]] = message
