"""Legal holds and storage-only: what may not be erased, and what may not be processed but only kept.

1. a hold stands over a whole scope, over one class of its values, or over one customer; while one stands, nothing that
   it covers is erased or destroyed; erasing a customer touches all of their classes, destroying a scope everything;
2. storage-only (冻结, PIPL art. 47: where deletion is technically hard or a term of law has not run out, stop
   processing other than storage and protection) stands over one customer: no reveal, no bundle, no protected copy;
3. both are facts under one name per scope, so that whoever takes one away in the database is noticed
   (``ledger.facts``); customers are named by the ledger's pseudonym, so the export says nothing about them.

Left to others: who may place (one senior person) and lift (two) them: ``app.verbs.holds``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base.text import Text
from tigertally.ledger import Fact, Ledger, facts, register_fact
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx
from tigertally.vault.errors import AlreadyHeld, NotHeld, OnHold, StorageOnly

HELD: Final = register_fact("vault.held", Text("法律保全", "a legal hold"), what=str, reason=str, by=str)
STORAGE_ONLY: Final = register_fact(
    "vault.storage_only", Text("仅限存储", "storage only"), what=str, reason=str, by=str
)
KINDS: Final = {"hold": HELD, "storage_only": STORAGE_ONLY}
# A word, not a number: with eleven digits it could be a customer's.
REASON: Final = re.compile(r"(?!(?:[^0-9]*[0-9]){11})[a-z0-9][a-z0-9_.-]{0,39}")
_CLASS: Final = "class:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Something that stands. ``what`` is "" for the scope, ``class:pan`` or a customer's pseudonym."""

    kind: str
    scope: str
    what: str
    reason: str
    since: datetime
    entry: int


def of_class(cls: str) -> str:
    """Return how a class is named."""
    return _CLASS + cls


def standing(tx: Tx, ledger: Ledger, *, scope: str) -> list[Held]:
    """Return what stands over a scope, oldest first. Raises ``LedgerBroken`` if something was taken away."""
    return [
        Held(
            kind=kind,
            scope=scope,
            what=str(fact.value["what"]),
            reason=str(fact.value["reason"]),
            since=fact.start,
            entry=fact.entry,
        )
        for kind in KINDS
        for fact in _facts(tx, ledger, kind=kind, scope=scope)
    ]


def place(tx: Tx, ledger: Ledger, *, kind: str, scope: str, what: str, reason: str, actor: str, now: datetime) -> int:
    """Let it stand; return the entry. Raises :class:`AlreadyHeld`."""
    tx.lock(LOCK)
    if any(fact.value["what"] == what for fact in _facts(tx, ledger, kind=kind, scope=scope)):
        raise AlreadyHeld
    value = {"what": what, "reason": reason, "by": actor}
    return facts.state(
        tx, ledger, KINDS[kind], subject=_name(scope), value=value, start=now, until=None, actor=actor, now=now
    )


def lift(
    tx: Tx, ledger: Ledger, *, kind: str, scope: str, what: str, actor: str, now: datetime, reason: str = "lifted"
) -> int:
    """Let it stand no more; return the entry. Raises :class:`NotHeld`."""
    tx.lock(LOCK)
    for fact in _facts(tx, ledger, kind=kind, scope=scope):
        if fact.value["what"] == what:
            return facts.withdraw(tx, ledger, entry=fact.entry, reason=reason, actor=actor, now=now)
    raise NotHeld


def need_erasable(tx: Tx, ledger: Ledger, *, scope: str, subject: str = "") -> None:
    """Raise :class:`OnHold` if a hold covers any of a customer, or (without one) of the whole scope."""
    own = ledger.pseudonym(subject) if subject else ""
    for one in standing(tx, ledger, scope=scope):
        covers = not subject or not one.what or one.what.startswith(_CLASS) or one.what == own
        if one.kind == "hold" and covers:
            raise OnHold(what=one.what or "scope", reason=one.reason, entry=one.entry)


def spared(tx: Tx, ledger: Ledger, *, scope: str) -> tuple[bool, frozenset[str]]:
    """Return whether holds cover every customer of a scope, and the pseudonyms of those that are held by themselves."""
    held = [one.what for one in standing(tx, ledger, scope=scope) if one.kind == "hold"]
    everybody = any(not what or what.startswith(_CLASS) for what in held)
    return everybody, frozenset(held)


def need_processable(tx: Tx, ledger: Ledger, *, scope: str, subject: str = "") -> None:
    """Raise :class:`StorageOnly` if a customer, or (without one) anybody of the scope, is for storage only."""
    own = ledger.pseudonym(subject) if subject else ""
    for fact in _facts(tx, ledger, kind="storage_only", scope=scope):
        if not subject or fact.value["what"] == own:
            raise StorageOnly(reason=fact.value["reason"], entry=fact.entry)


def _name(scope: str) -> str:
    return f"holds:{scope}"


def _facts(tx: Tx, ledger: Ledger, *, kind: str, scope: str) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[KINDS[kind].name], subjects=[_name(scope)])
    return [fact for fact in found if not fact.withdrawn]
