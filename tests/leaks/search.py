"""Finding given values in bytes of any kind, fast: files, transcripts, databases, what is packed in archives.

Each value is looked for as UTF-8, UTF-16 (both orders), GB18030, base64 (all three alignments), hexadecimal (both
cases), JSON and URL escapes, and digits also as 64-bit integers (both orders) and with separators between them. An
eight-byte window runs over the data as numbers; a bit table drops nearly all of them, the rest is compared whole.
Values whose form is shorter than a window are not looked for in that form. Not a test itself.
"""

from __future__ import annotations

import base64
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.leaks.unpacked import unpacked

WINDOW = 8
BITS = 24
CHUNK = 1 << 22
MIX = np.uint64(0x9E3779B97F4A7C15)
SEPARATORS = re.compile(rb"[\x00 \t\r\n.,;:_/\\|\-]+")
LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A value that stands where it must not: what kind of value, in which form, where."""

    label: str
    form: str
    place: str


@dataclass(slots=True)
class Needles:
    """Values to look for, by label (what kind of value it is)."""

    forms: dict[bytes, list[tuple[bytes, str, str]]] = field(default_factory=dict)
    table: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1 << BITS, dtype=np.bool_))

    @classmethod
    def of(cls, values: Mapping[str, Iterable[str]]) -> Needles:
        """Make the table."""
        found = cls()
        for label, several in values.items():
            for value in several:
                for form, spelled in forms_of(value):
                    if len(spelled) >= WINDOW:
                        found.forms.setdefault(spelled[:WINDOW], []).append((spelled, label, form))
        heads = np.frombuffer(b"".join(found.forms), dtype="<u8")
        found.table[_mixed(heads)] = True
        return found

    def search(self, data: bytes, place: str) -> set[Hit]:
        """Return what is found in ``data``, as it stands and with separators taken out."""
        hits = self._search(data, place)
        stripped = SEPARATORS.sub(b"", data)
        if len(stripped) != len(data):
            hits |= self._search(stripped, place + " (without separators)")
        return hits

    def _search(self, data: bytes, place: str) -> set[Hit]:
        hits: set[Hit] = set()
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK + LONGEST]
            for at in self._candidates(chunk):
                for spelled, label, form in self.forms.get(chunk[at : at + WINDOW], ()):
                    if chunk.startswith(spelled, at):
                        hits.add(Hit(label=label, form=form, place=place))
        return hits

    def _candidates(self, chunk: bytes) -> Iterator[int]:
        for phase in range(min(WINDOW, len(chunk))):
            usable = (len(chunk) - phase) // WINDOW * WINDOW
            if not usable:
                return
            windows = np.frombuffer(chunk, dtype="<u8", count=usable // WINDOW, offset=phase)
            yield from (np.flatnonzero(self.table[_mixed(windows)]) * WINDOW + phase).tolist()

    def search_file(self, path: Path) -> set[Hit]:
        """Search a file, its name, and what is packed in it."""
        hits = self.search(str(path).encode("utf-8", "surrogateescape"), f"name of {path}")
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            # A running server took it away (a dropped table's file at a checkpoint): what is gone holds nothing.
            return hits
        hits |= self.search(data, str(path))
        for name, inner in unpacked(data):
            hits |= self.search(name.encode() + b"\n" + inner, f"{path}!/{name}")
        return hits

    def search_tree(self, root: Path, *, except_for: Iterable[Path] = ()) -> set[Hit]:
        """Search every file below ``root``."""
        hits: set[Hit] = set()
        for path in files_below(root, except_for=except_for):
            hits |= self.search_file(path)
        return hits


def files_below(root: Path, *, except_for: Iterable[Path] = ()) -> list[Path]:
    """Return every file below ``root`` that is not in or below an exception."""
    left_out = tuple(except_for)
    return [
        path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not any(path == one or one in path.parents for one in left_out)
    ]


def forms_of(value: str) -> Iterator[tuple[str, bytes]]:
    """Return every form that ``value`` is looked for in, by name."""
    utf8 = value.encode()
    yield "utf-8", utf8
    yield "utf-16-le", value.encode("utf-16-le")
    yield "utf-16-be", value.encode("utf-16-be")
    yield "hex", utf8.hex().encode()
    yield "HEX", utf8.hex().upper().encode()
    for lead in range(3):
        packed = base64.b64encode(b"\x00" * lead + utf8 + b"\x00" * (-(lead + len(utf8)) % 3))
        # The first and the last letters also depend on what stands around the value.
        first, last = -(-lead * 8 // 6), (lead + len(utf8)) * 8 // 6
        yield f"base64+{lead}", packed[first:last]
        yield f"base64url+{lead}", packed[first:last].replace(b"+", b"-").replace(b"/", b"_")
    if not value.isascii():
        yield "gb18030", value.encode("gb18030")
        yield "json", value.encode("ascii", "backslashreplace")
        yield "url", urllib.parse.quote(value).encode()
    elif value.isdigit() and WINDOW < len(value) < 19:
        yield "int64-be", int(value).to_bytes(8, "big")
        yield "int64-le", int(value).to_bytes(8, "little")


def _mixed(windows: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        return (windows * MIX) >> np.uint64(64 - BITS)
