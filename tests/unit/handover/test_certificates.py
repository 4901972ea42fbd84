"""Certificates at the other side, and the unwinding of a dead deal."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.handover.scene import SCOPE, START, Office, Scene, finished, plan_of, validate

from tigertally import handover, vault
from tigertally.base.fields import FieldClass
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import certificate, statement
from tigertally.formats.certificate import Certificate, Ground, Signer
from tigertally.formats.errors import NotSigned
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import errors


def unwind(office: Office, *, approved: str, signers: tuple[Signer, ...]) -> Statement:
    return handover.unwind(
        office.site(),
        terms=office.terms,
        approved=approved,
        signers=signers,
        keeper=office.keeper,
        signing=office.signing,
        compact=office.store.compact,
    )


def test_the_buyer_validates_what_fits(done: Scene) -> None:
    paper = finished(done.seller)
    both = validate(done.buyer, paper)
    assert set(both.signers()) == {done.seller.card.signing.key_id, done.buyer.card.signing.key_id}
    assert both.digest == paper.digest
    entries = done.buyer.events()
    assert validate(done.buyer, paper) == both
    assert done.buyer.events() == entries
    with pytest.raises(errors.WrongSide):
        validate(done.seller, paper)


def test_certificates_that_the_buyer_refuses(done: Scene) -> None:
    paper = finished(done.seller)
    told = certificate.read(paper)

    def signed(**members: object) -> Statement:
        changed: Certificate = replace(told, **members)  # type: ignore[arg-type]
        return statement.make(Kind.CERTIFICATE, changed.body(), done.seller.signing)

    unverified = tuple(replace(copy, verified=False) for copy in told.copies)
    late = tuple(replace(signer, entry=signer.entry + 10_000) for signer in told.signers)
    cases = {
        "receipt": signed(receipt="ab" * 32),
        "subjects": signed(subjects=39),
        "started": signed(started=told.started - timedelta(hours=1)),
        "keys": signed(keys=()),
        "failed_opening": signed(failed_opening=False),
        "copies": signed(copies=unverified),
        "not_covered": signed(not_covered=()),
        "checkpoint": signed(checkpoint=""),
        "method": signed(method="trust me"),
        "rows": signed(rows={}),
        "signers": signed(signers=tuple(replace(signer, entry=told.signers[0].entry) for signer in told.signers)),
    }
    for member, bad in cases.items():
        with pytest.raises(errors.CertificateDiffers) as caught:
            validate(done.buyer, bad)
        assert caught.value.details == {"members": member}
    with pytest.raises(errors.CertificateDiffers):
        validate(done.buyer, signed(signers=late))
    with pytest.raises(errors.DatedInFuture):
        validate(done.buyer, signed(finished=told.finished + timedelta(minutes=6)))
    with pytest.raises(NotSigned):
        validate(done.buyer, statement.make(Kind.CERTIFICATE, told.body(), done.buyer.signing))
    assert done.buyer.events("handover.certificate.validated") == []


def test_only_our_own_certificate_comes_back(done: Scene) -> None:
    paper = finished(done.seller)
    both = validate(done.buyer, paper)

    def keep(statement: Statement) -> None:
        seller = done.seller
        with seller.store.transaction() as tx:
            handover.keep_validated(
                tx, seller.ledger, statement, terms=seller.terms, actor=seller.persons[0], now=seller.clock.now()
            )

    with pytest.raises(NotSigned):
        keep(paper)
    theirs = done.buyer.card.signing.key_id
    bent = tuple((key, bytes(len(value)) if key == theirs else value) for key, value in both.signatures)
    with pytest.raises(SignatureInvalid):
        keep(replace(both, signatures=bent))
    other = replace(certificate.read(paper), subjects=41)
    with pytest.raises(errors.NotOurCertificate):
        keep(statement.make(Kind.CERTIFICATE, other.body(), done.seller.signing))
    keep(both)
    entries = done.seller.events()
    keep(both)
    assert done.seller.events() == entries


def test_in_a_dead_deal_the_seller_stays_whole(done: Scene) -> None:
    with pytest.raises(errors.SellerKeeps):
        plan_of(done.seller.at("S9"))
    assert done.seller.held()[0] == 40


def test_in_a_dead_deal_the_buyer_erases_what_it_received(done: Scene) -> None:
    buyer, keys = done.buyer.at("S9"), done.buyer.keys()
    kept = shutil.copytree(done.folder, done.folder.parent / "kept")
    paper = unwind(buyer, approved=plan_of(buyer).digest(), signers=buyer.signers())
    told = certificate.read(paper)
    assert (told.ground, told.receipt, told.subjects, told.failed_opening) == (Ground.DEAL_DEAD, "", 40, True)
    assert [copy.method for copy in told.copies] == ["overwritten once, unlinked"]
    assert buyer.held() == (0, {})
    assert done.seller.held()[0] == 40
    validate(done.seller.at("S9"), paper)
    buyer.assert_sound()
    done.seller.assert_sound()
    with pytest.raises(errors.DestructionBegun):
        handover.receive(
            done.buyer.site(),
            terms=done.buyer.terms,
            keys=keys,
            transfer=done.buyer.transfer,
            signing=done.buyer.signing,
            place=kept,
        )


def test_a_half_received_bundle_is_unwound_too(scene: Scene) -> None:
    scene.release()
    scene.write()

    def stop(step: str) -> None:
        if step == "part-00001.env stored":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        scene.receive(stop)
    buyer = scene.buyer.at("S9")
    assert buyer.held()[0] == 32
    told = certificate.read(unwind(buyer, approved=plan_of(buyer).digest(), signers=buyer.signers()))
    assert told.subjects == 32
    assert buyer.held() == (0, {})


def test_unwinding_needs_a_dead_deal_and_something_received(scene: Scene) -> None:
    signers = scene.buyer.signers()
    with pytest.raises(errors.NotDead):
        unwind(scene.buyer, approved="ab" * 32, signers=signers)
    with pytest.raises(errors.NothingToUnwind):
        unwind(scene.buyer.at("S9"), approved="ab" * 32, signers=signers)
    with pytest.raises(errors.WrongSide):
        unwind(scene.seller.at("S9"), approved="ab" * 32, signers=scene.seller.signers())


def test_the_last_copy_is_not_unwound(done: Scene) -> None:
    validate(done.buyer, finished(done.seller))
    with pytest.raises(errors.LastCopy):
        plan_of(done.buyer.at("S9"))
    assert done.buyer.held()[0] == 40


def test_a_buyer_has_no_ground_while_the_deal_lives(done: Scene) -> None:
    with pytest.raises(errors.NoGround):
        plan_of(done.buyer)


def test_a_subject_erased_before_leaves_the_receipt_standing(done: Scene) -> None:
    """The right to erasure goes on: fewer subjects are destroyed than receipted, and the buyer sees it."""
    seller = done.seller
    with seller.store.transaction() as tx:
        part = vault.export_part(tx, seller.keys(), classes=[FieldClass.NAME], after="", limit=1, bundle="bun_x")
        assert part is not None
        vault.erase_subject(tx, seller.ledger, scope=SCOPE, subject=part.subject[0], actor="", now=START)
    paper = finished(seller)
    assert certificate.read(paper).subjects == 39
    with pytest.raises(errors.CertificateDiffers) as caught:
        validate(done.buyer, paper)
    assert caught.value.details == {"members": "subjects"}
