"""Appending: one order, one transaction with the change, nothing personal in leaves, time that never runs back."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial
from typing import cast

import pytest
from sqlalchemy import text, update

from tigertally.base.canon import Json, NotCanonical
from tigertally.base.ids import new_id
from tigertally.base.text import Lang, Text
from tigertally.formats import leaf as leaves
from tigertally.ledger import Event, EventKind, event_kinds, register_event, sql
from tigertally.ledger.errors import ClockWentBack, LedgerBroken, NoSuchEntry
from tigertally.store import Tx

from .conftest import HIDDEN, MADE, Book, made


def test_entries_have_consecutive_indexes_and_keep_their_payloads(book: Book) -> None:
    with book.writing() as tx:
        assert book.ledger.append(tx, made(7), now=book.now) == 0
        assert book.ledger.append_many(tx, [made(8), made(9)], now=book.now) == range(1, 3)
    with book.writing() as tx:
        assert book.ledger.append(tx, made(10), now=book.now) == 3
        assert [book.ledger.payload_of(tx, index) for index in range(4)] == [
            {"thing": "jar", "count": count} for count in (7, 8, 9, 10)
        ]
        with pytest.raises(NoSuchEntry):
            book.ledger.payload_of(tx, 4)
    assert book.flaws() == set()


def test_an_empty_batch_appends_nothing_and_breaks_nothing(book: Book) -> None:
    with book.writing() as tx:
        assert book.ledger.append_many(tx, [], now=book.now) == range(0)
        assert book.ledger.append(tx, made(1), now=book.now) == 0
        assert book.ledger.append_many(tx, [], now=book.now) == range(1, 1)
        assert sql.read_head(tx).size == 1


def test_an_entry_falls_with_the_change_it_records(book: Book) -> None:
    book.fill(3)
    with pytest.raises(RuntimeError), book.writing() as tx:
        book.ledger.append(tx, made(99), now=book.now)
        raise RuntimeError
    with book.reading() as tx:
        assert sql.read_head(tx).size == 3
    assert book.flaws() == set()


def test_leaves_hold_pseudonyms_and_commitments_only(book: Book) -> None:
    person, subject = new_id("per"), new_id("sub")
    with book.writing() as tx:
        index = book.ledger.append(tx, made(123456789, actor=person, about=(subject, person, subject)), now=book.now)
        raw = sql.read_leaf(tx, index)
    assert raw is not None
    leaf = leaves.parse(raw)
    assert leaf.kind == MADE.name
    assert leaf.at == book.now
    assert leaf.actor == book.ledger.pseudonym(person)
    assert leaf.about == (book.ledger.pseudonym(subject), book.ledger.pseudonym(person))
    for value in (person, subject, person[4:], "123456789", "jar"):
        assert value.encode() not in raw


def test_equal_payloads_have_unequal_commitments(book: Book) -> None:
    with book.writing() as tx:
        for _ in range(2):
            book.ledger.append(tx, made(1), now=book.now)
        first, second = (leaves.parse(sql.read_leaf(tx, index) or b"") for index in range(2))
    assert first.commitment != second.commitment


def test_entries_are_found_by_whom_they_are_about(book: Book) -> None:
    ours, theirs = new_id("sub"), new_id("sub")
    with book.writing() as tx:
        batch = [made(1, about=(ours,)), made(2, about=(theirs,)), made(3, about=(theirs, ours)), made(4)]
        book.ledger.append_many(tx, batch, now=book.now)
        assert book.ledger.about(tx, ours) == [0, 2]
        assert book.ledger.about(tx, theirs) == [1, 2]
        assert book.ledger.about(tx, new_id("sub")) == []


@pytest.mark.parametrize(
    "payload", [{"thing": "jar"}, {"thing": "jar", "count": 1, "more": 2}, {"thing": "jar", "Count": 1}, {}]
)
def test_a_payload_has_exactly_the_members_of_its_kind(book: Book, payload: dict[str, str | int]) -> None:
    with pytest.raises(ValueError, match=r"test\.thing\.made"), book.writing() as tx:
        book.ledger.append(tx, Event(kind=MADE, payload=payload), now=book.now)


def test_only_registered_kinds_are_written(book: Book) -> None:
    stranger = EventKind(name=MADE.name, title=Text("", ""), members=frozenset())
    with pytest.raises(ValueError, match="not registered"), book.writing() as tx:
        book.ledger.append(tx, Event(kind=stranger, payload={}), now=book.now)
    with pytest.raises(ValueError, match=r"test\.thing\.made"):
        register_event(MADE.name, Text("", ""))
    with pytest.raises(ValueError, match="Test"):
        register_event("Test.thing.made", Text("", ""))
    assert event_kinds()[HIDDEN.name] is HIDDEN


def test_what_is_not_canonical_is_not_written(book: Book) -> None:
    bads: list[object] = ["\ud800", 2**53, 0.5, [1.5], {"x": (1,)}]
    for bad in bads:
        payload = cast("dict[str, Json]", {"thing": bad, "count": 1})
        with pytest.raises(NotCanonical), book.writing() as tx:
            book.ledger.append(tx, Event(kind=MADE, payload=payload), now=book.now)


def test_a_small_step_back_is_lifted_and_a_large_one_refused_in_both_languages(book: Book) -> None:
    book.fill(1)
    newest = book.now
    book.clock.set_back(4)
    with book.writing() as tx:
        index = book.ledger.append(tx, made(1), now=book.now)
        assert leaves.parse(sql.read_leaf(tx, index) or b"").at == newest
    book.clock.set_back(3600)
    with pytest.raises(ClockWentBack) as caught, book.writing() as tx:
        book.ledger.append(tx, made(2), now=book.now)
    assert "3604" in caught.value.say(Lang.ZH)
    assert "3604" in caught.value.say(Lang.EN)
    assert "时钟" in caught.value.say(Lang.ZH)
    assert "clock" in caught.value.say(Lang.EN)
    assert caught.value.advise(Lang.ZH)
    assert caught.value.advise(Lang.EN)
    assert book.flaws() == set()


def test_the_tolerance_cannot_be_used_twice_to_go_further_back(book: Book) -> None:
    book.fill(1)
    book.clock.set_back(4)
    with book.writing() as tx:
        book.ledger.append(tx, made(1), now=book.now)
    book.clock.set_back(4)
    with pytest.raises(ClockWentBack), book.writing() as tx:
        book.ledger.append(tx, made(2), now=book.now)


def test_a_naive_instant_is_no_instant(book: Book) -> None:
    for count in (0, 3):
        with pytest.raises(ValueError, match="naive"), book.writing() as tx:
            book.ledger.append(tx, made(1), now=datetime(2026, 3, 2, 9, 0))  # noqa: DTZ001 - that is the point
        book.fill(count)


def test_payloads_are_bound_to_their_place(book: Book) -> None:
    book.fill(2)
    with book.reading() as tx:
        first, second = sql.read_payload(tx, 0), sql.read_payload(tx, 1)
    assert first is not None
    assert second is not None
    for index, other in ((0, second), (1, first)):
        swap = update(sql.payload).where(sql.payload.c.idx == index).values(salt=other[0], sealed=other[1])
        book.tamper(swap)
    with book.reading() as tx:
        for index in range(2):
            with pytest.raises(LedgerBroken):
                book.ledger.payload_of(tx, index)


def test_a_payload_is_bound_to_the_whole_leaf(book: Book) -> None:
    """A leaf made to say another time, or another kind, opens no payload, whatever its commitment."""
    book.fill(1)
    with book.reading() as tx:
        raw = sql.read_leaf(tx, 0)
    assert raw is not None
    for old, new in ((b"2026-03-02", b"2025-03-02"), (b"test.thing.made", b"test.thing.hidden")):
        book.tamper(update(sql.entry).values(leaf=raw.replace(old, new)))
        with book.reading() as tx, pytest.raises(LedgerBroken):
            book.ledger.payload_of(tx, 0)
    book.tamper(update(sql.entry).values(leaf=raw))
    with book.reading() as tx:
        assert book.ledger.payload_of(tx, 0, kind=MADE) == {"thing": "jar", "count": 0}
        with pytest.raises(LedgerBroken):
            book.ledger.payload_of(tx, 0, kind=HIDDEN)


def test_writers_at_once_have_one_order(book: Book) -> None:
    """Threads append in transactions of their own and in shared ones; nothing is lost and nothing doubled."""
    seen: list[int] = []
    mutex = threading.Lock()

    def work(worker: int) -> None:
        for number in range(12):
            event = made(worker * 100 + number, about=(book.person,))
            if number % 2:
                with book.writing() as tx:
                    index = book.ledger.append(tx, event, now=book.now)
            else:
                index = book.store.grouped(partial(book.ledger.append, event=event, now=book.now))
            with mutex:
                seen.append(index)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(96))
    with book.reading() as tx:
        found = {str(book.ledger.payload_of(tx, index)) for index in range(96)}
    assert len(found) == 96
    assert book.flaws() == set()


def test_a_refused_part_of_a_group_leaves_no_gap(book: Book) -> None:
    book.fill(1)

    def refuse(tx: Tx) -> None:
        book.ledger.append(tx, made(5), now=book.now)
        raise LookupError

    with pytest.raises(LookupError):
        book.store.grouped(refuse)
    assert book.store.grouped(lambda tx: book.ledger.append(tx, made(6), now=book.now)) == 1
    assert book.flaws() == set()


def test_erasing_leaves_proofs_and_says_so(book: Book) -> None:
    subject, other = new_id("sub"), new_id("sub")
    with book.writing() as tx:
        batch = [made(number, about=((subject, other)[number % 2],)) for number in range(1100)]
        book.ledger.append_many(tx, batch, now=book.now)
    book.clock.advance(1)
    with book.writing() as tx:
        assert book.ledger.erase_payloads(tx, subject, actor=book.person, now=book.now) == 550
        assert book.ledger.erase_payloads(tx, subject, now=book.now) == 0
        assert book.ledger.payload_of(tx, 0) is None
        assert book.ledger.payload_of(tx, 1) is not None
        assert book.ledger.payload_of(tx, 1100) == {"entries": list(range(0, 1000, 2))}
        assert book.ledger.payload_of(tx, 1101) == {"entries": list(range(1000, 1100, 2))}
        assert book.ledger.erase_payloads(tx, new_id("sub")) == 0
    with book.reading() as tx:
        raw = tx.scalar(text("SELECT count(*) FROM ledger_payload"))
    assert raw == 1102 - 550
    assert book.flaws() == set()


def test_erasing_without_an_instant_takes_the_newest(book: Book) -> None:
    book.fill(2)
    before = book.now
    book.clock.advance(timedelta(days=1).total_seconds())
    with book.writing() as tx:
        assert book.ledger.erase_payloads(tx, book.person) == 2
        assert sql.read_head(tx).at == before
    assert book.flaws() == set()
