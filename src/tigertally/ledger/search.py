"""Finding entries: what is about whom, between two instants. Exact for a ledger in which ``fsck`` finds nothing.

Times never run back, so the entries between two instants are one range of indexes, found by halving. What is about
somebody is found by their pseudonym; every payload that is told is opened, and so proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.ledger import spelling, sql
from tigertally.ledger.entries import Ledger
from tigertally.ledger.errors import LedgerBroken
from tigertally.ledger.events import EventKind
from tigertally.store.tx import Tx

_ROWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that was looked for; ``payload`` is None if it was erased."""

    index: int
    at: datetime
    kind: str
    payload: Json | None


def window(tx: Tx, *, start: datetime, until: datetime) -> range:
    """Return the indexes of the entries at ``start`` or later and before ``until``."""
    return range(_first(tx, start), _first(tx, until))


def about(
    tx: Tx, ledger: Ledger, *, names: Sequence[str], within: range, kinds: Collection[EventKind]
) -> Iterator[Found]:
    """Yield the entries of ``kinds`` in ``within`` that are about all of ``names``, in order; with no names, all.

    Raises :class:`LedgerBroken` if one is missing or does not open.
    """
    wanted = frozenset(kind.name for kind in kinds)
    if names:
        lists = [ledger.about(tx, name) for name in names]
        common = set(lists[0]).intersection(*lists[1:])
        indexes: Sequence[int] = sorted(index for index in common if index in within)
    else:
        indexes = within
    for at in range(0, len(indexes), _ROWS):
        part = indexes[at : at + _ROWS]
        rows = sql.read_rows(tx, part)
        if len(rows) != len(part):
            raise LedgerBroken(index=part[0], what="entries")
        for index, raw, stored in rows:
            leaf = spelling.read_leaf(raw)
            if leaf.kind in wanted:
                body = None if stored is None else canon.loads(ledger.open_payload(index, raw, *stored))
                yield Found(index=index, at=leaf.at, kind=leaf.kind, payload=body)


def _first(tx: Tx, instant: datetime) -> int:
    """Return the index of the first entry at ``instant`` or later."""
    low, high = 0, sql.read_head(tx).size
    while low < high:
        middle = (low + high) // 2
        raw = sql.read_leaf(tx, middle)
        if raw is None:
            raise LedgerBroken(index=middle, what="entries")
        if spelling.read_leaf(raw).at < instant:
            low = middle + 1
        else:
            high = middle
    return low
