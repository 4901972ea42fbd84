"""The release: what is proposed, countersigned and accepted, and every paper that is refused on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.handover.scene import CLASSES, START, Scene

from tigertally import handover
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId, PartyId, new_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import SigningKey
from tigertally.formats import dealpapers, statement
from tigertally.formats.dealpapers import Release
from tigertally.formats.errors import NotSigned, WrongKind
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import errors
from tigertally.ledger import facts

WEEK = START + timedelta(days=7)


def propose(
    scene: Scene, *, classes: Iterable[FieldClass] = CLASSES, until: datetime = WEEK, now: datetime = START
) -> Statement:
    seller = scene.seller
    with seller.store.transaction() as tx:
        return handover.propose(
            tx,
            seller.ledger,
            terms=seller.terms,
            classes=classes,
            until=until,
            signing=seller.signing,
            actor=seller.persons[0],
            now=now,
        )


def countersign(scene: Scene, paper: Statement, *, now: datetime = START) -> Statement:
    buyer = scene.buyer
    with buyer.store.transaction() as tx:
        return handover.countersign(
            tx, buyer.ledger, paper, terms=buyer.terms, signing=buyer.signing, actor=buyer.persons[0], now=now
        )


def accept(scene: Scene, paper: Statement, *, now: datetime = START) -> Release:
    seller = scene.seller
    with seller.store.transaction() as tx:
        return handover.accept_release(tx, seller.ledger, paper, terms=seller.terms, actor=seller.persons[0], now=now)


def forged(scene: Scene, **members: object) -> Statement:
    """A release that the seller signed with other members."""
    genuine = dealpapers.read_release(propose(scene))
    other = replace(genuine, **members)  # type: ignore[arg-type]
    return statement.make(Kind.RELEASE, other.body(), scene.seller.signing)


def test_what_a_proposal_says(scene: Scene) -> None:
    paper = dealpapers.read_release(propose(scene))
    assert (paper.subjects, paper.classes) == (40, CLASSES)
    assert paper.recipient_key == scene.buyer.card.transfer.key_id
    assert paper.agreement == scene.seller.terms.agreement_digest


def test_both_sides_state_the_fact_until_it_ends(scene: Scene) -> None:
    signed = scene.release()
    for office in (scene.seller, scene.buyer):
        with office.store.reading() as tx:
            (found,) = facts.read(tx, kinds=[handover.RELEASED.name], subjects=[office.terms.deal])
        assert found.value == {"release": signed.digest, "subjects": 40}
        assert found.until == WEEK


def test_accepting_it_again_changes_nothing(scene: Scene) -> None:
    signed = scene.release()
    before = scene.seller.events()
    assert accept(scene, signed).subjects == 40
    assert scene.seller.events() == before


def test_a_class_that_was_not_agreed(scene: Scene) -> None:
    with pytest.raises(errors.ClassNotAgreed) as caught:
        propose(scene, classes=[*CLASSES, FieldClass.EMAIL])
    assert caught.value.details == {"classes": "email"}


def test_a_class_that_nobody_can_agree_on(scene: Scene) -> None:
    agreed = replace(scene.seller.terms.agreement, classes=(FieldClass.CVV,))
    scene = replace(scene, seller=replace(scene.seller, terms=replace(scene.seller.terms, agreement=agreed)))
    with pytest.raises(errors.ClassNotAgreed):
        propose(scene, classes=[FieldClass.CVV])


def test_no_class_at_all(scene: Scene) -> None:
    with pytest.raises(errors.ClassNotAgreed):
        propose(scene, classes=[])


def test_nothing_to_release(scene: Scene) -> None:
    agreed = replace(scene.seller.terms.agreement, classes=(FieldClass.IBAN,))
    scene = replace(scene, seller=replace(scene.seller, terms=replace(scene.seller.terms, agreement=agreed)))
    with pytest.raises(errors.NothingToRelease):
        propose(scene, classes=[FieldClass.IBAN])


@pytest.mark.parametrize("until", [START, START + timedelta(days=60, microseconds=1)])
def test_a_term_outside_of_the_agreement(scene: Scene, until: datetime) -> None:
    with pytest.raises(errors.BadTerm):
        propose(scene, until=until)


def test_the_agreement_is_over(scene: Scene) -> None:
    with pytest.raises(errors.AgreementNotInForce):
        propose(scene, now=START + timedelta(days=60))


def test_each_side_has_its_own_acts(scene: Scene) -> None:
    turned = replace(scene, seller=scene.buyer, buyer=scene.seller)
    with pytest.raises(errors.WrongSide):
        propose(turned)
    paper = propose(scene)
    with pytest.raises(errors.WrongSide):
        countersign(turned, paper)
    signed = countersign(scene, paper)
    with pytest.raises(errors.WrongSide):
        accept(turned, signed)


def test_the_buyer_refuses_what_the_seller_did_not_sign(scene: Scene) -> None:
    paper = propose(scene)
    stranger = statement.make(Kind.RELEASE, dealpapers.read_release(paper).body(), SigningKey.generate())
    with pytest.raises(NotSigned):
        countersign(scene, stranger)


def test_the_buyer_refuses_another_kind_of_paper(scene: Scene) -> None:
    with pytest.raises(WrongKind):
        countersign(scene, scene.seller.card.sign(scene.seller.signing))


def test_the_buyer_refuses_another_deal(scene: Scene) -> None:
    with pytest.raises(errors.AnotherDeal):
        countersign(scene, forged(scene, deal=DealId(new_id("dea"))))


def test_the_buyer_refuses_to_stand_in_for_somebody_else(scene: Scene) -> None:
    with pytest.raises(errors.AnotherDeal):
        countersign(scene, forged(scene, buyer=PartyId(new_id("pty"))))


def test_the_buyer_refuses_another_agreement(scene: Scene) -> None:
    with pytest.raises(errors.AnotherAgreement):
        countersign(scene, forged(scene, agreement="ab" * 32))


def test_the_buyer_refuses_a_key_that_is_not_its_own(scene: Scene) -> None:
    with pytest.raises(errors.WrongRecipient):
        countersign(scene, forged(scene, recipient_key=TransferKey.generate().public.key_id))


def test_the_buyer_refuses_classes_beyond_the_agreement(scene: Scene) -> None:
    with pytest.raises(errors.ClassNotAgreed):
        countersign(scene, forged(scene, classes=(FieldClass.EMAIL,)))


def test_the_buyer_refuses_one_that_outlives_the_agreement(scene: Scene) -> None:
    with pytest.raises(errors.BadTerm):
        countersign(scene, forged(scene, until=START + timedelta(days=61)))


def test_an_expired_one(scene: Scene) -> None:
    paper = propose(scene)
    with pytest.raises(errors.ReleaseExpired):
        countersign(scene, paper, now=WEEK)
    signed = countersign(scene, paper)
    with pytest.raises(errors.ReleaseExpired):
        accept(scene, signed, now=WEEK)


def test_a_buyers_clock_may_be_a_little_behind(scene: Scene) -> None:
    paper = propose(scene, now=START + timedelta(minutes=4))
    assert len(countersign(scene, paper).signatures) == 2
    with pytest.raises(errors.ReleaseExpired):
        countersign(scene, paper, now=START - timedelta(minutes=2))


def test_the_seller_takes_back_its_last_proposal_only(scene: Scene) -> None:
    first = countersign(scene, propose(scene))
    propose(scene, until=START + timedelta(days=3))
    with pytest.raises(errors.NotOurRelease):
        accept(scene, first)


def test_the_seller_wants_both_signatures(scene: Scene) -> None:
    with pytest.raises(errors.NotReleased):
        accept(scene, propose(scene))


def test_a_bent_countersignature(scene: Scene) -> None:
    signed = countersign(scene, propose(scene))
    theirs = scene.buyer.card.signing.key_id
    bent = tuple((key, value[:-1] + b"\x00" if key == theirs else value) for key, value in signed.signatures)
    with pytest.raises(SignatureInvalid):
        accept(scene, replace(signed, signatures=bent))
