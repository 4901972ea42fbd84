"""kill -9 at every step of the long verbs, then run again: nothing lost, nothing doubled.

The verbs are killed as the command line runs them, once at every step that ``job_acts`` hears of. What is there
afterwards is compared with a run that nobody killed; both ledgers are whole after each kill and at the end. The estate
is small but of several kinds, and is sealed in small batches too. The processes that
read ahead are killed alone, too. Destruction has its own way, in ``test_job.py``:
copies are known by their identity, so nothing can be put back.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator

import pytest
from tests.faults.job_acts import ACTS, counted, firm_in, helped, helper_killed, killed_at
from tests.faults.test_job import digests, held, run_child, sold_town, start, state_of
from tests.stories import town as towns
from tests.stories.town import Town

from tigertally import vault
from tigertally.formats import receipt, statement

UNAVAILABLE = 6
HELPED_KINDS = ("sealing.batch.sealed", "handover.part.written", "handover.part.stored", "handover.bundle.received")
KEPT = ("orders.db", "logs/gateway-2025-12.log.gz")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town with a confirmed plan of a small estate."""
    return start(tmp_path_factory.mktemp("kills") / "town", only=KEPT)


@pytest.fixture
def fresh(town: Town) -> Town:
    """The town before anything was sealed, whatever other tests did to it."""
    towns.put_back(town, "fresh")
    towns.refresh(town)
    return town


@pytest.fixture
def sealed(fresh: Town) -> Town:
    """The town with everything sealed."""
    ACTS["seal"](fresh.root, lambda _: None)
    return fresh


@pytest.fixture
def sold(town: Town) -> Town:
    """The town with a signed release."""
    return sold_town(town)


def kills_of(town: Town, name: str, least: int, firm: str = "seller") -> Iterator[bool]:
    """Do the act whole, and give False; then kill it once at each of its steps, do it again, and give True."""
    aside = towns.keep(town)
    told = aside.with_name(f"{name}-steps.json")
    assert run_child(counted, town.root, name, told) == 0
    steps = json.loads(told.read_text())
    assert len(steps) >= least, steps
    yield False
    for number, step in enumerate(steps, start=1):
        towns.put_back(town)
        assert run_child(killed_at, town.root, name, number) == -signal.SIGKILL, (number, step)
        held(town.root, firm)
        ACTS[name](town.root, lambda _: None)
        yield True


def same(found: list[object], one: object) -> None:
    """Every run comes to what the first came to."""
    found.append(one)
    assert found[0] == one


@pytest.mark.parametrize(("name", "least"), [("seal", 25), ("batches", 10)])
def test_seal(fresh: Town, name: str, least: int) -> None:
    root = fresh.root
    found: list[object] = []
    kinds = ("sealing.source.sealed", "sealing.batch.sealed", "vault.key.made")
    for _ in kills_of(fresh, name, least):
        same(found, state_of(root, "seller", *kinds))
    ACTS[name](root, lambda _: None)
    same(found, state_of(root, "seller", *kinds))
    assert held(root, "seller")[0] > 50


def test_protect(sealed: Town) -> None:
    root = sealed.root
    found: list[object] = []
    for _ in kills_of(sealed, "protect", 30):
        same(found, (digests(root / "protected"), held(root, "seller")))
        assert [path for path in root.glob("protected*/**/*") if ".part" in path.name] == []
    assert len(digests(root / "protected")) == len(KEPT) + 1


def test_rotate(sealed: Town) -> None:
    town = sealed
    found: list[object] = []
    begun = town.tell(town.seller, "keys", "rotate", who="chen")
    town.do(town.seller, "approve", str(begun.problem["approval"]), who="wang")
    aside = towns.keep(town)
    told = aside.with_name("rotate-steps.json")
    assert run_child(counted, town.root, "rotate", told) == 0
    steps = json.loads(told.read_text())
    for number in range(1, len(steps) + 1):
        towns.put_back(town)
        assert run_child(killed_at, town.root, "rotate", number) == -signal.SIGKILL, (number, steps)
        again = town.tell(town.seller, "keys", "rotate", who="chen")
        if again.exit:  # the act was done as far as its decision: another one needs two persons again
            town.do(town.seller, "approve", str(again.problem["approval"]), who="wang")
            town.do(town.seller, "keys", "rotate", who="chen")
        with firm_in(town.root, "seller").house() as house, house.store.reading() as tx:
            keys = vault.list_keys(tx)
        mine = [key for key in keys if key.purpose is vault.KeyPurpose.VAULT]
        assert [key.version for key in mine if key.state is vault.KeyState.ACTIVE] == [max(key.version for key in mine)]
        assert len(mine) > 1
        same(found, held(town.root, "seller"))


def test_migrate(sealed: Town) -> None:
    town = sealed
    found: list[object] = []
    begun = town.tell(town.seller, "keys", "migrate", "--suite", "guomi-1", who="chen")
    town.do(town.seller, "approve", str(begun.problem["approval"]), who="wang")
    aside = towns.keep(town)
    told = aside.with_name("migrate-steps.json")
    assert run_child(counted, town.root, "migrate", told) == 0
    steps = json.loads(told.read_text())
    for number in range(1, len(steps) + 1):
        towns.put_back(town)
        assert run_child(killed_at, town.root, "migrate", number) == -signal.SIGKILL, (number, steps)
        before = held(town.root, "seller")  # both suites are read meanwhile
        town.do(town.seller, "keys", "migrate", "--suite", "guomi-1", who="chen")  # nobody is asked again
        with firm_in(town.root, "seller").house() as house, house.store.reading() as tx:
            mine = vault.list_keys(tx, purpose=vault.KeyPurpose.VAULT, scope="main")
            by_version = vault.records_by_version(tx, scope="main")
        assert [(key.version, key.suite) for key in mine] == [(1, vault.Suite.INTL_1), (2, vault.Suite.GUOMI_1)]
        assert list(by_version) == [2]
        same(found, before)
        same(found, held(town.root, "seller"))


def test_bundle(sold: Town) -> None:
    root = sold.root
    found: list[object] = []
    kinds = ("handover.bundle.started", "handover.part.written", "handover.bundle.written")
    for _ in kills_of(sold, "bundle", 15):
        paper = sold.do(None, "verify", root / "bundle", *sold.trust)
        assert paper.data["ok"] is True
        same(found, (sorted(digests(root / "bundle")), state_of(root, "seller", *kinds)))
    assert state_of(root, "seller", *kinds)[1] == dict.fromkeys(kinds, 1)


def test_receive(sold: Town) -> None:
    root = sold.root
    found: list[object] = []
    ACTS["bundle"](root, lambda _: None)
    shutil.copytree(root / "bundle", root / "arrived")
    total = held(root, "seller")
    kinds = ("handover.bundle.verified", "handover.part.stored", "handover.bundle.received")
    for _ in kills_of(sold, "receive", 12, "buyer"):
        paper = receipt.read(statement.parse((root / "receipt.json").read_bytes()))
        same(found, (paper.root, paper.subjects, paper.counts, state_of(root, "buyer", *kinds)))
    assert state_of(root, "buyer", *kinds) == (total, dict.fromkeys(kinds, 1))
    sold.do(sold.seller, "receipt", root / "receipt.json", who="chen")


@pytest.mark.parametrize(("name", "firm"), [("batches", "seller"), ("bundle", "seller"), ("receive", "buyer")])
def test_the_helper_alone_is_killed(name: str, firm: str, request: pytest.FixtureRequest) -> None:
    """It is named as what happened, nothing half is left, and the same command goes on."""
    town: Town = request.getfixturevalue("fresh" if name == "batches" else "sold")
    root, told = town.root, town.root.with_name(f"{name}-helped.json")
    if name == "receive":
        ACTS["bundle"](root, lambda _: None)
        shutil.copytree(root / "bundle", root / "arrived")
    towns.keep(town)
    assert run_child(helped, root, name, told) == 0
    wanted = state_of(root, firm, *HELPED_KINDS)
    helpers = json.loads(told.read_text())
    assert helpers > 0
    for number in range(1, helpers + 1):
        for after_s in (0.0, 0.002):
            towns.put_back(town)
            code = run_child(helper_killed, root, name, number, after_s)
            # A helper that lived a little may have made all that it had to.
            assert code == UNAVAILABLE or (after_s and code == 0), (number, after_s)
            held(root, firm)
            ACTS[name](root, lambda _: None)
            assert state_of(root, firm, *HELPED_KINDS) == wanted
