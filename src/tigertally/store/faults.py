"""From the drivers' exceptions to our problems. The only room that looks inside a driver's exception.

Invariants:
1. SQLAlchemy's and the drivers' exceptions keep bound parameters and whole rows; none of them leaves
   the store, not even as ``__context__``: callers translate inside ``except`` and raise after it.
2. What is taken from an exception: its SQLSTATE or SQLite error name, the name of a constraint, and
   words about the statement's text in the listed cases. Never ``str(exception)`` otherwise.

Sources: SQLite "Result and Error Codes"; PostgreSQL manual, appendix A.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING, Final

import psycopg
from sqlalchemy import exc

from tigertally.store.errors import StoreBroken, StoreConflict, StoreFull, StoreMisused, StoreUnavailable
from tigertally.store.schema import unique_name

if TYPE_CHECKING:
    from tigertally.base.errors import Problem

# Everything a call into SQLAlchemy or a driver may raise. UnicodeError holds the text it failed on.
FAULTS: Final = (exc.SQLAlchemyError, sqlite3.Error, psycopg.Error, UnicodeError, OverflowError)

_SQLITE_FULL: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM"})
_SQLITE_BROKEN: Final = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})
_SQLITE_AWAY: Final = frozenset(
    {
        "SQLITE_BUSY",
        "SQLITE_LOCKED",
        "SQLITE_CANTOPEN",
        "SQLITE_READONLY",
        "SQLITE_PERM",
        "SQLITE_AUTH",
        "SQLITE_INTERRUPT",
        "SQLITE_PROTOCOL",
    }
)
_SQLITE_TAKEN: Final = frozenset(
    {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
)
_SQLITE_UNIQUE: Final = re.compile(r"UNIQUE constraint failed: ([\w., ]+)")
_SQLITE_INDEX: Final = re.compile(r"UNIQUE constraint failed: index '(\w+)'")
# SQLite builds these messages from the statement's text while compiling it, before any value is bound.
_SQLITE_SPEAKABLE: Final = re.compile(
    r"no such (?:table|column|index|function): [\w.]+|table \w+ (?:has no column named \w+|already exists)"
    r"|near \"\w*\": syntax error|ambiguous column name: [\w.]+"
)

_PG_TAKEN: Final = frozenset({"23505", "23503", "23P01"})
_PG_FULL: Final = frozenset({"53100", "53200", "58030"})
_PG_BROKEN: Final = frozenset({"XX001", "XX002"})
_PG_AWAY_CLASSES: Final = ("08", "28", "3D", "40", "53", "55", "57", "58", "25006", "25P03", "42501")

READ_ONLY: Final = frozenset({"SQLITE_READONLY", "25006"})


def translate(fault: BaseException) -> Problem | StoreMisused:
    """Return our exception for what SQLAlchemy or a driver raised. It holds no part of the original."""
    if isinstance(fault, exc.DBAPIError) and fault.orig is not None:
        if fault.connection_invalidated:
            return StoreUnavailable(reason="connection lost")
        return translate(fault.orig)
    if isinstance(fault, exc.TimeoutError):
        return StoreUnavailable(reason="no free connection")
    if isinstance(fault, sqlite3.Error):
        return _from_sqlite(fault)
    if isinstance(fault, psycopg.Error):
        return _from_postgres(fault)
    return StoreMisused(type(fault).__name__)


def state_of(fault: BaseException) -> str:
    """Return the SQLSTATE or the primary SQLite error name, "" if there is none."""
    if isinstance(fault, exc.DBAPIError) and fault.orig is not None:
        return state_of(fault.orig)
    if isinstance(fault, sqlite3.Error):
        return _primary(_sqlite_name(fault))
    if isinstance(fault, psycopg.Error):
        return fault.sqlstate or ""
    return ""


def _sqlite_name(fault: sqlite3.Error) -> str:
    """Errors of the module itself (not of the library) have no name."""
    return getattr(fault, "sqlite_errorname", None) or ""


def _primary(name: str) -> str:
    """SQLITE_IOERR_WRITE → SQLITE_IOERR."""
    return "_".join(name.split("_")[:2])


def _from_sqlite(fault: sqlite3.Error) -> Problem | StoreMisused:
    name = _sqlite_name(fault)
    primary = _primary(name)
    if name in _SQLITE_TAKEN or name == "SQLITE_CONSTRAINT_FOREIGNKEY":
        return StoreConflict(constraint=_sqlite_constraint(name, str(fault)))
    if primary in _SQLITE_FULL:
        return StoreFull(reason=name)
    if primary in _SQLITE_BROKEN:
        return StoreBroken(reason=name)
    if primary in _SQLITE_AWAY:
        return StoreUnavailable(reason=name)
    spoken = _SQLITE_SPEAKABLE.fullmatch(str(fault)) if primary == "SQLITE_ERROR" else None
    return StoreMisused(f"{name or type(fault).__name__}{': ' + spoken.group() if spoken else ''}")


def _sqlite_constraint(name: str, message: str) -> str:
    """SQLite names columns, PostgreSQL the constraint; give the constraint's name for both."""
    if index := _SQLITE_INDEX.fullmatch(message):
        return index.group(1)
    if (columns := _SQLITE_UNIQUE.fullmatch(message)) is None:
        return name.removeprefix("SQLITE_CONSTRAINT_").lower()
    places = [place.split(".", 1) for place in columns.group(1).split(", ")]
    return unique_name(places[0][0], frozenset(place[-1] for place in places))


def _from_postgres(fault: psycopg.Error) -> Problem | StoreMisused:
    state = fault.sqlstate
    if state is None:
        # No answer from a server: refused, lost, or timed out. A value that cannot be adapted is a
        # DataError/ProgrammingError of the driver itself.
        away = isinstance(fault, psycopg.OperationalError)
        return StoreUnavailable(reason="no connection") if away else StoreMisused(type(fault).__name__)
    if state in _PG_TAKEN:
        return StoreConflict(constraint=fault.diag.constraint_name or "unique")
    if state in _PG_FULL:
        return StoreFull(reason=state)
    if state in _PG_BROKEN:
        return StoreBroken(reason=state)
    if state.startswith(_PG_AWAY_CLASSES):
        return StoreUnavailable(reason=state)
    # Class 42 (syntax, unknown names, type mismatch) speaks about the statement, which has placeholders only.
    spoken = fault.diag.message_primary if state.startswith("42") else None
    return StoreMisused(f"{state}{': ' + spoken if spoken else ''}")
