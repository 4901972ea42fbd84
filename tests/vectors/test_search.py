"""The examples of docs/formats/search.md are what the code makes, and the rules are laws."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.vault import normal

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "search.md"
NAMES = st.text(st.sampled_from("aZß 张後后·・,-–’Ａé\u0301\u200b\ufe30İ"), max_size=12)
NUMBERS = st.text(st.sampled_from("+0086138 -（）()１２.2/x"), max_size=22)


def examples() -> list[tuple[FieldClass, str, str]]:
    found: list[tuple[FieldClass, str, str]] = []
    text = PAGE.read_text(encoding="utf-8").split("## 3. Examples")[1]
    for name, value, one in re.findall(r"^\| (?:`(\w+)`)?[^|]*\| `([^`]+)` \| (?:`([^`]+)` )?\|$", text, re.MULTILINE):
        found.append((FieldClass(name) if name else found[-1][0], value, one))
    return found


def test_there_are_examples_of_every_class() -> None:
    assert len(examples()) == 30
    assert {cls for cls, _, _ in examples()} == set(normal.RULES)


@pytest.mark.parametrize(("cls", "value", "one"), examples())
def test_an_example_holds(cls: FieldClass, value: str, one: str) -> None:
    assert normal.RULES[cls](value) == one


@given(value=NUMBERS)
def test_a_number_spelled_so_is_its_own_spelling(value: str) -> None:
    one = normal.phone(value)
    assert normal.phone(one) == one


@given(values=st.lists(st.one_of(NAMES, NUMBERS, st.sampled_from(["王伟", "13912345678", "欧阳小明"])), max_size=8))
def test_columns_say_what_the_rules_say(values: list[str]) -> None:
    for cls, rule in normal.RULES.items():
        encoded = [value.encode() for value in values]
        codes = np.full(len(values), FIELD_RULES[cls].code, np.uint8)
        edges = np.concatenate([[0], np.cumsum([len(one) for one in encoded])]).astype(np.int64)
        at, forms = normal.unlike(codes, b"".join(encoded), edges)
        wanted = {place: rule(value) for place, value in enumerate(values) if rule(value) not in ("", value)}
        assert {place: form.decode() for place, form in zip(at.tolist(), forms, strict=True)} == wanted
