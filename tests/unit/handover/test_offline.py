"""Everything that a handover makes is verified by the offline verifier, which shares none of this wing's rooms."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.handover.scene import Office, Scene, finished, validate

from tigertally import handover
from tigertally.base.text import Lang
from tigertally.formats import agreement as agreements
from tigertally.formats import statement
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import Outcome, Report, Trust, verify_path


def failing(report: Report) -> list[tuple[int, str]]:
    """Checks that do not hold."""
    return [(check.step, check.name.render(Lang.EN)) for check in report.checks if check.outcome is not Outcome.HOLDS]


def report_on(scene: Scene, path: Path) -> Report:
    trust = Trust(cards=(scene.seller.card, scene.buyer.card), transfer=scene.buyer.transfer)
    return verify_path(path, trust, now=scene.seller.clock.now())


def test_bundle_receipt_and_certificate(scene: Scene, home: Path) -> None:
    papers = home / "papers"
    papers.mkdir()
    (papers / "release.json").write_bytes(scene.release().to_bytes())
    (papers / "manifest.json").write_bytes(scene.write().to_bytes())
    assert failing(report_on(scene, scene.folder)) == []
    receipt = scene.receive()
    (papers / "receipt.json").write_bytes(receipt.to_bytes())
    assert failing(report_on(scene, papers / "receipt.json")) == []
    scene.accept_receipt(receipt)
    both = validate(scene.buyer, finished(scene.seller))
    (papers / "certificate.json").write_bytes(both.to_bytes())
    assert failing(report_on(scene, papers / "certificate.json")) == []
    assert failing(report_on(scene, papers / "release.json")) == []


def agreed(scene: Scene) -> Statement:
    """The scene's agreement, signed by both."""
    paper = statement.make(Kind.AGREEMENT, scene.seller.terms.agreement.body(), scene.seller.signing)
    assert agreements.read(paper) == scene.seller.terms.agreement
    return paper.signed_by(scene.buyer.signing)


def book_of(scene: Scene, office: Office, place: Path) -> Path:
    """That office's closing book, written."""
    with office.store.transaction() as tx:
        made = handover.closing_book(
            tx,
            office.ledger,
            terms=office.terms,
            cards=(scene.seller.card_statement, scene.buyer.card_statement),
            agreements=(agreed(scene),),
            signing=office.signing,
            actor=office.persons[0],
            now=office.clock.now(),
        )
    place.mkdir()
    for name, data in made.contents():
        (place / name).write_bytes(data)
    return place


def test_a_closing_book_of_either_side(scene: Scene, home: Path) -> None:
    scene.handed_over()
    with pytest.raises(handover.BookNotReady):
        book_of(scene, scene.seller, home / "early")
    paper = finished(scene.seller)
    with pytest.raises(handover.BookNotReady):
        book_of(scene, scene.buyer, home / "early")
    validate(scene.buyer, paper)
    for office, proofs in ((scene.seller, 6), (scene.buyer, 3)):
        place = book_of(scene, office, home / office.side.value)
        report = report_on(scene, place)
        assert report.ok, failing(report)
        assert not [check for check in report.checks if check.outcome is Outcome.FAILS]
        assert len(list(place.glob("*.tlog-proof"))) == proofs
        assert office.terms.deal in (place / "index.html").read_text("utf-8")
        assert (place / "index.pdf").read_bytes().startswith(b"%PDF-")
        assert office.events("handover.book.made") == ["handover.book.made"]
        whole = b"".join(path.read_bytes() for path in place.iterdir())
        assert all(person.encode() not in whole for person in scene.buyer.persons)
        # A stranger knows that it is whole, and not whose it is.
        assert not verify_path(place, Trust(), now=office.clock.now()).ok
        (place / "index.html").write_text("nothing happened")
        assert not report_on(scene, place).ok
