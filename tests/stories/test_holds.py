"""Legal holds, storage-only and erasing as their users meet them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.stories import town as towns
from tests.stories.test_backup import subjects
from tests.stories.town import Town

from tigertally.access.errors import ViewForbids
from tigertally.app.verbs import vault as verbs
from tigertally.base.fields import FieldClass
from tigertally.base.secret import SecretText


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A sealed installation."""
    made = towns.found_town(tmp_path_factory.mktemp("holds") / "town")
    towns.fill(made, customers=100)
    towns.seal(made)
    with made.at_work():
        yield made


@pytest.mark.parametrize("how", [(), ("--class", "pan"), ("--subject",)])
def test_a_hold_stops_erasing_until_two_persons_lift_it(town: Town, how: tuple[str, ...]) -> None:
    firm, whom = town.seller, subjects(town)[0]
    over = (*how, whom) if how == ("--subject",) else how
    town.do(firm, "hold", "place", *over, "--reason", "court-2026-17", who="wang")
    assert (
        town.tell(firm, "hold", "place", *over, "--reason", "again", who="wang").problem["code"] == "vault.already_held"
    )
    begun = town.tell(firm, "erase", whom, who="chen")
    assert begun.unmet == ["second_person"]
    town.do(firm, "approve", str(begun.problem["approval"]), who="wang")
    refused = town.tell(firm, "erase", whom, who="chen")
    assert (refused.exit, refused.problem["code"]) == (3, "vault.on_hold")
    assert whom in subjects(town)
    assert town.tell(firm, "hold", "lift", *over, who="wang").unmet == ["second_person"]
    town.two(firm, "hold", "lift", *over, who="wang", second="chen")
    assert town.do(firm, "hold", "list").data["items"] == []
    assert int(town.do(firm, "erase", whom, who="chen").text("fields")) > 0
    assert whom not in subjects(town)


def test_a_hold_over_another_customer_stops_nothing(town: Town) -> None:
    first, second = subjects(town)[:2]
    town.do(town.seller, "hold", "place", "--subject", first, "--reason", "court", who="wang")
    town.two(town.seller, "erase", second, who="chen", second="wang")
    town.two(town.seller, "hold", "lift", "--subject", first, who="wang", second="chen")


def test_storage_only_refuses_reveal_and_a_protected_copy_by_name(town: Town, tmp_path: Path) -> None:
    firm, token = town.seller, towns.some_token(town)
    shown = town.do(firm, "show", token, who="zhao").text("subject")
    town.do(firm, "hold", "place", "--storage-only", "--subject", shown, "--reason", "pipl-47", who="chen")
    asked = town.do(firm, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao").text("grant")
    town.do(firm, "grant", "approve", asked, who="wang")
    reveal = ("reveal", token, "--purpose", "refund", "--grant", asked)
    refused = town.tell(firm, *reveal, who="zhao")
    assert (refused.exit, refused.problem["code"]) == (3, "vault.storage_only")
    words = (town.root / "plan.toml", town.estate, "--inventory", town.root / "inventory.json")
    refused = town.tell(firm, "protect", *words, "--out", tmp_path / "copy", who="qian")
    assert (refused.exit, refused.problem["code"]) == (3, "vault.storage_only")
    town.two(firm, "hold", "lift", "--storage-only", "--subject", shown, who="chen", second="wang")
    assert town.do(firm, *reveal, who="zhao").text("class") == "pan"


@pytest.mark.parametrize(
    "over",
    [("--storage-only",), ("--class", "pan", "--subject", "sub_00000000000000000000000000")],
)
def test_a_hold_over_nothing_that_can_be_held_is_refused(town: Town, over: tuple[str, ...]) -> None:
    refused = town.tell(town.seller, "hold", "place", *over, "--reason", "court", who="wang")
    assert (refused.exit, refused.problem["code"]) == (2, "app.bad_hold")
    assert town.tell(town.seller, "hold", "lift", "--class", "pan", who="wang").unmet == ["second_person"]


def test_what_a_role_may_not_see_is_not_shown_searched_or_revealed(town: Town) -> None:
    firm, token = town.seller, towns.some_token(town)
    document = town.root / "views.toml"
    document.write_text('[views.operator]\nmobile = "hidden"\npan = "masked"\n')
    asked = town.do(firm, "grant", "ask", "--class", "pan", "--purpose", "refund", who="zhao").text("grant")
    town.do(firm, "grant", "approve", asked, who="wang")
    town.two(firm, "policy", "change", document, who="chen", second="wang")
    (record,) = json.loads(json.dumps(town.do(firm, "show", token, who="zhao").data["items"]))
    seen = {field["class"]: (field["masked"] != "", field["token"] != "") for field in record["fields"]}
    assert seen.pop("mobile") == (False, False)
    assert seen["pan"] == (True, True)
    assert set(seen.values()) == {(True, True)}
    for words in (
        ("reveal", token, "--purpose", "refund", "--bin"),
        ("reveal", token, "--purpose", "refund", "--grant", asked),
    ):
        refused = town.tell(firm, *words, who="zhao")
        assert (refused.exit, refused.problem["code"]) == (3, "access.view_forbids"), (words, refused.unmet)
    with firm.house() as house, pytest.raises(ViewForbids):
        actor = firm.actor(house, "zhao")
        verbs.find(house, actor=actor, scope="main", cls=FieldClass.MOBILE, value=SecretText("13800138000"))
    document.write_text("")
    town.two(firm, "policy", "change", document, who="chen", second="wang")
    assert town.tell(firm, "reveal", token, "--purpose", "refund", "--bin", who="zhao").exit == 0


def test_a_bundle_and_a_destruction_are_refused_by_name(town: Town) -> None:
    towns.sell(town)
    firm, deal = town.seller, town.ids["deal"]
    over = ("--storage-only", "--subject", subjects(town)[0])
    town.do(firm, "hold", "place", *over, "--reason", "pipl-47", who="wang")
    refused = town.tell(firm, "bundle", deal, "--out", town.root / "bundle", who="qian")
    assert (refused.exit, refused.problem["code"]) == (3, "vault.storage_only")
    town.do(firm, "hold", "place", "--class", "pan", "--reason", "court", who="wang")
    words = ("destroy", deal, "--plan", "0" * 64, "--out", town.root / "certificate.json")
    begun = town.tell(firm, *words, who="chen")
    assert begun.unmet == ["second_person"]
    town.do(firm, "approve", str(begun.problem["approval"]), who="wang")
    refused = town.tell(firm, *words, who="chen")
    assert (refused.exit, refused.problem["code"]) == (3, "vault.on_hold")
