"""Key files: a passphrase opens them, and nothing in them can be edited."""

from __future__ import annotations

import pytest
from tests.vectors.flawed_seals import CHEAP

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.errors import WeakParameters
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.formats import keyfile
from tigertally.formats.errors import WrongPassphrase

SECRET, WORD = SecretBytes(b"s" * 64), SecretText("made-up words")


def test_there_and_back() -> None:
    made = keyfile.seal(SECRET, purpose="signing", passphrase=WORD, cost=CHEAP)
    again = keyfile.parse(made.to_bytes())
    assert again == made
    assert again.open(WORD) == SECRET
    assert (again.purpose, again.cost) == ("signing", CHEAP)


def test_a_wrong_passphrase_is_told_without_a_cause() -> None:
    made = keyfile.seal(SECRET, purpose="signing", passphrase=WORD, cost=CHEAP)
    with pytest.raises(WrongPassphrase) as caught:
        made.open(SecretText("made-up word"))
    assert caught.value.__cause__ is None


def test_sealing_twice_gives_other_bytes() -> None:
    first, second = (keyfile.seal(SECRET, purpose="x", passphrase=WORD, cost=CHEAP) for _ in range(2))
    assert first.salt != second.salt
    assert first.sealed != second.sealed


def test_weak_costs_are_not_written_either() -> None:
    with pytest.raises(WeakParameters):
        keyfile.seal(SECRET, purpose="x", passphrase=WORD, cost=Argon2Cost(memory_kib=8, passes=1, lanes=1))


def test_the_default_is_rfc9106s_second_choice() -> None:
    assert (DEFAULT_COST.memory_kib, DEFAULT_COST.passes, DEFAULT_COST.lanes) == (64 * 1024, 3, 4)


def test_it_does_not_print_the_secret() -> None:
    assert "ssss" not in repr(keyfile.seal(SECRET, purpose="x", passphrase=WORD, cost=CHEAP))
