"""The whole job, killed (SIGKILL) at many of its steps, then run again: nothing lost, nothing doubled.

What the vault holds and what was written is compared with a run that nobody killed; the ledger is whole each time. The
handover's own steps have their own file; here the verbs are killed as the command line runs them.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.faults.job_acts import ACTS, SCOPE, disk_full, firm_in, killed_at
from tests.stories import town as towns
from tests.stories.town import Town

from tigertally import vault
from tigertally.app.verbs import ledger as ledger_verbs
from tigertally.base.fields import FieldClass
from tigertally.formats import certificate, statement

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.faults.job_acts"])
KILLS = 4
UNAVAILABLE = 6
INVALID = 2
REFUSED = 3


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town whose estate is discovered and whose plan is confirmed; every act is put back to its beginning."""
    return start(tmp_path_factory.mktemp("job") / "town")


def start(root: Path, *, only: Sequence[str] = ()) -> Town:
    """Found a town with an estate (of its files, ``only`` some), a deal and a plan; it is kept as ``fresh``."""
    town = towns.found_town(root)
    towns.fill(town, customers=100, only=only)
    opened = town.do(town.seller, "deal", "open", "--title", "Invented", "--structure", "D2", who="chen")
    town.ids["deal"] = opened.text("deal")
    (root / "deal.txt").write_text(town.ids["deal"])
    inventory = ("--inventory", root / "inventory.json")
    town.do(None, "plan", "propose", town.estate, *inventory, "--out", root / "plan.toml")
    towns.keep(town, "fresh")
    return town


@pytest.fixture
def fresh(town: Town) -> Town:
    """The town before anything was sealed, whatever other tests did to it."""
    towns.put_back(town, "fresh")
    towns.refresh(town)
    return town


@pytest.fixture
def sold(town: Town) -> Town:
    """The town with a signed release."""
    return sold_town(town)


def sold_town(town: Town) -> Town:
    """Seal, protect and sell the fresh town, or put back the one that was."""
    if not towns.is_kept(town, "sold"):
        towns.put_back(town, "fresh")
        towns.refresh(town)
        ACTS["seal"](town.root, lambda _: None)
        ACTS["protect"](town.root, lambda _: None)
        towns.sell(town)
        towns.keep(town, "sold")
    towns.put_back(town, "sold")
    towns.refresh(town)
    return town


def run_child(target: object, *arguments: object) -> int | None:
    """Run a function in a process of its own; return its exit code."""
    child = CONTEXT.Process(target=target, args=arguments)  # type: ignore[arg-type]
    child.start()
    child.join(60)
    return child.exitcode


def held(root: Path, name: str) -> tuple[int, dict[FieldClass, int]]:
    """What a company's vault holds; its ledger is whole."""
    return state_of(root, name)[0]


def state_of(root: Path, name: str, *kinds: str) -> tuple[tuple[int, dict[FieldClass, int]], dict[str, int]]:
    """What a company's vault holds, and how many entries of these kinds its ledger has; the ledger is whole."""
    with firm_in(root, name).house() as house:
        assert ledger_verbs.check(house).clean
        listed = [leaf.kind for _, leaf in ledger_verbs.recent(house, count=5_000)]
        with house.store.reading() as tx:
            return vault.counts(tx, scope=SCOPE), {kind: listed.count(kind) for kind in kinds}


def digests(folder: Path) -> dict[str, str]:
    """What a folder holds."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def entries(root: Path, name: str, *kinds: str) -> dict[str, int]:
    """How many entries of these kinds a company's ledger has; it is whole."""
    return state_of(root, name, *kinds)[1]


def test_destroy(sold: Town) -> None:
    """Killed again and again, always a little later. Nothing is put back here: a copy is known by its identity."""
    root, seller = sold.root, sold.seller
    ACTS["bundle"](root, lambda _: None)
    shutil.copytree(root / "bundle", root / "arrived")
    ACTS["receive"](root, lambda _: None)
    sold.do(seller, "receipt", root / "receipt.json", who="chen")
    subjects = held(root, "seller")[0]
    planned = sold.do(seller, "destroy", sold.ids["deal"], who="chen").text("plan")
    (root / "destruction.txt").write_text(planned)
    words = ("destroy", sold.ids["deal"], "--plan", planned, "--out", root / "certificate.json")
    kills = _kill_until_done(sold, words)
    assert kills > KILLS
    assert held(root, "seller") == (0, {})
    assert not sold.estate.exists()
    assert not (root / "protected").exists()
    paper = certificate.read(statement.parse((root / "certificate.json").read_bytes()))
    assert (paper.subjects, paper.failed_opening) == (subjects, True)
    assert all(copy.verified for copy in paper.copies)
    assert len(paper.copies) == 3
    once = ("handover.destruction.started", "handover.certificate.signed")
    assert entries(root, "seller", *once) == dict.fromkeys(once, 1)
    assert held(root, "buyer")[0] == subjects


def _kill_until_done(town: Town, words: tuple[str | Path, ...]) -> int:
    """Let a child be killed one step later each time, until it comes to its end; return how often it was killed."""
    kills = 0
    for number in range(1, 60):
        code = run_child(killed_at, town.root, "destroy", number)
        held(town.root, "seller")
        if code == REFUSED:  # the approval carried the decision of a run that was killed
            asked = town.tell(town.seller, *words, who="chen")
            town.do(town.seller, "approve", str(asked.problem["approval"]), who="wang")
        elif code == 0:
            return kills
        else:
            assert code == -signal.SIGKILL
            kills += 1
    raise AssertionError(kills)


@pytest.mark.parametrize("name", ["seal", "protect"])
def test_a_full_disk(fresh: Town, name: str) -> None:
    """It is said, nothing half is left, and running it again when there is space comes to the same."""
    root = fresh.root
    if name == "protect":
        ACTS["seal"](root, lambda _: None)
    size = (root / "seller" / "tigertally.db").stat().st_size
    for room in (4_096, 16_384):
        limit = size + room if name == "seal" else room
        assert run_child(disk_full, root, name, limit) in {INVALID, UNAVAILABLE}
        held(root, "seller")
        assert not (root / "protected").exists()
    ACTS[name](root, lambda _: None)
    assert held(root, "seller")[0] > 100


def test_a_full_disk_at_bundle_and_receive(sold: Town) -> None:
    root = sold.root
    assert run_child(disk_full, root, "bundle", 4_096) in {INVALID, UNAVAILABLE}
    assert not (root / "bundle" / "manifest.json").exists()
    ACTS["bundle"](root, lambda _: None)
    shutil.copytree(root / "bundle", root / "arrived")
    size = (root / "buyer" / "tigertally.db").stat().st_size
    assert run_child(disk_full, root, "receive", size // 2) in {INVALID, UNAVAILABLE}
    assert not (root / "receipt.json").exists()
    held(root, "buyer")
    ACTS["receive"](root, lambda _: None)
    assert held(root, "buyer") == held(root, "seller")
