"""Boundaries of numbers in plain Python: what may stand before, behind and between their digits.

Each function mirrors the one of the same name in ``_core.c``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

import re
from typing import Final

from tigertally.discovery.plain.view import DIGITS, ESCAPES, WORD, View, word_is

_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_ESCAPE: Final = re.compile(rb"\\u[0-9A-Fa-f]{4}")
_SPELLED: Final = (
    b"%20", b"%2b", b"%2d", b"%c2%a0", b"%e3%80%80", b"&nbsp;", b"&#160;", rb"\u00a0", rb"\u3000",
)  # fmt: skip


def escape_at(view: View, place: int) -> bool:
    r"""Whether a ``\uXXXX`` escape begins at ``place``."""
    return place >= view.lo and _ESCAPE.match(view.data, place, view.hi) is not None


def past_escape(view: View, place: int) -> int:
    """Return the end of the escape that ``place`` lies in, or ``place``."""
    for back in (2, 3, 4, 5):
        if escape_at(view, place - back):
            return place - back + 6
    return place


def percent_at(view: View, place: int) -> bool:
    """Whether a ``%XX`` escape begins at ``place``."""
    return view.at(place) == 0x25 and view.at(place + 1) in _HEX and view.at(place + 2) in _HEX


def past_percent(view: View, place: int) -> int:
    """Return the end of the ``%XX`` escape that ``place`` lies in, or ``place``."""
    if percent_at(view, place - 1):
        return place + 2
    return place + 1 if percent_at(view, place - 2) else place


def gap_at(view: View, place: int) -> tuple[int, int]:
    """Return length and number of the separator at ``place``; (0, 0) for none."""
    char = view.at(place)
    if char and char in b" -+.":
        return 1, char
    if char and char in b"%&\\":
        for number, spelled in enumerate(_SPELLED):
            if word_is(view, place, spelled):
                return len(spelled), 256 + number
    return 0, 0


def gap_before(view: View, place: int, gap: int) -> int:
    """Return the length of the separator ``gap`` that ends at ``place``, 0 if it does not."""
    return next((back for back in range(1, 10) if gap_at(view, place - back) == (back, gap)), 0)


def open_left(view: View, start: int) -> bool:
    """Rule 1, left side."""
    char = view.at(start - 1)
    if char in _HEX and (escape_at(view, start - 6) or percent_at(view, start - 3) or word_is(view, start - 5, b"%25")):
        return True
    if char == 0x2E:
        return view.at(start - 2) not in DIGITS
    if char not in WORD:
        return True
    return char in ESCAPES and view.at(start - 2) == 0x5C


def open_right(view: View, stop: int) -> bool:
    """Rule 1, right side."""
    return view.at(stop) not in WORD
