"""The exchange of papers between two installations: what it leaves, amending and suspending."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.deals.conftest import CLASSES, Firm, drafted
from tests.unit.deals.forger import (
    Pair,
    concluded,
    forged_acceptance,
    invited,
)
from tests.vectors import world

from tigertally import deals
from tigertally.access.policy import Side
from tigertally.base.ids import AgreementId, DealId, PartyId, new_id
from tigertally.crypto.sign import SigningKey
from tigertally.formats import dealpapers
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Structure
from tigertally.ledger import fsck


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
