"""Checkpoints: signed once per size, never against what was signed before, and proofs under them."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, update

from tigertally.crypto.merkle import Frontier, MemoryTree, verify_consistency
from tigertally.formats import checkpoint as notes
from tigertally.formats import proof as proofs
from tigertally.ledger import Ledger, checkpoints, sql, tree
from tigertally.ledger.errors import LedgerBroken, NoCheckpoint, NoSuchEntry
from tigertally.store import Tx

from .conftest import Book, new_keys


def sign(book: Book) -> bytes:
    with book.writing() as tx:
        return checkpoints.sign_head(tx, book.ledger, now=book.now)


def refused(book: Book) -> LedgerBroken:
    with pytest.raises(LedgerBroken) as caught:
        sign(book)
    return caught.value


def test_the_head_is_signed_by_both_keys_and_kept(book: Book) -> None:
    with book.reading() as tx, pytest.raises(NoCheckpoint):
        checkpoints.last(tx)
    empty = sign(book)
    book.fill(300)
    note = sign(book)
    signed, at = notes.verify_dated(note, book.ledger.keys.verifier)
    with book.reading() as tx:
        memory = MemoryTree(sql.read_leaf_hashes(tx, start=0, stop=300))
        assert signed.root == tree.root(tx, size=300)
        assert checkpoints.last(tx) == note
    assert (signed.origin, signed.size, at) == (book.ledger.keys.origin, 300, book.now)
    assert memory.size == signed.size
    assert notes.verify(empty, book.ledger.keys.verifier).size == 0
    assert book.flaws() == set()


def test_one_size_has_one_checkpoint(book: Book) -> None:
    book.fill(5)
    first = sign(book)
    book.clock.advance(60)
    assert sign(book) == first


def test_every_checkpoint_is_consistent_with_every_later_one(book: Book) -> None:
    signed = []
    for count in (1, 200, 55, 1, 300):
        book.fill(count)
        signed.append(notes.verify(sign(book), book.ledger.keys.verifier))
    with book.reading() as tx:
        for number, old in enumerate(signed):
            for new in signed[number:]:
                proof = tree.consistency(tx, old=old.size, new=new.size)
                assert verify_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, proof=proof)


def test_proof_files_verify_alone(book: Book) -> None:
    book.fill(700)
    sign(book)
    verifier = book.ledger.keys.verifier
    with book.reading() as tx:
        for index in (0, 255, 256, 511, 699):
            made = checkpoints.proof_of(tx, index=index)
            assert proofs.parse(made.to_bytes()) == made
            assert made.verify(verifier) is not None
            assert made.verify(verifier, leaf=b"{}") is None
        for index in (700, -1):
            with pytest.raises(NoSuchEntry):
                checkpoints.proof_of(tx, index=index)
    book.fill(1)
    with book.reading() as tx, pytest.raises(NoCheckpoint):
        checkpoints.proof_of(tx, index=700)


def cut(tx: Tx, size: int) -> None:
    """Cut the ledger down to ``size`` entries, head and tiles included, as somebody careful would."""
    hashes = sql.read_leaf_hashes(tx, start=0, stop=size)
    for table, column in ((sql.entry, sql.entry.c.idx), (sql.payload, sql.payload.c.idx), (sql.about, sql.about.c.idx)):
        tx.execute(delete(table).where(column >= size))
    tx.execute(delete(sql.tile))
    tree.grow(tx, old_size=0, hashes=hashes)
    frontier = Frontier()
    for hashed in hashes:
        frontier.append(hashed)
    tx.execute(update(sql.head).values(size=size, peaks=b"".join(frontier.peaks)))


def test_a_head_that_was_cut_back_is_not_signed(book: Book) -> None:
    book.fill(300)
    sign(book)
    with book.writing() as tx:
        cut(tx, 280)
    refused(book)
    assert 7 in book.checks()


def test_a_head_that_contradicts_the_newest_checkpoint_is_not_signed(book: Book) -> None:
    """The last entry signed is exchanged for another, and the log grows on."""
    book.fill(300)
    sign(book)
    with book.writing() as tx:
        cut(tx, 299)
    book.reseal()
    book.fill(20)
    assert refused(book).details["what"] == "checkpoint"


def test_a_head_that_is_not_the_trees_is_not_signed(book: Book) -> None:
    book.fill(10)
    with book.reading() as tx:
        peaks = b"".join(sql.read_head(tx).peaks)
    book.tamper(update(sql.head).values(peaks=peaks[:-1] + bytes([peaks[-1] ^ 1])))
    assert refused(book).details["what"] == "head"


def test_a_kept_checkpoint_that_was_edited_is_not_handed_out(book: Book) -> None:
    book.fill(10)
    note = sign(book)
    stranger = Ledger(new_keys())
    forged = notes.sign(notes.parse(note)[0], key=stranger.keys.note, now=book.now)
    book.tamper(update(sql.checkpoint).values(note=forged))
    assert refused(book).details["what"] == "checkpoint"
    assert 7 in book.checks()
