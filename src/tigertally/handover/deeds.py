"""What the ledger proves of a destruction: its own entries, opened, and nothing that a row or a cursor says.

An entry's payload opens only if this installation wrote it there (``ledger.entries``), so whoever can edit the
database can take proof away and never add any. What is not proved here was not done, as far as a certificate is
concerned; a copy without its entry counts as still there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from tigertally.base.canon import Json
from tigertally.formats.certificate import DestroyedKey
from tigertally.handover import events
from tigertally.ledger import EventKind, Ledger, spelling
from tigertally.ledger import sql as ledger_rows
from tigertally.store.tx import Tx
from tigertally.vault import KEY_DESTROYED


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyDeed:
    """A copy's deletion as it was recorded."""

    method: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """What was done since a plan's destruction began. ``rows`` were deleted, ``keys`` zeroised."""

    started: bool
    rows: int
    keys: frozenset[str]
    copies: Mapping[int, CopyDeed]
    opening_failed: bool


def of_plan(tx: Tx, ledger: Ledger, *, deal: str, plan: str, keys: Collection[DestroyedKey]) -> Deeds:
    """Return what the ledger proves of the destruction in ``deal`` whose plan has this digest."""
    found = list(_entries(tx, ledger, deal))
    starts = [
        index for index, kind, payload in found if kind == events.DESTRUCTION_STARTED.name and payload["plan"] == plan
    ]
    if not starts:
        return Deeds(started=False, rows=0, keys=frozenset(), copies={}, opening_failed=False)
    since = [(kind, payload) for index, kind, payload in found if index > starts[-1]]
    rows = [payload["rows"] for kind, payload in since if kind == events.ROWS_DELETED.name]
    return Deeds(
        started=True,
        rows=sum(count for count in rows if isinstance(count, int)),
        keys=frozenset(key.key for key in keys if _zeroised(tx, ledger, key.key, after=starts[-1])),
        copies=_copies(since),
        opening_failed=any(kind == events.OPENING_FAILED.name for kind, _ in since),
    )


def of_copies(tx: Tx, ledger: Ledger, *, deal: str) -> Mapping[int, CopyDeed]:
    """Return the deletions of copies that the ledger proves, by copy; of several the last."""
    return _copies([(kind, payload) for _, kind, payload in _entries(tx, ledger, deal)])


def begun(tx: Tx, ledger: Ledger, *, deal: str, copy: int) -> str | None:
    """Return the method with which we began to delete a copy, None if we never did."""
    methods = [
        payload["method"]
        for _, kind, payload in _entries(tx, ledger, deal)
        if kind == events.COPY_DELETING.name and payload["copy"] == copy
    ]
    return str(methods[-1]) if methods else None


_KINDS: Mapping[str, EventKind] = {
    kind.name: kind
    for kind in (
        events.DESTRUCTION_STARTED,
        events.ROWS_DELETED,
        events.COPY_DELETING,
        events.COPY_DELETED,
        events.OPENING_FAILED,
    )
}


def _entries(tx: Tx, ledger: Ledger, deal: str) -> Iterator[tuple[int, str, Mapping[str, Json]]]:
    """Yield index, kind and payload of the entries of a destruction. Raises ``LedgerBroken``."""
    for index in ledger.about(tx, deal):
        raw = ledger_rows.read_leaf(tx, index)
        kind = None if raw is None else _KINDS.get(spelling.read_leaf(raw).kind)
        if kind is None:
            continue
        payload = ledger.payload_of(tx, index, kind=kind)
        if isinstance(payload, dict) and payload.get("deal") == deal:
            yield index, kind.name, payload


def _copies(found: Collection[tuple[str, Mapping[str, Json]]]) -> Mapping[int, CopyDeed]:
    return {
        int(str(payload["copy"])): CopyDeed(method=str(payload["method"]), verified=payload["verified"] is True)
        for kind, payload in found
        if kind == events.COPY_DELETED.name
    }


def _zeroised(tx: Tx, ledger: Ledger, key: str, *, after: int) -> bool:
    for index in ledger.about(tx, key):
        raw = ledger_rows.read_leaf(tx, index) if index > after else None
        if raw is None or spelling.read_leaf(raw).kind != KEY_DESTROYED.name:
            continue
        payload = ledger.payload_of(tx, index, kind=KEY_DESTROYED)
        if isinstance(payload, dict) and payload.get("key") == key:
            return True
    return False
