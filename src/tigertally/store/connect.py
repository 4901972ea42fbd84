"""Engines for the two databases, with every setting that durability and secrecy ask for.

SQLite (https://sqlite.org/pragma.html):
1. WAL and ``synchronous=FULL``: a commit that returned survives a power cut; readers never wait;
2. the driver's own transactions are off; writers say ``BEGIN IMMEDIATE``, so a lock is taken before
   anything is read and no transaction fails half-way because of another writer;
3. ``secure_delete``: deleted bytes are overwritten; ``cell_size_check``: damaged pages are noticed
   early; ``foreign_keys``; ``trusted_schema`` off; ``temp_store`` in memory: no stray files with rows;
4. the file is made for its owner only (0600); SQLite gives ``-wal`` and ``-shm`` the same mode.

PostgreSQL: commits wait for the server's disk; READ COMMITTED for writers, a REPEATABLE READ, read-only
snapshot for readers; waiting for a lock or for one statement is bounded.

Both: parameters are hidden from the library's own messages, nothing is echoed.
"""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import URL, create_engine, event, exc, make_url
from sqlalchemy.pool import QueuePool

from tigertally.store.errors import BadStoreUrl, StoreUnavailable

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

READERS_MAX: Final = 8
WRITERS_MAX: Final = 8
CONNECT_TIMEOUT_S: Final = 10
STATEMENT_TIMEOUT_S: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """One engine whose transactions may write and one whose transactions may not. ``path`` is SQLite's file."""

    writer: Engine
    reader: Engine
    path: Path | None


def engines_for(url: str, *, wait_s: int) -> Engines:
    """Return the engines of ``url``; nothing is connected yet. Raises :class:`BadStoreUrl`."""
    parsed = _parse(url)
    if parsed.drivername == "sqlite":
        return _sqlite(parsed, wait_s=wait_s)
    return _postgres(parsed, wait_s=wait_s)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        parsed = None
    # Outside of the handler: the library's exception quotes the address, password included.
    if parsed is None or parsed.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise BadStoreUrl
    if parsed.drivername == "sqlite" and (
        parsed.query or parsed.host or not parsed.database or parsed.database.startswith((":", "file:"))
    ):
        raise BadStoreUrl
    return parsed


def _sqlite(url: URL, *, wait_s: int) -> Engines:
    path = Path(str(url.database)).absolute()
    address = URL.create("sqlite", database=str(path))
    writer = create_engine(
        address,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=1,
        pool_timeout=wait_s,
        # None: the driver opens no transaction of its own.
        connect_args={"isolation_level": None, "timeout": wait_s, "check_same_thread": False, "cached_statements": 256},
    )
    reader = create_engine(
        address,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=READERS_MAX,
        max_overflow=READERS_MAX,
        pool_timeout=wait_s,
        connect_args={"isolation_level": None, "timeout": wait_s, "check_same_thread": False, "cached_statements": 256},
    )
    event.listen(writer, "connect", _sqlite_settings)
    event.listen(reader, "connect", _sqlite_settings)
    event.listen(reader, "connect", _sqlite_query_only)
    event.listen(writer, "begin", _begin_immediate)
    event.listen(reader, "begin", _begin_deferred)
    return Engines(writer=writer, reader=reader, path=path)


def make_file(path: Path) -> None:
    """Make an empty database file readable by its owner only, if there is none. Raises :class:`StoreUnavailable`."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = type(error).__name__
    else:
        os.close(handle)
        return
    raise StoreUnavailable(reason=reason)


def _sqlite_settings(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        # Some network and overlay file systems cannot share memory: no safe concurrent use there.
        raise sqlite3.OperationalError("no write-ahead log here")
    for setting in (
        "synchronous = FULL",
        "fullfsync = ON",
        "checkpoint_fullfsync = ON",
        "foreign_keys = ON",
        "secure_delete = ON",
        "cell_size_check = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
        "cache_size = -131072",
        "wal_autocheckpoint = 16384",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _sqlite_query_only(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.execute("PRAGMA query_only = ON").close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _postgres(url: URL, *, wait_s: int) -> Engines:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_size=WRITERS_MAX,
        max_overflow=READERS_MAX,
        pool_timeout=wait_s,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "tigertally"},
    )

    def settings(connection: psycopg.Connection, _: ConnectionPoolEntry) -> None:
        wait_ms = wait_s * 1000
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute(f"SET lock_timeout = {wait_ms:d}")
        connection.execute(f"SET statement_timeout = {STATEMENT_TIMEOUT_S * 1000:d}")
        connection.execute(f"SET idle_in_transaction_session_timeout = {STATEMENT_TIMEOUT_S * 1000:d}")
        # An administrator may ask for more than "on" (remote_apply); never accept less.
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')"
        )
        connection.commit()

    event.listen(engine, "connect", settings)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return Engines(writer=engine, reader=reader, path=None)
