"""An estate goes into the vault whole, once, to the right customers, however often the work is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.ids import PartyId
from tigertally.base.secret import SecretText
from tigertally.crypto.kdf import Argon2Cost
from tigertally.ledger import Ledger, fsck
from tigertally.ledger.entries import origin_of
from tigertally.sealing import Action, Plan, PlanField, PlanNotValid, PlanSource, SourceNotReadable, dump, load
from tigertally.sealing.seal import SealReport, seal_estate, source_digest
from tigertally.store import Store, open_store
from tigertally.store.tx import Tx
from tigertally.testing.keeper import MemoryKeeper
from tigertally.vault import (
    KeyKeeper,
    VaultKeys,
    counts,
    create_installation_keys,
    create_passphrase_keeper,
    create_scope_keys,
    find,
    ledger_keys,
    lookup,
    open_passphrase_keeper,
    open_scope,
    view,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CHEAP = Argon2Cost(memory_kib=19_456, passes=2, lanes=1)
WORDS = "seven quiet otters at noon"
ORIGIN = origin_of(PartyId("pty_" + "0" * 26))
SCOPE = "shop"
on_sqlite = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


@dataclass(slots=True)
class Installation:
    """A store with keys."""

    store: Store
    keeper: KeyKeeper = field(default_factory=MemoryKeeper)

    def create(self) -> None:
        with self.store.transaction() as tx:
            create_installation_keys(tx, self.keeper, now=NOW)
            create_scope_keys(tx, self.keeper, scope=SCOPE, now=NOW)

    @property
    def keys(self) -> VaultKeys:
        with self.store.reading() as tx:
            return open_scope(tx, self.keeper, scope=SCOPE)

    @property
    def ledger(self) -> Ledger:
        with self.store.reading() as tx:
            return Ledger(ledger_keys(tx, self.keeper, origin=ORIGIN))

    def seal(
        self, plan: Plan, root: Path | str, *, begin: Callable[[], AbstractContextManager[Tx]] | None = None
    ) -> SealReport:
        return seal_estate(
            plan,
            root,
            begin=begin or self.store.transaction,
            ledger=self.ledger,
            keys=self.keys,
            actor="",
            now=lambda: NOW,
            batch_rows=200,
        )

    def holds(self) -> tuple[int, dict[FieldClass, int]]:
        with self.store.reading() as tx:
            return counts(tx, scope=SCOPE)

    def entries(self) -> int:
        with self.store.reading() as tx:
            found = fsck.check(tx, self.ledger)
        assert found.clean
        return found.size


@pytest.fixture
def house(store: Store) -> Installation:
    made = Installation(store)
    made.create()
    return made


def test_the_whole_estate_is_sealed_to_its_customers(house: Installation, estate: Estate) -> None:
    report = house.seal(estate.plan, estate.root)
    subjects, held = house.holds()
    assert report.sources == len(estate.plan.sources)
    assert (report.new_subjects, report.new_fields) == (subjects, sum(held.values()))
    assert report.known_fields > 0
    assert report.purged > 0
    assert set(held) <= SEALABLE
    truth = estate.truth
    with house.store.reading() as tx:
        keys = house.keys
        for cls in (FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.MOBILE):
            values = sorted(truth.values(cls))
            assert None not in lookup(tx, keys, cls=cls, column=values)
        homes: dict[str, set[str]] = {}
        for card, owner in sorted(truth.owners.items())[:60]:
            if card in truth.values(FieldClass.PAN):
                homes.setdefault(owner, set()).update(find(tx, keys, cls=FieldClass.PAN, value=card))
        assert {len(found) for found in homes.values()} == {1}
        (whom,) = homes[next(iter(homes))]
        classes = {one.cls for one in view(tx, keys, whom=whom)[0].fields}
    assert {FieldClass.PAN, FieldClass.NATIONAL_ID, FieldClass.NAME} <= classes


@on_sqlite
def test_sealing_again_changes_nothing(house: Installation, estate: Estate) -> None:
    first = house.seal(estate.plan, estate.root)
    before = (house.holds(), house.entries())
    assert house.seal(estate.plan, estate.root) == first
    assert (house.holds(), house.entries()) == before


def dying(store: Store, after: int) -> Callable[[], AbstractContextManager[Tx]]:
    """Return what opens transactions, the last of which dies before its commit."""
    left = after

    @contextmanager
    def begin() -> Iterator[Tx]:
        nonlocal left
        with store.transaction() as tx:
            yield tx
            if left == 0:
                raise InterruptedError
            left -= 1

    return begin


@on_sqlite
def test_interrupted_again_and_again_it_comes_to_the_same(house: Installation, estate: Estate, tmp_path: Path) -> None:
    other = Installation(open_store(f"sqlite:///{tmp_path / 'other.db'}"))
    other.store.migrate()
    other.create()
    whole = other.seal(estate.plan, estate.root)
    reports: list[SealReport] = []
    deaths = 0
    # A finished source takes one transaction to be recognised: less than this would never get on.
    enough = len(estate.plan.sources) + 2
    while not reports:
        try:
            reports.append(house.seal(estate.plan, estate.root, begin=dying(house.store, enough)))
        except InterruptedError:
            deaths += 1
    assert deaths > 3
    assert reports == [whole]
    assert house.holds() == other.holds()
    assert house.entries() == other.entries()
    other.store.close()


@pytest.fixture
def small(tmp_path: Path) -> tuple[Plan, Path]:
    """A file of two customers."""
    root = tmp_path / "estate"
    root.mkdir()
    (root / "cards.csv").write_text("no,card\nC1,4111111111111111\nC2,5555555555554444\n")
    source = PlanSource(
        object="cards.csv",
        kind="csv",
        encoding="utf-8",
        delimiter=",",
        subject="no",
        fields=(PlanField(name="card", cls=FieldClass.PAN, action=Action.SEAL),),
    )
    return Plan(sources=(source,)), root


@on_sqlite
def test_a_source_that_changed_is_sealed_anew(house: Installation, small: tuple[Plan, Path]) -> None:
    plan, root = small
    assert house.seal(plan, root).new_subjects == 2
    with (root / "cards.csv").open("a") as file:
        file.write("C3,378282246310005\nC1,4111111111111111\nC4,4111111111111112\n")
    report = house.seal(plan, root)
    assert (report.new_subjects, report.new_fields, report.known_fields) == (1, 1, 3)
    assert report.rejected == {"malformed": 1}


@on_sqlite
def test_leaks_are_sealed_after_their_owners(house: Installation, small: tuple[Plan, Path]) -> None:
    plan, root = small
    (root / "app.log").write_text("paid with 4111111111111111 today\n")
    leak = PlanSource(
        object="app.log",
        kind="text",
        encoding="utf-8",
        fields=(PlanField(name="", cls=FieldClass.PAN, action=Action.SEAL),),
    )
    report = house.seal(Plan(sources=(leak, *plan.sources)), root)
    assert (report.new_subjects, report.known_fields) == (2, 1)


@on_sqlite
def test_a_plan_with_mistakes_seals_nothing(house: Installation, small: tuple[Plan, Path]) -> None:
    plan, root = small
    forbidden = replace(plan.sources[0].fields[0], cls=FieldClass.CVV)
    for wrong in (
        Plan(sources=plan.sources * 2),
        Plan(sources=(replace(plan.sources[0], fields=(forbidden,)),)),
    ):
        with pytest.raises(PlanNotValid):
            house.seal(wrong, root)
    with pytest.raises(SourceNotReadable):
        house.seal(Plan(sources=(replace(plan.sources[0], object="absent.csv"),)), root)
    assert house.holds() == (0, {})


@on_sqlite
def test_authentication_data_under_another_name_is_never_stored(house: Installation, small: tuple[Plan, Path]) -> None:
    plan, root = small
    (root / "notes.csv").write_text(
        "no,note\nC1,;4111111111111111=30121010000012300000?\n"
        "C2,%B5555555555554444^LI/WEI^30121010000012300000?\nC3,卡号4111111111111111 cvv 123\nC4,Li Wei\n"
    )
    note = PlanField(name="note", cls=FieldClass.NAME, action=Action.SEAL)
    source = replace(plan.sources[0], object="notes.csv", fields=(note,))
    report = house.seal(Plan(sources=(source,)), root)
    assert (report.new_fields, report.rejected) == (1, {"sad": 3})
    assert house.holds()[1] == {FieldClass.NAME: 1}


@on_sqlite
def test_a_source_that_cannot_be_read_does_not_stop_the_others(house: Installation, small: tuple[Plan, Path]) -> None:
    plan, root = small
    card = "4111111111111111"
    (root / f"refund-{card}.csv").write_bytes((root / "cards.csv").read_bytes())
    (root / "open.csv").write_text('no,card\nC7,378282246310005\nC8,"' + "9" * 99)
    masked = replace(plan.sources[0], object="refund-****************.csv")
    broken = replace(plan.sources[0], object="open.csv")
    report = house.seal(Plan(sources=(masked, broken, *plan.sources)), root)
    assert [one.object for one in report.skipped] == [masked.object, broken.object]
    assert all(one.reason.zh and one.reason.en for one in report.skipped)
    assert (report.sources, report.new_subjects) == (1, 2)


def test_a_source_is_known_by_content_and_plan(small: tuple[Plan, Path]) -> None:
    plan, root = small
    (source,) = plan.sources
    first = source_digest(source, root)
    assert source_digest(replace(source, line=9), root) == first
    other = replace(source, fields=(replace(source.fields[0], cls=FieldClass.BANK_ACCOUNT),))
    assert source_digest(other, root) != first
    (root / "cards.csv-wal").write_bytes(b"newer rows")
    assert source_digest(source, root) != first


@pytest.mark.parametrize("transactions", [0, 1, 2, 3, 7, 12])
def test_killed_for_real_nothing_is_lost_or_doubled(estate: Estate, tmp_path: Path, transactions: int) -> None:
    keeper = create_passphrase_keeper(tmp_path / "root.key", passphrase=SecretText(WORDS), cost=CHEAP)
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with open_store(url) as store:
        store.migrate()
        Installation(store, keeper).create()
    (tmp_path / "plan.toml").write_text(dump(estate.plan))
    arguments = [sys.executable, __file__, str(tmp_path), str(estate.root), str(transactions)]
    child = subprocess.run(arguments, check=False, capture_output=True)
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    with open_store(url) as store:
        house = Installation(store, keeper)
        house.entries()
        report = house.seal(estate.plan, estate.root)
        subjects, held = house.holds()
        assert (report.new_subjects, report.new_fields) == (subjects, sum(held.values()))
        assert house.seal(estate.plan, estate.root) == report
        house.entries()
        with store.reading() as tx:
            column = sorted(estate.truth.values(FieldClass.PAN))
            assert None not in lookup(tx, house.keys, cls=FieldClass.PAN, column=column)


def killed_child(place: Path, root: Path, after: int) -> None:
    """Seal until so many transactions are open or done, then die without a word."""
    keeper = open_passphrase_keeper(place / "root.key", passphrase=SecretText(WORDS))
    with open_store(f"sqlite:///{place / 'store.db'}") as store:
        left = after

        @contextmanager
        def begin() -> Iterator[Tx]:
            nonlocal left
            with store.transaction() as tx:
                yield tx
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1

        Installation(store, keeper).seal(load((place / "plan.toml").read_text()), root, begin=begin)


if __name__ == "__main__":
    killed_child(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
else:
    # The child needs none of the fixtures' world.
    from tests.unit.sealing.counterparts import Estate
