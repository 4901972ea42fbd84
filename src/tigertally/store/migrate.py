"""Migrations: one straight chain of hand-written steps, run from the package itself.

Invariants: a step runs inside the caller's transaction, so a failed upgrade leaves the old schema
whole; only one process migrates at a time (the caller's write lock on SQLite, an advisory lock on
PostgreSQL); a database from the future is refused, never guessed at.

The steps are in ``migrations/versions``, one file per owner, in the order of the floors; a step is called what its
file is called, and names sort in the order of the chain, so which version is newest is known without loading them.
Alembic is loaded only by who migrates: it is a third of what a command needs to start.
"""

from __future__ import annotations

import functools
import threading
from importlib import resources
from typing import TYPE_CHECKING, Final

from sqlalchemy import inspect, text

from tigertally.store.errors import SchemaNewer, SchemaOlder

if TYPE_CHECKING:
    from sqlalchemy import Connection

_PACKAGE: Final = "tigertally.store.migrations"
_LOCATION: Final = "tigertally.store:migrations"
_TABLE: Final = "alembic_version"
_PG_LOCK: Final = 0x7174  # any number nobody else in this database uses

# Alembic keeps the context of a running migration in module globals.
_one_at_a_time = threading.Lock()


def latest() -> str:
    """Return the version that this code wants."""
    return known()[0]


def version_of(connection: Connection) -> str | None:
    """Return the version recorded in the database, None if it was never migrated."""
    if not inspect(connection).has_table(_TABLE):
        return None
    return ",".join(sorted(connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalars())) or None  # noqa: S608


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
    from alembic import command  # noqa: PLC0415 - see the room's docstring
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", _LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    with _one_at_a_time:
        command.upgrade(config, "head")


@functools.cache
def known() -> tuple[str, ...]:
    """Return all versions, newest first."""
    files = resources.files(_PACKAGE).joinpath("versions").iterdir()
    names = [file.name.removesuffix(".py") for file in files if file.name.endswith(".py")]
    return tuple(sorted((name for name in names if name[0].isdigit()), reverse=True))
