"""The bodies of papers: what each reader gives back, and rules that span several members.

Flaws of single members are in tests/vectors (signed, one file each) and in tests/laws/test_formats_fuzz.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import agreement, certificate, dealpapers, manifest, party, receipt, statement
from tigertally.formats.agreement import BLOCKS, Agreement
from tigertally.formats.certificate import Certificate, Ground
from tigertally.formats.errors import Malformed, NotSigned, WrongKind
from tigertally.formats.manifest import Manifest, part_context, part_name
from tigertally.formats.statement import Kind, Statement

SELLER, BUYER = world.seller(), world.buyer()


def paper(kind: Kind, body: Json) -> Statement:
    return statement.make(kind, body, SELLER.signing)


READ: tuple[tuple[Kind, Callable[[Statement], object]], ...] = (
    (Kind.PARTY, party.read),
    (Kind.AGREEMENT, agreement.read),
    (Kind.INVITATION, dealpapers.read_invitation),
    (Kind.ACCEPTANCE, dealpapers.read_acceptance),
    (Kind.RELEASE, dealpapers.read_release),
    (Kind.MANIFEST, manifest.read),
    (Kind.RECEIPT, receipt.read),
    (Kind.CERTIFICATE, certificate.read),
)


@pytest.mark.parametrize(("kind", "read"), READ)
def test_each_reader_takes_its_own_kind_only(kind: Kind, read: Callable[[Statement], object]) -> None:
    for other in Kind:
        if other is not kind:
            with pytest.raises(WrongKind):
                read(paper(other, {}))


class TestParty:
    def test_a_card_verifies_itself(self) -> None:
        card = party.read(world.card_paper(SELLER.card.name))
        assert card.body() == SELLER.card.body()
        assert card.signing == SELLER.card.signing

    def test_a_card_signed_by_somebody_else_or_edited_is_refused(self) -> None:
        with pytest.raises(NotSigned):
            party.read(statement.make(Kind.PARTY, SELLER.card.body(), BUYER.signing))
        good = world.card_paper(SELLER.card.name)
        body = replace(SELLER.card, name="Renamed").body()
        edited = paper(Kind.PARTY, body)
        with pytest.raises(SignatureInvalid):
            party.read(Statement(kind=Kind.PARTY, payload=edited.payload, signatures=good.signatures))

    def test_the_fingerprint_covers_name_and_every_key(self) -> None:
        card = SELLER.card
        other = world.stranger().card
        changed = [
            replace(card, name=card.name + " "),
            replace(card, party=other.party),
            replace(card, signing=other.signing),
            replace(card, transfer=other.transfer),
            replace(card, log=replace(card.log, classic=other.log.classic)),
            replace(card, log=replace(card.log, lattice=other.log.lattice)),
            replace(card, log=replace(card.log, name="tigertally.invalid/x")),
        ]
        prints = {card.fingerprint(), *(item.fingerprint() for item in changed)}
        assert len(prints) == len(changed) + 1
        groups = card.fingerprint().split(" ")
        assert [len(group) for group in groups] == [4] * 10
        assert replace(card, created=NOW).fingerprint() == card.fingerprint()


class TestAgreement:
    def test_there_and_back(self) -> None:
        made = world.agreement()
        assert agreement.read(paper(Kind.AGREEMENT, made.body())) == made
        assert [name for name, _ in made.clauses] == list(BLOCKS)

    def test_it_is_in_force_from_its_start_to_just_before_its_end(self) -> None:
        made = world.agreement()
        tick = timedelta(microseconds=1)
        assert [made.in_force(at) for at in (made.start - tick, made.start, made.until - tick, made.until)] == [
            False, True, True, False,
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "changes",
        [{"until": NOW - timedelta(days=30)}, {"purposes": ()}, {"classes": ()}, {"buyer": SELLER.id},
         {"destroy_within_days": 0}, {"destroy_within_days": 366}, {"version": 0}],
    )  # fmt: skip
    def test_terms_that_make_no_sense(self, changes: dict[str, object]) -> None:
        with pytest.raises(Malformed):
            agreement.read(paper(Kind.AGREEMENT, world.agreement(**changes).body()))

    def test_one_changed_word_is_another_digest(self) -> None:
        made: Agreement = world.agreement()
        first, *rest = made.clauses
        other = replace(made, clauses=((first[0], replace(first[1], en=first[1].en + ".")), *rest))
        assert paper(Kind.AGREEMENT, made.body()).digest != paper(Kind.AGREEMENT, other.body()).digest


class TestDealPapers:
    def test_invitation_and_acceptance_carry_whole_papers(self) -> None:
        invited = dealpapers.read_invitation(world.invitation_paper())
        assert party.read(invited.seller_card).fingerprint() == SELLER.card.fingerprint()
        invited.agreement.require({"seller": SELLER.card.signing})
        accepted = dealpapers.read_acceptance(world.acceptance_paper())
        accepted.agreement.require({"seller": SELLER.card.signing, "buyer": BUYER.card.signing})
        assert accepted.invitation == world.invitation_paper().digest
        assert accepted.agreement.digest == invited.agreement.digest

    def test_a_paper_of_another_kind_inside_is_refused(self) -> None:
        invited = dealpapers.read_invitation(world.invitation_paper())
        swapped = replace(invited, seller_card=invited.agreement)
        with pytest.raises(WrongKind):
            dealpapers.read_invitation(paper(Kind.INVITATION, swapped.body()))

    def test_release(self) -> None:
        assert dealpapers.read_release(world.release_paper()) == world.release()
        for changes in ({"subjects": 0}, {"until": NOW - timedelta(days=3)}, {"classes": ()}, {"buyer": SELLER.id}):
            with pytest.raises(Malformed):
                dealpapers.read_release(paper(Kind.RELEASE, world.release(**changes).body()))


class TestManifest:
    def made(self, **changes: object) -> Manifest:
        return world.manifest((b"one", b"two"), release_digest="0" * 64, **changes)

    def test_there_and_back(self) -> None:
        assert manifest.read(paper(Kind.MANIFEST, self.made().body())) == self.made()

    def test_names_and_contexts(self) -> None:
        assert (part_name(0), part_name(12345)) == ("part-00000.env", "part-12345.env")
        assert part_context(world.BUNDLE, part_name(1)) == f"bundle|{world.BUNDLE}|part-00001.env"

    @pytest.mark.parametrize(
        "name", ["part-00001.env", "part-0.env", "../x", "part-00000.env\n", "part-０００００.env", "PART-00000.ENV"]
    )
    def test_parts_are_named_by_their_place(self, name: str) -> None:
        first, second = self.made().parts
        with pytest.raises(Malformed):
            manifest.read(paper(Kind.MANIFEST, self.made(parts=(replace(first, name=name), second)).body()))

    @pytest.mark.parametrize(
        "changes",
        [{"subjects": 5}, {"parts": ()}, {"counts": {"cvv": 1}}, {"counts": {"password": 1}}, {"counts": {"x": 1}}],
    )
    def test_sums_and_classes(self, changes: dict[str, object]) -> None:
        with pytest.raises(Malformed):
            manifest.read(paper(Kind.MANIFEST, self.made(**changes).body()))

    @pytest.mark.parametrize("changes", [{"subjects": 0}, {"subjects": 16_385}, {"length": 0}, {"sha256": "0" * 63}])
    def test_a_part_is_bounded(self, changes: dict[str, object]) -> None:
        first, second = self.made().parts
        broken = self.made(parts=(replace(first, **changes), second))  # type: ignore[arg-type]
        with pytest.raises(Malformed):
            manifest.read(paper(Kind.MANIFEST, broken.body()))


class TestReceipt:
    def test_a_receipt_over_the_same_things_has_no_differences(self) -> None:
        account = world.manifest((b"one", b"two"), release_digest="0" * 64)
        made = world.receipt("a" * 64)
        assert receipt.read(paper(Kind.RECEIPT, made.body())) == made
        assert made.differences(account, "a" * 64) == ()

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ({"manifest": "b" * 64}, "manifest"),
            ({"bundle": world.ident("bun", "other")}, "bundle"),
            ({"deal": world.ident("dea", "other")}, "deal"),
            ({"seller": world.stranger().id}, "seller"),
            ({"buyer": world.stranger().id}, "buyer"),
            ({"subjects": 5}, "subjects"),
            ({"counts": {"pan": 5, "mobile": 6, "name": 6}}, "counts"),
            ({"counts": {"pan": 6}}, "counts"),
            ({"root": bytes(32)}, "root"),
        ],
    )
    def test_each_difference_is_named(self, changes: dict[str, object], name: str) -> None:
        account = world.manifest((b"one", b"two"), release_digest="0" * 64)
        assert world.receipt("a" * 64, **changes).differences(account, "a" * 64) == (name,)


class TestCertificate:
    def made(self, **changes: object) -> Certificate:
        return world.certificate("a" * 64, **changes)

    def test_there_and_back(self) -> None:
        assert certificate.read(paper(Kind.CERTIFICATE, self.made().body())) == self.made()
        dead = self.made(ground=Ground.DEAL_DEAD, receipt="")
        assert certificate.read(paper(Kind.CERTIFICATE, dead.body())) == dead

    def test_two_persons_are_needed(self) -> None:
        first, second = self.made().signers
        same = replace(second, person=first.person)
        for signers in ((), (first,), (first, same)):
            with pytest.raises(Malformed):
                certificate.read(paper(Kind.CERTIFICATE, self.made(signers=signers).body()))

    @pytest.mark.parametrize(
        "changes",
        [{"finished": NOW - timedelta(hours=4)}, {"receipt": ""}, {"ground": Ground.DEAL_DEAD}, {"receipt": "x"}],
    )
    def test_ground_and_times(self, changes: dict[str, object]) -> None:
        with pytest.raises(Malformed):
            certificate.read(paper(Kind.CERTIFICATE, self.made(**changes).body()))

    def test_it_promises_nothing_it_cannot(self) -> None:
        assert b"unrecoverable" not in paper(Kind.CERTIFICATE, self.made().body()).payload


def test_classes_are_listed_in_one_order() -> None:
    backwards = world.agreement(classes=(FieldClass.PAN, FieldClass.MOBILE))
    with pytest.raises(Malformed):
        agreement.read(paper(Kind.AGREEMENT, backwards.body()))
