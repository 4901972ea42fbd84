"""Signed heads, and proofs against them.

A checkpoint is signed inside the caller's transaction and kept, so that ``fsck`` can hold the log to everything it
ever signed. Two different roots for one size cannot be signed here: the size is the primary key. Nor does the log
sign a head that contradicts what it signed before: the root is computed from the stored tiles, compared with the
stored frontier, and must extend the newest checkpoint; if not, the ledger is broken and nothing is signed.
"""

from __future__ import annotations

from datetime import datetime

from tigertally.base.errors import Problem
from tigertally.crypto.digest import same
from tigertally.crypto.merkle import Frontier
from tigertally.formats import checkpoint as notes
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.proof import TlogProof
from tigertally.ledger import sql, tree
from tigertally.ledger.entries import LOCK, Ledger
from tigertally.ledger.errors import LedgerBroken, NoCheckpoint, NoSuchEntry
from tigertally.store.tx import Tx


def sign_head(tx: Tx, ledger: Ledger, *, now: datetime) -> bytes:
    """Sign and keep the present head; return the checkpoint's bytes (the kept one, if this size has one).

    Raises :class:`LedgerBroken` rather than sign a head that contradicts the tree or an earlier checkpoint.
    """
    tx.lock(LOCK)
    head = ledger.head(tx)
    root = Frontier(head.size, head.peaks).root()
    if not same(root, tree.root(tx, size=head.size)):
        raise LedgerBroken(index=head.size, what="head")
    newest = sql.read_last_checkpoint(tx)
    if newest is not None:
        signed = _ours(newest, ledger, index=head.size)
        if signed.size > head.size or not same(signed.root, tree.root(tx, size=signed.size)):
            raise LedgerBroken(index=signed.size, what="checkpoint")
        if signed.size == head.size:
            return newest
    note = notes.sign(Checkpoint(origin=ledger.keys.origin, size=head.size, root=root), key=ledger.keys.note, now=now)
    sql.insert_checkpoint(tx, size=head.size, at=now, note=note)
    return note


def last(tx: Tx) -> bytes:
    """Return the newest checkpoint; :class:`NoCheckpoint` if nothing was signed."""
    note = sql.read_last_checkpoint(tx)
    if note is None:
        raise NoCheckpoint
    return note


def proof_of(tx: Tx, *, index: int) -> TlogProof:
    """Return the proof file of entry ``index`` under the newest checkpoint.

    Raises :class:`NoSuchEntry`; :class:`NoCheckpoint` if no checkpoint covers it; :class:`LedgerBroken`.
    """
    note = last(tx)
    signed, _ = notes.parse(note)
    leaf = sql.read_leaf(tx, index)
    if leaf is None:
        raise NoSuchEntry(index=index)
    if index >= signed.size:
        raise NoCheckpoint
    path = tree.inclusion(tx, index=index, size=signed.size)
    return TlogProof(leaf=leaf, index=index, path=tuple(path), checkpoint=note)


def _ours(note: bytes, ledger: Ledger, *, index: int) -> Checkpoint:
    try:
        return notes.verify(note, ledger.keys.verifier)
    except Problem:
        raise LedgerBroken(index=index, what="checkpoint") from None
