"""The fourteen checks of a bundle (docs/formats/bundle.md §4): each is broken in turn, and that one fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.base.text import Lang
from tigertally.formats import envelope, part, statement
from tigertally.formats.manifest import Manifest, part_context, part_name
from tigertally.formats.statement import Kind, Statement
from tigertally.formats.verify import Outcome, Report, Trust, verify_path

SELLER, BUYER, STRANGER = world.seller(), world.buyer(), world.stranger()
CARDS = (SELLER.card, BUYER.card)
ALL = Trust(cards=CARDS, transfer=BUYER.transfer)
OUTSIDE = Trust(cards=CARDS)


def write(
    folder: Path,
    *,
    parts: tuple[bytes, ...] | None = None,
    manifest: Statement | None = None,
    release: Statement | None = None,
) -> Path:
    bundle = folder / "bundle"
    bundle.mkdir()
    for number, data in enumerate(parts or world.sealed_parts()):
        (bundle / f"part-{number:05d}.env").write_bytes(data)
    (bundle / "manifest.json").write_bytes((manifest or world.manifest_paper()).to_bytes())
    (folder / "release.json").write_bytes((release or world.release_paper()).to_bytes())
    return bundle


def sign(made: Manifest, key: world.Company | None = None) -> Statement:
    return statement.make(Kind.MANIFEST, made.body(), (key or SELLER).signing)


def outcomes(report: Report) -> dict[int, Outcome]:
    """The worst outcome of each step."""
    order = [Outcome.HOLDS, Outcome.UNKNOWN, Outcome.FAILS]
    found: dict[int, Outcome] = {}
    for check in report.checks:
        found[check.step] = max(found.get(check.step, Outcome.HOLDS), check.outcome, key=order.index)
    return found


def failing(report: Report) -> set[int]:
    return {step for step, outcome in outcomes(report).items() if outcome is Outcome.FAILS}


def details(report: Report) -> str:
    return " | ".join(check.detail.render(Lang.EN) for check in report.checks if check.detail)


def test_a_good_bundle_holds_in_all_fourteen(tmp_path: Path) -> None:
    report = verify_path(write(tmp_path), ALL, now=NOW)
    assert report.ok
    assert outcomes(report) == dict.fromkeys(range(1, 15), Outcome.HOLDS)


def test_without_the_key_the_content_is_unknown_and_the_rest_holds(tmp_path: Path) -> None:
    report = verify_path(write(tmp_path), OUTSIDE, now=NOW)
    assert report.ok
    assert {step for step, outcome in outcomes(report).items() if outcome is Outcome.UNKNOWN} == {10, 11, 12, 13}


def test_nobody_trusted_means_unknown_and_not_green(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    for card in (SELLER, BUYER):
        (tmp_path / f"{card.id}.json").write_bytes(card.card.sign(card.signing).to_bytes())
    report = verify_path(bundle, Trust(), now=NOW)
    assert not report.ok
    assert not failing(report)
    assert outcomes(report)[2] is outcomes(report)[4] is Outcome.UNKNOWN
    assert SELLER.card.fingerprint() in details(report)


def test_1_a_manifest_that_is_none(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    good = (bundle / "manifest.json").read_bytes()
    for data in (b"", good[:-1], good + b"\n", world.release_paper().to_bytes()):
        (bundle / "manifest.json").write_bytes(data)
        assert failing(verify_path(bundle, ALL, now=NOW)) == {1}


def test_2_a_manifest_signed_by_somebody_else(tmp_path: Path) -> None:
    bundle = write(tmp_path, manifest=sign(world.manifest(world.sealed_parts()), STRANGER))
    assert failing(verify_path(bundle, ALL, now=NOW)) == {2}


def test_2_a_manifest_edited_after_signing(tmp_path: Path) -> None:
    edited = sign(world.manifest(world.sealed_parts(), created=NOW - timedelta(days=1)))
    swapped = Statement(kind=Kind.MANIFEST, payload=edited.payload, signatures=world.manifest_paper().signatures)
    assert failing(verify_path(write(tmp_path, manifest=swapped), ALL, now=NOW)) == {2}


def test_2_a_card_beside_it_does_not_replace_a_trusted_one(tmp_path: Path) -> None:
    """A stranger signs the manifest and puts a card with the seller's id next to it."""
    forged = replace(STRANGER.card, party=SELLER.id)
    bundle = write(tmp_path, manifest=sign(world.manifest(world.sealed_parts()), STRANGER))
    (tmp_path / "seller.json").write_bytes(forged.sign(STRANGER.signing).to_bytes())
    assert failing(verify_path(bundle, ALL, now=NOW)) == {2}
    assert outcomes(verify_path(bundle, Trust(), now=NOW))[2] is Outcome.UNKNOWN


def test_3_another_release(tmp_path: Path) -> None:
    other = statement.make(Kind.RELEASE, world.release(subjects=7).body(), SELLER.signing).signed_by(BUYER.signing)
    assert failing(verify_path(write(tmp_path, release=other), ALL, now=NOW)) == {3}


def test_3_no_release(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    (tmp_path / "release.json").unlink()
    report = verify_path(bundle, ALL, now=NOW)
    assert outcomes(report)[3] is Outcome.UNKNOWN
    assert not failing(report)
    assert not report.ok


def test_4_a_release_that_only_one_side_signed(tmp_path: Path) -> None:
    half = statement.make(Kind.RELEASE, world.release().body(), SELLER.signing)
    assert half.digest == world.release_paper().digest
    assert failing(verify_path(write(tmp_path, release=half), ALL, now=NOW)) == {4}


@pytest.mark.parametrize(
    ("release", "word"),
    [
        (world.release(subjects=5), "subjects"),
        (world.release(classes=world.CLASSES[:1]), "counts"),
        (world.release(recipient_key="0" * 64), "recipient_key"),
        (world.release(until=NOW - timedelta(days=2)), "created"),
        (world.release(created=NOW - timedelta(days=1)), "created"),
        (world.release(deal=world.ident("dea", "other")), "deal"),
    ],
)
def test_5_a_manifest_beyond_its_release(tmp_path: Path, release: object, word: str) -> None:
    paper = statement.make(Kind.RELEASE, release.body(), SELLER.signing).signed_by(BUYER.signing)  # type: ignore[attr-defined]
    made = sign(world.manifest(world.sealed_parts(), release_digest=paper.digest))
    report = verify_path(write(tmp_path, manifest=made, release=paper), ALL, now=NOW)
    assert failing(report) == {5}
    assert word in details(report)


def test_6_a_part_missing(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    (bundle / "part-00001.env").unlink()
    report = verify_path(bundle, ALL, now=NOW)
    assert failing(report) == {6}
    assert "part-00001.env" in details(report)
    assert not report.ok


@pytest.mark.parametrize("trap", ["symlink", "pipe", "folder"])
def test_6_a_part_that_is_no_file(tmp_path: Path, trap: str) -> None:
    """A link could lead anywhere and a pipe would block: neither is opened."""
    bundle = write(tmp_path)
    place = bundle / "part-00001.env"
    place.rename(tmp_path / "elsewhere.env")
    if trap == "symlink":
        place.symlink_to(tmp_path / "elsewhere.env")
    elif trap == "pipe":
        os.mkfifo(place)
    else:
        place.mkdir()
    assert failing(verify_path(bundle, ALL, now=NOW)) == {6}


@pytest.mark.parametrize("name", ["part-00002.env", "notes.txt", ".hidden", "customers.csv", "x.json"])
def test_7_something_else_in_the_folder(tmp_path: Path, name: str) -> None:
    bundle = write(tmp_path)
    (bundle / name).write_bytes(b"something")
    report = verify_path(bundle, ALL, now=NOW)
    assert failing(report) == {7}
    assert name in details(report)


def test_7_papers_may_lie_in_the_folder(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    (tmp_path / "release.json").rename(bundle / "release.json")
    assert verify_path(bundle, ALL, now=NOW).ok


def test_7_papers_that_do_not_belong_there(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    (bundle / "customers.json").write_bytes(world.release_paper().to_bytes())
    (bundle / "party.json").write_bytes(world.release_paper().to_bytes())
    report = verify_path(bundle, ALL, now=NOW)
    assert failing(report) == {7}
    assert "customers.json, party.json" in details(report)


def test_7_a_paper_signed_by_a_stranger(tmp_path: Path) -> None:
    bundle = write(tmp_path)
    (bundle / "party.json").write_bytes(STRANGER.card.sign(STRANGER.signing).to_bytes())
    report = verify_path(bundle, ALL, now=NOW)
    assert outcomes(report)[7] is Outcome.UNKNOWN
    assert not report.ok


@pytest.mark.parametrize(
    "change", [lambda d: d[:-1], lambda d: d + b"\x00", lambda d: d[:-1] + bytes([d[-1] ^ 1]), lambda _: b""]
)
def test_8_a_part_altered(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    bundle = write(tmp_path)
    place = bundle / "part-00000.env"
    place.write_bytes(change(place.read_bytes()))
    report = verify_path(bundle, ALL, now=NOW)
    assert 8 in failing(report)
    assert failing(report) <= {8, 9}
    assert "altered: part-00000.env" in details(report)
    assert outcomes(report)[13] is Outcome.UNKNOWN


def test_8_two_parts_swapped(tmp_path: Path) -> None:
    first, second = world.sealed_parts()
    report = verify_path(write(tmp_path, parts=(second, first)), ALL, now=NOW)
    assert failing(report) == {8, 9}
    assert "part-00000.env = part-00001.env" in details(report)


def test_9_a_part_made_for_another_place(tmp_path: Path) -> None:
    """The manifest is honest about the file, but the envelope was sealed as part 7 of another bundle."""
    moved = world.seal_part(
        part.write_part(world.rows(world.subjects()[3:])), number=1, context="bundle|other|part-00007.env"
    )
    parts = (world.sealed_parts()[0], moved)
    report = verify_path(write(tmp_path, parts=parts, manifest=sign(world.manifest(parts))), ALL, now=NOW)
    assert 9 in failing(report)


def test_9_a_part_sealed_to_one_more_reader(tmp_path: Path) -> None:
    keys = [BUYER.transfer.public, STRANGER.transfer.public]
    data = part.write_part(world.rows(world.subjects()[:3]))
    open_to_two = b"".join(envelope.seal(keys, context=part_context(world.BUNDLE, part_name(0)), plaintext=[data]))
    parts = (open_to_two, world.sealed_parts()[1])
    report = verify_path(write(tmp_path, parts=parts, manifest=sign(world.manifest(parts))), ALL, now=NOW)
    assert failing(report) == {9}


def test_9_a_recipient_key_that_is_not_the_buyers(tmp_path: Path) -> None:
    key = STRANGER.transfer.public.key_id
    release = statement.make(Kind.RELEASE, world.release(recipient_key=key).body(), SELLER.signing).signed_by(
        BUYER.signing
    )
    made = sign(world.manifest(world.sealed_parts(), release_digest=release.digest, recipient_key=key))
    assert 9 in failing(verify_path(write(tmp_path, manifest=made, release=release), OUTSIDE, now=NOW))


def test_10_the_wrong_buyers_key(tmp_path: Path) -> None:
    report = verify_path(write(tmp_path), Trust(cards=CARDS, transfer=STRANGER.transfer), now=NOW)
    assert failing(report) == {10}


def test_10_a_seller_who_seals_something_that_does_not_open(tmp_path: Path) -> None:
    broken = world.sealed_parts()[1][:-40]
    parts = (world.sealed_parts()[0], broken)
    report = verify_path(write(tmp_path, parts=parts, manifest=sign(world.manifest(parts))), ALL, now=NOW)
    assert failing(report) == {10}


def cheat(tmp_path: Path, *rows: part.PartColumns, **changes: object) -> Report:
    """A bundle whose seller signs a manifest that does not fit the rows inside."""
    parts = tuple(world.seal_part(part.write_part(item), number=number) for number, item in enumerate(rows))
    return verify_path(write(tmp_path, parts=parts, manifest=sign(world.manifest(parts, **changes))), ALL, now=NOW)


def test_11_fewer_subjects_inside_than_told(tmp_path: Path) -> None:
    assert failing(cheat(tmp_path, world.rows(world.subjects()[:3]), world.rows(world.subjects()[3:5]))) == {11}


def test_11_parts_in_another_order(tmp_path: Path) -> None:
    assert failing(cheat(tmp_path, world.rows(world.subjects()[3:]), world.rows(world.subjects()[:3]))) == {11}


def test_11_a_subject_twice(tmp_path: Path) -> None:
    assert failing(cheat(tmp_path, world.rows(world.subjects()[:3]), world.rows(world.subjects()[2:5]))) == {11}


def test_12_counts_that_are_not_so(tmp_path: Path) -> None:
    rows = [world.rows(world.subjects()[:3]), world.rows(world.subjects()[3:])]
    report = cheat(tmp_path, *rows, counts={"pan": 6, "mobile": 5, "name": 6})
    assert failing(report) == {12}
    assert "mobile" in details(report)


def test_13_a_value_that_is_not_the_one_committed_to(tmp_path: Path) -> None:
    rows = world.rows(world.subjects()[3:])
    values = list(rows.value)
    values[0] = "4111111111119999"
    report = cheat(tmp_path, world.rows(world.subjects()[:3]), replace(rows, value=values))
    assert failing(report) == {13}
    assert "9999" not in details(report)


def test_13_a_subject_exchanged_for_another(tmp_path: Path) -> None:
    rows = world.rows(world.subjects()[3:])
    other = world.subjects()[5][:-1] + ("0" if world.subjects()[5][-1] != "0" else "1")
    subjects = [other if name == world.subjects()[5] else name for name in rows.subject]
    report = cheat(tmp_path, world.rows(world.subjects()[:3]), replace(rows, subject=subjects))
    assert failing(report) == {13}


def test_14_a_manifest_from_the_future(tmp_path: Path) -> None:
    assert failing(verify_path(write(tmp_path), ALL, now=NOW - timedelta(days=3))) == {14}


def test_a_manifest_alone_is_said_to_be_alone(tmp_path: Path) -> None:
    report = verify_path(write(tmp_path) / "manifest.json", OUTSIDE, now=NOW)
    assert report.ok
    assert outcomes(report)[6] is Outcome.UNKNOWN
    assert "without the parts" in report.subject.en
