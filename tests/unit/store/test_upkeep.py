"""What the database says of itself, and what is left of deleted rows after compacting."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, text

from tigertally.store import Store, StoreUnavailable, open_store, outbox
from tigertally.store.migrate import latest
from tigertally.store.outbox import store_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from tigertally.testing.clock import SettableClock

CANARY = b"canary-to-be-destroyed"


def test_vitals(store: Store, dialect: str) -> None:
    vitals = store.vitals(deep=True)
    assert vitals.dialect == dialect
    assert vitals.schema_version == vitals.schema_latest == latest()
    assert vitals.size_bytes > 0
    # The test server runs with fsync off, and that must not pass for durable.
    assert vitals.durable is (dialect == "sqlite")
    assert vitals.sound is (True if dialect == "sqlite" else None)
    assert store.vitals().sound is None


def test_a_broken_reference_is_not_sound(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'x.db'}") as store:
        store.migrate()
        with store.transaction() as tx:
            tx.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
            tx.execute(text("CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"))
        assert store.vitals(deep=True).sound is True
    # Around the store, as damage comes.
    with sqlite3.connect(tmp_path / "x.db") as raw:
        raw.execute("INSERT INTO child VALUES (7)")
    raw.close()
    with open_store(f"sqlite:///{tmp_path / 'x.db'}") as store:
        assert store.vitals(deep=True).sound is False


def test_compacting_shrinks_and_leaves_no_deleted_bytes(
    store: Store, clock: SettableClock, dialect: str, tmp_path: Path
) -> None:
    with store.transaction() as tx:
        for _ in range(400):
            outbox.put(tx, kind="k", body=CANARY + os.urandom(4000), now=clock.now())
    before = store.vitals()
    with store.transaction() as tx:
        tx.execute(delete(store_outbox))
    store.compact()
    vitals = store.vitals()
    for _ in range(20):
        if dialect == "sqlite" or vitals.size_bytes < before.size_bytes:
            break
        time.sleep(0.3)  # a snapshot that began before the deletion, the server's own too, keeps PostgreSQL's rows
        store.compact()
        vitals = store.vitals()
    assert vitals.size_bytes + vitals.log_bytes < before.size_bytes + before.log_bytes
    if dialect == "sqlite":
        assert vitals.log_bytes == 0
        files = list(tmp_path.glob("store.db*"))
        assert files
        assert not any(CANARY in path.read_bytes() for path in files)
    with store.transaction() as tx:
        outbox.put(tx, kind="k", body=b"still writable", now=clock.now())


def test_compacting_tells_when_readers_hold_old_pages(store_url: str, dialect: str, clock: SettableClock) -> None:
    if dialect != "sqlite":
        pytest.skip("PostgreSQL waits for its readers")
    with open_store(store_url, wait_s=1) as store, store.reading() as reader:
        assert reader.scalar(text("SELECT count(*) FROM store_outbox")) == 0
        with store.transaction() as tx:
            outbox.put(tx, kind="k", body=b"x", now=clock.now())
        with pytest.raises(StoreUnavailable):
            store.compact()
