"""Migrations: one straight chain of hand-written steps, run from the package itself.

Invariants: a step runs inside the caller's transaction, so a failed upgrade leaves the old schema
whole; only one process migrates at a time (the caller's write lock on SQLite, an advisory lock on
PostgreSQL); a database from the future is refused, never guessed at.

The steps are in ``migrations/versions``, one file per owner, in the order of the floors.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from tigertally.store.errors import SchemaNewer, SchemaOlder

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LOCATION: Final = "tigertally.store:migrations"
_PG_LOCK: Final = 0x7174  # any number nobody else in this database uses

# Alembic keeps the context of a running migration in module globals.
_one_at_a_time = threading.Lock()


def latest() -> str:
    """Return the version that this code wants."""
    return known()[0]


def version_of(connection: Connection) -> str | None:
    """Return the version recorded in the database, None if it was never migrated."""
    heads = MigrationContext.configure(connection).get_current_heads()
    return ",".join(sorted(heads)) or None


def require_current(found: str | None) -> None:
    """Raise :class:`SchemaOlder` or :class:`SchemaNewer` unless ``found`` is :func:`latest`."""
    wanted = latest()
    if found == wanted:
        return
    if found is not None and found not in known():
        raise SchemaNewer(found=found, wanted=wanted)
    raise SchemaOlder(found=found or "-", wanted=wanted)


def upgrade(connection: Connection) -> None:
    """Run the missing steps inside the connection's transaction. Raises :class:`SchemaNewer`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PG_LOCK})
    found = version_of(connection)
    if found == latest():
        return
    if found is not None and found not in known():
        raise SchemaNewer(found=found, wanted=latest())
    config = _config()
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    return config


@functools.cache
def known() -> tuple[str, ...]:
    """Return all versions, newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())
