"""Labels in plain Python: codes and dates beside cards, and the word before a number.

Each function mirrors the one of the same name in ``_core.c``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

import re
from typing import Final

from tigertally.discovery.hits import CVV, EXPIRY, STRICT
from tigertally.discovery.plain.view import DIGITS, ESCAPES, LETTERS, WORD, View, digits_from, word_is

FIRST_LETTERS: Final = re.compile(rb"[cCsSeEvV\xe5\xe6]")
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


def labelled(view: View, place: int) -> int:
    """Report what the label at ``place`` announces; return where to go on."""
    kind, end = _label_at(view, place)
    if end == place:
        return place + 1
    end = _skip_gap(view, end)
    if kind == CVV:
        count = digits_from(view, end, 5)
        if count in (3, 4) and _ends_value(view, end + count):
            view.put(end, end + count, CVV, STRICT, int(view.data[end : end + count]))
        return end
    stop, value = _expiry_at(view, end)
    if stop > end:
        view.put(end, stop, EXPIRY, STRICT, value)
    return end


def word_before(view: View, start: int) -> tuple[int, int, bool]:
    """Return where the label before a hit begins and ends, and whether it has letters."""
    place, limit = start, start - 10
    while place > limit:
        char = view.at(place - 1)
        if char and char in b" \t\"':=>({[\\+-":
            place -= 1
        elif word_is(view, place - 3, "：".encode()):
            place -= 3
        else:
            break
    end, lettered = place, False
    while end - place < 30:
        char = view.at(place - 1)
        if char >= 0x80:
            back = place - 1
            while back > place - 4 and view.at(back) & 0xC0 == 0x80:
                back -= 1
            if view.at(back) < 0xC0 or word_is(view, back, b"\xef\xbc") or word_is(view, back, b"\xe3\x80"):
                break
            if end - back > 18:
                break
            place, lettered = back, True
        elif char in WORD or char in (0x2D, 0x2E):
            lettered = lettered or char in LETTERS
            place -= 1
        else:
            break
    return place, end, lettered


def _label_at(view: View, place: int) -> tuple[int, int]:
    char, before = view.at(place), view.at(place - 1)
    if char in LETTERS and before in LETTERS:
        camel = 0x61 <= before <= 0x7A and 0x41 <= char <= 0x5A
        if not camel and not (before in ESCAPES and view.at(place - 2) == 0x5C):
            return 0, place
    for label in _CVV_LABELS:
        if word_is(view, place, label):
            return CVV, place + len(label)
    for label in _EXPIRY_LABELS:
        if word_is(view, place, label):
            end = place + len(label)
            if view.at(end) in b"_ " and view.at(end):
                return EXPIRY, end + 5 if word_is(view, end + 1, b"date") else end
            return EXPIRY, end + 4 if word_is(view, end, b"date") else end
    return 0, place


def _skip_gap(view: View, place: int) -> int:
    limit = place + 10
    while place < limit:
        if view.at(place) in _GAP:
            place += 1
        elif any(word_is(view, place, word) for word in _GAP_WORDS):
            place += 3
        else:
            break
    return place


def _ends_value(view: View, stop: int) -> bool:
    char = view.at(stop)
    if char in WORD:
        return False
    return not (char and char in b".-/" and view.at(stop + 1) in DIGITS)


def _value_at(view: View, place: int, count: int) -> int:
    return int(view.data[place : place + count])


def _expiry_at(view: View, place: int) -> tuple[int, int]:
    count = digits_from(view, place, 7)
    stop = place + count
    if count in (1, 2, 4) and view.at(stop) in (0x2F, 0x2D):
        more = digits_from(view, stop + 1, 5)
        month, year = _slashed(view, place, count, more)
        stop += 1 + more
    else:
        month, year = _solid(view, place, count)
    if not 1 <= month <= 12 or not 2000 <= year <= 2099 or not _ends_value(view, stop):
        return place, 0
    return stop, year * 100 + month


def _slashed(view: View, place: int, count: int, more: int) -> tuple[int, int]:
    """Return month and year of MM/YY, MM/YYYY or YYYY-MM; (0, 0) for another shape."""
    first, second = _value_at(view, place, count), _value_at(view, place + count + 1, more) if more else 0
    if count <= 2 and more in (2, 4):
        return first, second + (2000 if more == 2 else 0)
    return (second, first) if count == 4 and 1 <= more <= 2 else (0, 0)


def _solid(view: View, place: int, count: int) -> tuple[int, int]:
    """Return month and year of MMYY, YYMM, YYYYMM or MMYYYY; (0, 0) for another shape."""
    if count == 4:
        first, second = _value_at(view, place, 2), _value_at(view, place + 2, 2)
        if 1 <= first <= 12:
            return first, 2000 + second
        return (second, 2000 + first) if 1 <= second <= 12 else (0, 0)
    if count == 6:
        first = _value_at(view, place, 4)
        if 2000 <= first <= 2099:
            return _value_at(view, place + 4, 2), first
        return _value_at(view, place, 2), _value_at(view, place + 2, 4)
    return 0, 0
