"""Signed heads, and proofs against them.

A checkpoint is signed from the stored frontier inside the caller's transaction and kept, so that ``fsck`` can
hold the log to everything it ever signed. Signing two different roots for one size is impossible here: the
size is the primary key.
"""

from __future__ import annotations

from datetime import datetime

from tigertally.crypto.merkle import Frontier
from tigertally.formats import checkpoint as notes
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.proof import TlogProof
from tigertally.ledger import sql, tree
from tigertally.ledger.entries import LOCK, Ledger
from tigertally.ledger.errors import NoCheckpoint, NoSuchEntry
from tigertally.store.tx import Tx


def sign_head(tx: Tx, ledger: Ledger, *, now: datetime) -> bytes:
    """Sign and keep the present head; return the checkpoint's bytes (the kept one, if this size has one)."""
    tx.lock(LOCK)
    head = sql.read_head(tx)
    stored = [note for size, note in sql.read_checkpoints(tx) if size == head.size]
    if stored:
        return stored[0]
    root = Frontier(head.size, head.peaks).root()
    note = notes.sign(
        Checkpoint(origin=ledger.keys.origin, size=head.size, root=root), key=ledger.keys.note, now=now
    )
    sql.insert_checkpoint(tx, size=head.size, at=now, note=note)
    return note


def last(tx: Tx) -> bytes:
    """Return the newest checkpoint; :class:`NoCheckpoint` if nothing was signed."""
    note = sql.read_last_checkpoint(tx)
    if note is None:
        raise NoCheckpoint
    return note


def proof_of(tx: Tx, *, index: int) -> TlogProof:
    """Return the proof file of entry ``index`` under the newest checkpoint that covers it."""
    note = last(tx)
    signed, _ = notes.parse(note)
    leaf = sql.read_leaf(tx, index)
    if leaf is None:
        raise NoSuchEntry(index=index)
    if index >= signed.size:
        raise NoCheckpoint
    path = tree.inclusion(tx, index=index, size=signed.size)
    return TlogProof(leaf=leaf, index=index, path=tuple(path), checkpoint=note)
