"""Bulk inserts by column: the path on which a million rows go in.

Invariants: no object per value beyond what the driver itself makes; types are those of the table's
columns, so a value of another type is an error and not a conversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from psycopg import sql
from sqlalchemy import BigInteger, Boolean, Float, Integer, LargeBinary, SmallInteger, String, Text, insert

from tigertally.store.errors import StoreMisused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Column, Connection, Table, TextClause
    from sqlalchemy.types import TypeEngine

# PostgreSQL's own names, for the binary COPY format. Subclasses come before their bases.
_POSTGRES_TYPES: Final[tuple[tuple[type[TypeEngine[Any]], str], ...]] = (
    (SmallInteger, "int2"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (LargeBinary, "bytea"),
    (Text, "text"),
    (String, "varchar"),
    (Boolean, "bool"),
    (Float, "float8"),
)


def insert_columns(connection: Connection, table: Table, columns: Mapping[str, Sequence[object]]) -> int:
    """Insert one list per column; return the number of rows. ``ValueError`` if the lists are uneven."""
    if unknown := [name for name in columns if name not in table.c]:
        raise StoreMisused(f"{table.name} has no column {unknown[0]}")
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1:
        raise ValueError("columns of uneven length, or none")
    (count,) = lengths
    if count == 0:
        return 0
    # In the table's order, whatever the mapping's: the compiled INSERT names its columns in that order.
    targets = [column for column in table.columns if column.name in columns]
    rows = zip(*(_prepared(connection, column, columns[column.name]) for column in targets), strict=True)
    if connection.dialect.name == "sqlite":
        _executemany(connection, table, targets, rows)
    else:
        _copy(connection, table, targets, rows)
    return count


def fetch_tuples(connection: Connection, statement: TextClause, params: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Return all rows as the driver gives them: for columns of bytes and numbers, which need no conversion."""
    compiled = statement.compile(dialect=connection.dialect)
    given = [params[name] for name in compiled.positiontup] if compiled.positiontup is not None else params
    cursor = connection.connection.cursor()
    try:
        cursor.execute(compiled.string, given)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def _prepared(connection: Connection, column: Column[Any], values: Sequence[object]) -> Iterable[object]:
    """Apply the type's own conversion (instants, for one). Bytes need none and are many."""
    if isinstance(column.type, LargeBinary):
        return values
    convert = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return values if convert is None else map(convert, values)


def _executemany(
    connection: Connection, table: Table, targets: list[Column[Any]], rows: Iterable[tuple[object, ...]]
) -> None:
    names = [column.name for column in targets]
    statement = str(insert(table).values(dict.fromkeys(names)).compile(dialect=connection.dialect, column_keys=names))
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(statement, rows)  # type: ignore[arg-type]
    finally:
        cursor.close()


def _copy(connection: Connection, table: Table, targets: list[Column[Any]], rows: Iterable[tuple[object, ...]]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column.name) for column in targets)
    )
    cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
    try:
        with cursor.copy(statement) as copy:
            copy.set_types([_postgres_type(column, connection) for column in targets])
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()


def _postgres_type(column: Column[Any], connection: Connection) -> str:
    kind = column.type.dialect_impl(connection.dialect)
    kind = getattr(kind, "impl_instance", kind)
    for base, name in _POSTGRES_TYPES:
        if isinstance(kind, base):
            return name
    raise StoreMisused(f"{column.table.name}.{column.name} has a type that bulk inserts do not know")
