"""The long verbs of the job as a process does them until it is killed at its n-th step. Not a test itself.

A step is a moment at which what lies on the disk is about to change, or just did: before a commit and after it, before
and after the database is rewritten, before a file is made, renamed or removed. Files are heard of through Python's own
audit events, so nothing of ours is replaced. Everything a child needs lies in the town's folder.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

from tests.stories.town import Firm

from tigertally import discovery
from tigertally.app import problems
from tigertally.app.verbs import handover, sealing
from tigertally.app.verbs import vault as vault_verbs
from tigertally.app.wire import House
from tigertally.base.ahead import HelperGone
from tigertally.base.errors import Problem
from tigertally.sealing import load, seal_estate
from tigertally.store import Store
from tigertally.store.tx import Tx

T = TypeVar("T")
Step = Callable[[str], None]
SCOPE = "main"
BATCH_ROWS = 30
WRITTEN = frozenset({"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR


@dataclass(frozen=True, slots=True)
class Stepping:
    """A store that calls ``step`` at every moment worth dying at."""

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
        with self.store.reading() as tx:
            yield tx

    def compact(self) -> None:
        """The real store's compacting."""
        self.step("before compacting")
        self.store.compact()
        self.step("after compacting")


def firm_in(root: Path, name: str) -> Firm:
    """One of the town's companies; nobody logs in here."""
    return Firm(home=root / name, unlock=root / f"{name}-root.txt", totp={})


@contextmanager
def stepping_house(firm: Firm, step: Step) -> Iterator[House]:
    """Open an installation over a stepping store."""
    with firm.house() as house:
        yield replace(house, store=cast("Store", Stepping(house.store, step)))


def seal(root: Path, step: Step) -> None:
    """The seller seals."""
    with _as(root, "seller", step) as (house, firm):
        sealing.seal(
            house,
            actor=firm.actor(house, "qian"),
            text=(root / "plan.toml").read_text(),
            root=root / "estate",
            inventory=discovery.from_json((root / "inventory.json").read_text()),
            scope=SCOPE,
        )


def batches(root: Path, step: Step) -> None:
    """The same in small batches, as an estate of millions is sealed: a source is left in its middle."""
    with _as(root, "seller", step) as (house, firm):
        person = firm.actor(house, "qian").person.person
        with house.store.transaction() as tx:
            vault_verbs.ensure_scope(house, tx, scope=SCOPE, actor=person, now=house.clock.now())
        with vault_verbs.scope_keys(house, scope=SCOPE) as keys:
            plan = load((root / "plan.toml").read_text())
            seal_estate(
                replace(plan, sources=plan.sources[:1]),
                root / "estate",
                begin=house.store.transaction,
                ledger=house.ledger,
                keys=keys,
                actor=person,
                now=house.clock.now,
                batch_rows=BATCH_ROWS,
            )


def protect(root: Path, step: Step) -> None:
    """The seller writes the protected copy."""
    with _as(root, "seller", step) as (house, firm):
        sealing.protect(
            house,
            actor=firm.actor(house, "qian"),
            text=(root / "plan.toml").read_text(),
            root=root / "estate",
            out=root / "protected",
            inventory=discovery.from_json((root / "inventory.json").read_text()),
            scope=SCOPE,
        )


def rotate(root: Path, step: Step) -> None:
    """The seller rotates the vault key, as two persons agreed."""
    with _as(root, "seller", step) as (house, firm):
        vault_verbs.rotate(house, actor=firm.actor(house, "chen"), scope=SCOPE)


def migrate(root: Path, step: Step) -> None:
    """The seller's scope changes its suite, as two persons agreed."""
    with _as(root, "seller", step) as (house, firm):
        vault_verbs.migrate(house, actor=firm.actor(house, "chen"), scope=SCOPE, suite="guomi-1")


def bundle(root: Path, step: Step) -> None:
    """The seller writes the bundle."""
    with _as(root, "seller", step) as (house, firm):
        actor = firm.actor(house, "qian")
        handover.bundle(house, actor=actor, deal=_told(root, "deal"), place=root / "bundle")


def receive(root: Path, step: Step) -> None:
    """The buyer receives it."""
    with _as(root, "buyer", step) as (house, firm):
        actor = firm.actor(house, "sun")
        deal, place = _told(root, "deal"), root / "arrived"
        paper = handover.receive(house, actor=actor, deal=deal, place=place)
        (root / "receipt.json").write_bytes(paper.to_bytes())


def destroy(root: Path, step: Step) -> None:
    """The seller destroys, as two persons approved."""
    with _as(root, "seller", step) as (house, firm):
        actor = firm.actor(house, "chen")
        deal, plan = _told(root, "deal"), _told(root, "destruction")
        paper = handover.destroy(house, actor=actor, deal=deal, approved=plan)
        (root / "certificate.json").write_bytes(paper.to_bytes())


ACTS: dict[str, Callable[[Path, Step], None]] = {
    "seal": seal,
    "batches": batches,
    "protect": protect,
    "rotate": rotate,
    "migrate": migrate,
    "bundle": bundle,
    "receive": receive,
    "destroy": destroy,
}


def counted(root: Path, name: str, told: Path) -> None:
    """Do an act whole; write the names of its steps to ``told``, those of its helpers among them."""
    notes = os.open(told.with_suffix(".notes"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)

    def note(step: str) -> None:
        os.write(notes, step.encode() + b"\n")

    with listening(note):
        ACTS[name](root, note)
    told.write_text(json.dumps(told.with_suffix(".notes").read_text().splitlines()))


@contextmanager
def listening(step: Step) -> Iterator[None]:
    """Call ``step`` before this thread, or a helper, makes, renames or removes a file. For a process that ends soon."""
    me = os.getpid(), threading.get_ident()
    on = True

    def hear(event: str, details: tuple[object, ...]) -> None:
        if not on or event not in {"open", *WRITTEN} or (os.getpid() == me[0] and threading.get_ident() != me[1]):
            return
        flags = details[2] if event == "open" else WRITING
        # A descriptor that is given a stream is open already.
        if isinstance(flags, int) and flags & WRITING and not isinstance(details[0], int):
            step(event)

    sys.addaudithook(hear)
    try:
        yield
    finally:
        on = False


def killed_at(root: Path, name: str, number: int) -> None:
    """Do an act; the ``number``-th step is the last thing this process does, and the helper whose step it is."""
    seen = multiprocessing.Value("q", 0)
    whole = os.getpid()

    def die(_: str) -> None:
        with seen.get_lock():
            seen.value += 1
            last = seen.value == number
        if last:
            os.kill(whole, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        with listening(die):
            ACTS[name](root, die)
    except Problem as problem:
        sys.exit(problems.look_of(problem).exit)


def helped(root: Path, name: str, told: Path) -> None:
    """Do an act whole; write to ``told`` how many helpers it started."""
    started: list[int] = []
    os.register_at_fork(before=lambda: started.append(1))
    ACTS[name](root, lambda _: None)
    told.write_text(json.dumps(len(started)))


def helper_killed(root: Path, name: str, number: int, after_s: float) -> None:
    """Do an act; only its ``number``-th helper is killed, when it is that old. Exit as a command would."""
    started: list[int] = []

    def die() -> None:
        if len(started) == number:
            if not after_s:
                os.kill(os.getpid(), signal.SIGKILL)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, after_s)

    os.register_at_fork(before=lambda: started.append(1), after_in_child=die)
    try:
        ACTS[name](root, lambda _: None)
    except HelperGone as problem:
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
def _as(root: Path, name: str, step: Step) -> Iterator[tuple[House, Firm]]:
    firm = firm_in(root, name)
    with stepping_house(firm, step) as house:
        yield house, firm


def _told(root: Path, name: str) -> str:
    return (root / f"{name}.txt").read_text()
