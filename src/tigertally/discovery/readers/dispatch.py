"""From an object to its reader, and from a reader's outcome to a coverage row; archives lead back here."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from tigertally.base.text import Text
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.inventory import Kind, ObjectReport, Status
from tigertally.discovery.parsers.frames import Task
from tigertally.discovery.readers import containers
from tigertally.discovery.readers.databases import read_database
from tigertally.discovery.readers.delimited import read_delimited
from tigertally.discovery.readers.documents import read_parsed
from tigertally.discovery.readers.dumps import read_dump
from tigertally.discovery.readers.markup import read_html
from tigertally.discovery.readers.members import Budget, Run, head_of, told
from tigertally.discovery.readers.ole import ole_kind
from tigertally.discovery.readers.records import read_json
from tigertally.discovery.readers.rtf import read_rtf
from tigertally.discovery.readers.sheets import read_sheets
from tigertally.discovery.readers.sniff import Sniffed, sniff
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import read_text
from tigertally.discovery.readers.xmlpaths import read_xml

__all__ = ["Budget", "Run", "read_object"]

RAW: Final = Encoding(name="bytes", bom=b"", certain=False)
_LOG: Final = Text("旁边有未合并的预写日志（WAL），未读取", "a write-ahead log lies beside it, which was not read")
_LOCKED: Final = Text("已加密，无法读取", "encrypted; not read")


_OLE_NAMES: Final = {".xls": Kind.XLS, ".msg": Kind.MSG}
_TABLES: Final = {
    Kind.PARQUET: Task.PARQUET,
    Kind.ORC: Task.ORC,
    Kind.ARROW: Task.ARROW,
    Kind.DUCKDB: Task.DUCKDB,
}


def read_object(run: Run, source: Source, depth: int = 0) -> Status:
    """Read one object, add its report, its members' and its findings; return its status.

    Raises what opening the source raises (``OSError``, :class:`Unreadable`), before anything was added.
    """
    started = run.clock.now()
    if depth == 0:
        run.budget = run.allowance.begin(run.clock)
    with source.open() as stream:
        head = head_of(stream)
    sniffed = sniff(source.name, head, whole=len(head) >= source.size)
    mark = run.collected.mark()
    try:
        outcome = _read(run, source, sniffed, depth)
    except Unreadable as problem:
        run.collected.back_to(mark)
        outcome = _as_bytes(run, source, sniffed, problem.why)
    run.collected.findings += outcome.findings
    run.collected.objects.insert(
        mark[0],
        ObjectReport(
            path=source.name,
            kind=outcome.kind,
            encoding=outcome.encoding,
            status=outcome.status,
            reason=outcome.reason,
            size=source.size,
            bytes_read=outcome.bytes_read,
            seconds=round((run.clock.now() - started).total_seconds(), 6),
            dialect=outcome.dialect,
        ),
    )
    return outcome.status


def _read(run: Run, source: Source, sniffed: Sniffed, depth: int) -> Outcome:
    """Let the kind's reader read: what holds others first, then what a child parses, then text."""
    kind = sniffed.kind
    advance = run.advance if depth == 0 else told
    if kind in containers.PLAIN:
        return containers.PLAIN[kind](run, read_object, source, depth)
    if kind in containers.PACKED:
        return containers.read_packed(run, read_object, source, kind, depth)
    if kind in containers.PARSED:
        return containers.read_parts(run, read_object, source, containers.PARSED[kind], kind, depth)
    if kind is Kind.SQLITE:
        return read_database(source, key=run.key, advance=advance)
    if kind in _TABLES:
        outcome = read_parsed(source, _TABLES[kind], kind, key=run.key, advance=advance)
        if kind is Kind.DUCKDB and source.beside(".wal"):
            outcome.weaken(_LOG)
        return outcome
    return _read_ole(run, source, sniffed, depth) if sniffed.ole else _read_text_kind(run, source, sniffed)


def _read_ole(run: Run, source: Source, sniffed: Sniffed, depth: int) -> Outcome:
    """Read an OLE container: an old workbook, a message, an encrypted document, or one that is not opened."""
    with source.open() as stream:
        kind = ole_kind(stream) or _OLE_NAMES.get(PurePosixPath(source.name.lower()).suffix)
    if kind is Kind.XLS:
        sniffed.kind = kind
        return read_sheets(source, kind, key=run.key, advance=run.advance if depth == 0 else told)
    if kind is Kind.MSG:
        sniffed.kind = kind
        return containers.read_parts(run, read_object, source, Task.MSG, kind, depth)
    if kind is not None:
        sniffed.kind = kind
        raise Unreadable(_LOCKED)
    return _read_text_kind(run, source, sniffed)


def _read_text_kind(run: Run, source: Source, sniffed: Sniffed) -> Outcome:
    kind, encoding, key, advance = sniffed.kind, sniffed.encoding, run.key, run.advance
    if kind in (Kind.JSON, Kind.JSONL):
        outcome = read_json(source, kind=kind, encoding=encoding, key=key, advance=advance)
    elif kind is Kind.XML:
        outcome = read_xml(source, encoding=encoding, key=key, advance=advance)
    elif kind is Kind.HTML:
        outcome = read_html(source, encoding=encoding, key=key, advance=advance)
    elif kind is Kind.RTF:
        outcome = read_rtf(source, key=key, advance=advance)
    elif kind is Kind.SQL:
        outcome = read_dump(source, encoding=encoding, key=key, advance=advance)
    elif sniffed.layout is not None:
        outcome = read_delimited(source, encoding=encoding, layout=sniffed.layout, key=key, advance=advance)
    else:
        outcome = read_text(source, kind=kind, encoding=encoding, key=key, advance=advance)
    if sniffed.opaque is not None:
        outcome.weaken(sniffed.opaque)
    return outcome


def _as_bytes(run: Run, source: Source, sniffed: Sniffed, why: Text) -> Outcome:
    """Scan as bytes what its reader cannot open; it still counts as failed: its content was not seen."""
    outcome = read_text(source, kind=Kind.BYTES, encoding=RAW, key=run.key, advance=told)
    outcome.kind, outcome.status, outcome.reason = sniffed.kind, Status.FAILED, why
    return outcome
