"""A ledger on each database in turn, with a clock and hands that tamper behind its back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import pytest
from sqlalchemy import Executable

from tigertally.base.ids import new_id
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Event, Ledger, LedgerKeys, fsck, register_event, register_fact, sql
from tigertally.store import Store, Tx
from tigertally.testing.clock import SettableClock

MADE: Final = register_event("test.thing.made", Text("制造", "a thing was made"), "thing", "count")
HIDDEN: Final = register_event("test.thing.hidden", Text("隐藏", "a thing was hidden"), "thing", public=False)
SKILLED: Final = register_fact("test.skilled", Text("熟练", "is skilled"), level=int, by=str)


def new_keys() -> LedgerKeys:
    """Keys of an installation of its own."""
    return LedgerKeys(
        pseudonym=KeyedDigest(new_key()),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/test",
    )


def made(count: int, *, about: tuple[str, ...] = (), actor: str = "") -> Event:
    """An event that tells itself apart by its count."""
    return Event(kind=MADE, payload={"thing": "jar", "count": count}, actor=actor, about=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A ledger in its store."""

    store: Store
    ledger: Ledger
    clock: SettableClock
    person: str

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """A writing transaction."""
        with self.store.transaction() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """A reading transaction."""
        with self.store.reading() as tx:
            yield tx

    def fill(self, count: int) -> None:
        """Append ``count`` entries in one batch."""
        with self.writing() as tx:
            self.ledger.append_many(tx, [made(number, about=(self.person,)) for number in range(count)], now=self.now)

    def tamper(self, *statements: Executable) -> None:
        """Change rows as somebody with the database, but without keys, would; each must hit."""
        with self.writing() as tx:
            for statement in statements:
                assert tx.execute(statement) > 0

    def reseal(self) -> None:
        """Seal the head as it is, as somebody who has the keys too could."""
        with self.writing() as tx:
            head = sql.read_head(tx)
            sql.write_head(tx, replace(head, seal=self.ledger._seal(head)), first=False)  # noqa: SLF001 - with the keys

    def flaws(self, *kept: bytes) -> set[tuple[int, int]]:
        """What fsck finds: (check, entry)."""
        with self.reading() as tx:
            found = fsck.check(tx, self.ledger, kept=kept)
        assert found.clean == (not found.flaws)
        assert all(flaw.what.zh and flaw.what.en for flaw in found.flaws)
        return {(flaw.check, flaw.index) for flaw in found.flaws}

    def checks(self, *kept: bytes) -> set[int]:
        """Which checks fail."""
        return {check for check, _ in self.flaws(*kept)}


@pytest.fixture
def book(store: Store, clock: SettableClock) -> Book:
    """An empty ledger."""
    return Book(store=store, ledger=Ledger(new_keys()), clock=clock, person=new_id("per"))
