"""SQLite: rows of a table out, and a new database with other cells in them.

The copy is built, not edited: schema first, then the rows of each table in batches with their values replaced, then
indexes, views and triggers. So no clear value is ever written to the copy, not to a journal, not to a free page, and
there is nothing to erase. Row ids, column types, page size, encoding, ``user_version`` and ``application_id`` stay.

Integer columns stay integers where the token is all digits (card tokens are) and fits 64 bits. Left behind on purpose:
``sqlite_stat*`` tables, whose samples are cell values. Refused: virtual tables (their shadow tables hold text in a
form of their own), and schemas in whose text a value stands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from tigertally.base.text import Text
from tigertally.discovery import find_spans
from tigertally.sealing.errors import CopyNotWritable, NotRewritable, SourceNotReadable
from tigertally.sealing.plan import PlanSource
from tigertally.sealing.rewriters.grid import Grid
from tigertally.sealing.rewriters.shield import Shield, span_actions, whole_field

Cell = str | int | float | bytes | None

_INT64_MAX: Final = 2**63 - 1
_NO_ROOM: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE})
_VIRTUAL: Final = Text("数据库含有虚拟表", "the database has virtual tables")
_SCHEMA_TEXT: Final = Text("数据库结构的文本中含有客户数据", "a customer's value stands in the schema's text")
_CONSTRAINT: Final = Text("替换后的值违反数据库约束", "what replaces the values breaks a constraint of the database")
_BLOBS: Final = Text("计划中的列含有二进制值", "a planned column holds binary values")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """A table to copy: its name, the columns that are stored (generated ones are not), how rows are told apart."""

    name: str
    columns: tuple[str, ...]
    rowid: str  # name under which the row id can be read; empty if the table has none or a column is it
    strict: bool
    required: frozenset[str]  # columns that may not be NULL
    unique: frozenset[str]  # columns in which a value may not repeat


def opened(path: Path) -> sqlite3.Connection:
    """Return a read-only connection to the database file at ``path``; nothing is locked, nothing created beside it.

    What only a write-ahead log holds is not seen; the scan calls such a database partly scanned, so it is left out.
    """
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)


def deserialized(data: bytes) -> sqlite3.Connection:
    """Return a connection to a database held in memory (a member of an archive)."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    # A database in WAL mode cannot be opened in memory; bytes 18 and 19 say the mode (SQLite file format §1.3).
    connection.deserialize(data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data)
    return connection


def columns(connection: sqlite3.Connection, source: PlanSource) -> tuple[str, ...]:
    """Return the column names of the source's table; :class:`SourceNotReadable` if there is no such table."""
    try:
        rows = connection.execute("SELECT name FROM pragma_table_xinfo(?)", (source.table,)).fetchall()
    except sqlite3.Error:
        raise SourceNotReadable(object=source.object) from None
    if not rows:
        raise SourceNotReadable(object=source.object)
    return tuple(str(name) for (name,) in rows)


def read(connection: sqlite3.Connection, source: PlanSource, *, batch_rows: int) -> Iterator[Grid]:
    """Yield the rows of the source's table: its subject and planned columns only, in row id order."""
    known = columns(connection, source)
    wanted = dict.fromkeys([*([source.subject] if source.subject else []), *(one.name for one in source.fields)])
    names = tuple(name for name in wanted if name in known)
    if not names:
        yield Grid(row=0, names=(), columns=())
        return
    listed = ", ".join(_quoted(name) for name in names)
    first = 0
    try:
        cursor = connection.execute(f"SELECT {listed} FROM {_quoted(source.table)}")  # noqa: S608 - quoted names
        while rows := cursor.fetchmany(batch_rows):
            yield Grid(
                row=first,
                names=names,
                columns=tuple([_text(cell) for cell in part] for part in zip(*rows, strict=True)),
            )
            first += len(rows)
    except sqlite3.Error:
        raise SourceNotReadable(object=source.object) from None
    if not first:
        yield Grid(row=0, names=names, columns=tuple([] for _ in names))


def rewrite(
    origin: sqlite3.Connection,
    copy: sqlite3.Connection,
    sources: tuple[PlanSource, ...],
    shield: Shield,
    *,
    batch_rows: int,
) -> None:
    """Fill the empty database ``copy`` with the protected form of ``origin``. Both connections are autocommit."""
    object_path = sources[0].object
    plans = {source.table: source for source in sources}
    try:
        schema = origin.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
        ).fetchall()
        _check_schema(schema, object_path)
        for pragma in ("page_size", "encoding", "user_version", "application_id", "auto_vacuum"):
            ((value,),) = origin.execute(f"PRAGMA {pragma}").fetchall()
            copy.execute(
                f"PRAGMA {pragma} = {_quoted(str(value))}"
                if pragma == "encoding"
                else f"PRAGMA {pragma} = {int(value)}"
            )
        for pragma in (
            "journal_mode = OFF",
            "synchronous = OFF",
            "temp_store = MEMORY",
            "foreign_keys = OFF",
            "ignore_check_constraints = ON",
        ):
            copy.execute(f"PRAGMA {pragma}")
        origin.execute("BEGIN")
        copy.execute("BEGIN")
        for kind, name, statement in schema:
            if kind == "table" and not name.startswith("sqlite_"):
                copy.execute(statement)
                empty = PlanSource(object=object_path, kind="sqlite", table=name)
                _copy_rows(
                    origin, copy, _described(origin, name, statement), plans.get(name, empty), shield, batch_rows
                )
        _copy_sequences(origin, copy)
        for kind, _, statement in schema:
            if kind != "table":
                copy.execute(statement)
        copy.execute("COMMIT")
        origin.execute("COMMIT")
    except sqlite3.IntegrityError:
        raise NotRewritable(object_path=object_path, why=_CONSTRAINT) from None
    except sqlite3.Error as refused:  # its message may quote a value
        code = refused.sqlite_errorcode if isinstance(refused, sqlite3.OperationalError) else 0
        raise (CopyNotWritable() if code in _NO_ROOM else SourceNotReadable(object=object_path)) from None


def _check_schema(schema: list[tuple[str, str, str]], object_path: str) -> None:
    if any(kind == "table" and statement.upper().startswith("CREATE VIRTUAL") for kind, _, statement in schema):
        raise NotRewritable(object_path=object_path, why=_VIRTUAL)
    if len(find_spans("\n".join(statement for _, _, statement in schema).encode())):
        raise NotRewritable(object_path=object_path, why=_SCHEMA_TEXT)


def _described(origin: sqlite3.Connection, name: str, statement: str) -> _Table:
    rows = origin.execute('SELECT name, hidden, pk, type, "notnull" FROM pragma_table_xinfo(?)', (name,)).fetchall()
    stored = tuple(str(column) for column, hidden, *_ in rows if not hidden)
    taken = {column.lower() for column in stored}
    alias = [kind for _, _, pk, kind, _ in rows if pk]
    tail = statement.upper().rpartition(")")[2]
    rowid = next((word for word in ("rowid", "_rowid_", "oid") if word not in taken), "")
    if "WITHOUT ROWID" in tail or (len(alias) == 1 and str(alias[0]).upper() == "INTEGER"):
        rowid = ""
    indexed = origin.execute(
        'SELECT i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE l."unique"', (name,)
    ).fetchall()
    return _Table(
        name=name,
        columns=stored,
        rowid=rowid,
        strict="STRICT" in tail,
        required=frozenset(str(column) for column, _, pk, _, notnull in rows if notnull or pk),
        unique=frozenset(str(column) for (column,) in indexed if column is not None),
    )


def _copy_rows(
    origin: sqlite3.Connection,
    copy: sqlite3.Connection,
    table: _Table,
    source: PlanSource,
    shield: Shield,
    batch_rows: int,
) -> None:
    names = [*table.columns, *([table.rowid] if table.rowid else [])]
    listed = ", ".join(_quoted(name) if at < len(table.columns) else name for at, name in enumerate(names))
    marks = ", ".join("?" for _ in names)
    cursor = origin.execute(f"SELECT {listed} FROM {_quoted(table.name)}")  # noqa: S608 - quoted names
    gaps = count(1)
    insert = f"INSERT INTO {_quoted(table.name)} ({listed}) VALUES ({marks})"  # noqa: S608 - quoted names
    while rows := cursor.fetchmany(batch_rows):
        parts: list[list[Cell]] = [list(part) for part in zip(*rows, strict=True)]
        for at, name in enumerate(table.columns):
            fresh = _column(parts[at], name, source, shield, strict=table.strict)
            parts[at] = _filled(parts[at], fresh, name, table, gaps) if name in table.required else fresh
        copy.executemany(insert, zip(*parts, strict=True))


def _filled(old: list[Cell], new: list[Cell], name: str, table: _Table, gaps: Iterator[int]) -> list[Cell]:
    """Return a column that may not be NULL with something where values were purged: a blank, or a running number."""
    out: list[Cell] = []
    for before, after in zip(old, new, strict=True):
        if after is not None or before is None:
            out.append(after)
        elif table.strict and isinstance(before, (int, float)):
            out.append(-next(gaps))
        else:
            out.append(f"purged-{next(gaps)}" if name in table.unique else "")
    return out


def _column(cells: list[Cell], name: str, source: PlanSource, shield: Shield, *, strict: bool) -> list[Cell]:
    whole = whole_field(source.fields, name)
    planned = any(one.name == name for one in source.fields)
    before = [_text(cell) for cell in cells]
    if planned and any(isinstance(cell, bytes) and text is None for cell, text in zip(cells, before, strict=True)):
        raise NotRewritable(object_path=source.object, why=_BLOBS)
    after: list[str | None]
    if whole is not None:
        after = shield.cells(whole, before)
    elif name == source.subject:
        after = [*shield.subjects([text or "" for text in before])]
    elif planned:
        after = [*shield.spans([text or "" for text in before], span_actions(source.fields, name))]
    else:
        after = _unplanned(cells, before, shield)
    return [
        cell if new == old or (old is None and not new) else _typed(cell, new, strict=strict)
        for cell, old, new in zip(cells, before, after, strict=True)
    ]


def _unplanned(cells: list[Cell], before: list[str | None], shield: Shield) -> list[str | None]:
    """Return the column with leaks in its texts replaced, and among its numbers the cards that the vault knows."""
    out: list[str | None] = list(before)
    texts = [at for at, cell in enumerate(cells) if isinstance(cell, (str, bytes)) and before[at] is not None]
    if texts:
        for at, new in zip(texts, shield.unplanned([before[at] or "" for at in texts]), strict=True):
            out[at] = new
    numbers = [at for at, cell in enumerate(cells) if isinstance(cell, int)]
    if numbers:
        for at, new in zip(numbers, shield.known_numbers([before[at] or "" for at in numbers]), strict=True):
            out[at] = new
    return out


def _typed(cell: Cell, new: str | None, *, strict: bool) -> Cell:
    """Return what to store: an integer where there was one if that is possible, else text; strict tables get NULL."""
    if isinstance(cell, bytes):
        return b"" if new is None else new.encode()
    if new is None or isinstance(cell, str):
        return new
    if new.isdigit() and not new.startswith("0") and int(new) <= _INT64_MAX:
        return int(new)
    return None if strict else new


def _text(cell: Cell) -> str | None:
    """Return a cell as text; ``None`` for NULL and for blobs that are not text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bytes):
        try:
            return cell.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return None


def _copy_sequences(origin: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Carry over where AUTOINCREMENT stands, so that the copy never hands out an old number again."""
    if not origin.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchall():
        return
    copy.execute("DELETE FROM sqlite_sequence")
    copy.executemany(
        "INSERT INTO sqlite_sequence VALUES (?, ?)", origin.execute("SELECT name, seq FROM sqlite_sequence")
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def copy_file(path: Path, target: Path, sources: tuple[PlanSource, ...], shield: Shield, *, batch_rows: int) -> None:
    """Write the protected form of the database at ``path`` to the new file ``target``."""
    with closing(opened(path)) as origin, closing(sqlite3.connect(target, isolation_level=None)) as copy:
        rewrite(origin, copy, sources, shield, batch_rows=batch_rows)


def copy_bytes(data: bytes, sources: tuple[PlanSource, ...], shield: Shield, *, batch_rows: int) -> bytes:
    """Return the protected form of a database held in memory."""
    with closing(deserialized(data)) as origin, closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        rewrite(origin, copy, sources, shield, batch_rows=batch_rows)
        return copy.serialize()
