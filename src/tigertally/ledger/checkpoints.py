"""Signed heads, and proofs against them.

A checkpoint is signed inside the caller's transaction and kept, so that ``fsck`` can hold the log to everything it
ever signed. Two different roots for one size cannot be signed here: the size is the primary key. Nor does the log
sign a head that contradicts what it signed before: the root is computed from the stored tiles, compared with the
stored frontier, and must extend the newest checkpoint; if not, the ledger is broken and nothing is signed.

Cosignatures of witnesses are added to the stored note: they say that others saw the same history.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from tigertally.base.errors import Problem
from tigertally.crypto.digest import same
from tigertally.crypto.merkle import Frontier
from tigertally.formats import checkpoint as notes
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.cosignature import VKey, merged
from tigertally.formats.note import Signature
from tigertally.formats.policy import Policy
from tigertally.formats.proof import TlogProof
from tigertally.formats.witness import AddCheckpoint
from tigertally.ledger import sql, tree
from tigertally.ledger.entries import LOCK, Ledger, never_back
from tigertally.ledger.errors import LedgerBroken, NoCheckpoint, NoSuchEntry
from tigertally.store.tx import Tx

_NOTES: Final = 64


def sign_head(tx: Tx, ledger: Ledger, *, now: datetime) -> bytes:
    """Sign and keep the present head; return the checkpoint's bytes (the kept one, if this size has one).

    Raises :class:`LedgerBroken` rather than sign a head that contradicts the tree or an earlier checkpoint, and
    ``ClockWentBack`` rather than date it before its newest entry.
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
    at = never_back(now, head.at)
    note = notes.sign(Checkpoint(origin=ledger.keys.origin, size=head.size, root=root), key=ledger.keys.note, now=at)
    sql.insert_checkpoint(tx, size=head.size, at=at, note=note)
    return note


def last(tx: Tx) -> bytes:
    """Return the newest checkpoint; :class:`NoCheckpoint` if nothing was signed."""
    note = sql.read_last_checkpoint(tx)
    if note is None:
        raise NoCheckpoint
    return note


def witnessed(tx: Tx, policy: Policy, *, above: int) -> bytes | None:
    """Return the newest checkpoint of more than ``above`` entries that a quorum cosigned; None if there is none."""
    for note in sql.newest_checkpoints(tx, above=above, batch_rows=_NOTES):
        signed, parsed = notes.parse(note)
        if policy.met(policy.cosigned(parsed, signed)):
            return note
    return None


def last_cosigned(tx: Tx, keys: Collection[VKey]) -> int:
    """Return the size of the newest checkpoint with a cosignature of any of ``keys``; 0 if there is none."""
    for note in sql.newest_checkpoints(tx, above=0, batch_rows=_NOTES):
        signed, parsed = notes.parse(note)
        if any(key.signed_at(parsed, signed) is not None for key in keys):
            return signed.size
    return 0


def keep_cosigned(tx: Tx, ledger: Ledger, *, note: bytes, more: Collection[Signature]) -> bytes:
    """Add verified cosignatures to our checkpoint ``note`` as it is stored; return the checkpoint.

    Raises :class:`NoCheckpoint` if it is none of ours, :class:`LedgerBroken` if what is stored was edited.
    """
    tx.lock(LOCK)
    size = notes.parse(note)[0].size
    stored = sql.read_checkpoint(tx, size)
    if stored is None or notes.parse(stored)[1].text != notes.parse(note)[1].text:
        raise NoCheckpoint
    _ours(stored, ledger, index=size)
    whole = merged(notes.parse(stored)[1], more).to_bytes()
    sql.replace_checkpoint(tx, size=size, note=whole)
    return whole


def request_of(tx: Tx, *, note: bytes, old: int) -> AddCheckpoint:
    """Return the request to a witness to cosign ``note`` that cosigned the first ``old`` entries; LedgerBroken."""
    size = notes.parse(note)[0].size
    proof = tree.consistency(tx, old=old, new=size) if 0 < old < size else []
    return AddCheckpoint(old=old, proof=tuple(proof), checkpoint=note)


def proof_of(tx: Tx, *, index: int, note: bytes | None = None) -> TlogProof:
    """Return the proof file of entry ``index`` under ``note``, or under the newest checkpoint.

    Raises :class:`NoSuchEntry`; :class:`NoCheckpoint` if no checkpoint covers it; :class:`LedgerBroken`.
    """
    note = last(tx) if note is None else note
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
