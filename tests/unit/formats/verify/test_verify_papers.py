"""Papers outside bundles: the numbered checks of docs/formats/{party,agreement,deal,receipt,certificate,ledger}.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.formats.verify.test_verify_bundle import details, failing, outcomes
from tests.vectors import routes, world
from tests.vectors.world import NOW

from tigertally.base.text import Lang, Text
from tigertally.formats import checkpoint, statement
from tigertally.formats.certificate import DestroyedCopy, Ground
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.dealpapers import read_invitation
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import NoSuchPath, NotRecognised, Outcome, Trust, UntrustedCard, read_trust, verify_path
from tigertally.formats.verify.report import Exact, said, told

SELLER, BUYER, STRANGER = world.seller(), world.buyer(), world.stranger()
BOTH = Trust(cards=(SELLER.card, BUYER.card))
PAPERS: dict[str, Callable[[], Statement]] = {
    "seller": lambda: world.card_paper(SELLER.card.name),
    "buyer": lambda: world.card_paper(BUYER.card.name),
    "agreement": world.agreement_paper,
    "invitation": world.invitation_paper,
    "acceptance": world.acceptance_paper,
    "release": world.release_paper,
    "manifest": world.manifest_paper,
    "receipt": world.receipt_paper,
    "certificate": world.certificate_paper,
    "route": routes.route_paper,
    "opinion": routes.opinion_paper,
}


def lay(folder: Path, *names: str, **papers: Statement) -> Path:
    """Write papers by name; return the path of the last."""
    path = folder
    for name, paper in {**{name: PAPERS[name]() for name in names}, **papers}.items():
        path = folder / f"{name}.json"
        path.write_bytes(paper.to_bytes())
    return path


def by_seller(kind: Kind, paper: object) -> Statement:
    return statement.make(kind, paper.body(), SELLER.signing)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PAPERS)
def test_good_papers_hold_together(tmp_path: Path, name: str) -> None:
    lay(tmp_path, *PAPERS)
    report = verify_path(tmp_path / f"{name}.json", BOTH, now=NOW)
    assert report.ok, details(report)
    assert not failing(report)
    assert (report.verdict().en == "everything holds") is (not report.unchecked)


@pytest.mark.parametrize("name", PAPERS)
def test_cards_that_came_along_leave_it_unknown_whose_it_is(tmp_path: Path, name: str) -> None:
    lay(tmp_path, *PAPERS)
    report = verify_path(tmp_path / f"{name}.json", Trust(), now=NOW)
    assert not report.ok
    assert not failing(report)
    assert report.verdict().en.startswith("not accepted: nothing that was checked fails, but ")
    assert any(card.card.fingerprint() in details(report) for card in (SELLER, BUYER))


@pytest.mark.parametrize("name", PAPERS)
def test_every_paper_is_refused_with_one_byte_changed(tmp_path: Path, name: str) -> None:
    lay(tmp_path, *PAPERS)
    path = tmp_path / f"{name}.json"
    good = path.read_bytes()
    for at in range(40, len(good), len(good) // 12):
        path.write_bytes(good[:at] + (b"A" if good[at : at + 1] != b"A" else b"B") + good[at + 1 :])
        assert not verify_path(path, BOTH, now=NOW).ok


@pytest.mark.parametrize("name", [name for name in PAPERS if name != "agreement"])
def test_papers_from_the_future_fail(tmp_path: Path, name: str) -> None:
    lay(tmp_path, *PAPERS)
    report = verify_path(tmp_path / f"{name}.json", BOTH, now=NOW - timedelta(days=100))
    assert "dated 2026" in details(report)
    assert not report.ok


class TestCard:
    def test_3_another_card_of_a_party_you_trust(self, tmp_path: Path) -> None:
        forged = replace(STRANGER.card, party=SELLER.id).sign(STRANGER.signing)
        assert failing(verify_path(lay(tmp_path, forged=forged), BOTH, now=NOW)) == {3}

    def test_2_not_signed_by_itself(self, tmp_path: Path) -> None:
        forged = statement.make(Kind.PARTY, SELLER.card.body(), STRANGER.signing)
        assert failing(verify_path(lay(tmp_path, forged=forged), BOTH, now=NOW)) == {2}

    def test_1_malformed(self, tmp_path: Path) -> None:
        forged = statement.make(Kind.PARTY, {}, SELLER.signing)
        assert failing(verify_path(lay(tmp_path, forged=forged), BOTH, now=NOW)) == {1}


class TestAgreement:
    def test_3_the_buyer_has_not_signed(self, tmp_path: Path) -> None:
        half = by_seller(Kind.AGREEMENT, world.agreement())
        assert failing(verify_path(lay(tmp_path, half=half), BOTH, now=NOW)) == {3}

    @pytest.mark.parametrize("days", [-31, 300])
    def test_4_not_in_force(self, tmp_path: Path, days: int) -> None:
        path = lay(tmp_path, "agreement")
        assert failing(verify_path(path, BOTH, now=NOW + timedelta(days=days))) == {4}

    def test_no_card_at_all(self, tmp_path: Path) -> None:
        report = verify_path(lay(tmp_path, "agreement"), Trust(), now=NOW)
        assert outcomes(report)[2] is Outcome.UNKNOWN
        assert SELLER.id in details(report)


class TestDealPapers:
    def test_invitation_2_card_of_another_party(self, tmp_path: Path) -> None:
        paper = statement.parse(world.invitation_paper().to_bytes())
        invited = replace(read_invitation(paper), seller_card=world.card_paper(STRANGER.card.name))
        report = verify_path(lay(tmp_path, x=by_seller(Kind.INVITATION, invited)), BOTH, now=NOW)
        assert failing(report) == {2}

    def test_invitation_5_agreement_of_another_deal(self, tmp_path: Path) -> None:
        other = by_seller(Kind.AGREEMENT, world.agreement(deal=world.ident("dea", "other")))
        invited = replace(read_invitation(world.invitation_paper()), agreement=other)
        report = verify_path(lay(tmp_path, x=by_seller(Kind.INVITATION, invited)), BOTH, now=NOW)
        assert failing(report) == {5}

    def test_acceptance_5_agreement_without_the_seller(self, tmp_path: Path) -> None:
        alone = statement.make(Kind.AGREEMENT, world.agreement().body(), BUYER.signing)
        made = world.acceptance(world.invitation_paper(), agreement=alone)
        paper = statement.make(Kind.ACCEPTANCE, made.body(), BUYER.signing)
        lay(tmp_path, "invitation")
        assert failing(verify_path(lay(tmp_path, x=paper), BOTH, now=NOW)) == {5}

    def test_acceptance_6_of_another_text(self, tmp_path: Path) -> None:
        milder = by_seller(Kind.AGREEMENT, world.agreement(penalty_cny=1)).signed_by(BUYER.signing)
        made = world.acceptance(world.invitation_paper(), agreement=milder)
        paper = statement.make(Kind.ACCEPTANCE, made.body(), BUYER.signing)
        lay(tmp_path, "invitation")
        assert failing(verify_path(lay(tmp_path, x=paper), BOTH, now=NOW)) == {6}

    def test_release_4_beyond_the_agreement(self, tmp_path: Path) -> None:
        narrow = by_seller(Kind.AGREEMENT, world.agreement(classes=world.CLASSES[:1])).signed_by(BUYER.signing)
        wide = by_seller(Kind.RELEASE, world.release(agreement=narrow.digest)).signed_by(BUYER.signing)
        lay(tmp_path, narrow=narrow)
        report = verify_path(lay(tmp_path, x=wide), BOTH, now=NOW)
        assert failing(report) == {4}
        assert "classes" in details(report)

    def test_release_4_agreement_not_here(self, tmp_path: Path) -> None:
        report = verify_path(lay(tmp_path, "release"), BOTH, now=NOW)
        assert outcomes(report)[4] is Outcome.UNKNOWN
        assert report.ok
        assert report.verdict().en == (
            "nothing that was checked fails; 1 check was not possible: 4. it stays within the agreement"
        )
        assert report.verdict().zh == "已检查的均成立；有 1 项未能检查：4. 在协议范围之内"

    def test_release_3_only_one_company(self, tmp_path: Path) -> None:
        half = by_seller(Kind.RELEASE, world.release())
        assert failing(verify_path(lay(tmp_path, half=half), BOTH, now=NOW)) == {3}


class TestReceipt:
    def test_3_no_manifest_is_not_green(self, tmp_path: Path) -> None:
        report = verify_path(lay(tmp_path, "receipt"), BOTH, now=NOW)
        assert not report.ok
        assert outcomes(report)[3] is Outcome.UNKNOWN

    def test_3_a_receipt_for_another_manifest_is_a_replay(self, tmp_path: Path) -> None:
        other = by_seller(
            Kind.MANIFEST, world.manifest((b"other",), subjects=3, parts=world.manifest((b"other",)).parts)
        )
        lay(tmp_path, "receipt", manifest=other)
        assert failing(verify_path(tmp_path / "receipt.json", BOTH, now=NOW)) == {3}

    def test_3_the_manifest_is_found_in_the_bundle_beside_it(self, tmp_path: Path) -> None:
        (tmp_path / "bundle").mkdir()
        lay(tmp_path / "bundle", "manifest")
        assert verify_path(lay(tmp_path, "receipt"), BOTH, now=NOW).ok

    @pytest.mark.parametrize(
        ("changes", "word"),
        [({"subjects": 5}, "subjects"), ({"root": bytes(32)}, "root"), ({"counts": {"pan": 6}}, "counts")],
    )
    def test_5_differences_are_named(self, tmp_path: Path, changes: dict[str, object], word: str) -> None:
        made = world.receipt(world.manifest_paper().digest, **changes)
        lay(tmp_path, "manifest")
        path = lay(tmp_path, x=statement.make(Kind.RECEIPT, made.body(), BUYER.signing))
        report = verify_path(path, BOTH, now=NOW)
        assert failing(report) == {5}
        assert word in details(report)

    def test_2_signed_by_the_seller_instead(self, tmp_path: Path) -> None:
        lay(tmp_path, "manifest")
        paper = by_seller(Kind.RECEIPT, world.receipt(world.manifest_paper().digest))
        assert failing(verify_path(lay(tmp_path, x=paper), BOTH, now=NOW)) == {2}

    def test_6_received_before_it_was_made(self, tmp_path: Path) -> None:
        lay(tmp_path, "manifest")
        made = world.receipt(world.manifest_paper().digest, received=NOW - timedelta(days=5))
        path = lay(tmp_path, x=statement.make(Kind.RECEIPT, made.body(), BUYER.signing))
        assert failing(verify_path(path, BOTH, now=NOW)) == {6}


class TestCertificate:
    def make(self, tmp_path: Path, **changes: object) -> Path:
        lay(tmp_path, "manifest", "receipt")
        made = world.certificate(world.receipt_paper().digest, **changes)
        return lay(tmp_path, x=by_seller(Kind.CERTIFICATE, made))

    def test_4_without_its_receipt_it_is_not_green(self, tmp_path: Path) -> None:
        report = verify_path(lay(tmp_path, "certificate"), BOTH, now=NOW)
        assert not report.ok
        assert outcomes(report)[4] is Outcome.UNKNOWN

    @pytest.mark.parametrize(
        ("changes", "step"),
        [
            ({"receipt": "0" * 64}, 4),
            ({"subjects": 5}, 7),
            ({"started": NOW - timedelta(days=2)}, 7),
            ({"deal": world.ident("dea", "other")}, 7),
            ({"checkpoint": world.head(2).decode()}, 8),
            ({"checkpoint": world.head(7).decode().replace("\n7\n", "\n9\n")}, 8),
            ({"checkpoint": "x"}, 8),
            ({"failed_opening": False}, 9),
            ({"copies": (DestroyedCopy(place="x", kind="file", method="unlink", verified=False),)}, 10),
            ({"not_covered": ()}, 13),
            ({"keys": ()}, 14),
            ({"rows": {}}, 14),
            ({"rows": {"records": 0}}, 14),
            ({"method": "trust me"}, 14),
            ({"signers": tuple(replace(one, entry=1) for one in world.certificate("").signers)}, 3),
            ({"signers": tuple(replace(one, entry=at) for at, one in enumerate(world.certificate("").signers))}, 3),
        ],
    )
    def test_each_flaw_fails_its_step(self, tmp_path: Path, changes: dict[str, object], step: int) -> None:
        assert failing(verify_path(self.make(tmp_path, **changes), BOTH, now=NOW)) == {step}

    def test_8_no_checkpoint_is_not_green(self, tmp_path: Path) -> None:
        report = verify_path(self.make(tmp_path, checkpoint=""), BOTH, now=NOW)
        assert outcomes(report)[8] is Outcome.UNKNOWN
        assert not report.ok

    def test_11_the_buyer_need_not_have_signed(self, tmp_path: Path) -> None:
        report = verify_path(self.make(tmp_path), BOTH, now=NOW)
        assert report.ok
        assert outcomes(report)[11] is Outcome.UNKNOWN

    def test_13_what_is_not_covered_is_read_out(self, tmp_path: Path) -> None:
        assert "backups held by a third party" in details(verify_path(self.make(tmp_path), BOTH, now=NOW))

    def test_a_dead_deal_needs_no_receipt_and_is_the_buyers(self, tmp_path: Path) -> None:
        head = Checkpoint(origin=BUYER.card.log.name, size=3, root=bytes(32))
        note = checkpoint.sign(head, key=BUYER.log, now=NOW - timedelta(hours=1)).decode()
        body = world.certificate("", ground=Ground.DEAL_DEAD, checkpoint=note).body()
        made = statement.make(Kind.CERTIFICATE, body, BUYER.signing)
        report = verify_path(lay(tmp_path, x=made), BOTH, now=NOW)
        assert report.ok
        assert not {4, 5, 6, 7} & set(outcomes(report))
        both = verify_path(lay(tmp_path, x=made.signed_by(world.seller().signing)), BOTH, now=NOW)
        assert outcomes(both)[11] is Outcome.HOLDS

    def test_2_a_dead_deals_certificate_of_the_seller_is_none(self, tmp_path: Path) -> None:
        made = by_seller(Kind.CERTIFICATE, world.certificate("", ground=Ground.DEAL_DEAD))
        assert failing(verify_path(lay(tmp_path, x=made), BOTH, now=NOW)) == {2, 8}


class TestWhatIsThere:
    def test_nothing(self, tmp_path: Path) -> None:
        with pytest.raises(NoSuchPath):
            verify_path(tmp_path / "absent", BOTH, now=NOW)

    @pytest.mark.parametrize("data", [b"", b"hello", b"\x00\x01", b"PK\x03\x04", b"4111111111111111"])
    def test_files_that_are_none_of_ours(self, tmp_path: Path, data: bytes) -> None:
        path = tmp_path / "thing.bin"
        path.write_bytes(data)
        with pytest.raises(NotRecognised):
            verify_path(path, BOTH, now=NOW)
        with pytest.raises(NotRecognised):
            verify_path(tmp_path, BOTH, now=NOW)

    def test_json_that_is_no_statement_fails(self, tmp_path: Path) -> None:
        path = tmp_path / "x.json"
        path.write_bytes(b"[]")
        assert failing(verify_path(path, BOTH, now=NOW)) == {1}

    def test_trust_is_read_from_files_and_folders(self, tmp_path: Path) -> None:
        lay(tmp_path, "seller", "buyer", "release")
        (tmp_path / "kept.checkpoint").write_bytes(world.head(3))
        (tmp_path / "notes.txt").write_text("not ours")
        trust = read_trust([tmp_path])
        assert {card.party for card in trust.cards} == {SELLER.id, BUYER.id}
        assert trust.checkpoints == (world.head(3),)
        assert [card.party for card in read_trust([tmp_path / "seller.json"]).cards] == [SELLER.id]
        for path in (tmp_path / "release.json", tmp_path / "notes.txt"):
            with pytest.raises(UntrustedCard):
                read_trust([path])

    def test_sentences_are_safe_and_can_be_rendered_again(self) -> None:
        text = told("{name}：{exact}", "{name}: {exact}", name="{x} 4111111111111111", exact=Exact("1234 5678 9012"))
        assert text.render(Lang.EN) == "{x} …: 1234 5678 9012"
        assert said(NotRecognised(name="{y}")).render(Lang.ZH) == "无法识别的文件或文件夹：{y}"
        assert isinstance(text, Text)

    def test_every_sentence_is_in_both_languages(self, tmp_path: Path) -> None:
        lay(tmp_path, *PAPERS)
        for name in PAPERS:
            report = verify_path(tmp_path / f"{name}.json", Trust(), now=NOW)
            for check in report.checks:
                for text in (report.subject, check.name, check.detail):
                    if text is not None:
                        assert text.render(Lang.ZH)
                        assert text.render(Lang.EN)
                        assert any("\u4e00" <= char <= "\u9fff" for char in text.zh)
