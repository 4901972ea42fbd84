"""Card numbers as arrays of digits: Luhn over a column (ISO/IEC 7812-1 annex B) and random digits.

Shapes: ``Digits`` is ``uint8`` (count, length), values 0–9, one card per row.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tigertally.crypto.packed import Packed

Digits: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]

TWICE: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.uint8)
_ZERO: Final = np.uint8(ord("0"))
_FAIR: Final = 250  # bytes below it are fair modulo ten


def by_length(texts: Sequence[str] | Packed) -> Iterator[tuple[npt.NDArray[np.int64], Digits]]:
    """Yield, for each length, the positions of texts of that length and their digits. All must be ASCII digits."""
    for positions, rows in packed(texts).by_length():
        yield positions, rows - _ZERO


def packed(texts: Sequence[str] | Packed) -> Packed:
    """Return texts of ASCII digits as a column."""
    return texts if isinstance(texts, Packed) else Packed.of([text.encode("ascii") for text in texts])


def luhn(digits: Digits) -> Flags:
    """Return which rows pass the Luhn check."""
    passed: Flags = luhn_sum(digits) % 10 == 0
    return passed


def luhn_sum(digits: Digits) -> npt.NDArray[np.int64]:
    """Return the sum of each row that the Luhn check wants to be a multiple of ten."""
    backwards = digits[:, ::-1]
    total: npt.NDArray[np.int64] = backwards[:, 0::2].sum(axis=1, dtype=np.int64)
    total += TWICE[backwards[:, 1::2]].sum(axis=1, dtype=np.int64)
    return total


def drawn(count: int, length: int) -> Digits:
    """Return ``count`` rows of ``length`` uniformly random digits, from the system's generator."""
    wanted = count * length
    pieces: list[Digits] = []
    have = 0
    while have < wanted:
        raw = np.frombuffer(secrets.token_bytes(wanted - have + 32), dtype=np.uint8)
        fair = raw[raw < _FAIR][: wanted - have]
        pieces.append(fair % np.uint8(10))
        have += len(fair)
    return np.concatenate(pieces).reshape(count, length) if pieces else np.empty((count, length), dtype=np.uint8)


def spelled(digits: Digits) -> list[str]:
    """Return each row as text."""
    length = digits.shape[1]
    text = (digits + _ZERO).tobytes().decode("ascii")
    return [text[at : at + length] for at in range(0, len(text), length)]
