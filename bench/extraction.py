"""Extraction: MB of text per second that a scan gets out of workbooks, PDFs, tables and packed files, findings and all.

The measure is the text (the CSV of the same rows), not the file. The same customers are written in every format. Peers
in the same run: what a script would use (openpyxl, rows of the database driver), reading every cell and judging none.
Memory is the peak of a process of its own, children's included, over a source that is streamed and far larger than what
it may take.
"""

from __future__ import annotations

import gzip
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
from pyarrow import parquet

from tigertally.base.clock import SystemClock
from tigertally.base.fields import FieldClass
from tigertally.discovery import Confidence, scan
from tigertally.testing import numbers, people

Row = dict[str, str | float]
Table = list[tuple[str, ...]]
_ROWS = 60_000
HEAD = ("客户编号", "姓名", "身份证号", "手机号", "卡号", "订单号", "备注")


def rows() -> list[Row]:
    """Return the rows of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_rows(Path(folder)))


def _rows(root: Path) -> Iterator[Row]:
    table = customers(_ROWS)
    text = "".join(",".join(row) + "\n" for row in [HEAD, *table]).encode()
    (root / "a.csv").write_bytes(text)
    base = _speed(root / "a.csv", len(text))
    _xlsx(root / "a.xlsx", table)
    yield _row("extract xlsx", _speed(root / "a.xlsx", len(text)), "openpyxl, every cell", _openpyxl(root, len(text)))
    _sqlite(root / "a.db", table)
    yield _row("extract sqlite", _speed(root / "a.db", len(text)), "sqlite3, every row", _sqlite3(root, len(text)))
    parquet.write_table(pa.table(dict(zip(HEAD, map(list, zip(*table, strict=True)), strict=True))), root / "a.parquet")
    yield _row("extract parquet", _speed(root / "a.parquet", len(text)), "discover csv", base)
    (root / "a.csv.gz").write_bytes(gzip.compress(text, 6))
    yield _row("extract csv.gz", _speed(root / "a.csv.gz", len(text)), "discover csv", base)


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


def _row(name: str, value: float, peer: str, peer_value: float) -> Row:
    return {
        "name": name,
        "value": round(value, 1),
        "unit": "MB/s",
        "peer": peer,
        "peer_value": round(peer_value, 1),
        "ratio": round(value / peer_value, 3),
    }


def _xlsx(path: Path, table: Table) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("客户")
    sheet.append(HEAD)
    for row in table:
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
