"""From an object to its reader, and from a reader's outcome to a coverage row; archives lead back here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from tigertally.base.clock import Clock
from tigertally.base.limits import ARCHIVE_BYTES_MAX, ARCHIVE_DEPTH_MAX, ARCHIVE_MEMBERS_MAX
from tigertally.base.text import Text
from tigertally.discovery.encodings import Encoding
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.inventory import Collected, Kind, ObjectReport, Status
from tigertally.discovery.naming import safe_name
from tigertally.discovery.readers import archives
from tigertally.discovery.readers.databases import read_database
from tigertally.discovery.readers.delimited import read_delimited
from tigertally.discovery.readers.dumps import read_dump
from tigertally.discovery.readers.records import read_json
from tigertally.discovery.readers.sheets import SHEET_BYTES_MAX, read_sheets
from tigertally.discovery.readers.sniff import HEAD_BYTES, Sniffed, sniff
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import read_text

RAW: Final = Encoding(name="bytes", bom=b"", certain=False)
_MEMBERS: Final = Text("成员过多，超出上限的未扫描", "too many members; those beyond the limit were not scanned")
_NOT_ALL: Final = Text("有成员未能完整扫描", "some members were not scanned whole")
_DOCUMENT: Final = Text(
    "文档按其 XML 扫描；被格式标记拆开的值可能遗漏",
    "the document was scanned as its XML; values split by formatting may be missed",
)
_LARGE_BOOK: Final = Text(
    "工作簿过大，按其 XML 扫描，未判断各列", "the workbook is too large; scanned as its XML, columns not judged"
)


@dataclass(slots=True, kw_only=True)
class Budget:
    """What one outermost archive may still unfold: bytes and members, shared by everything nested in it."""

    bytes_left: int = ARCHIVE_BYTES_MAX
    members_left: int = ARCHIVE_MEMBERS_MAX

    def spend(self, count: int) -> bool:
        """Take ``count`` bytes; return whether there were enough."""
        self.bytes_left -= count
        return self.bytes_left >= 0


@dataclass(slots=True, kw_only=True)
class Run:
    """What all readers of one scan share. ``key`` mixes values before they are counted; it dies with the scan."""

    clock: Clock
    key: int
    advance: Callable[[int], None]
    collected: Collected
    allowance: Budget = field(default_factory=Budget)  # of each outermost archive
    budget: Budget = field(default_factory=Budget)


def read_object(run: Run, source: Source, *, depth: int) -> Status:
    """Read one object, add its report, its members' and its findings; return its status.

    Raises what opening the source raises (``OSError``, :class:`Unreadable`), before anything was added.
    """
    started = run.clock.now()
    if depth == 0:
        run.budget = replace(run.allowance)
    with source.open() as stream:
        head = _head(stream)
    sniffed = sniff(source.name, head, whole=len(head) >= source.size)
    index = len(run.collected.objects)
    try:
        outcome = _read(run, source, sniffed, depth)
    except Unreadable as problem:
        outcome = _as_bytes(run, source, sniffed, problem.why)
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


def _head(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES:
        chunk = stream.read(HEAD_BYTES - len(head))
        if not chunk:
            break
        head += chunk
    return head


def _read(run: Run, source: Source, sniffed: Sniffed, depth: int) -> Outcome:
    kind = sniffed.kind
    if kind is Kind.SQLITE:
        return read_database(source, key=run.key, advance=run.advance)
    if kind is Kind.GZIP:
        return _read_gzip(run, source, depth)
    if kind is Kind.ZIP:
        return _read_zip(run, source, depth)
    return _read_text_kind(run, source, sniffed)


def _read_text_kind(run: Run, source: Source, sniffed: Sniffed) -> Outcome:
    kind, encoding = sniffed.kind, sniffed.encoding
    if kind in (Kind.JSON, Kind.JSONL):
        return read_json(source, kind=kind, encoding=encoding, key=run.key, advance=run.advance)
    if kind is Kind.SQL:
        return read_dump(source, encoding=encoding, key=run.key, advance=run.advance)
    if sniffed.layout is not None:
        return read_delimited(source, encoding=encoding, layout=sniffed.layout, key=run.key, advance=run.advance)
    outcome = read_text(source, kind=kind, encoding=encoding, key=run.key, advance=run.advance)
    if sniffed.opaque is not None:
        outcome.weaken(sniffed.opaque)
    return outcome


def _as_bytes(run: Run, source: Source, sniffed: Sniffed, why: Text) -> Outcome:
    """Scan as bytes what its reader cannot open; it still counts as failed: its content was not seen."""
    outcome = read_text(source, kind=Kind.BYTES, encoding=RAW, key=run.key, advance=_told)
    outcome.kind, outcome.status, outcome.reason = sniffed.kind, Status.FAILED, why
    return outcome


def _read_gzip(run: Run, source: Source, depth: int) -> Outcome:
    outcome = Outcome(kind=Kind.GZIP, bytes_read=source.size)
    if depth >= ARCHIVE_DEPTH_MAX:
        raise Unreadable(archives.DEPTH)
    name = PurePosixPath(source.name).name
    inner = name[:-3] if name.lower().endswith(".gz") and len(name) > 3 else f"{name}.content"  # noqa: PLR2004
    if name.lower().endswith(".tgz"):
        inner = f"{name[:-4]}.tar"
    shown = f"{source.name}!/{inner}"

    def open_() -> archives.Guarded:
        return archives.open_gzip(source.open, run.budget.spend)

    _read_member(run, shown, open_, size=None, depth=depth, outcome=outcome)
    if depth == 0:
        run.advance(source.size)
    return outcome


def _read_zip(run: Run, source: Source, depth: int) -> Outcome:
    outcome = Outcome(kind=Kind.ZIP, bytes_read=source.size)
    with source.open() as stream, archives.open_zip(stream) as archive:
        if archives.is_workbook(archive):
            unfolded = sum(member.file_size for member in archive.infolist())
            if unfolded <= SHEET_BYTES_MAX and unfolded <= 200 * max(source.size, 65_536):
                return read_sheets(source, key=run.key, advance=run.advance if depth == 0 else _told)
            outcome.weaken(_LARGE_BOOK)
        elif archives.is_document(archive):
            outcome.weaken(_DOCUMENT)
        if depth >= ARCHIVE_DEPTH_MAX:
            raise Unreadable(archives.DEPTH)
        _read_members(run, source, archive, depth, outcome)
    if depth == 0:
        run.advance(source.size)
    return outcome


def _read_members(run: Run, source: Source, archive: zipfile.ZipFile, depth: int, outcome: Outcome) -> None:
    seen: dict[str, int] = {}
    for member in archive.infolist():
        if member.is_dir():
            continue
        run.budget.members_left -= 1
        if run.budget.members_left < 0:
            outcome.weaken(_MEMBERS)
            return
        name = safe_name(archives.member_name(member))
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name} ({seen[name]})"

        def open_(member: zipfile.ZipInfo = member) -> archives.Guarded:
            return archives.open_member(archive, member, run.budget.spend)

        _read_member(run, f"{source.name}!/{name}", open_, size=member.file_size, depth=depth, outcome=outcome)


def _read_member(
    run: Run, shown: str, open_: Callable[[], archives.Guarded], *, size: int | None, depth: int, outcome: Outcome
) -> None:
    """Read one member as an object; what stopped its stream goes into its report and weakens the archive's."""
    streams: list[archives.Guarded] = []

    def tracked() -> BinaryIO:
        streams.append(open_())
        return streams[-1]  # type: ignore[return-value]

    inner = Run(clock=run.clock, key=run.key, advance=_told, collected=run.collected, budget=run.budget)
    mark = run.collected.mark()
    try:
        source = _seekable(shown, tracked, size)
        status = read_object(inner, source, depth=depth + 1)
    except (Unreadable, OSError, zipfile.BadZipFile) as problem:
        why = problem.why if isinstance(problem, Unreadable) else archives.DAMAGED
        skipped = why is archives.ENCRYPTED
        run.collected.back_to(mark)
        run.collected.objects.append(
            ObjectReport(
                path=shown,
                kind=Kind.BYTES,
                encoding=None,
                status=Status.SKIPPED if skipped else Status.FAILED,
                reason=why,
                size=size or 0,
                bytes_read=0,
                seconds=0.0,
            )
        )
        outcome.weaken(_NOT_ALL)
        return
    own = mark[0]
    run.collected.objects[own], status = _after(run.collected.objects[own], streams, size, status)
    if status is not Status.SCANNED:
        outcome.weaken(_NOT_ALL)


def _after(
    report: ObjectReport, streams: list[archives.Guarded], size: int | None, status: Status
) -> tuple[ObjectReport, Status]:
    problem = next((stream.problem for stream in streams if stream.problem is not None), None)
    total = max((stream.total for stream in streams), default=0)
    if problem is not None and status is Status.SCANNED:
        status = Status.PARTLY
    return (
        ObjectReport(
            path=report.path,
            kind=report.kind,
            encoding=report.encoding,
            status=status,
            reason=problem or report.reason,
            size=total if size is None else size,
            bytes_read=total if problem is not None else min(report.bytes_read, total) or total,
            seconds=report.seconds,
            dialect=report.dialect,
        ),
        status,
    )


def _seekable(shown: str, open_: Callable[[], BinaryIO], size: int | None) -> Source:
    """Return a source for a member. Zips, workbooks and databases need to seek, so they are held in memory, once."""
    with open_() as stream:
        head = _head(stream)
        if not head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"SQLite format 3\x00")):
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


def _told(_: int) -> None:
    """Members are inside what the progress already counts."""
