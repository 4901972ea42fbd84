"""The examples of docs/formats/token.md are what the code makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.vault.tokentexts import card_texts, derived, nobody

from tigertally.base.fields import FIELD_RULES, FieldClass
from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.vault.cards import CardTokens
from tigertally.vault.fitting import FittingTokens

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "token.md"
KEY = ColumnMac(SecretBytes(bytes(range(32))))


def examples() -> list[tuple[FieldClass, str, str]]:
    found: list[tuple[FieldClass, str, str]] = []
    text = PAGE.read_text(encoding="utf-8").split("## 3. Examples")[1].split("## 4.")[0]
    for name, value, token in re.findall(r"^\| (?:`(\w+)`)?[^|]*\| `([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE):
        found.append((FieldClass(name) if name else found[-1][0], value, token))
    return found


def test_there_are_examples_of_every_sort() -> None:
    assert len(examples()) == 15
    assert len({cls for cls, _, _ in examples()}) == 11


@pytest.mark.parametrize(("cls", "value", "token"), examples())
def test_an_example_holds(cls: FieldClass, value: str, token: str) -> None:
    if cls is FieldClass.PAN:
        assert card_texts(CardTokens(KEY).draw([value], taken=nobody)) == [token]
    else:
        stored = derived(KEY, [FIELD_RULES[cls].code], [value.encode()])
        assert FittingTokens(KEY).spell(cls, [value], stored) == [token]
