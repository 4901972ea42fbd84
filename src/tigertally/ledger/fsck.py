"""Does the stored ledger still say what was written? Reads everything, changes nothing.

1. indexes run from 0 without a gap; 2. every leaf hashes to its stored hash and is well formed; 3. the
indexed time and kind are the leaf's, and times never run back; 4. every payload that is there opens and
matches its commitment; 5. the frontier equals the stored head; 6. every complete tile equals the hashes;
7. every checkpoint ever signed verifies and its root is the tree's at its size; 8. the fact index is exactly
what the entries say (stated, withdrawn).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.limits import BATCH_ROWS
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Text
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.formats import checkpoint as notes
from tigertally.formats import leaf as leaves
from tigertally.formats.leaf import Leaf
from tigertally.ledger import facts, sql, tree
from tigertally.ledger.entries import Ledger
from tigertally.ledger.facts import FACT_STATED, FACT_WITHDRAWN
from tigertally.store.tx import Tx

FLAWS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something that does not hold: which check (1–8), at which entry, in words."""

    check: int
    index: int
    what: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The outcome: entries read, payloads erased, flaws (at most ``FLAWS_MAX``)."""

    size: int
    erased: int
    checkpoints: int
    flaws: tuple[Flaw, ...]

    @property
    def clean(self) -> bool:
        """Whether everything holds."""
        return not self.flaws


class _Pass:
    """One walk over the entries, gathering flaws."""

    def __init__(self, tx: Tx, ledger: Ledger) -> None:
        self.tx = tx
        self.ledger = ledger
        self.flaws: list[Flaw] = []
        self.frontier = Frontier()
        self.newest: datetime | None = None
        self.erased = 0
        self.stated: dict[int, Json] = {}
        self.withdrawn: dict[int, int] = {}
        self.tile: list[bytes] = []
        self.roots: dict[int, bytes] = {}
        self.signed = dict(sql.read_checkpoints(tx))

    def flaw(self, check: int, index: int, zh: str, en: str) -> None:
        if len(self.flaws) < FLAWS_MAX:
            self.flaws.append(Flaw(check=check, index=index, what=Text(zh, en)))

    def entry(
        self, row: tuple[int, datetime, str, bytes, bytes], stored: tuple[bytes, bytes] | None
    ) -> None:
        index, at, kind, raw, hashed = row
        expected = self.frontier.size
        if index != expected:
            self.flaw(1, expected, "缺少条目", "entries are missing")
        if leaf_hash(raw) != hashed:
            self.flaw(2, index, "条目被改动", "the entry was edited")
        try:
            leaf = leaves.parse(raw)
        except Problem:
            self.flaw(2, index, "条目格式损坏", "the entry is malformed")
            leaf = None
        if leaf is not None:
            self._leaf(index, at, kind, leaf, stored)
        if self.frontier.size in self.signed:
            self.roots[self.frontier.size] = self.frontier.root()
        self.frontier.append(hashed)
        self._tile(index, hashed)

    def _leaf(self, index: int, at: datetime, kind: str, leaf: Leaf, stored: tuple[bytes, bytes] | None) -> None:
        if (leaf.at, leaf.kind) != (at, kind):
            self.flaw(3, index, "索引与条目不符", "the index does not match the entry")
        if self.newest is not None and leaf.at < self.newest:
            self.flaw(3, index, "时间倒退", "time runs back")
        self.newest = leaf.at
        if stored is None:
            self.erased += 1
            return
        try:
            body = canon.loads(self.ledger.open_payload(index, leaf, *stored))
        except Problem:
            self.flaw(4, index, "内容与承诺不符", "the payload does not match its commitment")
            return
        if leaf.kind == FACT_STATED.name:
            self.stated[index] = body
        elif leaf.kind == FACT_WITHDRAWN.name and isinstance(body, dict) and isinstance(body["entry"], int):
            self.withdrawn[body["entry"]] = index

    def _tile(self, index: int, hashed: bytes) -> None:
        self.tile.append(hashed)
        if len(self.tile) == tree.TILE_WIDTH:
            number = index // tree.TILE_WIDTH
            if sql.read_tile(self.tx, level=0, idx=number) != b"".join(self.tile):
                self.flaw(6, index, "树的存储块与条目不符", "a stored tile does not match the entries")
            self.tile = []

    def finish(self) -> None:
        head = sql.read_head(self.tx)
        if (head.size, list(head.peaks)) != (self.frontier.size, self.frontier.peaks):
            self.flaw(5, self.frontier.size, "账尾与条目不符（条目被删除或追加）", "the head does not match (entries cut or added)")
        if head.at != self.newest:
            self.flaw(5, self.frontier.size, "账尾时间不符", "the head's time does not match")
        self.roots[self.frontier.size] = self.frontier.root()
        self._upper_tiles()
        self._checkpoints()
        self._facts()

    def _upper_tiles(self) -> None:
        level = 1
        while count := self.frontier.size >> (tree.TILE_BITS * (level + 1)):
            for number in range(count):
                built = b"".join(tree.Tiles(self.tx).build(level, number, tree.TILE_WIDTH))
                if sql.read_tile(self.tx, level=level, idx=number) != built:
                    self.flaw(6, number, "树的存储块与条目不符", "a stored tile does not match the entries")
            level += 1

    def _checkpoints(self) -> None:
        for size, note in self.signed.items():
            try:
                signed = notes.verify(note, self.ledger.keys.verifier)
            except Problem:
                self.flaw(7, size, "检查点签名无效", "a checkpoint's signature is not valid")
                continue
            if signed.size != size or self.roots.get(size) != signed.root:
                self.flaw(7, size, "台账与已签署的检查点矛盾", "the ledger contradicts a checkpoint it signed")

    def _facts(self) -> None:
        seen: set[int] = set()
        for row in sql.read_facts(self.tx, kinds=None, subjects=None):
            seen.add(row.idx)
            try:
                facts.check_row(row)
            except Problem:
                self.flaw(8, row.idx, "事实索引被改动", "the fact index was edited")
            if row.withdrawn_idx != self.withdrawn.get(row.idx):
                self.flaw(8, row.idx, "事实的撤回状态被改动", "a fact's withdrawal was edited")
        for index in sorted(set(self.stated) - seen):
            self.flaw(8, index, "事实索引缺失", "the fact index lacks an entry")


def check(tx: Tx, ledger: Ledger, *, progress: Progress = SILENT) -> Findings:
    """Check the whole ledger in one reading transaction."""
    walk = _Pass(tx, ledger)
    progress.begin(Text("核对台账", "checking the ledger"), sql.read_head(tx).size)
    for rows in sql.stream_entries(tx, batch_rows=BATCH_ROWS):
        stored = sql.read_payload_range(tx, start=rows[0][0], stop=rows[-1][0] + 1)
        for row in rows:
            walk.entry(row, stored.get(row[0]))
        progress.advance(len(rows))
    walk.finish()
    return Findings(
        size=walk.frontier.size,
        erased=walk.erased,
        checkpoints=len(walk.signed),
        flaws=tuple(walk.flaws),
    )
