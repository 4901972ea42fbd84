"""SQLite databases: every table, every column, numbers as well as text; opened so that nothing is written.

``mode=ro&immutable=1`` takes no lock and makes no side file. What a write-ahead log beside the database
holds is then not seen through the tables, so the report says *partly*; the log itself is an object of the
tree and is scanned as bytes. A database inside an archive is opened in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa

from tigertally.base.limits import BATCH_ROWS
from tigertally.base.text import Text
from tigertally.discovery.columns import TableEvidence, cells_of, folded
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.folding import fold_text
from tigertally.discovery.inventory import Finding, Kind, PlaceKind
from tigertally.discovery.naming import column_names, safe_name
from tigertally.discovery.readers.stream import Outcome, Source

Value: TypeAlias = str | int | float | bytes | None

MEMORY_BYTES_MAX: Final = 256 * 1024 * 1024
BATCH_BYTES_MAX: Final = 64 * 1024 * 1024
_BATCH_ROWS_MIN: Final = 64
_BROKEN: Final = Text("数据库已损坏或被加密", "the database is damaged or encrypted")
_TABLE_BROKEN: Final = Text("有数据表无法读完", "a table cannot be read to its end")
_LOG: Final = Text(
    "旁边有未合并的预写日志（WAL），其内容只按字节扫描",
    "a write-ahead log lies beside it; that was scanned as bytes only",
)
_LARGE: Final = Text("压缩包内的数据库过大，未打开", "a database inside an archive, too large to open in memory")


def read_database(source: Source, *, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan all tables. Raises :class:`Unreadable` if the database cannot be opened at all."""
    outcome = Outcome(kind=Kind.SQLITE, bytes_read=source.size)
    try:
        with closing(_connect(source)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, BATCH_BYTES_MAX)
            tables = [
                str(row[0])
                for row in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
                    " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
                )
            ]
            database.text_factory = bytes  # decoded a column at a time
            for table in tables:
                try:
                    outcome.findings += _table(database, table, source.name, key)
                except (sqlite3.Error, OverflowError):
                    outcome.weaken(_TABLE_BROKEN)
    except sqlite3.Error:
        raise Unreadable(_BROKEN) from None
    if source.path is not None and _log_size(source.path):
        outcome.weaken(_LOG)
    advance(source.size)
    return outcome


def column_text(values: tuple[Value, ...]) -> pa.Array:
    """Return a column of database values as text cells."""
    kinds = set(map(type, values)) - {type(None)}
    try:
        if kinds == {bytes}:
            return folded(pa.array(values, pa.large_binary()).cast(pa.large_string()))
        if kinds == {int}:
            return pa.array(values, pa.int64()).cast(pa.large_string())
    except pa.ArrowInvalid:  # text in another encoding
        pass
    return cells_of([value_text(value) for value in values])


def value_text(value: Value) -> str | None:
    """Return a database value as text; whole numbers without a point, bytes as far as they are text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:  # noqa: PLR2004
        return str(int(value))
    return str(value)


def _connect(source: Source) -> sqlite3.Connection:
    if source.path is not None:
        uri = Path(source.path).absolute().as_uri()
        return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True)
    if source.size > MEMORY_BYTES_MAX:
        raise Unreadable(_LARGE)
    with source.open() as stream:
        image = stream.read(MEMORY_BYTES_MAX + 1)
    database = sqlite3.connect(":memory:")
    database.deserialize(_without_log(image))
    return database


def _without_log(image: bytes) -> bytes:
    """Return the image out of WAL mode, which cannot be opened in memory; bytes 18 and 19 say it (file format §1.3)."""
    return image[:18] + b"\x01\x01" + image[20:] if image[18:20] == b"\x02\x02" else image


def _log_size(path: str) -> int:
    try:
        return Path(path + "-wal").stat().st_size
    except OSError:
        return 0


def _table(database: sqlite3.Connection, table: str, object_: str, key: int) -> list[Finding]:
    quoted = table.replace('"', '""')
    cursor = database.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name from the schema, quoted
    headers: list[str | None] = [str(column[0]) for column in cursor.description]
    names = column_names([header or "" for header in headers], len(headers))
    evidence = TableEvidence(kind=PlaceKind.COLUMN, table=safe_name(table), names=names, headers=headers, key=key)
    cursor.arraysize = _BATCH_ROWS_MIN
    while rows := cursor.fetchmany():
        columns = [column_text(column) for column in zip(*rows, strict=True)]
        evidence.add(columns)
        largest = max(column.nbytes for column in columns) // len(rows) + 1
        cursor.arraysize = max(_BATCH_ROWS_MIN, min(BATCH_ROWS, BATCH_BYTES_MAX // (largest * len(columns))))
    return evidence.finish(object_)


def _text(raw: bytes) -> str:
    """Text as the database holds it: UTF-8, or GB18030 that somebody stored unasked."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    return fold_text(text)
