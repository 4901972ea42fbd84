"""7z: members one after the other, unfolded once and never to a disk, read by py7zr."""

from __future__ import annotations

import lzma
import zlib

import py7zr

from tigertally.discovery.parsers.frames import CLOSE, DATA, MEMBER, PIECE_BYTES, Job, Sender, Trouble


class _Member(py7zr.Py7zIO):
    """Where py7zr writes one member: straight to the parent."""

    def __init__(self, out: Sender, name: str, size: int) -> None:
        self._out = out
        self._written = 0
        self._open = True
        out.said(MEMBER, {"name": name, "size": size, "skip": None})

    def write(self, s: bytes | bytearray) -> int:
        data = memoryview(s)
        for start in range(0, len(data), PIECE_BYTES):
            self._out.frame(DATA, data[start : start + PIECE_BYTES])
        self._written += len(data)
        return len(data)

    def read(self, size: int | None = None) -> bytes:  # noqa: ARG002 - nothing is kept
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:  # noqa: ARG002 - nothing is kept
        return 0

    def flush(self) -> None:
        pass

    def size(self) -> int:
        return self._written

    def close(self) -> None:
        self.end(broken=False)

    def end(self, *, broken: bool) -> None:
        """Tell the parent that the member is over, once."""
        if self._open:
            self._open = False
            self._out.said(CLOSE, {"broken": broken})


class _Factory(py7zr.WriterFactory):
    """Makes a place for each member."""

    def __init__(self, out: Sender, sizes: dict[str, int]) -> None:
        self._out = out
        self._sizes = sizes
        self.last: _Member | None = None

    def create(self, filename: str) -> py7zr.Py7zIO:
        if self.last is not None:
            self.last.end(broken=False)
        self.last = _Member(self._out, filename, self._sizes.get(filename, 0))
        return self.last


def parse(job: Job, out: Sender) -> Trouble | None:
    """Send every member."""
    try:
        archive = py7zr.SevenZipFile(job.file)
    except py7zr.exceptions.PasswordRequired:
        return Trouble.ENCRYPTED
    with archive:
        if archive.needs_password():
            return Trouble.ENCRYPTED
        sizes: dict[str, int] = {}
        for entry in archive.list():
            if entry.is_symlink:
                out.said(MEMBER, {"name": entry.filename, "size": 0, "skip": "link"})
                out.said(CLOSE, {"broken": False})
            elif entry.is_file:
                sizes[entry.filename] = int(entry.uncompressed or 0)
        factory = _Factory(out, sizes)
        try:
            archive.extract(targets=list(sizes), factory=factory)
        except (py7zr.exceptions.ArchiveError, lzma.LZMAError, zlib.error, EOFError, ValueError):
            if factory.last is None:
                return Trouble.BROKEN
            factory.last.end(broken=True)
            out.weak(Trouble.PARTS)
        else:
            if factory.last is not None:
                factory.last.end(broken=False)
    return None
