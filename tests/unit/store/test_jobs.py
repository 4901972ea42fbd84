"""Long work resumes where it stopped, runs once, and has one worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tigertally.base.canon import NotCanonical
from tigertally.store import JobOfOtherKind, JobTaken, jobs
from tigertally.store.jobs import JobState

if TYPE_CHECKING:
    from tigertally.store import Store
    from tigertally.testing.clock import SettableClock


def start(store: Store, clock: SettableClock, key: str = "seal/orders") -> jobs.Job:
    """Start or resume in a transaction of its own."""
    with store.transaction() as tx:
        return jobs.start_or_resume(tx, key=key, kind="seal", now=clock.now())


def test_it_resumes_from_its_cursor_and_a_finished_one_stays(store: Store, clock: SettableClock) -> None:
    job = start(store, clock)
    assert (job.state, job.cursor, job.fence) == (JobState.RUNNING, b"{}", 1)
    clock.advance(5)
    with store.transaction() as tx:
        job = jobs.advance(tx, job, cursor=b'{"row":8192}', now=clock.now())
    resumed = start(store, clock)
    assert (resumed.cursor, resumed.fence, resumed.started) == (b'{"row":8192}', 2, job.started)
    with store.transaction() as tx:
        assert jobs.unfinished(tx) == [resumed]
        done = jobs.finish(tx, resumed, now=clock.now())
    clock.advance(5)
    assert start(store, clock) == done
    with store.reading() as tx:
        assert jobs.unfinished(tx) == []
        assert jobs.find(tx, key="seal/orders") == done
        assert jobs.find(tx, key="other") is None


def test_an_old_worker_can_do_nothing_more(store: Store, clock: SettableClock) -> None:
    old = start(store, clock)
    new = start(store, clock)
    for act in (
        lambda tx: jobs.advance(tx, old, cursor=b"{}", now=clock.now()),
        lambda tx: jobs.finish(tx, old, now=clock.now()),
        lambda tx: jobs.fail(tx, old, now=clock.now()),
    ):
        with pytest.raises(JobTaken):
            store.grouped(act)
    with store.transaction() as tx:
        jobs.finish(tx, new, now=clock.now())
    with pytest.raises(JobTaken), store.transaction() as tx:
        jobs.advance(tx, new, cursor=b"{}", now=clock.now())


def test_a_failed_one_may_be_started_again(store: Store, clock: SettableClock) -> None:
    job = start(store, clock)
    with store.transaction() as tx:
        job = jobs.advance(tx, job, cursor=b'{"row":1}', now=clock.now())
        failed = jobs.fail(tx, job, now=clock.now())
    assert failed.state is JobState.FAILED
    again = start(store, clock)
    assert (again.state, again.cursor) == (JobState.RUNNING, b'{"row":1}')


def test_progress_and_work_are_kept_or_lost_together(store: Store, clock: SettableClock) -> None:
    job = start(store, clock)
    with pytest.raises(LookupError), store.transaction() as tx:
        jobs.advance(tx, job, cursor=b'{"row":1}', now=clock.now())
        raise LookupError
    assert start(store, clock).cursor == b"{}"


def test_a_key_belongs_to_one_kind(store: Store, clock: SettableClock) -> None:
    start(store, clock)
    with pytest.raises(JobOfOtherKind), store.transaction() as tx:
        jobs.start_or_resume(tx, key="seal/orders", kind="rotate", now=clock.now())


def test_a_cursor_is_canonical(store: Store, clock: SettableClock) -> None:
    job = start(store, clock)
    with pytest.raises(NotCanonical), store.transaction() as tx:
        jobs.advance(tx, job, cursor=b'{"row": 1}', now=clock.now())
