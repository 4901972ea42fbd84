"""That the ledger is sound, as a fact: checked as a whole lately (that enough witnesses saw it: ``quorums``).

A check or a quorum counts for 31 days (PCI DSS 10.3.4 and 11.5.2 ask for a comparison of critical records at least
weekly; this is when acts stop). A fresh one within a week of the last is not stated again, so that what a decision
reads stays short. A check that finds a flaw withdraws what was stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from tigertally.access.facts import INSTALLATION, LEDGER_CHECKED
from tigertally.base.canon import Json
from tigertally.ledger import FactKind, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

HOLDS: Final = timedelta(days=31)
STATED_AGAIN: Final = timedelta(days=7)


def state_checked(tx: Tx, ledger: Ledger, *, size: int, now: datetime) -> None:
    """State that the whole ledger, of ``size`` entries, was checked and is sound."""
    _state(tx, ledger, LEDGER_CHECKED, {"size": size}, now=now)


def withdraw_checked(tx: Tx, ledger: Ledger, *, now: datetime) -> None:
    """Withdraw what was stated of checks: one found a flaw."""
    tx.lock(LOCK)
    for fact in facts.read(tx, ledger=ledger, kinds=[LEDGER_CHECKED.name], subjects=[INSTALLATION]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="flaw_found", actor="", now=now)


def _state(tx: Tx, ledger: Ledger, kind: FactKind, value: Mapping[str, Json], *, now: datetime) -> None:
    tx.lock(LOCK)
    held = facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[INSTALLATION])
    if any(fact.current(now) and now - fact.start < STATED_AGAIN for fact in held):
        return
    facts.replace(tx, ledger, kind, subject=INSTALLATION, value=value, start=now, until=now + HOLDS, actor="", now=now)
