"""Delimited files: CSV, TSV and their kin, parsed by Arrow in blocks.

The delimiter and the header are read off the first lines; every column is text. A row with another
number of cells is scanned as text and counted. A file that Arrow cannot parse to its end is read again
as text from the start: its numbers are found, its columns are not judged, and the report says so.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
from pyarrow import csv as pa_csv

from tigertally.base.text import Text
from tigertally.discovery.columns import TableEvidence
from tigertally.discovery.encodings import Encoding, to_utf8
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.headers import header_row
from tigertally.discovery.inventory import IN_TEXT, Dialect, Kind, PlaceKind
from tigertally.discovery.naming import column_names
from tigertally.discovery.readers.stream import Lost, Outcome, Source, Utf8Stream, settle_encoding, text_windows
from tigertally.discovery.readers.text import read_text, scan_text

DELIMITERS: Final = ",\t;|"
COLUMNS_MAX: Final = 4_096
_BLOCK_BYTES: Final = 4 * 1024 * 1024
_SAMPLE_LINES: Final = 24
_RAGGED_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the first lines say a file is written; ``header_lines`` are skipped before the rows begin."""

    delimiter: str
    width: int
    names: tuple[str, ...]
    headers: tuple[str | None, ...]
    header: bool
    header_lines: int


def find_layout(sample: bytes, encoding: Encoding, *, agree: float) -> Layout | None:
    """Return the layout of a delimited file that begins with ``sample``.

    None if fewer than the share ``agree`` of its first lines have the same number of cells.
    """
    text = to_utf8(sample[len(encoding.bom) :], encoding.name)[0].decode("utf-8", "replace")
    lines = text.splitlines(keepends=True)
    if len(lines) > 1:
        lines = lines[:-1] if not text.endswith(("\n", "\r")) else lines
    lines = lines[:_SAMPLE_LINES]
    best: tuple[float, int, str, list[list[str]]] | None = None
    for delimiter in DELIMITERS:
        if not any(delimiter in line for line in lines):
            continue
        rows = _rows(lines, delimiter)
        width, votes = Counter(len(row) for row in rows).most_common(1)[0] if rows else (0, 0)
        if width < 2 or width > COLUMNS_MAX:  # noqa: PLR2004
            continue
        score = (votes / len(rows), width)
        if best is None or score > best[:2]:
            best = (*score, delimiter, rows)
    if best is None or best[0] < agree:
        return None
    _, width, delimiter, rows = best
    return _layout(rows, delimiter, width, lines)


def _layout(rows: list[list[str]], delimiter: str, width: int, lines: list[str]) -> Layout:
    at = header_row(rows[:12])
    head = rows[at] if at is not None and len(rows[at]) == width else None
    names = column_names(head, width)
    headers: tuple[str | None, ...] = tuple(cell.strip() or None for cell in head) if head else (None,) * width
    return Layout(
        delimiter=delimiter,
        width=width,
        names=names,
        headers=headers,
        header=head is not None,
        header_lines=_lines_of(lines, delimiter, at + 1) if head and at is not None else 0,
    )


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=delimiter) if row]
    except csv.Error:
        return []


def _lines_of(lines: list[str], delimiter: str, rows: int) -> int:
    """How many physical lines the first ``rows`` rows take."""
    reader = csv.reader(lines, delimiter=delimiter)
    seen = 0
    for row in reader:
        seen += bool(row)
        if seen == rows:
            break
    return reader.line_num


def read_delimited(
    source: Source, *, encoding: Encoding, layout: Layout, key: int, advance: Callable[[int], None]
) -> Outcome:
    """Scan ``source`` by columns."""
    kind = Kind.TSV if layout.delimiter == "\t" else Kind.CSV
    dialect = Dialect(delimiter=layout.delimiter, header=layout.header, columns=layout.names)
    outcome = Outcome(kind=kind, encoding=encoding.name, dialect=dialect)
    lost = Lost()
    told = _Advance(advance=advance)
    with source.open() as stream:
        table = TableEvidence(
            kind=PlaceKind.COLUMN, table=None, names=layout.names, headers=list(layout.headers), key=key
        )
        strays = Strays(evidence=TextEvidence(key=key))
        try:
            parse_columns(Utf8Stream(text_windows(stream, encoding, lost, told)), layout, table, strays)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, StopIteration):
            outcome = read_text(source, kind=kind, encoding=encoding, key=key, advance=told.rest)
            outcome.encoding, outcome.dialect = encoding.name, dialect
            outcome.weaken(
                Text(
                    "无法按表格解析，已按文本扫描，未判断各列",
                    "cannot be parsed as a table; scanned as text, columns not judged",
                )
            )
            return outcome
    strays.flush()
    outcome.findings = [
        *table.finish(source.name),
        *strays.evidence.finish(name=source.name, place=IN_TEXT, cells=0),
    ]
    outcome.bytes_read = lost.bytes_read if not encoding.name.startswith("utf-16") else source.size
    if strays.count:
        outcome.reason = Text(
            "有些行的列数不同，这些行已按文本扫描", "rows with another number of cells were scanned as text"
        )
    settle_encoding(outcome, lost)
    return outcome


@dataclass(slots=True, kw_only=True)
class Strays:
    """Rows that do not fit the table, scanned as text in pieces."""

    evidence: TextEvidence
    count: int = 0
    pending: list[bytes] = field(default_factory=list)
    pending_bytes: int = 0

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        """Take a row that does not fit; Arrow is told to go on."""
        self.count += 1
        line = row.text.encode("utf-8", "replace")
        self.pending.append(line)
        self.pending_bytes += len(line)
        if self.pending_bytes > _RAGGED_BYTES:
            self.flush()
        return "skip"

    def flush(self) -> None:
        """Scan what is pending."""
        if self.pending:
            scan_text(self.evidence, b"\n".join(self.pending))
        self.pending, self.pending_bytes = [], 0


@dataclass(slots=True, kw_only=True)
class _Advance:
    """Progress that is not told twice when a file is read twice."""

    advance: Callable[[int], None]
    told: int = 0
    again: int = 0

    def __call__(self, count: int) -> None:
        self.told += count
        self.advance(count)

    def rest(self, count: int) -> None:
        """Tell only what the first reading did not."""
        self.again += count
        if self.again > self.told:
            self.advance(min(count, self.again - self.told))


def parse_columns(stream: io.RawIOBase, layout: Layout, table: TableEvidence, strays: Strays) -> int:
    """Parse ``stream`` (UTF-8) into ``table`` batch by batch; return the number of rows that fitted.

    Raises what Arrow raises of text that it cannot parse as a table.
    """
    read, parse, convert = _options(layout, strays, _BLOCK_BYTES)
    reader = pa_csv.open_csv(
        pa.PythonFile(stream, mode="r"), read_options=read, parse_options=parse, convert_options=convert
    )
    rows = 0
    for batch in reader:
        table.add([batch.column(index) for index in range(layout.width)])
        rows += batch.num_rows
    return rows


def parse_piece(text: bytes, layout: Layout, table: TableEvidence, strays: Strays) -> int:
    """Parse whole rows that are in memory; otherwise as :func:`parse_columns`."""
    read, parse, convert = _options(layout, strays, len(text) + 1)
    held = pa_csv.read_csv(pa.py_buffer(text), read_options=read, parse_options=parse, convert_options=convert)
    for batch in held.to_batches():
        table.add([batch.column(index) for index in range(layout.width)])
    return int(held.num_rows)


def _options(
    layout: Layout, strays: Strays, block_bytes: int
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    names = [str(index) for index in range(layout.width)]
    return (
        pa_csv.ReadOptions(
            use_threads=False, block_size=block_bytes, column_names=names, skip_rows=layout.header_lines
        ),
        pa_csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=strays, ignore_empty_lines=True
        ),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=False
        ),
    )
