"""Processes killed, disks full: what was confirmed is there, what was not is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, func, select, text

from tigertally.store import StoreFull, StoreUnavailable, open_store
from tigertally.store.outbox import store_outbox

if TYPE_CHECKING:
    import sqlite3

    from tigertally.store import Store

WRITER = Path(__file__).with_name("writer.py")


@pytest.mark.parametrize("how", ["single", "grouped"])
def test_a_killed_writer_loses_nothing_it_confirmed(store_url: str, how: str) -> None:
    confirmed: set[int] = set()
    with subprocess.Popen([sys.executable, WRITER, store_url, how], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            confirmed.add(int(line))
            if len(confirmed) == 60:
                process.send_signal(signal.SIGKILL)
                break
        confirmed.update(int(line) for line in process.stdout.read().split("\n")[:-1])
    assert process.returncode == -signal.SIGKILL
    with open_store(store_url) as store:
        with store.reading() as tx:
            pairs = tx.all(select(store_outbox.c.attempts, func.count()).group_by(store_outbox.c.attempts))
        kept = {attempts: count for attempts, count in pairs}  # noqa: C416 - rows are not pairs to the checker
        assert set(kept) >= confirmed
        assert set(kept.values()) == {2}, "half of a transaction was kept"
        assert store.vitals(deep=True).sound in {True, None}
        store.grouped(lambda tx: tx.execute(text("DELETE FROM store_outbox")))


def fill(store: Store, pages_more: int) -> None:
    """Leave room for a few more pages only, whatever connection is used."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + pages_more}").close()

    event.listen(store._engines.writer, "connect", limit)  # noqa: SLF001 - a disk that is full from now on
    store.close()


def test_a_full_disk_keeps_nothing_of_the_transaction(store_url: str, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("a full PostgreSQL disk cannot be made without a file system of its own")
    insert = text(
        "INSERT INTO store_outbox (kind, body, created, not_before, attempts) VALUES ('k', zeroblob(4096), 0, 0, 0)"
    )
    with open_store(store_url) as store:
        with store.transaction() as tx:
            tx.execute(insert)
        fill(store, 8)
        with pytest.raises(StoreFull) as caught, store.transaction() as tx:
            tx.execute(insert)
            for _ in range(100):
                tx.execute(insert)
        assert caught.value.__context__ is None
        # Swallowing the error does not save what came before or after it.
        with pytest.raises(StoreFull), store.transaction() as tx:
            tx.execute(insert)
            with pytest.raises(StoreFull):
                for _ in range(100):
                    tx.execute(insert)
            with pytest.raises(StoreFull), tx.savepoint():
                tx.execute(text("DELETE FROM store_outbox"))
        with pytest.raises(StoreFull):
            store.grouped(lambda tx: [tx.execute(insert) for _ in range(100)])
        with store.reading() as tx:
            assert tx.scalar(select(func.count()).select_from(store_outbox)) == 1
        fill(store, 1000)
        with store.transaction() as tx:
            tx.execute(insert)
        assert store.vitals(deep=True).sound is True


def test_a_writer_in_another_process_is_waited_for_and_then_given_up(store_url: str, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("PostgreSQL writers do not exclude each other")
    with subprocess.Popen(
        [sys.executable, WRITER, store_url, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        with open_store(store_url, wait_s=1) as store:
            with pytest.raises(StoreUnavailable), store.transaction():
                pass
            with store.reading() as tx:
                assert tx.scalar(text("SELECT count(*) FROM store_outbox")) == 0
            process.communicate("\n", timeout=30)
            with store.transaction() as tx:
                assert tx.scalar(text("SELECT count(*) FROM store_outbox")) == 2
