"""Tables of literals, which both engines search for: ``tt_words`` in ``_core.c`` and ``plain.words``.

A literal has :data:`LITERAL_BYTES_MIN` bytes or more and is in lower case of ASCII. Windows of three bytes are hashed
at every second place of a text, so each literal is entered twice, with its windows at 0 and at 1.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

LITERAL_BYTES_MIN: Final = 4
_HASHES: Final = 65_536
_PRIME: Final = 0x9E3779B1


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Literals and what finds them quickly."""

    literals: tuple[bytes, ...]
    filter: npt.NDArray[np.uint8]
    bucket: npt.NDArray[np.int32]
    literal: npt.NDArray[np.int32]
    shift: npt.NDArray[np.int32]
    begin: npt.NDArray[np.int64]
    bytes: npt.NDArray[np.uint8]


def word_table(literals: tuple[bytes, ...]) -> Words:
    """Return the table of ``literals``. Raises ``ValueError`` for one that is too short or has capitals."""
    if any(len(text) < LITERAL_BYTES_MIN or text != text.lower() for text in literals):
        raise ValueError("literals are four bytes or more, in lower case")
    entries: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, text in enumerate(literals):
        for shift in (0, 1):
            entries[_hash(text[shift : shift + 3])].append((index, shift))
    filter_ = np.zeros(_HASHES // 8, np.uint8)
    counts = np.zeros(_HASHES + 1, np.int32)
    for value, here in entries.items():
        filter_[value >> 3] |= np.uint8(1 << (value & 7))
        counts[value + 1] = len(here)
    ordered = [entry for value in sorted(entries) for entry in entries[value]]
    return Words(
        literals=literals,
        filter=filter_,
        bucket=np.cumsum(counts, dtype=np.int32),
        literal=np.array([index for index, _ in ordered], np.int32),
        shift=np.array([shift for _, shift in ordered], np.int32),
        begin=np.cumsum([0, *map(len, literals)], dtype=np.int64),
        bytes=np.frombuffer(b"".join(literals), np.uint8),
    )


def _hash(window: bytes) -> int:
    return ((int.from_bytes(window, "little") | 0x202020) * _PRIME & 0xFFFFFFFF) >> 16
