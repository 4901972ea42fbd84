"""Tables of database servers: text that the server writes, in pieces, judged by columns as a CSV file is.

The server turns each value into text and quotes it, so that no row is ever handled alone here: bytes go to Arrow,
columns come out. A source yields only whole pieces of whole rows, and says how many rows it gave; the two counts must
agree.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from tigertally.base.text import Text
from tigertally.discovery.columns import TableEvidence
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Kind, ObjectReport, PlaceKind, Status
from tigertally.discovery.naming import column_names
from tigertally.discovery.readers.delimited import Layout, Strays, parse_piece
from tigertally.discovery.readers.members import Run
from tigertally.discovery.readers.stream import Lost, Outcome, settle_encoding, text_windows
from tigertally.discovery.readers.text import scan_text

UTF8: Final = Encoding(name="utf-8", bom=b"", certain=False)
TWO_SNAPSHOTS: Final = Text(
    "连接中断后续读，跨越了两个快照", "read on after the connection was lost, so over two snapshots"
)
_ROWS: Final = Text("读到的行数与服务器所报不符", "the number of rows read is not what the server said")
_NOT_TABLE: Final = Text(
    "有内容无法按表格解析，已按文本扫描", "some of it could not be parsed as a table; scanned as text"
)


@dataclass(slots=True, kw_only=True)
class Told:
    """What the server side knows at the end: rows given, and why it was not all in one snapshot, if so."""

    rows: int = 0
    weak: Text | None = None


def read_table(
    run: Run, shown: str, columns: list[str], pieces: Iterator[bytes], told: Told, *, table: str | None = None
) -> None:
    """Scan a table whose rows come as CSV without a header; add its report and findings.

    ``told.rows`` is read after the last piece. What the iterator raises before its first piece goes to the caller.
    """
    started = run.clock.now()
    names = column_names(columns, len(columns))
    evidence = TableEvidence(kind=PlaceKind.COLUMN, table=table, names=names, headers=[*columns], key=run.key)
    strays = Strays(evidence=TextEvidence(key=run.key))
    outcome = Outcome(kind=Kind.TABLE)
    lost = Lost()
    layout = Layout(delimiter=",", width=len(columns), names=names, headers=(*columns,), header=False, header_lines=0)
    rows = 0
    for piece in pieces:
        # Whole rows: parsed here and now, so that no other thread waits for the interpreter.
        text = b"".join(text for text, _ in text_windows(io.BytesIO(piece), UTF8, lost, _told))
        try:
            rows += parse_piece(text, layout, evidence, strays)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            scan_text(strays.evidence, text)
            outcome.weaken(_NOT_TABLE)
    if told.weak is None and outcome.status is Status.SCANNED and rows + strays.count != told.rows:
        outcome.weaken(_ROWS)
    strays.flush()
    settle_encoding(outcome, lost)
    if told.weak is not None:
        outcome.weaken(told.weak)
    run.collected.findings += [
        *evidence.finish(shown),
        *strays.evidence.finish(name=shown, place=IN_TEXT, cells=0),
    ]
    run.collected.objects.append(
        ObjectReport(
            path=shown,
            kind=Kind.TABLE,
            encoding=None,
            status=outcome.status,
            reason=outcome.reason,
            size=lost.bytes_read,
            bytes_read=lost.bytes_read,
            seconds=round((run.clock.now() - started).total_seconds(), 6),
        )
    )


def _told(_: int) -> None:
    """Progress is told by the server side, in its own units."""
