"""Agreements in force: both signatures on one text, as a fact that every decision reads.

An agreement holds from the later of its own beginning and the moment both signatures were verified here, until its
end; expiry needs nobody. Anything that changes it — an amendment, a party's new keys, a breach — suspends it at
once: the fact is withdrawn, and only a new version signed by both brings one back.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from tigertally.access import AGREEMENT_IN_FORCE
from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.crypto.sign import SigningKey
from tigertally.deals import clauses, events
from tigertally.deals.errors import AgreementExpired, AnotherParty, ClausesFaulty
from tigertally.formats import agreement as agreement_format
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.store.tx import Tx


class SuspendReason(Enum):
    """Why an agreement stops; a word, so that nothing personal is written."""

    AMENDMENT = "amendment"
    BREACH = "breach"
    CARD_CHANGED = "card_changed"
    DISPUTE = "dispute"


def sign(agreement: Agreement, *, key: SigningKey) -> Statement:
    """Return ``agreement`` as a statement with one signature. Raises :class:`ClausesFaulty`."""
    need_sound(agreement)
    return dsse.make(Kind.AGREEMENT, agreement.body(), key)


def need_sound(agreement: Agreement) -> None:
    """Raise :class:`ClausesFaulty` with every fault that the clause check finds."""
    faults = clauses.check(agreement)
    if faults:
        raise ClausesFaulty(faults)


def need_running(agreement: Agreement, *, now: datetime) -> None:
    """Raise :class:`AgreementExpired` if the term is over. One that begins later is fine."""
    if agreement.until <= now:
        raise AgreementExpired


def signed_by_both(statement: Statement, *, seller: PartyCard, buyer: PartyCard) -> Agreement:
    """Return the agreement, between exactly these two and with both signatures verified.

    Raises ``NotSigned``, ``SignatureInvalid``, ``Malformed``, ``WrongKind``, :class:`AnotherParty`.
    """
    agreement = agreement_format.read(statement)
    if (agreement.seller, agreement.buyer) != (seller.party, buyer.party):
        raise AnotherParty(what="agreement")
    for card in (seller, buyer):
        statement.require({card.name: card.signing})
    return agreement


def bring_into_force(
    tx: Tx, ledger: Ledger, *, statement: Statement, seller: PartyCard, buyer: PartyCard, actor: str, now: datetime
) -> int:
    """Verify both signatures and the clauses, and state the fact; return its entry. Again: nothing changes.

    Raises what :func:`signed_by_both` raises, :class:`ClausesFaulty`, :class:`AgreementExpired`.
    """
    agreement = signed_by_both(statement, seller=seller, buyer=buyer)
    need_sound(agreement)
    need_running(agreement, now=now)
    for fact in _standing(tx, ledger, agreement.deal):
        if fact.value.get("digest") == statement.digest:
            return fact.entry
    classes: list[Json] = [item.value for item in agreement.classes]
    purposes: list[Json] = [*agreement.purposes]
    value: dict[str, Json] = {
        "agreement": agreement.agreement,
        "digest": statement.digest,
        "classes": classes,
        "purposes": purposes,
    }
    return facts.replace(
        tx,
        ledger,
        AGREEMENT_IN_FORCE,
        subject=agreement.deal,
        value=value,
        start=max(agreement.start, now),
        until=agreement.until,
        actor=actor,
        now=now,
    )


def suspend(tx: Tx, ledger: Ledger, *, deal: DealId, reason: SuspendReason, actor: str, now: datetime) -> int:
    """Withdraw what is in force in ``deal``; return how many facts that were (0: nothing was in force)."""
    found = _standing(tx, ledger, deal)
    for fact in found:
        facts.withdraw(tx, ledger, entry=fact.entry, reason=reason.value, actor=actor, now=now)
        payload: dict[str, Json] = {"deal": deal, "agreement": fact.value["digest"], "reason": reason.value}
        event = Event(kind=events.AGREEMENT_SUSPENDED, payload=payload, actor=actor, about=(deal,))
        ledger.append(tx, event, now=now)
    return len(found)


def _standing(tx: Tx, ledger: Ledger, deal: str) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[AGREEMENT_IN_FORCE.name], subjects=[deal])
    return [fact for fact in found if not fact.withdrawn]
