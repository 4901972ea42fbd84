"""The exchange of papers: the seller invites, the buyer accepts, the seller concludes.

Before: each side imports the other's card and two persons confirm its fingerprint. Then, in this order:

*invite* — 1 our side is the seller and the deal is open; 2 the buyer is confirmed; 3 the agreement is of this deal,
between us two, sound, and its term is not over; 4 it follows the version on file. What was in force is suspended.

*accept* — 1 the card inside is the seller's that two persons confirmed; 2 it signed the invitation; 3 the agreement is
of the same deal, from that seller to us; 4 the seller signed it; 5 it is sound, its term is not over, nothing is
dated in the future; 6 it is new, or follows the version on file. The very invitation again gives the same
acceptance again and changes nothing.

*conclude* — 1 it answers our last invitation, by digest; 2 the card inside is the buyer's that two persons confirmed;
3 it signed the acceptance; 4 the agreement is the very text we sent, with both signatures; 5 its term is not
over, nothing is dated in the future. The very acceptance again changes nothing, so a suspended agreement is not
revived by a replay.

Leaves to others: transport, and whether the persons may do this (decided before).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tigertally.access.policy import Side
from tigertally.base.canon import Json
from tigertally.base.ids import DealId
from tigertally.crypto.sign import SigningKey
from tigertally.deals import agreements, dossier, events, parties, sql
from tigertally.deals.agreements import SuspendReason
from tigertally.deals.dossier import LOCK, Deal
from tigertally.deals.errors import (
    AlreadyConcluded,
    AnotherAgreement,
    AnotherDeal,
    AnotherParty,
    CardDiffers,
    DatedInFuture,
    NoInvitation,
    NoSuchDeal,
    NotOurInvitation,
    OldVersion,
    StructureUnknown,
)
from tigertally.formats import agreement as agreement_format
from tigertally.formats import dealpapers
from tigertally.formats import party as party_format
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Acceptance, Invitation
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import Event, EventKind, Ledger
from tigertally.store.tx import Tx

SKEW_MAX: Final = timedelta(minutes=5)
"""How far the other side's clock may be ahead of ours."""


def invite(
    tx: Tx,
    ledger: Ledger,
    *,
    deal: DealId,
    agreement: Agreement,
    own: Statement,
    signing: SigningKey,
    actor: str,
    now: datetime,
) -> Statement:
    """Seller: sign ``agreement`` and the invitation that carries it; keep and return the invitation.

    ``own`` is our card, ``signing`` its key. Raises ``WrongSide``, ``DealOver``, ``NoSuchParty``,
    ``PartyNotConfirmed``, ``AnotherDeal``, ``AnotherParty``, ``ClausesFaulty``, ``AgreementExpired``, ``OldVersion``.
    """
    tx.lock(LOCK)
    found = dossier.find(tx, ledger, deal, now=now)
    found.need_side(Side.SELLER)
    found.need_alive()
    card = _own_card(own, signing)
    if found.structure is None:
        raise StructureUnknown
    if agreement.seller != card.party:
        raise AnotherParty(what="agreement")
    buyer = parties.confirmed_card(tx, ledger, agreement.buyer, now=now)
    if agreement.deal != deal:
        raise AnotherDeal(what="agreement")
    agreements.need_running(agreement, now=now)
    _need_next(found, agreement)
    signed = agreements.sign(agreement, key=signing)
    paper = Invitation(
        deal=deal, title=found.title, structure=found.structure, seller_card=own, agreement=signed, created=now
    )
    invitation = dsse.make(Kind.INVITATION, paper.body(), signing)
    agreements.suspend(tx, ledger, deal=deal, reason=SuspendReason.AMENDMENT, actor=actor, now=now)
    _save(tx, deal=deal, counterparty=buyer.party, agreement=signed, invitation=invitation, acceptance=None)
    _note(
        tx,
        ledger,
        events.INVITATION_MADE,
        deal=deal,
        actor=actor,
        now=now,
        invitation=invitation.digest,
        agreement=signed.digest,
        version=agreement.version,
        buyer=buyer.party,
    )
    return invitation


def accept(
    tx: Tx,
    ledger: Ledger,
    *,
    invitation: Statement,
    own: Statement,
    signing: SigningKey,
    scope: str,
    actor: str,
    now: datetime,
) -> Statement:
    """Buyer: check the invitation, cosign its agreement, put it in force here; keep and return the acceptance.

    ``scope`` names our vault's scope that will hold the data (only used for a new deal). Raises ``Malformed``,
    ``NoSuchParty``, ``PartyNotConfirmed``, ``CardDiffers``, ``NotSigned``, ``SignatureInvalid``, ``AnotherDeal``,
    ``AnotherParty``, ``ClausesFaulty``, ``AgreementExpired``, ``DatedInFuture``, ``OldVersion``, ``WrongSide``.
    """
    tx.lock(LOCK)
    card = _own_card(own, signing)
    paper = dealpapers.read_invitation(invitation)
    seller = _confirmed(tx, ledger, paper.seller_card, now=now)
    invitation.require({seller.name: seller.signing})
    agreement = _invited(paper, seller=seller, buyer=card, now=now)
    found = _existing(tx, ledger, paper.deal, now=now)
    if found is not None:
        found.need_side(Side.BUYER)
        answered = found.invitation is not None and found.invitation.digest == invitation.digest
        if answered and found.acceptance is not None:
            return found.acceptance
        found.need_alive()
        _need_amendment(found, agreement, seller)
    signed = _only(paper.agreement, seller).signed_by(signing)
    answer = Acceptance(deal=paper.deal, invitation=invitation.digest, buyer_card=own, agreement=signed, created=now)
    acceptance = dsse.make(Kind.ACCEPTANCE, answer.body(), signing)
    if found is None:
        dossier.open_deal(
            tx,
            ledger,
            title=paper.title,
            structure=paper.structure,
            side=Side.BUYER,
            scope=scope,
            actor=actor,
            now=now,
            deal=paper.deal,
        )
    elif found.structure is not paper.structure:
        raise AnotherDeal(what="invitation")
    agreements.suspend(tx, ledger, deal=paper.deal, reason=SuspendReason.AMENDMENT, actor=actor, now=now)
    _save(
        tx, deal=paper.deal, counterparty=seller.party, agreement=signed, invitation=invitation, acceptance=acceptance
    )
    _note(
        tx,
        ledger,
        events.INVITATION_ACCEPTED,
        deal=paper.deal,
        actor=actor,
        now=now,
        invitation=invitation.digest,
        acceptance=acceptance.digest,
        agreement=signed.digest,
        version=agreement.version,
        seller=seller.party,
    )
    agreements.bring_into_force(tx, ledger, statement=signed, seller=seller, buyer=card, actor=actor, now=now)
    return acceptance


def conclude(tx: Tx, ledger: Ledger, *, acceptance: Statement, own: Statement, actor: str, now: datetime) -> Deal:
    """Seller: check the buyer's acceptance against our invitation and put the agreement in force; return the deal.

    Raises ``Malformed``, ``NoSuchDeal``, ``WrongSide``, ``NoInvitation``, ``NotOurInvitation``, ``CardDiffers``,
    ``PartyNotConfirmed``, ``AnotherParty``, ``NotSigned``, ``SignatureInvalid``, ``AnotherAgreement``,
    ``AgreementExpired``, ``DatedInFuture``, ``AlreadyConcluded``, ``DealOver``.
    """
    tx.lock(LOCK)
    paper = dealpapers.read_acceptance(acceptance)
    found = dossier.find(tx, ledger, paper.deal, now=now)
    found.need_side(Side.SELLER)
    if found.invitation is None or found.agreement is None or found.counterparty is None:
        raise NoInvitation
    if paper.invitation != found.invitation.digest:
        raise NotOurInvitation
    buyer = _confirmed(tx, ledger, paper.buyer_card, now=now)
    if buyer.party != found.counterparty:
        raise AnotherParty(what="acceptance")
    acceptance.require({buyer.name: buyer.signing})
    if found.acceptance is not None:
        if found.acceptance.digest != acceptance.digest:
            raise AlreadyConcluded
        return found
    found.need_alive()
    if paper.agreement.digest != found.agreement.digest:
        raise AnotherAgreement
    card = party_format.read(own)
    signed = _only(paper.agreement, card, buyer)
    agreement = agreements.signed_by_both(signed, seller=card, buyer=buyer)
    _need_past(paper.created, now=now, what="acceptance")
    _save(
        tx,
        deal=paper.deal,
        counterparty=buyer.party,
        agreement=signed,
        invitation=found.invitation,
        acceptance=acceptance,
    )
    _note(
        tx,
        ledger,
        events.DEAL_CONCLUDED,
        deal=paper.deal,
        actor=actor,
        now=now,
        invitation=found.invitation.digest,
        acceptance=acceptance.digest,
        agreement=signed.digest,
        version=agreement.version,
        buyer=buyer.party,
    )
    agreements.bring_into_force(tx, ledger, statement=signed, seller=card, buyer=buyer, actor=actor, now=now)
    return dossier.find(tx, ledger, paper.deal, now=now)


def _own_card(own: Statement, signing: SigningKey) -> PartyCard:
    card = party_format.read(own)
    if card.signing != signing.public:
        raise ValueError("the signing key is not our card's")
    return card


def _confirmed(tx: Tx, ledger: Ledger, statement: Statement, *, now: datetime) -> PartyCard:
    """Return the card inside a paper if it is, key by key, the one that two persons confirmed."""
    card = party_format.read(statement)
    known = parties.confirmed_card(tx, ledger, card.party, now=now)
    if known.fingerprint() != card.fingerprint():
        raise CardDiffers
    return known


def _invited(paper: Invitation, *, seller: PartyCard, buyer: PartyCard, now: datetime) -> Agreement:
    """Return the agreement inside an invitation, checked as points 3 to 5 of *accept* say."""
    agreement = agreement_format.read(paper.agreement)
    if agreement.deal != paper.deal:
        raise AnotherDeal(what="agreement")
    if (agreement.seller, agreement.buyer) != (seller.party, buyer.party):
        raise AnotherParty(what="agreement")
    paper.agreement.require({seller.name: seller.signing})
    agreements.need_sound(agreement)
    agreements.need_running(agreement, now=now)
    _need_past(paper.created, now=now, what="invitation")
    return agreement


def _existing(tx: Tx, ledger: Ledger, deal: DealId, *, now: datetime) -> Deal | None:
    try:
        return dossier.find(tx, ledger, deal, now=now)
    except NoSuchDeal:
        return None


def _need_next(deal: Deal, agreement: Agreement) -> None:
    """Check that a concluded deal gets a higher version of its agreement; before that, a version may be redone."""
    present = dossier.present_version(deal)
    if present is None:
        return
    ident, version = present
    lowest = version + 1 if deal.concluded else version
    if (deal.concluded and agreement.agreement != ident) or agreement.version < lowest:
        raise OldVersion(version=agreement.version, present=version)
    if deal.concluded and deal.counterparty != agreement.buyer:
        raise AnotherParty(what="agreement")


def _need_amendment(deal: Deal, agreement: Agreement, seller: PartyCard) -> None:
    present = dossier.present_version(deal)
    if deal.counterparty != seller.party or present is None:
        raise AnotherParty(what="invitation")
    ident, version = present
    if agreement.agreement != ident or agreement.version <= version:
        raise OldVersion(version=agreement.version, present=version)


def _need_past(instant: datetime, *, now: datetime, what: str) -> None:
    if instant > now + SKEW_MAX:
        raise DatedInFuture(what=what)


def _only(statement: Statement, *cards: PartyCard) -> Statement:
    """Return the statement with these parties' signatures alone: nobody signs along unseen."""
    keys = {card.signing.key_id for card in cards}
    kept = tuple(item for item in statement.signatures if item[0] in keys)
    return Statement(kind=statement.kind, payload=statement.payload, signatures=kept)


def _save(
    tx: Tx,
    *,
    deal: DealId,
    counterparty: str,
    agreement: Statement,
    invitation: Statement,
    acceptance: Statement | None,
) -> None:
    changed = sql.save_papers(
        tx,
        deal_id=deal,
        counterparty=counterparty,
        agreement_digest=agreement.digest,
        agreement=agreement.to_bytes(),
        invitation=invitation.to_bytes(),
        acceptance=None if acceptance is None else acceptance.to_bytes(),
    )
    if changed != 1:
        raise NoSuchDeal


def _note(tx: Tx, ledger: Ledger, kind: EventKind, *, deal: DealId, actor: str, now: datetime, **members: Json) -> None:
    event = Event(kind=kind, payload={"deal": deal, **members}, actor=actor, about=(deal,))
    ledger.append(tx, event, now=now)
