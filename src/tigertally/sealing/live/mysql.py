"""Live MySQL and MariaDB tables: pages by primary key, changes row by row in one transaction.

Cells are compared as bytes of their text in UTF-8, so that a collation that ignores case hides no change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast
from urllib.parse import urlsplit

import pymysql

from tigertally.discovery import connect_server
from tigertally.sealing.errors import LiveUnavailable, NotInPlace, SourceNotReadable
from tigertally.sealing.live.ports import (
    GENERATED,
    KEY_COLUMN,
    KEY_TYPE,
    NO_KEY,
    NO_TABLE,
    REFUSED,
    TRIGGERS,
    WRONG_TYPE,
    Change,
    Key,
    LiveColumn,
    LiveTable,
    Rows,
    bounds,
)
from tigertally.sealing.plan import PlanSource

_INTEGERS: Final = ("tinyint", "smallint", "mediumint", "int", "bigint")
_TEXTS: Final = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_LOST: Final = frozenset({1205, 1213, 2006, 2013})  # lock wait, deadlock, gone away, lost
_TABLE: Final = "SELECT table_type FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
_COLUMNS: Final = (
    "SELECT column_name, column_type, data_type, is_nullable, extra FROM information_schema.columns"
    " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
_KEY: Final = (
    "SELECT column_name FROM information_schema.statistics"
    " WHERE table_schema = %s AND table_name = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index"
)
_BOUND: Final = (
    "SELECT column_name FROM information_schema.key_column_usage WHERE referenced_table_name IS NOT NULL"
    " AND table_schema = %s AND table_name = %s UNION"
    " SELECT referenced_column_name FROM information_schema.key_column_usage"
    " WHERE referenced_table_schema = %s AND referenced_table_name = %s"
)
_TRIGGERS: Final = (
    "SELECT trigger_name FROM information_schema.triggers"
    " WHERE event_object_schema = %s AND event_object_table = %s AND event_manipulation = 'UPDATE'"
)


class LiveMysql:
    """The database at an address. Raises ``SourceUnavailable``, ``BadAddress`` if there is no way in."""

    def __init__(self, address: str, *, writing: bool) -> None:
        parts = urlsplit(address)
        self._place = f"mysql:{parts.hostname or 'localhost'}:{parts.port or 3306}"
        self._connection = cast("pymysql.Connection[pymysql.cursors.Cursor]", connect_server(address, writing=writing))
        self._known: dict[str, tuple[LiveTable, dict[str, str]]] = {}

    @property
    def place(self) -> str:
        """Return host and port; the database is part of each object's name."""
        return self._place

    def describe(self, source: PlanSource) -> LiveTable:
        """Return what the table declares."""
        return self._table(source)[0]

    def stamp(self, source: PlanSource) -> str:
        """Return the number of rows and the server's own checksum of the table."""
        count = self._rows(source, f"SELECT COUNT(*) FROM {_name(source)}")  # noqa: S608 - quoted names
        return repr((count, self._rows(source, f"CHECKSUM TABLE {_name(source)}")))

    def read(
        self, source: PlanSource, names: tuple[str, ...], *, after: Key | None, upto: Key | None, limit: int
    ) -> Rows:
        """Return a page of rows."""
        table, kinds = self._table(source)
        key = [_quoted(name) for name in table.key]
        where, values = bounds(key, ["%s"] * len(key), after=after, upto=upto)
        listed = ", ".join(_text_of(name, kinds[name]) for name in (*table.key, *names))
        rows = self._rows(
            source,
            f"SELECT {listed} FROM {_name(source)}{where} ORDER BY {', '.join(key)} LIMIT {limit}",  # noqa: S608
            *values,
        )
        whole = [kinds[name] in _INTEGERS for name in table.key]
        width = len(key)
        return Rows(
            keys=[
                tuple(int(cell or 0) if number else cell or "" for cell, number in zip(row[:width], whole, strict=True))
                for row in rows
            ],
            cells=tuple([row[at] for row in rows] for at in range(width, width + len(names))),
        )

    def write(self, source: PlanSource, names: tuple[str, ...], changes: list[Change]) -> int:
        """Carry out changes in one transaction."""
        table, kinds = self._table(source)
        settings = ", ".join(f"{_quoted(name)} = %s" for name in names)
        same = [*(f"{_quoted(name)} = %s" for name in table.key)]
        same += [f"CAST({_text_of(name, kinds[name])} AS BINARY) <=> CAST(%s AS BINARY)" for name in names]
        statement = f"UPDATE {_name(source)} SET {settings} WHERE {' AND '.join(same)}"  # noqa: S608 - quoted names
        done = 0
        with self._asked(source):
            try:
                with self._connection.cursor() as cursor:
                    for one in changes:
                        done += cursor.execute(statement, (*one.new, *one.key, *one.old))
                self._connection.commit()
            except pymysql.MySQLError:
                if self._connection.open:
                    self._connection.rollback()
                raise
        return done

    def settle(self) -> None:
        """Nothing can be put aside here: undo and the binary log are their administrator's."""

    def close(self) -> None:
        """Close the connection."""
        if self._connection.open:
            self._connection.close()

    def _table(self, source: PlanSource) -> tuple[LiveTable, dict[str, str]]:
        if source.object not in self._known:
            where = source.object.split(".", 1)
            if len(where) == 1:
                raise SourceNotReadable(object=source.object)
            kind = self._rows(source, _TABLE, *where)
            columns = self._rows(source, _COLUMNS, *where)
            if not kind or not columns:
                raise SourceNotReadable(object=source.object)
            key = tuple(str(name) for (name,) in self._rows(source, _KEY, *where))
            bound = {name for (name,) in self._rows(source, _BOUND, *where, *where)} | set(key)
            kinds = {str(name): str(bare).lower() for name, _, bare, _, _ in columns}
            bar = None
            if kind[0][0] != "BASE TABLE":
                bar = NO_TABLE
            elif not key:
                bar = NO_KEY
            elif any(kinds[name] not in (*_INTEGERS, "char", "varchar", "uuid") for name in key):
                bar = KEY_TYPE
            elif self._rows(source, _TRIGGERS, *where):
                bar = TRIGGERS
            table = LiveTable(
                columns={
                    str(name): LiveColumn(
                        declared=str(declared),
                        nullable=nullable == "YES",
                        text=kinds[str(name)] in _TEXTS,
                        bar=KEY_COLUMN
                        if name in bound
                        else GENERATED
                        if "GENERATED" in str(extra).upper()
                        else None
                        if kinds[str(name)] in (*_TEXTS, *_INTEGERS, "decimal")
                        else WRONG_TYPE,
                    )
                    for name, declared, _, nullable, extra in columns
                },
                key=key,
                bar=bar,
            )
            self._known[source.object] = table, kinds
        return self._known[source.object]

    def _rows(self, source: PlanSource, statement: str, *values: str | int) -> list[tuple[str | None, ...]]:
        with self._asked(source):
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                rows = cursor.fetchall()
            self._connection.commit()  # nothing is held between two pages
        return [tuple(cell.decode() if isinstance(cell, bytes) else cell for cell in row) for row in rows]

    @contextmanager
    def _asked(self, source: PlanSource) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError:
            raise SourceNotReadable(object=source.object) from None
        except pymysql.InterfaceError:
            raise LiveUnavailable(object=source.object) from None
        except pymysql.MySQLError as problem:
            if problem.args and problem.args[0] in _LOST:
                raise LiveUnavailable(object=source.object) from None
            raise NotInPlace(object_path=source.object, why=REFUSED) from None


def _name(source: PlanSource) -> str:
    return ".".join(map(_quoted, source.object.split(".", 1)))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``").replace("%", "%%") + "`"


def _text_of(name: str, kind: str) -> str:
    column = _quoted(name)
    if kind == "decimal":
        return f"IF(LOCATE('.', {column}), TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {column})), {column})"
    if kind in _INTEGERS:
        return f"CAST({column} AS CHAR CHARACTER SET utf8mb4)"
    return f"CONVERT({column} USING utf8mb4)"
