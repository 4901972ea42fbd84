"""Archives: guarded streams of members, and zip; each member is an object of its own, within limits.

Nothing is unpacked to disk: members are read as streams; what needs to seek (a zip or database inside) is
held in memory up to :data:`NESTED_BYTES_MAX`. Limits (``base.limits``), in this order:
1. the central directory's size, before it is parsed; 2. members and unfolded bytes, shared by everything
nested in one outermost file; 3. depth; 4. the ratio of unfolded to stored bytes, measured on what really
comes out, not on what the header says; 5. encrypted members are skipped. A broken member ends itself, not
the archive.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Protocol, cast

from tigertally.base.limits import ARCHIVE_RATIO_MAX
from tigertally.base.text import Text
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.inventory import Kind

NESTED_BYTES_MAX: Final = 256 * 1024 * 1024
DIRECTORY_BYTES_MAX: Final = 64 * 1024 * 1024
# What decoders raise of damaged data; RuntimeError is also that a method is not implemented.
_STREAM_ERRORS: Final = (OSError, EOFError, MemoryError, zlib.error, zipfile.BadZipFile, ValueError, RuntimeError)
_RATIO_FREE_BYTES: Final = 1024 * 1024  # small things may be as dense as they like
_STEP_BYTES: Final = 262_144
_TAIL_BYTES: Final = 22 + 65_535
_MIME_BYTES_MAX: Final = 200
_PARTS: Final = (
    ("xl/workbook.xml", Kind.XLSX),
    ("xl/workbook.bin", Kind.XLSB),
    ("word/document.xml", Kind.DOCX),
    ("ppt/presentation.xml", Kind.PPTX),
)
_ODF: Final = {b"application/vnd.oasis.opendocument.spreadsheet": Kind.ODS}
_UTF8_FLAG: Final = 0x800
_ENCRYPTED_FLAG: Final = 0x1

BOMB: Final = Text("解压比例超出上限，疑似压缩炸弹，已停止", "unfolds beyond the ratio limit, perhaps a bomb; stopped")
BUDGET: Final = Text("解压总量或时间超出上限，已停止", "unfolds beyond the limit of bytes or time; stopped")
DAMAGED: Final = Text("压缩数据损坏或被截断", "the compressed data is damaged or cut off")
DIRECTORY: Final = Text("压缩包目录损坏或过大", "the archive's directory is damaged or too large")
ENCRYPTED: Final = Text("成员已加密，无法读取", "the member is encrypted; not read")
METHOD: Final = Text("不支持的压缩方法", "the compression method is not supported")
NESTED: Final = Text("嵌套过大，未在内存中打开", "nested, and too large to be opened in memory")
DEPTH: Final = Text("嵌套层数超出上限，未打开", "nested deeper than the limit; not opened")


class Unfolding(Protocol):
    """A stream of a decoder."""

    def read1(self, size: int, /) -> bytes:
        """Return some bytes, at most ``size``; none at the end."""
        ...

    def close(self) -> None:
        """Let go of what is beneath."""
        ...


class Guarded(io.RawIOBase):
    """A stream that counts what comes out and stops at its limits, by raising :class:`Unreadable`.

    ``stored`` is how many bytes the member takes in its archive; ``spend`` takes from the shared budget and
    says whether there was enough. ``problem`` keeps the reason after the reader gave up.
    """

    def __init__(
        self,
        stream: Unfolding,
        *,
        stored: Callable[[], int],
        spend: Callable[[int], bool],
        beneath: io.RawIOBase | None = None,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._beneath = beneath
        self._stored = stored
        self._spend = spend
        self.total = 0
        self.problem: Text | None = None

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read like the stream; after a problem there is no more to read."""
        if self.problem is not None:
            return b""
        chunk = self._gather(size if size >= 0 else NESTED_BYTES_MAX)
        self.total += len(chunk)
        if self.total > _RATIO_FREE_BYTES and self.total > ARCHIVE_RATIO_MAX * max(self._stored(), 1):
            self.problem = BOMB
        elif not self._spend(len(chunk)):
            self.problem = BUDGET
        return chunk

    def _gather(self, size: int) -> bytes:
        """Read in steps, so that what came before a broken place is not lost."""
        pieces: list[bytes] = []
        try:
            while size > 0 and (piece := self._stream.read1(min(size, _STEP_BYTES))):
                pieces.append(piece)
                size -= len(piece)
        except _STREAM_ERRORS:
            self.problem = DAMAGED
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into ``buffer``."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the stream as well."""
        if not self.closed:
            self._stream.close()
            if self._beneath is not None:
                self._beneath.close()
        super().close()


class Counting(io.RawIOBase):
    """A stream that knows how many of its bytes were read."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Read and count."""
        chunk = self._stream.read(size)
        self.count += len(chunk)
        return chunk

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into ``buffer``."""
        chunk = self.read(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the stream as well."""
        if not self.closed:
            self._stream.close()
        super().close()


@contextmanager
def open_zip(stream: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose directory is within limits, or raise :class:`Unreadable`."""
    if _directory_bytes(stream) > DIRECTORY_BYTES_MAX:
        raise Unreadable(DIRECTORY)
    try:
        archive = zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, OverflowError, NotImplementedError, UnicodeError):
        raise Unreadable(DIRECTORY) from None
    with archive:
        yield archive


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, spend: Callable[[int], bool]) -> Guarded:
    """Return the unfolded stream of a member, or raise :class:`Unreadable`."""
    if member.flag_bits & _ENCRYPTED_FLAG:
        raise Unreadable(ENCRYPTED)
    try:
        unfolded = cast("zipfile.ZipExtFile", archive.open(member))
    except NotImplementedError:
        raise Unreadable(METHOD) from None
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, struct.error):
        raise Unreadable(DAMAGED) from None
    return Guarded(unfolded, stored=lambda: member.compress_size, spend=spend)


def member_name(member: zipfile.ZipInfo) -> str:
    """Return a member's name as its maker meant it: without the UTF-8 flag, UTF-8 or GB18030 rather than CP437."""
    name = member.filename
    if not member.flag_bits & _UTF8_FLAG and not name.isascii():
        try:
            raw = name.encode("cp437")
        except UnicodeEncodeError:
            return name
        for codec in ("utf-8", "gb18030"):
            try:
                return raw.decode(codec)
            except UnicodeDecodeError:
                continue
    return name


def document_kind(archive: zipfile.ZipFile) -> Kind | None:
    """Return which office document the zip is, if it is one: by the names that each must have."""
    names = {member.filename for member in archive.infolist()}
    if "[Content_Types].xml" in names:
        for part, kind in _PARTS:
            if part in names:
                return kind
    if "content.xml" in names and "mimetype" in names:
        try:
            with archive.open("mimetype") as stream:
                return _ODF.get(stream.read(_MIME_BYTES_MAX).strip(), Kind.ODT)
        except (*_STREAM_ERRORS, struct.error):
            return Kind.ODT
    return None


def _directory_bytes(stream: BinaryIO) -> int:
    """Return the central directory's size as its end record says (APPNOTE 4.3.16, 4.3.14), 0 if there is none."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(size - _TAIL_BYTES, 0))
    tail = stream.read(_TAIL_BYTES)
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        return 0
    found = int.from_bytes(tail[at + 12 : at + 16], "little")
    wide = tail.rfind(b"PK\x06\x06")
    if found == 0xFFFFFFFF and wide >= 0 and wide + 48 <= len(tail):  # noqa: PLR2004
        return int.from_bytes(tail[wide + 40 : wide + 48], "little")
    return found
