"""Every paper of the exchange that must not pass, by what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.deals.conftest import Firm, drafted
from tests.unit.deals.forger import (
    Pair,
    buyers_only,
    concluded,
    forged_acceptance,
    forged_invitation,
    impostor,
    invited,
    other_terms,
    reworded,
)
from tests.vectors import world

from tigertally import deals
from tigertally.base.ids import DealId, new_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.deals import sql as rows
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.dealpapers import Invitation, Structure
from tigertally.formats.errors import Malformed, NotSigned, WrongKind
from tigertally.formats.statement import Kind, Statement

HOSTILE_INVITATIONS: dict[str, tuple[Callable[[Pair], Statement], type[Exception]]] = {
    "signed by a stranger": (lambda pair: forged_invitation(pair, signer=world.stranger().signing), NotSigned),
    "agreement signed by a stranger": (
        lambda pair: forged_invitation(pair, agreement_signer=world.stranger().signing),
        NotSigned,
    ),
    "agreement signed by us only": (
        lambda pair: forged_invitation(pair, agreement_signer=world.buyer().signing),
        NotSigned,
    ),
    "card of a stranger": (
        lambda pair: forged_invitation(pair, card=world.card_paper(world.stranger().card.name)),
        deals.NoSuchParty,
    ),
    "our own card": (
        lambda pair: forged_invitation(pair, card=pair[1].card, signer=world.buyer().signing),
        deals.NoSuchParty,
    ),
    "card with other keys": (
        lambda pair: forged_invitation(pair, card=impostor(pair[0]), signer=world.stranger().signing),
        deals.CardDiffers,
    ),
    "agreement of another deal": (
        lambda pair: forged_invitation(pair, agreement=other_terms(pair), deal=DealId(new_id("dea"))),
        deals.AnotherDeal,
    ),
    "another buyer": (
        lambda pair: forged_invitation(pair, agreement=other_terms(pair, buyer=world.stranger().id)),
        deals.AnotherParty,
    ),
    "parties swapped": (
        lambda pair: forged_invitation(pair, agreement=other_terms(pair, seller=pair[1].id, buyer=pair[0].id)),
        deals.AnotherParty,
    ),
    "another seller": (
        lambda pair: forged_invitation(pair, agreement=other_terms(pair, seller=world.stranger().id)),
        deals.AnotherParty,
    ),
    "expired agreement": (
        lambda pair: forged_invitation(
            pair,
            agreement=drafted(
                pair[0],
                pair[1].company,
                DealId(new_id("dea")),
                start=pair[0].now - timedelta(days=9),
                until=pair[0].now,
            ),
        ),
        deals.AgreementExpired,
    ),
    "clause missing": (
        lambda pair: forged_invitation(pair, agreement=other_terms(pair, penalty_cny=0)),
        deals.ClausesFaulty,
    ),
    "from the future": (lambda pair: forged_invitation(pair, later=timedelta(minutes=6)), deals.DatedInFuture),
    "a card instead": (lambda pair: pair[0].card, WrongKind),
}


@pytest.mark.parametrize("flaw", sorted(HOSTILE_INVITATIONS))
def test_a_hostile_invitation_is_refused(acquainted: Pair, flaw: str) -> None:
    make, problem = HOSTILE_INVITATIONS[flaw]
    _, buyer = acquainted
    head = buyer.head()
    with pytest.raises(problem):
        buyer.accept(make(acquainted))
    with buyer.store.reading() as tx:
        assert deals.all_deals(tx, buyer.ledger, now=buyer.now) == []
    assert buyer.head() == head


def test_the_forged_invitation_without_a_flaw_would_pass(acquainted: Pair) -> None:
    acquainted[1].accept(forged_invitation(acquainted))


def test_one_a_little_ahead_of_our_clock_would_pass(acquainted: Pair) -> None:
    acquainted[1].accept(forged_invitation(acquainted, later=timedelta(minutes=4)))


def test_an_edited_signature_is_refused(acquainted: Pair) -> None:
    invitation = invited(acquainted)
    (key_id, signature), *_ = invitation.signatures
    broken = replace(invitation, signatures=((key_id, signature[:-1] + bytes([signature[-1] ^ 1])),))
    with pytest.raises(SignatureInvalid):
        acquainted[1].accept(broken)


def test_nobody_accepts_from_a_seller_who_is_not_confirmed(seller: Firm, buyer: Firm) -> None:
    seller.trust(buyer.company)
    invitation = seller.invite(drafted(seller, buyer.company, seller.open()))
    with pytest.raises(deals.NoSuchParty):
        buyer.accept(invitation)
    with buyer.tx() as tx:
        deals.import_card(tx, buyer.ledger, statement=seller.card, own=buyer.id, actor=buyer.lead, now=buyer.now)
    with pytest.raises(deals.PartyNotConfirmed):
        buyer.accept(invitation)


def test_nobody_signs_along_unseen(acquainted: Pair) -> None:
    seller, buyer = acquainted
    made = drafted(seller, buyer.company, DealId(new_id("dea")))
    signed = dsse.make(Kind.AGREEMENT, made.body(), seller.company.signing).signed_by(world.stranger().signing)
    paper = Invitation(
        deal=made.deal,
        title="虚构",
        structure=Structure.D3,
        seller_card=seller.card,
        agreement=signed,
        created=seller.now,
    )
    acceptance = buyer.accept(dsse.make(Kind.INVITATION, paper.body(), seller.company.signing))
    signers = dealpapers.read_acceptance(acceptance).agreement.signers()
    assert sorted(signers) == sorted(firm.company.signing.public.key_id for firm in acquainted)


HOSTILE_ACCEPTANCES: dict[str, tuple[Callable[[Pair, Statement], Statement], type[Exception]]] = {
    "signed by a stranger": (
        lambda pair, paper: forged_acceptance(pair, paper, signer=world.stranger().signing),
        NotSigned,
    ),
    "signed by ourselves": (
        lambda pair, paper: forged_acceptance(pair, paper, signer=pair[0].company.signing),
        NotSigned,
    ),
    "another agreement text": (
        lambda pair, paper: forged_acceptance(pair, paper, agreement=reworded(pair, paper)),
        deals.AnotherAgreement,
    ),
    "agreement without the buyer's signature": (
        lambda pair, paper: forged_acceptance(pair, paper, agreement=dealpapers.read_invitation(paper).agreement),
        NotSigned,
    ),
    "agreement without the seller's signature": (
        lambda pair, paper: forged_acceptance(pair, paper, agreement=buyers_only(pair, paper)),
        NotSigned,
    ),
    "answers another invitation": (
        lambda pair, paper: forged_acceptance(pair, paper, invitation="0" * 64),
        deals.NotOurInvitation,
    ),
    "another deal": (
        lambda pair, paper: forged_acceptance(pair, paper, deal=DealId(new_id("dea"))),
        deals.NoSuchDeal,
    ),
    "another deal of ours": (
        lambda pair, paper: forged_acceptance(pair, paper, deal=pair[0].open(scope="other")),
        deals.NoInvitation,
    ),
    "card of a stranger": (
        lambda pair, paper: forged_acceptance(pair, paper, buyer_card=world.card_paper(world.stranger().card.name)),
        deals.NoSuchParty,
    ),
    "card with other keys": (
        lambda pair, paper: forged_acceptance(pair, paper, buyer_card=impostor(pair[1])),
        deals.CardDiffers,
    ),
    "from the future": (
        lambda pair, paper: forged_acceptance(pair, paper, created=pair[0].now + timedelta(minutes=6)),
        deals.DatedInFuture,
    ),
    "the invitation itself": (lambda _, paper: paper, WrongKind),
}


@pytest.mark.parametrize("flaw", sorted(HOSTILE_ACCEPTANCES))
def test_a_hostile_acceptance_is_refused(acquainted: Pair, flaw: str) -> None:
    make, problem = HOSTILE_ACCEPTANCES[flaw]
    seller, _ = acquainted
    invitation = invited(acquainted)
    deal = dealpapers.read_invitation(invitation).deal
    acceptance = make(acquainted, invitation)
    with pytest.raises(problem):
        seller.conclude(acceptance)
    assert not seller.deal(deal).concluded
    assert seller.current("deals.agreement_in_force", deal) is None
    with pytest.raises(deals.NotConcluded):
        seller.standing(deal)


def test_the_forged_acceptance_without_a_flaw_would_pass(acquainted: Pair) -> None:
    invitation = invited(acquainted)
    assert acquainted[0].conclude(forged_acceptance(acquainted, invitation)).concluded


def test_a_confirmed_third_party_cannot_step_in(acquainted: Pair) -> None:
    seller, _ = acquainted
    stranger = world.stranger()
    seller.trust(stranger)
    invitation = invited(acquainted)
    agreement = dealpapers.read_invitation(invitation).agreement.signed_by(stranger.signing)
    forged = forged_acceptance(
        acquainted,
        invitation,
        signer=stranger.signing,
        agreement=agreement,
        buyer_card=world.card_paper(stranger.card.name),
    )
    with pytest.raises(deals.AnotherParty):
        seller.conclude(forged)


def test_an_agreement_that_expired_meanwhile_is_not_concluded(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = seller.open()
    acceptance = buyer.accept(seller.invite(drafted(seller, buyer.company, deal, until=seller.now + timedelta(days=2))))
    seller.clock.set_to(seller.now + timedelta(days=2))
    with pytest.raises(deals.AgreementExpired):
        seller.conclude(acceptance)


def test_another_acceptance_of_the_same_invitation_is_refused(acquainted: Pair) -> None:
    seller, _ = acquainted
    invitation = invited(acquainted)
    seller.conclude(forged_acceptance(acquainted, invitation))
    other = forged_acceptance(acquainted, invitation, created=seller.now - timedelta(seconds=1))
    with pytest.raises(deals.AlreadyConcluded):
        seller.conclude(other)


def test_one_word_edited_in_the_database_is_found(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = concluded(acquainted)
    standing = seller.deal(deal)
    assert standing.agreement is not None
    assert standing.invitation is not None
    edited = replace(standing.agreement, payload=standing.agreement.payload.replace(b"1000000", b"1000001"))
    with seller.tx() as tx:
        rows.save_papers(
            tx,
            deal_id=deal,
            counterparty=buyer.id,
            agreement_digest=standing.agreement.digest,
            agreement=edited.to_bytes(),
            invitation=standing.invitation.to_bytes(),
            acceptance=None if standing.acceptance is None else standing.acceptance.to_bytes(),
        )
    with pytest.raises(SignatureInvalid):
        seller.standing(deal)
    with seller.store.reading() as tx:
        unmet = deals.look(tx, seller.ledger, deal=deal, to="S3", own=seller.id, now=seller.now).unmet
    assert [item.condition for item in unmet] == ["agreement"]


def test_papers_cut_short_are_malformed(acquainted: Pair) -> None:
    invitation = invited(acquainted)
    with pytest.raises(Malformed):
        acquainted[1].accept(dsse.parse(invitation.to_bytes()[:-1]))
    with pytest.raises(Malformed):
        acquainted[1].accept(replace(invitation, payload=invitation.payload[:-1]))
