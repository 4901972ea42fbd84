"""From an object to its reader, and from a reader's outcome to a coverage row."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tigertally.base.clock import Clock
from tigertally.base.limits import ARCHIVE_BYTES_MAX, ARCHIVE_MEMBERS_MAX
from tigertally.base.text import Text
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.inventory import Collected, Kind, ObjectReport, Status
from tigertally.discovery.readers.delimited import read_delimited
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import read_text
from tigertally.discovery.readers.sniff import HEAD_BYTES, Sniffed, opaque_reason, sniff

RAW: Final = Encoding(name="bytes", bom=b"", certain=False)


@dataclass(slots=True, kw_only=True)
class Budget:
    """What one outermost archive may still unfold: bytes and members, shared by everything nested in it."""

    bytes_left: int = ARCHIVE_BYTES_MAX
    members_left: int = ARCHIVE_MEMBERS_MAX


@dataclass(slots=True, kw_only=True)
class Run:
    """What all readers of one scan share. ``key`` mixes values before they are counted; it dies with the scan."""

    clock: Clock
    key: int
    advance: Callable[[int], None]
    collected: Collected
    budget: Budget = field(default_factory=Budget)


def read_object(run: Run, source: Source, *, depth: int) -> Status:
    """Read one object, add its report, its members' and its findings; return its status."""
    started = run.clock.now()
    with source.open() as stream:
        head = stream.read(HEAD_BYTES)
    sniffed = sniff(source.name, head, whole=len(head) >= source.size)
    index = len(run.collected.objects)
    outcome = _read(run, source, sniffed)
    run.collected.findings += outcome.findings
    run.collected.objects.insert(
        index,
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


def _read(run: Run, source: Source, sniffed: Sniffed) -> Outcome:
    if sniffed.layout is not None:
        return read_delimited(source, encoding=sniffed.encoding, layout=sniffed.layout, key=run.key, advance=run.advance)
    outcome = read_text(source, kind=sniffed.kind, encoding=sniffed.encoding, key=run.key, advance=run.advance)
    if sniffed.opaque is not None:
        outcome.weaken(opaque_reason(sniffed.opaque))
    return outcome
