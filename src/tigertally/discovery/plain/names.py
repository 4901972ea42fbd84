"""Han characters beside numbers, in plain Python: what can be the name of whom the number belongs to.

Mirrors ``tt_names`` of ``_core.c``.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values, lengths and bounds of the rules themselves

from __future__ import annotations

from typing import Final

from tigertally.discovery.plain.view import View, word_is

_NARROW: Final = frozenset(b" \t,|:;()\"'/")
_WIDE: Final = tuple(mark.encode() for mark in "，、：（）；")
_MARKS_MAX: Final = 3


def han_at(view: View, place: int) -> int:
    """Return the character at ``place`` counted from U+4E00, -1 if it is no Han character of the basic block."""
    first, second, third = view.at(place), view.at(place + 1), view.at(place + 2)
    if not 0xE4 <= first <= 0xE9 or second & 0xC0 != 0x80 or third & 0xC0 != 0x80:
        return -1
    return ((first & 15) << 12 | (second & 63) << 6 | (third & 63)) - 0x4E00


def name_before(view: View, place: int) -> tuple[int, int] | None:
    """Return where a run of two to four Han characters right before ``place`` begins and ends."""
    for _ in range(_MARKS_MAX):
        width = 1 if _mark_at(view, place - 1) == 1 else 3 if _mark_at(view, place - 3) == 3 else 0
        if not width:
            break
        place -= width
    head, count = place, 0
    while count < 5 and han_at(view, head - 3) >= 0:
        head, count = head - 3, count + 1
    return (head, place) if 2 <= count <= 4 else None


def name_behind(view: View, place: int) -> tuple[int, int] | None:
    """Return where a run of two to four Han characters right behind ``place`` begins and ends."""
    for _ in range(_MARKS_MAX):
        width = _mark_at(view, place)
        if not width:
            break
        place += width
    tail, count = place, 0
    while count < 5 and han_at(view, tail) >= 0:
        tail, count = tail + 3, count + 1
    return (place, tail) if 2 <= count <= 4 else None


def _mark_at(view: View, place: int) -> int:
    char = view.at(place)
    if char and char in _NARROW:
        return 1
    return 3 if any(word_is(view, place, mark) for mark in _WIDE) else 0
