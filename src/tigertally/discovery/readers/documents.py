"""Objects that a child process parses, turned into evidence: running text, tables and members.

The child says what is in a file (:mod:`tigertally.discovery.parsers`); here its text is scanned, its tables are judged,
and its members are handed on. The first rows of a table without headers are asked for one, as with any sheet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from tigertally.base.text import Text
from tigertally.discovery.columns import TableEvidence, folded
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.headers import header_row
from tigertally.discovery.inventory import IN_TEXT, Finding, Kind, PlaceKind
from tigertally.discovery.naming import column_names, safe_name
from tigertally.discovery.parsers.frames import BATCH, CLOSE, DATA, MEMBER, TABLE, TEXT, WEAK, Task, Trouble, columns_of
from tigertally.discovery.readers.child import Frame, frames, why
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import scan_text

_TEXT_BYTES: Final = 1024 * 1024
_HEAD_ROWS: Final = 12
_LINK: Final = Text("链接，不跟随", "a link; not followed")


@dataclass(slots=True, kw_only=True)
class Part:
    """A member that a child unfolds: read it before the next one is asked for."""

    name: str
    size: int | None
    skip: Text | None
    content: PartStream


class PartStream:
    """The bytes of a member as they come from the child."""

    def __init__(self, said: Generator[Frame]) -> None:
        self._said = said
        self._rest = memoryview(b"")
        self._over = False

    def read1(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; raise ``EOFError`` where the child could not go on."""
        while not len(self._rest) and not self._over:
            try:
                frame = next(self._said, None)
            except Unreadable:
                self._over = True
                raise EOFError from None
            if frame is None or frame.kind != DATA:
                self._over = True
                if frame is None or json.loads(frame.payload)["broken"]:
                    raise EOFError
                break
            self._rest = memoryview(frame.payload)
        piece = self._rest[:size]
        self._rest = self._rest[size:]
        return bytes(piece)

    def close(self) -> None:
        """Pass over the rest."""
        while not self._over:
            self._rest = memoryview(b"")
            try:
                self.read1(1)
            except EOFError:
                return


def read_parsed(
    source: Source,
    task: Task,
    kind: Kind,
    *,
    key: int,
    advance: Callable[[int], None],
    members: Callable[[Iterator[Part], Outcome], None] | None = None,
) -> Outcome:
    """Scan what a child makes of ``source``; its members go to ``members``.

    Raises :class:`Unreadable` if the child can read nothing of it; what fails later weakens the outcome.
    """
    outcome = Outcome(kind=kind, bytes_read=source.size)
    state = _State(outcome=outcome, key=key, name=source.name)
    with closing(frames(task, source)) as said:
        parts = _parts(said, state, task)
        try:
            if members is not None:
                members(parts, outcome)
            for part in parts:
                part.content.close()
        except Unreadable as problem:
            if not state.began:
                raise
            outcome.weaken(problem.why)
    outcome.findings = [*state.finish(), *outcome.findings]
    advance(source.size)
    return outcome


def _parts(said: Generator[Frame], state: _State, task: Task) -> Iterator[Part]:
    """Yield the members among the frames; everything else goes into the state."""
    for frame in said:
        if frame.kind == WEAK:
            state.outcome.weaken(why(task, Trouble(frame.payload.decode())))
            continue
        state.began = True
        if frame.kind == TEXT:
            state.text(frame.payload)
        elif frame.kind == TABLE:
            told = json.loads(frame.payload)
            state.table(told["table"], told["headers"])
        elif frame.kind == BATCH:
            state.batch(frame.payload)
        elif frame.kind == MEMBER:
            told = json.loads(frame.payload)
            part = Part(
                name=str(told["name"]),
                size=int(told["size"]),
                skip=_LINK if told["skip"] else None,
                content=PartStream(said),
            )
            yield part
            part.content.close()
        elif frame.kind not in (DATA, CLOSE):
            raise Unreadable(why(task, Trouble.DIED))


@dataclass(slots=True, kw_only=True)
class _State:
    """What a child has said so far."""

    outcome: Outcome
    key: int
    name: str
    began: bool = False
    _evidence: TextEvidence | None = None
    _pending: list[bytes] = field(default_factory=list, repr=False)
    _pending_bytes: int = 0
    _title: str | None = None
    _headers: list[str] | None = None
    _table: TableEvidence | None = None
    _open: bool = False
    _findings: list[Finding] = field(default_factory=list)

    def text(self, text: bytes) -> None:
        """Take running text."""
        self._pending.append(text)
        self._pending_bytes += len(text)
        if self._pending_bytes > _TEXT_BYTES:
            self._scan()

    def table(self, title: str | None, headers: list[str] | None) -> None:
        """Begin a table."""
        self._end_table()
        self._title, self._headers, self._open = title, headers, True

    def batch(self, payload: bytes) -> None:
        """Take a batch of the present table."""
        try:
            columns = [folded(column) for column in columns_of(payload)]
        except pa.ArrowInvalid:
            raise Unreadable(why(Task.BOOK, Trouble.DIED)) from None
        if self._table is None:
            columns = self._begin(columns)
        self._table_add(columns)

    def finish(self) -> list[Finding]:
        """Return all findings."""
        self._scan()
        self._end_table()
        found = [] if self._evidence is None else self._evidence.finish(name=self.name, place=IN_TEXT, cells=0)
        return [*self._findings, *found]

    def _begin(self, columns: list[pa.Array]) -> list[pa.Array]:
        """Make the table from its first batch; a header found in it is no cell."""
        titles, names = self._headers, self._headers
        if self._headers is None:
            rows = list(zip(*(column[:_HEAD_ROWS].to_pylist() for column in columns), strict=False))
            head = [[cell or "" for cell in row] for row in rows]
            at = header_row(head)
            titles = names = head[at] if at is not None else None
            if at is not None:
                columns = [pa.concat_arrays([column[:at], column[at + 1 :]]) for column in columns]
        width = len(columns)
        self._table = TableEvidence(
            kind=PlaceKind.COLUMN,
            table=None if self._title is None else safe_name(self._title),
            names=column_names(names, width),
            headers=[
                (titles[index].strip() or None) if titles and index < len(titles) else None for index in range(width)
            ],
            key=self.key,
        )
        return columns

    def _table_add(self, columns: list[pa.Array]) -> None:
        table = self._table
        if table is not None and len(columns) == len(table.columns):
            table.add(columns)
        else:
            self.outcome.weaken(why(Task.BOOK, Trouble.PARTS))

    def _end_table(self) -> None:
        if self._table is not None:
            self._findings += self._table.finish(self.name)
        self._table, self._open = None, False

    def _scan(self) -> None:
        if self._pending:
            self._evidence = self._evidence or TextEvidence(key=self.key)
            scan_text(self._evidence, ascii_digits(b"".join(self._pending)))
        self._pending, self._pending_bytes = [], 0
