"""OLE containers ([MS-CFB]): which of Microsoft's old formats one is, by the names in its directory.

Only the directory's first sectors are read; the content is a parser's business, in a child process.
"""

# ruff: noqa: PLR2004 - offsets in a header are its format

from __future__ import annotations

from typing import BinaryIO, Final

from tigertally.discovery.inventory import Kind

_SECTORS_MAX: Final = 64
_NAMES: Final = (
    ("Workbook", Kind.XLS),
    ("Book", Kind.XLS),
    ("__properties_version1.0", Kind.MSG),
    ("EncryptedPackage", Kind.BYTES),
)


def ole_kind(stream: BinaryIO) -> Kind | None:
    """Return XLS or MSG, BYTES for an encrypted document, None for anything else. ``stream`` is at its start."""
    header = stream.read(512)
    if len(header) < 512:
        return None
    shift = int.from_bytes(header[30:32], "little")
    first = int.from_bytes(header[48:52], "little")
    if shift not in (9, 12) or first > 1 << 24:
        return None
    size = 1 << shift
    at = 512
    while at < (first + 1) * size:
        chunk = stream.read(min((first + 1) * size - at, 1 << 20))
        if not chunk:
            return None
        at += len(chunk)
    directory = stream.read(size * _SECTORS_MAX)
    names: set[str] = set()
    for place in range(0, len(directory) - 127, 128):
        entry = directory[place : place + 128]
        if entry[66] not in (0, 1, 2, 5) or (place and entry[66] == 5):
            break  # what follows is content, perhaps of a container inside this one
        names.add(_name(entry))
    return next((kind for name, kind in _NAMES if name in names), None)


def _name(entry: bytes) -> str:
    length = int.from_bytes(entry[64:66], "little")
    return entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
