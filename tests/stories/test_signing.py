"""The agreement of a deal binds persons: who did not sign its very text, or asks for more, sees nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.town import Town

from tigertally.cli.base import run


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A seller whose data is sealed, and a buyer that accepted; nobody signed themselves yet."""
    town = towns.found_town(tmp_path_factory.mktemp("signing") / "town")
    with town.at_work():
        towns.fill(town, customers=100, only=("orders.db",))
        towns.seal(town)
        towns.meet(town)
    return town


def invite(town: Town, *purposes: str, classes: tuple[str, ...] = ("pan", "name")) -> None:
    """Both companies agree on these classes and purposes."""
    invitation, acceptance = town.root / "invitation.json", town.root / "acceptance.json"
    words = [word for cls in classes for word in ("--class", cls)]
    words += [word for purpose in purposes for word in ("--purpose", purpose)]
    base = ("deal", "invite", town.ids["deal"], "--buyer", town.ids["buyer"], "--out", invitation)
    town.do(town.seller, *base, *words, who="chen")
    town.do(town.buyer, "deal", "accept", invitation, "--out", acceptance, who="sun")
    town.do(town.seller, "deal", "conclude", acceptance, who="chen")


def reveal(town: Town, *, purpose: str = "refund") -> list[str]:
    """Ask, have it approved, and reveal; what kept the value hidden."""
    asked = town.do(town.seller, "grant", "ask", "--class", "pan", "--purpose", purpose, who="zhao").text("grant")
    town.do(town.seller, "grant", "approve", asked, who="wang")
    words = ("reveal", towns.some_token(town), "--purpose", purpose, "--grant", asked)
    answer = town.tell(town.seller, *words, who="zhao")
    return [] if answer.exit == 0 else answer.unmet


def test_from_pledge_to_signature_to_amendment(town: Town, tmp_path: Path) -> None:
    seller, deal = town.seller, town.ids["deal"]
    with town.at_work():
        assert town.tell(seller, "deal", "sign", deal, "--yes", who="zhao").problem["code"] == "deals.not_in_force"
        for stage in ("S1", "S2"):
            town.do(seller, "deal", "stage", deal, stage, who="chen")
        assert reveal(town) == [], "before the data room the seller's customers are its own affair: the pledge"
        invite(town, "refund")
        town.do(seller, "deal", "stage", deal, "S3", who="chen")
        assert reveal(town) == ["agreed_person"]
        signed = town.do(seller, "deal", "sign", deal, "--yes", who="zhao")
        assert reveal(town) == []
        assert reveal(town, purpose="dispute") == ["agreed_purpose"]
        shown = town.do(seller, "deal", "agreement", deal, "--out", tmp_path / "agreement.json").data
        assert shown["digest"] == signed.data["digest"]
        assert [row["handle"] for row in shown["signers"]] == ["zhao"]  # type: ignore[index,union-attr,call-overload]
        assert run(["verify", str(tmp_path / "agreement.json"), *town_trust(town), "--json"]) == 0
        # An amendment by one side suspends what was allowed; by both, everybody signs anew.
        words = ("deal", "invite", deal, "--buyer", town.ids["buyer"], "--purpose", "refund", "--class", "name")
        town.do(seller, *words, "--out", town.root / "more.json", who="chen")
        assert reveal(town) == ["agreement"]
        town.do(town.buyer, "deal", "accept", town.root / "more.json", "--out", tmp_path / "yes.json", who="sun")
        town.do(seller, "deal", "conclude", tmp_path / "yes.json", who="chen")
        assert reveal(town) == ["agreement", "agreed_person"], "the new version is another text, and covers names only"
        stale = town.tell(seller, "deal", "agreement", deal)
        assert stale.data["signers"] == []
        invite(town, "refund", "dispute")
        town.do(seller, "deal", "sign", deal, "--yes", who="zhao")
        assert reveal(town, purpose="dispute") == []
        town.do(seller, "deal", "stage", deal, "S9", "--reason", "withdrawn", who="chen")
        assert reveal(town) == [], "the deal died: the pledge again"


def town_trust(town: Town) -> tuple[str, ...]:
    return town.trust
