"""The digit finder's door inside the wing: bytes in, columns of hits out, whichever engine is there.

Two engines with the same rules and the same answers: the compiled ``_core`` (ctypes, releases the GIL)
and ``plain`` (plain Python) for machines without a compiler. ``_core.c`` states the rules; a property
test holds the two equal. ``engine()`` says which one runs, ``slowness()`` what to tell people about it.

Kinds in a hit column: wire numbers of :mod:`tigertally.base.fields` for what is found, and three of our
own: :data:`ID_15` (15-digit resident ID, no check digit), :data:`MISS_PAN` and :data:`MISS_ID` (right
shape and issuer or region, wrong check digit: what tells chance from cards).
"""

from __future__ import annotations

import ctypes
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.base.text import Text
from tigertally.data.ibans import IBAN_LENGTHS
from tigertally.data.issuers import PAN_DIGITS_MIN, all_ranges
from tigertally.data.regions import PROVINCES, region_codes
from tigertally.discovery import folding, plain
from tigertally.discovery.hits import Hits, Tables, empty_hits, join_hits
from tigertally.discovery.words import Words

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

_VERSION: Final = 9
_ABSENT: Final = Text(
    "没有编译好的查找核心：改用纯 Python，结果相同，约慢 15 倍。请在有 C 编译器的机器上重新安装",
    "the compiled finder is not there: plain Python does it, with the same answers, about 15 times slower. "
    "Install again where there is a C compiler",
)
_STALE: Final = Text(
    "编译好的查找核心不属于这一版本：改用纯 Python，结果相同，约慢 15 倍。请重新安装",
    "the compiled finder is of another version or cannot be loaded: plain Python does it, with the same answers, about "
    "15 times slower. Install again",
)
_CAP: Final = 65_536
_GROUPS_MAX: Final = 2_048
_MOBILE_HEADS: Final = (
    (130, 139), (145, 149), (150, 153), (155, 159), (162, 162), (165, 167), (170, 178), (180, 193), (195, 199),
)  # fmt: skip  # blocks that the Ministry of Industry and Information Technology has allotted


class _TablesC(ctypes.Structure):
    _fields_ = (
        ("issuer", ctypes.c_void_p),
        ("region", ctypes.c_void_p),
        ("iban", ctypes.c_void_p),
        ("mobile", ctypes.c_void_p),
    )


class _WordsC(ctypes.Structure):
    _fields_ = (
        ("filter", ctypes.c_void_p),
        ("bucket", ctypes.c_void_p),
        ("literal", ctypes.c_void_p),
        ("shift", ctypes.c_void_p),
        ("begin", ctypes.c_void_p),
        ("bytes", ctypes.c_void_p),
    )


class _HitsC(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("kind", ctypes.c_void_p),
        ("flags", ctypes.c_void_p),
        ("value", ctypes.c_void_p),
        ("row", ctypes.c_void_p),
        ("cap", ctypes.c_int64),
        ("count", ctypes.c_int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    library: ctypes.CDLL
    tables: _TablesC


class _Columns:
    """Reusable output columns of one call; never shared between threads."""

    __slots__ = ("flags", "kind", "record", "row", "start", "stop", "value")

    def __init__(self, cap: int) -> None:
        self.start = np.empty(cap, np.int64)
        self.stop = np.empty(cap, np.int64)
        self.kind = np.empty(cap, np.uint8)
        self.flags = np.empty(cap, np.uint8)
        self.value = np.empty(cap, np.uint64)
        self.row = np.empty(cap, np.int64)
        columns = (self.start, self.stop, self.kind, self.flags, self.value, self.row)
        self.record = _HitsC(*(column.ctypes.data for column in columns), cap, 0)

    def take(self) -> Hits:
        """Copy what was written and make room again."""
        count = self.record.count
        self.record.count = 0
        return Hits(
            start=self.start[:count].copy(),
            stop=self.stop[:count].copy(),
            kind=self.kind[:count].copy(),
            flags=self.flags[:count].copy(),
            value=self.value[:count].copy(),
            row=self.row[:count].copy(),
        )


def engine() -> str:
    """Return ``"c"`` or ``"python"``: which engine answers."""
    return "python" if _compiled() is None else "c"


def slowness() -> Text | None:
    """Return what to tell people if plain Python answers, many times slower; None if the compiled engine does."""
    if _compiled() is not None:
        return None
    return _STALE if _core_path().exists() else _ABSENT


def scan(data: bytes, *, start: int = 0, stop: int | None = None) -> Hits:
    """Find numbers that begin in ``data[start:stop]``; the rest of ``data`` is context. Offsets are into ``data``."""
    limit = len(data) if stop is None else min(stop, len(data))
    compiled = _compiled()
    if compiled is None:
        return plain.scan(data, start=start, stop=limit, tables=tables())
    columns = _Columns(_CAP)
    parts: list[Hits] = []
    while start < limit:
        start = compiled.library.tt_scan(
            data, len(data), start, limit, ctypes.byref(compiled.tables), ctypes.byref(columns.record)
        )
        parts.append(columns.take())
    return join_hits(parts)


def scan_cells(data: memoryview | bytes, offsets: Int64s) -> Hits:
    """Find numbers in cells: cell ``r`` is ``data[offsets[r]:offsets[r + 1]]``. ``row`` says which cell.

    A cell longer than :data:`tigertally.discovery.hits.CELL_BYTES_MAX` may lose hits; callers scan such a cell as text.
    """
    rows = len(offsets) - 1
    compiled = _compiled()
    if compiled is None or rows <= 0:
        return plain.scan_cells(bytes(data), offsets, tables=tables()) if rows > 0 else empty_hits()
    buffer = np.frombuffer(data, np.uint8)
    columns = _Columns(_CAP)
    parts: list[Hits] = []
    row = 0
    while row < rows:
        row = compiled.library.tt_scan_cells(
            buffer.ctypes.data, offsets.ctypes.data, row, rows,
            ctypes.byref(compiled.tables), ctypes.byref(columns.record),
        )  # fmt: skip
        parts.append(columns.take())
    return join_hits(parts)


def beside(data: bytes, *, start: Int64s, stop: Int64s, reach: int) -> Hits:
    """Find labelled CVVs and expiry dates within ``reach`` bytes of the cards given in order by start and stop."""
    compiled = _compiled()
    if compiled is None:
        return plain.beside(data, start=start, stop=stop, reach=reach)
    start, stop = np.ascontiguousarray(start, np.int64), np.ascontiguousarray(stop, np.int64)
    # Every label takes at least six bytes, and each byte near a card is read once.
    columns = _Columns(min(len(data), (2 * reach + 32) * len(start)) // 6 + 16)
    compiled.library.tt_beside(
        data, len(data), start.ctypes.data, stop.ctypes.data, len(start), reach, ctypes.byref(columns.record)
    )
    return columns.take()


def context(data: bytes, start: Int64s) -> tuple[Int64s, Int64s, UInt64s]:
    """Return for each hit the label word before it: offset, length (0 if none), and a hash that groups equal labels.

    Without a label the hash is the number of separators between the line's begin and the hit.
    """
    compiled = _compiled()
    if compiled is None:
        return plain.context(data, start)
    start = np.ascontiguousarray(start, np.int64)
    word, length = np.zeros(len(start), np.int64), np.zeros(len(start), np.int64)
    digest = np.zeros(len(start), np.uint64)
    compiled.library.tt_context(
        data, len(data), start.ctypes.data, len(start), word.ctypes.data, length.ctypes.data, digest.ctypes.data
    )
    return word, length, digest


def words(data: memoryview | bytes, table: Words) -> tuple[Int64s, npt.NDArray[np.int32]]:
    """Return where literals of ``table`` begin in ``data``, in any case of ASCII, in order, and which they are."""
    compiled = _compiled()
    if compiled is None:
        return plain.words(bytes(data), table)
    columns = (table.filter, table.bucket, table.literal, table.shift, table.begin, table.bytes)
    record = _WordsC(*(column.ctypes.data for column in columns))
    buffer = np.frombuffer(data, np.uint8)
    place, which, count = np.empty(_CAP, np.int64), np.empty(_CAP, np.int32), ctypes.c_int64()
    parts: list[tuple[Int64s, npt.NDArray[np.int32]]] = []
    start = 0
    while start < len(buffer):
        start = compiled.library.tt_words(
            buffer.ctypes.data, len(buffer), start, len(buffer), ctypes.byref(record),
            place.ctypes.data, which.ctypes.data, _CAP, ctypes.byref(count),
        )  # fmt: skip
        parts.append((place[: count.value].copy(), which[: count.value].copy()))
    found = np.concatenate([part[0] for part in parts] or [place[:0]])
    literal = np.concatenate([part[1] for part in parts] or [which[:0]])
    order = np.lexsort((literal, found))
    return found[order], literal[order]


def names_beside(data: bytes, *, start: Int64s, stop: Int64s, surnames: npt.NDArray[np.uint8]) -> tuple[Int64s, Int64s]:
    """Return where two to four Han characters stand right beside numbers, the first a surname, begin and end.

    ``surnames``: 20,992 bits, one for each character from U+4E00 on.
    """
    compiled = _compiled()
    if compiled is None:
        return plain.names_beside(data, start=start, stop=stop, surnames=surnames)
    start, stop = np.ascontiguousarray(start, np.int64), np.ascontiguousarray(stop, np.int64)
    first, last = np.empty(2 * len(start), np.int64), np.empty(2 * len(start), np.int64)
    count = compiled.library.tt_names(
        data, len(data), start.ctypes.data, stop.ctypes.data, len(start), surnames.ctypes.data,
        first.ctypes.data, last.ctypes.data,
    )  # fmt: skip
    return first[:count], last[:count]


def groups(keys: UInt64s) -> list[Int64s]:
    """Return the rows of each different key, groups in no order, rows in theirs."""
    compiled = _compiled()
    if compiled is not None and len(keys):
        keys = np.ascontiguousarray(keys, np.uint64)
        group, first = np.empty(len(keys), np.uint16), np.empty(_GROUPS_MAX, np.int64)
        count = compiled.library.tt_groups(
            keys.ctypes.data, len(keys), group.ctypes.data, first.ctypes.data, _GROUPS_MAX
        )
        if count == 1:
            return [np.arange(len(keys))]
        if count > 0:
            order = np.argsort(group, kind="stable")  # of 16 bits: a radix sort
            return np.split(order, np.cumsum(np.bincount(group, minlength=count))[:-1])
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1) if len(keys) else []


def digest_cells(data: memoryview | bytes, offsets: Int64s, *, key: int) -> UInt64s:
    """Return a keyed 64-bit digest of each cell, for distinct counts within one scan only."""
    rows = len(offsets) - 1
    compiled = _compiled()
    if compiled is None:
        return plain.digest_cells(bytes(data), offsets, key=key)
    out = np.empty(max(rows, 0), np.uint64)
    if rows > 0:
        buffer = np.frombuffer(data, np.uint8)
        compiled.library.tt_digest_cells(buffer.ctypes.data, offsets.ctypes.data, rows, key, out.ctypes.data)
    return out


def ascii_digits(data: bytes) -> bytes:
    """Return UTF-8 ``data`` with full-width digits, dash, X and blank as ASCII; the same object if there are none."""
    compiled = _compiled()
    if compiled is None:
        return folding.ascii_digits(data)
    if compiled.library.tt_fold(data, len(data), None) == len(data):
        return data
    out = np.empty(len(data), np.uint8)
    return out[: compiled.library.tt_fold(data, len(data), out.ctypes.data)].tobytes()


@cache
def tables() -> Tables:
    """Return the lookup tables that both engines read; built once, about 3 MB."""
    issuer = np.zeros(1_000_000, np.uint16)
    for entry in all_ranges():
        scale = 10 ** (6 - len(entry.low))
        where = slice(int(entry.low) * scale, (int(entry.high) + 1) * scale)
        for lengths, shift in ((entry.strict, 0), (entry.broad, 8)):
            for length in lengths:
                issuer[where] |= np.uint16(1 << (length - PAN_DIGITS_MIN + shift))
    region = np.zeros(1_000_000, np.uint8)
    for province in PROVINCES:
        region[province * 10_000 : (province + 1) * 10_000] = 1
    region[np.fromiter(region_codes(), np.int64)] = 2
    iban = np.zeros(676, np.uint8)
    for country, length in IBAN_LENGTHS.items():
        iban[(ord(country[0]) - 65) * 26 + ord(country[1]) - 65] = length
    mobile = np.zeros(1_000, np.uint8)
    for low, high in _MOBILE_HEADS:
        mobile[low : high + 1] = 1
    return Tables(issuer=issuer, region=region, iban=iban, mobile=mobile)


def _core_path() -> Path:
    return Path(__file__).with_name("_core" + str(sysconfig.get_config_var("EXT_SUFFIX")))


@cache
def _compiled() -> _Engine | None:
    try:
        library = ctypes.CDLL(str(_core_path()))
        if library.tt_version() != _VERSION:  # built from another source: the fallback is right, if slow
            return None
    except (OSError, AttributeError):
        return None
    number, pointer = ctypes.c_int64, ctypes.c_void_p
    library.tt_scan.argtypes = (pointer, number, number, number, pointer, pointer)
    library.tt_scan.restype = number
    library.tt_scan_cells.argtypes = (pointer, pointer, number, number, pointer, pointer)
    library.tt_scan_cells.restype = number
    library.tt_beside.argtypes = (pointer, number, pointer, pointer, number, number, pointer)
    library.tt_beside.restype = number
    library.tt_context.argtypes = (pointer, number, pointer, number, pointer, pointer, pointer)
    library.tt_context.restype = None
    library.tt_digest_cells.argtypes = (pointer, pointer, number, ctypes.c_uint64, pointer)
    library.tt_digest_cells.restype = None
    library.tt_names.argtypes = (pointer, number, pointer, pointer, number, pointer, pointer, pointer)
    library.tt_names.restype = number
    library.tt_groups.argtypes = (pointer, number, pointer, pointer, number)
    library.tt_groups.restype = number
    library.tt_words.argtypes = (
        pointer, number, number, number, pointer, pointer, pointer, number, pointer,
    )  # fmt: skip
    library.tt_words.restype = number
    library.tt_fold.argtypes = (pointer, number, pointer)
    library.tt_fold.restype = number
    held = tables()
    record = _TablesC(*(column.ctypes.data for column in (held.issuer, held.region, held.iban, held.mobile)))
    return _Engine(library=library, tables=record)
