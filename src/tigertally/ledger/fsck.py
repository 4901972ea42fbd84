"""Does the stored ledger still say what was written? Reads everything, changes nothing, in bounded memory.

1. indexes run from 0 without a gap; 2. every leaf hashes to its stored hash and is well formed; 3. the indexed time
and kind are the leaf's, and times never run back; 4. every payload that is there opens in its place and matches its
commitment; 5. the frontier equals the stored head; 6. every tile equals the hashes; 7. every checkpoint ever signed
verifies and its root is the tree's at its size; 8. the fact index is exactly what the entries say (stated,
withdrawn); 9. so is the pseudonym index; 10. a payload that is gone was erased by an entry that says so, and one
that was erased did not come back; 11. checkpoints that others kept are still true here; 12. the head's seal holds,
and the roll is what the head and the facts say.

Checks 1–7 and 11 are this room's; 8–10 and 12, about tables derived from the entries, are ``derived``'s. Whoever can
rewrite the database *and* holds the keys passes all but 11: only checkpoints kept elsewhere tell on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base.errors import Problem
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, leaf_hash
from tigertally.formats import checkpoint as notes
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.leaf import Leaf
from tigertally.ledger import spelling, sql, tree
from tigertally.ledger.derived import Derived
from tigertally.ledger.entries import Ledger
from tigertally.ledger.flaws import Flaw, Flaws
from tigertally.ledger.sql import EntryRow
from tigertally.store.tx import Tx

# A gap that is longer is a made-up index, not entries that were deleted.
GAP_MAX: Final = 65_536
# The check that holds the ledger to what others kept of it.
KEPT: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The outcome: entries read, payloads erased, flaws (at most ``flaws.FLAWS_MAX``)."""

    size: int
    erased: int
    checkpoints: int
    flaws: tuple[Flaw, ...]

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not self.flaws


def check(
    tx: Tx,
    ledger: Ledger,
    *,
    kept: Sequence[bytes] = (),
    marks: Sequence[tuple[int, bytes]] = (),
    progress: Progress = SILENT,
) -> Findings:
    """Check the whole ledger in one reading transaction.

    ``kept`` are checkpoints from elsewhere (a counterparty, counsel, an auditor) to hold the log to; ``marks`` sizes
    and roots that were seen before.
    """
    flaws = Flaws()
    walk = _Walk(tx, ledger, flaws, kept)
    walk.expect(marks)
    derived = Derived(tx, ledger, flaws)
    progress.begin(Text("核对台账", "checking the ledger"), walk.head.size)
    for rows in sql.stream_entries(tx, batch_rows=BATCH_ROWS):
        stored = sql.read_payload_range(tx, start=rows[0].idx, stop=rows[-1].idx + 1)
        for row in rows:
            leaf = walk.entry(row)
            if leaf is not None:
                derived.entry(row, leaf, stored.get(row.idx))
        progress.advance(len(rows))
    walk.finish()
    derived.finish()
    return Findings(
        size=walk.frontier.size, erased=derived.erased, checkpoints=len(walk.signed), flaws=tuple(flaws.found)
    )


class _Walk:
    """One walk over the leaves: the tree, the time, the tiles, the checkpoints."""

    def __init__(self, tx: Tx, ledger: Ledger, flaws: Flaws, kept: Sequence[bytes]) -> None:
        self.tx = tx
        self.verifier = ledger.keys.verifier
        self.flaws = flaws
        self.head = sql.read_head(tx)
        self.frontier = Frontier()
        self.newest: datetime | None = None
        self.tiles: list[list[bytes]] = [[]]
        self.original: list[bytes] = []
        self.roots: dict[int, bytes] = {0: EMPTY_ROOT}
        self.signed = sql.read_checkpoints(tx)
        self.kept = [self._kept(number, note) for number, note in enumerate(kept)]
        self.sizes = {size for size, _ in self.signed} | {item.size for item in self.kept if item is not None}

    def expect(self, marks: Sequence[tuple[int, bytes]]) -> None:
        """Hold the log to sizes and roots that were seen before."""
        self.kept += [Checkpoint(origin="", size=size, root=root) for size, root in marks]
        self.sizes |= {size for size, _ in marks}

    def _kept(self, number: int, note: bytes) -> Checkpoint | None:
        try:
            return notes.verify(note, self.verifier)
        except Problem:
            self.flaws.add(11, number, "外部保存的检查点不属于本台账", "a checkpoint kept elsewhere is not this log's")
            return None

    def entry(self, row: EntryRow) -> Leaf | None:
        """Take the next row; return its leaf unless it is malformed."""
        if row.idx < self.frontier.size or row.idx - self.frontier.size > GAP_MAX:
            self.flaws.add(1, row.idx, "条目序号不连续", "an entry has an impossible index")
            return None
        if row.idx > self.frontier.size:
            self.flaws.add(1, self.frontier.size, "缺少条目", "entries are missing")
        while self.frontier.size < row.idx:
            self._grow(self._original(self.frontier.size) or bytes(HASH_BYTES))
        if leaf_hash(row.leaf) != row.leaf_hash:
            self.flaws.add(2, row.idx, "条目被改动", "the entry was edited")
        original = self._original(row.idx)
        if original is not None and original != row.leaf_hash:
            self.flaws.add(6, row.idx, "条目与树的存储块不符", "the entry is not the one the tree was built from")
        self._grow(row.leaf_hash)
        try:
            leaf = spelling.read_leaf(row.leaf)
        except Problem:
            self.flaws.add(2, row.idx, "条目格式损坏", "the entry is malformed")
            return None
        if (leaf.at, leaf.kind) != (row.at, row.kind):
            self.flaws.add(3, row.idx, "索引与条目不符", "the index does not match the entry")
        if self.newest is not None and leaf.at < self.newest:
            self.flaws.add(3, row.idx, "时间倒退", "time runs back")
        self.newest = leaf.at
        return leaf

    def _original(self, index: int) -> bytes | None:
        """Return the hash that the stored tile has for ``index``, None if no tile covers it."""
        within = index % tree.TILE_WIDTH
        if within == 0:
            raw = sql.read_tile(self.tx, level=0, idx=index >> tree.TILE_BITS) or b""
            self.original = [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)]
        return self.original[within] if within < len(self.original) else None

    def _grow(self, hashed: bytes) -> None:
        self.frontier.append(hashed)
        if self.frontier.size in self.sizes:
            self.roots[self.frontier.size] = self.frontier.root()
        level = 0
        self.tiles[0].append(hashed)
        while len(self.tiles[level]) == tree.TILE_WIDTH:
            number = (self.frontier.size >> (tree.TILE_BITS * (level + 1))) - 1
            self._compare(level, number)
            if level + 1 == len(self.tiles):
                self.tiles.append([])
            self.tiles[level + 1].append(tree.fold(self.tiles[level]))
            self.tiles[level] = []
            level += 1

    def _compare(self, level: int, number: int) -> None:
        stored = sql.read_tile(self.tx, level=level, idx=number)
        if stored != b"".join(self.tiles[level]):
            first = number << (tree.TILE_BITS * (level + 1))
            self.flaws.add(6, first, "树的存储块与条目不符", "a stored tile does not match the entries")

    def finish(self) -> None:
        """Compare the ends: head, ragged tiles, checkpoints."""
        size = self.frontier.size
        if self.head.size != size:
            self.flaws.add(5, min(size, self.head.size), "账尾被截断或伪造", "entries were cut off or added at the end")
        elif list(self.head.peaks) != self.frontier.peaks or self.head.at != self.newest:
            self.flaws.add(5, size, "账尾与条目不符", "the head does not match the entries")
        for level in range(1, len(self.tiles)):
            if self.tiles[level]:
                self._compare(level, size >> (tree.TILE_BITS * (level + 1)))
        if sql.count(self.tx, sql.tile) != _tiles(size):
            self.flaws.add(6, size, "树的存储块数量不符", "there are stored tiles too many or too few")
        for at, note in self.signed:
            self._checkpoint(at, note)
        for item in self.kept:
            if item is not None and self.roots.get(item.size) != item.root:
                self.flaws.add(
                    11, item.size, "台账与外部保存的检查点矛盾", "the ledger contradicts a checkpoint kept elsewhere"
                )

    def _checkpoint(self, size: int, note: bytes) -> None:
        try:
            signed = notes.verify(note, self.verifier)
        except Problem:
            self.flaws.add(7, size, "检查点签名无效", "a checkpoint's signature is not valid")
            return
        if signed.size != size or self.roots.get(size) != signed.root:
            self.flaws.add(7, size, "台账与已签署的检查点矛盾", "the ledger contradicts a checkpoint it signed")


def _tiles(size: int) -> int:
    """Return how many tiles a tree of ``size`` leaves has stored: whole ones at level 0, begun ones above."""
    count = size >> tree.TILE_BITS
    whole = count
    while whole:
        count += -(-whole // tree.TILE_WIDTH)
        whole >>= tree.TILE_BITS
    return count
