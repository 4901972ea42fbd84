"""The inventory's written form."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tigertally.base import canon
from tigertally.discovery import (
    BadInventory,
    Confidence,
    Evidence,
    Inventory,
    Kind,
    Status,
    from_json,
    to_json,
)
from tigertally.testing import numbers

Scan = Callable[..., Inventory]


@pytest.fixture
def inventory(scanned: Scan, rng: np.random.Generator) -> Inventory:
    """A small one with every kind of member."""
    cards = numbers.card_numbers(rng, 30)
    rows = "id,卡号\n" + "".join(f"{index},{card}\n" for index, card in enumerate(cards))
    return scanned({"a.csv": rows, "b.log": "card=4111111111111111 cvv=123\n", "c.pdf": "%PDF-1.7"})


def test_it_comes_back_the_same_in_both_spellings(inventory: Inventory) -> None:
    canonical = to_json(inventory)
    assert from_json(canonical) == inventory
    assert canon.dumps(canon.loads(canonical.encode())).decode() == canonical
    pretty = to_json(inventory, pretty=True)
    assert pretty.count("\n") > 50
    assert from_json(pretty) == inventory


def test_no_clear_value_is_in_it(scanned: Scan, rng: np.random.Generator) -> None:
    cards, ids, mobiles = numbers.card_numbers(rng, 20), numbers.national_ids(rng, 20), numbers.mobiles(rng, 20)
    lines = [f"卡{card} 身份证{id_} 手机{mobile} cvv" for card, id_, mobile in zip(cards, ids, mobiles, strict=True)]
    table = [",".join(row) for row in zip(cards, ids, mobiles, strict=True)]
    keys = json.dumps([{card: id_} for card, id_ in zip(cards, ids, strict=True)])
    written = to_json(
        scanned({"a.txt": "\n".join(lines), "b.csv": "\n".join(table), "c.json": keys, f"{cards[0]}.txt": cards[1]})
    )
    assert not [value for value in (*cards, *ids, *mobiles) if value in written]


def test_the_example_of_the_specification_holds() -> None:
    page = Path(__file__).parents[3].joinpath("docs", "formats", "inventory.md").read_text(encoding="utf-8")
    example = page.split("```json\n")[1].split("```")[0]
    assert from_json(to_json(from_json(example))) == from_json(example)
    assert all(f"`{one.value}`" in page for kinds in (Evidence, Kind, Status, Confidence) for one in kinds)


def _mutations(value: object) -> Iterator[object]:
    """Every value with one member less, one more, or of another type, at every depth."""
    if isinstance(value, dict):
        yield {**value, "extra": 1}
        for name in value:
            yield {key: inner for key, inner in value.items() if key != name}
            for changed in _mutations(value[name]):
                yield {**value, name: changed}
    elif isinstance(value, list):
        for index in range(min(len(value), 2)):
            for changed in _mutations(value[index]):
                yield [*value[:index], changed, *value[index + 1 :]]
        yield {}
    elif isinstance(value, bool):
        yield 1
    elif isinstance(value, int):
        yield from (-1, 1.5, str(value), None if value else -1, 2**53)
    elif isinstance(value, str):
        yield 5
    else:
        yield []


def test_anything_else_is_refused(inventory: Inventory) -> None:
    value = json.loads(to_json(inventory))
    tried = 0
    for changed in _mutations(value):
        if changed == value:
            continue
        text = json.dumps(changed)
        try:
            from_json(text)
        except BadInventory:
            tried += 1
        else:
            # The optional numbers and words of reasons may be absent as null, and nothing else.
            assert text.count("null") > json.dumps(value).count("null")
    assert tried > 200


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"format":"tigertally-inventory-v2"}', "NaN", '{"a":1,"a":2}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(BadInventory):
        from_json(text)


def test_a_finding_needs_its_object(inventory: Inventory) -> None:
    value = json.loads(to_json(inventory))
    value["findings"][0]["object"] = "elsewhere"
    with pytest.raises(BadInventory):
        from_json(json.dumps(value))
    value = json.loads(to_json(inventory))
    value["objects"].append(value["objects"][0])
    with pytest.raises(BadInventory):
        from_json(json.dumps(value))
