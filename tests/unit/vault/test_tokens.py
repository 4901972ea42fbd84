from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest
from tests.unit.vault.tokentexts import card_texts, derived, nobody

from tigertally.base.fields import FIELD_RULES, SEALABLE, FieldClass
from tigertally.base.ids import base32
from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.packed import Packed
from tigertally.data.issuers import TEST_NUMBERS, all_ranges, issued, luhn_ok
from tigertally.vault import digits, tokens
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves

KEY = ColumnMac(SecretBytes(bytes(32)))
PAN = FIELD_RULES[FieldClass.PAN].code
NAME = FIELD_RULES[FieldClass.NAME].code


def packed(*cards: str) -> Packed:
    return Packed.of([card.encode() for card in cards])


def card_tokens(cards: list[str]) -> list[str]:
    return card_texts(tokens.draw(packed(*cards), taken=nobody))


def test_a_card_token_is_no_card() -> None:
    cards = list(TEST_NUMBERS) * 40
    made = card_tokens(cards)
    assert len(set(made)) == len(made)
    for card, token in zip(cards, made, strict=True):
        assert len(token) == len(card)
        assert token[-4:] == card[-4:]
        assert token[0] == "7"
        assert not luhn_ok(token)
        assert not issued(token)


def test_no_issued_range_begins_with_the_leading_digit() -> None:
    assert [entry for entry in all_ranges() if entry.low[0] <= str(tokens.LEAD) <= entry.high[0]] == []


def test_tokens_tell_nothing_of_the_first_digits() -> None:
    """The middle digits are uniform, whatever the card: chi-square with 9 degrees of freedom per place."""
    made = card_tokens(["4111111111111111"] * 4000)
    columns = np.array([[int(char) for char in token[1:-4]] for token in made]).T
    for column in columns:
        seen = np.bincount(column, minlength=10)
        assert ((seen - 400) ** 2 / 400).sum() < 45  # p about 1e-6


def test_a_taken_token_is_drawn_again() -> None:
    rounds: list[list[int]] = []

    def first_round(made: Halves) -> npt.NDArray[np.bool_]:
        rounds.append(made[:, 0].tolist())
        return np.full(len(made), len(rounds) == 1)

    drawn = tokens.draw(packed("4111111111111111"), taken=first_round)
    assert len(rounds) == 2
    assert drawn[:, 0].tolist() == rounds[1] != rounds[0]


def test_tokens_made_together_are_different() -> None:
    # Ten million tokens end alike and have twelve digits: some of these are drawn twice.
    made = card_tokens(["411111111116"] * 20_000)
    assert len(set(made)) == len(made)


def test_a_broken_generator_is_noticed() -> None:
    with pytest.raises(RuntimeError):
        tokens.draw(packed("4111111111111111"), taken=lambda made: np.ones(len(made), np.bool_))


def test_other_tokens_join_and_name_their_class() -> None:
    code = FIELD_RULES[FieldClass.MOBILE].code
    one, two, other = derived(KEY, [code, code, NAME], [b"13800138000"] * 3)
    assert one == two
    assert re.fullmatch(r"tok_mo[0-9a-z]{26}", one)
    assert re.fullmatch(r"tok_na[0-9a-z]{26}", other)
    assert one[6:] != other[6:]
    (elsewhere,) = derived(ColumnMac(SecretBytes(b"\x01" * 32)), [code], [b"13800138000"])
    assert elsewhere != one


def test_every_class_that_is_kept_has_letters_of_its_own() -> None:
    assert set(tokens.CLASS_LETTERS) == SEALABLE - {FieldClass.PAN}
    assert len(set(tokens.CLASS_LETTERS.values())) == len(tokens.CLASS_LETTERS)


@pytest.mark.parametrize(
    ("code", "value", "token"),
    [
        (PAN, "4111111111111111", "4111111111111111"),  # the card itself
        (PAN, "4111111111111111", "7111111111111111"[:-1]),  # another length
        (PAN, "4111111111111111", "7000000000001112"),  # another end
        (PAN, "4111111111111111", "7000000000091111"),  # passes Luhn
        (PAN, "4111111111111111", "5000000000001111"),  # may be issued
        (PAN, "4111111111111111", "7００0000000001111"),  # not ASCII
        (NAME, "韩测试", "韩测试"),
        (NAME, "韩测试", "tok_mo" + "0" * 26),
        (NAME, "韩测试", "tok_na" + "0" * 25),
        (NAME, "韩测试", "tok_na" + "U" * 26),
        (NAME, "韩测试", "tok_na8" + "0" * 25),  # more than sixteen bytes
        (NAME, "韩测试", "tok_na" + base32(bytes(8) + b"card\0\0\0\x10")),  # kept, it would be a card's
        (NAME, "韩测试", ""),
    ],
)
def test_misformed_tokens_are_seen(code: int, value: str, token: str) -> None:
    assert luhn_ok("7000000000091111")
    good = derived(KEY, [NAME], [b"x"])[0]
    assert tokens.misformed([NAME, code, NAME], ["x", value, "y"], [good, token, good]) == [1]


def test_tokens_are_text_and_sixteen_bytes() -> None:
    cards = card_tokens([*TEST_NUMBERS])
    names = derived(KEY, [NAME] * 50, [str(at).encode() for at in range(50)])
    codes = [PAN] * len(cards) + [NAME] * 50
    raws = tokens.raws(codes, [*cards, *names])
    assert tokens.texts(np.array(codes, np.uint8), raws) == [*cards, *names]
    for spelled, code, pair in zip([*cards, *names], codes, raws, strict=True):
        raw = runs.whole(pair)
        assert tokens.raw(spelled) == (code == PAN, raw)
        assert tokens.text(code, raw) == spelled


@pytest.mark.parametrize("text", ["", "7", "tok_na", "tok_xx" + "0" * 26, "tok_na" + "8" * 26, "9" * 40, "7１11"])
def test_what_is_no_token_is_none(text: str) -> None:
    meant = tokens.raw(text)
    assert meant is None or tokens.text(PAN, meant[1]) == text


def test_luhn_by_column_is_luhn() -> None:
    cards = [*TEST_NUMBERS, *(card[:-1] + str((int(card[-1]) + 1) % 10) for card in TEST_NUMBERS)]
    passed = [False] * len(cards)
    for positions, rows in digits.by_length(cards):
        for at, fine in zip(positions, digits.luhn(rows).tolist(), strict=True):
            passed[at] = fine
    assert passed == [luhn_ok(card) for card in cards]
    assert digits.drawn(0, 5).shape == (0, 5)
