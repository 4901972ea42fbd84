"""Numbers with a check digit, in plain Python: cards, IDs, mobile numbers, IBANs, track data.

Each function mirrors the one of the same name in ``_core.c``, where the numbered rules stand. Regular
expressions only pick where to look.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tigertally.discovery.hits import (
    ALSO,
    GROUPED,
    ID_15,
    LANDLINE,
    MISS_ID,
    MISS_PAN,
    MOBILE,
    NATIONAL_ID,
    PAN,
    STRICT,
    TRACK,
)
from tigertally.discovery.plain.bounds import (
    gap_at,
    gap_before,
    open_left,
    open_right,
    past_escape,
    past_percent,
    percent_at,
)
from tigertally.discovery.plain.lettered import try_email, try_iban, try_uscc
from tigertally.discovery.plain.view import DIGITS, View, digits_from, tables_of

# Where to look: a run long enough by itself, or a head of a group shape.
_RUNS: Final = re.compile(rb"(?<![0-9])[0-9]{3,}")
_DOT: Final = 0x2E
_LETTERS: Final = re.compile(rb"(?=[A-Z]{2}[0-9]{2})")
_SIGNS: Final = re.compile(rb"@")
_RUN_MAX: Final = 40
_GROUPS_MAX: Final = 7
_TWICE: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DAYS: Final = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(slots=True, kw_only=True)
class _Groups:
    digits: bytes  # values 0–9
    start: list[int]
    stop: list[int]
    size: tuple[int, ...]
    gap: int


def walk(view: View, start: int, limit: int) -> None:
    """Find the numbers that begin in ``[start, limit)``, and addresses whose at sign stands there."""
    text = view.data[view.lo : view.hi]
    done = start
    heads = [found.span() for found in _RUNS.finditer(text, start - view.lo)]
    for found in _LETTERS.finditer(text, start - view.lo):
        if found.start() + view.lo < limit:
            try_iban(view, found.start() + view.lo)
    for found in _SIGNS.finditer(text, start - view.lo):
        if found.start() + view.lo < limit:
            try_email(view, found.start() + view.lo)
    for begin, end in heads:
        place = begin + view.lo
        if not done <= place < limit:
            continue
        if end - begin == 3 and (view.at(place) > 0x31 or not gap_at(view, place + 3)[0]):
            continue
        done = max(done, _try_readings(view, place))


def _try_readings(view: View, place: int) -> int:
    own, kept = past_escape(view, place), len(view.rows)
    if own != place:
        return _try_here(view, own) if view.at(own) in DIGITS else place
    end, inner = _try_here(view, place), past_percent(view, place)
    for _ in range(2):
        if inner == place or view.at(inner) not in DIGITS:
            break
        if len(view.rows) > kept and view.rows[-1][2] <= ID_15:
            return end
        del view.rows[kept:]
        end = _try_here(view, inner)
        if view.data[place : place + 2] != b"25":
            break
        inner += 2
    return end


def _luhn(digits: bytes) -> bool:
    total = sum(digits[-1::-2]) + sum(_TWICE[digit] for digit in digits[-2::-2])
    return total % 10 == 0


def _number(digits: bytes) -> int:
    value = 0
    for digit in digits:
        value = value * 10 + digit
    return value


def _issuer(view: View, digits: bytes) -> int:
    if not 12 <= len(digits) <= 19:
        return 0
    lengths, bit = int(tables_of(view).issuer[_number(digits[:6])]), 1 << (len(digits) - 12)
    return 2 if lengths & bit else 1 if lengths >> 8 & bit else 0


def _real_date(year: int, month: int, day: int) -> bool:
    if not 1 <= month <= 12 or day < 1:
        return False
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    return day <= _DAYS[month] + (month == 2 and leap)


def _id_body(view: View, digits: bytes) -> int:
    year = _number(digits[6:10])
    if not 1900 <= year <= 2049 or not _real_date(year, _number(digits[10:12]), _number(digits[12:14])):
        return 0
    return int(tables_of(view).region[_number(digits[:6])])


def _id_check(digits: bytes) -> int:
    return (12 - sum(digit * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True)) % 11) % 11


def _track_end(view: View, start: int, stop: int) -> int:
    mark = view.at(stop)
    if mark in b"=D" and mark:
        count = digits_from(view, stop + 1, _RUN_MAX)
        month = (view.at(stop + 3) - 48) * 10 + view.at(stop + 4) - 48
        end = stop + 1 + count
        if count >= 7 and 1 <= month <= 12:
            return end + 1 if view.at(end) == 0x3F else end
    elif mark == 0x5E and view.at(start - 1) == 0x42:
        place = stop + 1
        while place - stop <= 27 and view.at(place) >= 32 and view.at(place) != 0x5E:
            place += 1
        if view.at(place) != 0x5E:
            return stop
        count = digits_from(view, place + 1, _RUN_MAX)
        end = place + 1 + count
        if count >= 7:
            return end + 1 if view.at(end) == 0x3F else end
    return stop


def _collect(view: View, start: int) -> _Groups:
    digits = bytearray()
    starts: list[int] = []
    stops: list[int] = []
    sizes: list[int] = []
    separator = 0
    while len(sizes) < _GROUPS_MAX:
        count = digits_from(view, start, _RUN_MAX)
        if count == 0:
            break
        stop = start + count
        digits += bytes(char - 48 for char in view.data[start:stop])
        starts.append(start)
        stops.append(stop)
        sizes.append(count)
        width, gap = gap_at(view, stop)
        if count >= _RUN_MAX or not width or (separator and gap != separator):
            break
        if view.at(stop + width) not in DIGITS:
            break
        separator = gap
        start = stop + width
    return _Groups(digits=bytes(digits), start=starts, stop=stops, size=tuple(sizes), gap=separator)


def _try_card(view: View, groups: _Groups, count: int, digits: int, missed: list[int]) -> int:
    start, stop, number = groups.start[0], groups.stop[count - 1], groups.digits[:digits]
    evidence = _issuer(view, number)
    grouped = GROUPED if count > 1 else 0
    if not evidence:
        return 0
    if not _luhn(number):
        if not missed[0] and open_right(view, stop):
            missed[0] = count
        return 0
    strict = STRICT if evidence == 2 else 0
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
    if not open_right(view, stop):
        return 0
    view.put(start, stop, PAN, strict | grouped, _number(number))
    return stop


def _try_id(view: View, groups: _Groups, count: int, digits: int, missed: list[int]) -> int:
    stop, number = groups.stop[count - 1], groups.digits[:digits]
    if digits == 18:
        last = number[17]
    elif digits == 17 and view.at(stop) in b"Xx" and view.at(stop):
        last, stop = 10, stop + 1
    else:
        return 0
    if not open_right(view, stop):
        return 0
    body = _id_body(view, number)
    if not body:
        return 0
    flags = (STRICT if body == 2 else 0) | (GROUPED if count > 1 else 0)
    if _id_check(number) != last:
        if body == 2:
            view.put(groups.start[0], stop, MISS_ID, flags, 0)
            missed[0] = -1
        return 0
    if digits == 18 and _issuer(view, number) and _luhn(number):
        flags |= ALSO
    view.put(groups.start[0], stop, NATIONAL_ID, flags, _number(number[:17]) * 11 + last)
    return stop


def _try_mobile(view: View, groups: _Groups, count: int, skip: int) -> int:
    number, stop, grouped = groups.digits[skip : skip + 11], groups.stop[count - 1], count > 1
    if number[0] != 1 or number[1] < 3 or not open_right(view, stop):
        return 0
    strict = STRICT if tables_of(view).mobile[_number(number[:3])] else 0
    view.put(groups.start[0] + skip, stop, MOBILE, strict | (GROUPED if grouped else 0), _number(number))
    return stop


def _fours(view: View, groups: _Groups) -> int:
    """Count groups of four digits in a row, up to six."""
    count = 4
    while count < len(groups.size) and groups.size[count] == 4:
        count += 1
    place = groups.start[0]
    while count < 6:
        width = gap_before(view, place, groups.gap)
        if not width or not _four_before(view, place - width):
            break
        count += 1
        place -= width + 4
    return count


def _four_before(view: View, place: int) -> bool:
    if not all(view.at(place - back) in DIGITS for back in (1, 2, 3, 4)):
        return False
    return view.at(place - 5) not in DIGITS or percent_at(view, place - 7)


def _try_grouped(view: View, groups: _Groups, missed: list[int]) -> int:
    size = groups.size
    if size[:4] == (4, 4, 4, 4):
        return _try_fours(view, groups, missed)
    if size[:3] == (3, 4, 4):
        return 0 if groups.gap == _DOT and len(size) > 3 else _try_mobile(view, groups, 3, 0)
    if groups.gap == _DOT:
        return 0
    for shape, digits in (((6, 13), 19), ((4, 6, 5), 15), ((4, 6, 4), 14)):
        if size[: len(shape)] == shape:
            return _try_card(view, groups, len(shape), digits, missed)
    if size[:3] in ((6, 8, 4), (6, 8, 3)):
        return _try_id(view, groups, 3, 14 + size[2], missed)
    return _try_landline(view, groups) if groups.digits[0] == 0 else 0


def _try_fours(view: View, groups: _Groups, missed: list[int]) -> int:
    dotted, count = groups.gap == _DOT, len(groups.size)
    longer = count > 4 and groups.size[4] <= 3
    if _fours(view, groups) >= 6 or (dotted and count > 4 + longer):
        return 0
    end = 0
    if longer:
        end = _try_card(view, groups, 5, 16 + groups.size[4], missed)
    if not (dotted and longer):
        end = end or _try_card(view, groups, 4, 16, missed)
    if not end and missed[0]:
        missed[0] = 4
    return end


def _try_landline(view: View, groups: _Groups) -> int:
    number, (area, local) = groups.digits, groups.size[:2]
    three = area == 3 and local == 8 and (number[1:3] == b"\x01\x00" or number[1] == 2)
    four = area == 4 and local in (7, 8) and number[1] >= 3
    if not (three or four) or not 2 <= number[area] <= 8 or groups.gap not in (0x20, 0x2D):
        return 0
    if not open_right(view, groups.stop[1]):
        return 0
    view.put(groups.start[0], groups.stop[1], LANDLINE, GROUPED, _number(number[: area + local]))
    return groups.stop[1]


def _is_id_15(view: View, groups: _Groups) -> bool:
    number = groups.digits
    return (
        groups.size[0] == 15
        and open_right(view, groups.stop[0])
        and tables_of(view).region[_number(number[:6])] == 2
        and _real_date(1900 + _number(number[6:8]), _number(number[8:10]), _number(number[10:12]))
    )


def _try_here(view: View, start: int) -> int:
    groups = _collect(view, start)
    onward = groups.stop[0]
    if groups.size[0] >= _RUN_MAX:
        while view.at(onward) in DIGITS:
            onward += 1
        return onward
    track = view.at(start - 1) == 0x42 and view.at(start - 2) == 0x25
    if not open_left(view, start) and not track:
        return onward
    missed = [0]
    if len(groups.size) > 1:
        end = _try_grouped(view, groups, missed)
        if end:
            return end
    return _try_single(view, groups, missed) or onward


def _try_single(view: View, groups: _Groups, missed: list[int]) -> int:
    count, digits, end = groups.size[0], groups.digits, 0
    if count in (17, 18):
        end = _try_id(view, groups, 1, count, missed)
    if not end and 8 <= count <= 18:
        end = try_uscc(view, groups.start[0], int(tables_of(view).region[_number(digits[2:8])]))
    if not end and 12 <= count <= 19:
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
