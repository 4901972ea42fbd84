"""Every tampering is named by its check and, where one can tell, by its entry. A clean ledger has no flaw."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from tigertally.base.ids import new_id
from tigertally.crypto.merkle import Frontier, leaf_hash
from tigertally.formats import checkpoint as notes
from tigertally.ledger import Ledger, checkpoints, facts, fsck, sql, tree
from tigertally.ledger.flaws import FLAWS_MAX
from tigertally.store import Tx

from .conftest import SKILLED, Book, made, new_keys

ENTRIES = 700
E, P = sql.entry.c, sql.payload.c


@pytest.fixture
def full(book: Book) -> Book:
    """700 entries and a checkpoint at 600."""
    book.fill(600)
    with book.writing() as tx:
        checkpoints.sign_head(tx, book.ledger, now=book.now)
    book.clock.advance(10)
    book.fill(100)
    assert book.flaws() == set()
    return book


def leaf(book: Book, index: int) -> bytes:
    with book.reading() as tx:
        return sql.read_leaf(tx, index) or b""


def rehead(tx: Tx) -> None:
    """Make head and tiles fit the entries, as somebody careful without keys would."""
    hashes = list(tx.scalars(select(E.leaf_hash).order_by(E.idx)))
    tx.execute(delete(sql.tile))
    tree.grow(tx, old_size=0, hashes=[bytes(item) for item in hashes])
    frontier = Frontier()
    for hashed in hashes:
        frontier.append(bytes(hashed))
    tx.execute(update(sql.head).values(size=frontier.size, peaks=b"".join(frontier.peaks)))


def test_an_empty_ledger_is_clean(book: Book) -> None:
    with book.reading() as tx:
        found = fsck.check(tx, book.ledger)
    assert found.clean
    assert (found.size, found.erased, found.checkpoints) == (0, 0, 0)


def test_what_was_read_is_counted(full: Book) -> None:
    with full.reading() as tx:
        found = fsck.check(tx, full.ledger)
    assert (found.size, found.erased, found.checkpoints) == (ENTRIES, 0, 1)


@pytest.mark.parametrize("index", [0, 255, 256, 650, ENTRIES - 1])
def test_an_edited_leaf_is_named(full: Book, index: int) -> None:
    raw = leaf(full, index).replace(b"test.thing.made", b"test.thing.mode")
    full.tamper(update(sql.entry).where(E.idx == index).values(leaf=raw))
    assert full.flaws() == {(2, index), (3, index), (4, index)}


@pytest.mark.parametrize("index", [0, 255, 256, 650, ENTRIES - 1])
def test_an_edited_leaf_with_its_hash_is_named(full: Book, index: int) -> None:
    raw = leaf(full, index).replace(b'"actor":""', b'"actor":"' + b"0" * 32 + b'"')
    full.tamper(update(sql.entry).where(E.idx == index).values(leaf=raw, leaf_hash=leaf_hash(raw)))
    found = full.flaws()
    assert (4, index) in found
    assert ((6, index) in found) == (index < 512), "a whole tile tells which entry"
    assert (5, ENTRIES) in found
    assert ((7, 600) in found) == (index < 600)


@pytest.mark.parametrize("index", [0, 300, 650])
def test_careful_edits_meet_the_payloads_seal_and_the_checkpoint(full: Book, index: int) -> None:
    """Leaf, hash, tiles and head are made to fit; the keys are not there."""
    raw = leaf(full, index).replace(b"made", b"mode")
    full.tamper(
        update(sql.entry).where(E.idx == index).values(leaf=raw, leaf_hash=leaf_hash(raw), kind="test.thing.mode")
    )
    with full.writing() as tx:
        rehead(tx)
    assert full.flaws() == {(4, index), (12, ENTRIES)} | ({(7, 600)} if index < 600 else set())


@pytest.mark.parametrize("column", ["sealed", "salt"])
@pytest.mark.parametrize("index", [0, 650])
def test_an_edited_payload_or_salt_is_named(full: Book, column: str, index: int) -> None:
    with full.reading() as tx:
        stored = bytes(tx.scalar(select(P[column]).where(P.idx == index)) or b"")
    for new in (stored[:-1] + bytes([stored[-1] ^ 1]), stored[:-1], b""):
        full.tamper(update(sql.payload).where(P.idx == index).values({column: new}))
        assert full.flaws() == {(4, index)}


def test_a_payload_taken_away_is_named(full: Book) -> None:
    full.tamper(delete(sql.payload).where(P.idx == 3))
    assert full.flaws() == {(10, 3)}


def test_a_payload_of_nobody_is_seen(full: Book) -> None:
    full.tamper(insert(sql.payload).values(idx=9000, salt=bytes(16), sealed=b"x"))
    assert full.checks() == {4}


@pytest.mark.parametrize("index", [0, 100, 256, 511])
def test_a_deleted_entry_is_named(full: Book, index: int) -> None:
    full.tamper(delete(sql.entry).where(E.idx == index))
    found = full.flaws()
    assert (1, index) in found
    assert {check for check, _ in found} == {1, 4, 9}, "tiles still prove what was there"


def test_a_deleted_entry_on_the_ragged_edge_is_named(full: Book) -> None:
    full.tamper(delete(sql.entry).where(E.idx == 650))
    assert {(1, 650), (5, 700)} <= full.flaws()


def test_two_reordered_entries_are_named(full: Book) -> None:
    with full.reading() as tx:
        rows = {row.idx: row for row in tx.all(select(sql.entry).where(E.idx.in_([10, 20])))}
        sealed = {row.idx: row for row in tx.all(select(sql.payload).where(P.idx.in_([10, 20])))}
    for here, there in ((10, 20), (20, 10)):
        full.tamper(
            update(sql.entry).where(E.idx == here).values(leaf=rows[there].leaf, leaf_hash=rows[there].leaf_hash),
            update(sql.payload).where(P.idx == here).values(salt=sealed[there].salt, sealed=sealed[there].sealed),
        )
    found = full.flaws()
    assert {(4, 10), (4, 20), (6, 10), (6, 20), (7, 600)} <= found
    with full.writing() as tx:
        rehead(tx)
    assert full.flaws() == {(4, 10), (4, 20), (7, 600), (12, ENTRIES)}


def test_entries_of_two_times_reordered_run_back(full: Book) -> None:
    with full.reading() as tx:
        rows = {row.idx: row for row in tx.all(select(sql.entry).where(E.idx.in_([599, 600])))}
    for here, there in ((599, 600), (600, 599)):
        values = {name: getattr(rows[there], name) for name in ("at", "leaf", "leaf_hash")}
        full.tamper(update(sql.entry).where(E.idx == here).values(**values))
    assert (3, 600) in full.flaws()


@pytest.mark.parametrize("left", [699, 650, 600])
def test_a_cut_tail_is_seen_by_the_head(full: Book, left: int) -> None:
    full.tamper(delete(sql.entry).where(E.idx >= left))
    assert (5, left) in full.flaws()


def test_a_tail_cut_with_its_head_is_seen_by_the_checkpoint(full: Book) -> None:
    full.tamper(*(delete(table).where(table.c.idx >= 500) for table in (sql.entry, sql.payload, sql.about)))
    with full.writing() as tx:
        rehead(tx)
        tx.execute(update(sql.head).values(at=leaf_at(tx, 499)))
    assert full.flaws() == {(7, 600), (12, 500)}
    full.reseal()
    assert full.flaws() == {(7, 600)}


def test_a_tail_cut_with_everything_is_seen_by_what_others_kept(full: Book) -> None:
    with full.reading() as tx:
        kept = checkpoints.last(tx)
    full.tamper(*(delete(table).where(table.c.idx >= 500) for table in (sql.entry, sql.payload, sql.about)))
    with full.writing() as tx:
        rehead(tx)
        tx.execute(update(sql.head).values(at=leaf_at(tx, 499)))
        tx.execute(delete(sql.checkpoint))
    assert full.flaws() == {(12, 500)}, "the seal is not theirs to make"
    full.reseal()
    assert full.flaws() == set(), "with the keys nothing local tells"
    assert full.flaws(kept) == {(11, 600)}


def leaf_at(tx: Tx, index: int) -> object:
    return tx.scalar(select(E.at).where(E.idx == index))


def test_a_log_rebuilt_from_genesis_is_seen_by_what_others_kept(full: Book) -> None:
    """By somebody who has the keys: everything local is consistent."""
    with full.reading() as tx:
        kept = checkpoints.last(tx)
    assert full.flaws(kept) == set()
    tables = (sql.entry, sql.payload, sql.about, sql.tile, sql.head, sql.checkpoint)
    full.tamper(*(delete(table) for table in tables))
    full.fill(600)
    with full.writing() as tx:
        checkpoints.sign_head(tx, full.ledger, now=full.now)
    assert full.flaws() == set()
    assert full.flaws(kept) == {(11, 600)}


def test_a_checkpoint_of_another_log_says_nothing_about_this_one(full: Book) -> None:
    stranger = Ledger(new_keys())
    with full.reading() as tx:
        ours, _ = notes.parse(checkpoints.last(tx))
    foreign = notes.sign(replace(ours, origin="tigertally.invalid/other"), key=stranger.keys.note, now=full.now)
    assert full.flaws(foreign, b"nonsense") == {(11, 0), (11, 1)}


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("how", ["edit", "cut", "delete"])
def test_an_edited_tile_is_named(full: Book, level: int, how: str) -> None:
    where = (sql.tile.c.level == level, sql.tile.c.idx == 0)
    with full.reading() as tx:
        hashes = bytes(tx.scalar(select(sql.tile.c.hashes).where(*where)) or b"")
    new = hashes[:32] + bytes(32) + hashes[64:] if how == "edit" else hashes[:-32]
    full.tamper(
        delete(sql.tile).where(*where) if how == "delete" else update(sql.tile).where(*where).values(hashes=new)
    )
    found = full.flaws()
    assert (6, 0) in found
    assert {check for check, _ in found} == {6}
    if (level, how) == (0, "edit"):
        assert (6, 1) in found


def test_a_tile_too_many_is_seen(full: Book) -> None:
    full.tamper(insert(sql.tile).values(level=1, idx=7, hashes=bytes(32)))
    assert full.checks() == {6}


def test_an_edited_head_is_named(full: Book) -> None:
    with full.reading() as tx:
        head = sql.read_head(tx)
    raw = b"".join(head.peaks)
    for values in (
        {"peaks": raw[:-1] + bytes([raw[-1] ^ 1])},
        {"at": full.now - timedelta(days=1)},
        {"size": 444, "peaks": bytes(32 * 6)},
    ):
        full.tamper(update(sql.head).values(**values))
        assert full.checks() == {5, 12}
        full.tamper(update(sql.head).values(size=head.size, peaks=raw, at=head.at))
    full.tamper(update(sql.head).values(seal=bytes(32)))
    assert full.checks() == {12}
    full.tamper(delete(sql.head))
    assert full.checks() == {5}


@pytest.mark.parametrize("column", ["at", "kind"])
def test_an_edited_index_column_is_named(full: Book, column: str) -> None:
    new = {"at": full.now + timedelta(days=1), "kind": "test.thing.hidden"}[column]
    full.tamper(update(sql.entry).where(E.idx == 5).values({column: new}))
    assert full.flaws() == {(3, 5)}


def test_a_checkpoint_that_was_edited_is_named(full: Book) -> None:
    with full.reading() as tx:
        note = checkpoints.last(tx)
    full.tamper(update(sql.checkpoint).values(note=note.replace(b"\n600\n", b"\n601\n")))
    assert full.flaws() == {(7, 600)}
    full.tamper(update(sql.checkpoint).values(note=note, size=300))
    assert full.flaws() == {(7, 300)}


@pytest.mark.parametrize("how", ["delete", "add", "move"])
def test_an_edited_pseudonym_index_is_seen(full: Book, how: str) -> None:
    """Erasure rests on it: what is not found is not erased."""
    where = sql.about.c.idx == 5
    full.tamper(
        {
            "delete": delete(sql.about).where(where),
            "add": insert(sql.about).values(pseudonym="0" * 32, idx=5),
            "move": update(sql.about).where(where).values(pseudonym="0" * 32),
        }[how]
    )
    assert full.checks() == {9}


def test_edited_facts_are_named(full: Book) -> None:
    with full.writing() as tx:
        first, second = (
            facts.state(
                tx,
                full.ledger,
                SKILLED,
                subject=full.person,
                value={"level": level, "by": "exam"},
                start=full.now,
                until=None,
                actor="",
                now=full.now,
            )
            for level in (1, 2)
        )
        facts.withdraw(tx, full.ledger, entry=first, reason="error", actor="", now=full.now)
    assert full.flaws() == set()
    one = sql.fact.c.idx == first
    with full.reading() as tx:
        by = tx.scalar(select(sql.fact.c.withdrawn_idx).where(one))
    full.tamper(update(sql.fact).where(one).values(withdrawn_idx=None))
    assert full.flaws() == {(8, first), (12, second)}, "a withdrawal undone"
    full.tamper(update(sql.fact).where(one).values(withdrawn_idx=by))
    full.tamper(update(sql.fact).where(sql.fact.c.idx == second).values(withdrawn_idx=by))
    assert full.flaws() == {(8, second), (12, by)}, "a withdrawal made up"
    full.tamper(update(sql.fact).where(sql.fact.c.idx == second).values(withdrawn_idx=None, subject="somebody"))
    assert full.flaws() == {(8, second), (12, second), (12, by)}, "a fact edited"
    full.tamper(delete(sql.fact).where(sql.fact.c.idx == second))
    assert full.flaws() == {(8, second), (12, by)}, "a fact deleted"
    full.tamper(
        insert(sql.fact).values(kind=SKILLED.name, subject="x", value=b"{}", start=full.now, idx=5),
        insert(sql.fact).values(kind=SKILLED.name, subject="x", value=b"{}", start=full.now, idx=50_000),
    )
    found = full.flaws()
    assert found == {(8, second), (8, 5), (8, 50_000), (12, by), (12, 50_000)}, "facts made up"


def test_an_edited_roll_is_seen(full: Book) -> None:
    with full.writing() as tx:
        facts.state(
            tx,
            full.ledger,
            SKILLED,
            subject=full.person,
            value={"level": 1, "by": "exam"},
            start=full.now,
            until=None,
            actor="",
            now=full.now,
        )
    assert full.flaws() == set()
    with full.reading() as tx:
        nodes = tx.all(select(sql.roll))
    assert len(nodes) == 4
    for node in nodes:
        where = sql.roll.c.prefix == node.prefix
        full.tamper(update(sql.roll).where(where).values(body=node.body[:-1] + bytes([node.body[-1] ^ 1])))
        assert full.checks() == {12}
        full.tamper(delete(sql.roll).where(where))
        assert full.checks() == {12}
        full.tamper(insert(sql.roll).values(prefix=node.prefix, body=node.body))
        assert full.checks() == set()
    full.tamper(insert(sql.roll).values(prefix="zzz", body=b""))
    assert full.checks() == {12}


def test_erasing_is_clean_and_undoing_it_is_not(full: Book) -> None:
    subject = new_id("sub")
    with full.writing() as tx:
        index = full.ledger.append(tx, made(1, about=(subject,)), now=full.now)
        salt, sealed = sql.read_payload(tx, index) or (b"", b"")
        checkpoints.sign_head(tx, full.ledger, now=full.now)
        assert full.ledger.erase_payloads(tx, subject, now=full.now) == 1
    with full.reading() as tx:
        found = fsck.check(tx, full.ledger)
        proof = checkpoints.proof_of(tx, index=index)
    assert found.clean
    assert found.erased == 1
    assert proof.verify(full.ledger.keys.verifier) is not None
    full.tamper(insert(sql.payload).values(idx=index, salt=salt, sealed=sealed))
    assert full.flaws() == {(10, index)}


def test_made_up_indexes_do_not_keep_fsck_busy(full: Book) -> None:
    for index in (-5, 2**50):
        full.tamper(
            insert(sql.entry).values(idx=index, at=full.now, kind="a.b.c", leaf=b"{}", leaf_hash=bytes(32)),
            update(sql.head).values(size=2**50 + 1, peaks=bytes(64)),
        )
        assert (1, index) in full.flaws()


def test_flaws_are_bounded(full: Book) -> None:
    full.tamper(update(sql.entry).values(kind="a.b.c"))
    with full.reading() as tx:
        assert len(fsck.check(tx, full.ledger).flaws) == FLAWS_MAX
