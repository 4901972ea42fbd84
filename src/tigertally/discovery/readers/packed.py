"""Streams that unfold one file: gzip, bzip2, xz and zstd, each within the limits of :class:`Guarded`.

An xz stream may ask for gigabytes of memory by its header, so the decoder gets a limit; zstd's window is limited by its
library (128 MiB). Several streams one after the other are one file, as their tools have it.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import BinaryIO, Final

import pyarrow as pa

from tigertally.discovery.inventory import Kind
from tigertally.discovery.readers.archives import Counting, Guarded

XZ_MEMORY_MAX: Final = 256 * 1024 * 1024
_READ_BYTES: Final = 65_536

SUFFIXES: Final[dict[Kind, tuple[tuple[str, str], ...]]] = {
    Kind.GZIP: ((".tgz", ".tar"), (".gz", "")),
    Kind.BZIP2: ((".tbz2", ".tar"), (".tbz", ".tar"), (".bz2", "")),
    Kind.XZ: ((".txz", ".tar"), (".xz", "")),
    Kind.ZSTD: ((".tzst", ".tar"), (".zst", "")),
}


def inner_name(name: str, kind: Kind) -> str:
    """Return what the content of a file called ``name`` is called."""
    for suffix, instead in SUFFIXES[kind]:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)] + instead
    return f"{name}.content"


def open_packed(kind: Kind, open_: Callable[[], BinaryIO], spend: Callable[[int], bool]) -> Guarded:
    """Return the unfolded stream of a file of ``kind``."""
    counted = Counting(open_())
    unfolded: gzip.GzipFile | bz2.BZ2File | _Xz | _Zstd
    if kind is Kind.GZIP:
        unfolded = gzip.GzipFile(fileobj=io.BufferedReader(counted, _READ_BYTES), mode="rb")
    elif kind is Kind.BZIP2:
        unfolded = bz2.BZ2File(io.BufferedReader(counted, _READ_BYTES))
    elif kind is Kind.XZ:
        unfolded = _Xz(counted)
    else:
        unfolded = _Zstd(counted)
    return Guarded(unfolded, stored=lambda: counted.count, spend=spend, beneath=counted)


class _Xz:
    """xz and lzma streams, with a limit of memory."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._decoder = lzma.LZMADecompressor(memlimit=XZ_MEMORY_MAX)
        self._rest = b""

    def read1(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes. Damage is an ``OSError``; an end in the middle an ``EOFError``."""
        try:
            return self._step(size)
        except lzma.LZMAError:
            raise OSError from None

    def close(self) -> None:
        """Nothing of its own to close."""

    def _step(self, size: int) -> bytes:
        while True:
            if self._decoder.eof:
                rest = (self._rest or self._decoder.unused_data).lstrip(b"\x00") or self._more()
                if not rest.strip(b"\x00"):
                    return b""
                self._decoder, self._rest = lzma.LZMADecompressor(memlimit=XZ_MEMORY_MAX), rest
            data = self._rest
            self._rest = b""
            if not data and self._decoder.needs_input and not (data := self._more()):
                raise EOFError
            out = self._decoder.decompress(data, size)
            if out:
                return out

    def _more(self) -> bytes:
        return self._stream.read(_READ_BYTES) or b""


class _Zstd:
    """zstd frames, by Arrow."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._unfolded = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), "zstd")

    def read1(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; damage is an ``OSError``."""
        return bytes(self._unfolded.read(size))

    def close(self) -> None:
        """Close the decoder."""
        self._unfolded.close()
