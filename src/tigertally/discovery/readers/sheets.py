"""Spreadsheets (XLSX): each sheet is a table, its cells read by calamine.

The file is a zip: its limits are checked before a parser sees it. A workbook too large to be opened in
memory is read as its XML members instead. A spreadsheet keeps 15 digits of a number; longer card numbers
typed as numbers are destroyed, and a column of them is reported as damaged. The first row that is not a
title names the columns (:mod:`tigertally.discovery.headers`). What stands around the cells, comments, properties and
where links lead to, is scanned as text.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, Final
from urllib.parse import unquote

import python_calamine as calamine

from tigertally.base.limits import BATCH_ROWS
from tigertally.base.text import Text
from tigertally.discovery.columns import TableEvidence, cells_of
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.folding import fold_text
from tigertally.discovery.headers import header_row
from tigertally.discovery.inventory import IN_TEXT, Finding, Kind, PlaceKind
from tigertally.discovery.naming import column_names, safe_name
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import scan_text

SHEET_BYTES_MAX: Final = 256 * 1024 * 1024  # of XML, unfolded
COLUMNS_MAX: Final = 4_096
_EXACT_MAX: Final = 2**53
_HEAD_ROWS: Final = 12
_BROKEN: Final = Text("工作簿已损坏或被加密", "the workbook is damaged or encrypted")
_SHEET_BROKEN: Final = Text("有工作表无法读取", "a sheet cannot be read")
_WIDE: Final = Text("列数过多，多出的列未扫描", "too many columns; those beyond the limit were not scanned")

_AROUND_BROKEN: Final = Text("批注或链接无法读取", "comments or links cannot be read")
_AROUND: Final = re.compile(r"(?:.*/)?_rels/[^/]*\.rels|docProps/[^/]+\.xml|xl/(?:comments|threadedComments).*\.xml")
_TARGET: Final = re.compile(r"""\bTarget\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_MARKUP: Final = re.compile(r"<[^<>]*>")

Cell = str | float | bool | dt.date | dt.time | dt.datetime | dt.timedelta


def read_sheets(source: Source, *, key: int, advance: Callable[[int], None]) -> Outcome:
    """Scan the cells of every sheet. Raises :class:`Unreadable` if the workbook cannot be opened."""
    outcome = Outcome(kind=Kind.XLSX, bytes_read=source.size)
    with source.open() as stream:
        try:
            book = calamine.load_workbook(stream)
            names = list(book.sheet_names)
        except (calamine.CalamineError, OSError, ValueError):
            raise Unreadable(_BROKEN) from None
        except BaseException as problem:
            if _is_panic(problem):
                raise Unreadable(_BROKEN) from None
            raise
        for name in names:
            findings = _sheet(book, name, source.name, key, outcome)
            outcome.findings += findings
        outcome.findings += _around(stream, source.name, key, outcome)
    advance(source.size)
    return outcome


def _around(stream: BinaryIO, object_: str, key: int, outcome: Outcome) -> list[Finding]:
    """Return what lies in comments, properties and the targets of links, as running text."""
    evidence = TextEvidence(key=key)
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                if not _AROUND.fullmatch(member.filename):
                    continue
                with archive.open(member) as part:
                    text = part.read(SHEET_BYTES_MAX).decode("utf-8", "replace")
                if member.filename.endswith(".rels"):
                    text = "\n".join(unquote(one[1] or one[2]) for one in _TARGET.finditer(text))
                else:
                    text = _MARKUP.sub(" ", text)
                scan_text(evidence, ascii_digits(html.unescape(text).encode("utf-8", "replace")))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError):
        outcome.weaken(_AROUND_BROKEN)
    return evidence.finish(name=object_, place=IN_TEXT, cells=0)


def cell_text(cell: Cell) -> str:
    """Return a cell as text: whole numbers without a point as far as a float is exact, dates in ISO form."""
    if isinstance(cell, str):
        return fold_text(cell)
    if isinstance(cell, bool):
        return ""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT_MAX else repr(cell)
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def _is_panic(problem: BaseException) -> bool:
    """Tell a crash inside the parser, which arrives as an exception that is no Exception."""
    return type(problem).__name__ == "PanicException"


def _sheet(book: calamine.CalamineWorkbook, name: str, object_: str, key: int, outcome: Outcome) -> list[Finding]:
    try:
        rows = _rows(book, name)
        head = list(islice(rows, _HEAD_ROWS))
        if not head:
            return []
        at = header_row(head)
        width = max(len(row) for row in head)
        if width > COLUMNS_MAX:
            outcome.weaken(_WIDE)
            width = COLUMNS_MAX
        titles = head[at] if at is not None else None
        names = column_names(titles, width)
        headers = [titles[index].strip() or None if titles and index < len(titles) else None for index in range(width)]
        table = TableEvidence(kind=PlaceKind.COLUMN, table=safe_name(name), names=names, headers=headers, key=key)
        # Titles above the header are cells too.
        batch = [*head[: at or 0], *head[at + 1 if at is not None else 0 :]]
        while batch:
            table.add([cells_of([row[index] if index < len(row) else None for row in batch]) for index in range(width)])
            batch = list(islice(rows, BATCH_ROWS))
        return table.finish(object_)
    except (calamine.CalamineError, OSError, ValueError):
        outcome.weaken(_SHEET_BROKEN)
    except BaseException as problem:
        if not _is_panic(problem):
            raise
        outcome.weaken(_SHEET_BROKEN)
    return []


def _rows(book: calamine.CalamineWorkbook, name: str) -> Iterator[list[str]]:
    for row in book.get_sheet_by_name(name).iter_rows():
        yield [cell_text(cell) for cell in row]
