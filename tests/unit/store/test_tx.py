"""Transactions on both databases: what is kept, what is undone, and what an error may say."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, delete, insert, select, text

from tigertally.base.errors import Problem
from tigertally.store import Instant, Store, StoreConflict, StoreMisused, StoreUnavailable, open_store
from tigertally.store.jobs import store_job
from tigertally.store.outbox import store_outbox
from tigertally.store.schema import from_micros, to_micros

NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
CANARY = "canary-6222020000000000"


def job(key: str) -> dict[str, object]:
    """A row of store_job."""
    return {
        "key": key,
        "kind": "test",
        "state": "running",
        "cursor": b"{}",
        "fence": 1,
        "started": NOW,
        "updated": NOW,
    }


def keys(store: Store) -> list[str]:
    """The keys of all jobs, in order."""
    with store.reading() as tx:
        return list(tx.scalars(select(store_job.c.key).order_by(store_job.c.key)))


def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.execute(insert(store_job), job("kept")) == 1
    with pytest.raises(LookupError), store.transaction() as tx:
        tx.execute(insert(store_job), job("gone"))
        raise LookupError
    assert keys(store) == ["kept"]


def test_rows_come_back_typed_and_in_utc(store: Store) -> None:
    shanghai = NOW.astimezone(timezone(timedelta(hours=8)))
    with store.transaction() as tx:
        tx.execute(insert(store_job), [job("a"), {**job("b"), "started": shanghai}])
        row = tx.one_or_none(select(store_job).where(store_job.c.key == "b"))
        assert row is not None
        assert row.started == NOW
        assert row.started.tzinfo is UTC
        assert row.cursor == b"{}"
        assert tx.one_or_none(select(store_job).where(store_job.c.key == "c")) is None
        assert tx.scalar(select(store_job.c.key).where(store_job.c.key == "c")) is None
        assert tx.execute(delete(store_job)) == 2


def test_instants_are_exact() -> None:
    for instant in (NOW, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)):
        assert from_micros(to_micros(instant)) == instant
    with pytest.raises(ValueError, match="naive"):
        to_micros(datetime(2026, 1, 1))  # noqa: DTZ001 - the naive one is the point
    assert Column("x", Instant).type.python_type is not Column("x", Integer).type.python_type


def test_a_naive_instant_is_a_misuse(store: Store) -> None:
    with pytest.raises(StoreMisused), store.transaction() as tx:
        tx.execute(insert(store_job), {**job("a"), "started": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_a_conflict_names_the_constraint_and_nothing_else(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(insert(store_job), job(CANARY))
    with pytest.raises(StoreConflict) as caught, store.transaction() as tx:
        tx.execute(insert(store_job), job(CANARY))
    assert caught.value.details == {"constraint": "pk_store_job"}
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "column",
    [
        {"fence": CANARY},
        {"key": "\ud800" + CANARY},
        {"key": {CANARY}},
        {"kind": {CANARY}, "fence": 2**70},
        {"key": CANARY, "kind": None},
    ],
    ids=["text for a number", "half a character", "a set", "a number too large", "nothing"],
)
def test_values_that_do_not_fit_are_not_told(store: Store, dialect: str, column: dict[str, object]) -> None:
    if dialect == "sqlite" and column == {"fence": CANARY}:
        pytest.skip("SQLite takes any value in any column")
    with pytest.raises((StoreMisused, Problem)) as caught, store.transaction() as tx:
        tx.execute(insert(store_job), {**job("a"), **column})
    assert caught.value.__context__ is None
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_statement_that_does_not_fit_the_schema_says_why(store: Store) -> None:
    with pytest.raises(StoreMisused, match="no_such_table"), store.transaction() as tx:
        tx.all(text("SELECT * FROM no_such_table"))


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(StoreMisused, match="reading"), store.reading() as tx:
        tx.execute(insert(store_job), job("a"))
    with pytest.raises(StoreMisused, match="reading"), store.reading() as tx:
        tx.lock("a")
    assert keys(store) == []


def test_reading_is_one_snapshot(store: Store) -> None:
    with store.reading() as tx:
        assert tx.all(select(store_job.c.key)) == []
        with store.transaction() as writer:
            writer.execute(insert(store_job), job("late"))
        assert tx.all(select(store_job.c.key)) == []
    assert keys(store) == ["late"]


def test_an_error_spoils_the_transaction_even_if_swallowed(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(insert(store_job), job("a"))
    with pytest.raises(StoreConflict), store.transaction() as tx:
        tx.execute(insert(store_job), job("b"))
        with pytest.raises(StoreConflict):
            tx.execute(insert(store_job), job("a"))
        with pytest.raises(StoreConflict):
            tx.execute(insert(store_job), job("c"))
    assert keys(store) == ["a"]


def test_a_savepoint_fails_alone(store: Store) -> None:
    calls: list[str] = []
    with store.transaction() as tx:
        tx.execute(insert(store_job), job("a"))
        tx.after_commit(lambda: calls.append("a"))
        with pytest.raises(StoreConflict), tx.savepoint():
            tx.execute(insert(store_job), job("b"))
            tx.after_commit(lambda: calls.append("b"))
            tx.execute(insert(store_job), job("a"))
        with tx.savepoint():
            tx.execute(insert(store_job), job("c"))
            tx.after_commit(lambda: calls.append("c"))
        assert calls == []
    assert keys(store) == ["a", "c"]
    assert calls == ["a", "c"]


def test_a_savepoint_left_spoilt_raises(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(insert(store_job), job("a"))
        with pytest.raises(StoreConflict), tx.savepoint():
            tx.execute(insert(store_job), job("b"))
            with pytest.raises(StoreConflict):
                tx.execute(insert(store_job), job("a"))
    assert keys(store) == ["a"]


def test_actions_wait_for_the_commit_and_die_with_a_rollback(store: Store) -> None:
    calls: list[str] = []
    with pytest.raises(LookupError), store.transaction() as tx:
        tx.after_commit(lambda: calls.append("no"))
        raise LookupError
    with store.transaction() as tx:
        tx.after_commit(lambda: calls.append("yes"))
        assert calls == []
    assert calls == ["yes"]


def test_writing_does_not_nest_but_reading_inside_is_fine(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(insert(store_job), job("a"))
        with store.reading() as outside:
            assert outside.all(select(store_job.c.key)) == []
        with pytest.raises(StoreMisused, match="inside"), store.transaction():
            pass
        with pytest.raises(StoreMisused, match="inside"):
            store.grouped(lambda inner: inner.execute(delete(store_job)))
    assert keys(store) == ["a"]


def test_a_transaction_is_useless_after_its_end(store: Store) -> None:
    with store.transaction() as tx:
        pass
    with pytest.raises(StoreMisused, match="end"):
        tx.execute(insert(store_job), job("a"))


def test_columns_go_in_and_stream_out_in_batches(store: Store) -> None:
    count = 10_000
    columns: dict[str, list[object]] = {
        "kind": [f"k{number % 7}" for number in range(count)],
        "body": [number.to_bytes(4, "big") for number in range(count)],
        "created": [NOW + timedelta(microseconds=number) for number in range(count)],
        "not_before": [NOW] * count,
        "attempts": list(range(count)),
    }
    with store.transaction() as tx:
        assert tx.insert_columns(store_outbox, columns) == count
        assert tx.insert_columns(store_outbox, {name: [] for name in columns}) == 0
    wanted = select(store_outbox.c.attempts, store_outbox.c.body, store_outbox.c.created).order_by(store_outbox.c.id)
    with store.reading() as tx:
        batches = list(tx.stream(wanted, batch_rows=4096))
    assert [len(batch) for batch in batches] == [4096, 4096, 1808]
    rows = [row for batch in batches for row in batch]
    assert [row.attempts for row in rows] == columns["attempts"]
    assert [row.body for row in rows] == columns["body"]
    assert [row.created for row in rows] == columns["created"]


def test_columns_may_come_in_any_order(store: Store) -> None:
    columns: dict[str, list[object]] = {
        "attempts": [7],
        "body": [b"body"],
        "created": [NOW],
        "kind": ["kind"],
        "not_before": [NOW],
    }
    with store.transaction() as tx:
        tx.insert_columns(store_outbox, dict(reversed(columns.items())))
        row = tx.one_or_none(select(store_outbox.c.kind, store_outbox.c.body, store_outbox.c.attempts))
    assert row is not None
    assert (row.kind, bytes(row.body), row.attempts) == ("kind", b"body", 7)


def test_bulk_inserts_refuse_what_does_not_fit(store: Store) -> None:
    with pytest.raises(StoreMisused, match="no column"), store.transaction() as tx:
        tx.insert_columns(store_outbox, {"kinds": ["a"]})
    with pytest.raises(ValueError, match="uneven"), store.transaction() as tx:
        tx.insert_columns(store_outbox, {"kind": ["a"], "body": [b"", b""]})
    rows: dict[str, list[object]] = {name: [value, value] for name, value in job(CANARY).items()}
    with pytest.raises(StoreConflict) as caught, store.transaction() as tx:
        tx.insert_columns(store_job, rows)
    assert caught.value.details == {"constraint": "pk_store_job"}
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_a_stream_left_early_leaves_the_connection_usable(store: Store) -> None:
    with store.transaction() as tx:
        tx.execute(insert(store_job), [job(f"{number:03}") for number in range(100)])
        for batch in tx.stream(select(store_job.c.key), batch_rows=10):
            assert len(batch) == 10
            break
        assert tx.execute(delete(store_job)) == 100
    assert keys(store) == []


def test_a_second_writer_waits_no_longer_than_told(store_url: str) -> None:
    with open_store(store_url, wait_s=1) as store, open_store(store_url, wait_s=1) as other:
        with store.transaction() as tx:
            tx.lock("door")
            with pytest.raises(StoreUnavailable), other.transaction() as waiting:
                waiting.lock("door")
        with other.transaction() as tx:
            tx.lock("door")
