"""What holds other objects: zip, tar, 7z, one-file streams, office documents, mails; each member gets its own row."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO, Final, cast

from tigertally.base.limits import ARCHIVE_DEPTH_MAX
from tigertally.base.text import Text
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.evidence import TextEvidence
from tigertally.discovery.inventory import IN_TEXT, Kind, Status
from tigertally.discovery.parsers.frames import Task
from tigertally.discovery.readers import archives, mail, tars
from tigertally.discovery.readers.archives import Counting, Guarded
from tigertally.discovery.readers.documents import Part, read_parsed
from tigertally.discovery.readers.markup import part_windows
from tigertally.discovery.readers.members import Members, Run, told
from tigertally.discovery.readers.packed import inner_name, open_packed
from tigertally.discovery.readers.sheets import SHEET_BYTES_MAX, read_sheets
from tigertally.discovery.readers.stream import Outcome, Source
from tigertally.discovery.readers.text import scan_text

Read = Callable[[Run, Source, int], Status]

_LARGE_BOOK: Final = Text(
    "工作簿过大，按其 XML 扫描，未判断各列", "the workbook is too large; scanned as its XML, columns not judged"
)
_LINK: Final = Text("链接或设备，不跟随", "a link or a device; not followed")
_LARGE_MAIL: Final = Text("邮件过大，按文本扫描", "a message is too large; scanned as text")
_DAMAGED_MAIL: Final = Text(
    "邮件结构不完整，按能识别的部分扫描", "the message's structure is damaged; what could be told was scanned"
)


def read_packed(run: Run, read: Read, source: Source, kind: Kind, depth: int) -> Outcome:
    """Read a file that one compressor made of one file."""
    outcome = Outcome(kind=kind, bytes_read=source.size)
    members = _members(run, read, source, depth, outcome)
    shown = members.named(inner_name(PurePosixPath(source.name).name, kind))
    if shown is not None:
        members.opened(shown, lambda: open_packed(kind, source.open, run.budget.spend), size=None)
    return _told(run, source, depth, outcome)


def read_zip(run: Run, read: Read, source: Source, depth: int) -> Outcome:
    """Read a zip: a workbook, another document, or an archive."""
    outcome = Outcome(kind=Kind.ZIP, bytes_read=source.size)
    with source.open() as stream, archives.open_zip(stream) as archive:
        document = archives.document_kind(archive)
        if document in (Kind.XLSX, Kind.XLSB, Kind.ODS):
            unfolded = sum(member.file_size for member in archive.infolist())
            if unfolded <= SHEET_BYTES_MAX and unfolded <= 200 * max(source.size, 65_536):
                return read_sheets(source, document, key=run.key, advance=run.advance if depth == 0 else told)
            outcome.weaken(_LARGE_BOOK)
        elif document is not None:
            outcome.kind = document
            return _read_document(run, read, source, archive, depth, outcome)
        members = _members(run, read, source, depth, outcome)
        for member in archive.infolist():
            if not member.is_dir() and not _zip_member(run, members, archive, member):
                break
    return _told(run, source, depth, outcome)


def _zip_member(run: Run, members: Members, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    shown = members.named(archives.member_name(member))
    if shown is None:
        return False
    members.opened(shown, lambda: archives.open_member(archive, member, run.budget.spend), size=member.file_size)
    return True


def _read_document(
    run: Run, read: Read, source: Source, archive: zipfile.ZipFile, depth: int, outcome: Outcome
) -> Outcome:
    """Scan the XML parts of a document as its text; everything else in it (pictures, embedded files) is a member."""
    evidence = TextEvidence(key=run.key)
    members: Members | None = None
    for member in archive.infolist():
        if member.is_dir():
            continue
        if not member.filename.lower().endswith((".xml", ".rels")) and member.filename != "mimetype":
            members = members or _members(run, read, source, depth, outcome)
            if not _zip_member(run, members, archive, member):
                break
            continue
        try:
            part = archives.open_member(archive, member, run.budget.spend)
        except Unreadable as problem:
            outcome.weaken(problem.why)
            continue
        with part:
            for text in part_windows(cast("BinaryIO", part)):
                scan_text(evidence, text)
        if part.problem is not None:
            outcome.weaken(part.problem)
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    return _told(run, source, depth, outcome)


def read_tar(run: Run, read: Read, source: Source, depth: int) -> Outcome:
    """Read a tar, member after member."""
    outcome = Outcome(kind=Kind.TAR, bytes_read=source.size)
    members = _members(run, read, source, depth, outcome)
    with source.open() as stream:
        counted = Counting(stream)
        try:
            for index, member in enumerate(tars.members(cast("BinaryIO", counted))):
                shown = members.named(member.name)
                if shown is None:
                    break
                if member.content is None:
                    members.unread(shown, _LINK)
                    continue
                guarded = Guarded(member.content, stored=lambda: counted.count, spend=run.budget.spend)

                def again(index: int = index) -> Guarded:
                    return _tar_member(source, index, run)

                members.coming(shown, guarded, again, size=member.size)
        except Unreadable as problem:
            if not members.any:
                raise
            outcome.weaken(problem.why)
    return _told(run, source, depth, outcome)


def _tar_member(source: Source, index: int, run: Run) -> Guarded:
    """Return the stream of the member with this number, after running up to it."""
    counted = Counting(source.open())
    member = next(islice(tars.members(cast("BinaryIO", counted)), index, None), None)
    if member is None or member.content is None:
        raise Unreadable(archives.DAMAGED)
    return Guarded(member.content, stored=lambda: counted.count, spend=run.budget.spend, beneath=counted)


def read_parts(run: Run, read: Read, source: Source, task: Task, kind: Kind, depth: int) -> Outcome:
    """Read what a child takes apart (7z, PDF, msg): its text here, its members as objects."""

    def each(parts: Iterator[Part], outcome: Outcome) -> None:
        members: Members | None = None
        for part in parts:
            members = members or _members(run, read, source, depth, outcome)
            shown = members.named(part.name)
            if shown is None:
                return
            if part.skip is not None:
                members.unread(shown, part.skip)
                continue
            guarded = Guarded(part.content, stored=lambda: source.size, spend=run.budget.spend)

            members.coming(shown, guarded, _not_again, size=part.size or 0)

    return read_parsed(source, task, kind, key=run.key, advance=run.advance if depth == 0 else told, members=each)


def _not_again() -> Guarded:
    """Refuse: a child does not run twice over a large member; its reader's second look is not had."""
    raise Unreadable(archives.NESTED)


def read_mail(run: Run, read: Read, source: Source, depth: int) -> Outcome:
    """Read one message."""
    outcome = Outcome(kind=Kind.MAIL, bytes_read=source.size)
    with source.open() as stream:
        data = stream.read(mail.MESSAGE_BYTES_MAX + 1)
    if len(data) > mail.MESSAGE_BYTES_MAX:
        raise Unreadable(_LARGE_MAIL)
    parsed = mail.parse_mail(data)
    evidence = TextEvidence(key=run.key)
    for text in parsed.texts:
        scan_text(evidence, text)
    if parsed.damaged:
        outcome.weaken(_DAMAGED_MAIL)
    if parsed.attachments:
        members = _members(run, read, source, depth, outcome)
        for attachment in parsed.attachments:
            members.data(attachment.name, attachment.data)
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    return _told(run, source, depth, outcome)


def read_mbox(run: Run, read: Read, source: Source, depth: int) -> Outcome:
    """Read a mailbox: the texts of all messages are its own, their attachments are members (``message 12/a.xlsx``)."""
    outcome = Outcome(kind=Kind.MBOX, bytes_read=source.size)
    evidence = TextEvidence(key=run.key)
    members: Members | None = None
    with source.open() as stream:
        lines = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 20) if not hasattr(stream, "peek") else stream
        for number, (data, whole) in enumerate(mail.messages(lines), 1):
            try:
                parsed = mail.parse_mail(data) if whole else None
            except Unreadable:
                parsed = None
            if parsed is None:
                scan_text(evidence, ascii_digits(data))
                outcome.weaken(_LARGE_MAIL if not whole else _DAMAGED_MAIL)
                continue
            for text in parsed.texts:
                scan_text(evidence, text)
            if parsed.damaged:
                outcome.weaken(_DAMAGED_MAIL)
            for attachment in parsed.attachments:
                members = members or _members(run, read, source, depth, outcome)
                members.data(f"message {number}/{attachment.name}", attachment.data)
    outcome.findings = evidence.finish(name=source.name, place=IN_TEXT, cells=0)
    return _told(run, source, depth, outcome)


def _members(run: Run, read: Read, source: Source, depth: int, outcome: Outcome) -> Members:
    if depth >= ARCHIVE_DEPTH_MAX:
        raise Unreadable(archives.DEPTH)
    return Members(run=run, read=read, outer=source.name, depth=depth, outcome=outcome)


def _told(run: Run, source: Source, depth: int, outcome: Outcome) -> Outcome:
    if depth == 0:
        run.advance(source.size)
    return outcome


PLAIN: Final[dict[Kind, Callable[[Run, Read, Source, int], Outcome]]] = {
    Kind.ZIP: read_zip,
    Kind.TAR: read_tar,
    Kind.MAIL: read_mail,
    Kind.MBOX: read_mbox,
}
PACKED: Final = frozenset({Kind.GZIP, Kind.BZIP2, Kind.XZ, Kind.ZSTD})
PARSED: Final = {Kind.SEVENZIP: Task.SEVENZIP, Kind.PDF: Task.PDF, Kind.MSG: Task.MSG}
