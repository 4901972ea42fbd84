"""Tiles and proofs: what the stored tree proves is what a tree in memory proves, across every boundary."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select, update

from tigertally.crypto import merkle
from tigertally.crypto.merkle import MemoryTree, leaf_hash
from tigertally.ledger import sql, tree
from tigertally.ledger.errors import LedgerBroken
from tigertally.store import Store, Tx

from .conftest import Book, made

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def hashes(start: int, stop: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(start, stop)]


def grow(tx: Tx, old: int, new: int) -> None:
    """Add leaves with made-up hashes, past the entries' own making (65,536 entries take long; hashes do not)."""
    added = hashes(old, new)
    tx.insert_columns(
        sql.entry,
        {
            "idx": range(old, new),
            "at": [START] * (new - old),
            "kind": ["a.b.c"] * (new - old),
            "leaf": [b""] * (new - old),
            "leaf_hash": added,
        },
    )
    tree.grow(tx, old_size=old, hashes=added)


def tile_sizes(tx: Tx) -> dict[tuple[int, int], int]:
    rows = tx.all(select(sql.tile.c.level, sql.tile.c.idx, func.length(sql.tile.c.hashes)))
    return {(row[0], row[1]): row[2] // merkle.HASH_BYTES for row in rows}


@pytest.mark.parametrize(
    "steps",
    [
        [255, 256, 257],
        [1, 255, 256, 511, 512, 513],
        [300, 900, 2000],
        [65_535, 65_536, 65_537],
        [65_000, 131_072],
    ],
)
def test_tiles_and_proofs_across_boundaries(store: Store, steps: list[int]) -> None:
    memory = MemoryTree(hashes(0, steps[-1]))
    draw = random.Random(str(steps))
    old = 0
    for size in steps:
        with store.transaction() as tx:
            grow(tx, old, size)
        with store.reading() as tx:
            wanted = {(0, number): 256 for number in range(size >> 8)}
            for level in (1, 2):
                count = size >> (8 * level)
                wanted |= {(level, at >> 8): min(256, count - at) for at in range(0, count, 256)}
            assert tile_sizes(tx) == wanted
            root = merkle.range_hash(memory.subtree, 0, size)
            assert tree.root(tx, size=size) == root
            edges = {0, size - 1, size // 2, max(0, size - 256), min(size - 1, 255), min(size - 1, 65_535)}
            for index in edges | {draw.randrange(size) for _ in range(12)}:
                proof = tree.inclusion(tx, index=index, size=size)
                assert proof == merkle.inclusion_proof(memory.subtree, index=index, size=size)
                assert merkle.verify_inclusion(
                    hashed_leaf=leaf_hash(b"%d" % index), index=index, size=size, proof=proof, root=root
                )
            for past in {1, size, old or 1, size - 1 or 1} | {draw.randrange(1, size + 1) for _ in range(12)}:
                proof = tree.consistency(tx, old=past, new=size)
                assert proof == merkle.consistency_proof(memory.subtree, old=past, new=size)
                past_root = merkle.range_hash(memory.subtree, 0, past)
                assert merkle.verify_consistency(old=past, new=size, old_root=past_root, new_root=root, proof=proof)
        old = size


def test_proofs_between_any_two_earlier_sizes(store: Store) -> None:
    """An old checkpoint is proved from the tree as it is now, although tiles have grown since."""
    memory = MemoryTree(hashes(0, 70_000))
    draw = random.Random(5)
    with store.transaction() as tx:
        grow(tx, 0, 70_000)
    with store.reading() as tx:
        for _ in range(40):
            old, new = sorted((draw.randrange(1, 70_001), draw.randrange(1, 70_001)))
            assert tree.consistency(tx, old=old, new=new) == merkle.consistency_proof(memory.subtree, old=old, new=new)
            index = draw.randrange(new)
            assert tree.inclusion(tx, index=index, size=new) == merkle.inclusion_proof(
                memory.subtree, index=index, size=new
            )
        assert tree.root(tx, size=0) == merkle.EMPTY_ROOT


def test_a_ledger_of_real_entries_past_the_second_level(book: Book, dialect: str) -> None:
    """65,536 entries by bulk appends, then one more: fsck reads them all and finds nothing."""
    batch = [made(number) for number in range(8_192)]
    for _ in range(8):
        with book.writing() as tx:
            book.ledger.append_many(tx, batch, now=book.now)
    with book.writing() as tx:
        assert book.ledger.append(tx, made(1), now=book.now) == 65_536
        assert tile_sizes(tx)[(2, 0)] == 1
        memory = MemoryTree(sql.read_leaf_hashes(tx, start=0, stop=65_537))
        for index in (0, 255, 256, 65_535, 65_536):
            assert tree.inclusion(tx, index=index, size=65_537) == merkle.inclusion_proof(
                memory.subtree, index=index, size=65_537
            )
    if dialect == "sqlite":  # the same code reads both; once is enough for something that takes seconds
        assert book.flaws() == set()


def test_a_proof_needs_few_tiles(store: Store) -> None:
    with store.transaction() as tx:
        grow(tx, 0, 65_536 + 254 * 256 + 77)
    with store.reading() as tx:
        tiles = tree.Tiles(tx)
        merkle.inclusion_proof(tiles.subtree, index=3, size=65_536 + 254 * 256 + 77)
        assert len(tiles._kept) <= 6  # noqa: SLF001 - how much a proof reads is the point


def test_damaged_tiles_make_no_proofs(store: Store) -> None:
    with store.transaction() as tx:
        grow(tx, 0, 1000)
        short = tx.scalar(select(sql.tile.c.hashes).where(sql.tile.c.level == 1)) or b""
        tx.execute(update(sql.tile).where(sql.tile.c.level == 1).values(hashes=bytes(short)[:-32]))
        with pytest.raises(LedgerBroken):
            tree.inclusion(tx, index=0, size=1000)
        with pytest.raises(LedgerBroken):
            tree.grow(tx, old_size=1000, hashes=hashes(1000, 1100))
        tx.execute(delete(sql.tile))
        with pytest.raises(LedgerBroken):
            tree.root(tx, size=1000)
        tx.execute(delete(sql.entry).where(sql.entry.c.idx == 999))
        with pytest.raises(LedgerBroken):
            tree.inclusion(tx, index=998, size=1000)
        with pytest.raises(LedgerBroken):
            tree.grow(tx, old_size=1000, hashes=hashes(1000, 1100))
