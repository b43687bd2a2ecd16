"""Simulate many draws on all cores, with progress, until done or called off."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from domain.draw.frame import Frame
from domain.draw.simulate import Simulation, join_parts, simulate_part
from domain.draw.year import DrawRule, YearPreparation

PART_DRAWS = 20
SMALL_WORK = 60_000
"""Up to so many schools × draws, starting processes would take longer than the work."""
POLL_S = 0.2

Progress = Callable[[int, int, str], None]
_WHAT = "模拟抽取"
_prepared: list[YearPreparation] = []


def simulate_draws(
    frame: Frame,
    rule: DrawRule,
    *,
    seed: str,
    draws: int = 1000,
    progress: Progress = lambda *_: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    workers: int | None = None,
) -> Simulation:
    """Simulate ``draws`` draws of one rule under seed texts made from ``seed``.

    Reports ``progress(done, draws, what)``. Where ``is_cancelled`` turns true, returns the
    draws finished by then, an unbroken run from the first. ``workers`` defaults to the
    cores; the answer does not depend on it. Raises ``UserError`` where the rule does not
    fit the frame.
    """
    prepared = YearPreparation(frame, rule)
    parts = [(first, min(first + PART_DRAWS, draws)) for first in range(0, draws, PART_DRAWS)]
    count = workers or os.cpu_count() or 1
    progress(0, draws, _WHAT)
    if count == 1 or len(frame) * draws <= SMALL_WORK:
        done: dict[int, NDArray[np.int32]] = {}
        for at, (first, last) in enumerate(parts):
            if is_cancelled():
                break
            done[at] = simulate_part(prepared, seed, first, last)
            progress(last, draws, _WHAT)
    else:
        done = _on_many_cores(
            frame, rule, seed, parts, min(count, len(parts)), progress, is_cancelled
        )
    unbroken = [done[at] for at in range(len(done)) if all(k in done for k in range(at + 1))]
    return join_parts(frame, rule, unbroken)


def _on_many_cores(
    frame: Frame,
    rule: DrawRule,
    seed: str,
    parts: list[tuple[int, int]],
    workers: int,
    progress: Progress,
    is_cancelled: Callable[[], bool],
) -> dict[int, NDArray[np.int32]]:
    done: dict[int, NDArray[np.int32]] = {}
    pending: dict[Future[NDArray[np.int32]], int] = {}
    waiting = list(enumerate(parts))[::-1]
    # Spawned, not forked: the caller may hold threads and database connections.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(frame, rule))
    try:
        while (waiting or pending) and not is_cancelled():
            # Only a few are handed out at a time, so that calling off takes effect soon.
            while waiting and len(pending) < 2 * workers:
                at, (first, last) = waiting.pop()
                with _no_main_script():
                    pending[pool.submit(_part, seed, first, last)] = at
            finished, _ = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
            for future in finished:
                done[pending.pop(future)] = future.result()
            if finished:
                progress(sum(len(part) for part in done.values()), parts[-1][1], _WHAT)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return done


@contextmanager
def _no_main_script() -> Iterator[None]:
    """Hide the main script while a worker is spawned.

    A spawned process runs its parent's main script first, and within a page run that is
    the page itself: the worker would die at it and leave its parent waiting for ever.
    """
    mine = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = mine


def _start(frame: Frame, rule: DrawRule) -> None:
    _prepared[:] = [YearPreparation(frame, rule)]


def _part(seed: str, first: int, last: int) -> NDArray[np.int32]:
    return simulate_part(_prepared[0], seed, first, last)
