"""Workbooks (XLSX, XLSB, XLS, ODS): each sheet's cells as columns, read by calamine.

A sheet is a table without headers; the parent looks for one in its first rows.
"""

from __future__ import annotations

import datetime as dt
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import python_calamine as calamine

from tigertally.base.limits import BATCH_ROWS
from tigertally.discovery.columns import cells_of
from tigertally.discovery.parsers.frames import Job, Sender, Trouble

COLUMNS_MAX: Final = 4_096
_EXACT_MAX: Final = 2**53
Cell = str | float | bool | dt.date | dt.time | dt.datetime | dt.timedelta


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send every sheet."""
    try:
        book = calamine.load_workbook(job.file)
    except calamine.PasswordError:
        return Trouble.ENCRYPTED
    for name in book.sheet_names:
        try:
            _sheet(book, name, out)
        except (calamine.CalamineError, ValueError):
            out.weak(Trouble.PARTS)
        except BaseException as problem:
            if type(problem).__name__ != "PanicException":
                raise
            out.weak(Trouble.PARTS)
    return None


def _sheet(book: calamine.CalamineWorkbook, name: str, out: Sender) -> None:
    sheet = book.get_sheet_by_name(name)
    rows = sheet.iter_rows()
    if sheet.width > COLUMNS_MAX:
        out.weak(Trouble.WIDE)
    out.table(name, None)
    while batch := list(islice(rows, BATCH_ROWS)):
        columns = list(zip(*batch, strict=True))[:COLUMNS_MAX]
        out.batch([column_of(column) for column in columns])


def column_of(cells: tuple[Cell, ...]) -> pa.Array:
    """Return a column of cells as text; one kind of cell at a time, which is fast."""
    kinds = set(map(type, cells))
    if kinds == {str}:
        return cells_of(list(cells))  # type: ignore[arg-type]
    if kinds <= {str, float} and all(not cell for cell in cells if type(cell) is str):
        return _numbers(cells)  # type: ignore[arg-type]
    return cells_of([cell_text(cell) for cell in cells])


def _numbers(cells: tuple[float | str, ...]) -> pa.Array:
    """Return numbers (and empty cells) as text: whole ones without a point as far as a float is exact."""
    filled = np.array([type(cell) is float for cell in cells])
    values = np.array([cell if type(cell) is float else 0.0 for cell in cells], np.float64)
    whole = (np.abs(values) < _EXACT_MAX) & (values == np.floor(values))
    if not (whole | ~filled).all():
        return cells_of([cell_text(cell) for cell in cells])
    texts = pa.array(values.astype(np.int64)).cast(pa.large_string())
    return texts if filled.all() else pc.if_else(pa.array(filled), texts, "")


def cell_text(cell: Cell) -> str:
    """Return a cell as text: whole numbers without a point as far as a float is exact, dates in ISO form."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT_MAX else repr(cell)
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)
