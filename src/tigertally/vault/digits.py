"""Card numbers as arrays of digits: Luhn over a column (ISO/IEC 7812-1 annex B) and random digits.

Shapes: ``Digits`` is ``uint8`` (count, length), values 0–9, one card per row.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Digits: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]

TWICE: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=np.uint8)
_ZERO: Final = np.uint8(ord("0"))
_FAIR: Final = 250  # bytes below it are fair modulo ten


def by_length(texts: Sequence[str]) -> Iterator[tuple[list[int], Digits]]:
    """Yield, for each length, the positions of texts of that length and their digits. All must be ASCII digits."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for length in np.unique(lengths).tolist():
        positions = np.flatnonzero(lengths == length).tolist()
        chosen = texts if len(positions) == len(texts) else [texts[position] for position in positions]
        joined = np.frombuffer("".join(chosen).encode("ascii"), dtype=np.uint8)
        yield positions, joined.reshape(len(positions), length) - _ZERO


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
