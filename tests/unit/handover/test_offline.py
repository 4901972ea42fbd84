"""Everything that a handover makes is verified by the offline verifier, which shares none of this wing's rooms."""

from __future__ import annotations

from pathlib import Path

from tests.unit.handover.scene import Scene, finished, validate

from tigertally.base.text import Lang
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
