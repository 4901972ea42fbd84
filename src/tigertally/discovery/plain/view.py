"""What both halves of the plain digit finder stand on: a bounded view of bytes, and columns that grow."""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from tigertally.discovery.hits import FULL, MOBILE, Hits, Tables

Row: TypeAlias = "tuple[int, int, int, int, int, int]"

WORD: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
LETTERS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS: Final = frozenset(b"0123456789")
ESCAPES: Final = frozenset(b"nrt")
FNV_BASIS: Final = 14695981039346656037
FNV_PRIME: Final = 1099511628211
UINT64_MAX: Final = 2**64 - 1


@dataclass(slots=True, kw_only=True)
class View:
    """Bytes ``data[lo:hi]`` and the columns that grow. ``row`` is -1 for a text, which is no cell."""

    data: bytes
    lo: int
    hi: int
    row: int
    tables: Tables | None
    rows: list[Row] = field(default_factory=list)

    def at(self, place: int) -> int:
        """Return the byte at ``place``, 0 outside."""
        return self.data[place] if self.lo <= place < self.hi else 0

    def put(self, start: int, stop: int, kind: int, flags: int, value: int) -> None:
        """Add a hit."""
        if self.row >= 0 and _fills(self, start, stop, kind):
            flags |= FULL
        self.rows.append((start, stop, kind, flags, value, max(self.row, 0)))


def columns(rows: list[Row]) -> Hits:
    """Return the rows as columns."""
    parts = list(zip(*rows, strict=True)) or [()] * 6
    return Hits(
        start=np.array(parts[0], np.int64),
        stop=np.array(parts[1], np.int64),
        kind=np.array(parts[2], np.uint8),
        flags=np.array(parts[3], np.uint8),
        value=np.array(parts[4], np.uint64),
        row=np.array(parts[5], np.int64),
    )


def digits_from(view: View, place: int, most: int) -> int:
    """Return how many digits stand from ``place`` on, ``most`` at most."""
    count = 0
    while count < most and view.at(place + count) in DIGITS:
        count += 1
    return count


def tables_of(view: View) -> Tables:
    """Return the lookup tables of a view that searches for numbers."""
    if view.tables is None:
        raise RuntimeError("no tables")
    return view.tables


def word_is(view: View, place: int, word: bytes) -> bool:
    """Whether ``word``, in lower case, stands at ``place`` in any case of ASCII."""
    if place < view.lo:
        return False
    here = view.data[place : min(place + len(word), view.hi)]
    return len(here) == len(word) and here.lower() == word


def _fills(view: View, start: int, stop: int, kind: int) -> bool:
    left, right = start - 1, stop
    while view.at(left) and view.at(left) in (b" \t\"'=+-860" if kind == MOBILE else b" \t\"'="):
        left -= 1
    if left >= view.lo:
        return False
    if view.at(right) == 0x2E:
        right += 1
        while view.at(right) == 0x30:
            right += 1
    while view.at(right) and view.at(right) in b" \t\"'\r":
        right += 1
    return right >= view.hi
