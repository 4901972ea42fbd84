"""What is made of an inventory: accepted findings, what to do first, SARIF, and the page for managers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.base.text import Lang
from tigertally.cli.discoveryreport import html_report
from tigertally.discovery import (
    BadBaseline,
    Inventory,
    Task,
    all_tests,
    compare,
    judge,
    propose_baseline,
    read_baseline,
    summarise,
    to_sarif,
)
from tigertally.testing import numbers

Scan = Callable[..., Inventory]
TEST = "4111111111111111"
TODAY = date(2026, 3, 2)
ENTRY = """[[accepted]]
object = "fixtures/*"
class = "pan"
reason = "made-up cards"
person = "chen"
expires = 2026-03-02
"""


@pytest.fixture
def inventory(scanned: Scan, rng: object) -> Inventory:
    import numpy as np  # noqa: PLC0415

    assert isinstance(rng, np.random.Generator)
    cards, ids = numbers.card_numbers(rng, 40), numbers.national_ids(rng, 40)
    return scanned(
        {
            "crm/a.csv": "id,卡号,身份证号\n"
            + "".join(f"{n},{c},{i}\n" for n, (c, i) in enumerate(zip(cards, ids, strict=True))),
            "logs/b.log": f"card={cards[0]} cvv=123\n" * 9,
            "fixtures/t.csv": "id,卡号\n" + f"1,{TEST}\n" * 9,
            "<b>&.png": b"\x89PNG\r\n",
            "c.bin": b"PK\x03\x04 cut",
        }
    )


def test_test_numbers_are_a_tier_of_their_own(inventory: Inventory) -> None:
    assert {one.object for one in inventory.findings if all_tests(one)} == {"fixtures/t.csv"}
    (todo,) = [one for one in summarise(inventory, inventory.findings).todos if one.task is Task.TESTS]
    assert (todo.places, todo.values) == (1, 9)


def test_what_to_do_comes_in_order(inventory: Inventory) -> None:
    summary = summarise(inventory, inventory.findings)
    assert [one.task for one in summary.todos] == [Task.PURGE, Task.UNSEEN, Task.IN_TEXT, Task.SEAL, Task.TESTS]
    assert summary.lines[0].field is F.CVV
    assert summary.objects[0] == ("crm/a.csv", 80)
    assert summarise(inventory, ()).todos[0].task is Task.UNSEEN


def test_an_entry_holds_until_its_day_and_is_counted(inventory: Inventory) -> None:
    entries = read_baseline(ENTRY + ENTRY.replace("fixtures", "nowhere"))
    judged = judge(inventory, entries, today=TODAY)
    assert [(one.object, entry.person) for one, entry in judged.accepted] == [("fixtures/t.csv", "chen")]
    assert len(judged.open) + 1 == len(inventory.findings)
    assert [one.object for one in judged.unused] == ["nowhere/*"]
    later = judge(inventory, entries, today=date(2026, 3, 3))
    assert (len(later.open), len(later.expired)) == (len(inventory.findings), 2)


def test_an_entry_holds_only_for_what_it_says(inventory: Inventory) -> None:
    for more, held in (
        ("count_max = 8", 0), ("count_max = 9", 1), ('name = "卡号"', 1), ('name = "x"', 0), ('table = "t"', 0),
    ):  # fmt: skip
        assert len(judge(inventory, read_baseline(ENTRY + more), today=TODAY).accepted) == held, more


def test_what_may_never_be_kept_cannot_be_accepted(inventory: Inventory) -> None:
    entries = read_baseline(ENTRY.replace("fixtures/*", "*").replace("pan", "cvv"))
    assert judge(inventory, entries, today=TODAY).accepted == ()


def test_a_proposal_is_refused_until_it_is_completed(inventory: Inventory) -> None:
    text = propose_baseline(inventory)
    assert "cvv" not in text
    with pytest.raises(BadBaseline):
        read_baseline(text)
    done = text.replace('reason = ""', 'reason = "x"').replace('person = ""', 'person = "y"')
    entries = read_baseline(done.replace('expires = ""', 'expires = "2026-12-31"'))
    judged = judge(inventory, entries, today=TODAY)
    assert {one.field for one in judged.open} == {F.CVV}
    assert not judged.unused


@pytest.mark.parametrize(
    "text",
    [
        "accepted = 5", "x = 1", "[[accepted]]", "[", ENTRY + 'other = "x"', ENTRY.replace('"pan"', '"card"'),
        ENTRY.replace('"chen"', '" "'), ENTRY.replace("2026-03-02", '"soon"'), ENTRY.replace("2026-03-02", "5"),
        ENTRY + "count_max = true", ENTRY + "count_max = -1", ENTRY.replace("2026-03-02", "2026-03-02T10:00:00Z"),
    ],
)  # fmt: skip
def test_a_baseline_that_will_not_do_is_refused(text: str) -> None:
    with pytest.raises(BadBaseline):
        read_baseline(text)


def test_sarif_says_the_same(inventory: Inventory) -> None:
    judged = judge(inventory, read_baseline(ENTRY), today=TODAY)
    log = json.loads(to_sarif(inventory, judged, lang=Lang.EN, version="1"))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert len(run["results"]) == len(inventory.findings)
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {one["ruleId"] for one in run["results"]} <= rules
    assert len({one["partialFingerprints"]["place/v1"] for one in run["results"]}) == len(run["results"])
    (hidden,) = [one for one in run["results"] if "suppressions" in one]
    assert (hidden["level"], hidden["suppressions"][0]["status"]) == ("none", "accepted")
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert {one["level"] for one in notes} == {"warning", "error"}
    assert all("%3C" in one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in notes[:1])


@pytest.mark.parametrize("lang", list(Lang))
def test_the_page_has_both_languages_and_no_value(inventory: Inventory, lang: Lang) -> None:
    judged = judge(inventory, read_baseline(ENTRY), today=TODAY)
    page = html_report(inventory, judged, compare(inventory, inventory), lang=lang)
    assert page.index(f'lang="{lang.value}"') < 40
    for word in ("先做什么", "What to do first", "made-up cards", "&lt;b&gt;&amp;.png"):
        assert word in page
    assert "<b>" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert not [card for card in numbers_in(page) if len(card) > 11]


def numbers_in(page: str) -> list[str]:
    """Every run of digits."""
    return "".join(letter if letter.isdigit() else " " for letter in page).split()


def test_a_page_of_nothing(scanned: Scan) -> None:
    found = scanned({"a.txt": "x"})
    assert "没有发现" in html_report(found, judge(found, (), today=TODAY), None, lang=Lang.ZH)
