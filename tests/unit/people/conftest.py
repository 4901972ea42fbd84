"""An installation with a ledger and three persons, on each database in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pytest

from tigertally.access import sql as access_rows
from tigertally.base.ids import new_id
from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.sign import NoteKey
from tigertally.ledger import Fact, Ledger, LedgerKeys, facts
from tigertally.store import Store, Tx
from tigertally.testing.clock import SettableClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """A store, a ledger, a clock, and the ids of three persons."""

    store: Store
    ledger: Ledger
    clock: SettableClock
    wang: str
    li: str
    zhao: str

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    @contextmanager
    def tx(self) -> Iterator[Tx]:
        """A writing transaction."""
        with self.store.transaction() as tx:
            yield tx

    def current(self, kind: str, subject: str) -> Fact | None:
        """The fact that a decision would see now."""
        with self.store.reading() as tx:
            return facts.current(facts.read(tx, subjects=[subject]), kind=kind, subject=subject, at=self.now)


@pytest.fixture
def office(store: Store, clock: SettableClock) -> Office:
    """The installation."""
    keys = LedgerKeys(
        pseudonym=KeyedDigest(SecretBytes(b"p" * 32)),
        payload=Cipher(new_key()),
        note=NoteKey.generate(),
        origin="tigertally.invalid/people",
    )
    ids = {handle: new_id("per") for handle in ("wang", "li", "zhao")}
    with store.transaction() as tx:
        for handle, person in ids.items():
            access_rows.insert_person(
                tx, id=person, handle=handle, roles="operator", phc="-", totp=b"-", created=clock.now()
            )
    return Office(store=store, ledger=Ledger(keys), clock=clock, wang=ids["wang"], li=ids["li"], zhao=ids["zhao"])
