"""Opening a database: addresses, settings, rights, and schema versions."""

from __future__ import annotations

import sqlite3
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, text

from tigertally.store import (
    BadStoreUrl,
    SchemaNewer,
    SchemaOlder,
    Store,
    StoreBroken,
    StoreMisused,
    StoreUnavailable,
    open_store,
)
from tigertally.store.migrate import latest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro",
        "sqlite:///x.db?mode=ro",
        "sqlite://host/x.db",
        "mysql://someone:hunter2@host/db",
        "postgresql+asyncpg://someone:hunter2@host/db",
        "postgresql://someone:hunter2@host:port/db",
    ],
)
def test_other_addresses_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(BadStoreUrl) as caught:
        open_store(url)
    assert caught.value.details == {}
    assert caught.value.__context__ is None


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        open_store(f"postgresql://someone:hunter2@/db?host={tmp_path}")
    assert "hunter2" not in repr(caught.value.details)
    assert caught.value.__context__ is None
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")


def test_a_file_that_is_no_database_is_broken(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"these are not the pages you look for" * 400)
    with pytest.raises(StoreBroken):
        open_store(f"sqlite:///{tmp_path / 'x.db'}")


def test_damaged_pages_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with open_store(f"sqlite:///{path}") as store:
        store.migrate()
        store.compact()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreBroken):
        open_store(f"sqlite:///{path}")


def test_sqlite_is_set_for_durability_and_secrecy(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    with open_store(f"sqlite:///{path}") as store:
        store.migrate()
        wanted = {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "secure_delete": 1,
            "temp_store": 2,
            "trusted_schema": 0,
        }
        with store.transaction() as tx, store.reading() as reader:
            for session in (tx, reader):
                assert {name: session.scalar(text(f"PRAGMA {name}")) for name in wanted} == wanted
            for name in ("x.db", "x.db-wal", "x.db-shm"):
                assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_sqlite_writers_lock_before_they_read(store_url: str, dialect: str) -> None:
    if dialect != "sqlite":
        pytest.skip("PostgreSQL locks rows, not the database")
    with open_store(store_url) as store, store.transaction():
        other = sqlite3.connect(store_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
        try:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        finally:
            other.close()


def test_postgres_is_set_for_durability_and_bounded_waits(store_url: str, dialect: str) -> None:
    if dialect != "postgresql":
        pytest.skip("SQLite has other settings")
    with open_store(store_url, wait_s=7) as store:
        with store.transaction() as tx:
            assert tx.scalar(text("SHOW synchronous_commit")) == "on"
            assert tx.scalar(text("SHOW lock_timeout")) == "7s"
            assert tx.scalar(text("SHOW transaction_isolation")) == "read committed"
            assert tx.scalar(text("SHOW transaction_read_only")) == "off"
        with store.reading() as tx:
            assert tx.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            assert tx.scalar(text("SHOW transaction_read_only")) == "on"


def test_a_lost_connection_is_unavailable_once(store_url: str, dialect: str) -> None:
    if dialect != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    with open_store(store_url) as store, open_store(store_url) as killer:
        with pytest.raises(StoreUnavailable) as caught, store.transaction() as tx:
            victim = tx.scalar(text("SELECT pg_backend_pid()"))
            with killer.transaction() as other:
                other.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": victim})
            tx.scalar(text("SELECT 1"))
        assert caught.value.__context__ is None
        with store.transaction() as tx:
            assert tx.scalar(text("SELECT 1")) == 1


def test_an_empty_database_asks_to_be_migrated(empty_url: str) -> None:
    with open_store(empty_url) as store:
        assert store.schema_version() is None
        for attempt in (store.transaction, store.reading):
            with pytest.raises(SchemaOlder), attempt():
                pass
        with pytest.raises(SchemaOlder):
            store.grouped(lambda _: None)
        assert store.migrate() == latest()
        assert store.migrate() == latest()
        assert store.schema_version() == latest()
        with store.transaction():
            pass


def test_a_newer_schema_is_refused(store_url: str) -> None:
    with open_store(store_url) as store, store.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    with open_store(store_url) as store:
        with pytest.raises(SchemaNewer) as caught, store.transaction():
            pass
        assert caught.value.details["found"] == "9999_future"
        with pytest.raises(SchemaNewer):
            store.migrate()


def test_a_failed_migration_leaves_nothing(empty_url: str) -> None:
    with open_store(empty_url) as store:
        with store._writing() as tx:  # noqa: SLF001 - before there is a schema
            tx.execute(text("CREATE TABLE store_outbox (in_the_way INTEGER)"))
        with pytest.raises(StoreMisused):
            store.migrate()
        assert store.schema_version() is None
        with store._writing() as tx:  # noqa: SLF001
            assert inspect(tx.connection).get_table_names() == ["store_outbox"]
            tx.execute(text("DROP TABLE store_outbox"))
        assert store.migrate() == latest()


def test_many_migrate_at_once(empty_url: str) -> None:
    start = threading.Barrier(4)

    def migrate(_: int) -> str:
        with open_store(empty_url) as store:
            start.wait()
            return store.migrate()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, range(4))) == [latest()] * 4


def test_a_store_tells_nothing_about_its_address(store: Store) -> None:
    assert repr(store) in {"<Store sqlite>", "<Store postgresql>"}
