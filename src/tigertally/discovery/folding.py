"""Characters of numbers to ASCII: full-width digits, plus, dot and X; every blank; every dash; no width: nothing.

What NFKC does, for the characters of numbers only, and dashes as well. A character without width (ZWSP, joiners, the
soft hyphen, a stray byte order mark) is left out: it would cut a number that the eye sees whole.
``core.ascii_digits`` does the same to bytes, faster; here are the text form, and the byte form that knows where each
byte came from.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values and code points

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

_BLANKS: Final = (0x00A0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_DASHES: Final = (*range(0x2010, 0x2016), 0x2212, 0xFF0D)
_NO_WIDTH: Final = (0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)
_FOLDED: Final[dict[int, int | None]] = {
    **{0xFF10 + digit: 0x30 + digit for digit in range(10)},
    **dict.fromkeys(_BLANKS, 0x20),
    **dict.fromkeys(_DASHES, 0x2D),
    **dict.fromkeys(_NO_WIDTH),
    0xFF0B: 0x2B, 0xFF0E: 0x2E, 0xFF38: 0x58, 0xFF58: 0x78,
}  # fmt: skip
# The same by the bytes of UTF-8, sorted: big-endian number of the two or three bytes, and the ASCII byte, 0 for none.
_CODES: Final = sorted(
    (int.from_bytes(chr(char).encode(), "big"), 0 if ascii_ is None else ascii_) for char, ascii_ in _FOLDED.items()
)
_KEYS: Final = np.array([key for key, _ in _CODES], np.uint32)
_VALUES: Final = np.array([value for _, value in _CODES], np.uint8)
# Escapes of blanks and dashes come first, for they hold digits themselves.
_BETWEEN: Final = re.compile(r"%[0-9A-Fa-f]{2}|&nbsp;|&#160;|\\u[0-9A-Fa-f]{4}|[ +.\-\t]")


def fold_text(text: str) -> str:
    """Return ``text`` with the characters of numbers as ASCII."""
    return text if text.isascii() else text.translate(_FOLDED)


def bare_number(text: str) -> str:
    """Return ``text`` folded, without the separators that may stand in a number."""
    return _BETWEEN.sub("", fold_text(text))


def ascii_digits(data: bytes) -> bytes:
    """Return UTF-8 ``data`` folded; the same object if nothing folds."""
    folded, keep, _ = fold(data)
    return data if keep.all() else folded[keep].tobytes()


def fold(data: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return bytes with folded characters in their first byte, which bytes remain, and how many each of them was.

    ``folded[keep]`` is the ASCII form; positions map back through ``numpy.flatnonzero(keep)``.
    """
    bytes_ = np.frombuffer(data, np.uint8).copy()
    keep = np.ones(len(bytes_), np.bool_)
    width = np.ones(len(bytes_), np.int64)
    padded = np.concatenate([bytes_, np.zeros(2, np.uint8)]).astype(np.uint32)
    for lead, size in ((0xC2, 2), (0xE2, 3), (0xE3, 3), (0xEF, 3)):
        at = np.flatnonzero(bytes_ == lead)
        code = padded[at] << 8 | padded[at + 1]
        if size == 3:
            code = code << 8 | padded[at + 2]
        where = np.minimum(np.searchsorted(_KEYS, code), len(_KEYS) - 1)
        known = _KEYS[where] == code
        at, value = at[known], _VALUES[where[known]]
        bytes_[at] = value
        width[at] = size
        keep[at[value == 0]] = False
        for rest in range(1, size):
            keep[at + rest] = False
    return bytes_, keep, width
