"""Are the tables that are derived from the entries exactly what the entries say? The half of ``fsck`` about them.

4. payloads: open in their place, match their commitment, and belong to an entry; 8. facts: each row is proved by its
entry, withdrawn exactly if an entry withdrew it, and none is missing; 9. the pseudonym index, on which erasure and
every "about whom" rests; 10. erasures: a payload is absent exactly if an entry erased it; 12. the seal and the roll.

The pseudonym index is compared as a multiset, by adding up keyed digests of its rows under a key drawn for the run:
it has no order in common with the entries, and it does not fit into memory.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.limits import BATCH_ROWS
from tigertally.formats.leaf import Leaf
from tigertally.ledger import facts, sql
from tigertally.ledger.entries import PAYLOAD_ERASED, Ledger
from tigertally.ledger.facts import FACT_STATED, FACT_WITHDRAWN
from tigertally.ledger.flaws import Flaws
from tigertally.ledger.roll import Name, fold, whole
from tigertally.ledger.sql import EntryRow, FactRow
from tigertally.store.tx import Tx

_SUM_BITS: Final = 256
_NAMES: Final = 256
_READ: Final = frozenset({FACT_STATED.name, FACT_WITHDRAWN.name, PAYLOAD_ERASED.name})


class Derived:
    """Gathers what the entries say, then compares."""

    def __init__(self, tx: Tx, ledger: Ledger, flaws: Flaws) -> None:
        self.tx = tx
        self.ledger = ledger
        self.flaws = flaws
        self.payloads = 0
        self.absent: list[int] = []
        self.erased_by_entry: list[int] = []
        self.stated: set[int] = set()
        self.withdrawn: dict[int, int] = {}
        self.counted: dict[Name, list[int]] = {}
        self.about = _Sum()

    @property
    def erased(self) -> int:
        """How many entries have no payload any more."""
        return len(self.absent)

    def entry(self, row: EntryRow, leaf: Leaf, stored: tuple[bytes, bytes] | None) -> None:
        """Take an entry with its payload, if it has one."""
        self.about.add((name, row.idx) for name in dict.fromkeys(leaf.about))
        if stored is None:
            self.absent.append(row.idx)
            return
        self.payloads += 1
        try:
            body = self.ledger.open_payload(row.idx, row.leaf, *stored)
            if leaf.kind in _READ:
                self._learn(row.idx, leaf.kind, canon.loads(body))
        except Problem:
            self.flaws.add(4, row.idx, "内容与承诺或位置不符", "the payload does not match its commitment or its place")

    def _learn(self, index: int, kind: str, body: Json) -> None:
        if kind == FACT_STATED.name:
            self.stated.add(index)
        if not isinstance(body, dict):
            return
        if kind == FACT_WITHDRAWN.name and isinstance(entry := body.get("entry"), int):
            self.withdrawn[entry] = index
        elif kind == PAYLOAD_ERASED.name and isinstance(entries := body.get("entries"), list):
            self.erased_by_entry += [entry for entry in entries if isinstance(entry, int)]

    def finish(self) -> None:
        """Compare the tables with what was gathered."""
        if sql.count(self.tx, sql.payload) != self.payloads:
            self.flaws.add(4, 0, "存在不属于任何条目的内容", "there are payloads that belong to no entry")
        self._facts()
        held = _Sum()
        for rows in sql.stream_about(self.tx, batch_rows=BATCH_ROWS):
            held.add(rows, key=self.about.key)
        if held.total != self.about.total:
            self.flaws.add(9, 0, "假名索引与条目不符", "the pseudonym index does not match the entries")
        self._erasures()
        self._roll()

    def _facts(self) -> None:
        seen: set[int] = set()
        for rows in sql.stream_facts(self.tx, batch_rows=BATCH_ROWS):
            for row in rows:
                seen.add(row.idx)
                self._fact(row)
        for index in sorted(self.stated - seen):
            self.flaws.add(8, index, "事实索引缺失", "the fact index lacks an entry")

    def _fact(self, row: FactRow) -> None:
        try:
            facts.check_row(row, ledger=self.ledger)
        except Problem:
            self.flaws.add(8, row.idx, "事实索引被改动", "the fact index was edited")
        indexes = self.counted.setdefault((row.kind, row.subject), [])
        indexes += [row.idx] if row.withdrawn_idx is None else [row.idx, row.withdrawn_idx]
        if row.withdrawn_idx != self.withdrawn.get(row.idx):
            self.flaws.add(8, row.idx, "事实的撤回状态被改动", "a fact's withdrawal was edited")

    def _roll(self) -> None:
        head = sql.read_head(self.tx)
        try:
            self.ledger.head(self.tx)
        except Problem:
            self.flaws.add(12, head.size, "账尾的封印无效", "the head's seal does not hold")
        if whole(self.tx, root=head.roll) is None:
            self.flaws.add(12, head.size, "名册与账尾不符", "the roll is not what the head says")
            return
        names = list(self.counted)
        for start in range(0, len(names), _NAMES):
            part = names[start : start + _NAMES]
            roll = self.ledger.roll(self.tx, part, head=head)
            for name in part:
                indexes = sorted(self.counted[name])
                if fold(indexes) != roll.link(name):
                    self.flaws.add(12, indexes[-1], "事实被增删", "a fact was added or taken away")

    def _erasures(self) -> None:
        absent, erased = _sorted(self.absent), _sorted(self.erased_by_entry)
        for index in np.setdiff1d(absent, erased)[:BATCH_ROWS].tolist():
            self.flaws.add(10, index, "内容缺失，但没有擦除记录", "a payload is gone though nothing erased it")
        for index in np.setdiff1d(erased, absent)[:BATCH_ROWS].tolist():
            self.flaws.add(10, index, "已擦除的内容又出现了", "a payload that was erased is back")


class _Sum:
    """An order-free digest of rows: the sum of their keyed digests, modulo 2^256."""

    __slots__ = ("key", "total")

    def __init__(self) -> None:
        self.key = secrets.token_bytes(32)
        self.total = 0

    def add(self, rows: Iterable[tuple[str, int]], *, key: bytes = b"") -> None:
        """Add ``(pseudonym, index)`` rows, under ``key`` or this sum's own."""
        key = key or self.key
        for name, index in rows:
            digest = hashlib.blake2b(f"{name} {index}".encode(), key=key, digest_size=_SUM_BITS // 8).digest()
            self.total = (self.total + int.from_bytes(digest, "big")) % (1 << _SUM_BITS)


def _sorted(indexes: list[int]) -> NDArray[np.int64]:
    return np.unique(np.array(indexes, dtype=np.int64))
