"""Receiving twice, receiving another one, receiving too late; and what the seller makes of a receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.handover.liar import Liar
from tests.unit.handover.scene import CLASSES, START, Scene

from tigertally import handover, vault
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId, new_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.sign import SigningKey
from tigertally.formats import manifest, receipt, statement
from tigertally.formats.errors import NotSigned
from tigertally.formats.receipt import Receipt
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import errors
from tigertally.ledger import facts


@pytest.fixture
def written(scene: Scene) -> Scene:
    """A scene with a written bundle."""
    scene.release()
    scene.write()
    return scene


def another_bundle(scene: Scene) -> Scene:
    """The same scene with a second genuine bundle."""
    with scene.seller.store.transaction() as tx:
        bundle = manifest.read(statement.parse((scene.folder / "manifest.json").read_bytes())).bundle
        handover.abandon(tx, scene.seller.ledger, terms=scene.seller.terms, bundle=bundle, actor="", now=START)
    other = replace(scene, folder=scene.folder.parent / "second")
    other.write()
    return other


def signed(scene: Scene, told: Receipt, **members: object) -> Statement:
    """A receipt that the buyer signed with other members."""
    changed = replace(told, **members)  # type: ignore[arg-type]
    return statement.make(Kind.RECEIPT, changed.body(), scene.buyer.signing)


def test_what_the_buyer_holds_afterwards(written: Scene) -> None:
    written.receive()
    with written.buyer.store.reading() as tx:
        ours = vault.export_part(tx, written.buyer.keys(), classes=CLASSES, after="", limit=99, bundle="bun_x")
    with written.seller.store.reading() as tx:
        theirs = vault.export_part(tx, written.seller.keys(), classes=CLASSES, after="", limit=99, bundle="bun_x")
    assert ours is not None
    assert theirs is not None
    assert (ours.subject, ours.code, ours.value, ours.token) == (
        theirs.subject,
        theirs.code,
        theirs.value,
        theirs.token,
    )


def test_received_again_it_gives_the_same_receipt(written: Scene) -> None:
    first = written.receive()
    entries = written.buyer.events()
    for part in written.folder.glob("*.env"):
        part.unlink()
    written.buyer.clock.advance(3 * 86_400)
    assert written.receive().to_bytes() == first.to_bytes()
    assert written.buyer.events() == entries


def test_another_bundle_of_the_same_deal(written: Scene) -> None:
    other = another_bundle(written)
    written.receive()
    with pytest.raises(errors.OtherBundle):
        other.receive()
    assert written.buyer.held()[0] == 40


@pytest.mark.parametrize("stage", ["S8", "S9"])
def test_an_old_bundle_after_the_deal_is_over(written: Scene, stage: str) -> None:
    written.receive()
    with pytest.raises(errors.BundleReplayed) as caught:
        replace(written, buyer=written.buyer.at(stage)).receive()
    assert caught.value.details == {"stage": stage}


def test_a_changed_part_between_the_passes(written: Scene) -> None:
    def spoil(step: str) -> None:
        if step == "bundle verified":
            (written.folder / "part-00001.env").write_bytes(b"other bytes")

    with pytest.raises(errors.PartAltered):
        written.receive(spoil)
    assert written.buyer.events("handover.bundle.received") == []


def test_a_vault_that_lost_a_value_is_not_reconciled(written: Scene) -> None:
    keys = written.buyer.keys()

    def spoil(step: str) -> None:
        if step == "part-00002.env stored":
            with written.buyer.store.transaction() as tx:
                part = vault.export_part(tx, keys, classes=[FieldClass.NAME], after="", limit=1, bundle="bun_x")
                assert part is not None
                vault.erase_subject(
                    tx, written.buyer.ledger, scope=keys.scope, subject=part.subject[0], actor="", now=START
                )

    with pytest.raises(vault.NoSuchSubject):
        written.receive(spoil)
    assert written.buyer.events("handover.bundle.received") == []


def test_a_customer_whom_the_buyer_holds_otherwise(written: Scene) -> None:
    rows = Liar(scene=written).rows(0)
    values, tokens = list(rows.value), list(rows.token)
    at = rows.code.index(5)  # a name
    values[at] = "张虚构"
    tokens[at] = tokens[at][:-1] + ("1" if tokens[at].endswith("0") else "0")
    mine = replace(rows, value=values, token=tokens)
    with written.buyer.store.transaction() as tx:
        vault.import_part(tx, written.buyer.keys(), part=mine, now=START)
    with pytest.raises((vault.SubjectDiffers, vault.TokenClash)):
        written.receive()
    assert written.buyer.events("handover.bundle.received") == []


def test_the_seller_accepts_once(written: Scene) -> None:
    answer = written.receive()
    written.accept_receipt(answer)
    with written.seller.store.reading() as tx:
        (found,) = facts.read(tx, kinds=[handover.RECEIVED.name], subjects=[written.seller.terms.deal])
    assert found.value["receipt"] == answer.digest
    with pytest.raises(errors.ReceiptReplayed):
        written.accept_receipt(answer)
    with pytest.raises(errors.OtherReceipt):
        written.accept_receipt(signed(written, receipt.read(answer), received=START + timedelta(seconds=9)))


def test_receipts_that_are_refused(written: Scene) -> None:
    answer = written.receive()
    told = receipt.read(answer)
    cases: list[tuple[type[Exception], Statement]] = [
        (errors.AnotherDeal, signed(written, told, deal=DealId(new_id("dea")))),
        (errors.UnknownManifest, signed(written, told, manifest="ab" * 32)),
        (errors.ReceiptDiffers, signed(written, told, subjects=39)),
        (errors.ReceiptDiffers, signed(written, told, counts={**told.counts, "pan": 39})),
        (errors.ReceiptDiffers, signed(written, told, root=bytes(32))),
        (errors.ReceiptDiffers, signed(written, told, bundle=new_id("bun"))),
        (errors.ReceiptDiffers, signed(written, told, received=START - timedelta(seconds=1))),
        (errors.DatedInFuture, signed(written, told, received=START + timedelta(minutes=6))),
        (NotSigned, statement.make(Kind.RECEIPT, told.body(), SigningKey.generate())),
        (SignatureInvalid, replace(answer, signatures=((answer.signers()[0], bytes(3375)),))),
    ]
    for problem, paper in cases:
        with pytest.raises(problem):
            written.accept_receipt(paper)
    assert written.seller.events("handover.receipt.accepted") == []
    with pytest.raises(errors.NoGround), written.seller.store.reading() as tx:
        handover.plan(tx, written.seller.ledger, terms=written.seller.terms, now=START)


def test_only_the_seller_accepts(written: Scene) -> None:
    answer = written.receive()
    with pytest.raises(errors.WrongSide):
        replace(written, seller=written.buyer).accept_receipt(answer)


def test_a_paper_that_does_not_belong_in_the_folder(written: Scene) -> None:
    """Whatever somebody signed: beside the parts lie the release and a card of the parties, nothing else."""
    release = (written.folder / "release.json").read_bytes()
    for name in ("customers.json", "party.json"):
        place = written.folder / name
        before = place.read_bytes() if place.exists() else None
        place.write_bytes(release)
        with pytest.raises(errors.ExtraPart) as caught:
            written.receive()
        assert caught.value.details == {"name": name}
        place.unlink() if before is None else place.write_bytes(before)
    assert written.buyer.held() == (0, {})
    written.receive()
