"""tar: members one after the other from a stream that need not seek; ustar, GNU and pax headers.

POSIX.1-2017 *pax* gives the formats. Nothing is taken on trust: a header's sum must hold, names and pax records have a
limit, and a size only says how many bytes of the stream are the member's. A sparse member is its stored bytes. Links,
pipes and devices are members without content.
"""

# ruff: noqa: PLR2004 - offsets in a header are its format

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from tigertally.discovery.errors import Unreadable
from tigertally.discovery.readers.archives import DAMAGED

BLOCK: Final = 512
_RECORDS_BYTES_MAX: Final = 1024 * 1024
_STEP_BYTES: Final = 1024 * 1024


class Slice:
    """The bytes of one member; what is left of them is passed over when the next member is asked for."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self.left = size

    def read1(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; raise ``EOFError`` if the archive ends before the member does."""
        if not self.left:
            return b""
        data = self._stream.read(min(size, self.left))
        if not data:
            raise EOFError
        self.left -= len(data)
        return data

    def close(self) -> None:
        """Nothing of its own to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """A member; ``content`` is None for what has none (links, devices); folders are not told."""

    name: str
    size: int
    content: Slice | None


def members(stream: BinaryIO) -> Iterator[TarMember]:
    """Yield the members. Raises :class:`Unreadable` where the archive is damaged."""
    told = _Told()
    while header := _block(stream):
        if header == bytes(BLOCK):
            return
        if not _sum_holds(header):
            raise Unreadable(DAMAGED)
        size, kind = _number(header[124:136]), header[156:157]
        if kind in (b"L", b"K", b"x", b"g"):
            told.hear(kind, _records(stream, size))
            continue
        plain = kind not in (b"1", b"2", b"3", b"4", b"5", b"6")
        content = Slice(stream, told.size(size) if plain else 0)
        padding = -content.left % BLOCK
        if kind == b"S":
            _pass_sparse_headers(stream, header)
        name = told.name(header)
        if kind != b"5" and not (plain and name.endswith("/")):
            yield TarMember(name=name, size=content.left, content=content if plain else None)
        _skip(stream, content.left + padding)


@dataclass(slots=True)
class _Told:
    """What extended headers say of the next member (``x``, ``L``) and of all that follow (``g``)."""

    long_name: str | None = None
    own: dict[str, str] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)

    def hear(self, kind: bytes, records: bytes) -> None:
        """Take an extended header."""
        if kind == b"L":
            self.long_name = _decoded(records.rstrip(b"\x00"))
        elif kind == b"x":
            self.own = _pax(records)
        elif kind == b"g":
            self.shared |= _pax(records)

    def size(self, size: int) -> int:
        """Return the next member's size, given its header's."""
        told = (self.shared | self.own).get("size", "")
        size = int(told) if told.isdecimal() and len(told) < 20 else size
        if size < 0:
            raise Unreadable(DAMAGED)
        return size

    def name(self, header: bytes) -> str:
        """Return the next member's name, and forget what was said of it."""
        name = (self.shared | self.own).get("path") or self.long_name or _name(header)
        self.long_name, self.own = None, {}
        return name


def is_tar(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` begins with a tar header, of the oldest form too."""
    return len(head) >= BLOCK and head[:1] != b"\x00" and _sum_holds(head[:BLOCK])


def _pass_sparse_headers(stream: BinaryIO, header: bytes) -> None:
    more = header[482]
    while more:
        more = _exactly(stream, BLOCK)[504]


def _block(stream: BinaryIO) -> bytes:
    data = b""
    while len(data) < BLOCK and (more := stream.read(BLOCK - len(data))):
        data += more
    if data and len(data) < BLOCK:
        raise Unreadable(DAMAGED)
    return data


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            raise Unreadable(DAMAGED)
        data += more
    return data


def _records(stream: BinaryIO, size: int) -> bytes:
    if not 0 <= size <= _RECORDS_BYTES_MAX:
        raise Unreadable(DAMAGED)
    return _exactly(stream, size + -size % BLOCK)[:size]


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0:
        data = stream.read(min(count, _STEP_BYTES))
        if not data:
            raise Unreadable(DAMAGED)
        count -= len(data)


def _sum_holds(header: bytes) -> bool:
    return _number(header[148:156]) == sum(header[:148]) + 8 * 32 + sum(header[156:])


def _number(field: bytes) -> int:
    """Return an octal field, or a base-256 one (first bit set); -1 for neither."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.strip(b" \x00")
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        return -1


def _pax(records: bytes) -> dict[str, str]:
    """Return pax records: decimal length, blank, keyword=value, newline."""
    found: dict[str, str] = {}
    at = 0
    while at < len(records):
        blank = records.find(b" ", at, at + 12)
        digits = records[at:blank] if blank > 0 else b""
        if not digits.isdigit() or int(digits) < 5:
            break
        record = records[blank + 1 : at + int(digits) - 1]
        keyword, _, value = record.partition(b"=")
        found[_decoded(keyword)] = _decoded(value)
        at += int(digits)
    return found


def _name(header: bytes) -> str:
    name = header[:100].split(b"\x00")[0]
    prefix = header[345:500].split(b"\x00")[0] if header[257:263] == b"ustar\x00" else b""
    return _decoded(prefix + b"/" + name if prefix else name)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")
