"""PostgreSQL: every table, by ``COPY (SELECT …) TO STDOUT``, in one read-only snapshot.

1. The session is read-only and repeatable-read before the first statement, so all tables are of one moment.
2. Rows come in slices of pages (``ctid`` ranges, read in the order of the disk, no key needed, PostgreSQL 14 or later);
a slice that the connection does not survive is read again after reconnecting, and then the report says so.
3. Numbers come as text without noise: no trailing zeros, whole floats in full; ``bytea`` as far as it is text.
4. To another machine only under TLS (``sslmode=require``; ``verify-full`` in the URL checks the name), unless the URL
or ``PGSSLMODE`` says otherwise.
5. Row security that would hide rows makes a table *failed*, never silently smaller. Partitions are read one by one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import conninfo, sql
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from tigertally.base.text import Text
from tigertally.discovery.errors import SourceUnavailable, Unreadable
from tigertally.discovery.readers.members import Run
from tigertally.discovery.sources.hosts import is_here
from tigertally.discovery.sources.ports import Entry, unread
from tigertally.discovery.sources.servertables import TWO_SNAPSHOTS, Told, read_table

SLICE_PAGES: Final = 2_048
HELD_BYTES_MAX: Final = 64 * 1024 * 1024
_TRIES: Final = 3
_PAGE_BYTES: Final = 8_192
_PIECE_BYTES: Final = 4 * 1024 * 1024
_CONNECT_SECONDS_MAX: Final = 15
_TID_RANGES_SINCE: Final = 140_000
_COPY_DONE: Final = -1  # of PQgetCopyData

_DENIED: Final = Text("没有读取此表的权限", "no permission to read this table")
_FOREIGN: Final = Text("外部表，应在其来源处扫描", "a foreign table; scan it where it lives")
_HIDDEN: Final = Text("行级安全策略对此账号隐藏了行", "row security hides rows from this account")
_LOST: Final = Text("连接中断，未读完", "the connection was lost; not read to its end")
_REFUSED: Final = Text("服务器拒绝读取此表", "the server refused to read this table")
_LARGE_OBJECTS: Final = Text("大对象，未读取", "large objects; not read")

_TABLES: Final = """
SELECT c.oid, n.nspname, c.relname, c.relkind, pg_catalog.pg_relation_size(c.oid),
       pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY n.nspname, c.relname"""
_COLUMNS: Final = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL), t.typtype
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_TEXT_OF: Final[dict[str, LiteralString]] = {
    "numeric": "pg_catalog.trim_scale({})::text",
    "bytea": "pg_catalog.encode({}, 'escape')",
    "double precision": "CASE WHEN {0} = trunc({0}) AND abs({0}) < 9e18 THEN {0}::bigint::text ELSE {0}::text END",
    "real": "CASE WHEN {0} = trunc({0}) AND abs({0}) < 9e18 THEN {0}::bigint::text ELSE {0}::text END",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    oid: int
    schema: str
    name: str
    kind: str
    size: int
    allowed: bool


class Postgres:
    """The database at ``url`` (``postgresql://user@host/database``); passwords as libpq finds them, or in the URL.

    Raises :class:`SourceUnavailable` if there is no way in.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = connect(self._url)

    @property
    def name(self) -> str:
        """Return the database's name."""
        return self._connection.info.dbname or urlsplit(self._url).path.strip("/")

    def entries(self) -> Iterator[Entry]:
        """Yield every table, partition and materialised view."""
        for table in self._tables():
            skip, failed = None, False
            if table.kind == "f":
                skip = _FOREIGN
            elif not table.allowed:
                skip, failed = _DENIED, True
            yield Entry(
                name=f"{table.schema}.{table.name}",
                size=table.size,
                read=partial(self._read, table),
                skip=skip,
                failed=failed,
            )
        if self._large_objects():
            yield Entry(name="pg_largeobject", size=0, read=unread, skip=_LARGE_OBJECTS)

    def count(self) -> tuple[int, int | None]:
        """Count the tables again; the server tells no bytes that could be compared."""
        return len(self._tables()) + self._large_objects(), None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _tables(self) -> list[_Table]:
        rows = self._connection.execute(_TABLES).fetchall()
        return [
            _Table(oid=oid, schema=schema, name=name, kind=kind, size=size or 0, allowed=allowed)
            for oid, schema, name, kind, size, allowed in rows
        ]

    def _large_objects(self) -> bool:
        row = self._connection.execute("SELECT EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)").fetchone()
        return bool(row and row[0])

    def _read(self, table: _Table, run: Run, shown: str) -> None:
        try:
            columns = self._connection.execute(_COLUMNS, [table.oid]).fetchall()
            names = [str(name) for name, _, _ in columns]
            if not names:
                names, columns = ["#"], []
            told = Told()
            read_table(run, shown, names, self._pieces(run, table, columns, told), told)
        except psycopg.errors.InsufficientPrivilege as problem:
            self._again()
            hidden = "row" in str(problem) and "security" in str(problem)
            raise Unreadable(_HIDDEN if hidden else _DENIED) from None
        except psycopg.OperationalError:
            self._again()
            raise Unreadable(_LOST) from None
        except psycopg.Error:
            self._again()
            raise Unreadable(_REFUSED) from None

    def _pieces(self, run: Run, table: _Table, columns: list[tuple[str, str, str]], told: Told) -> Iterator[bytes]:
        """Yield the table's rows as CSV; a slice that was lost before any of it was given is read again."""
        query = _select(table, columns)
        for begin, end in self._slices(table):
            try:
                yield from self._slice(query, begin, end, told)
            except psycopg.OperationalError:
                if not told.rows:
                    raise
                self._again()
                told.weak = _LOST  # what was given stands
                return
            run.advance((end - begin) * _PAGE_BYTES if end else max(table.size - begin * _PAGE_BYTES, 0))

    def _slice(self, query: sql.Composed, begin: int, end: int | None, told: Told) -> Iterator[bytes]:
        """Yield one slice, held until it is whole, so that it can be read again; a huge one is given as it comes."""
        attempt = 0
        while True:
            attempt += 1
            held: list[bytes] = []
            size = 0
            before, given = told.rows, False
            try:
                for piece in self._copy(query, begin, end, told):
                    held.append(piece)
                    size += len(piece)
                    if size > HELD_BYTES_MAX:
                        given = True
                        yield from held
                        held, size = [], 0
            except psycopg.OperationalError:
                if given or attempt == _TRIES:
                    raise
                time.sleep(attempt)
                self._again()
                told.rows, told.weak = before, TWO_SNAPSHOTS
            else:
                yield from held
                return

    def _slices(self, table: _Table) -> list[tuple[int, int | None]]:
        """Return page ranges; the last one is open, because a table may grow while its snapshot stands."""
        pages = table.size // _PAGE_BYTES
        if self._connection.info.server_version < _TID_RANGES_SINCE or pages <= SLICE_PAGES:
            return [(0, None)]
        edges = [*range(0, pages, SLICE_PAGES)]
        return [(begin, edges[at + 1] if at + 1 < len(edges) else None) for at, begin in enumerate(edges)]

    def _copy(self, query: sql.Composed, begin: int, end: int | None, told: Told) -> Iterator[bytes]:
        pages: sql.Composable = sql.SQL("")
        if begin:
            pages = sql.SQL(" WHERE ctid >= {}::tid").format(sql.Literal(f"({begin},0)"))
        if end is not None:
            pages += sql.SQL("{} ctid < {}::tid").format(
                sql.SQL(" AND") if begin else sql.SQL(" WHERE"), sql.Literal(f"({end},0)")
            )
        statement = sql.SQL("COPY ({}{}) TO STDOUT (FORMAT csv)").format(query, pages)
        # The protocol's own calls: a cursor's copy takes ten times as long for each row.
        wire = self._connection.pgconn
        _check(wire, wire.exec_(statement.as_bytes(self._connection)), ExecStatus.COPY_OUT)
        pending: list[memoryview] = []
        size = 0
        while (row := wire.get_copy_data(0))[0] > 0:
            pending.append(row[1])
            size += row[0]
            if size > _PIECE_BYTES:
                yield b"".join(pending)
                pending, size = [], 0
        if row[0] != _COPY_DONE:
            raise psycopg.OperationalError
        if pending:
            yield b"".join(pending)
        while (result := wire.get_result()) is not None:
            _check(wire, result, ExecStatus.COMMAND_OK)
            told.rows += result.command_tuples or 0

    def _again(self) -> None:
        """Begin a new transaction, on a new connection if the old one is gone."""
        try:
            self._connection.rollback()
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            self._connection.close()
            self._connection = connect(self._url)


def connect(url: str, *, writing: bool = False) -> psycopg.Connection:
    """Return a connection: read-only in one snapshot, or one that may write (to whoever rewrites a table in place).

    Raises :class:`SourceUnavailable`.
    """
    reading = "-c default_transaction_read_only=on -c row_security=off -c statement_timeout=0"
    try:
        known = conninfo.conninfo_to_dict(url)
        chosen = "sslmode" in known or "PGSSLMODE" in os.environ
        private = "" if chosen or is_here(str(known.get("host") or "")) else "require"
        connection = psycopg.connect(
            conninfo.make_conninfo(url, **({"sslmode": private} if private else {})),
            connect_timeout=_CONNECT_SECONDS_MAX,
            application_name="tigertally in-place" if writing else "tigertally discover",
            options="-c row_security=off" if writing else reading,
        )
        if not writing:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        ascii_only = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
        connection.execute("SET client_encoding = 'SQL_ASCII'" if ascii_only else "SET client_encoding = 'UTF8'")
    except psycopg.Error as problem:
        raise SourceUnavailable(why=type(problem).__name__) from None
    return connection


def _check(wire: PGconn, result: PGresult, wanted: ExecStatus) -> None:
    """Raise what the server said if the status is another one; a broken connection is an ``OperationalError``."""
    if result.status == wanted:
        return
    if wire.status != ConnStatus.OK:
        raise psycopg.OperationalError
    raise psycopg.errors.error_from_result(result)


def _select(table: _Table, columns: list[tuple[str, str, str]]) -> sql.Composed:
    """Return the query of all columns as text; a last column that is never empty keeps an empty row a line."""
    chosen: list[sql.Composable] = [
        sql.SQL(_TEXT_OF.get(kind, "{}::text")).format(sql.Identifier(name)) for name, kind, _ in columns
    ]
    if len(chosen) == 1:
        chosen = [sql.SQL("coalesce({}, '')").format(chosen[0])]
    return sql.SQL("SELECT {} FROM ONLY {}").format(
        sql.SQL(", ").join(chosen or [sql.SQL("''")]), sql.Identifier(table.schema, table.name)
    )
