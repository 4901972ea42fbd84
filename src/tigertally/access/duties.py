"""What is still to be done after something happened: keys to be replaced when somebody who knew them leaves.

PCI DSS 3.7.5: keys are replaced when somebody with knowledge of them leaves, or they may have been exposed. A duty is a
fact that stands until what it asks for was done: rotating the keys of a scope, dealing shares anew. It is shown, and
due within thirty days.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access.facts import DUTY_OPEN, INSTALLATION
from tigertally.base.canon import Json
from tigertally.ledger import Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

DUE: Final = timedelta(days=30)


class Duty(Enum):
    """What is to be done."""

    REPLACE_KEYS = "replace_keys"
    DEAL_SHARES = "deal_shares"


def raise_it(tx: Tx, ledger: Ledger, *, duty: Duty, person: str, because: str, actor: str, now: datetime) -> int:
    """State that something is to be done; return the entry. ``because`` is a code word."""
    value: dict[str, Json] = {"duty": duty.value, "person": person, "because": because}
    return facts.state(
        tx, ledger, DUTY_OPEN, subject=INSTALLATION, value=value, start=now, until=None, actor=actor, now=now
    )


def standing(tx: Tx, ledger: Ledger) -> list[Fact]:
    """Return what is still to be done, oldest first; each is due :data:`DUE` after its start."""
    found = facts.read(tx, ledger=ledger, kinds=[DUTY_OPEN.name], subjects=[INSTALLATION])
    return [fact for fact in found if not fact.withdrawn]


def done(tx: Tx, ledger: Ledger, *, duty: Duty, actor: str, now: datetime) -> int:
    """Withdraw every duty of that kind: it was done just now. Return how many there were."""
    tx.lock(LOCK)
    held = [fact for fact in standing(tx, ledger) if fact.value["duty"] == duty.value]
    for fact in held:
        facts.withdraw(tx, ledger, entry=fact.entry, reason="done", actor=actor, now=now)
    return len(held)
