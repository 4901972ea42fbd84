"""Stages S0–S9: which moves there are, and moving a deal through a gate.

Forward by one; back by one from S2–S6, with a reason; dead (S9) from any stage before S8, with a reason. Only
entering a later stage, or S9, asks a gate. Every move replaces the fact that decisions read, and leaves an entry with
the facts and waivers it rested on. Sources: law facts §8; DESIGN §5.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.access import DEAL_STAGE, Role, identities
from tigertally.access.policy import STAGES
from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId
from tigertally.base.text import Text
from tigertally.deals import dossier, events, gates, parties, routerules, sql
from tigertally.deals.conditions import GateFacts
from tigertally.deals.dossier import LOCK, Deal
from tigertally.deals.errors import BadMove, GateClosed, NoSuchParty, ReasonNeeded
from tigertally.deals.gates import Judgement
from tigertally.ledger import Event, Ledger, facts
from tigertally.store.tx import Tx

DEAD: Final = "S9"
_LAST: Final = "S8"
_BACK_FROM: Final = ("S2", "S3", "S4", "S5", "S6")

STAGE_TITLES: Final[dict[str, Text]] = {
    "S0": Text("委托", "intake"),
    "S1": Text("意向", "teaser"),
    "S2": Text("保密协议与意向书", "NDA and letter of intent"),
    "S3": Text("尽职调查一", "due diligence I"),
    "S4": Text("尽职调查二（洁净团队）", "due diligence II (clean team)"),
    "S5": Text("签约", "signing"),
    "S6": Text("过渡期", "sign to close"),
    "S7": Text("交割", "closing"),
    "S8": Text("整合", "integration"),
    "S9": Text("交易终止", "deal dead"),
}


class MoveReason(Enum):
    """Why a deal goes back or dies; a word, so that nothing confidential is written."""

    APPROVAL_REFUSED = "approval_refused"
    CONDITION_LOST = "condition_lost"
    FINDING = "finding"
    MISTAKE = "mistake"
    RENEGOTIATION = "renegotiation"
    WITHDRAWN = "withdrawn"


def moves(stage: str) -> tuple[str, ...]:
    """Return the stages that a deal at ``stage`` can move to, in order; none from S8, S9 or an unknown one."""
    if stage not in STAGES or stage in (_LAST, DEAD):
        return ()
    at = STAGES.index(stage)
    back = (STAGES[at - 1],) if stage in _BACK_FROM else ()
    return (*back, STAGES[at + 1], DEAD)


def look(tx: Tx, ledger: Ledger, *, deal: DealId, to: str, own: PartyId, now: datetime) -> Judgement:
    """Return what the gate of ``to`` would say now, without moving. Raises ``NoSuchDeal``, :class:`BadMove`."""
    found = dossier.find(tx, ledger, deal, now=now)
    _need_stage(found, to)
    return gates.judge(to, load(tx, ledger, found, own=own, now=now))


def move(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    to: str,
    own: PartyId,
    actor: str,
    now: datetime,
    reason: MoveReason | None = None,
) -> int:
    """Move a deal to stage ``to``; return the entry of the stage's fact. ``own`` is our party id.

    Raises ``NoSuchDeal``, :class:`BadMove`, :class:`ReasonNeeded`, and :class:`GateClosed` with every unmet condition.
    """
    tx.lock(LOCK)
    found = dossier.find(tx, ledger, deal, now=now)
    if to not in moves(found.stage):
        raise BadMove(present=found.stage or "-", wanted=to)
    forward = to != DEAD and STAGES.index(to) > STAGES.index(found.stage)
    if not forward and reason is None:
        raise ReasonNeeded
    judgement = Judgement(unmet=(), facts=(), waivers=())
    if forward or to == DEAD:
        judgement = gates.judge(to, load(tx, ledger, found, own=own, now=now))
    if judgement.unmet:
        raise GateClosed(stage=to, unmet=judgement.unmet)
    payload: dict[str, Json] = {
        "deal": deal,
        "from": found.stage,
        "to": to,
        "reason": "" if reason is None else reason.value,
        "facts": list(judgement.facts),
        "waivers": list(judgement.waivers),
    }
    ledger.append(tx, Event(kind=events.STAGE_ENTERED, payload=payload, actor=actor, about=(deal,)), now=now)
    return facts.replace(
        tx,
        ledger,
        DEAL_STAGE,
        subject=deal,
        value={"stage": to, "side": found.side.value},
        start=now,
        until=None,
        actor=actor,
        now=now,
    )


def load(tx: Tx, ledger: Ledger, deal: Deal, *, own: PartyId, now: datetime) -> GateFacts:
    """Return everything a gate looks at, as it is now."""
    leads = tuple(person.person for person in identities.everybody(tx) if Role.LEAD in person.roles)
    counterparty = "" if deal.counterparty is None else deal.counterparty
    others = (row.party for row in sql.all_parties(tx))
    subjects: Sequence[str] = list(dict.fromkeys([deal.deal, own, *leads, *filter(None, [counterparty]), *others]))
    return GateFacts(
        deal=deal.deal,
        side=deal.side,
        own=own,
        counterparty=counterparty,
        fingerprint=_fingerprint(tx, ledger, counterparty, now=now),
        agreement_digest="" if deal.agreement is None else deal.agreement.digest,
        leads=leads,
        rules=routerules.shipped().digest,
        facts=facts.read(tx, ledger=ledger, subjects=subjects),
        now=now,
    )


def _fingerprint(tx: Tx, ledger: Ledger, party: str, *, now: datetime) -> str:
    if not party:
        return ""
    try:
        return parties.find(tx, ledger, party, now=now).card.fingerprint()
    except NoSuchParty:
        return ""


def _need_stage(deal: Deal, to: str) -> None:
    if to not in STAGES:
        raise BadMove(present=deal.stage or "-", wanted=to)
