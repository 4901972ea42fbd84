"""Objects inside objects: opening ``outer.zip!/inner.csv``, and writing archives again member by member.

Members are streamed where their format allows it and otherwise held in memory up to :data:`MEMBER_BYTES_MAX`; nothing
is ever unpacked to a disk. Paths never leave the estate: links are not followed.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from tigertally.base.limits import ARCHIVE_DEPTH_MAX
from tigertally.base.text import Text
from tigertally.discovery import Kind
from tigertally.sealing.errors import CopyNotWritable, NotRewritable, SourceNotReadable
from tigertally.sealing.plan import MEMBER_MARK, Estate, stays_inside

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# What can be taken apart and written again, member by member.
CONTAINER_KINDS: Final = frozenset({Kind.ZIP, Kind.GZIP})
MEMBER_BYTES_MAX: Final = 512 * 1024 * 1024
_UTF8_FLAG: Final = 0x800
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LARGE: Final = Text("压缩包成员过大", "a member of the archive is too large")

# What damaged or hostile archives raise from the standard library.
ARCHIVE_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)


def file_of(root: Estate, object_path: str) -> Path:
    """Return the file that holds the object; :class:`SourceNotReadable` if missing, a link, or outside ``root``."""
    if isinstance(root, str):
        raise SourceNotReadable(object=object_path)  # a server has no files
    first = object_path.split(MEMBER_MARK, maxsplit=1)[0]
    path = root / first
    if not stays_inside(object_path):
        raise SourceNotReadable(object=object_path)
    at = root
    for step in Path(first).parts:
        at /= step
        if at.is_symlink():
            raise SourceNotReadable(object=object_path)
    if not path.is_file():
        raise SourceNotReadable(object=object_path)
    return path


@contextmanager
def opened_object(root: Estate, object_path: str) -> Iterator[BinaryIO]:
    """Yield a stream of the object's bytes, archives opened on the way; :class:`SourceNotReadable` if there is none.

    Damage that shows only while the stream is read is turned into the same problem.
    """
    path = file_of(root, object_path)
    members = object_path.split(MEMBER_MARK)[1:]
    if len(members) > ARCHIVE_DEPTH_MAX:
        raise SourceNotReadable(object=object_path)
    with ExitStack() as stack:
        try:
            stream = cast("BinaryIO", stack.enter_context(path.open("rb")))
            for member in members:
                stream = _member(stack, stream, member)
            yield stream
        except KeyError:
            raise SourceNotReadable(object=object_path) from None
        except ARCHIVE_ERRORS:
            raise SourceNotReadable(object=object_path) from None


def whole(stream: BinaryIO, object_path: str) -> bytes:
    """Return all bytes of a stream; over :data:`MEMBER_BYTES_MAX` raises :class:`NotRewritable`."""
    data = stream.read(MEMBER_BYTES_MAX + 1)
    if len(data) > MEMBER_BYTES_MAX:
        raise NotRewritable(object_path=object_path, why=_LARGE)
    return data


def seekable(stream: BinaryIO, object_path: str) -> BinaryIO:
    """Return a stream of the same bytes that can seek fast: files as they are, members from memory."""
    if isinstance(stream, io.BufferedReader | io.BytesIO):
        return stream
    return io.BytesIO(whole(stream, object_path))


def is_gzip(stream: BinaryIO) -> bool:
    """Return whether a seekable stream begins as gzip does; it is left at its start."""
    head = stream.read(2)
    stream.seek(0)
    return head == _GZIP_MAGIC


def members_of(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by the names under which discovery reports them; a repeated one has its number."""
    members: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, int] = {}
    for info in archive.infolist():
        if not info.is_dir():
            name = _meant_name(info)
            seen[name] = seen.get(name, 0) + 1
            members[name if seen[name] == 1 else f"{name} ({seen[name]})"] = info
    return members


def like(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """Return the entry under which a member's copy is written: same name, time and mode, stored or deflated."""
    made = zipfile.ZipInfo(_meant_name(info), info.date_time)
    made.compress_type = info.compress_type if info.compress_type == zipfile.ZIP_STORED else zipfile.ZIP_DEFLATED
    made.external_attr = info.external_attr
    made.create_system = info.create_system
    return made


def created(path: Path) -> BinaryIO:
    """Return a new file open for writing that only its owner can read. Writing raises :class:`CopyNotWritable`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    return io.BufferedWriter(_Written(descriptor, "wb"))


class _Written(io.FileIO):
    """A file of the copy. What the disk refuses must not pass for a source that cannot be read."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write; :class:`CopyNotWritable` instead of what the system says."""
        try:
            return super().write(data)
        except OSError:
            raise CopyNotWritable from None


def _member(stack: ExitStack, stream: BinaryIO, member: str) -> BinaryIO:
    """Return the stream of one member of the archive that ``stream`` is."""
    base = seekable(stream, member)
    if is_gzip(base):
        return cast("BinaryIO", stack.enter_context(gzip.open(base, "rb")))
    archive = stack.enter_context(zipfile.ZipFile(base))
    return cast("BinaryIO", stack.enter_context(archive.open(members_of(archive)[member])))


def _meant_name(info: zipfile.ZipInfo) -> str:
    """Return a member's name as its maker meant it: without the UTF-8 flag (bit 11), UTF-8 or GB18030 before CP437."""
    if info.flag_bits & _UTF8_FLAG or info.filename.isascii():
        return info.filename
    for codec in ("utf-8", "gb18030"):
        try:
            return info.filename.encode("cp437").decode(codec)
        except UnicodeError:
            continue
    return info.filename
