"""Papers of a deal with one thing wrong, made with the real keys wherever the flaw is not the key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.unit.deals.conftest import Firm, drafted
from tests.vectors import world

from tigertally.base.ids import DealId, new_id
from tigertally.crypto.sign import SigningKey
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Acceptance, Invitation, Structure
from tigertally.formats.statement import Kind, Statement

Pair = tuple[Firm, Firm]


def invited(pair: Pair) -> Statement:
    """An invitation from the seller to the buyer."""
    seller, buyer = pair
    return seller.invite(drafted(seller, buyer.company, seller.open()))


def concluded(pair: Pair) -> DealId:
    """A concluded deal."""
    seller, buyer = pair
    return seller.conclude(buyer.accept(invited(pair))).deal


def forged_invitation(
    pair: Pair,
    *,
    agreement: Agreement | None = None,
    signer: SigningKey | None = None,
    agreement_signer: SigningKey | None = None,
    card: Statement | None = None,
    deal: DealId | None = None,
    later: timedelta = timedelta(),
) -> Statement:
    """An invitation with one thing wrong."""
    seller, buyer = pair
    made = agreement or drafted(seller, buyer.company, deal or DealId(new_id("dea")))
    paper = Invitation(
        deal=deal or made.deal,
        title="虚构",
        structure=Structure.D3,
        seller_card=card or seller.card,
        agreement=dsse.make(Kind.AGREEMENT, made.body(), agreement_signer or seller.company.signing),
        created=seller.now + later,
    )
    return dsse.make(Kind.INVITATION, paper.body(), signer or seller.company.signing)


def other_terms(pair: Pair, **changes: object) -> Agreement:
    """An agreement with members changed after drafting."""
    seller, buyer = pair
    return replace(drafted(seller, buyer.company, DealId(new_id("dea"))), **changes)  # type: ignore[arg-type]


def impostor(firm: Firm) -> Statement:
    """A card in the name and id of ``firm`` with a stranger's keys."""
    stranger = world.stranger()
    card = replace(stranger.card, party=firm.id, name=firm.company.card.name)
    return card.sign(stranger.signing)


def forged_acceptance(
    pair: Pair,
    answered: Statement,
    *,
    signer: SigningKey | None = None,
    agreement: Statement | None = None,
    **changes: object,
) -> Statement:
    """An acceptance of ``answered`` with one thing wrong."""
    seller, buyer = pair
    invited_paper = dealpapers.read_invitation(answered)
    paper = Acceptance(
        deal=invited_paper.deal,
        invitation=answered.digest,
        buyer_card=buyer.card,
        agreement=agreement or invited_paper.agreement.signed_by(buyer.company.signing),
        created=seller.now,
    )
    return dsse.make(Kind.ACCEPTANCE, replace(paper, **changes).body(), signer or buyer.company.signing)  # type: ignore[arg-type]


def reworded(pair: Pair, invitation: Statement) -> Statement:
    """The invitation's agreement with a hundredth of the penalty, signed by the buyer and not by the seller."""
    seller, buyer = pair
    deal = dealpapers.read_invitation(invitation).deal
    cheaper = drafted(seller, buyer.company, deal, penalty_cny=10_000)
    return dsse.make(Kind.AGREEMENT, cheaper.body(), buyer.company.signing)


def buyers_only(pair: Pair, invitation: Statement) -> Statement:
    """The agreement with the seller's signature taken off."""
    signed = dealpapers.read_invitation(invitation).agreement.signed_by(pair[1].company.signing)
    mine = pair[1].company.signing.public.key_id
    return replace(signed, signatures=tuple(item for item in signed.signatures if item[0] == mine))
