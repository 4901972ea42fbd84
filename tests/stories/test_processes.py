"""Stages asked in processes of their own, as people's shells do: what one wing states, another one's command knows."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.stories import routes
from tests.stories import town as towns
from tests.stories.town import Town, arguments, process


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A sale up to the release, signed by both; the closing stage is not entered yet."""
    made = towns.found_town(tmp_path_factory.mktemp("processes") / "town")
    with made.at_work():
        towns.fill(made, customers=120, only=("orders.db",))
        towns.seal(made)
        towns.meet(made)
        towns.agree(made)
        towns.advance(made, "S1", "S2", "S3")
        towns.waive(made, "impact_assessment")
        towns.advance(made, "S4", "S5", "S6")
        routes.decide(made)
        towns.waive(made, *routes.ASKS)
        towns.without_witnesses(made)
        towns.release(made)
    return made


def alone(town: Town, *words: str | Path, side: str = "seller", who: str = "chen") -> towns.Answer:
    firm = town.seller if side == "seller" else town.buyer
    return process(arguments(firm, words, who=who), cwd=town.root)


def test_the_closing_stage_knows_of_the_release(town: Town) -> None:
    deal = town.ids["deal"]
    looked = alone(town, "deal", "stage", deal, "S7", "--look")
    assert looked.exit == 0, looked.out + looked.err
    moved = alone(town, "deal", "stage", deal, "S7")
    assert moved.exit == 0, moved.out + moved.err
    theirs = alone(town, "deal", "stage", deal, "S7", side="buyer", who="sun")
    assert theirs.exit == 0, theirs.out + theirs.err


def test_the_ledger_speaks_of_every_wing(town: Town) -> None:
    told = process(arguments(town.seller, ("ledger", "log", "-n", "500"), as_json=False), cwd=town.root)
    assert told.exit == 0, told.err
    assert "sealing.batch.sealed" in told.out
    assert "a batch was sealed" in told.out
