from __future__ import annotations

import re

from services.audit_log import KIND_LABELS
from settings import ROOT


def test_every_kind_of_event_the_services_write_has_a_label() -> None:
    written = set()
    for path in (ROOT / "services").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        written |= set(re.findall(r"\.audit\(\s*\"([a-z_.]+)\"", text))
    assert len(written) > 5
    assert written - set(KIND_LABELS) == set()
