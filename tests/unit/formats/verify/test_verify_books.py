"""Closing books: the numbered checks of docs/formats/book.md, and the ways in which a book can lie."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.formats.test_docs import page, steps_after
from tests.unit.formats.verify.test_verify_bundle import details, failing, outcomes
from tests.unit.formats.verify.test_verify_papers import BOTH, BUYER, SELLER
from tests.vectors import world
from tests.vectors.world import NOW

from tigertally.formats import policy, statement
from tigertally.formats.statement import Kind
from tigertally.formats.verify import Outcome, Trust, verify_path


def lay(
    folder: Path, files: Mapping[str, bytes], *, listed: Mapping[str, bytes] | None = None, **changes: object
) -> Path:
    """A book's folder with ``files`` in it, and a list that says ``listed``."""
    folder.mkdir(exist_ok=True)
    paper = world.book(files if listed is None else listed, **changes)
    by = BUYER if paper.by == BUYER.id else SELLER
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "book.json").write_bytes(statement.make(Kind.BOOK, paper.body(), by.signing).to_bytes())
    return folder


def test_a_good_book_holds_and_makes_the_checks_of_the_page(tmp_path: Path) -> None:
    good = lay(tmp_path / "book", world.closed())
    report = verify_path(good, BOTH, now=NOW)
    assert report.ok, details(report)
    assert not failing(report)
    assert steps_after(page("book.md"), "What must hold") == sorted(outcomes(report))
    by_buyer = lay(tmp_path / "theirs", world.closed(), by=BUYER.id)
    assert verify_path(by_buyer, BOTH, now=NOW).ok
    years_later = verify_path(good, BOTH, now=NOW + timedelta(days=3_000))
    assert years_later.ok, details(years_later)
    trust = Trust(cards=BOTH.cards, policies=(policy.parse(b"quorum none\n"),), checkpoints=(world.head(7),))
    whole = verify_path(good, trust, now=NOW)
    assert whole.ok, details(whole)
    # The parts of the bundle are not in a book, and are told as not looked at.
    assert {check.name.en.split(" ")[0] for check in whole.unchecked} == {"manifest.json"}
    alone = verify_path(good / "book.json", BOTH, now=NOW)
    assert alone.ok
    assert [check.step for check in alone.unchecked] == [3]


def test_cards_in_the_book_make_nobody_trusted(tmp_path: Path) -> None:
    report = verify_path(lay(tmp_path / "book", world.closed()), Trust(), now=NOW)
    assert not report.ok
    assert not failing(report)
    assert any(check.step == 2 and check.outcome is Outcome.UNKNOWN for check in report.checks)


def test_what_lies_in_the_folder_is_what_was_listed(tmp_path: Path) -> None:
    good = world.closed()
    other = world.receipt(world.manifest_paper().digest, subjects=5)
    exchanged = statement.make(Kind.RECEIPT, other.body(), BUYER.signing).to_bytes()
    cases: dict[str, tuple[dict[str, bytes], set[int]]] = {
        "exchanged": ({**good, "receipt.json": exchanged}, {5, 7}),
        "missing": ({name: data for name, data in good.items() if name != "receipt.json"}, {3, 7}),
        "added": ({**good, "minutes.json": exchanged}, {4}),
        "page": ({**good, "index.html": good["index.html"].replace(b"fictional", b"Fictional")}, {5}),
        "longer": ({**good, "index.html": good["index.html"] + b" "}, {5}),
    }
    for name, (files, steps) in cases.items():
        report = verify_path(lay(tmp_path / name, files, listed=good), BOTH, now=NOW)
        found = {check.step for check in report.checks if check.outcome is Outcome.FAILS}
        assert steps <= found, (name, details(report))
        assert not found - steps - {8}, (name, details(report))
    linked = lay(tmp_path / "linked", good)
    (linked / "receipt.json").rename(tmp_path / "receipt.json")
    (linked / "receipt.json").symlink_to(tmp_path / "receipt.json")
    assert 3 in failing_steps(linked)


def failing_steps(folder: Path) -> set[int]:
    report = verify_path(folder, BOTH, now=NOW)
    return {check.step for check in report.checks if check.outcome is Outcome.FAILS}


def test_an_honestly_listed_book_of_the_wrong_papers(tmp_path: Path) -> None:
    good = world.closed()
    elsewhere = world.receipt(world.manifest_paper().digest, deal=world.ident("dea", "another"))
    of_other_deal = statement.make(Kind.RECEIPT, elsewhere.body(), BUYER.signing).to_bytes()
    assert {6, 7} <= failing_steps(lay(tmp_path / "deal", {**good, "receipt.json": of_other_deal}))
    stranger = world.card_paper(world.stranger().card.name).to_bytes()
    assert {6, 7} <= failing_steps(lay(tmp_path / "card", {**good, "buyer-card.json": stranger}))
    fewer = {name: data for name, data in good.items() if name != "certificate.json"}
    assert failing_steps(lay(tmp_path / "fewer", fewer)) == {7}
    # Of this deal, but a receipt of another manifest: what the papers' own checks are for.
    unmatched = statement.make(Kind.RECEIPT, world.receipt("ab" * 32).body(), BUYER.signing).to_bytes()
    assert failing_steps(lay(tmp_path / "unmatched", {**good, "receipt.json": unmatched})) == {8}
    cut = good["entry-3.tlog-proof"].replace(b"index 3", b"index 2")
    assert failing_steps(lay(tmp_path / "proof", {**good, "entry-3.tlog-proof": cut})) == {9}
    assert failing_steps(lay(tmp_path / "early", good, made=NOW + timedelta(days=1))) == {10}
    unsigned = lay(tmp_path / "unsigned", good)
    paper = world.book(good, by=BUYER.id)
    (unsigned / "book.json").write_bytes(statement.make(Kind.BOOK, paper.body(), SELLER.signing).to_bytes())
    assert failing_steps(unsigned) == {2}


@pytest.mark.parametrize("data", [b"{}", world.receipt_paper().to_bytes(), b"not json"])
def test_another_file_in_place_of_the_list(tmp_path: Path, data: bytes) -> None:
    folder = lay(tmp_path / "book", world.closed())
    (folder / "book.json").write_bytes(data)
    assert failing_steps(folder) == {1}
