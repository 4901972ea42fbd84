"""Live PostgreSQL tables: pages by primary key, changes as one statement over arrays.

Keys and cells travel as text and are cast back to their columns' own types by the server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

import psycopg
from psycopg import sql

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

_TEXTS: Final = ("text", "character varying", "character", "citext")
_NUMBERS: Final = ("bigint", "integer", "smallint", "numeric")
_KEYS: Final = (*_TEXTS, "bigint", "integer", "smallint", "uuid")
_OPTIONS: Final = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'"
_TABLE: Final = """
SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = %s AND c.relkind IN ('r', 'p', 'm', 'v', 'f')"""
_COLUMNS: Final = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(a.atttypid, NULL),
       a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a',
       EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'f')
               AND ((k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey))
                    OR (k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey))))
FROM pg_catalog.pg_attribute a WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_KEY: Final = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), pg_catalog.format_type(a.atttypid, NULL)
FROM pg_catalog.pg_constraint k CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS u(num, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
WHERE k.conrelid = %s AND k.contype = 'p' ORDER BY u.place"""
_TRIGGERS: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = %s AND NOT tgisinternal AND tgenabled <> 'D'
               AND tgtype & 16 > 0)"""


class LivePostgres:
    """The database at an address. Raises ``SourceUnavailable`` if there is no way in."""

    def __init__(self, address: str, *, writing: bool) -> None:
        self._connection = cast("psycopg.Connection", connect_server(address, writing=writing))
        if writing:
            self._connection.commit()
            self._connection.autocommit = True
            self._connection.execute(_OPTIONS)
        info = self._connection.info
        self._place = f"postgresql:{info.host or ''}:{info.port}/{info.dbname}"
        self._known: dict[str, tuple[int, LiveTable, list[tuple[str, str]]]] = {}

    @property
    def place(self) -> str:
        """Return host, port and database."""
        return self._place

    def describe(self, source: PlanSource) -> LiveTable:
        """Return what the table declares."""
        return self._table(source)[1]

    def stamp(self, source: PlanSource) -> str:
        """Return the number of rows and the sum of their digests, which the server makes."""
        query = sql.SQL("SELECT count(*), sum(pg_catalog.hashtextextended(t::text, 0)) FROM ONLY {} t")
        with self._asked(source):
            row = self._connection.execute(query.format(_name(source))).fetchone()
        return repr(row)

    def read(
        self, source: PlanSource, names: tuple[str, ...], *, after: Key | None, upto: Key | None, limit: int
    ) -> Rows:
        """Return a page of rows."""
        _, table, key = self._table(source)
        columns = [_quoted(name) for name, _ in key]
        where, values = bounds(columns, [f"%s::{kind}" for _, kind in key], after=after, upto=upto)
        chosen: list[sql.Composable] = [sql.SQL("{}::text").format(sql.Identifier(name)) for name, _ in key]
        chosen += [_text_of(name, table.columns[name]) for name in names]
        # By the table's own columns: the bare name would be the text that is selected.
        query = sql.SQL("SELECT {} FROM ONLY {} t{} ORDER BY {} LIMIT %s").format(
            sql.SQL(", ").join(chosen),
            _name(source),
            sql.SQL(where),
            sql.SQL(", ").join(sql.Identifier("t", name) for name, _ in key),
        )
        with self._asked(source):
            rows = self._connection.execute(query, [*map(str, values), limit]).fetchall()
        width = len(key)
        return Rows(
            keys=[tuple(row[:width]) for row in rows],
            cells=tuple([row[at] for row in rows] for at in range(width, width + len(names))),
        )

    def write(self, source: PlanSource, names: tuple[str, ...], changes: list[Change]) -> int:
        """Carry out changes as one statement."""
        _, table, key = self._table(source)
        parts = [*(f"k{at}" for at in range(len(key)))]
        parts += [f"{sort}{at}" for sort in "on" for at in range(len(names))]
        settings = [
            sql.SQL("{} = v.{}::{}").format(
                sql.Identifier(name),
                sql.Identifier(f"n{at}"),
                sql.SQL(table.columns[name].declared),
            )
            for at, name in enumerate(names)
        ]
        same = [
            sql.SQL("t.{} = v.{}::{}").format(sql.Identifier(name), sql.Identifier(f"k{at}"), sql.SQL(kind))
            for at, (name, kind) in enumerate(key)
        ]
        same += [
            sql.SQL("{} IS NOT DISTINCT FROM v.{}").format(
                _text_of(name, table.columns[name], of="t."), sql.Identifier(f"o{at}")
            )
            for at, name in enumerate(names)
        ]
        query = sql.SQL("UPDATE ONLY {} t SET {} FROM unnest({}) AS v({}) WHERE {}").format(
            _name(source),
            sql.SQL(", ").join(settings),
            sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(parts)),
            sql.SQL(", ").join(map(sql.Identifier, parts)),
            sql.SQL(" AND ").join(same),
        )
        arrays: list[list[str | None]] = [[str(one.key[at]) for one in changes] for at in range(len(key))]
        arrays += [[one.old[at] for one in changes] for at in range(len(names))]
        arrays += [[one.new[at] for one in changes] for at in range(len(names))]
        with self._asked(source):  # one statement, so one transaction
            return self._connection.execute(query, arrays).rowcount

    def settle(self) -> None:
        """Nothing can be put aside here: vacuuming and the log are their administrator's."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _table(self, source: PlanSource) -> tuple[int, LiveTable, list[tuple[str, str]]]:
        if source.object not in self._known:
            with self._asked(source):
                found = self._connection.execute(_TABLE, [source.object]).fetchall()
                if len(found) != 1:
                    raise SourceNotReadable(object=source.object)
                oid, kind = found[0]
                columns = self._connection.execute(_COLUMNS, [oid]).fetchall()
                key = self._connection.execute(_KEY, [oid]).fetchall()
                triggers = self._connection.execute(_TRIGGERS, [oid]).fetchone()
            bar = None
            if kind not in ("r", b"r"):
                bar = NO_TABLE
            elif not key:
                bar = NO_KEY
            elif any(bare not in _KEYS for _, _, bare in key):
                bar = KEY_TYPE
            elif triggers and triggers[0]:
                bar = TRIGGERS
            table = LiveTable(
                columns={
                    name: LiveColumn(
                        declared=declared,
                        nullable=not required,
                        text=bare in _TEXTS,
                        bar=KEY_COLUMN
                        if bound
                        else GENERATED
                        if made
                        else None
                        if bare in (*_TEXTS, *_NUMBERS)
                        else WRONG_TYPE,
                    )
                    for name, declared, bare, required, made, bound in columns
                },
                key=tuple(name for name, _, _ in key),
                bar=bar,
            )
            self._known[source.object] = oid, table, [(name, declared) for name, declared, _ in key]
        return self._known[source.object]

    @contextmanager
    def _asked(self, source: PlanSource) -> Iterator[None]:
        try:
            yield
        except psycopg.OperationalError:
            raise LiveUnavailable(object=source.object) from None
        except psycopg.Error:
            raise NotInPlace(object_path=source.object, why=REFUSED) from None


def _name(source: PlanSource) -> sql.Identifier:
    return sql.Identifier(*source.object.split(".", 1))


def _quoted(name: str) -> str:
    """Return a quoted name for a text in which a per cent sign begins a parameter."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def _text_of(name: str, column: LiveColumn, *, of: str = "") -> sql.Composed:
    place = sql.SQL(of) + sql.Identifier(name)
    if column.declared.startswith("numeric"):
        return sql.SQL("pg_catalog.trim_scale({})::text").format(place)
    return sql.SQL("{}::text").format(place)
