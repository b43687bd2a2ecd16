"""A small shared cache whose keys carry scope and data version, so it can never be stale."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class VersionedCache:
    """Keep the last ``max_entries`` results; each is computed once even under a rush.

    Keys must name the reader's scope and the versions of the data read: a write
    raises a version, so the next read misses. Values are shared: never mutate them.
    """

    def __init__(self, max_entries: int) -> None:
        """Make an empty cache."""
        self._max_entries = max_entries
        self._values: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value under ``key``, making it once if it is not there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]  # type: ignore[no-any-return]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]  # type: ignore[no-any-return]
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._max_entries:
                    self._values.popitem(last=False)
            return value

    def clear(self) -> None:
        """Forget everything (tests, and a house that was reopened)."""
        with self._lock:
            self._values.clear()
