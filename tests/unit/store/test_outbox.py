"""Messages come at least once, oldest first, and not to two workers at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tigertally.store import StoreMisused, outbox

if TYPE_CHECKING:
    from tigertally.store import Store
    from tigertally.testing.clock import SettableClock


def put(store: Store, clock: SettableClock, *kinds: str) -> None:
    """Leave one message per kind, a second apart."""
    for kind in kinds:
        with store.transaction() as tx:
            outbox.put(tx, kind=kind, body=kind.encode(), now=clock.now())
        clock.advance(1)


def take(store: Store, clock: SettableClock, limit: int = 10) -> list[outbox.Message]:
    """Take in a transaction of its own, as a worker does."""
    with store.transaction() as tx:
        return outbox.take(tx, limit=limit, now=clock.now())


def test_taken_messages_come_back_unless_done(store: Store, clock: SettableClock) -> None:
    put(store, clock, "a", "b", "c")
    first = take(store, clock, 2)
    assert [(message.kind, message.body, message.attempts) for message in first] == [("a", b"a", 1), ("b", b"b", 1)]
    assert [message.kind for message in take(store, clock)] == ["c"]
    assert take(store, clock) == []
    with store.transaction() as tx:
        outbox.done(tx, [first[0].id])
        outbox.done(tx, [first[0].id])
        outbox.done(tx, [])
    clock.advance(outbox.LEASE.total_seconds())
    assert [(message.kind, message.attempts) for message in take(store, clock)] == [("b", 2), ("c", 2)]


def test_a_retry_waits_as_long_as_told(store: Store, clock: SettableClock) -> None:
    put(store, clock, "a")
    (message,) = take(store, clock)
    with store.transaction() as tx:
        outbox.retry(tx, id_=message.id, not_before=clock.now() + timedelta(hours=1))
    clock.advance(3599)
    assert take(store, clock) == []
    clock.advance(1)
    assert [message.attempts for message in take(store, clock)] == [2]


def test_a_message_of_an_undone_transaction_never_was(store: Store, clock: SettableClock) -> None:
    with pytest.raises(LookupError), store.transaction() as tx:
        outbox.put(tx, kind="a", body=b"", now=clock.now())
        raise LookupError
    assert take(store, clock) == []


def test_postgres_workers_take_different_messages_without_waiting(
    store: Store, clock: SettableClock, dialect: str
) -> None:
    if dialect != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    put(store, clock, "a", "b")
    driver = store._engines.writer  # noqa: SLF001 - a second worker in the same thread
    with store.transaction() as tx:
        assert [message.kind for message in outbox.take(tx, limit=1, now=clock.now())] == ["a"]
        with driver.connect() as other, other.begin():
            rows = other.exec_driver_sql("SELECT kind FROM store_outbox FOR UPDATE SKIP LOCKED").scalars().all()
        assert rows == ["b"]


def test_a_body_has_a_limit(store: Store, clock: SettableClock) -> None:
    with pytest.raises(StoreMisused), store.transaction() as tx:
        outbox.put(tx, kind="a", body=b"x" * (outbox.BODY_BYTES_MAX + 1), now=clock.now())
