"""Merkle trees as in RFC 6962 §2 (hashing) and RFC 9162 §2.1 (proofs and their verification).

1. ``leaf_hash = SHA-256(0x00 ‖ leaf)``, ``node_hash = SHA-256(0x01 ‖ left ‖ right)``;
2. the tree of n > 1 leaves splits at the largest power of two below n;
3. the empty tree's root is SHA-256 of nothing.

Proof makers ask for complete subtrees by ``(level, index)`` through a callable, so that they work the
same on memory and on stored tiles. Verifiers take bytes from strangers: they return False, never raise,
for any sizes, hashes and proof lengths.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tigertally.crypto.digest import same

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
HASH_BYTES: Final = 32

Subtree = Callable[[int, int], bytes]
"""``subtree(level, index)`` → root of leaves ``[index·2^level, (index+1)·2^level)``."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: what is needed to append and to know the root. O(log n) memory."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError("a frontier has one peak per set bit of its size")
        self.size = size
        self.peaks = list(peaks)

    def append(self, hashed_leaf: bytes) -> None:
        """Append one leaf by its hash."""
        peaks = self.peaks
        merging = self.size
        while merging & 1:
            hashed_leaf = node_hash(peaks.pop(), hashed_leaf)
            merging >>= 1
        peaks.append(hashed_leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(hashed_leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes, in order."""
    frontier = Frontier()
    for hashed in hashed_leaves:
        frontier.append(hashed)
    return frontier.root()


class MemoryTree:
    """All complete subtrees of a list of leaf hashes, for making proofs in memory."""

    def __init__(self, hashed_leaves: Sequence[bytes]) -> None:
        self.size = len(hashed_leaves)
        self._levels: list[list[bytes]] = [list(hashed_leaves)]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            self._levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])

    def subtree(self, level: int, index: int) -> bytes:
        """Return the root of a complete subtree."""
        return self._levels[level][index]


def range_hash(subtree: Subtree, start: int, stop: int) -> bytes:
    """Return the root of leaves ``[start, stop)`` where ``start`` is aligned as RFC 6962 splits are."""
    count = stop - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return subtree(level, start >> level)
    split = 1 << ((count - 1).bit_length() - 1)
    return node_hash(range_hash(subtree, start, start + split), range_hash(subtree, start + split, stop))


def inclusion_proof(subtree: Subtree, *, index: int, size: int) -> list[bytes]:
    """Return the audit path of leaf ``index`` in the tree of ``size`` leaves, leaf's sibling first."""
    if not 0 <= index < size:
        raise ValueError("index outside the tree")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        split = start + (1 << ((stop - start - 1).bit_length() - 1))
        if index < split:
            path.append(range_hash(subtree, split, stop))
            stop = split
        else:
            path.append(range_hash(subtree, start, split))
            start = split
    path.reverse()
    return path


def consistency_proof(subtree: Subtree, *, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of ``old`` leaves is a prefix of the tree of ``new`` leaves."""
    if not 0 <= old <= new:
        raise ValueError("sizes out of order")
    if old in (0, new):
        return []
    path: list[bytes] = []
    start, stop, whole = 0, new, True
    while old != stop:
        split = start + (1 << ((stop - start - 1).bit_length() - 1))
        if old <= split:
            path.append(range_hash(subtree, split, stop))
            stop = split
        else:
            path.append(range_hash(subtree, start, split))
            start, whole = split, False
    if not whole:
        path.append(range_hash(subtree, start, stop))
    path.reverse()
    return path


def verify_inclusion(*, hashed_leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether ``proof`` shows the leaf at ``index`` under ``root`` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or len(hashed_leaf) != HASH_BYTES:
        return False
    position, last, computed = index, size - 1, hashed_leaf
    for sibling in proof:
        if last == 0 or len(sibling) != HASH_BYTES:
            return False
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            while not position & 1 and position != 0:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and same(computed, root)


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether ``proof`` shows that the old tree is a prefix of the new (RFC 9162 §2.1.4.2).

    From an empty tree there is nothing to prove (the RFC has 0 < m): the answer is no, and a caller that
    remembers size 0 needs no proof.
    """
    if not 0 < old <= new or any(len(item) != HASH_BYTES for item in proof):
        return False
    if old == new:
        return not proof and same(old_root, new_root)
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old_computed = new_computed = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old_computed = node_hash(item, old_computed)
            new_computed = node_hash(item, new_computed)
            while not position & 1 and position != 0:
                position >>= 1
                last >>= 1
        else:
            new_computed = node_hash(new_computed, item)
        position >>= 1
        last >>= 1
    return last == 0 and same(old_computed, old_root) and same(new_computed, new_root)
