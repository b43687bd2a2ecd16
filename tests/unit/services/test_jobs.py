from __future__ import annotations

from threading import Event

import pytest

from domain.access import Actor
from domain.errors import UserError
from domain.words import Role
from services.jobs import Jobs, JobState, JobView

LI = Actor(1, "li", "", Role.INSPECTOR)
JU = Actor(2, "ju", "", Role.LEADER)
SOON_S = 10


def finished(jobs: Jobs, who: Actor, key: str) -> JobView:
    """Wait for a job's end without sleeping: a second job waits on the first one's state."""
    waiter = Event()
    for _ in range(SOON_S * 100):
        found = jobs.look(who, key)
        assert found is not None
        if found.state is not JobState.RUNNING:
            return found
        waiter.wait(0.01)
    raise AssertionError("the job never ended")


def test_a_job_tells_how_far_it_is_and_keeps_its_result_until_it_is_dropped() -> None:
    jobs, started, go = Jobs(), Event(), Event()

    def work(progress, is_cancelled) -> str:
        progress(3, 10, "模拟抽取")
        started.set()
        go.wait(SOON_S)
        return "done"

    jobs.start(LI, "a", work)
    assert started.wait(SOON_S)
    seen = jobs.look(LI, "a")
    assert seen == JobView(JobState.RUNNING, 3, 10, "模拟抽取", None, "")
    go.set()
    assert finished(jobs, LI, "a").result == "done"
    assert finished(jobs, LI, "a").state is JobState.DONE
    jobs.drop(LI, "a")
    assert jobs.look(LI, "a") is None


def test_nobody_else_sees_a_job_or_calls_it_off() -> None:
    jobs, go = Jobs(), Event()
    jobs.start(LI, "a", lambda progress, stop: go.wait(SOON_S))
    jobs.call_off(JU, "a")
    assert jobs.look(JU, "a") is None
    go.set()
    assert finished(jobs, LI, "a").state is JobState.DONE


def test_a_job_that_is_called_off_keeps_what_it_finished() -> None:
    jobs, started = Jobs(), Event()

    def work(progress, is_cancelled) -> int:
        started.set()
        waiter = Event()
        while not is_cancelled():
            waiter.wait(0.01)
        return 7

    jobs.start(LI, "a", work)
    assert started.wait(SOON_S)
    jobs.call_off(LI, "a")
    ended = finished(jobs, LI, "a")
    assert (ended.state, ended.result) == (JobState.CALLED_OFF, 7)


def test_pressing_twice_starts_one_job() -> None:
    jobs, go, runs = Jobs(), Event(), []

    def work(progress, is_cancelled) -> None:
        runs.append(1)
        go.wait(SOON_S)

    jobs.start(LI, "a", work)
    jobs.start(LI, "a", work)
    go.set()
    finished(jobs, LI, "a")
    assert runs == [1]


def test_too_many_jobs_at_once_are_refused_in_words() -> None:
    jobs, go = Jobs(running_most=1), Event()
    jobs.start(LI, "a", lambda progress, stop: go.wait(SOON_S))
    with pytest.raises(UserError, match="任务已满"):
        jobs.start(JU, "b", lambda progress, stop: None)
    go.set()
    finished(jobs, LI, "a")
    jobs.start(JU, "b", lambda progress, stop: None)
    assert finished(jobs, JU, "b").state is JobState.DONE


def test_old_results_make_room_for_new_ones() -> None:
    jobs = Jobs(kept_most=2)
    for key in ("a", "b", "c"):
        jobs.start(LI, key, lambda progress, stop: None)
        finished(jobs, LI, key)
    assert jobs.look(LI, "a") is None
    assert jobs.look(LI, "c") is not None


def test_a_failure_is_told_in_words_and_a_fault_by_its_number() -> None:
    jobs = Jobs()

    def refused(progress, is_cancelled) -> None:
        raise UserError("名录库是空的。", "请放宽范围。")

    def broken(progress, is_cancelled) -> None:
        raise RuntimeError("secret detail")

    jobs.start(LI, "a", refused)
    assert finished(jobs, LI, "a").fault == "名录库是空的。请放宽范围。"
    jobs.start(LI, "b", broken)
    ended = finished(jobs, LI, "b")
    assert ended.state is JobState.FAILED
    assert "错误编号" in ended.fault
    assert "secret" not in ended.fault
