"""Whatever is done in whatever order, the ledger says what a plain model says and fsck finds nothing.

Done is: append, fail, go back in time, state, withdraw, erase, sign, prove.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tigertally.base.canon import Json
from tigertally.base.text import Text
from tigertally.crypto.aead import Cipher, new_key
from tigertally.crypto.digest import KeyedDigest
from tigertally.crypto.merkle import MemoryTree, leaf_hash, range_hash, verify_consistency, verify_inclusion
from tigertally.crypto.sign import NoteKey
from tigertally.formats import checkpoint as notes
from tigertally.ledger import (
    Event,
    Ledger,
    LedgerKeys,
    checkpoints,
    facts,
    fsck,
    register_event,
    register_fact,
    sql,
    tree,
)
from tigertally.ledger.errors import ClockWentBack, FactWithdrawn, NoSuchEntry
from tigertally.store import Store, open_store

MADE = register_event("law.machine.made", Text("", ""), "number")
HELD = register_fact("law.held", Text("", ""), number=int)
PEOPLE = ("per_a", "per_b", "per_c")
SUBJECTS = st.sampled_from(PEOPLE)


class Machine(RuleBasedStateMachine):
    """The model: payloads by index (None once erased), who each is about, facts and what became of them."""

    template: Path

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        shutil.copyfile(self.template, self.home / "store.db")
        self.store: Store = open_store(f"sqlite:///{self.home / 'store.db'}")
        keys = LedgerKeys(
            pseudonym=KeyedDigest(new_key()),
            payload=Cipher(new_key()),
            note=NoteKey.generate(),
            origin="tigertally.invalid/law",
        )
        self.ledger = Ledger(keys)
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.payloads: list[Json] = []
        self.about: list[frozenset[str]] = []
        self.facts: dict[int, bool] = {}
        self.signed: list[bytes] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.home)

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(count=st.sampled_from([0, 1, 2, 9, 60, 255, 256, 300]), who=st.frozensets(SUBJECTS, max_size=2))
    def append(self, count: int, who: frozenset[str]) -> None:
        first = len(self.payloads)
        batch = [Event(kind=MADE, payload={"number": first + at}, about=tuple(sorted(who))) for at in range(count)]
        with self.store.transaction() as tx:
            assert self.ledger.append_many(tx, batch, now=self.now) == range(first, first + count)
        self.payloads += [dict(event.payload) for event in batch]
        self.about += [who] * count

    @rule()
    def undo(self) -> None:
        """A transaction that fails leaves nothing."""
        with pytest.raises(LookupError), self.store.transaction() as tx:
            self.ledger.append_many(tx, [Event(kind=MADE, payload={"number": -1})] * 300, now=self.now)
            raise LookupError

    @rule(back=st.integers(6, 100))
    def go_back(self, back: int) -> None:
        if self.payloads:
            with self.store.reading() as tx:
                newest = sql.read_head(tx).at
            assert newest is not None
            with pytest.raises(ClockWentBack), self.store.transaction() as tx:
                self.ledger.append(tx, Event(kind=MADE, payload={"number": -1}), now=newest - timedelta(seconds=back))

    @rule(who=SUBJECTS, number=st.integers(0, 5))
    def state(self, who: str, number: int) -> None:
        with self.store.transaction() as tx:
            index = facts.state(
                tx,
                self.ledger,
                HELD,
                subject=who,
                value={"number": number},
                start=self.now,
                until=None,
                actor="",
                now=self.now,
            )
            self.payloads.append(self.ledger.payload_of(tx, index))
        self.about.append(frozenset({who}))
        self.facts[index] = True

    @precondition(lambda self: self.facts)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(sorted(self.facts)))
        refusal = FactWithdrawn if self.payloads[entry] is not None else NoSuchEntry
        if not self.facts[entry]:
            with pytest.raises(refusal), self.store.transaction() as tx:
                facts.withdraw(tx, self.ledger, entry=entry, reason="law", actor="", now=self.now)
            return
        with self.store.transaction() as tx:
            index = facts.withdraw(tx, self.ledger, entry=entry, reason="law", actor="", now=self.now)
            self.payloads.append(self.ledger.payload_of(tx, index))
        self.about.append(self.about[entry])
        self.facts[entry] = False

    @rule(who=SUBJECTS)
    def erase(self, who: str) -> None:
        doomed = [
            index
            for index, names in enumerate(self.about)
            if who in names and self.payloads[index] is not None and not self.facts.get(index)
        ]
        with self.store.transaction() as tx:
            assert self.ledger.erase_payloads(tx, who, now=self.now) == len(doomed)
        for index in doomed:
            self.payloads[index] = None
        for at in range(0, len(doomed), 500):
            self.payloads.append({"entries": doomed[at : at + 500]})
            self.about.append(frozenset())

    @rule()
    def sign(self) -> None:
        with self.store.transaction() as tx:
            self.signed.append(checkpoints.sign_head(tx, self.ledger, now=self.now))

    @precondition(lambda self: self.payloads)
    @rule(data=st.data())
    def prove(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, len(self.payloads)))
        index = data.draw(st.integers(0, size - 1))
        old = data.draw(st.integers(1, size))
        with self.store.reading() as tx:
            hashes = [leaf_hash(sql.read_leaf(tx, at) or b"") for at in range(size)]
            proof = tree.inclusion(tx, index=index, size=size)
            link = tree.consistency(tx, old=old, new=size)
            root, old_root = tree.root(tx, size=size), tree.root(tx, size=old)
        memory = MemoryTree(hashes)
        assert root == range_hash(memory.subtree, 0, size)
        assert verify_inclusion(hashed_leaf=hashes[index], index=index, size=size, proof=proof, root=root)
        assert verify_consistency(old=old, new=size, old_root=old_root, new_root=root, proof=link)

    @invariant()
    def sound(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as tx:
            found = fsck.check(tx, self.ledger, kept=self.signed)
            stated = facts.read(tx, ledger=self.ledger)
            for index in range(max(0, len(self.payloads) - 3), len(self.payloads)):
                assert self.ledger.payload_of(tx, index) == self.payloads[index]
            abouts = {who: self.ledger.about(tx, who) for who in PEOPLE}
        assert found.flaws == ()
        assert found.size == len(self.payloads)
        assert found.erased == self.payloads.count(None)
        kept = {index for index in self.facts if self.payloads[index] is not None}
        assert {fact.entry: not fact.withdrawn for fact in stated} == {index: self.facts[index] for index in kept}
        assert abouts == {who: [at for at, names in enumerate(self.about) if who in names] for who in PEOPLE}
        sizes = [notes.parse(note)[0].size for note in self.signed]
        assert sizes == sorted(sizes)


def test_machine(sqlite_template: Path) -> None:
    class Seated(Machine):
        template = sqlite_template

    run_state_machine_as_test(Seated, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))
