"""The whole act between two installations, and what each step leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.handover.scene import CLASSES, PART, Scene, destroy, make_scene, open_scene, plan_of

from tigertally import handover, vault
from tigertally.formats import certificate, manifest, receipt
from tigertally.formats.certificate import Ground


def whole(scene: Scene) -> None:
    """Everything, with what must hold at each point."""
    release = scene.release()
    signed = scene.write()
    paper = manifest.read(signed)
    assert (paper.subjects, paper.release) == (40, release.digest)
    assert paper.counts == {cls.value: 40 for cls in CLASSES}
    assert [part.subjects for part in paper.parts] == [PART, PART, 40 - 2 * PART]
    answer = scene.receive()
    told = receipt.read(answer)
    assert told.differences(paper, signed.digest) == ()
    assert scene.buyer.held() == (40, dict.fromkeys(CLASSES, 40))
    scene.accept_receipt(answer)
    plan = plan_of(scene.seller)
    proof = destroy(scene.seller, approved=plan.digest(), signers=scene.seller.signers())
    made = certificate.read(proof)
    assert (made.ground, made.receipt, made.subjects) == (Ground.RECEIPT, answer.digest, 40)
    assert made.failed_opening
    assert made.rows == {"vault": 40 + 3}  # records, blocks of the index
    assert {key.purpose for key in made.keys} == {"vault", "token", "index", "commit"}
    assert [(copy.kind, copy.verified) for copy in made.copies] == [("bundle", True)]
    assert not scene.folder.exists()
    assert scene.seller.held() == (0, {})
    with pytest.raises(vault.NoSuchKey):
        scene.seller.keys()
    with scene.buyer.store.transaction() as tx:
        both = handover.validate_certificate(
            tx,
            scene.buyer.ledger,
            proof,
            terms=scene.buyer.terms,
            signing=scene.buyer.signing,
            actor=scene.buyer.persons[0],
            now=scene.buyer.clock.now(),
        )
    with scene.seller.store.transaction() as tx:
        handover.keep_validated(
            tx,
            scene.seller.ledger,
            both,
            terms=scene.seller.terms,
            actor=scene.seller.persons[0],
            now=scene.seller.clock.now(),
        )
    with scene.seller.store.reading() as tx:
        assert handover.certificate_of(tx, terms=scene.seller.terms) == both
    scene.seller.assert_sound()
    scene.buyer.assert_sound()


def test_on_sqlite(scene: Scene) -> None:
    whole(scene)
    assert scene.seller.events() == [
        "handover.release.proposed",
        "handover.release.accepted",
        "handover.copy.registered",
        "handover.bundle.started",
        *["handover.part.written"] * 3,
        "handover.bundle.written",
        "handover.receipt.accepted",
        "handover.destruction.started",
        *["handover.rows.deleted"] * 2,  # tokens, then records: alone in its tables, a scope goes at once
        "handover.copy.deleting",
        "handover.copy.deleted",
        "handover.opening.failed",
        "handover.certificate.signed",
        "handover.certificate.validated",
    ]
    assert scene.buyer.events() == [
        "handover.release.countersigned",
        "handover.bundle.verified",
        "handover.copy.registered",
        *["handover.part.stored"] * 3,
        "handover.bundle.received",
        "handover.certificate.validated",
    ]


def test_on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    from tests.conftest import database  # noqa: PLC0415 - the server starts for this test only

    server, template = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")
    with database(server, template) as seller, database(server, template) as buyer:
        make_scene(tmp_path, seller_url=seller, buyer_url=buyer)
        with open_scene(tmp_path) as scene:
            whole(scene)
