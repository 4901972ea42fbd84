"""C2SP tlog-tiles (c2sp.org/tlog-tiles): where a log's tiles lie, and how bundles of entries are written.

1. ``tile/<L>/<N>[.p/<W>]``: level without leading zeros, index in groups of three digits, all but the last with ``x``
   before them, ``.p/<W>`` for a tile of less than 256 hashes; ``tile/entries/<N>[.p/<W>]`` for entries;
2. a bundle is entries one after another, each behind its length in two bytes, so an entry has at most 65,535;
3. at size s level l has ``s >> 8 l`` hashes; there are no empty tiles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 256
BITS: Final = 8
ENTRY_BYTES_MAX: Final = 65_535
ENTRIES: Final = -1
CHECKPOINT_PATH: Final = "checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile of a tree of some size: level (:data:`ENTRIES` for bundles), index, and how many hashes it has."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies, below the log's prefix."""
        groups, rest = [f"{self.index % 1000:03d}"], self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"


def new_tiles(*, old: int, size: int) -> Iterator[Tile]:
    """Yield the tiles of a tree of ``size`` leaves that one of ``old`` leaves does not have, level by level."""
    for level in (ENTRIES, *range(64)):
        before, count = (old, size) if level == ENTRIES else (old >> (BITS * level), size >> (BITS * level))
        if not count:
            return
        if before == count:
            continue
        for index in range(before // WIDTH, -(-count // WIDTH)):
            yield Tile(level=level, index=index, width=min(WIDTH, count - index * WIDTH))


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return a bundle; ``ValueError`` for an entry that is too long."""
    parts = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError(len(entry))
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)
