"""Finding entries by whom and when is what a plain list of all events says, edges included."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete

from tigertally.ledger import Event, search, sql
from tigertally.ledger.errors import LedgerBroken
from tigertally.ledger.search import Found

from .conftest import HIDDEN, MADE, Book, made

SECOND = timedelta(seconds=1)


def look(book: Book, names: Sequence[str], start: datetime, until: datetime, *, hidden: bool = False) -> list[Found]:
    with book.reading() as tx:
        within = search.window(tx, start=start, until=until)
        kinds = [MADE, HIDDEN] if hidden else [MADE]
        return list(search.about(tx, book.ledger, names=names, within=within, kinds=kinds))


def test_whatever_is_asked_the_answer_is_that_of_a_plain_list(book: Book) -> None:
    draw = random.Random(7)
    people = ["per_a", "per_b", "sub_x", "sub_y"]
    told: list[tuple[datetime, int, frozenset[str], bool]] = []
    begun = book.now
    for _ in range(40):
        book.clock.advance(draw.randrange(3))
        batch = []
        for _ in range(draw.randrange(1, 20)):
            who = tuple(name for name in people if draw.random() < 0.4)
            hidden = draw.random() < 0.2
            number = len(told)
            event = Event(kind=HIDDEN, payload={"thing": str(number)}, about=who) if hidden else made(number, about=who)
            batch.append(event)
            told.append((book.now, number, frozenset(who), hidden))
        with book.writing() as tx:
            book.ledger.append_many(tx, batch, now=book.now)
    for _ in range(200):
        names = [name for name in people if draw.random() < 0.3]
        start = begun + draw.randrange(-2, 50) * SECOND
        until = start + draw.randrange(-1, 40) * SECOND
        both = draw.random() < 0.5
        wanted = [
            number
            for at, number, who, hidden in told
            if start <= at < until and who.issuperset(names) and (both or not hidden)
        ]
        found = look(book, names, start, until, hidden=both)
        assert [item.index for item in found] == wanted
        assert all(item.payload is not None and item.at == told[item.index][0] for item in found)


def test_an_empty_ledger_has_nothing(book: Book) -> None:
    assert look(book, [], book.now - SECOND, book.now + SECOND) == []


def test_what_was_erased_is_told_without_content(book: Book) -> None:
    book.fill(2)
    with book.writing() as tx:
        book.ledger.erase_payloads(tx, book.person, now=book.now)
    found = look(book, [book.person], book.now, book.now + SECOND)
    assert [(item.index, item.payload) for item in found] == [(0, None), (1, None)]


def test_a_missing_entry_is_not_passed_over(book: Book) -> None:
    book.fill(5)
    book.tamper(delete(sql.entry).where(sql.entry.c.idx == 3))
    with pytest.raises(LedgerBroken):
        look(book, [book.person], book.now, book.now + SECOND)
