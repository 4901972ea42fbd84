"""Writing the bundle: its grounds, its files, and running it again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.handover.scene import PART, START, Office, Scene

from tigertally import handover, vault
from tigertally.base.errors import Problem
from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.ids import new_id
from tigertally.crypto.hpke import TransferKey
from tigertally.formats import manifest
from tigertally.formats.part import PartColumns
from tigertally.handover import errors, trial


def files(scene: Scene) -> dict[str, str]:
    """What lies in the folder, by digest and time of change."""
    return {
        path.name: f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in scene.folder.iterdir()
    }


def abandon(scene: Scene, bundle: str) -> None:
    seller = scene.seller
    with seller.store.transaction() as tx:
        handover.abandon(tx, seller.ledger, terms=seller.terms, bundle=bundle, actor=seller.persons[0], now=START)


def seal_one_more(office: Office) -> None:
    with office.store.transaction() as tx:
        vault.seal_batch(tx, office.keys(), subjects=["YS99999999"], fields=[(FieldClass.NAME, ["王虚构"])], now=START)


def test_without_a_release(scene: Scene) -> None:
    with pytest.raises(errors.NotReleased):
        scene.write()
    assert not scene.folder.exists()


def test_with_a_release_that_only_the_seller_signed(scene: Scene) -> None:
    seller = scene.seller
    with seller.store.transaction() as tx:
        handover.propose(
            tx,
            seller.ledger,
            terms=seller.terms,
            classes=[FieldClass.NAME],
            until=START + timedelta(days=1),
            signing=seller.signing,
            actor=seller.persons[0],
            now=START,
        )
    with pytest.raises(errors.NotReleased):
        scene.write()


def test_an_expired_release(scene: Scene) -> None:
    scene.release()
    scene.seller.clock.advance(7 * 86_400 + 300)
    with pytest.raises(errors.ReleaseExpired):
        scene.write()


def test_another_key_than_the_confirmed_one(scene: Scene) -> None:
    scene.release()
    other = replace(scene.buyer.card, transfer=TransferKey.generate().public)
    changed = replace(scene.seller, terms=replace(scene.seller.terms, buyer=other))
    with pytest.raises(errors.RecipientNotConfirmed):
        replace(scene, seller=changed).write()
    assert not scene.folder.exists()


def test_subjects_that_came_after_the_release(scene: Scene) -> None:
    scene.release()
    seal_one_more(scene.seller)
    with pytest.raises(errors.SubjectsChanged) as caught:
        scene.write()
    assert caught.value.details == {"found": 41, "released": 40}
    assert not scene.folder.exists()


@pytest.mark.parametrize("step", ["part-00000.env recorded", "part-00002.env recorded"])
def test_subjects_that_come_while_it_is_written(scene: Scene, step: str) -> None:
    scene.release()

    def seal(seen: str) -> None:
        if seen == step:
            seal_one_more(scene.seller)

    with pytest.raises(errors.SubjectsChanged):
        scene.write(seal)
    assert not (scene.folder / "manifest.json").exists()
    assert scene.seller.events("handover.bundle.written") == []


def test_a_folder_that_holds_something_else(scene: Scene) -> None:
    scene.release()
    scene.folder.mkdir(parents=True)
    (scene.folder / "notes.txt").touch()
    with pytest.raises(errors.FolderNotEmpty):
        scene.write()
    assert scene.seller.events("handover.bundle.started") == []


def test_what_lies_in_the_folder(scene: Scene) -> None:
    release = scene.release()
    signed = scene.write()
    parts = [f"part-0000{number}.env" for number in range(3)]
    assert sorted(files(scene)) == ["manifest.json", *parts, "party.json", "release.json"]
    assert (scene.folder / "manifest.json").read_bytes() == signed.to_bytes()
    assert (scene.folder / "release.json").read_bytes() == release.to_bytes()
    assert scene.folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in scene.folder.iterdir())


def test_only_released_classes_leave(scene: Scene) -> None:
    scene.release()
    assert "expiry" not in manifest.read(scene.write()).counts


def test_run_again_it_changes_nothing(scene: Scene) -> None:
    scene.release()
    first = scene.write()
    before, entries = files(scene), scene.seller.events()
    scene.seller.clock.advance(30 * 86_400)
    assert scene.write().to_bytes() == first.to_bytes()
    assert (files(scene), scene.seller.events()) == (before, entries)


def test_run_again_it_puts_lost_papers_back(scene: Scene) -> None:
    scene.release()
    first = scene.write()
    for name in ("manifest.json", "release.json", "party.json"):
        (scene.folder / name).unlink()
    scene.write()
    assert (scene.folder / "manifest.json").read_bytes() == first.to_bytes()


def test_run_again_it_finds_a_damaged_part(scene: Scene) -> None:
    scene.release()
    scene.write()
    (scene.folder / "part-00001.env").write_bytes(b"damaged")
    with pytest.raises(errors.PartAltered):
        scene.write()


def test_another_folder_for_the_same_bundle(scene: Scene) -> None:
    scene.release()
    scene.write()
    with pytest.raises(errors.FolderElsewhere):
        replace(scene, folder=scene.folder.parent / "second").write()


def test_an_abandoned_bundle_makes_room_for_another(scene: Scene) -> None:
    scene.release()
    first = manifest.read(scene.write())
    abandon(scene, first.bundle)
    with pytest.raises(errors.BundleSettled):
        abandon(scene, first.bundle)
    again = replace(scene, folder=scene.folder.parent / "second")
    second = manifest.read(again.write())
    assert second.bundle != first.bundle
    assert second.root != first.root  # salted by bundle: two bundles tell nothing about each other
    assert second.counts == first.counts
    with scene.seller.store.reading() as tx:
        places = [copy.place for copy in handover.known_copies(tx, scene.seller.ledger, deal=scene.seller.terms.deal)]
    assert places == [scene.folder, again.folder]
    # the buyer may have the abandoned one: it is as genuine
    scene.accept_receipt(scene.receive())


def test_a_receipted_bundle_is_not_abandoned(scene: Scene) -> None:
    scene.handed_over()
    bundle = manifest.read(scene.write()).bundle
    with pytest.raises(errors.BundleSettled):
        abandon(scene, bundle)
    with pytest.raises(errors.NoSuchBundle):
        abandon(scene, "bun_nothing")


def test_nothing_clear_is_written(scene: Scene) -> None:
    scene.release()
    with scene.seller.store.reading() as tx:
        columns = vault.stored_part(
            tx,
            scene.seller.keys(),
            subjects=_subjects(scene),
            salts=[bytes(16)] * 40,
        )
    scene.write()
    scene.receive()
    secrets = [value.encode() for value in columns.value if len(value) > 8]
    assert len(secrets) > 80
    for path in scene.folder.parent.parent.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret in data for secret in secrets), path.name


def _subjects(scene: Scene) -> list[str]:
    with scene.seller.store.reading() as tx:
        part = vault.export_part(
            tx, scene.seller.keys(), classes=[FieldClass.NAME], after="", limit=100, bundle="bun_x"
        )
    assert part is not None
    return list(part.subject)


def test_a_trial_says_what_the_bundle_will_hold_and_leaves_an_entry_only(scene: Scene) -> None:
    seller = scene.seller
    before = handover.try_bundle(seller.site(), terms=seller.terms, keys=seller.keys(), part_subjects=PART)
    scene.release()
    tried = handover.try_bundle(seller.site(), terms=seller.terms, keys=seller.keys(), part_subjects=PART)
    assert (before.subjects, before.parts) == (tried.subjects, tried.parts)
    assert not scene.folder.exists()
    paper = manifest.read(scene.write())
    assert (tried.subjects, dict(tried.counts), tried.parts) == (paper.subjects, paper.counts, len(paper.parts))
    length = sum(one.length for one in paper.parts)
    assert abs(tried.sealed_bytes - length) < length // 20
    assert tried.refused == []
    assert seller.events("handover.bundle.tried", "handover.copy.registered") == [
        *["handover.bundle.tried"] * 2,
        "handover.copy.registered",
    ]
    with pytest.raises(errors.WrongSide):
        handover.try_bundle(scene.buyer.site(), terms=scene.buyer.terms, keys=scene.buyer.keys())
    seller.assert_sound()


@pytest.mark.parametrize(
    ("cls", "value", "token"),
    [
        (FieldClass.PAN, "4111111111111112", "7000000000001112"),
        (FieldClass.NAME, "4111111111111111=2712", "tok_a"),
        (FieldClass.PAN, "4111111111111111", "4111111111111111"),
    ],
)
def test_a_trial_names_what_a_buyer_would_refuse(cls: FieldClass, value: str, token: str) -> None:
    rows = PartColumns(
        subject=[new_id("sub")],
        salt=[bytes(16)],
        code=[FIELD_RULES[cls].code],
        slot=[0],
        value=[value],
        token=[token],
    )
    with pytest.raises(Problem):
        trial.checked(rows)
