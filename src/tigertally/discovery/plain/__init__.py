"""The digit finder in plain Python: the same answers as ``_core.c``, for machines without a compiler.

A property test feeds both with the same bytes and compares every column.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tigertally.discovery.hits import Hits, Tables
from tigertally.discovery.plain.labels import FIRST_LETTERS, labelled, word_before
from tigertally.discovery.plain.names import han_at, name_before, name_behind
from tigertally.discovery.plain.numbers import walk
from tigertally.discovery.plain.view import DIGITS, FNV_BASIS, FNV_PRIME, UINT64_MAX, View, columns
from tigertally.discovery.words import Words

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

_SHORTEST_BYTES = 11  # a mobile number


def scan(data: bytes, *, start: int, stop: int, tables: Tables) -> Hits:
    """See :func:`tigertally.discovery.core.scan`."""
    view = View(data=data, lo=0, hi=len(data), row=-1, tables=tables)
    walk(view, max(start, 0), min(stop, len(data)))
    return columns(view.rows)


def scan_cells(data: bytes, offsets: Int64s, *, tables: Tables) -> Hits:
    """See :func:`tigertally.discovery.core.scan_cells`."""
    view = View(data=data, lo=0, hi=0, row=0, tables=tables)
    bounds = offsets.tolist()
    for row in range(len(bounds) - 1):
        view.lo, view.hi, view.row = bounds[row], bounds[row + 1], row
        if view.hi - view.lo >= _SHORTEST_BYTES:
            walk(view, view.lo, view.hi)
    return columns(view.rows)


def beside(data: bytes, *, start: Int64s, stop: Int64s, reach: int) -> Hits:
    """See :func:`tigertally.discovery.core.beside`."""
    view = View(data=data, lo=0, hi=len(data), row=-1, tables=None)
    done = 0
    for begin, end in zip(start.tolist(), stop.tolist(), strict=True):
        place, limit = max(begin - reach, done), min(end + reach, len(data))
        while place < limit:
            found = FIRST_LETTERS.search(data, place, limit)
            if found is None:
                place = max(place, limit)
                break
            place = found.start()
            if begin <= place < end:
                place = end
                continue
            place = labelled(view, place)
        done = max(place, done)
    return columns(view.rows)


def context(data: bytes, start: Int64s) -> tuple[Int64s, Int64s, UInt64s]:
    """See :func:`tigertally.discovery.core.context`."""
    view = View(data=data, lo=0, hi=len(data), row=-1, tables=None)
    word, length = np.zeros(len(start), np.int64), np.zeros(len(start), np.int64)
    digest = np.zeros(len(start), np.uint64)
    for index, place in enumerate(start.tolist()):
        begin, end, lettered = word_before(view, place)
        word[index] = begin
        length[index] = end - begin if lettered else 0
        if lettered:
            value = FNV_BASIS
            for char in data[begin:end].lower():
                if char not in DIGITS:
                    value = ((value ^ char) * FNV_PRIME) & UINT64_MAX
        else:
            floor = max(place - 1024, 0)
            line = data[max(data.rfind(b"\n", floor, place) + 1, floor) : place]
            value = sum(line.count(mark) for mark in (b",", b"\t", b"|", b";"))
        digest[index] = value
    return word, length, digest


def words(data: bytes, table: Words) -> tuple[Int64s, npt.NDArray[np.int32]]:
    """See :func:`tigertally.discovery.core.words`."""
    lowered = data.lower()
    found: list[tuple[int, int]] = []
    for index, literal in enumerate(table.literals):
        place = lowered.find(literal)
        while place >= 0:
            found.append((place, index))
            place = lowered.find(literal, place + 1)
    found.sort()
    return np.array([place for place, _ in found], np.int64), np.array([index for _, index in found], np.int32)


def names_beside(data: bytes, *, start: Int64s, stop: Int64s, surnames: npt.NDArray[np.uint8]) -> tuple[Int64s, Int64s]:
    """See :func:`tigertally.discovery.core.names_beside`."""
    view = View(data=data, lo=0, hi=len(data), row=-1, tables=None)
    known = np.unpackbits(surnames, bitorder="little").astype(bool).tolist()
    found = [
        span
        for begin, end in zip(start.tolist(), stop.tolist(), strict=True)
        for span in (name_before(view, begin), name_behind(view, end))
        if span is not None and known[han_at(view, span[0])]
    ]
    return np.array([begin for begin, _ in found], np.int64), np.array([end for _, end in found], np.int64)


def digest_cells(data: bytes, offsets: Int64s, *, key: int) -> UInt64s:
    """See :func:`tigertally.discovery.core.digest_cells`; another digest, the same use."""
    secret = key.to_bytes(8, "little")
    bounds = offsets.tolist()
    digests = [
        int.from_bytes(hashlib.blake2b(data[low:high], digest_size=8, key=secret).digest(), "little")
        for low, high in pairwise(bounds)
    ]
    return np.array(digests, np.uint64)
