"""Facts: stated, withdrawn, expired, as of an instant; and believed only as far as an entry proves them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.ids import new_id
from tigertally.base.text import Lang, Text
from tigertally.formats import leaf as leaves
from tigertally.formats.leaf import Leaf
from tigertally.ledger import Fact, fact_kinds, facts, register_fact, sql
from tigertally.ledger.errors import FactWithdrawn, LedgerBroken, NoSuchEntry
from tigertally.store import Tx

from .conftest import SKILLED, Book

DAY = timedelta(days=1)
TEXT = "2026-03-02T09:00:00.000000Z"


def state(book: Book, tx: Tx, *, level: int = 3, days: int | None = 10, subject: str = "") -> int:
    return facts.state(
        tx,
        book.ledger,
        SKILLED,
        subject=subject or book.person,
        value={"level": level, "by": "exam"},
        start=book.now,
        until=None if days is None else book.now + days * DAY,
        actor="",
        now=book.now,
    )


def level(book: Book, tx: Tx, *, days: float = 0) -> Json:
    """The level that holds ``days`` from now."""
    found = facts.read(tx, ledger=book.ledger, subjects=[book.person])
    fact = facts.current(found, kind=SKILLED.name, subject=book.person, at=book.now + days * DAY)
    return None if fact is None else fact.value["level"]


def test_a_fact_holds_from_its_start_until_its_end(book: Book) -> None:
    with book.writing() as tx:
        index = state(book, tx)
        assert [level(book, tx, days=at) for at in (-0.001, 0, 9.999, 10)] == [None, 3, 3, None]
        (fact,) = facts.read(tx, ledger=book.ledger)
        assert fact == Fact(
            kind=SKILLED.name,
            subject=book.person,
            value={"level": 3, "by": "exam"},
            start=book.now,
            until=book.now + 10 * DAY,
            entry=index,
            withdrawn=False,
        )
        assert book.ledger.about(tx, book.person) == [index]


def test_the_newest_that_holds_counts(book: Book) -> None:
    with book.writing() as tx:
        state(book, tx, level=1, days=None)
        state(book, tx, level=2, days=5)
        assert [level(book, tx, days=at) for at in (0, 4.9, 5, 400)] == [2, 2, 1, 1]


def test_withdrawing_ends_a_fact_and_is_an_entry(book: Book) -> None:
    with book.writing() as tx:
        index = state(book, tx)
        gone = facts.withdraw(tx, book.ledger, entry=index, reason="error", actor="", now=book.now)
        assert gone == index + 1
        assert level(book, tx) is None
        (fact,) = facts.read(tx, ledger=book.ledger)
        assert fact.withdrawn
        assert not fact.current(book.now)
        assert book.ledger.payload_of(tx, gone, kind=facts.FACT_WITHDRAWN) == {
            "kind": SKILLED.name,
            "subject": book.person,
            "entry": index,
            "reason": "error",
        }
    assert book.flaws() == set()


def test_a_fact_is_withdrawn_once(book: Book) -> None:
    with book.writing() as tx:
        index = state(book, tx)
        facts.withdraw(tx, book.ledger, entry=index, reason="error", actor="", now=book.now)
    with book.writing() as tx, pytest.raises(FactWithdrawn) as caught:
        facts.withdraw(tx, book.ledger, entry=index, reason="again", actor="", now=book.now)
    assert caught.value.say(Lang.ZH)
    assert str(index) in caught.value.say(Lang.EN)
    with book.reading() as tx:
        assert sql.read_head(tx).size == index + 2
    assert book.flaws() == set()


def test_what_proves_no_fact_cannot_be_withdrawn(book: Book) -> None:
    book.fill(1)
    for entry in (0, 5, -1):
        with book.writing() as tx, pytest.raises(NoSuchEntry):
            facts.withdraw(tx, book.ledger, entry=entry, reason="error", actor="", now=book.now)


def test_replacing_leaves_one_that_holds(book: Book) -> None:
    with book.writing() as tx:
        state(book, tx, level=1)
        state(book, tx, level=2)
        other = new_id("per")
        state(book, tx, level=9, subject=other)
        facts.replace(
            tx,
            book.ledger,
            SKILLED,
            subject=book.person,
            value={"level": 4, "by": "exam"},
            start=book.now,
            until=None,
            actor="",
            now=book.now,
        )
        found = facts.read(tx, ledger=book.ledger, kinds=[SKILLED.name])
    assert [(fact.value["level"], fact.withdrawn) for fact in found] == [(1, True), (2, True), (9, False), (4, False)]
    assert book.flaws() == set()


def test_replacing_at_once_leaves_one_that_holds(book: Book) -> None:
    def work(number: int) -> None:
        with book.writing() as tx:
            facts.replace(
                tx,
                book.ledger,
                SKILLED,
                subject=book.person,
                value={"level": number, "by": "exam"},
                start=book.now,
                until=None,
                actor="",
                now=book.now,
            )

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with book.reading() as tx:
        found = facts.read(tx, ledger=book.ledger)
    assert len(found) == 6
    assert [fact.withdrawn for fact in found].count(False) == 1
    assert book.flaws() == set()


@pytest.mark.parametrize(
    "value",
    [
        {"level": 3},
        {"level": 3, "by": "exam", "more": 1},
        {"level": "3", "by": "exam"},
        {"level": True, "by": "exam"},
        {"level": 3, "by": None},
        {},
    ],
)
def test_ill_typed_values_are_not_stated(book: Book, value: dict[str, Json]) -> None:
    with pytest.raises(ValueError, match=r"test\.skilled"), book.writing() as tx:
        facts.state(
            tx, book.ledger, SKILLED, subject="s", value=value, start=book.now, until=None, actor="", now=book.now
        )


def test_ill_typed_or_unknown_facts_are_not_current(book: Book) -> None:
    """They could be there: written by another version of the code, with other members."""
    base = {"start": book.now, "until": None, "withdrawn": False, "subject": "s"}
    good = Fact(kind=SKILLED.name, value={"level": 1, "by": "x"}, entry=1, **base)  # type: ignore[arg-type]
    ill = Fact(kind=SKILLED.name, value={"level": "1", "by": "x"}, entry=2, **base)  # type: ignore[arg-type]
    strange = Fact(kind="test.unknown", value={}, entry=3, **base)  # type: ignore[arg-type]
    assert facts.current([good, ill], kind=SKILLED.name, subject="s", at=book.now) == good
    assert facts.current([ill], kind=SKILLED.name, subject="s", at=book.now) is None
    assert facts.current([strange], kind="test.unknown", subject="s", at=book.now) is None


def test_kinds_are_registered_once() -> None:
    with pytest.raises(ValueError, match=r"test\.skilled"):
        register_fact("test.skilled", Text("", ""))
    assert fact_kinds()["test.skilled"] is SKILLED


def unread(book: Book, *, keyed: bool = True) -> bool:
    """Whether the ledger refuses to give the person's facts."""
    with book.reading() as tx:
        try:
            facts.read(tx, ledger=book.ledger if keyed else None, subjects=[book.person])
        except LedgerBroken:
            return True
    return False


def test_an_edited_row_is_not_a_fact(book: Book) -> None:
    with book.writing() as tx:
        state(book, tx)
    edits: dict[str, object] = {
        "value": canon.dumps({"level": 9, "by": "exam"}),
        "until": None,
        "start": book.now - DAY,
        "kind": "test.other",
        "withdrawn_idx": 0,
    }
    for name, new in edits.items():
        with book.reading() as tx:
            (row,) = tx.all(sql.fact.select())
        book.tamper(update(sql.fact).values(**{name: new}))
        assert unread(book), name
        assert 8 in book.checks(), name
        book.tamper(update(sql.fact).values(**{name: row._mapping[name]}))  # noqa: SLF001 - SQLAlchemy's own way
        assert not unread(book)
    book.tamper(update(sql.fact).values(value=b"{"))
    assert unread(book, keyed=False)
    book.tamper(update(sql.fact).values(value=b"[]"))
    assert unread(book, keyed=False)


def test_a_fact_made_without_the_key_is_not_believed(book: Book) -> None:
    """Somebody with the database only rewrites an entry so that its commitment fits a fact they like."""
    book.fill(1)
    value = canon.dumps({"level": 9, "by": "exam"})
    body = canon.dumps(
        {"kind": SKILLED.name, "subject": book.person, "value": canon.loads(value), "from": TEXT, "until": None}
    )
    salt = bytes(16)
    forged = Leaf(
        at=book.now,
        kind=facts.FACT_STATED.name,
        actor="",
        about=(),
        commitment=leaves.commit_payload(salt, body),
    )
    row = {"kind": SKILLED.name, "subject": book.person, "value": value, "start": book.now, "idx": 0}
    book.tamper(
        update(sql.entry).values(leaf=forged.to_bytes(), kind=forged.kind),
        update(sql.payload).values(salt=salt),
        insert(sql.fact).values(**row),
    )
    assert not unread(book, keyed=False), "the commitment fits, so only the key tells"
    assert unread(book)
    assert book.checks() >= {2, 4, 8}


def test_a_made_up_withdrawal_is_not_believed(book: Book) -> None:
    """To hide a fact (a freeze, say) its row is pointed at an entry that is no withdrawal of it."""
    with book.writing() as tx:
        first, second = state(book, tx), state(book, tx)
        gone = facts.withdraw(tx, book.ledger, entry=first, reason="error", actor="", now=book.now)
    for index in (gone, first, 77):
        book.tamper(update(sql.fact).where(sql.fact.c.idx == second).values(withdrawn_idx=index))
        assert unread(book)
        assert (8, second) in book.flaws()


def test_a_fact_whose_proof_was_taken_away_is_seen(book: Book) -> None:
    with book.writing() as tx:
        state(book, tx)
    book.tamper(delete(sql.payload))
    assert unread(book)
    assert unread(book, keyed=False)
    assert book.checks() == {8, 10}
    book.tamper(delete(sql.entry))
    assert unread(book)


def test_erasing_keeps_what_still_holds_and_takes_what_was_withdrawn(book: Book) -> None:
    """Erasing must not lift a freeze: facts that stand are withdrawn first, by whoever may."""
    with book.writing() as tx:
        held, gone = state(book, tx, level=1), state(book, tx, level=2)
        facts.withdraw(tx, book.ledger, entry=gone, reason="error", actor="", now=book.now)
        assert book.ledger.erase_payloads(tx, book.person, now=book.now) == 2
        assert [fact.entry for fact in facts.read(tx, ledger=book.ledger)] == [held]
        assert level(book, tx) == 1
    assert book.flaws() == set()
    with book.writing() as tx:
        facts.withdraw(tx, book.ledger, entry=held, reason="left", actor="", now=book.now)
        assert book.ledger.erase_payloads(tx, book.person, now=book.now) == 2
        assert facts.read(tx, ledger=book.ledger) == []
    assert book.flaws() == set()


def test_a_fact_that_was_taken_away_is_missed(book: Book) -> None:
    """The row alone, the row with its entry and payload, and all of them with the roll as it was before."""
    with book.writing() as tx:
        state(book, tx, level=1)
    with book.reading() as tx:
        before = tx.all(select(sql.roll))
        head = tx.all(select(sql.head))[0]
    with book.writing() as tx:
        newest = state(book, tx, level=2)
    book.fill(3)
    assert not unread(book)
    book.tamper(delete(sql.fact).where(sql.fact.c.idx == newest))
    assert unread(book), "the row"
    book.tamper(*(delete(table).where(table.c.idx == newest) for table in (sql.entry, sql.payload, sql.about)))
    assert unread(book), "and everything about it"
    book.tamper(*(update(sql.roll).where(sql.roll.c.prefix == row.prefix).values(body=row.body) for row in before))
    assert unread(book), "and the roll as it was"
    book.tamper(update(sql.head).values(roll=head.roll))
    assert unread(book), "and its root in the head"
    with pytest.raises(LedgerBroken):
        book.fill(1)
    book.tamper(update(sql.head).values(roll=head.roll, size=head.size, peaks=head.peaks, at=head.at, seal=head.seal))
    assert not unread(book), "what is left is to put the whole ledger back to what it was"


def test_a_withdrawal_that_was_undone_is_missed(book: Book) -> None:
    with book.writing() as tx:
        first = state(book, tx)
        facts.withdraw(tx, book.ledger, entry=first, reason="error", actor="", now=book.now)
    assert not unread(book)
    book.tamper(update(sql.fact).where(sql.fact.c.idx == first).values(withdrawn_idx=None))
    assert unread(book)


def test_what_was_tampered_with_is_not_counted_anew(book: Book) -> None:
    """Neither by stating the next fact nor by erasing."""
    with book.writing() as tx:
        first = state(book, tx)
        facts.withdraw(tx, book.ledger, entry=first, reason="error", actor="", now=book.now)
        state(book, tx, level=2)
    with book.reading() as tx:
        nodes = tx.all(select(sql.roll))
    for node in nodes:
        where = sql.roll.c.prefix == node.prefix
        book.tamper(update(sql.roll).where(where).values(body=bytes(len(node.body))))
        with pytest.raises(LedgerBroken), book.writing() as tx:
            state(book, tx, level=3)
        with pytest.raises(LedgerBroken), book.writing() as tx:
            book.ledger.erase_payloads(tx, book.person, now=book.now)
        book.tamper(update(sql.roll).where(where).values(body=node.body))
    book.tamper(delete(sql.fact).where(sql.fact.c.idx != first))
    with pytest.raises(LedgerBroken), book.writing() as tx:
        book.ledger.erase_payloads(tx, book.person, now=book.now)


def test_many_names_share_the_roll(book: Book) -> None:
    people = [f"per_{number}" for number in range(300)]
    with book.writing() as tx:
        for number, person in enumerate(people):
            facts.state(
                tx,
                book.ledger,
                SKILLED,
                subject=person,
                value={"level": number, "by": "exam"},
                start=book.now,
                until=None,
                actor="",
                now=book.now,
            )
    with book.reading() as tx:
        found = facts.read(tx, ledger=book.ledger, kinds=[SKILLED.name], subjects=people)
        assert [fact.value["level"] for fact in found] == list(range(300))
        assert facts.read(tx, ledger=book.ledger, subjects=["per_nobody"]) == []
    assert book.flaws() == set()


def test_facts_as_of_an_earlier_length_of_the_ledger(book: Book) -> None:
    with book.writing() as tx:
        first = state(book, tx, level=1)
        gone = facts.withdraw(tx, book.ledger, entry=first, reason="error", actor="", now=book.now)
        second = state(book, tx, level=2)
    with book.reading() as tx:
        for size, wanted in (
            (first, []),
            (first + 1, [(1, False)]),
            (gone, [(1, False)]),
            (gone + 1, [(1, True)]),
            (second + 1, [(1, True), (2, False)]),
            (second + 9, [(1, True), (2, False)]),
        ):
            found = facts.read(tx, ledger=book.ledger, subjects=[book.person], as_of=size)
            assert [(fact.value["level"], fact.withdrawn) for fact in found] == wanted
        with pytest.raises(ValueError, match="as_of"):
            facts.read(tx, subjects=[book.person], as_of=1)
