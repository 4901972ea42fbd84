"""The stored tree: tiles of 256 hashes, and proofs made from them.

Tile ``(level, i)`` holds the roots of the complete subtrees of ``256^level`` leaves that begin at leaf
``i · 256^(level+1)`` (C2SP tlog-tiles shape). At level 0 a tile is stored when it is complete, its ragged right edge
being the entries themselves; above, a tile grows by one hash whenever the tile below it completes. So an append
writes O(1) tiles per 256 entries and a proof reads O(log n) of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tigertally.crypto import merkle
from tigertally.crypto.merkle import HASH_BYTES, node_hash
from tigertally.ledger import sql
from tigertally.ledger.errors import LedgerBroken
from tigertally.store.tx import Tx

TILE_BITS: Final = 8
TILE_WIDTH: Final = 1 << TILE_BITS


def grow(tx: Tx, *, old_size: int, hashes: Sequence[bytes]) -> None:
    """Store what became complete while the tree grew from ``old_size`` by the leaf hashes ``hashes``.

    The rows of the new entries need not be there yet; those of the old ones must be.
    """
    if (old_size + len(hashes)) >> TILE_BITS == old_size >> TILE_BITS:
        return
    first = old_size - old_size % TILE_WIDTH
    pending = [*sql.read_leaf_hashes(tx, start=first, stop=old_size), *hashes]
    if len(pending) != old_size - first + len(hashes):
        raise LedgerBroken(index=old_size, what="tile")
    level, done = 0, first >> TILE_BITS
    while pending:
        whole = [pending[at : at + TILE_WIDTH] for at in range(0, len(pending), TILE_WIDTH)]
        rest = [] if len(whole[-1]) == TILE_WIDTH else whole.pop()
        if level and rest:
            sql.put_tile(tx, level=level, idx=done + len(whole), hashes=b"".join(rest))
        for offset, tile in enumerate(whole):
            sql.put_tile(tx, level=level, idx=done + offset, hashes=b"".join(tile))
        roots = [fold(tile) for tile in whole]
        level += 1
        pending = _begun(tx, level=level, count=done) + roots if roots else []
        done >>= TILE_BITS


def _begun(tx: Tx, *, level: int, count: int) -> list[bytes]:
    """Return what the last tile of a level above 0 holds already, the level having ``count`` hashes."""
    held = count % TILE_WIDTH
    if not held:
        return []
    stored = _hashes(sql.read_tile(tx, level=level, idx=count >> TILE_BITS))
    if len(stored) != held:
        raise LedgerBroken(index=count << (TILE_BITS * level), what="tile")
    return stored


def fold(hashes: Sequence[bytes]) -> bytes:
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
        """Return the root of the complete subtree ``index`` of ``2^level`` leaves; :class:`LedgerBroken` if gone."""
        tile_level, within = divmod(level, TILE_BITS)
        first = index << within
        start, stop = first % TILE_WIDTH, first % TILE_WIDTH + (1 << within)
        hashes = self._tile(tile_level, first >> TILE_BITS)[start:stop]
        if len(hashes) != stop - start:
            raise LedgerBroken(index=index << level, what="tile")
        return fold(hashes)

    def _tile(self, level: int, index: int) -> list[bytes]:
        kept = self._kept.get((level, index))
        if kept is None:
            kept = _hashes(sql.read_tile(self._tx, level=level, idx=index))
            if not kept and level == 0:
                first = index << TILE_BITS
                kept = sql.read_leaf_hashes(self._tx, start=first, stop=first + TILE_WIDTH)
            self._kept[(level, index)] = kept
        return kept


def _hashes(raw: bytes | None) -> list[bytes]:
    return [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)] if raw else []


def inclusion(tx: Tx, *, index: int, size: int) -> list[bytes]:
    """Return the inclusion proof of entry ``index`` in the tree of the first ``size`` entries."""
    return merkle.inclusion_proof(Tiles(tx).subtree, index=index, size=size)


def consistency(tx: Tx, *, old: int, new: int) -> list[bytes]:
    """Return the proof that the first ``old`` entries are a prefix of the first ``new``."""
    return merkle.consistency_proof(Tiles(tx).subtree, old=old, new=new)


def root(tx: Tx, *, size: int) -> bytes:
    """Return the root of the first ``size`` entries, from the tiles."""
    return merkle.range_hash(Tiles(tx).subtree, 0, size) if size else merkle.EMPTY_ROOT
