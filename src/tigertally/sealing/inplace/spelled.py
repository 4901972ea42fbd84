"""How a cell was written around its value: kept so that it can be put back to the last blank, without the value.

A token stands for a value in its one spelling. Where the cell was written otherwise (blanks, ``+86``, full-width
digits, a small x), its *mould* is kept: the cell with each character of the value replaced by a mark. A mould says
nothing but how long the value is and what stood around it.
"""

from __future__ import annotations

from typing import Final

from tigertally.sealing.values import dressed_as

_SAME: Final = "\x01"
_WIDE: Final = "\x02"
_LOWER: Final = "\x03"
_MARKS: Final = frozenset((_SAME, _WIDE, _LOWER))
_WIDE_SHIFT: Final = 0xFEE0


def mould(cell: str, value: str) -> str | None:
    """Return the mould of ``cell``; None if ``value`` is not in it, character by character in order."""
    if _MARKS & set(cell):
        return None
    out: list[str] = []
    at = 0
    for character in cell:
        mark = _mark(character, value[at]) if at < len(value) else ""
        out.append(mark or character)
        at += bool(mark)
    return "".join(out) if at == len(value) else None


def cast(shape: str, value: str) -> str:
    """Return the cell of a mould and the value."""
    rest = iter(value)
    return "".join(_cast(character, next(rest)) if character in _MARKS else character for character in shape)


def plain(token_cell: str, value: str) -> str:
    """Return how a cell was written if no mould says otherwise: the value, with the separators of its token."""
    return dressed_as(token_cell, value)


def _mark(character: str, wanted: str) -> str:
    if character == wanted:
        return _SAME
    if ord(character) - _WIDE_SHIFT == ord(wanted):
        return _WIDE
    return _LOWER if character == wanted.lower() else ""


def _cast(mark: str, character: str) -> str:
    if mark == _SAME:
        return character
    return chr(ord(character) + _WIDE_SHIFT) if mark == _WIDE else character.lower()
