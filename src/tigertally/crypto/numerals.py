"""Rows of numerals and the numbers they spell, by column: what format-preserving encryption calculates with.

Shapes: ``Numerals`` is ``uint8`` (n, length), most significant first, each below the radix; ``Words`` is ``uint64``
(n,). Eight decimal numerals are one machine word, so that three steps of arithmetic within the word read or write them
all; other radices go numeral by numeral. Numbers wider than :data:`WORD_BITS` bits
are Python's, put together from words.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Numerals: TypeAlias = npt.NDArray[np.uint8]
Words: TypeAlias = npt.NDArray[np.uint64]

# A number of a word leaves a byte free: a Feistel round of FF1 keeps its round's number there.
WORD_BITS: Final = 56
_LANES: Final = 8
_LITTLE: Final = np.dtype("<u8")
_OCTET: Final = np.uint64(10**8)
_HALF: Final = np.uint64(10**4)


def fits_word(radix: int, length: int) -> bool:
    """Return whether every number of ``length`` numerals is below 2^56."""
    return bool(radix**length <= 1 << WORD_BITS)


def to_words(rows: Numerals, radix: int) -> Words:
    """Return the numbers of rows for which :func:`fits_word` holds."""
    count, length = rows.shape
    if radix == 10 and sys.byteorder == "little":  # noqa: PLR2004 - decimal
        words = _octets(rows[:, : length % _LANES]) if length % _LANES else None
        for start in range(length % _LANES, length, _LANES):
            octet = _octets(rows[:, start : start + _LANES])
            words = octet if words is None else words * _OCTET + octet
        return np.zeros(count, np.uint64) if words is None else words
    words = np.zeros(count, np.uint64)
    for at in range(length):
        words *= np.uint64(radix)
        words += rows[:, at]
    return words


def from_words(words: Words, radix: int, out: Numerals) -> None:
    """Write the numerals of ``words`` into the rows of ``out``, shape (n, length)."""
    length = out.shape[1]
    rest = words
    if radix == 10 and sys.byteorder == "little":  # noqa: PLR2004 - decimal
        for stop in range(length, 0, -_LANES):
            start = max(0, stop - _LANES)
            higher = rest // _OCTET if start else None
            octet = rest if higher is None else rest - higher * _OCTET
            out[:, start:stop] = _spread(octet)[:, _LANES - (stop - start) :]
            rest = octet if higher is None else higher
        return
    for at in range(length - 1, -1, -1):
        higher = rest // np.uint64(radix)
        out[:, at] = rest - higher * np.uint64(radix)
        rest = higher


def to_integers(rows: Numerals, radix: int) -> list[int]:
    """Return the numbers of rows of any length."""
    edges = _edges(radix, rows.shape[1])
    numbers = [0] * len(rows)
    for start, stop in pairwise(edges):
        scale = radix ** (stop - start)
        words = to_words(rows[:, start:stop], radix).tolist()
        numbers = [number * scale + word for number, word in zip(numbers, words, strict=True)]
    return numbers


def from_integers(numbers: list[int], radix: int, out: Numerals) -> None:
    """Write the numerals of ``numbers`` into the rows of ``out``, shape (n, length)."""
    for start, stop in reversed(list(pairwise(_edges(radix, out.shape[1])))):
        scale = radix ** (stop - start)
        from_words(np.array([number % scale for number in numbers], np.uint64), radix, out[:, start:stop])
        numbers = [number // scale for number in numbers]


def _edges(radix: int, length: int) -> list[int]:
    step = max(step for step in range(1, WORD_BITS + 1) if fits_word(radix, step))
    return [0, *range(length % step or step, length + 1, step)] if length else [0]


def _octets(rows: Numerals) -> Words:
    """Return the numbers of rows of at most eight decimal numerals."""
    count, length = rows.shape
    padded = np.zeros((count, _LANES), np.uint8)
    padded[:, _LANES - length :] = rows
    words: Words = padded.view(_LITTLE)[:, 0]
    # Neighbours in memory are neighbours in value: tens beside ones, then hundreds beside them, and so on.
    for scale, shift, mask in ((10, 8, 0x00FF00FF00FF00FF), (100, 16, 0x0000FFFF0000FFFF), (10_000, 32, 0xFFFFFFFF)):
        right = words >> np.uint64(shift)
        words *= np.uint64(scale)
        words += right
        words &= np.uint64(mask)
    return words


def _spread(words: Words) -> Numerals:
    """Return eight decimal numerals for each number below 10^8."""
    # Dividing by 100 and by 10 is multiplying and shifting: exact below 10^4 and below 100, which the lanes are.
    spread = words // _HALF
    spread += (words - spread * _HALF) << np.uint64(32)
    for factor, drop, mask, scale, shift in (
        (5_243, 19, 0x0000007F0000007F, 100, 16),
        (103, 10, 0x000F000F000F000F, 10, 8),
    ):
        higher = spread * np.uint64(factor)
        higher >>= np.uint64(drop)
        higher &= np.uint64(mask)
        spread -= higher * np.uint64(scale)
        spread <<= np.uint64(shift)
        spread += higher
    return spread.astype(_LITTLE, copy=False).view(np.uint8).reshape(-1, _LANES)
