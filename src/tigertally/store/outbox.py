"""The outbox: what must happen after a change, written in the same transaction as the change.

Delivery is *at least once*. ``take`` lends messages for a while: a worker that dies does not keep them.
Whoever handles a message must therefore bear it twice. Bodies hold identifiers, never customers' values.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Column, Index, Integer, String, Table, delete, insert, select, update

from tigertally.store.errors import StoreMisused
from tigertally.store.schema import AutoId, Blob, Instant, metadata

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tigertally.store.tx import Tx

LEASE: Final = timedelta(minutes=1)
BODY_BYTES_MAX: Final = 64 * 1024

store_outbox = Table(
    "store_outbox",
    metadata,
    Column("id", AutoId, primary_key=True, autoincrement=True),
    Column("kind", String(64), nullable=False),
    Column("body", Blob, nullable=False),
    Column("created", Instant, nullable=False),
    Column("not_before", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("ix_store_outbox_not_before", "not_before", "id"),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to do. ``attempts`` counts how often it was taken, this time included."""

    id: int
    kind: str
    body: bytes
    created: datetime
    attempts: int


def put(tx: Tx, *, kind: str, body: bytes, now: datetime) -> None:
    """Leave a message, to be taken once ``tx`` is committed. Bodies over 64 KiB are a programmer's error."""
    if len(body) > BODY_BYTES_MAX:
        raise StoreMisused("outbox body too long")
    tx.execute(insert(store_outbox), {"kind": kind, "body": body, "created": now, "not_before": now, "attempts": 0})


def take(tx: Tx, *, limit: int, now: datetime, lease: timedelta = LEASE) -> list[Message]:
    """Lend at most ``limit`` messages that are due, oldest first; they come back at ``now + lease`` unless done.

    Workers at the same time get different messages (PostgreSQL skips rows that another one is taking).
    """
    due = (
        select(store_outbox.c.id)
        .where(store_outbox.c.not_before <= now)
        .order_by(store_outbox.c.not_before, store_outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = tx.scalars(due)
    if not ids:
        return []
    lent = (
        update(store_outbox)
        .where(store_outbox.c.id.in_(ids))
        .values(not_before=now + lease, attempts=store_outbox.c.attempts + 1)
        .returning(
            store_outbox.c.id, store_outbox.c.kind, store_outbox.c.body, store_outbox.c.created, store_outbox.c.attempts
        )
    )
    messages = [
        Message(id=id_, kind=kind, body=body, created=created, attempts=attempts)
        for id_, kind, body, created, attempts in tx.all(lent)
    ]
    return sorted(messages, key=lambda message: message.id)


def done(tx: Tx, ids: Sequence[int]) -> None:
    """Remove messages that were handled. Unknown ids are no error: they were handled twice."""
    if ids:
        tx.execute(delete(store_outbox).where(store_outbox.c.id.in_(list(ids))))


def retry(tx: Tx, *, id_: int, not_before: datetime) -> None:
    """Give a message back, to be taken again from ``not_before`` on."""
    tx.execute(update(store_outbox).where(store_outbox.c.id == id_).values(not_before=not_before))
