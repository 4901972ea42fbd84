"""Bytes to windows of UTF-8 text: bounded, each byte in one window, no number cut in two.

A window ends at a line's end where there is one. In a line longer than a window it ends between two
characters that no number contains, so that what lies left and right of a number stays with it; only a
text without any such place in its last 64 KiB is cut blindly. Windows come with ASCII digits (full-width
ones folded) and are valid UTF-8, whatever the file held.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.encodings import CODECS, Encoding, is_utf8
from tigertally.discovery.inventory import Dialect, Finding, Kind, Status

WINDOW_BYTES: Final = 4 * 1024 * 1024
_SEAM_BYTES: Final = 65_536
# Two ASCII characters between which no number, label or GB18030 character goes on.
_SEAM: Final = re.compile(rb"[,;{}\[\]<>()|&\"\x00](?![0-9])|[A-Za-z/](?=[A-Za-z/<,;&])")


@dataclass(slots=True, kw_only=True)
class Source:
    """An object to read: its shown name, its size if known, and how to open it again from the start."""

    name: str
    size: int
    open: Callable[[], BinaryIO]
    path: str | None = None  # of a real file, for readers that need one

    def beside(self, suffix: str) -> bool:
        """Return whether a real file has another, not empty, beside it that is called as it is plus ``suffix``."""
        try:
            return self.path is not None and Path(self.path + suffix).stat().st_size > 0
        except OSError:
            return False


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What reading came to."""

    kind: Kind
    encoding: str | None = None
    status: Status = Status.SCANNED
    reason: Text | None = None
    bytes_read: int = 0
    dialect: Dialect | None = None
    findings: list[Finding] = field(default_factory=list)

    def weaken(self, reason: Text) -> None:
        """Make the outcome partly; the first reason stays."""
        if self.status is Status.SCANNED:
            self.status = Status.PARTLY
            self.reason = reason


@dataclass(slots=True, kw_only=True)
class Lost:
    """Counts what a decoder could not read."""

    characters: int = 0
    bytes_read: int = 0
    mixed: bool = False


def raw_windows(stream: BinaryIO | io.RawIOBase, lost: Lost, advance: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the stream's bytes in windows of at most about :data:`WINDOW_BYTES`, cut where a line ends."""
    rest = b""
    while chunk := stream.read(WINDOW_BYTES):
        lost.bytes_read += len(chunk)
        advance(len(chunk))
        end = chunk.rfind(b"\n") + 1
        if end:  # nearly always: one copy, of what goes out
            yield b"".join((rest, memoryview(chunk)[:end])) if rest or end < len(chunk) else chunk
            rest = chunk[end:]
            continue
        data = rest + chunk if rest else chunk
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) >= WINDOW_BYTES:
            cut = _seam(data)
        if cut:
            yield data[:cut] if cut < len(data) else data
        rest = data[cut:]
        if len(rest) >= WINDOW_BYTES:
            cut = _seam(rest)
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def text_windows(
    stream: BinaryIO, encoding: Encoding, lost: Lost, advance: Callable[[int], None]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield (UTF-8 with ASCII digits, raw bytes) for each window; raw is empty where the reading is sure."""
    if encoding.bom:
        stream.read(len(encoding.bom))
    if encoding.name.startswith("utf-16"):
        for data in raw_windows(_Transcoded(stream, encoding.name, lost), lost, advance):
            yield ascii_digits(data), b""
        return
    for raw in raw_windows(stream, lost, advance):
        if raw.isascii():
            yield raw, b""
        elif encoding.name in CODECS:
            text = raw.decode(CODECS[encoding.name], "replace")
            bad = text.count("\ufffd")
            lost.characters += bad
            yield ascii_digits(text.encode()), raw if bad or encoding.other else b""
        elif is_utf8(raw, whole=True):
            yield ascii_digits(raw), b""
        else:
            yield _otherwise(raw, encoding, lost), b""


def _otherwise(raw: bytes, encoding: Encoding, lost: Lost) -> bytes:
    """Return a window that is not UTF-8, in a file that began as UTF-8 or as bytes, as what it can be."""
    if encoding.name == "utf-8":
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "replace")
            lost.characters += text.count("\ufffd")
        else:
            lost.mixed = True
        return ascii_digits(text.encode())
    return raw


def _seam(data: bytes) -> int:
    place = 0
    for found in _SEAM.finditer(data, max(len(data) - _SEAM_BYTES, 1)):
        place = found.end()
    return place or len(data)


class _Transcoded(io.RawIOBase):
    """A UTF-16 stream read as UTF-8."""

    def __init__(self, stream: BinaryIO, name: str, lost: Lost) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._decoder = codecs.getincrementaldecoder(name)("replace")
        self._lost = lost

    def read(self, size: int = -1, /) -> bytes:
        while True:
            chunk = self._stream.read(size)
            text = self._decoder.decode(chunk, final=not chunk)
            self._lost.characters += text.count("\ufffd")
            out = text.encode("utf-8", "replace")
            if out or not chunk:
                return out


class Utf8Stream(io.RawIOBase):
    """Windows as a file that a parser reads."""

    def __init__(self, windows: Iterator[tuple[bytes, bytes]]) -> None:
        super().__init__()
        self._windows = windows
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into ``buffer``."""
        while not len(self._rest):
            found = next(self._windows, None)
            if found is None:
                return 0
            self._rest = memoryview(found[0])
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def settle_encoding(outcome: Outcome, lost: Lost) -> None:
    """Put what the decoder lost into the outcome."""
    if lost.characters:
        outcome.weaken(
            Text(
                "部分字符无法按识别出的编码解读，已替换后扫描",
                "some characters could not be read in the encoding; scanned around them",
            )
        )
    elif lost.mixed and outcome.reason is None:
        outcome.reason = Text(
            "UTF-8 与 GB18030 混用，两种读法都已扫描", "UTF-8 and GB18030 mixed; each part read as what it is"
        )
