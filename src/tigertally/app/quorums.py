"""Quorums: which witnesses must have cosigned the ledger before an act of a deal, and whether they have.

A policy (C2SP tlog-policy) is set for a deal, or for what belongs to no deal, by two persons, and is a fact: its text,
and its digest. One that a single witness meets is refused for a deal: the two sides' witnesses have opposed
interests, and one side's alone says little. Names of a policy go into the ledger, so comments are left out and names
must have the form of names.

That a quorum has cosigned is a fact too, about the same subject, which decisions read. It is stated only under the
policy in force, from cosignatures that verify and are not older than it may last; it ends when the oldest of them is
31 days old, and is withdrawn when the policy changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally import deals
from tigertally.access.facts import INSTALLATION, LEDGER_QUORUM, LEDGER_WITNESSED
from tigertally.app.errors import BadQuorum
from tigertally.app.soundness import HOLDS, STATED_AGAIN
from tigertally.base import text
from tigertally.base.canon import Json
from tigertally.crypto.digest import sha256_hex
from tigertally.formats import checkpoint as notes
from tigertally.formats import policy as policies
from tigertally.formats.policy import Policy
from tigertally.ledger import Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

TEXT_BYTES_MAX: Final = 32 * 1024
SKEW_MAX: Final = timedelta(minutes=5)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quorum:
    """A policy in force. ``deal`` is "" for what belongs to none; ``witnessed`` says that a quorum has cosigned."""

    deal: str
    policy: Policy
    digest: str
    entry: int
    witnessed: Fact | None


def checked(data: bytes, *, deal: str, log: tuple[str, ...]) -> tuple[Policy, str]:
    """Return a policy and its canonical text. Raises ``Malformed``, :class:`BadQuorum`. ``log``: our log's keys."""
    policy = policies.parse(data)
    names = [*policy.witnesses, *policy.groups]
    names += [listed.key.name for listed in (*policy.logs, *policy.witnesses.values())]
    addresses = [listed.url for listed in (*policy.logs, *policy.witnesses.values())]
    if any(not _NAME.fullmatch(name) for name in (*policy.witnesses, *policy.groups)) or any(
        text.safe(word) != word for word in (*names, *addresses)
    ):
        raise BadQuorum(what="name")
    if policy.logs and not any(str(listed.key) in log for listed in policy.logs):
        raise BadQuorum(what="log")
    if policy.met(()):
        raise BadQuorum(what="none")
    if deal and any(policy.met(of_one) for of_one in _by_key_name(policy)):
        raise BadQuorum(what="one")
    spelled = policy.to_text()
    if len(spelled) > TEXT_BYTES_MAX:
        raise BadQuorum(what="size")
    return policy, spelled


def set_policy(tx: Tx, ledger: Ledger, *, deal: str, spelled: str, actor: str, approver: str, now: datetime) -> int:
    """Put a checked policy in force for ``deal``; return its entry. What a former one had been met by is withdrawn."""
    tx.lock(LOCK)
    subject = deal or INSTALLATION
    for fact in facts.read(tx, ledger=ledger, kinds=[LEDGER_WITNESSED.name], subjects=[subject]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="policy_changed", actor=actor, now=now)
    value: dict[str, Json] = {
        "policy": spelled,
        "digest": sha256_hex(spelled.encode()),
        "by": actor,
        "approver": approver,
    }
    return facts.replace(
        tx, ledger, LEDGER_QUORUM, subject=subject, value=value, start=now, until=None, actor=actor, now=now
    )


def in_force(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Quorum]:
    """Return every policy in force: the one of no deal, then the deals' in their order."""
    subjects = [INSTALLATION, *(deal.deal for deal in deals.all_deals(tx, ledger, now=now))]
    kinds = [LEDGER_QUORUM.name, LEDGER_WITNESSED.name]
    known = facts.read(tx, ledger=ledger, kinds=kinds, subjects=subjects)
    found = []
    for subject in subjects:
        fact = facts.current(known, kind=LEDGER_QUORUM.name, subject=subject, at=now)
        if fact is not None:
            found.append(
                Quorum(
                    deal="" if subject == INSTALLATION else subject,
                    policy=policies.parse(str(fact.value["policy"]).encode()),
                    digest=str(fact.value["digest"]),
                    entry=fact.entry,
                    witnessed=facts.current(known, kind=LEDGER_WITNESSED.name, subject=subject, at=now),
                )
            )
    return found


def state_met(tx: Tx, ledger: Ledger, *, note: bytes, now: datetime) -> list[Quorum]:
    """State, for every policy in force that our checkpoint ``note`` meets, that it is met; return the policies."""
    tx.lock(LOCK)
    met = []
    for quorum in in_force(tx, ledger, now=now):
        found = lately(quorum.policy, note, now=now)
        if not quorum.policy.met(found):
            continue
        met.append(quorum)
        until = datetime.fromtimestamp(min(found.values()), tz=UTC) + HOLDS
        held = quorum.witnessed
        if held is not None and held.until is not None and until - held.until < STATED_AGAIN:
            continue
        value: dict[str, Json] = {
            "size": notes.parse(note)[0].size,
            "witnesses": list[Json](sorted(found)),
            "policy": quorum.digest,
        }
        subject = quorum.deal or INSTALLATION
        facts.replace(
            tx, ledger, LEDGER_WITNESSED, subject=subject, value=value, start=now, until=until, actor="", now=now
        )
    return met


def lately(policy: Policy, note: bytes, *, now: datetime) -> dict[str, int]:
    """Return the witnesses whose cosignature is young enough to count, and not from the future. SignatureInvalid."""
    signed, parsed = notes.parse(note)
    oldest, newest = (now - HOLDS).timestamp(), (now + SKEW_MAX).timestamp()
    return {name: at for name, at in policy.cosigned(parsed, signed).items() if oldest < at <= newest}


def _by_key_name(policy: Policy) -> list[list[str]]:
    """Return the names of each witness's lines: its keys have one name, whatever the policy calls them."""
    found: dict[str, list[str]] = {}
    for name, listed in policy.witnesses.items():
        found.setdefault(listed.key.name, []).append(name)
    return list(found.values())
