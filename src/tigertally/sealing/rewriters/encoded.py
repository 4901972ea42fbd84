"""Text of an object, and back to the same bytes.

Invariant: whatever is not replaced keeps its bytes. Each chunk is encoded again after decoding and compared, so a
codec that is not its own inverse for this file is found before anything is written, not by the file's reader later.
Byte order marks and line ends are kept as they are.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.sealing.errors import NotRewritable, SourceNotReadable

CHUNK_BYTES: Final = 1 << 20
LINE_CHARS_MAX: Final = 16 << 20

_MARKS: Final = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "gb18030": b"\x84\x31\x95\x33",
}
LONG_LINE: Final = Text("一行过长", "a line is too long")


class TextStream:
    """One object's text. ``mark`` is its byte order mark (empty if none), known after construction."""

    __slots__ = ("_encoding", "_object", "_rest", "_stream", "mark")

    def __init__(self, stream: BinaryIO, *, encoding: str, object_path: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._object = object_path
        head = stream.read(4)
        mark = _MARKS.get(encoding, b"")
        self.mark = mark if mark and head.startswith(mark) else b""
        self._rest = head[len(self.mark) :]

    def chunks(self) -> Iterator[str]:
        """Yield the text in pieces of about :data:`CHUNK_BYTES`; :class:`SourceNotReadable` for other bytes."""
        decoder = codecs.getincrementaldecoder(self._encoding)("strict")
        pending = b""
        raw = self._rest + self._stream.read(CHUNK_BYTES)
        while True:
            last = not raw
            try:
                text = decoder.decode(raw, final=last)
                left = decoder.getstate()[0]
                taken = pending + raw
                taken = taken[: len(taken) - len(left)]
                same = text.encode(self._encoding) == taken
            except (UnicodeError, ValueError):
                raise SourceNotReadable(object=self._object) from None
            if not same:
                raise SourceNotReadable(object=self._object)
            if text:
                yield text
            if last:
                return
            pending = left
            raw = self._stream.read(CHUNK_BYTES)

    def lines(self, *, per_batch: int) -> Iterator[list[str]]:
        """Yield lists of lines with their ends; the last line may have none. CR alone ends lines if LF never does.

        A line over :data:`LINE_CHARS_MAX` raises :class:`NotRewritable`.
        """
        tail = ""
        end = ""
        batch: list[str] = []
        for chunk in self.chunks():
            text = tail + chunk
            end = end or _line_end(text)
            pieces = text.split(end) if end else [text]
            tail = pieces.pop()
            if len(tail) > LINE_CHARS_MAX:
                raise NotRewritable(object_path=self._object, why=LONG_LINE)
            batch += [piece + end for piece in pieces]
            while len(batch) >= per_batch:
                yield batch[:per_batch]
                batch = batch[per_batch:]
        if tail:
            batch.append(tail)
        if batch:
            yield batch


def encoded(text: str, encoding: str, object_path: str) -> bytes:
    """Return the bytes of ``text``; a character outside ``encoding`` raises :class:`NotRewritable`."""
    try:
        return text.encode(encoding)
    except UnicodeError:
        reason = Text("令牌无法用原编码书写", "a token cannot be written in its encoding")
        raise NotRewritable(object_path=object_path, why=reason) from None


def _line_end(text: str) -> str:
    """Return what ends lines in ``text``, empty if that cannot be told yet (CR may be half of CRLF)."""
    if "\n" in text:
        return "\n"
    return "\r" if "\r" in text[:-1] else ""
