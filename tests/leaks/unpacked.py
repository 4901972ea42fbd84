"""Everything that is packed in a file, for tests that look for values in it: whole archives, and what is left of one.

A process that was killed leaves half an archive behind, with no list of members at its end. What stands in it is
looked at all the same: each member that begins is inflated as far as its bytes reach.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

LOCAL = b"PK\x03\x04"
GZIP = b"\x1f\x8b"
HEAD_BYTES = 30
PIECE_BYTES = 256
DEFLATE, GZIP_WRAP = -zlib.MAX_WBITS, 16 + zlib.MAX_WBITS


def unpacked(data: bytes, depth: int = 3) -> Iterator[tuple[str, bytes]]:
    """Return the members of a ZIP or gzip file, whole or broken, and theirs."""
    for name, inner in _members(data):
        yield name, inner
        if depth > 0:
            for further, deepest in unpacked(inner, depth - 1):
                yield f"{name}!/{further}", deepest


def _members(data: bytes) -> list[tuple[str, bytes]]:
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return [(info.filename, archive.read(info)) for info in archive.infolist()]
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            return list(salvaged(data))
    if data.startswith(GZIP):
        try:
            return [("unpacked", gzip.decompress(data))]
        except (OSError, zlib.error, EOFError):
            return [("salvaged", inflated(data, GZIP_WRAP))]
    return []


def salvaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Return what each member of a broken ZIP file holds, by the heads that stand before the members."""
    at = data.find(LOCAL)
    while at >= 0:
        following = data.find(LOCAL, at + 1)
        head = data[at : at + HEAD_BYTES]
        if len(head) == HEAD_BYTES:
            # APPNOTE 4.3.7: the sizes may be missing there, so they are not asked for.
            (method,) = struct.unpack_from("<H", head, 8)
            name_bytes, extra_bytes = struct.unpack_from("<HH", head, 26)
            start = at + HEAD_BYTES + name_bytes
            name = data[at + HEAD_BYTES : start].decode(errors="replace")
            body = data[start + extra_bytes :]
            if method == zipfile.ZIP_DEFLATED:
                yield name, inflated(body, DEFLATE)
            else:
                yield name, body[: following - start - extra_bytes] if following >= 0 else body
        at = following


def inflated(data: bytes, wrap: int) -> bytes:
    """Return what comes out before ``data`` ends or is broken."""
    stream = zlib.decompressobj(wrap)
    found = bytearray()
    try:
        for start in range(0, len(data), PIECE_BYTES):
            found += stream.decompress(data[start : start + PIECE_BYTES])
            if stream.eof:
                break
        found += stream.flush()
    except zlib.error:
        pass
    return bytes(found)
