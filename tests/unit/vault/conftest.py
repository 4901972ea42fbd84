"""A vault with a scope, customers to put into it, and ways to look at its rows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tigertally.access import Action, Decision
from tigertally.base.fields import FieldClass
from tigertally.ledger import Ledger
from tigertally.store import Store, open_store
from tigertally.testing.clock import SettableClock
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    SealCounts,
    VaultKeys,
    create_installation_keys,
    create_scope_keys,
    ledger_keys,
    open_scope,
    seal_batch,
)

SCOPE = "shop"

# For what no database can change: a PostgreSQL database for each of these would take longer than all the rest.
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
YES = Decision(action=Action.REVEAL, allowed=True, unmet=(), facts=(3,))

# Published test numbers; the people are invented.
VISA = "4111111111111111"
MASTERCARD = "5555555555554444"
UNIONPAY_19 = "6205500000000000004"
AMEX = "378282246310005"

Column = tuple[FieldClass, list[str | None]]


@dataclass(slots=True, kw_only=True)
class Vault:
    """One installation's vault with the scope ``shop``."""

    store: Store
    clock: SettableClock
    keeper: MemoryKeeper = field(default_factory=MemoryKeeper)
    scope: str = SCOPE

    def __post_init__(self) -> None:
        with self.store.transaction() as tx:
            create_installation_keys(tx, self.keeper, now=self.now)
            create_scope_keys(tx, self.keeper, scope=self.scope, now=self.now)

    @property
    def now(self) -> datetime:
        """The present."""
        return self.clock.now()

    @property
    def keys(self) -> VaultKeys:
        """The scope's keys, opened anew."""
        with self.store.reading() as tx:
            return open_scope(tx, self.keeper, scope=self.scope)

    @property
    def ledger(self) -> Ledger:
        """The installation's ledger."""
        with self.store.reading() as tx:
            return Ledger(ledger_keys(tx, self.keeper, origin="tigertally.invalid/test"))

    def seal(self, subjects: list[str], *fields: Column) -> SealCounts:
        """Seal a batch in a transaction of its own."""
        keys = self.keys
        with self.store.transaction() as tx:
            return seal_batch(tx, keys, subjects=subjects, fields=fields, now=self.now)


@pytest.fixture
def vault(store: Store, clock: SettableClock) -> Vault:
    """A vault, on each database in turn."""
    return Vault(store=store, clock=clock)


@pytest.fixture
def other_vault(sqlite_template: Path, tmp_path: Path, clock: SettableClock) -> Iterator[Vault]:
    """Another organisation's vault, on a database of its own."""
    path = tmp_path / "other.db"
    shutil.copyfile(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as opened:
        yield Vault(store=opened, clock=clock, scope="bought")
