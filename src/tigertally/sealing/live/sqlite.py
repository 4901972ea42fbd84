"""Live SQLite databases: files under a folder, one connection each.

``secure_delete`` is on, so that what is overwritten is zeroed within the file; a write-ahead log is emptied when the
work is done. Integers stay integers by the column's own affinity.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tigertally.sealing.errors import LiveUnavailable, NotInPlace, SourceNotReadable
from tigertally.sealing.live.ports import (
    BINARY,
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
from tigertally.sealing.rewriters.containers import file_of

_BUSY_S: Final = 10
_REAL: Final = ("real", "floa", "doub")
_BLOB: Final = "blob"
_NOT_TEXT: Final = (*_REAL, "int", "num", "dec")


class LiveSqlite:
    """The SQLite files below ``root``. Writing only if ``writing``."""

    def __init__(self, root: Path, *, writing: bool) -> None:
        self._root = root
        self._mode = "rw" if writing else "ro"
        self._open: dict[str, sqlite3.Connection] = {}

    @property
    def place(self) -> str:
        """Return the folder."""
        return f"sqlite:{self._root.resolve()}"

    def describe(self, source: PlanSource) -> LiveTable:
        """Return what the table declares."""
        with self._asked(source) as connection:
            kind = connection.execute(
                "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?", (source.table,)
            ).fetchone()
            columns = connection.execute(
                'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (source.table,)
            ).fetchall()
            bound = {str(one) for (one,) in connection.execute(
                'SELECT "from" FROM pragma_foreign_key_list(?)', (source.table,)
            )}  # fmt: skip
            for (other,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                bound |= {
                    str(to or "")
                    for (to,) in connection.execute(
                        'SELECT "to" FROM pragma_foreign_key_list(?) WHERE "table" = ? COLLATE NOCASE',
                        (other, source.table),
                    )
                }
            triggers = connection.execute(
                "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE", (source.table,)
            ).fetchall()
        if not columns:
            raise SourceNotReadable(object=source.object)
        key = tuple(
            str(name) for name, _, _, _, _ in sorted((one for one in columns if one[3]), key=lambda one: one[3])
        )
        bar = None
        if kind is None or kind[0] != "table":
            bar = NO_TABLE
        elif not key:
            bar = NO_KEY
        elif any(" update" in " ".join(str(text).lower().split()) for (text,) in triggers):
            bar = TRIGGERS
        return LiveTable(
            columns={
                str(name): _column(str(declared), required=bool(required), key=bool(pk) or name in bound, hidden=hidden)
                for name, declared, required, pk, hidden in columns
            },
            key=key,
            bar=bar,
        )

    def stamp(self, source: PlanSource) -> str:
        """Return the file's counter of changes. Sealing digests the whole file instead."""
        with self._asked(source) as connection:
            ((version,),) = connection.execute("PRAGMA data_version").fetchall()
        return str(version)

    def read(
        self, source: PlanSource, names: tuple[str, ...], *, after: Key | None, upto: Key | None, limit: int
    ) -> Rows:
        """Return a page of rows."""
        table = self.describe(source)
        key = [_quoted(name) for name in table.key]
        where, values = bounds(key, ["?"] * len(key), after=after, upto=upto)
        listed = ", ".join([*key, *map(_quoted, names)])
        with self._asked(source) as connection:
            rows = connection.execute(
                f"SELECT {listed} FROM {_quoted(source.table)}{where} ORDER BY {', '.join(key)} LIMIT ?",  # noqa: S608
                (*values, limit),
            ).fetchall()
        width = len(key)
        for row in rows:
            if any(not isinstance(cell, (str, int)) for cell in row[:width]):
                raise NotInPlace(object_path=source.object, why=KEY_TYPE)
            if any(isinstance(cell, (bytes, float)) for cell in row[width:]):
                raise NotInPlace(object_path=source.object, why=BINARY)
        return Rows(
            keys=[tuple(row[:width]) for row in rows],
            cells=tuple(
                [None if row[at] is None else str(row[at]) for row in rows] for at in range(width, width + len(names))
            ),
        )

    def write(self, source: PlanSource, names: tuple[str, ...], changes: list[Change]) -> int:
        """Carry out changes in one transaction."""
        key = self.describe(source).key
        settings = ", ".join(f"{_quoted(name)} = ?" for name in names)
        same = [*(f"{_quoted(name)} = ?" for name in key), *(f"CAST({_quoted(name)} AS TEXT) IS ?" for name in names)]
        with self._asked(source) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = connection.executemany(
                    f"UPDATE {_quoted(source.table)} SET {settings} WHERE {' AND '.join(same)}",  # noqa: S608
                    [(*one.new, *one.key, *one.old) for one in changes],
                ).rowcount
                connection.execute("COMMIT")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return done

    def settle(self) -> None:
        """Empty the write-ahead logs, as far as other readers allow."""
        for connection in self._open.values():
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.Error:
                continue  # what is left there is named among the leftovers

    def close(self) -> None:
        """Close the files."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    @contextmanager
    def _asked(self, source: PlanSource) -> Iterator[sqlite3.Connection]:
        path = file_of(self._root, source.object)
        try:
            if source.object not in self._open:
                opened = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode={self._mode}", uri=True, isolation_level=None, timeout=_BUSY_S
                )
                self._open[source.object] = opened
                opened.execute("PRAGMA secure_delete = ON").fetchall()
                opened.execute("PRAGMA trusted_schema = OFF")
            yield self._open[source.object]
        except sqlite3.IntegrityError:
            raise NotInPlace(object_path=source.object, why=REFUSED) from None
        except sqlite3.OperationalError:
            raise LiveUnavailable(object=source.object) from None
        except sqlite3.Error:
            raise SourceNotReadable(object=source.object) from None


def _column(declared: str, *, required: bool, key: bool, hidden: int) -> LiveColumn:
    low = declared.lower()
    bar = None
    if key:
        bar = KEY_COLUMN
    elif hidden:
        bar = GENERATED
    elif any(word in low for word in _REAL) or low == _BLOB:
        bar = WRONG_TYPE
    return LiveColumn(
        declared=declared, nullable=not required, text=not any(word in low for word in _NOT_TEXT), bar=bar
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
