"""Papers and parcels in the wrong hands: a third company's installation, at the same stage of its own deal."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from tests.faults.job_acts import ACTS
from tests.faults.test_job import held, sold_town, start
from tests.stories.town import Answer, Firm, Town

from tigertally.app import problems
from tigertally.app.errors import Unexpected
from tigertally.base.fields import FieldClass
from tigertally.formats import receipt, statement
from tigertally.formats.statement import Kind

KEPT = ("orders.db",)
NOTHING: tuple[int, dict[FieldClass, int]] = (0, {})


@pytest.fixture(scope="module")
def towns_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Town, Town]:
    """Two sales that have nothing to do with each other, both about to hand over; the first has written its bundle."""
    two = []
    for name in ("one", "two"):
        town = sold_town(start(tmp_path_factory.mktemp(name) / "town", only=KEPT))
        ACTS["bundle"](town.root, lambda _: None)
        shutil.copytree(town.root / "bundle", town.root / "arrived")
        two.append(town)
    return two[0], two[1]


def refused(town: Town, firm: Firm, *words: str | Path, who: str) -> Answer:
    """Run a command that must be refused by name, in both languages."""
    answers = {lang: town.tell(firm, *words, who=who, lang=lang) for lang in ("zh", "en")}
    assert answers["zh"].exit == answers["en"].exit != problems.look_of(Unexpected(incident="")).exit
    assert answers["zh"].exit in {look.exit for look in problems.LOOKS.values()}
    assert answers["zh"].problem["title"] != answers["en"].problem["title"]
    assert answers["zh"].problem["code"] == answers["en"].problem["code"]
    return answers["en"]


def test_the_wrong_buyer_receives_nothing(towns_two: tuple[Town, Town]) -> None:
    ours, theirs = towns_two
    parcel, out = theirs.root / "misdirected", theirs.root / "receipt.json"
    shutil.copytree(ours.root / "bundle", parcel)
    refused(theirs, theirs.buyer, "receive", parcel, "--deal", theirs.ids["deal"], "--out", out, who="sun")
    refused(theirs, theirs.buyer, "receive", parcel, "--deal", ours.ids["deal"], "--out", out, who="sun")
    assert not out.exists()
    assert held(theirs.root, "buyer") == NOTHING
    opened = theirs.tell(theirs.buyer, "verify", parcel, "--open", *ours.trust)
    assert opened.exit == 7
    # Its own parcel is received as if nothing had been.
    words = ("receive", theirs.root / "arrived", "--deal", theirs.ids["deal"], "--out", out)
    theirs.do(theirs.buyer, *words, who="sun")
    assert held(theirs.root, "buyer") == held(theirs.root, "seller")


def test_a_receipt_of_another_sale_or_with_another_content_is_refused(towns_two: tuple[Town, Town]) -> None:
    ours, theirs = towns_two
    for town in towns_two:
        words = ("receive", town.root / "arrived", "--deal", town.ids["deal"], "--out", town.root / "receipt.json")
        town.do(town.buyer, *words, who="sun")
    refused(ours, ours.seller, "receipt", theirs.root / "receipt.json", who="chen")
    true = receipt.read(statement.parse((ours.root / "receipt.json").read_bytes()))
    lies = (
        replace(true, subjects=true.subjects - 1),
        replace(true, root=bytes(reversed(true.root))),
        replace(true, counts={name: count + 1 for name, count in true.counts.items()}),
    )
    lying = ours.root / "lying.json"
    with ours.buyer.house() as house:
        signed = [statement.make(Kind.RECEIPT, lie.body(), house.signing) for lie in lies]
    for paper in signed:
        lying.write_bytes(paper.to_bytes())
        refused(ours, ours.seller, "receipt", lying, who="chen")
    assert ours.tell(ours.seller, "destroy", ours.ids["deal"], who="chen").exit == 3
    ours.do(ours.seller, "receipt", ours.root / "receipt.json", who="chen")
    again = refused(ours, ours.seller, "receipt", ours.root / "receipt.json", who="chen")
    assert again.problem["code"] == "handover.receipt_replayed"
    for firm in ("seller", "buyer"):
        held(ours.root, firm)
