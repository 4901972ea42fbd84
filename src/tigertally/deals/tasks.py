"""What a deal still asks to be done, by when: computed from facts and the agreement, so that nobody has to keep a list.

1. *renew*: an agreement that ends within 30 days, or ended while the deal goes on;
2. *destroy*: the seller holds what the buyer has received; the agreement's days run from the receipt;
3. *return*: the deal died, or the buyer's agreement ended before it received anything: whoever got something gives it
   back or destroys it. Ten days from the end of a deal (law facts DL31: a default of this product, on Civil Code 501
   and PIPL 21 and 47; an agreement may ask for less), the agreement's own days from the end of an agreement;
4. *scan*: who destroyed looks again for what was left, on the days 1, 30 and 90 after the certificate; a day late it is
   overdue. An inventory recorded on that day or later answers it, and the days before it.

*renew* goes when a new version is in force, *destroy* when the destruction is certified. *return* cannot be seen from
here: whoever did it says so, with the digest of the certificate (N18) or of the other side's letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from tigertally.access import AGREEMENT_IN_FORCE, DEAL_STAGE
from tigertally.access.policy import Side
from tigertally.base.ids import DealId
from tigertally.base.text import Text
from tigertally.deals import dossier
from tigertally.deals.dossier import LOCK, Deal
from tigertally.deals.errors import BadTask, TaskNotOpen
from tigertally.deals.facts import DESTROYED, INVENTORY_RECORDED, RECEIVED, TASK_DONE
from tigertally.formats import agreement as agreement_format
from tigertally.formats.certificate import Ground
from tigertally.ledger import Fact, Ledger, facts
from tigertally.ledger.facts import current
from tigertally.store.tx import Tx

RETURN_WITHIN: Final = timedelta(days=10)
RENEW_BEFORE: Final = timedelta(days=30)
SCAN_AFTER: Final = (timedelta(days=1), timedelta(days=30), timedelta(days=90))
SCAN_WITHIN: Final = timedelta(days=1)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_UNDER_AGREEMENT: Final = frozenset(f"S{number}" for number in range(3, 9))


class Task(Enum):
    """What is to be done."""

    DESTROY = "destroy"
    RENEW = "renew"
    RETURN = "return"
    SCAN = "scan"


TASK_TITLES: Final[dict[Task, Text]] = {
    Task.DESTROY: Text("销毁已移交的数据并出具证明", "destroy what was handed over, and certify it"),
    Task.RENEW: Text(
        "续订保密协议（新版本由双方及每个人重新签署）", "renew the agreement: both parties and every person"
    ),
    Task.RETURN: Text(
        "返还或销毁对方的资料，并向每个接收方取得证明（N18）",
        "return or destroy what was received, with a certificate (N18) from every recipient",
    ),
    Task.SCAN: Text(
        "销毁后复查残留：tigertally discover --record", "look for what was left: tigertally discover --record"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One task of a deal; ``proof`` is the entry that it follows from."""

    deal: DealId
    task: Task
    due: datetime
    overdue: bool
    proof: int


def tasks(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Due]:
    """Return what is to be done in every deal, the most urgent first."""
    found: list[Due] = []
    inventories = facts.read(tx, ledger=ledger, kinds=[INVENTORY_RECORDED.name])
    for deal in dossier.all_deals(tx, ledger, now=now):
        stated = facts.read(tx, ledger=ledger, subjects=[deal.deal])
        seen = [fact.start for fact in inventories if fact.subject == deal.deal or fact.subject.startswith("pty_")]
        for task, due, proof in [*_asked(deal, stated, now), *_scans(deal, stated, seen, now)]:
            found.append(Due(deal=deal.deal, task=task, due=due, overdue=now >= due, proof=proof))
    return sorted(found, key=lambda item: (item.due, item.deal, item.task.value))


def record_done(tx: Tx, ledger: Ledger, *, deal: DealId, task: Task, document: str, actor: str, now: datetime) -> int:
    """Say that what cannot be seen from here was done; return the entry. ``document`` is its paper's SHA-256 in hex.

    Raises ``NoSuchDeal``, :class:`BadTask` for what shows by itself or has no paper, :class:`TaskNotOpen`.
    """
    tx.lock(LOCK)
    if task is not Task.RETURN or not _DIGEST.fullmatch(document):
        raise BadTask
    dossier.find(tx, ledger, deal, now=now)
    if not any((item.deal, item.task) == (deal, task) for item in tasks(tx, ledger, now=now)):
        raise TaskNotOpen
    return facts.replace(
        tx,
        ledger,
        TASK_DONE,
        subject=deal,
        value={"task": task.value, "document": document},
        start=now,
        until=None,
        actor=actor,
        now=now,
    )


def _asked(deal: Deal, stated: Sequence[Fact], now: datetime) -> list[tuple[Task, datetime, int]]:
    found: list[tuple[Task, datetime, int]] = []
    agreed = [fact for fact in stated if fact.kind == AGREEMENT_IN_FORCE.name and not fact.withdrawn]
    newest = max(agreed, key=lambda fact: fact.entry, default=None)
    days = _days(deal)
    received = current(stated, kind=RECEIVED, subject=deal.deal, at=now)
    destroyed = current(stated, kind=DESTROYED, subject=deal.deal, at=now)
    ends = None if newest is None else newest.until
    if newest is not None and ends is not None and deal.stage in _UNDER_AGREEMENT and now >= ends - RENEW_BEFORE:
        found.append((Task.RENEW, ends, newest.entry))
    if deal.side is Side.SELLER and received is not None and destroyed is None:
        found.append((Task.DESTROY, received.start + days, received.entry))
    stage = current(stated, kind=DEAL_STAGE.name, subject=deal.deal, at=now)
    if stage is not None and deal.stage == dossier.DEAD_STAGE:
        begun: tuple[datetime, datetime, int] | None = (
            stage.start,
            stage.start + min(days, RETURN_WITHIN),
            stage.entry,
        )
    elif newest is not None and ends is not None and ends <= now and deal.side is Side.BUYER and received is None:
        begun = (ends, ends + days, newest.entry)
    else:
        begun = None
    # Before there was an agreement nobody was given anything under one.
    if begun is not None and deal.agreement is not None and not _done(stated, since=begun[0]):
        found.append((Task.RETURN, begun[1], begun[2]))
    return found


def _scans(
    deal: Deal, stated: Sequence[Fact], seen: Sequence[datetime], now: datetime
) -> list[tuple[Task, datetime, int]]:
    """Return the first scan for residue that no inventory answers; ``seen`` are the instants of inventories."""
    destroyed = current(stated, kind=DESTROYED, subject=deal.deal, at=now)
    if destroyed is None:
        return []
    # A receipt is the seller's ground; in a dead deal the buyer erased what it had received.
    if (deal.side is Side.SELLER) != (destroyed.value["ground"] == Ground.RECEIPT.value):
        return []
    last = max(seen, default=destroyed.start)
    asked = [destroyed.start + after for after in SCAN_AFTER if last < destroyed.start + after]
    return [(Task.SCAN, asked[0] + SCAN_WITHIN, destroyed.entry)] if asked else []


def _done(stated: Sequence[Fact], *, since: datetime) -> bool:
    return any(
        fact.kind == TASK_DONE.name and fact.value.get("task") == Task.RETURN.value and fact.start >= since
        for fact in stated
        if not fact.withdrawn
    )


def _days(deal: Deal) -> timedelta:
    if deal.agreement is None:
        return RETURN_WITHIN
    return timedelta(days=agreement_format.read(deal.agreement).destroy_within_days)
