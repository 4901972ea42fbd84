"""The exchange of papers between two installations: what it leaves, and every paper that must not pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.deals.conftest import CLASSES, Firm, drafted
from tests.vectors import world

from tigertally import deals
from tigertally.access.policy import Side
from tigertally.base.ids import AgreementId, DealId, PartyId, new_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.sign import SigningKey
from tigertally.deals import sql as rows
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Acceptance, Invitation, Structure
from tigertally.formats.errors import Malformed, NotSigned, WrongKind
from tigertally.formats.statement import Kind, Statement
from tigertally.ledger import fsck

Pair = tuple[Firm, Firm]


def invited(pair: Pair) -> Statement:
    """An invitation from the seller to the buyer."""
    seller, buyer = pair
    return seller.invite(drafted(seller, buyer.company, seller.open()))


def concluded(pair: Pair) -> DealId:
    """A concluded deal."""
    seller, buyer = pair
    return seller.conclude(buyer.accept(invited(pair))).deal


def test_a_deal_is_concluded(acquainted: Pair) -> None:
    seller, buyer = acquainted
    invitation = invited(acquainted)
    acceptance = buyer.accept(dsse.parse(invitation.to_bytes()))
    deal = seller.conclude(dsse.parse(acceptance.to_bytes()))
    standings = [firm.standing(deal.deal) for firm in acquainted]
    assert standings[0].agreement_digest == standings[1].agreement_digest
    assert standings[0].agreement == standings[1].agreement
    assert (standings[0].deal.scope, standings[1].deal.scope) == ("shop", "bought")
    for standing in standings:
        assert (standing.seller.party, standing.buyer.party) == (seller.id, buyer.id)
        assert standing.deal.structure is Structure.D3
    for firm in acquainted:
        fact = firm.current("deals.agreement_in_force", deal.deal)
        assert fact is not None
        assert fact.value["digest"] == standings[0].agreement_digest
        assert fact.value["classes"] == sorted(item.value for item in CLASSES)
        assert fact.until == standings[0].agreement.until
        stage = firm.current("deals.stage", deal.deal)
        assert stage is not None
        assert stage.value["stage"] == "S0"
        with firm.store.reading() as tx:
            assert fsck.check(tx, firm.ledger).clean


def test_on_each_database(any_seller: Firm, buyer: Firm) -> None:
    any_seller.trust(buyer.company)
    buyer.trust(any_seller.company)
    deal = concluded((any_seller, buyer))
    assert any_seller.standing(deal).buyer.fingerprint() == buyer.company.card.fingerprint()
    with any_seller.store.reading() as tx:
        assert [item.deal for item in deals.all_deals(tx, any_seller.ledger, now=any_seller.now)] == [deal]
        parties = deals.all_parties(tx, any_seller.ledger, now=any_seller.now)
        assert [(item.card.party, item.confirmed is not None) for item in parties] == [(buyer.id, True)]


def test_the_agreement_lapses_by_itself(acquainted: Pair) -> None:
    seller, _ = acquainted
    deal = concluded(acquainted)
    seller.clock.set_to(seller.now + timedelta(days=300))
    assert seller.current("deals.agreement_in_force", deal) is None


def test_an_agreement_of_tomorrow_is_not_in_force_today(acquainted: Pair) -> None:
    seller, buyer = acquainted
    start = seller.now + timedelta(days=1)
    deal = seller.conclude(buyer.accept(seller.invite(drafted(seller, buyer.company, seller.open(), start=start)))).deal
    assert seller.current("deals.agreement_in_force", deal) is None
    seller.clock.set_to(start)
    assert seller.current("deals.agreement_in_force", deal) is not None


def test_doing_it_again_changes_nothing(acquainted: Pair) -> None:
    seller, buyer = acquainted
    invitation = invited(acquainted)
    acceptance = buyer.accept(invitation)
    seller.conclude(acceptance)
    heads = (seller.head(), buyer.head())
    buyer.clock.advance(60)
    assert buyer.accept(invitation).to_bytes() == acceptance.to_bytes()
    seller.conclude(acceptance)
    assert (seller.head(), buyer.head()) == heads


# --- inviting


def test_nobody_is_invited_before_two_persons_confirmed(seller: Firm, buyer: Firm) -> None:
    deal = seller.open()
    with pytest.raises(deals.NoSuchParty):
        seller.invite(drafted(seller, buyer.company, deal))
    with seller.tx() as tx:
        deals.import_card(tx, seller.ledger, statement=buyer.card, own=seller.id, actor=seller.lead, now=seller.now)
    with pytest.raises(deals.PartyNotConfirmed):
        seller.invite(drafted(seller, buyer.company, deal))


def test_an_invitation_needs_a_structure(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = seller.open(None)
    with pytest.raises(deals.StructureUnknown):
        seller.invite(drafted(seller, buyer.company, deal))
    with seller.tx() as tx:
        deals.answer_structure(tx, seller.ledger, deal=deal, structure=Structure.D2, actor=seller.lead, now=seller.now)
    assert dealpapers.read_invitation(seller.invite(drafted(seller, buyer.company, deal))).structure is Structure.D2


def test_the_structure_is_settled_once_agreed(acquainted: Pair) -> None:
    seller, _ = acquainted
    deal = concluded(acquainted)
    with pytest.raises(deals.AlreadyConcluded), seller.tx() as tx:
        deals.answer_structure(tx, seller.ledger, deal=deal, structure=Structure.D1, actor=seller.lead, now=seller.now)


def test_what_cannot_be_sent(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = seller.open()
    good = drafted(seller, buyer.company, deal)
    long_ago = seller.now - timedelta(days=30)
    for agreement, problem in (
        (replace(good, seller=world.stranger().id), deals.AnotherParty),
        (replace(good, buyer=world.stranger().id), deals.NoSuchParty),
        (replace(good, penalty_cny=0), deals.ClausesFaulty),
        (drafted(seller, buyer.company, deal, start=long_ago, until=seller.now), deals.AgreementExpired),
        (replace(good, deal=DealId(new_id("dea"))), deals.NoSuchDeal),
    ):
        with pytest.raises(problem):
            seller.invite(agreement)
    assert seller.deal(deal).invitation is None
    with pytest.raises(deals.AnotherDeal), seller.tx() as tx:
        deals.invite(
            tx,
            seller.ledger,
            deal=deal,
            agreement=replace(good, deal=DealId(new_id("dea"))),
            own=seller.card,
            signing=seller.company.signing,
            actor=seller.lead,
            now=seller.now,
        )


def test_the_key_must_be_the_cards(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = seller.open()
    with pytest.raises(ValueError, match="card"), seller.tx() as tx:
        deals.invite(
            tx,
            seller.ledger,
            deal=deal,
            agreement=drafted(seller, buyer.company, deal),
            own=seller.card,
            signing=SigningKey.generate(),
            actor=seller.lead,
            now=seller.now,
        )


# --- accepting: hostile invitations, made with the seller's real keys wherever the flaw is not the key


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


def impostor(firm: Firm) -> Statement:
    """A card in the name and id of ``firm`` with a stranger's keys."""
    stranger = world.stranger()
    card = replace(stranger.card, party=firm.id, name=firm.company.card.name)
    return card.sign(stranger.signing)


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


# --- concluding: hostile acceptances


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
        lambda pair, paper: forged_acceptance(pair, paper, deal=pair[0].open()),
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


def buyers_only(pair: Pair, invitation: Statement) -> Statement:
    """The agreement with the seller's signature taken off."""
    signed = dealpapers.read_invitation(invitation).agreement.signed_by(pair[1].company.signing)
    mine = pair[1].company.signing.public.key_id
    return replace(signed, signatures=tuple(item for item in signed.signatures if item[0] == mine))


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


def test_sides_are_kept_apart(acquainted: Pair) -> None:
    seller, buyer = acquainted
    invitation = invited(acquainted)
    acceptance = buyer.accept(invitation)
    deal = dealpapers.read_invitation(invitation).deal
    with pytest.raises(deals.WrongSide):
        buyer.conclude(acceptance)
    with pytest.raises(deals.WrongSide):
        buyer.invite(replace(drafted(seller, buyer.company, deal), seller=buyer.id, buyer=seller.id))
    with pytest.raises(deals.NoSuchParty):
        seller.accept(invitation)


# --- amending and suspending


def amended(pair: Pair, deal: DealId, **changes: object) -> Agreement:
    """The deal's agreement with a longer list of purposes, as its next version."""
    seller, buyer = pair
    present = seller.standing(deal).agreement
    terms: dict[str, object] = {"version": present.version + 1, "agreement": present.agreement}
    return drafted(seller, buyer.company, deal, **{**terms, **changes})


def test_an_amendment_suspends_until_both_signed(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = concluded(acquainted)
    first = seller.standing(deal).agreement_digest
    invitation = seller.invite(amended(acquainted, deal, purposes=("continue_service",)))
    assert seller.current("deals.agreement_in_force", deal) is None
    assert buyer.current("deals.agreement_in_force", deal) is not None, "the buyer does not know yet"
    seller.conclude(buyer.accept(invitation))
    for firm in acquainted:
        fact = firm.current("deals.agreement_in_force", deal)
        assert fact is not None
        assert fact.value["digest"] == firm.standing(deal).agreement_digest != first
        assert firm.standing(deal).agreement.version == 2


def test_old_papers_do_not_come_back_after_an_amendment(acquainted: Pair) -> None:
    seller, buyer = acquainted
    invitation = invited(acquainted)
    acceptance = buyer.accept(invitation)
    deal = seller.conclude(acceptance).deal
    second = seller.invite(amended(acquainted, deal))
    with pytest.raises(deals.NotOurInvitation):
        seller.conclude(acceptance)
    buyer.accept(second)
    with pytest.raises(deals.OldVersion):
        buyer.accept(invitation)


@pytest.mark.parametrize(
    "changes", [{"version": 1}, {"agreement": AgreementId("agr_" + "0" * 26)}], ids=["same version", "another id"]
)
def test_an_amendment_follows_the_version_on_file(acquainted: Pair, changes: dict[str, object]) -> None:
    seller, _ = acquainted
    deal = concluded(acquainted)
    with pytest.raises(deals.OldVersion):
        seller.invite(amended(acquainted, deal, **changes))
    assert seller.current("deals.agreement_in_force", deal) is not None


def test_an_amendment_is_with_the_same_buyer(acquainted: Pair) -> None:
    seller, _ = acquainted
    deal = concluded(acquainted)
    seller.trust(world.stranger())
    with pytest.raises(deals.AnotherParty):
        seller.invite(replace(amended(acquainted, deal), buyer=PartyId(world.stranger().id)))


def test_before_it_is_concluded_an_invitation_may_be_made_again(acquainted: Pair) -> None:
    seller, buyer = acquainted
    deal = seller.open()
    first = seller.invite(drafted(seller, buyer.company, deal))
    second = seller.invite(drafted(seller, buyer.company, deal, penalty_cny=2_000_000))
    with pytest.raises(deals.NotOurInvitation):
        seller.conclude(forged_acceptance(acquainted, first))
    assert seller.conclude(buyer.accept(second)).concluded


def test_suspending_stops_and_a_replay_does_not_revive(acquainted: Pair) -> None:
    seller, buyer = acquainted
    invitation = invited(acquainted)
    acceptance = buyer.accept(invitation)
    deal = seller.conclude(acceptance).deal
    for firm in acquainted:
        with firm.tx() as tx:
            arguments = {"deal": deal, "actor": firm.lead, "now": firm.now}
            assert deals.suspend(tx, firm.ledger, reason=deals.SuspendReason.BREACH, **arguments) == 1  # type: ignore[arg-type]
            assert deals.suspend(tx, firm.ledger, reason=deals.SuspendReason.BREACH, **arguments) == 0  # type: ignore[arg-type]
    buyer.accept(invitation)
    seller.conclude(acceptance)
    for firm in acquainted:
        assert firm.current("deals.agreement_in_force", deal) is None


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


@pytest.mark.parametrize(
    ("title", "scope"), [("", "shop"), ("x" * 201, "shop"), ("a\nb", "shop"), ("ok", "Shop"), ("ok", "")]
)
def test_titles_and_scopes_are_checked(seller: Firm, title: str, scope: str) -> None:
    with pytest.raises(deals.BadDeal), seller.tx() as tx:
        deals.open_deal(
            tx,
            seller.ledger,
            title=title,
            structure=None,
            side=Side.SELLER,
            scope=scope,
            actor=seller.lead,
            now=seller.now,
        )
