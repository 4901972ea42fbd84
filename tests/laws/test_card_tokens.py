"""Laws of computed card tokens: no two cards share one, none is a card, each gives back its card."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.vault.tokentexts import card_texts, nobody, some

from tigertally.base.secret import SecretBytes
from tigertally.crypto.cmac import ColumnMac
from tigertally.crypto.errors import DomainTooSmall
from tigertally.data.issuers import PAN_DIGITS_MAX, TEST_NUMBERS, issued, luhn_ok
from tigertally.vault import digits
from tigertally.vault.cards import DIGITS_MIN, CardTokens
from tigertally.vault.digits import Digits

KEY = ColumnMac(SecretBytes(bytes(32)))
CARDS = CardTokens(KEY)
DOMAIN = 10**6


def every_card(*, tail: str) -> Digits:
    """All 10^6 numbers of eleven digits that end in ``tail`` and pass Luhn: the smallest domain there is."""
    middles = np.arange(DOMAIN)
    rows = np.zeros((DOMAIN, DIGITS_MIN), np.uint8)
    for place in range(6):
        rows[:, 6 - place] = middles // 10**place % 10
    rows[:, -4:] = [int(digit) for digit in tail]
    for first in range(10):
        trial = rows.copy()
        trial[:, 0] = first
        rows[digits.luhn(trial), 0] = first
    assert digits.luhn(rows).all()
    return rows


@pytest.mark.parametrize("tail", ["0000", "4242"])
def test_of_all_cards_with_one_ending_no_two_share_a_token(tail: str) -> None:
    cards = every_card(tail=tail)
    tokens = CARDS.tokens(cards)
    assert len(np.unique(tokens.astype(np.int64) @ 10 ** np.arange(DIGITS_MIN)[::-1])) == DOMAIN
    assert not digits.luhn(tokens).any()
    assert (tokens[:, -4:] == cards[:, -4:]).all()
    assert ((tokens[:, 0] == 7) == (cards[:, 0] != 7)).all()
    assert ((tokens[:, 0] == 0) == (cards[:, 0] == 7)).all()
    assert (CARDS.cards(tokens) == cards).all()


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A number that passes Luhn, of any length a card may have and more."""
    length = draw(st.integers(DIGITS_MIN, PAN_DIGITS_MAX))
    body = draw(st.text("0123456789", min_size=length - 1, max_size=length - 1))
    return next(body + check for check in "0123456789" if luhn_ok(body + check))


@given(st.lists(cards(), unique=True, min_size=1, max_size=30))
@settings(deadline=None)
def test_a_token_is_no_card_and_gives_back_its_own(found: list[str]) -> None:
    made = card_texts(CARDS.draw(found, taken=nobody))
    assert len(set(made)) == len(found)
    for card, token in zip(found, made, strict=True):
        assert len(token) == len(card)
        assert token[-4:] == card[-4:]
        assert token[0] == ("0" if card[0] == "7" else "7")
        assert not luhn_ok(token)
        assert not issued(token)
        (rows,) = [rows for _, rows in digits.by_length([token])]
        assert digits.spelled(CARDS.cards(rows)) == [card]
    assert card_texts(CARDS.draw(found, taken=nobody)) == made
    assert set(card_texts(CardTokens(ColumnMac(SecretBytes(b"\x01" * 32))).draw(found, taken=nobody))).isdisjoint(made)


def test_tokens_tell_nothing_of_the_first_digits() -> None:
    """Cards that differ in the first six only: the middle digits are uniform (chi-square, 9 degrees of freedom)."""
    found = [f"{number:012d}" for number in range(411111_000000, 411111_000000 + 40_000_000, 997)]
    made = card_texts(
        CARDS.draw([one + next(c for c in "0123456789" if luhn_ok(one + c)) for one in found], taken=nobody)
    )
    columns = np.array([[int(char) for char in token[1:-4]] for token in made]).T
    for column in columns:
        seen, expected = np.bincount(column, minlength=10), len(made) / 10
        assert ((seen - expected) ** 2 / expected).sum() < 45  # p about 1e-6


def test_a_token_that_came_from_elsewhere_is_walked_past() -> None:
    first = card_texts(CARDS.draw(list(TEST_NUMBERS), taken=nobody))
    theirs = set(first[::2])
    made = card_texts(CARDS.draw(list(TEST_NUMBERS), taken=some(theirs.intersection)))
    assert theirs.isdisjoint(made)
    assert len(set(made)) == len(made)
    assert made[1::2] == first[1::2]
    for card, token in zip(TEST_NUMBERS, made, strict=True):
        assert (len(token), token[-4:], token[0]) == (len(card), card[-4:], "7")
        assert not luhn_ok(token)
    with pytest.raises(RuntimeError):
        CARDS.draw(["4111111111111111"], taken=some(set))


def test_too_few_values_and_what_is_no_token_are_refused() -> None:
    with pytest.raises(DomainTooSmall):
        CARDS.tokens(np.zeros((1, DIGITS_MIN - 1), np.uint8))
    for bad in ("4111111111111112", "7111111111111114"):  # a lead that no token has; one that passes Luhn
        (rows,) = [rows for _, rows in digits.by_length([bad])]
        with pytest.raises(ValueError, match="token"):
            CARDS.cards(rows)
    assert repr(CARDS) == "<card tokens>"
