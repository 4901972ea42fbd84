"""MySQL and MariaDB: every table, in one read-only snapshot, rows packed into text by the server.

1. One transaction ``WITH CONSISTENT SNAPSHOT, READ ONLY`` for all tables (of engines that have transactions; for others
the report says so). 2. A table with a key comes in packs: the server joins some thousand rows, in the key's order, to
one text; the next pack begins after the last key, also on a new connection after the old one was lost. 3. A table
without a key is streamed row by row, unbuffered. 4. A pack is checked: as many rows as it says, and shorter than the
server's limit.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.converters import encoders
from pymysql.cursors import SSCursor

from tigertally.base.secret import SecretText
from tigertally.base.text import Text
from tigertally.discovery.errors import BadAddress, SourceUnavailable, Unreadable
from tigertally.discovery.readers.databases import value_text
from tigertally.discovery.readers.members import Run
from tigertally.discovery.sources.hosts import is_here
from tigertally.discovery.sources.ports import Entry
from tigertally.discovery.sources.servertables import TWO_SNAPSHOTS, Told, read_table

PACK_ROWS: Final = 32_768
PACK_BYTES_MAX: Final = 8 * 1024 * 1024
_STREAM_ROWS: Final = 4_096
_TRIES: Final = 3
_CONNECT_SECONDS_MAX: Final = 15
_SYSTEM: Final = ("mysql", "information_schema", "performance_schema", "sys")
_BINARY: Final = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
_INTEGERS: Final = ("tinyint", "smallint", "mediumint", "int", "bigint", "year")
_TEXTS: Final = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum", "set")

_LOST: Final = Text("连接中断，未读完", "the connection was lost; not read to its end")
_REFUSED: Final = Text("服务器拒绝读取此表", "the server refused to read this table")
_NO_SNAPSHOT: Final = Text(
    "存储引擎不支持事务，读取期间可能有变化", "its engine has no transactions; it may change while it is read"
)

_TABLES: Final = (
    "SELECT table_schema, table_name, engine, COALESCE(data_length, 0) FROM information_schema.tables"
    " WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND table_schema {} ORDER BY table_schema, table_name"
)
_COLUMNS: Final = (
    "SELECT column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"
)
_KEY: Final = (
    "SELECT column_name FROM information_schema.statistics"
    " WHERE table_schema = %s AND table_name = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    schema: str
    name: str
    engine: str
    size: int

    @property
    def quoted(self) -> str:
        return f"{_quoted(self.schema)}.{_quoted(self.name)}"


class Mysql:
    """The database at ``url`` (``mysql://user@host/database``, all databases without a name).

    The password comes from ``MYSQL_PWD`` or the URL; ``?unix_socket=PATH`` for a local server. To another
    machine only under TLS, its name checked; ``?tls=FILE`` names the authorities, ``?tls=off`` does without. Raises
    :class:`BadAddress` and :class:`SourceUnavailable`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._database = database_of(url)
        self._connection = connect(url)

    @property
    def name(self) -> str:
        """Return the database's name."""
        return self._database or "mysql"

    def entries(self) -> Iterator[Entry]:
        """Yield every table."""
        for table in self._tables():
            yield Entry(
                name=f"{table.schema}.{table.name}",
                size=table.size,
                read=partial(self._read, table),
            )

    def count(self) -> tuple[int, int | None]:
        """Count the tables again; the server's sizes are estimates and are not compared."""
        return len(self._tables()), None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rows(self, statement: str, *values: str) -> list[tuple[str | None, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in cursor]

    def _tables(self) -> list[_Table]:
        if self._database:
            rows = self._rows(_TABLES.format("= %s"), self._database)
        else:
            rows = self._rows(_TABLES.format(f"NOT IN ({', '.join(['%s'] * len(_SYSTEM))})"), *_SYSTEM)
        return [
            _Table(schema=str(schema), name=str(name), engine=str(engine or ""), size=int(size or 0))
            for schema, name, engine, size in rows
        ]

    def _read(self, table: _Table, run: Run, shown: str) -> None:
        try:
            columns = [(str(name), str(kind).lower()) for name, kind in self._rows(_COLUMNS, table.schema, table.name)]
            key = [str(name) for (name,) in self._rows(_KEY, table.schema, table.name)]
            told = Told(weak=None if table.engine.lower() in ("innodb", "rocksdb", "tokudb") else _NO_SNAPSHOT)
            pieces = self._packs(run, table, columns, key, told) if key else self._streamed(run, table, columns, told)
            read_table(run, shown, [name for name, _ in columns], pieces, told)
        except pymysql.OperationalError:
            self._again()
            raise Unreadable(_LOST) from None
        except pymysql.MySQLError:
            self._again()
            raise Unreadable(_REFUSED) from None

    def _packs(
        self, run: Run, table: _Table, columns: list[tuple[str, str]], key: list[str], told: Told
    ) -> Iterator[bytes]:
        """Yield packs of rows in the order of the key, the next one after the last key of the one before."""
        cells = (f"'\"', REPLACE(COALESCE({_text_of(*column)}, ''), '\"', '\"\"'), '\"'" for column in columns)
        line = ", ',', ".join(cells)
        order = ", ".join(map(_quoted, key))
        kinds = dict(columns)
        after, rows = "", PACK_ROWS
        while True:
            beyond = f" FROM {table.quoted}{after} ORDER BY {order}"
            try:
                text, count, size = self._pack(f"SELECT CONCAT({line}) AS l{beyond} LIMIT {rows}", told)
                if size > PACK_BYTES_MAX or len(text) + 1 < size:
                    rows = self._fewer(rows)
                    continue
                last = self._tried(f"SELECT {order}{beyond} LIMIT {max(count - 1, 0)}, 1", told) if count else ()
            except (pymysql.OperationalError, pymysql.InterfaceError):
                if not told.rows:
                    raise
                self._again()
                told.weak = _LOST  # what was given stands
                return
            if not count:
                return
            after = (
                f" WHERE {_after(key, [_literal(kinds[name], value) for name, value in zip(key, last, strict=True)])}"
            )
            told.rows += count
            yield text + b"\n"
            run.advance(len(text))

    def _pack(self, lines: str, told: Told) -> tuple[bytes, int, int]:
        """Return a pack's text, its number of rows, and the number of bytes that it should have."""
        packed = self._tried(
            f"SELECT GROUP_CONCAT(l SEPARATOR '\n'), COUNT(*), COALESCE(SUM(LENGTH(l) + 1), 0) FROM ({lines}) x",  # noqa: S608
            told,
        )
        return packed[0] or b"", int(packed[1]), int(packed[2])

    @staticmethod
    def _fewer(rows: int) -> int:
        """Return how many rows to try when a pack was too large."""
        if rows == 1:
            raise Unreadable(_REFUSED)
        return max(rows // 4, 1)

    def _tried(self, statement: str, told: Told) -> tuple[bytes, ...]:
        """Return one row, on a new connection if the present one is lost."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self._connection.cursor() as cursor:
                    cursor.execute(statement)
                    row: tuple[bytes, ...] = cursor.fetchone() or ()
                    return row
            except (pymysql.OperationalError, pymysql.InterfaceError):
                if attempt == _TRIES:
                    raise
                time.sleep(attempt)
                self._again()
                told.weak = TWO_SNAPSHOTS
        raise AssertionError

    def _streamed(self, run: Run, table: _Table, columns: list[tuple[str, str]], told: Told) -> Iterator[bytes]:
        chosen = ", ".join(_text_of(*column) for column in columns)
        with self._connection.cursor(SSCursor) as cursor:
            cursor.execute(f"SELECT {chosen} FROM {table.quoted}")  # noqa: S608 - quoted names
            while rows := cursor.fetchmany(_STREAM_ROWS):
                sink = io.StringIO()
                csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
                    [[value_text(value) or "" for value in row] for row in rows]
                )
                told.rows += len(rows)
                text = sink.getvalue().encode("utf-8", "replace")
                yield text
                run.advance(len(text))

    def _again(self) -> None:
        """Begin again on a new connection."""
        with contextlib.suppress(pymysql.MySQLError):
            self._connection.close()
        self._connection = connect(self._url)


def database_of(url: str) -> str:
    """Return the database that an address names; empty for all of a server."""
    return unquote(urlsplit(url).path.strip("/"))


def connect(url: str, *, writing: bool = False) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """Return a connection: read-only in one snapshot, or one that may write (to whoever rewrites a table in place).

    Values go in as usual, and come out as the bytes they are. Raises :class:`BadAddress`, :class:`SourceUnavailable`.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or 3306
    except ValueError:
        raise BadAddress(where="port") from None
    asked = parse_qs(parts.query)
    host = parts.hostname or "localhost"
    socket = asked["unix_socket"][0] if "unix_socket" in asked else None
    password = SecretText(unquote(parts.password or "") or os.environ.get("MYSQL_PWD", ""))
    try:
        connection: pymysql.Connection[pymysql.cursors.Cursor] = pymysql.connect(
            host=host,
            port=port,
            user=unquote(parts.username or "") or None,
            password=password.expose(),
            unix_socket=socket,
            ssl=_tls(host, socket, asked.get("tls", [""])[0]),
            ssl_disabled=asked.get("tls") == ["off"],
            charset="utf8mb4",
            connect_timeout=_CONNECT_SECONDS_MAX,
            program_name="tigertally in-place" if writing else "tigertally discover",
            conv={**encoders},  # type: ignore[dict-item]
            use_unicode=False,
            autocommit=False,
        )
        with connection.cursor() as cursor:
            if writing:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'")
            else:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(f"SET SESSION group_concat_max_len = {PACK_BYTES_MAX}")
                cursor.execute("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'")
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    except pymysql.MySQLError as problem:
        raise SourceUnavailable(why=type(problem).__name__) from None
    return connection


def _tls(host: str, socket: str | None, asked: str) -> ssl.SSLContext | None:
    """Return how to speak to the server: by ``?tls=``, which is ``off``, ``on`` or a file of authorities to trust."""
    if asked == "off" or (not asked and (socket is not None or is_here(host))):
        return None
    try:
        return ssl.create_default_context(cafile=asked if asked not in ("", "on") else None)
    except (OSError, ssl.SSLError):
        raise BadAddress(where="tls") from None


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _literal(kind: str, value: bytes) -> str:
    """Return a key's value as the server takes it in; text is compared in its column's own collation."""
    if kind in _INTEGERS or kind in ("decimal", "numeric", "float", "double"):
        return value.decode()
    return f"X'{value.hex()}'" if kind in (*_BINARY, "bit") else f"_utf8mb4 X'{value.hex()}'"


def _after(key: list[str], values: list[str]) -> str:
    """Return the condition of all rows after a key, in a form for which servers use the key's index."""
    either = []
    for at in range(len(key)):
        same = [f"{_quoted(name)} = {value}" for name, value in zip(key[:at], values[:at], strict=True)]
        either.append(" AND ".join([*same, f"{_quoted(key[at])} > {values[at]}"]))
    return f"{_quoted(key[0])} >= {values[0]} AND (" + " OR ".join(f"({one})" for one in either) + ")"


def _text_of(name: str, kind: str) -> str:
    """Return the expression of a column as text in UTF-8: whole numbers in full, no trailing zeros."""
    column = _quoted(name)
    if kind in _INTEGERS:
        return column
    if kind in ("decimal", "numeric"):
        return f"IF(LOCATE('.', {column}), TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM {column})), {column})"
    if kind in ("float", "double"):
        whole = f"{column} = FLOOR({column}) AND ABS({column}) < 9e18"
        return f"IF({whole}, CAST(CAST({column} AS DECIMAL(20, 0)) AS CHAR), CAST({column} AS CHAR))"
    if kind == "bit":
        return f"CAST({column} + 0 AS CHAR)"
    if kind in _BINARY or kind in _TEXTS:
        return f"CONVERT({column} USING utf8mb4)"
    return f"CAST({column} AS CHAR CHARACTER SET utf8mb4)"
