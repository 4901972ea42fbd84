"""The long verbs of the job as a process does them until it is killed at its n-th step. Not a test itself.

A step is a moment when work meets the store or tells its progress: just before a commit, just after it, a reading, a
batch told. Everything a child needs lies in the town's folder.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from tests.stories.town import Firm

from tigertally import discovery
from tigertally.app import problems
from tigertally.app.verbs import handover, sealing
from tigertally.app.verbs import vault as vault_verbs
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.text import Text
from tigertally.store import Store
from tigertally.store.tx import Tx

T = TypeVar("T")
Step = Callable[[str], None]
SCOPE = "main"


@dataclass(frozen=True, slots=True)
class Stepping:
    """A store, and a progress, that call ``step`` at every moment worth dying at."""

    store: Store
    step: Step

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """A writing transaction of the real store."""
        with self.store.transaction() as tx:
            yield tx
            self.step("before a commit")
        self.step("after a commit")

    def grouped(self, function: Callable[[Tx], T]) -> T:
        """A verb's transaction in the real store."""

        def work(tx: Tx) -> T:
            value = function(tx)
            self.step("before a commit")
            return value

        value = self.store.grouped(work)
        self.step("after a commit")
        return value

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """A reading of the real store."""
        self.step("before a reading")
        with self.store.reading() as tx:
            yield tx

    def compact(self) -> None:
        """The real store's compacting."""
        self.step("before compacting")
        self.store.compact()
        self.step("after compacting")

    def begin(self, what: Text, total: int | None) -> None:
        """A phase begins."""
        del what, total
        self.step("a phase begins")

    def advance(self, done: int) -> None:
        """A batch is done."""
        del done
        self.step("a batch is done")


def firm_in(root: Path, name: str) -> Firm:
    """One of the town's companies; nobody logs in here."""
    return Firm(home=root / name, unlock=root / f"{name}-root.txt", totp={})


@contextmanager
def stepping_house(firm: Firm, step: Step) -> Iterator[tuple[House, Stepping]]:
    """Open an installation over a stepping store."""
    with firm.house() as house:
        store = Stepping(house.store, step)
        yield replace(house, store=cast("Store", store)), store


def seal(root: Path, step: Step) -> None:
    """The seller seals."""
    with _as(root, "seller", step) as (house, progress, firm):
        sealing.seal(
            house,
            actor=firm.actor(house, "qian"),
            text=(root / "plan.toml").read_text(),
            root=root / "estate",
            inventory=discovery.from_json((root / "inventory.json").read_text()),
            scope=SCOPE,
            progress=progress,
        )


def protect(root: Path, step: Step) -> None:
    """The seller writes the protected copy."""
    with _as(root, "seller", step) as (house, progress, firm):
        sealing.protect(
            house,
            actor=firm.actor(house, "qian"),
            text=(root / "plan.toml").read_text(),
            root=root / "estate",
            out=root / "protected",
            inventory=discovery.from_json((root / "inventory.json").read_text()),
            scope=SCOPE,
            progress=progress,
        )


def rotate(root: Path, step: Step) -> None:
    """The seller rotates the vault key, as two persons agreed."""
    with _as(root, "seller", step) as (house, progress, firm):
        vault_verbs.rotate(house, actor=firm.actor(house, "chen"), scope=SCOPE, progress=progress)


def bundle(root: Path, step: Step) -> None:
    """The seller writes the bundle."""
    with _as(root, "seller", step) as (house, progress, firm):
        actor = firm.actor(house, "qian")
        handover.bundle(house, actor=actor, deal=_told(root, "deal"), place=root / "bundle", progress=progress)


def receive(root: Path, step: Step) -> None:
    """The buyer receives it."""
    with _as(root, "buyer", step) as (house, progress, firm):
        actor = firm.actor(house, "sun")
        deal, place = _told(root, "deal"), root / "arrived"
        paper = handover.receive(house, actor=actor, deal=deal, place=place, progress=progress)
        (root / "receipt.json").write_bytes(paper.to_bytes())


def destroy(root: Path, step: Step) -> None:
    """The seller destroys, as two persons approved."""
    with _as(root, "seller", step) as (house, progress, firm):
        actor = firm.actor(house, "chen")
        deal, plan = _told(root, "deal"), _told(root, "destruction")
        paper = handover.destroy(house, actor=actor, deal=deal, approved=plan, progress=progress)
        (root / "certificate.json").write_bytes(paper.to_bytes())


ACTS: dict[str, Callable[[Path, Step], None]] = {
    "seal": seal,
    "protect": protect,
    "rotate": rotate,
    "bundle": bundle,
    "receive": receive,
    "destroy": destroy,
}


def killed_at(root: Path, name: str, number: int) -> None:
    """Do an act; the ``number``-th step is the last thing this process does."""
    seen = 0

    def die(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        ACTS[name](root, die)
    except Problem as problem:
        sys.exit(problems.look_of(problem).exit)


def disk_full(root: Path, name: str, bytes_max: int) -> None:
    """Do an act while no file may grow past ``bytes_max``; exit as the command line would.

    Whatever is no :class:`Problem` ends the process with 1, as anything unforeseen does.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, hard))
    try:
        ACTS[name](root, lambda _: None)
    except Problem as problem:
        print(problem.code, file=sys.stderr)  # noqa: T201 - a child's last word, for whoever reads a failed test
        sys.exit(problems.look_of(problem).exit)


@contextmanager
def _as(root: Path, name: str, step: Step) -> Iterator[tuple[House, Stepping, Firm]]:
    firm = firm_in(root, name)
    opened: AbstractContextManager[tuple[House, Stepping]] = stepping_house(firm, step)
    with opened as (house, progress):
        yield house, progress, firm


def _told(root: Path, name: str) -> str:
    return (root / f"{name}.txt").read_text()
