"""Resumable jobs: how far long work has come, written in the same transactions as the work itself.

Invariants:
1. a job has one key; starting it again resumes it, and starting a finished one changes nothing;
2. each start raises the job's *fence*; a worker whose fence is old (it hung, and another resumed the
   job) cannot advance or end it, so two workers never both write;
3. the cursor is canonical JSON and says what is done, never a customer's value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Column, String, Table, insert, select, update

from tigertally.base import canon
from tigertally.store.errors import JobOfOtherKind, JobTaken
from tigertally.store.schema import Blob, Instant, metadata

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from tigertally.store.tx import Tx

NOTHING_DONE: Final = b"{}"

store_job = Table(
    "store_job",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("cursor", Blob, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("started", Instant, nullable=False),
    Column("updated", Instant, nullable=False),
)


class JobState(Enum):
    """Where a job stands. A failed one may be started again."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as one worker holds it. ``cursor`` is ``{}`` until the first advance."""

    key: str
    kind: str
    state: JobState
    cursor: bytes
    fence: int
    started: datetime
    updated: datetime


def start_or_resume(tx: Tx, *, key: str, kind: str, now: datetime) -> Job:
    """Return the job of ``key``: fresh, resumed where it stopped, or already done (state ``DONE``, untouched).

    Raises :class:`JobOfOtherKind`.
    """
    tx.lock("store_job")
    job = find(tx, key=key)
    if job is None:
        fresh = Job(key=key, kind=kind, state=JobState.RUNNING, cursor=NOTHING_DONE, fence=1, started=now, updated=now)
        tx.execute(
            insert(store_job),
            {
                "key": key,
                "kind": kind,
                "state": fresh.state.value,
                "cursor": fresh.cursor,
                "fence": fresh.fence,
                "started": now,
                "updated": now,
            },
        )
        return fresh
    if job.kind != kind:
        raise JobOfOtherKind(kind=job.kind)
    if job.state is JobState.DONE:
        return job
    resumed = replace(job, state=JobState.RUNNING, fence=job.fence + 1, updated=now)
    tx.execute(
        update(store_job)
        .where(store_job.c.key == key)
        .values(state=resumed.state.value, fence=resumed.fence, updated=now)
    )
    return resumed


def advance(tx: Tx, job: Job, *, cursor: bytes, now: datetime) -> Job:
    """Record that the work up to ``cursor`` (canonical JSON) is in this transaction. Raises :class:`JobTaken`."""
    canon.loads(cursor)
    return _move(tx, job, replace(job, cursor=cursor, updated=now))


def finish(tx: Tx, job: Job, *, now: datetime) -> Job:
    """End the job; its cursor stays. Raises :class:`JobTaken`."""
    return _move(tx, job, replace(job, state=JobState.DONE, updated=now))


def fail(tx: Tx, job: Job, *, now: datetime) -> Job:
    """Mark the job failed; it may be started again from its cursor. Raises :class:`JobTaken`."""
    return _move(tx, job, replace(job, state=JobState.FAILED, updated=now))


def find(tx: Tx, *, key: str) -> Job | None:
    """Return the job of ``key``, if there is one."""
    row = tx.one_or_none(select(store_job).where(store_job.c.key == key))
    return None if row is None else _job(row)


def unfinished(tx: Tx) -> list[Job]:
    """Return every job that is not done, oldest first."""
    rows = tx.all(
        select(store_job).where(store_job.c.state != JobState.DONE.value).order_by(store_job.c.started, store_job.c.key)
    )
    return [_job(row) for row in rows]


def _move(tx: Tx, old: Job, new: Job) -> Job:
    changed = tx.execute(
        update(store_job)
        .where(
            store_job.c.key == old.key,
            store_job.c.fence == old.fence,
            store_job.c.state == JobState.RUNNING.value,
        )
        .values(state=new.state.value, cursor=new.cursor, updated=new.updated)
    )
    if changed != 1:
        raise JobTaken
    return new


def _job(row: Row[*tuple[Any, ...]]) -> Job:
    return Job(
        key=row.key,
        kind=row.kind,
        state=JobState(row.state),
        cursor=row.cursor,
        fence=row.fence,
        started=row.started,
        updated=row.updated,
    )
