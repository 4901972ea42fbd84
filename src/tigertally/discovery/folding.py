"""Full-width digits, dash, X and blank to ASCII: what NFKC does, for the characters of numbers only.

``core.ascii_digits`` does the same to bytes, faster; here are the text form, and the byte form that knows
where each byte came from.
"""

# ruff: noqa: PLR2004 - the numbers here are byte values and code points

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_FOLDED: Final = {0xFF10 + digit: 0x30 + digit for digit in range(10)} | {
    0xFF0D: 0x2D, 0xFF38: 0x58, 0xFF58: 0x78, 0x3000: 0x20,
}  # fmt: skip


def fold_text(text: str) -> str:
    """Return ``text`` with full-width digits, dash, X and blank as ASCII."""
    return text if text.isascii() else text.translate(_FOLDED)


def ascii_digits(data: bytes) -> bytes:
    """Return UTF-8 ``data`` folded; the same object if nothing folds."""
    folded, keep, marked = fold(data)
    return folded[keep].tobytes() if marked.any() else data


def fold(data: bytes) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return bytes with folded characters in their first byte, which bytes remain, and which were folded.

    ``folded[keep]`` is the ASCII form; positions map back through ``numpy.flatnonzero(keep)``.
    """
    bytes_ = np.frombuffer(data, np.uint8).copy()
    keep = np.ones(len(bytes_), np.bool_)
    marked = np.zeros(len(bytes_), np.bool_)
    if len(bytes_) < 3:
        return bytes_, keep, marked
    first, second, third = bytes_[:-2], bytes_[1:-1], bytes_[2:]
    wide = (first == 0xEF) & (second == 0xBC)
    digit = wide & (third >= 0x90) & (third <= 0x99)
    other = (
        (wide & (third == 0x8D), 0x2D),
        (wide & (third == 0xB8), 0x58),
        ((first == 0xEF) & (second == 0xBD) & (third == 0x98), 0x78),
        ((first == 0xE3) & (second == 0x80) & (third == 0x80), 0x20),
    )
    at = np.flatnonzero(digit)
    values = [(at, (third[at] - 0x60).astype(np.uint8))]
    for mask, ascii_ in other:
        where = np.flatnonzero(mask)
        values.append((where, np.full(len(where), ascii_, np.uint8)))
    for where, ascii_bytes in values:
        bytes_[where] = ascii_bytes
        marked[where] = True
        keep[where + 1] = False
        keep[where + 2] = False
    return bytes_, keep, marked
