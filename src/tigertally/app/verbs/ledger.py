"""Verbs about the ledger: checkpoint, proof, export, fsck, explain."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tigertally.access import Action, Actor, explain, identities, services
from tigertally.access.explain import Explanation
from tigertally.app import mark, soundness
from tigertally.app.errors import NoQuorum, NotWritable
from tigertally.app.verbs import beat as beats
from tigertally.app.verbs.attempt import allow, attempt
from tigertally.app.verbs.cosigning import need_policy, policy_of
from tigertally.app.wire import House
from tigertally.base.canon import Json
from tigertally.base.errors import Problem
from tigertally.base.progress import SILENT, Progress
from tigertally.base.text import Lang, Text
from tigertally.formats import checkpoint as notes
from tigertally.formats import leaf as leaves
from tigertally.formats.leaf import Leaf
from tigertally.formats.proof import TlogProof
from tigertally.ledger import Fact, checkpoints, export, facts, fsck, publishing, search, sql
from tigertally.ledger.errors import NoSuchEntry
from tigertally.ledger.flaws import Flaw
from tigertally.store.tx import Tx

# The number of the check that the beat has not stopped; those before are the ledger's own (``fsck``).
BEAT: Final = 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as its installation can read it; ``payload`` is None if erased."""

    index: int
    leaf: Leaf
    payload: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A fact, and whether it held when it was asked about."""

    fact: Fact
    holds: bool


def checkpoint(house: House) -> bytes:
    """Sign the present head; return the checkpoint."""
    return attempt(
        house,
        verb="ledger.checkpoint",
        work=lambda tx, now: checkpoints.sign_head(tx, house.ledger, now=now),
    )


def prove(house: House, *, actor: Actor, index: int, deal: str = "") -> TlogProof:
    """Return the proof file of one entry, under the newest checkpoint that a quorum of ``deal``'s witnesses cosigned.

    Without a policy, or if no such checkpoint covers the entry, the head is signed and proves it.
    """
    policy = policy_of(house, deal)

    def work(tx: Tx, now: datetime) -> TlogProof:
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("entry", str(index)),))
        note = None if policy is None else checkpoints.witnessed(tx, policy, above=index)
        if note is None:
            note = checkpoints.sign_head(tx, house.ledger, now=now)
        return checkpoints.proof_of(tx, index=index, note=note)

    return attempt(house, verb="ledger.prove", work=work, actor=actor)


def export_to(
    house: House, *, actor: Actor, folder: Path, witnessed_for: str | None = None, progress: Progress = SILENT
) -> int:
    """Write the ledger as a folder that anyone can verify; return the number of entries.

    ``witnessed_for`` a deal ("": none): as far as a quorum of its policy has cosigned. Raises ``NoQuorumPolicy``, and
    ``NoQuorum``, which names who is missing.
    """

    def work(tx: Tx, now: datetime) -> bytes:
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("export", folder.name),))
        head = checkpoints.sign_head(tx, house.ledger, now=now)
        if policy is None:
            return head
        note = checkpoints.witnessed(tx, policy, above=0)
        if note is None:
            signed, parsed = notes.parse(head)
            raise NoQuorum(lacking=", ".join(policy.lacking(policy.cosigned(parsed, signed))))
        return note

    policy = None if witnessed_for is None else need_policy(house, witnessed_for)
    if folder.exists():
        raise NotWritable(path=folder, reason="exists")
    note = attempt(house, verb="ledger.export", work=work, actor=actor)
    try:
        with house.store.reading() as tx:
            return export.write(
                tx, house.ledger, card=house.card_statement, note=note, folder=folder, progress=progress
            )
    except OSError as error:
        raise NotWritable(path=folder, reason=type(error).__name__) from None


def publish(house: House, *, folder: Path, progress: Progress = SILENT) -> int:
    """Bring a folder of C2SP tiles up to date; return the size. It holds leaves only, so nobody is asked.

    The newest checkpoint that a quorum cosigned is published, if there is a policy; else the head is signed.
    """
    policy = policy_of(house, "")
    note = None
    if policy is not None:
        with house.store.reading() as tx:
            note = checkpoints.witnessed(tx, policy, above=0)
    note = checkpoint(house) if note is None else note
    try:
        with house.store.reading() as tx:
            return publishing.publish(tx, house.ledger, note=note, folder=folder, progress=progress)
    except OSError as error:
        raise NotWritable(path=folder, reason=type(error).__name__) from None


def entry(house: House, *, actor: Actor, index: int) -> Entry:
    """Return one entry with its payload."""

    def work(tx: Tx, now: datetime) -> Entry:
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("entry", str(index)),))
        raw = sql.read_leaf(tx, index)
        if raw is None:
            raise NoSuchEntry(index=index)
        return Entry(index=index, leaf=leaves.parse(raw), payload=house.ledger.payload_of(tx, index))

    return attempt(house, verb="ledger.entry", work=work, actor=actor)


def why(house: House, *, actor: Actor, entry: int | None) -> Explanation:
    """Explain the decision in an entry, or the newest one about the actor; reading it is a decision itself."""
    with house.store.reading() as reading:
        found = explain.last_decision(reading, house.ledger, actor.person.person) if entry is None else entry

    def work(tx: Tx, now: datetime) -> Explanation:
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("entry", str(found)),))
        return explain.explain(tx, house.ledger, entry=found)

    return attempt(house, verb="ledger.why", work=work, actor=actor)


def facts_about(house: House, *, actor: Actor, subject: str, at: datetime | None = None) -> list[Known]:
    """Return the facts about a person, deal or key that hold, as they were known then, if ``at`` is given."""

    def work(tx: Tx, now: datetime) -> list[Known]:
        instant = now if at is None else at
        allow(house, tx, actor=actor, action=Action.LEDGER_READ, now=now, details=(("facts", subject),))
        # An entry of the very instant was known then.
        so_far = None if at is None else search.window(tx, start=at, until=at + timedelta(microseconds=1)).stop
        found = facts.read(tx, ledger=house.ledger, subjects=[subject], as_of=so_far)
        return [Known(fact=fact, holds=fact.current(instant)) for fact in found]

    return attempt(house, verb="ledger.facts", work=work, actor=actor)


def recent(house: House, *, count: int) -> list[tuple[int, Leaf]]:
    """Return the newest ``count`` leaves, oldest first. Leaves hold nothing personal."""
    with house.store.reading() as tx:
        size = sql.read_head(tx).size
        found = []
        for index in range(max(0, size - count), size):
            raw = sql.read_leaf(tx, index)
            if raw is not None:
                found.append((index, leaves.parse(raw)))
        return found


def names(house: House) -> dict[str, str]:
    """Return the handle of every person and service by the pseudonym that leaves know them by."""
    with house.store.reading() as tx:
        known = {str(person.person): person.handle for person in identities.ever(tx)} | services.ever(tx)
    return {house.ledger.pseudonym(name): handle for name, handle in known.items()}


def check(house: House, *, kept: Sequence[bytes] = (), progress: Progress = SILENT) -> fsck.Findings:
    """Check the whole stored ledger; ``kept`` are checkpoints from elsewhere to hold it to.

    It is held to the mark in the installation's folder too, if there is one. What was found is stated as a fact. A
    ledger that is sound but whose beat has stopped is told so (check 13): what should have been written was not.
    """
    seen = mark.read(house.settings.home)
    marks = () if seen is None else ((seen.size, seen.root),)
    with house.store.reading() as tx:
        found = fsck.check(tx, house.ledger, kept=kept, marks=marks, progress=progress)
    if found.clean:
        attempt(
            house,
            verb="ledger.check",
            work=lambda tx, now: soundness.state_checked(tx, house.ledger, size=found.size, now=now),
        )
        late = beats.stopped(house)
        if late is not None:
            what = Text(late.say(Lang.ZH), late.say(Lang.EN))
            return replace(found, flaws=(Flaw(check=BEAT, index=found.size, what=what),))
    elif all(flaw.check != fsck.KEPT for flaw in found.flaws):  # nothing is added to a history that went back
        with suppress(Problem):  # a ledger that cannot be read cannot be written either, and nothing is allowed
            attempt(
                house,
                verb="ledger.check",
                work=lambda tx, now: soundness.withdraw_checked(tx, house.ledger, now=now),
            )
    return found
