"""Members of archives and mails as objects of their own, with their rows, within one budget.

Two sorts: those that can be opened again at will (zip, one-file streams, attachments in memory), and those that come
one after the other (tar, 7z). The latter are held in memory if small; a large one is read as it comes, and only a
reader that wants a second look makes the archive run again up to it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO, Final, cast

from tigertally.base.clock import Clock
from tigertally.base.limits import ARCHIVE_BYTES_MAX, ARCHIVE_MEMBERS_MAX, ARCHIVE_SECONDS_MAX
from tigertally.base.text import Text
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.inventory import Collected, Kind, ObjectReport, Status
from tigertally.discovery.naming import safe_name
from tigertally.discovery.readers import archives
from tigertally.discovery.readers.archives import Guarded
from tigertally.discovery.readers.sniff import HEAD_BYTES
from tigertally.discovery.readers.stream import Outcome, Source

HELD_BYTES_MAX: Final = 32 * 1024 * 1024
MEMBERS: Final = Text("成员过多，超出上限的未扫描", "too many members; those beyond the limit were not scanned")
NOT_ALL: Final = Text("有成员未能完整扫描", "some members were not scanned whole")
# Formats whose readers seek: held in memory, once.
_SEEKING: Final = (b"PK\x03\x04", b"PK\x05\x06", b"SQLite format 3\x00")


@dataclass(slots=True, kw_only=True)
class Budget:
    """What one outermost archive may still unfold: bytes, members and time, shared by everything nested in it."""

    bytes_left: int = ARCHIVE_BYTES_MAX
    members_left: int = ARCHIVE_MEMBERS_MAX
    seconds: float = ARCHIVE_SECONDS_MAX
    clock: Clock | None = None
    until: datetime | None = None

    def begin(self, clock: Clock) -> Budget:
        """Return a fresh budget whose time begins now."""
        return replace(self, clock=clock, until=clock.now() + timedelta(seconds=self.seconds))

    def spend(self, count: int) -> bool:
        """Take ``count`` bytes; return whether there were enough, of time too."""
        self.bytes_left -= count
        late = self.clock is not None and self.until is not None and self.clock.now() > self.until
        return self.bytes_left >= 0 and not late


@dataclass(slots=True, kw_only=True)
class Run:
    """What all readers of one scan share. ``key`` mixes values before they are counted; it dies with the scan."""

    clock: Clock
    key: int
    advance: Callable[[int], None]
    collected: Collected
    allowance: Budget = field(default_factory=Budget)  # of each outermost archive
    budget: Budget = field(default_factory=Budget)


@dataclass(slots=True, kw_only=True)
class Members:
    """The members of one archive as they are read; ``read`` is what reads an object."""

    run: Run
    read: Callable[[Run, Source, int], Status]
    outer: str
    depth: int
    outcome: Outcome
    _seen: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.run = replace(self.run, advance=told)

    @property
    def any(self) -> bool:
        """Whether there was a member at all."""
        return bool(self._seen)

    def named(self, name: str) -> str | None:
        """Return the shown path of the next member; None if there are too many already."""
        self.run.budget.members_left -= 1
        if self.run.budget.members_left < 0:
            self.outcome.weaken(MEMBERS)
            return None
        shown = safe_name(name)
        self._seen[shown] = self._seen.get(shown, 0) + 1
        if self._seen[shown] > 1:
            shown = f"{shown} ({self._seen[shown]})"
        return f"{self.outer}!/{shown}"

    def opened(self, shown: str, open_: Callable[[], Guarded], *, size: int | None) -> None:
        """Read a member that can be opened again at will."""
        streams: list[Guarded] = []

        def tracked() -> BinaryIO:
            streams.append(open_())
            return cast("BinaryIO", streams[-1])

        self._object(shown, size, streams, lambda: _seekable(shown, tracked, size))

    def coming(self, shown: str, stream: Guarded, again: Callable[[], Guarded], *, size: int) -> None:
        """Read a member that comes by only now; ``again`` opens it anew, at the price of running up to it."""
        streams = [stream]

        def second() -> BinaryIO:
            streams.append(again())
            return cast("BinaryIO", streams[-1])

        def source() -> Source:
            if size <= HELD_BYTES_MAX:
                image = stream.read(size)
                return Source(name=shown, size=size, open=lambda: io.BytesIO(image))
            return _seekable(shown, Once(cast("BinaryIO", stream), second).open, size)

        self._object(shown, size, streams, source)

    def data(self, name: str, data: bytes) -> None:
        """Read a member that is in memory."""
        shown = self.named(name)
        if shown is not None:
            self.opened(
                shown,
                lambda: Guarded(_Image(data), stored=lambda: len(data), spend=self.run.budget.spend),
                size=len(data),
            )

    def unread(self, shown: str, why: Text, *, size: int = 0, skipped: bool = True) -> None:
        """Give a member that is not read its row."""
        self.run.collected.objects.append(
            ObjectReport(
                path=shown, kind=Kind.BYTES, encoding=None, status=Status.SKIPPED if skipped else Status.FAILED,
                reason=why, size=size, bytes_read=0, seconds=0.0,
            )
        )  # fmt: skip
        self.outcome.weaken(NOT_ALL)

    def _object(self, shown: str, size: int | None, streams: list[Guarded], source: Callable[[], Source]) -> None:
        collected = self.run.collected
        mark = collected.mark()
        try:
            status = self.read(self.run, source(), self.depth + 1)
        except (Unreadable, OSError, zipfile.BadZipFile) as problem:
            why = problem.why if isinstance(problem, Unreadable) else archives.DAMAGED
            collected.back_to(mark)
            self.unread(shown, why, size=size or 0, skipped=why is archives.ENCRYPTED)
            return
        own = mark[0]
        collected.objects[own], status = _after(collected.objects[own], streams, size, status)
        if status is not Status.SCANNED:
            self.outcome.weaken(NOT_ALL)


class Once:
    """A stream that can be opened again as long as nobody read beyond its head; after that it must begin anew."""

    def __init__(self, stream: BinaryIO, again: Callable[[], BinaryIO]) -> None:
        self.stream = stream
        self.head = b""
        self.taken = False
        self._again = again

    def open(self) -> BinaryIO:
        """Return the stream from its start."""
        return self._again() if self.taken else cast("BinaryIO", _View(self))

    def more(self) -> None:
        """Read the head on."""
        while len(self.head) < HEAD_BYTES and (chunk := self.stream.read(HEAD_BYTES - len(self.head))):
            self.head += chunk


class _View(io.RawIOBase):
    """One opening of a :class:`Once`."""

    def __init__(self, once: Once) -> None:
        super().__init__()
        self._once = once
        self._at = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._at < HEAD_BYTES:
            if not self._once.head:
                self._once.more()
            chunk = self._once.head[self._at : self._at + size] if size >= 0 else self._once.head[self._at :]
            self._at += len(chunk)
            if chunk or len(self._once.head) < HEAD_BYTES:
                return chunk
        self._once.taken = True
        return self._once.stream.read(size)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Image(io.BytesIO):
    """Bytes in memory."""


def head_of(stream: BinaryIO) -> bytes:
    """Return the first 64 KiB."""
    head = b""
    while len(head) < HEAD_BYTES and (chunk := stream.read(HEAD_BYTES - len(head))):
        head += chunk
    return head


def told(_: int) -> None:
    """Members are inside what the progress already counts."""


def _seekable(shown: str, open_: Callable[[], BinaryIO], size: int | None) -> Source:
    """Return a source for a member. Zips, workbooks and databases need to seek, so they are held in memory, once."""
    with open_() as stream:
        head = head_of(stream)
        if not head.startswith(_SEEKING):
            known = size if size is not None else (len(head) if len(head) < HEAD_BYTES else 1 << 62)
            return Source(name=shown, size=known, open=open_)
        held = [head]
        left = archives.NESTED_BYTES_MAX - len(head)
        while chunk := stream.read(min(left + 1, 1 << 22)):
            held.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise Unreadable(archives.NESTED)
    image = b"".join(held)
    return Source(name=shown, size=len(image), open=lambda: io.BytesIO(image))


def _after(
    report: ObjectReport, streams: list[Guarded], size: int | None, status: Status
) -> tuple[ObjectReport, Status]:
    """Return a member's report with what stopped its stream, if anything did."""
    problem = next((stream.problem for stream in streams if stream.problem is not None), None)
    total = max((stream.total for stream in streams), default=0)
    if problem is not None and status is Status.SCANNED:
        status = Status.PARTLY
    return (
        replace(
            report,
            status=status,
            reason=problem or report.reason,
            size=total if size is None else size,
            bytes_read=total if problem is not None else min(report.bytes_read, total) or total,
        ),
        status,
    )
