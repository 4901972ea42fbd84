"""Cards: believed only when two persons confirmed the fingerprint, and no longer than they are the same card."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.deals.conftest import Firm, drafted
from tests.vectors import world

from tigertally import deals
from tigertally.crypto.sign import SigningKey
from tigertally.deals import sql as rows
from tigertally.formats.errors import NotSigned, WrongKind
from tigertally.formats.statement import Statement
from tigertally.ledger import fsck

BUYER = world.buyer()


def import_card(firm: Firm, statement: Statement, *, replacing: bool = False) -> deals.Party:
    """Import a card."""
    with firm.tx() as tx:
        return deals.import_card(
            tx,
            firm.ledger,
            statement=statement,
            own=firm.id,
            actor=firm.lead,
            now=firm.now,
            replacing=replacing,
        )


def confirm(firm: Firm, fingerprint: str) -> int:
    """Confirm the buyer's card."""
    with firm.tx() as tx:
        return deals.confirm(tx, firm.ledger, party=BUYER.id, fingerprint=fingerprint, actor=firm.lead, now=firm.now)


def buyer_with(signing: SigningKey) -> Statement:
    """The buyer's card with another signing key."""
    return replace(BUYER.card, signing=signing.public).sign(signing)


def confirmed(firm: Firm) -> bool:
    """Whether the buyer is believed."""
    with firm.store.reading() as tx:
        return deals.find_party(tx, firm.ledger, BUYER.id, now=firm.now).confirmed is not None


def test_an_imported_card_is_not_believed(any_seller: Firm) -> None:
    party = import_card(any_seller, world.card_paper(BUYER.card.name))
    assert party.confirmed is None
    with any_seller.store.reading() as tx, pytest.raises(deals.PartyNotConfirmed):
        deals.confirmed_card(tx, any_seller.ledger, BUYER.id, now=any_seller.now)
    entry = confirm(any_seller, BUYER.card.fingerprint())
    with any_seller.store.reading() as tx:
        assert deals.find_party(tx, any_seller.ledger, BUYER.id, now=any_seller.now).confirmed == entry
        assert fsck.check(tx, any_seller.ledger).clean


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.replace(" ", "-"), lambda text: f" {text}\n"])
def test_a_fingerprint_is_what_its_digits_are(seller: Firm, spell: object) -> None:
    import_card(seller, world.card_paper(BUYER.card.name))
    confirm(seller, spell(BUYER.card.fingerprint()))  # type: ignore[operator]
    assert confirmed(seller)


def test_any_other_fingerprint_is_refused(seller: Firm) -> None:
    import_card(seller, world.card_paper(BUYER.card.name))
    right = BUYER.card.fingerprint()
    for wrong in ("", right[:-1], right + "0", world.stranger().card.fingerprint(), right[:-1] + "０", "0" * 40):
        with pytest.raises(deals.FingerprintDiffers):
            confirm(seller, wrong)
    assert not confirmed(seller)


def test_confirming_or_importing_again_changes_nothing(seller: Firm) -> None:
    seller.trust(BUYER)
    head = seller.head()
    seller.trust(BUYER)
    again = replace(BUYER.card, created=BUYER.card.created + timedelta(days=1)).sign(BUYER.signing)
    assert import_card(seller, again, replacing=True).confirmed is not None
    assert seller.head() == head


def test_nobody_is_confirmed_whose_card_is_not_here(seller: Firm) -> None:
    with pytest.raises(deals.NoSuchParty):
        confirm(seller, BUYER.card.fingerprint())


def test_our_own_card_is_nobody_elses(seller: Firm) -> None:
    with pytest.raises(deals.OwnCard):
        import_card(seller, seller.card)


def test_a_card_must_be_one_and_be_signed_by_itself(seller: Firm) -> None:
    with pytest.raises(WrongKind):
        import_card(seller, world.agreement_paper())
    with pytest.raises(NotSigned):
        import_card(seller, BUYER.card.sign(world.stranger().signing))


def test_other_keys_for_a_known_party_are_refused(seller: Firm) -> None:
    seller.trust(BUYER)
    other = buyer_with(SigningKey.generate())
    with pytest.raises(deals.CardDiffers):
        import_card(seller, other)
    assert confirmed(seller)
    renamed = replace(BUYER.card, name="Another Name Ltd").sign(BUYER.signing)
    with pytest.raises(deals.CardDiffers):
        import_card(seller, renamed)


def test_replacing_a_card_ends_confirmation_and_agreements(seller: Firm, buyer: Firm) -> None:
    seller.trust(BUYER)
    buyer.trust(seller.company)
    deal = seller.conclude(buyer.accept(seller.invite(drafted(seller, BUYER, seller.open())))).deal
    other = SigningKey.generate()
    party = import_card(seller, buyer_with(other), replacing=True)
    assert party.confirmed is None
    assert seller.current("deals.agreement_in_force", deal) is None
    with pytest.raises(deals.FingerprintDiffers):
        confirm(seller, BUYER.card.fingerprint())
    confirm(seller, party.card.fingerprint())
    with pytest.raises(NotSigned):
        seller.standing(deal)


def test_a_card_swapped_in_the_database_is_not_believed(seller: Firm) -> None:
    seller.trust(BUYER)
    with seller.tx() as tx:
        card = buyer_with(SigningKey.generate()).to_bytes()
        rows.save_party(tx, rows.PartyRow(party=BUYER.id, card=card, imported=seller.now))
    assert not confirmed(seller)
    with seller.tx() as tx:
        card = world.card_paper(world.stranger().card.name).to_bytes()
        rows.save_party(tx, rows.PartyRow(party=BUYER.id, card=card, imported=seller.now))
    with pytest.raises(deals.CardDiffers):
        confirmed(seller)
