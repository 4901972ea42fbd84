"""Who issued the cards of a finding: the bank where its prefixes are known, else the scheme. A hint, never a proof."""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from tigertally.data.issuers import BRANDS
from tigertally.discovery.counting import UInt64s

_PREFIXES = 1_000_000
_TENS = np.array([10**exponent for exponent in range(20)], np.uint64)


def most_frequent(cards: UInt64s) -> tuple[str, int] | None:
    """Return the issuer that most of ``cards`` (numbers of 12 to 19 digits) have, and its percentage of them."""
    if not len(cards):
        return None
    table, names = _issuers()
    digits = np.searchsorted(_TENS, cards, side="right")
    prefix = cards // _TENS[np.maximum(digits - 6, 0)]
    counts = np.bincount(table[np.minimum(prefix, _PREFIXES - 1).astype(np.int64)], minlength=len(names))
    counts[0] = 0
    best = int(counts.argmax())
    return (names[best], round(100 * int(counts[best]) / len(cards))) if counts[best] else None


@cache
def _issuers() -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Return the number of the issuer of each prefix of six digits, and the names by number; 0 is nobody."""
    table = np.zeros(_PREFIXES, np.uint8)
    names = ["", *dict.fromkeys(entry.brand for entry in BRANDS)]
    for entry in sorted(BRANDS, key=lambda entry: len(entry.low)):
        scale = 10 ** (6 - len(entry.low))
        table[int(entry.low) * scale : (int(entry.high) + 1) * scale] = names.index(entry.brand)
    text = resources.files("tigertally.data").joinpath("banks.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            chinese, short, *prefixes = line.split()
            table[[int(prefix) for prefix in prefixes]] = len(names)
            names.append(f"{chinese} {short}")
    return table, tuple(names)
