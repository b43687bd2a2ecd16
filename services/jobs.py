"""Long jobs of this process: a thread each, with progress, a way to call it off, its result.

A job belongs to the login that started it; nobody else sees it. A result is kept until its
owner drops it or enough later ones have come. Nothing survives a restart: whoever asks then
finds no job and starts it again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from domain.access import Actor
from domain.errors import UserError
from domain.words import Word
from services.logs import log_fault

RUNNING_MOST = 2
"""Jobs at work at once in one process: each may use all cores."""
KEPT_MOST = 24

Progress = Callable[[int, int, str], None]
Work = Callable[[Progress, Callable[[], bool]], Any]


class JobState(Word):
    RUNNING = "running", "进行中"
    DONE = "done", "已完成"
    CALLED_OFF = "called_off", "已取消"
    FAILED = "failed", "未完成"


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it stands: ``done`` of ``total`` steps; ``result`` once there is one.

    A job that was called off may hold a result of what was finished by then. ``fault`` says
    in Chinese why it failed.
    """

    state: JobState
    done: int
    total: int
    what: str
    result: Any
    fault: str


@dataclass
class _Job:
    state: JobState = JobState.RUNNING
    done: int = 0
    total: int = 0
    what: str = ""
    result: Any = None
    fault: str = ""
    is_called_off: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """The registry; one a process (``JOBS``), others only in tests."""

    def __init__(self, *, running_most: int = RUNNING_MOST, kept_most: int = KEPT_MOST) -> None:
        """Make an empty registry."""
        self._running_most, self._kept_most = running_most, kept_most
        self._jobs: OrderedDict[tuple[str, str], _Job] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, actor: Actor, key: str, work: Work) -> None:
        """Start ``work(progress, is_cancelled)`` under the actor's ``key``.

        A second start while it runs changes nothing; a finished one is done anew. Raises
        ``UserError`` where too many are at work.
        """
        with self._lock:
            known = self._jobs.get((actor.login, key))
            if known is not None and known.state is JobState.RUNNING:
                return
            running = sum(job.state is JobState.RUNNING for job in self._jobs.values())
            if running >= self._running_most:
                raise UserError("计算任务已满，有别的任务正在进行。", "请稍候一两分钟再试。")
            job = _Job()
            self._jobs[actor.login, key] = job
            self._jobs.move_to_end((actor.login, key))
            finished = [k for k, j in self._jobs.items() if j.state is not JobState.RUNNING]
            for old in finished[: max(0, len(self._jobs) - self._kept_most)]:
                del self._jobs[old]
        # A daemon: a server that is told to stop must not wait for a simulation.
        threading.Thread(target=_run, args=(job, work), name=f"job-{key}", daemon=True).start()

    def look(self, actor: Actor, key: str) -> JobView | None:
        """Return the actor's job as it stands, or ``None``."""
        with self._lock:
            job = self._jobs.get((actor.login, key))
            if job is None:
                return None
            return JobView(job.state, job.done, job.total, job.what, job.result, job.fault)

    def call_off(self, actor: Actor, key: str) -> None:
        """Ask the actor's job to stop; it does so at its next step."""
        with self._lock:
            job = self._jobs.get((actor.login, key))
        if job is not None:
            job.is_called_off.set()

    def drop(self, actor: Actor, key: str) -> None:
        """Call the actor's job off and forget it with its result."""
        self.call_off(actor, key)
        with self._lock:
            self._jobs.pop((actor.login, key), None)


def _run(job: _Job, work: Work) -> None:
    def progress(done: int, total: int, what: str) -> None:
        job.done, job.total, job.what = done, total, what

    try:
        job.result = work(progress, job.is_called_off.is_set)
    except UserError as error:
        job.fault, job.state = f"{error.message}{error.next_step}", JobState.FAILED
    except Exception as error:  # a thread has no other door: log it and say its number
        number = log_fault(error, where="job")
        job.fault, job.state = f"系统出现意外错误，错误编号 {number}。", JobState.FAILED
    else:
        job.state = JobState.CALLED_OFF if job.is_called_off.is_set() else JobState.DONE


JOBS = Jobs()
