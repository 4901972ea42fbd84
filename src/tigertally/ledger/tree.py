"""The stored tree: complete tiles of 256 hashes, and proofs made from them.

Tile ``(level, i)`` holds the roots of the 256 complete subtrees of ``256^level`` leaves that begin at leaf
``i · 256^(level+1)``. A tile is written once, when it becomes complete; the ragged right edge is computed
from the entries. A proof reads O(log n) tiles.
"""

from __future__ import annotations

from typing import Final

from tigertally.crypto import merkle
from tigertally.crypto.merkle import HASH_BYTES, node_hash
from tigertally.ledger import sql
from tigertally.store.tx import Tx

TILE_BITS: Final = 8
TILE_WIDTH: Final = 1 << TILE_BITS


def complete_tiles(tx: Tx, *, old_size: int, new_size: int) -> None:
    """Write the tiles that became complete while the tree grew from ``old_size`` to ``new_size``."""
    level = 0
    reader = Tiles(tx)
    while True:
        shift = TILE_BITS * (level + 1)
        done, ready = old_size >> shift, new_size >> shift
        if ready == done:
            return
        for index in range(done, ready):
            sql.insert_tile(tx, level=level, idx=index, hashes=b"".join(reader.build(level, index, TILE_WIDTH)))
        level += 1


def fold(hashes: list[bytes]) -> bytes:
    """Return the root of a complete subtree from its 2^k roots."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


class Tiles:
    """Reads complete subtrees out of the store, with the tiles of one proof kept in memory."""

    __slots__ = ("_kept", "_tx")

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._kept: dict[tuple[int, int], list[bytes]] = {}

    def subtree(self, level: int, index: int) -> bytes:
        """Return the root of the complete subtree ``index`` of ``2^level`` leaves."""
        tile_level, within = divmod(level, TILE_BITS)
        first = index << within
        hashes = self._tile(tile_level, first >> TILE_BITS, (first % TILE_WIDTH) + (1 << within))
        start = first % TILE_WIDTH
        return fold(hashes[start : start + (1 << within)])

    def _tile(self, level: int, index: int, need: int) -> list[bytes]:
        kept = self._kept.get((level, index))
        if kept is not None and len(kept) >= need:
            return kept
        raw = sql.read_tile(self._tx, level=level, idx=index)
        if raw is not None:
            kept = [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]
        else:
            kept = self.build(level, index, need)
        self._kept[(level, index)] = kept
        return kept

    def build(self, level: int, index: int, count: int) -> list[bytes]:
        """Return the first ``count`` hashes of a tile, computed from below."""
        first = index * TILE_WIDTH
        if level == 0:
            return sql.read_leaf_hashes(self._tx, start=first, stop=first + count)
        return [fold(self._tile(level - 1, first + offset, TILE_WIDTH)) for offset in range(count)]


def inclusion(tx: Tx, *, index: int, size: int) -> list[bytes]:
    """Return the inclusion proof of entry ``index`` in the tree of the first ``size`` entries."""
    return merkle.inclusion_proof(Tiles(tx).subtree, index=index, size=size)


def consistency(tx: Tx, *, old: int, new: int) -> list[bytes]:
    """Return the proof that the first ``old`` entries are a prefix of the first ``new``."""
    return merkle.consistency_proof(Tiles(tx).subtree, old=old, new=new)
