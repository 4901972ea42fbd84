"""Health and compaction, per database.

Left to others: deciding when (destruction in ``handover``, ``app.jobs``) and telling what it does not reach.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from tigertally.store import migrate
from tigertally.store.errors import StoreBroken, StoreUnavailable
from tigertally.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection


COPY_PAGES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """What the database says of itself.

    ``durable``: a commit waits for the disk. ``sound``: True or False after a deep check, else None (not known).
    """

    dialect: str
    server_version: str
    schema_version: str | None
    schema_latest: str
    size_bytes: int
    log_bytes: int
    durable: bool
    sound: bool | None


def vitals(connection: Connection, *, path: Path | None, deep: bool) -> Vitals:
    """Return the vitals of the database behind ``connection``; ``path`` is SQLite's file."""
    if path is not None:
        return _sqlite_vitals(connection, path, deep=deep)
    return _postgres_vitals(connection)


def copy(connection: Connection, path: Path, *, told: Callable[[int, int], None]) -> None:
    """Copy the snapshot that the connection reads into the empty file ``path`` (https://sqlite.org/backup.html)."""
    driver = connection.connection.driver_connection
    if driver is None:
        raise StoreUnavailable(reason="connection lost")
    # The first read fixes the snapshot: pages that others write meanwhile are not copied, and nothing begins anew.
    connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()
    with closing(sqlite3.connect(path)) as target:
        driver.backup(target, pages=COPY_PAGES, progress=lambda _status, left, total: told(total - left, total))


def compact(connection: Connection) -> None:
    """Rewrite the database. The connection is in no transaction. Raises ``StoreUnavailable`` if others block it."""
    if connection.dialect.name == "sqlite":
        _sqlite_compact(connection)
    else:
        _postgres_compact(connection)


def _one(connection: Connection, statement: str) -> str:
    return str(connection.execute(text(statement)).scalar_one())


def _sqlite_vitals(connection: Connection, path: Path, *, deep: bool) -> Vitals:
    log = path.with_name(path.name + "-wal")
    return Vitals(
        dialect="sqlite",
        server_version=_one(connection, "SELECT sqlite_version()"),
        schema_version=migrate.version_of(connection),
        schema_latest=migrate.latest(),
        size_bytes=path.stat().st_size,
        log_bytes=log.stat().st_size if log.exists() else 0,
        durable=int(_one(connection, "PRAGMA synchronous")) >= 2,  # noqa: PLR2004 - FULL is 2, EXTRA 3
        sound=_sqlite_sound(connection) if deep else None,
    )


def _sqlite_sound(connection: Connection) -> bool:
    if _one(connection, "PRAGMA integrity_check(1)") != "ok":
        return False
    return connection.execute(text("PRAGMA foreign_key_check")).first() is None


def _postgres_vitals(connection: Connection) -> Vitals:
    return Vitals(
        dialect="postgresql",
        server_version=_one(connection, "SHOW server_version"),
        schema_version=migrate.version_of(connection),
        schema_latest=migrate.latest(),
        size_bytes=int(_one(connection, "SELECT pg_database_size(current_database())")),
        log_bytes=0,
        durable=_one(connection, "SHOW fsync") == "on"
        and _one(connection, "SHOW synchronous_commit") in {"on", "remote_apply"},
        sound=None,
    )


def _sqlite_compact(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    if driver is None:
        raise StoreUnavailable(reason="connection lost")
    # The copy is as large as the database: on disk, not in memory. It holds only what stays.
    driver.execute("PRAGMA temp_store = FILE").close()
    for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        rows = driver.execute(statement).fetchall()
        if rows and rows[0][0]:
            # A reader still needs the old pages, so they are still in the log.
            raise StoreUnavailable(reason="readers busy")
    if driver.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise StoreBroken(reason="quick_check")


def _postgres_compact(connection: Connection) -> None:
    connection.execute(text("SET statement_timeout = 0"))
    quote = connection.dialect.identifier_preparer.format_table
    for table in metadata.sorted_tables:
        if connection.dialect.has_table(connection, table.name):
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {quote(table)}"))
