"""The one metadata on which every wing's ``sql`` room declares its tables, and the column types they use.

Invariants: every constraint and index has a name, the same on both databases (so that a conflict can
be told by name and a migration can find it); instants are integers, microseconds since 1970 UTC, so
that both databases sort and compare them alike.

Left to others: the tables themselves (each wing's ``sql``), their creation (``migrations``).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Dialect

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# A row number that the database draws. SQLite gives rowids to INTEGER PRIMARY KEY only.
AutoId: Final = BigInteger().with_variant(Integer(), "sqlite")

Blob: Final = LargeBinary


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as a BIGINT of microseconds since 1970-01-01T00:00Z; read back in UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Naive datetimes raise ``ValueError``."""
        del dialect
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        del dialect
        return None if value is None else from_micros(value)


def to_micros(instant: datetime) -> int:
    """Return microseconds since the epoch; exact, no floats. Naive datetimes raise ``ValueError``."""
    if instant.tzinfo is None:
        raise ValueError("naive datetime")
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant of :func:`to_micros`, in UTC."""
    return _EPOCH + micros * _MICROSECOND


def unique_name(table_name: str, columns: frozenset[str]) -> str:
    """Return the name of the primary key, unique constraint or unique index over ``columns``; "unique" if unknown."""
    table = metadata.tables.get(table_name)
    if table is None:
        return "unique"
    for constraint in table.constraints:
        if (
            isinstance(constraint, (PrimaryKeyConstraint, UniqueConstraint))
            and {column.name for column in constraint.columns} == columns
        ):
            return str(constraint.name)
    for index in table.indexes:
        if index.unique and {column.name for column in index.columns} == columns:
            return str(index.name)
    return "unique"
