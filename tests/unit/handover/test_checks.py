"""One hostile bundle per flaw: each is refused by its own name, and nothing of it is stored."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.handover.liar import Liar, Rows
from tests.unit.handover.scene import Scene, open_scene

from tigertally.base.errors import Problem
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import BundleId, DealId, PartyId, new_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.sign import SigningKey
from tigertally.formats import dealpapers, statement
from tigertally.formats.errors import Malformed, NotSigned
from tigertally.formats.manifest import MANIFEST_NAME
from tigertally.formats.statement import Kind
from tigertally.handover import errors
from tigertally.vault import TokenClash, TokenNotAccepted, ValueNotAccepted


@pytest.fixture(scope="module")
def written(made_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene with a written bundle, to copy."""
    home = Path(shutil.copytree(made_scene, tmp_path_factory.mktemp("written") / "home"))
    with open_scene(home) as scene:
        scene.release()
        scene.write()
    return home


@pytest.fixture
def liar(written: Path, tmp_path: Path) -> Iterator[Liar]:
    """A seller who may lie about it."""
    with open_scene(Path(shutil.copytree(written, tmp_path / "home"))) as scene:
        yield Liar(scene=scene)


def refused(liar: Liar, problem: type[Problem], **details: object) -> None:
    """Receiving is refused with ``problem``, and leaves the buyer as it was."""
    with pytest.raises(problem) as caught:
        liar.scene.receive()
    assert {name: caught.value.details[name] for name in details} == details
    buyer = liar.scene.buyer
    assert buyer.held() == (0, {})
    assert buyer.events() == ["handover.release.countersigned"]
    buyer.assert_sound()


def test_the_genuine_bundle_is_taken(liar: Liar) -> None:
    liar.scene.receive()
    assert liar.scene.buyer.held()[0] == 40


def test_no_folder(liar: Liar) -> None:
    shutil.rmtree(liar.folder)
    refused(liar, errors.NoSuchBundle)


def test_no_manifest(liar: Liar) -> None:
    (liar.folder / MANIFEST_NAME).unlink()
    refused(liar, errors.NoSuchBundle)


def test_a_cut_manifest(liar: Liar) -> None:
    path = liar.folder / MANIFEST_NAME
    path.write_bytes(path.read_bytes()[:-1])
    refused(liar, Malformed)


def test_a_manifest_signed_by_somebody_else(liar: Liar) -> None:
    signed = statement.make(Kind.MANIFEST, liar.told().body(), SigningKey.generate())
    (liar.folder / MANIFEST_NAME).write_bytes(signed.to_bytes())
    refused(liar, NotSigned)


def test_a_manifest_with_another_signature_under_the_sellers_name(liar: Liar) -> None:
    path = liar.folder / MANIFEST_NAME
    genuine = statement.parse(path.read_bytes())
    (key_id, signature), *_ = genuine.signatures
    bent = replace(genuine, signatures=((key_id, signature[:-1] + bytes([signature[-1] ^ 1])),))
    path.write_bytes(bent.to_bytes())
    refused(liar, SignatureInvalid)


def test_another_deal(liar: Liar) -> None:
    liar.sign(replace(liar.told(), deal=DealId(new_id("dea"))))
    refused(liar, errors.AnotherDeal)


def test_another_buyer(liar: Liar) -> None:
    liar.sign(replace(liar.told(), buyer=PartyId(new_id("pty"))))
    refused(liar, errors.AnotherDeal)


def test_from_the_future(liar: Liar) -> None:
    paper = liar.told()
    liar.sign(replace(paper, created=paper.created + timedelta(minutes=6)))
    refused(liar, errors.DatedInFuture)


def test_another_recipient_key(liar: Liar) -> None:
    liar.sign(replace(liar.told(), recipient_key=TransferKey.generate().public.key_id))
    refused(liar, errors.WrongRecipient, name=MANIFEST_NAME)


def test_no_release(liar: Liar) -> None:
    (liar.folder / "release.json").unlink()
    refused(liar, errors.NotReleased)


def test_a_release_that_only_the_seller_signed(liar: Liar) -> None:
    path = liar.folder / "release.json"
    signed = statement.parse(path.read_bytes())
    ours = liar.scene.seller.card.signing.key_id
    path.write_bytes(replace(signed, signatures=tuple(s for s in signed.signatures if s[0] == ours)).to_bytes())
    refused(liar, errors.NotReleased)


def test_more_classes_than_released(liar: Liar) -> None:
    paper = liar.told()
    liar.sign(replace(paper, counts={**paper.counts, "expiry": 40}))
    refused(liar, errors.BeyondRelease, members="counts")


def test_made_after_the_release_ended(liar: Liar) -> None:
    release = dealpapers.read_release(statement.parse((liar.folder / "release.json").read_bytes()))
    liar.sign(replace(liar.told(), created=release.created - timedelta(seconds=1)))
    refused(liar, errors.BeyondRelease, members="created")


def test_a_missing_part(liar: Liar) -> None:
    (liar.folder / "part-00001.env").unlink()
    refused(liar, errors.MissingPart, name="part-00001.env")


def test_a_part_that_is_a_link(liar: Liar) -> None:
    part = liar.folder / "part-00001.env"
    elsewhere = liar.folder.parent / "elsewhere"
    part.rename(elsewhere)
    part.symlink_to(elsewhere)
    refused(liar, errors.MissingPart, name="part-00001.env")


def test_a_part_that_would_block(liar: Liar) -> None:
    part = liar.folder / "part-00001.env"
    part.unlink()
    os.mkfifo(part)
    refused(liar, errors.MissingPart, name="part-00001.env")


@pytest.mark.parametrize("name", ["part-00003.env", "notes.txt", "part-00001.env.partial"])
def test_an_extra_file(liar: Liar, name: str) -> None:
    shutil.copyfile(liar.folder / "part-00001.env", liar.folder / name)
    refused(liar, errors.ExtraPart, name=name)


def test_a_signed_paper_may_lie_beside(liar: Liar) -> None:
    receipt = liar.scene.receive()
    (liar.folder / "receipt.json").write_bytes(receipt.to_bytes())
    assert liar.scene.receive() == receipt


@pytest.mark.parametrize("at", [0, 40, 2000, -1])
def test_an_altered_byte(liar: Liar, at: int) -> None:
    part = liar.folder / "part-00002.env"
    data = bytearray(part.read_bytes())
    data[at] ^= 1
    part.write_bytes(data)
    refused(liar, errors.PartAltered, name="part-00002.env")


def test_a_cut_part(liar: Liar) -> None:
    part = liar.folder / "part-00002.env"
    part.write_bytes(part.read_bytes()[:-1])
    refused(liar, errors.PartAltered, name="part-00002.env")


def test_swapped_parts(liar: Liar) -> None:
    paper = liar.told()
    first, second = paper.parts[0], paper.parts[1]
    (liar.folder / first.name).rename(liar.folder / "aside")
    (liar.folder / second.name).rename(liar.folder / first.name)
    (liar.folder / "aside").rename(liar.folder / second.name)
    refused(liar, errors.PartAltered, name=first.name)
    swapped = (replace(second, name=first.name), replace(first, name=second.name), *paper.parts[2:])
    liar.sign(replace(paper, parts=swapped))
    refused(liar, errors.PartClosed, name=first.name)


def test_sealed_to_somebody_besides(liar: Liar) -> None:
    both = (liar.scene.buyer.card.transfer, TransferKey.generate().public)
    liar.put(1, b"whatever", recipients=both)
    refused(liar, errors.WrongRecipient, name="part-00001.env")


def test_sealed_to_somebody_else(liar: Liar) -> None:
    liar.put(1, b"whatever", recipients=(TransferKey.generate().public,))
    refused(liar, errors.WrongRecipient, name="part-00001.env")


def test_sealed_for_another_bundle(liar: Liar) -> None:
    other = BundleId(new_id("bun"))
    liar.put(1, b"whatever", context=f"bundle|{other}|part-00001.env")
    refused(liar, errors.PartClosed, name="part-00001.env")


def test_no_parquet(liar: Liar) -> None:
    liar.put(1, b"whatever")
    refused(liar, errors.PartMalformed, name="part-00001.env", where="parquet")


@pytest.mark.parametrize("cls", [FieldClass.CVV, FieldClass.TRACK, FieldClass.PIN, FieldClass.PASSWORD])
def test_a_class_that_is_never_kept(liar: Liar, cls: FieldClass) -> None:
    def edit(rows: Rows) -> None:
        rows["code"][-1] = FIELD_RULES[cls].code

    liar.change(1, edit)
    refused(liar, errors.ForbiddenClass, name="part-00001.env")


def test_rows_out_of_order(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        rows["slot"][0], rows["slot"][1] = 1, 1
        rows["code"][0], rows["code"][1] = rows["code"][1], rows["code"][0]

    liar.change(1, edit)
    refused(liar, errors.PartMalformed, name="part-00001.env", where="order")


def test_a_subject_of_an_earlier_part_again(liar: Liar) -> None:
    first = liar.rows(0)

    def edit(rows: Rows) -> None:
        for name in rows:
            rows[name] = list(getattr(first, name))

    liar.change(1, edit)
    refused(liar, errors.OutOfOrder, name="part-00001.env")


def test_a_dropped_field(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        for column in rows.values():
            del column[0]

    liar.change(1, edit)
    refused(liar, errors.CountMismatch)


def test_a_dropped_subject(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        for column in rows.values():
            del column[:4]

    liar.change(1, edit)
    refused(liar, errors.CountMismatch)


def test_an_altered_value(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        rows["value"][rows["code"].index(5)] = "张虚构"

    liar.change(1, edit)
    refused(liar, errors.RootMismatch)


def test_an_altered_root(liar: Liar) -> None:
    liar.sign(replace(liar.told(), root=bytes(32)))
    refused(liar, errors.RootMismatch)


def test_a_card_that_is_none(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        at = rows["code"].index(1)
        rows["value"][at] = "4" * 16

    liar.change(1, edit)
    refused(liar, ValueNotAccepted)


def test_a_token_that_shows_its_card(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        at = rows["code"].index(1)
        rows["token"][at] = rows["value"][at]

    liar.change(1, edit)
    refused(liar, TokenNotAccepted)


def test_one_token_for_two_values(liar: Liar) -> None:
    def edit(rows: Rows) -> None:
        first = rows["code"].index(5)
        second = rows["code"].index(5, first + 1)
        rows["token"][second] = rows["token"][first]

    liar.change(1, edit)
    refused(liar, TokenClash)


def test_the_agreement_is_over(scene: Scene) -> None:
    scene.release()
    scene.write()
    scene.buyer.clock.advance(61 * 86_400)
    with pytest.raises(errors.AgreementNotInForce):
        scene.receive()


def test_only_the_buyer_receives(scene: Scene) -> None:
    scene.release()
    scene.write()
    with pytest.raises(errors.WrongSide):
        replace(scene, buyer=scene.seller).receive()
