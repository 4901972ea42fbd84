"""Waivers: two persons answer for a condition that the product cannot check, in one deal, for a time.

Only conditions in :data:`~tigertally.deals.conditions.WAIVABLE`; 90 days at most; a reason from a closed list, with the
digest of the paper where something was done elsewhere. Both persons stand in the fact. Called after the
two-person decision; that both are different is checked again here and again by the gate.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.access.errors import SamePerson
from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.deals import dossier
from tigertally.deals.conditions import WAIVABLE
from tigertally.deals.errors import BadWaiver, NotWaivable
from tigertally.deals.facts import WAIVED
from tigertally.deals.gates import WAIVER_MAX
from tigertally.ledger import Ledger, facts
from tigertally.store.tx import Tx

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class WaiverReason(Enum):
    """Why a condition may be waived; ``DONE_ELSEWHERE`` needs the digest of the paper that shows it."""

    DONE_ELSEWHERE = "done_elsewhere"
    NOT_APPLICABLE = "not_applicable"
    RISK_ACCEPTED = "risk_accepted"


def waive(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    condition: str,
    reason: WaiverReason,
    until: datetime,
    actor: str,
    approver: str,
    now: datetime,
    document: str = "",
) -> int:
    """Waive ``condition`` in ``deal`` until then; return the fact's entry. ``document`` is SHA-256 in hex.

    Raises ``NoSuchDeal``, ``DealOver``, :class:`NotWaivable`, :class:`BadWaiver`, ``SamePerson``.
    """
    if not actor or not approver or actor == approver:
        raise SamePerson
    if condition not in WAIVABLE:
        raise NotWaivable(condition=condition)
    if not now < until <= now + WAIVER_MAX:
        raise BadWaiver(what="until", days=WAIVER_MAX.days)
    if (document or reason is WaiverReason.DONE_ELSEWHERE) and not _DIGEST.fullmatch(document):
        raise BadWaiver(what="document", days=WAIVER_MAX.days)
    dossier.find(tx, ledger, deal, now=now).need_open()
    value: dict[str, Json] = {
        "condition": condition,
        "reason": reason.value,
        "document": document,
        "asker": actor,
        "approver": approver,
    }
    return facts.state(
        tx,
        ledger,
        WAIVED,
        subject=deal,
        value=value,
        start=now,
        until=until,
        actor=actor,
        now=now,
        about=(actor, approver),
    )
