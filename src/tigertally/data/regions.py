"""Region codes of resident ID numbers (GB 11643-1999 §4.1, codes of GB/T 2260 and its revisions)."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

# First two digits in use: GB/T 2260, Hong Kong and Macao residents 81 and 82, Taiwan residents 83 (and 71).
PROVINCES: Final[tuple[int, ...]] = (
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46,
    50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83,
)  # fmt: skip


@cache
def region_codes() -> frozenset[int]:
    """Return every six-digit code that was ever in use. Reads ``regions.txt`` once."""
    text = resources.files("tigertally.data").joinpath("regions.txt").read_text(encoding="utf-8")
    codes: set[int] = set()
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        head, tails = line.split()
        codes.update(int(head + tails[at : at + 2]) for at in range(0, len(tails), 2))
    return frozenset(codes)
