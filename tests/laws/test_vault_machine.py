"""Whatever is done in whatever order, and wherever it dies, the vault holds what a dictionary would.

Done is: seal, replace, erase, rotate, migrate to another suite and back, wrap anew in part or to the end, open anew.
Each may die before its commit. After every step each value is found at whoever holds it and nowhere else, its token
leads there, every record opens, what is counted is there, and the token of a value that nobody holds is dead.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tigertally.base.fields import FieldClass
from tigertally.base.ids import SubjectId
from tigertally.base.secret import SecretText
from tigertally.crypto.suites import Suite
from tigertally.ledger import Ledger
from tigertally.store import Store, open_store
from tigertally.store.tx import Tx
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    NoSuchToken,
    SameValue,
    VaultKeys,
    counts,
    create_installation_keys,
    create_scope_keys,
    erase_subject,
    find,
    ledger_keys,
    lookup,
    open_scope,
    prepare_batch,
    records_by_version,
    replace_value,
    resolve,
    rewrap,
    rotate,
    spelling,
    store_batch,
    view,
)

SCOPE: Final = "law"
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAN, NAME = FieldClass.PAN, FieldClass.NAME
Value = tuple[FieldClass, str]
CARDS: Final = ("4111111111111111", "5555555555554444", "378282246310005")
NAMES: Final = ("虚构甲", "Ann Example", "EXAMPLE, ann")  # two of them are one but for spelling
VALUES: Final[tuple[Value, ...]] = (*((PAN, card) for card in CARDS), *((NAME, name) for name in NAMES))
OWNERS: Final = ("C1", "C2", "C3")
SAME: Final = {NAMES[1]: NAMES[1:], NAMES[2]: NAMES[1:]}
DIES: Final = st.sampled_from([False, False, True])


class Machine(RuleBasedStateMachine):
    """``held`` is the dictionary; ``tokens`` says what every token that was ever given stands for."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.home / "store.db")
        self.store: Store = open_store(f"sqlite:///{self.home / 'store.db'}")
        self.keeper = MemoryKeeper()
        with self.store.transaction() as tx:
            create_installation_keys(tx, self.keeper, now=NOW)
            create_scope_keys(tx, self.keeper, scope=SCOPE, now=NOW)
        with self.store.reading() as tx:
            self.ledger = Ledger(ledger_keys(tx, self.keeper, origin="tigertally.invalid/law"))
        self.open()
        self.held: dict[str, set[Value]] = {}
        self.tokens: dict[str, Value] = {}
        for owner, value in (("C1", VALUES[0]), ("C1", VALUES[3]), ("C2", VALUES[0]), ("C3", VALUES[4])):
            self.seal(rows=[(owner, value)], dies=False)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.home)

    def open(self) -> None:
        """Open the scope's keys as a new command does."""
        with self.store.reading() as tx:
            self.keys: VaultKeys = open_scope(tx, self.keeper, scope=SCOPE)

    def do(self, work: Callable[[Tx], object], *, dies: bool) -> bool:
        """Work in one transaction; return whether it was committed."""
        try:
            with self.store.transaction() as tx:
                work(tx)
                _go(dies=dies)
        except InterruptedError:
            self.open()
        return not dies

    def subject(self, owner: str) -> SubjectId:
        """Whom an owner's key names."""
        raw = prepare_batch(self.keys, subjects=[owner], fields=[(NAME, ["-"])]).subjects
        return SubjectId(spelling.subject_text(raw))

    @rule(rows=st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(VALUES)), max_size=5), dies=DIES)
    def seal(self, rows: list[tuple[str, Value]], *, dies: bool) -> None:
        owners = [owner for owner, _ in rows]
        columns = [(cls, [text if kind is cls else None for _, (kind, text) in rows]) for cls in (PAN, NAME)]
        batch = prepare_batch(self.keys, subjects=owners, fields=columns)
        if self.do(lambda tx: store_batch(tx, self.keys, batch=batch, now=NOW), dies=dies):
            for owner, value in rows:
                self.held.setdefault(owner, set()).add(value)

    @rule(owner=st.sampled_from(OWNERS), new=st.sampled_from(VALUES), which=st.integers(0, 5), dies=DIES)
    def replace(self, owner: str, new: Value, which: int, *, dies: bool) -> None:
        mine = sorted(text for cls, text in self.held.get(owner, ()) if cls is new[0])
        if not mine:
            return
        old = mine[which % len(mine)]
        whom = self.subject(owner)
        with self.store.reading() as tx:
            (token,) = lookup(tx, self.keys, cls=new[0], column=[old])
            (record,) = view(tx, self.keys, whom=whom)
        (slot,) = [one.slot for one in record.fields if one.token == token]

        def work(tx: Tx) -> object:
            value = SecretText(new[1])
            return replace_value(tx, self.keys, subject=whom, cls=new[0], slot=slot, value=value, now=NOW)

        if new in self.held[owner]:
            with pytest.raises(SameValue):
                self.do(work, dies=False)
        elif self.do(work, dies=dies):
            self.held[owner].remove((new[0], old))
            self.held[owner].add(new)

    @rule(owner=st.sampled_from(OWNERS), dies=DIES)
    def erase(self, owner: str, *, dies: bool) -> None:
        if owner not in self.held:
            return
        whom = self.subject(owner)

        def work(tx: Tx) -> object:
            return erase_subject(tx, self.ledger, scope=SCOPE, subject=whom, actor="", now=NOW)

        if self.do(work, dies=dies):
            del self.held[owner]

    @rule(suite=st.sampled_from([None, Suite.GUOMI_1, Suite.INTL_1]), dies=DIES)
    def turn(self, suite: Suite | None, *, dies: bool) -> None:
        def work(tx: Tx) -> object:
            return rotate(tx, self.ledger, self.keeper, scope=SCOPE, actor="", now=NOW, suite=suite)

        self.do(work, dies=dies)
        self.open()

    @rule(transactions=st.integers(0, 3))
    def wrap(self, transactions: int) -> None:
        """Wrap keys anew, or seal records anew; die after so many transactions, or come to the end."""
        left = transactions

        @contextmanager
        def some() -> Iterator[Tx]:
            nonlocal left
            with self.store.transaction() as tx:
                yield tx
                if left == 0:
                    raise InterruptedError
                left -= 1

        try:
            rewrap(some, self.ledger, self.keys, actor="", now=lambda: NOW, batch_rows=16)
        except InterruptedError:
            self.open()
        else:
            with self.store.reading() as tx:
                assert set(records_by_version(tx, scope=SCOPE)) <= {self.keys.active.version}

    @rule()
    def open_anew(self) -> None:
        self.store.close()
        self.store = open_store(f"sqlite:///{self.home / 'store.db'}")
        self.open()

    @invariant()
    def sound(self) -> None:
        if not hasattr(self, "held"):
            return
        whom = {owner: self.subject(owner) for owner in self.held}
        with self.store.reading() as tx:
            subjects, held = counts(tx, scope=SCOPE)
            assert (subjects, sum(held.values())) == (len(self.held), sum(map(len, self.held.values())))
            for cls, text in VALUES:
                (token,) = lookup(tx, self.keys, cls=cls, column=[text])
                holding = sorted(whom[owner] for owner, values in self.held.items() if (cls, text) in values)
                assert (token is not None) == bool(holding)
                alike = {(cls, one) for one in SAME.get(text, (text,))}
                assert find(tx, self.keys, cls=cls, value=text) == sorted(
                    whom[owner] for owner, values in self.held.items() if values & alike
                )
                if token is not None:
                    assert self.tokens.setdefault(token, (cls, text)) == (cls, text)
                    assert [place.subject for place in resolve(tx, scope=SCOPE, token=token)] == holding
            for token, value in self.tokens.items():
                if not any(value in values for values in self.held.values()):
                    with pytest.raises(NoSuchToken):
                        resolve(tx, scope=SCOPE, token=token)
            for owner, values in self.held.items():
                (record,) = view(tx, self.keys, whom=whom[owner])
                shown = sorted((field.cls.value, self.tokens[field.token][1]) for field in record.fields)
                assert shown == sorted((cls.value, text) for cls, text in values)


def _go(*, dies: bool) -> None:
    """End like a process that is gone."""
    if dies:
        raise InterruptedError


def test_machine(sqlite_template: Path) -> None:
    class Seated(Machine):
        template = sqlite_template

    run_state_machine_as_test(Seated, settings=settings(max_examples=6, stateful_step_count=12, deadline=None))
