"""The digit finder in plain Python: the same answers as ``_core.c``, for machines without a compiler.

Each function here mirrors the one of the same name there, rule for rule; the numbered rules stand at the
top of ``_core.c``. Regular expressions only pick where to look. A property test feeds both with the same
bytes and compares every column.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tigertally.discovery.hits import (
    ALSO,
    CVV,
    EXPIRY,
    FULL,
    GROUPED,
    IBAN,
    ID_15,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NATIONAL_ID,
    PAN,
    STRICT,
    TRACK,
    Hits,
    Tables,
)

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]

# Where to look: a run long enough by itself, or a head of a group shape.
_RUNS: Final = re.compile(rb"(?<![0-9])(?:[0-9]{11,}|[0-9]{3,6}(?=[ -][0-9]))")
_LETTERS: Final = re.compile(rb"(?=[A-Z]{2}[0-9]{2})")
_LABELS: Final = re.compile(rb"[cCsSeEvV\xe5\xe6]")
_WORD: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_ALPHA: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGITS: Final = frozenset(b"0123456789")
_ESCAPES: Final = frozenset(b"nrt")
_RUN_MAX: Final = 40
_GROUPS_MAX: Final = 7
_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DAYS: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FNV: Final = 14695981039346656037
_PRIME: Final = 1099511628211
_64: Final = 2**64 - 1

_CVV_LABELS: Final = (
    b"cvv2", b"cvv", b"cvn2", b"cvn", b"cvc2", b"cvc", b"security code", b"security_code", b"securitycode",
    "安全码".encode(), "校验码".encode(), "后三位".encode(),
)  # fmt: skip
_EXPIRY_LABELS: Final = (
    b"expiration", b"expires", b"expired", b"expiry", b"expire", b"exp", b"valid thru", b"validthru", b"valid_thru",
    "有效期".encode(),
)  # fmt: skip
_GAP: Final = frozenset(b" \t\"':=>(,#/[\\")
_GAP_WORDS: Final = ("：".encode(), "是".encode(), "为".encode())


@dataclass(slots=True, kw_only=True)
class _View:
    """Bytes ``data[lo:hi]`` and the columns that grow."""

    data: bytes
    lo: int
    hi: int
    row: int
    tables: Tables | None
    rows: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def at(self, place: int) -> int:
        return self.data[place] if self.lo <= place < self.hi else 0

    def put(self, start: int, stop: int, kind: int, flags: int, value: int) -> None:
        if _fills(self, start, stop, kind):
            flags |= FULL
        self.rows.append((start, stop, kind, flags, value, self.row))


@dataclass(slots=True, kw_only=True)
class _Groups:
    digits: bytes  # values 0–9
    start: list[int]
    stop: list[int]
    size: tuple[int, ...]


def scan(data: bytes, *, start: int, stop: int, tables: Tables) -> Hits:
    """See :func:`tigertally.discovery.core.scan`."""
    view = _View(data=data, lo=0, hi=len(data), row=0, tables=tables)
    _walk(view, max(start, 0), min(stop, len(data)))
    return _columns(view.rows)


def scan_cells(data: bytes, offsets: Int64s, *, tables: Tables) -> Hits:
    """See :func:`tigertally.discovery.core.scan_cells`."""
    view = _View(data=data, lo=0, hi=0, row=0, tables=tables)
    bounds = offsets.tolist()
    for row in range(len(bounds) - 1):
        view.lo, view.hi, view.row = bounds[row], bounds[row + 1], row
        if view.hi - view.lo >= 11:  # noqa: PLR2004 - the shortest number, a mobile's
            _walk(view, view.lo, view.hi)
    return _columns(view.rows)


def beside(data: bytes, *, start: Int64s, stop: Int64s, reach: int) -> Hits:
    """See :func:`tigertally.discovery.core.beside`."""
    view = _View(data=data, lo=0, hi=len(data), row=0, tables=None)
    done = 0
    for begin, end in zip(start.tolist(), stop.tolist(), strict=True):
        place, limit = max(begin - reach, done), min(end + reach, len(data))
        while place < limit:
            found = _LABELS.search(data, place, limit)
            if found is None:
                place = max(place, limit)
                break
            place = found.start()
            if begin <= place < end:
                place = end
                continue
            place = _labelled(view, place)
        done = max(place, done)
    return _columns(view.rows)


def context(data: bytes, start: Int64s) -> tuple[Int64s, Int64s, UInt64s]:
    """See :func:`tigertally.discovery.core.context`."""
    view = _View(data=data, lo=0, hi=len(data), row=0, tables=None)
    word, length, digest = (np.zeros(len(start), kind) for kind in (np.int64, np.int64, np.uint64))
    for index, place in enumerate(start.tolist()):
        begin, end, lettered = _word_before(view, place)
        word[index] = begin
        length[index] = end - begin if lettered else 0
        if lettered:
            value = _FNV
            for char in data[begin:end].lower():
                if char not in _DIGITS:
                    value = ((value ^ char) * _PRIME) & _64
        else:
            floor = max(place - 1024, 0)
            line = data[max(data.rfind(b"\n", floor, place) + 1, floor) : place]
            value = sum(line.count(mark) for mark in (b",", b"\t", b"|", b";"))
        digest[index] = value
    return word, length, digest


def digest_cells(data: bytes, offsets: Int64s, *, key: int) -> UInt64s:
    """See :func:`tigertally.discovery.core.digest_cells`; another digest, the same use."""
    secret = key.to_bytes(8, "little")
    bounds = offsets.tolist()
    digests = [
        int.from_bytes(hashlib.blake2b(data[low:high], digest_size=8, key=secret).digest(), "little")
        for low, high in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    return np.array(digests, np.uint64)


def _columns(rows: list[tuple[int, int, int, int, int, int]]) -> Hits:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    return Hits(
        start=np.array(columns[0], np.int64),
        stop=np.array(columns[1], np.int64),
        kind=np.array(columns[2], np.uint8),
        flags=np.array(columns[3], np.uint8),
        value=np.array(columns[4], np.uint64),
        row=np.array(columns[5], np.int64),
    )


def _walk(view: _View, start: int, limit: int) -> None:
    text = view.data[view.lo : view.hi]
    done = start
    heads = [found.start() + view.lo for found in _RUNS.finditer(text, start - view.lo)]
    letters = [found.start() + view.lo for found in _LETTERS.finditer(text, start - view.lo)]
    for place in letters:
        if place < limit:
            _try_iban(view, place)
    for place in heads:
        if done <= place < limit:
            done = max(done, _try_here(view, place))


def _fills(view: _View, start: int, stop: int, kind: int) -> bool:
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


def _open_left(view: _View, start: int) -> bool:
    char = view.at(start - 1)
    if char == 0x2E:
        return view.at(start - 2) not in _DIGITS
    if char not in _WORD:
        return True
    return char in _ESCAPES and view.at(start - 2) == 0x5C


def _open_right(view: _View, stop: int) -> bool:
    return view.at(stop) not in _WORD


def _luhn(digits: bytes) -> bool:
    total = sum(digits[-1::-2]) + sum(_TWICE[digit] for digit in digits[-2::-2])
    return total % 10 == 0


def _number(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value * 10 + digit
    return value


def _tables(view: _View) -> Tables:
    if view.tables is None:
        raise RuntimeError("no tables")
    return view.tables


def _issuer(view: _View, digits: bytes) -> int:
    if not 12 <= len(digits) <= 19:  # noqa: PLR2004
        return 0
    lengths, bit = int(_tables(view).issuer[_number(digits[:6])]), 1 << (len(digits) - 12)
    return 2 if lengths & bit else 1 if lengths >> 8 & bit else 0


def _real_date(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12 or day < 1:  # noqa: PLR2004
        return False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    return day <= _DAYS[month] + (month == 2 and leap)  # noqa: PLR2004


def _id_body(view: _View, digits: bytes) -> int:
    year = _number(digits[6:10])
    if not 1900 <= year <= 2049 or not _real_date(year, _number(digits[10:12]), _number(digits[12:14])):  # noqa: PLR2004
        return 0
    return int(_tables(view).region[_number(digits[:6])])


def _id_check(digits: bytes) -> int:
    return (12 - sum(digit * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True)) % 11) % 11


def _digits_from(view: _View, place: int, most: int) -> int:
    count = 0
    while count < most and view.at(place + count) in _DIGITS:
        count += 1
    return count


def _track_end(view: _View, start: int, stop: int) -> int:
    mark = view.at(stop)
    if mark in b"=D" and mark:
        count = _digits_from(view, stop + 1, _RUN_MAX)
        month = (view.at(stop + 3) - 48) * 10 + view.at(stop + 4) - 48
        end = stop + 1 + count
        if count >= 7 and 1 <= month <= 12:  # noqa: PLR2004
            return end + 1 if view.at(end) == 0x3F else end
    elif mark == 0x5E and view.at(start - 1) == 0x42:
        place = stop + 1
        while place - stop <= 27 and view.at(place) >= 32 and view.at(place) != 0x5E:  # noqa: PLR2004
            place += 1
        if view.at(place) != 0x5E:
            return stop
        count = _digits_from(view, place + 1, _RUN_MAX)
        end = place + 1 + count
        if count >= 7:  # noqa: PLR2004
            return end + 1 if view.at(end) == 0x3F else end
    return stop


def _collect(view: _View, start: int) -> _Groups:
    digits = bytearray()
    starts: list[int] = []
    stops: list[int] = []
    sizes: list[int] = []
    separator = 0
    while len(sizes) < _GROUPS_MAX:
        count = _digits_from(view, start, _RUN_MAX)
        if count == 0:
            break
        stop = start + count
        digits += bytes(char - 48 for char in view.data[start:stop])
        starts.append(start)
        stops.append(stop)
        sizes.append(count)
        char = view.at(stop)
        if count >= _RUN_MAX or char not in b" -" or not char or (separator and char != separator):
            break
        separator = char
        start = stop + 1
    return _Groups(digits=bytes(digits), start=starts, stop=stops, size=tuple(sizes))


def _try_card(view: _View, groups: _Groups, count: int, digits: int, missed: list[int]) -> int:
    start, stop, number = groups.start[0], groups.stop[count - 1], groups.digits[:digits]
    evidence = _issuer(view, number)
    grouped = GROUPED if count > 1 else 0
    if not evidence:
        return 0
    if not _luhn(number):
        if not missed[0] and _open_right(view, stop):
            missed[0] = count
        return 0
    strict = STRICT if evidence == 2 else 0  # noqa: PLR2004
    end = _track_end(view, start, stop)
    if end > stop:
        begin = start
        if view.at(begin - 1) == 0x3B:
            begin -= 1
        if view.at(begin - 1) == 0x42 and view.at(begin - 2) == 0x25:
            begin -= 2
        if begin != start or view.at(stop) != 0x5E:
            view.put(begin, end, TRACK, strict | grouped, _number(number))
            return end
    if not _open_right(view, stop):
        return 0
    view.put(start, stop, PAN, strict | grouped, _number(number))
    return stop


def _try_id(view: _View, groups: _Groups, count: int, digits: int, missed: list[int]) -> int:
    stop, number = groups.stop[count - 1], groups.digits[:digits]
    if digits == 18:  # noqa: PLR2004
        last = number[17]
    elif digits == 17 and view.at(stop) in b"Xx" and view.at(stop):  # noqa: PLR2004
        last, stop = 10, stop + 1
    else:
        return 0
    if not _open_right(view, stop):
        return 0
    body = _id_body(view, number)
    if not body:
        return 0
    flags = (STRICT if body == 2 else 0) | (GROUPED if count > 1 else 0)  # noqa: PLR2004
    if _id_check(number) != last:
        if body == 2:  # noqa: PLR2004
            view.put(groups.start[0], stop, MISS_ID, flags, 0)
            missed[0] = -1
        return 0
    if digits == 18 and _issuer(view, number) and _luhn(number):  # noqa: PLR2004
        flags |= ALSO
    view.put(groups.start[0], stop, NATIONAL_ID, flags, _number(number[:17]) * 11 + last)
    return stop


def _try_mobile(view: _View, groups: _Groups, count: int, skip: int) -> int:
    number, stop, grouped = groups.digits[skip : skip + 11], groups.stop[count - 1], count > 1
    if number[0] != 1 or number[1] < 3 or not _open_right(view, stop):  # noqa: PLR2004
        return 0
    strict = STRICT if _tables(view).mobile[_number(number[:3])] else 0
    view.put(groups.start[0] + skip, stop, MOBILE, strict | (GROUPED if grouped else 0), _number(number))
    return stop


def _fours(view: _View, groups: _Groups) -> int:
    """Groups of four digits in a row, up to six."""
    count = 4
    while count < len(groups.size) and groups.size[count] == 4:  # noqa: PLR2004
        count += 1
    place = groups.start[0]
    while (
        count < 6  # noqa: PLR2004
        and view.at(place - 1) in (0x20, 0x2D)
        and all(view.at(place - back) in _DIGITS for back in (2, 3, 4, 5))
        and view.at(place - 6) not in _DIGITS
    ):
        count += 1
        place -= 5
    return count


def _try_grouped(view: _View, groups: _Groups, missed: list[int]) -> int:
    size, end = groups.size, 0
    if size[:4] == (4, 4, 4, 4):
        if _fours(view, groups) < 6:  # noqa: PLR2004
            if len(size) > 4 and size[4] <= 3:  # noqa: PLR2004
                end = _try_card(view, groups, 5, 16 + size[4], missed)
            end = end or _try_card(view, groups, 4, 16, missed)
            if not end and missed[0]:
                missed[0] = 4
    elif size[:2] == (6, 13):
        end = _try_card(view, groups, 2, 19, missed)
    elif size[:3] == (4, 6, 5):
        end = _try_card(view, groups, 3, 15, missed)
    elif size[:3] == (4, 6, 4):
        end = _try_card(view, groups, 3, 14, missed)
    elif size[:3] == (6, 8, 4):
        end = _try_id(view, groups, 3, 18, missed)
    elif size[:3] == (6, 8, 3):
        end = _try_id(view, groups, 3, 17, missed)
    elif size[:3] == (3, 4, 4):
        end = _try_mobile(view, groups, 3, 0)
    return end


def _is_id_15(view: _View, groups: _Groups) -> bool:
    number = groups.digits
    return (
        groups.size[0] == 15  # noqa: PLR2004
        and _open_right(view, groups.stop[0])
        and _tables(view).region[_number(number[:6])] == 2  # noqa: PLR2004
        and _real_date(1900 + _number(number[6:8]), _number(number[8:10]), _number(number[10:12]))
    )


def _try_here(view: _View, start: int) -> int:
    groups = _collect(view, start)
    onward = groups.stop[0]
    if groups.size[0] >= _RUN_MAX:
        while view.at(onward) in _DIGITS:
            onward += 1
        return onward
    track = view.at(start - 1) == 0x42 and view.at(start - 2) == 0x25
    if not _open_left(view, start) and not track:
        return onward
    missed = [0]
    if len(groups.size) > 1:
        end = _try_grouped(view, groups, missed)
        if end:
            return end
    return _try_single(view, groups, missed) or onward


def _try_single(view: _View, groups: _Groups, missed: list[int]) -> int:
    count, digits, end = groups.size[0], groups.digits, 0
    if count in (17, 18):
        end = _try_id(view, groups, 1, count, missed)
    if not end and 12 <= count <= 19:  # noqa: PLR2004
        end = _try_card(view, groups, 1, count, missed)
    if not end and _is_id_15(view, groups):
        view.put(groups.start[0], groups.stop[0], ID_15, STRICT, _number(digits[:15]))
        end = groups.stop[0]
    for length, head in ((11, b""), (13, b"\x08\x06"), (15, b"\x00\x00\x08\x06")):
        if not end and count == length and digits.startswith(head):
            end = _try_mobile(view, groups, 1, len(head))
    if not end and missed[0] > 0:
        view.put(groups.start[0], groups.stop[missed[0] - 1], MISS_PAN, GROUPED if missed[0] > 1 else 0, 0)
    return end


def _try_iban(view: _View, start: int) -> None:
    length = int(_tables(view).iban[(view.at(start) - 65) * 26 + view.at(start + 1) - 65])
    if not length or not _open_left(view, start):
        return
    text = bytearray()
    spaced, place = 0, start
    while len(text) < length:
        char = view.at(place)
        if char == 0x20 and len(text) % 4 == 0 and text and view.at(place - 1) != 0x20:
            spaced = GROUPED
        elif char in _DIGITS or 0x41 <= char <= 0x5A:
            text.append(char)
        else:
            return
        place += 1
    if not _open_right(view, place):
        return
    turned = bytes(text[4:] + text[:4]).decode()
    if int("".join(str(int(char, 36)) for char in turned)) % 97 != 1:
        return
    value = _FNV
    for char in text:
        value = ((value ^ char) * _PRIME) & _64
    view.put(start, place, IBAN, STRICT | spaced, value)


def _word_is(view: _View, place: int, word: bytes) -> bool:
    if place < view.lo:
        return False
    here = view.data[place : min(place + len(word), view.hi)]
    return len(here) == len(word) and here.lower() == word


def _label_at(view: _View, place: int) -> tuple[int, int]:
    char, before = view.at(place), view.at(place - 1)
    if char in _ALPHA and before in _ALPHA:
        camel = 0x61 <= before <= 0x7A and 0x41 <= char <= 0x5A
        if not camel and not (before in _ESCAPES and view.at(place - 2) == 0x5C):
            return 0, place
    for label in _CVV_LABELS:
        if _word_is(view, place, label):
            return CVV, place + len(label)
    for label in _EXPIRY_LABELS:
        if _word_is(view, place, label):
            end = place + len(label)
            if view.at(end) in b"_ " and view.at(end):
                return EXPIRY, end + 5 if _word_is(view, end + 1, b"date") else end
            return EXPIRY, end + 4 if _word_is(view, end, b"date") else end
    return 0, place


def _skip_gap(view: _View, place: int) -> int:
    limit = place + 10
    while place < limit:
        if view.at(place) in _GAP:
            place += 1
        elif any(_word_is(view, place, word) for word in _GAP_WORDS):
            place += 3
        else:
            break
    return place


def _ends_value(view: _View, stop: int) -> bool:
    char = view.at(stop)
    if char in _WORD:
        return False
    return not (char and char in b".-/" and view.at(stop + 1) in _DIGITS)


def _labelled(view: _View, place: int) -> int:
    """Report what the label at ``place`` announces; return where to go on."""
    kind, end = _label_at(view, place)
    if end == place:
        return place + 1
    end = _skip_gap(view, end)
    if kind == CVV:
        count = _digits_from(view, end, 5)
        if count in (3, 4) and _ends_value(view, end + count):
            view.put(end, end + count, CVV, STRICT, int(view.data[end : end + count]))
        return end
    stop, value = _expiry_at(view, end)
    if stop > end:
        view.put(end, stop, EXPIRY, STRICT, value)
    return end


def _value_at(view: _View, place: int, count: int) -> int:
    return int(view.data[place : place + count])


def _expiry_at(view: _View, place: int) -> tuple[int, int]:
    count, year, month = _digits_from(view, place, 7), 0, 0
    stop = place + count
    slashed = view.at(stop) in (0x2F, 0x2D)
    if count == 4 and not slashed:  # noqa: PLR2004
        first, second = _value_at(view, place, 2), _value_at(view, place + 2, 2)
        if 1 <= first <= 12:  # noqa: PLR2004
            month, year = first, 2000 + second
        elif 1 <= second <= 12:  # noqa: PLR2004
            month, year = second, 2000 + first
    elif count == 6:  # noqa: PLR2004
        first = _value_at(view, place, 4)
        if 2000 <= first <= 2099:  # noqa: PLR2004
            year, month = first, _value_at(view, place + 4, 2)
        else:
            month, year = _value_at(view, place, 2), _value_at(view, place + 2, 4)
    elif count in (1, 2, 4) and slashed:
        more = _digits_from(view, stop + 1, 5)
        first, second = _value_at(view, place, count), _value_at(view, stop + 1, more) if more else 0
        stop += 1 + more
        if count <= 2 and more == 2:  # noqa: PLR2004
            month, year = first, 2000 + second
        elif count <= 2 and more == 4:  # noqa: PLR2004
            month, year = first, second
        elif count == 4 and 1 <= more <= 2:  # noqa: PLR2004
            year, month = first, second
    if not 1 <= month <= 12 or not 2000 <= year <= 2099 or not _ends_value(view, stop):  # noqa: PLR2004
        return place, 0
    return stop, year * 100 + month


def _word_before(view: _View, start: int) -> tuple[int, int, bool]:
    place, limit = start, start - 10
    while place > limit:
        char = view.at(place - 1)
        if char and char in b" \t\"':=>({[\\+-":
            place -= 1
        elif _word_is(view, place - 3, "：".encode()):
            place -= 3
        else:
            break
    end, lettered = place, False
    while end - place < 30:  # noqa: PLR2004
        char = view.at(place - 1)
        if char >= 0x80:  # noqa: PLR2004
            back = place - 1
            while back > place - 4 and view.at(back) & 0xC0 == 0x80:  # noqa: PLR2004
                back -= 1
            if view.at(back) < 0xC0 or _word_is(view, back, b"\xef\xbc") or _word_is(view, back, b"\xe3\x80"):  # noqa: PLR2004
                break
            if end - back > 18:  # noqa: PLR2004
                break
            place, lettered = back, True
        elif char in _WORD or char in (0x2D, 0x2E):
            lettered = lettered or char in _ALPHA
            place -= 1
        else:
            break
    return place, end, lettered
