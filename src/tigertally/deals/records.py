"""What others did for a deal, stated as facts for its gates: inventory, purge, sealing, protected copies.

Whoever did the work computed the numbers and the digests (SHA-256, hex); they bind the statements to each other: a
purge to the inventory whose findings it settles, sealing and copies to one plan. Nothing is judged here: a statement
with something left over is stated as it is, and the gate refuses it. A malformed digest or a negative number is a
programmer's error (``ValueError``).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.deals.facts import INVENTORY_RECORDED, PROTECTED, SAD_PURGED, SEALED
from tigertally.ledger import FactKind, Ledger, facts
from tigertally.store.tx import Tx

INVENTORY_AGE_MAX: Final = timedelta(days=90)
"""How long an inventory counts as what is held (PCI DSS 12.5.2 asks for a year; a sale moves faster)."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def record_inventory(
    tx: Tx,
    ledger: Ledger,
    *,
    subject: str,
    digest: str,
    objects: int,
    findings: int,
    unread: int,
    actor: str,
    now: datetime,
) -> int:
    """State what a scan found; return the fact's entry. ``subject`` is a deal's id, or our party id for all deals.

    ``digest`` is of the inventory's canonical JSON; ``unread`` counts objects not wholly scanned. Holds 90 days.
    """
    value: dict[str, Json] = {"digest": digest, "objects": objects, "findings": findings, "unread": unread}
    until = now + INVENTORY_AGE_MAX
    return _state(tx, ledger, INVENTORY_RECORDED, subject=subject, value=value, until=until, actor=actor, now=now)


def record_sad_purged(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    plan: str,
    inventory: str,
    purged: int,
    unresolved: int,
    actor: str,
    now: datetime,
) -> int:
    """State what became of sensitive authentication data and clear passwords; return the fact's entry.

    ``inventory`` is the digest of the inventory whose findings the plan settles; ``purged`` and ``unresolved`` count
    findings of those classes that the plan purges, and those it leaves.
    """
    value: dict[str, Json] = {"plan": plan, "inventory": inventory, "purged": purged, "unresolved": unresolved}
    return _state(tx, ledger, SAD_PURGED, subject=deal, value=value, until=None, actor=actor, now=now)


def record_sealed(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    plan: str,
    subjects: int,
    found: int,
    sealed: int,
    rejected: int,
    actor: str,
    now: datetime,
) -> int:
    """State how sealing ended; return the fact's entry.

    ``found`` values were read from the plan's columns; each is among ``sealed`` (new or known before) or ``rejected``.
    """
    value: dict[str, Json] = {
        "plan": plan,
        "subjects": subjects,
        "found": found,
        "sealed": sealed,
        "rejected": rejected,
    }
    return _state(tx, ledger, SEALED, subject=deal, value=value, until=None, actor=actor, now=now)


def record_protected(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    plan: str,
    objects: int,
    left_out: int,
    unknown: int,
    actor: str,
    now: datetime,
) -> int:
    """State that the protected copy is written; return the fact's entry.

    ``objects`` are in the copy, ``left_out`` are not; ``unknown`` values had no token and were starred out.
    """
    value: dict[str, Json] = {"plan": plan, "objects": objects, "left_out": left_out, "unknown": unknown}
    return _state(tx, ledger, PROTECTED, subject=deal, value=value, until=None, actor=actor, now=now)


def _state(
    tx: Tx,
    ledger: Ledger,
    kind: FactKind,
    *,
    subject: str,
    value: dict[str, Json],
    until: datetime | None,
    actor: str,
    now: datetime,
) -> int:
    for name, item in value.items():
        if isinstance(item, str) and not _DIGEST.fullmatch(item):
            raise ValueError(f"{kind.name}.{name} is not a digest")
        if isinstance(item, int) and item < 0:
            raise ValueError(f"{kind.name}.{name} is negative")
    return facts.replace(tx, ledger, kind, subject=subject, value=value, start=now, until=until, actor=actor, now=now)
