"""Searching without reading: cards by their last four digits, and values that several customers hold."""

from __future__ import annotations

import pytest

from tigertally.base.fields import FieldClass
from tigertally.vault import BadTail, Shared, find, find_tail, shared

from .conftest import MASTERCARD, UNIONPAY_19, VISA, Vault

PAN, NAME = FieldClass.PAN, FieldClass.NAME


def test_cards_are_found_by_their_last_four(vault: Vault) -> None:
    vault.seal(["C1", "C2", "C3"], (PAN, [VISA, MASTERCARD, VISA]), (NAME, ["1111", "1111", "Bo"]))
    vault.seal(["C4"], (PAN, [UNIONPAY_19]))
    with vault.store.reading() as tx:
        holders = find(tx, vault.keys, cls=PAN, value=VISA)
        assert len(holders) == 2
        assert find_tail(tx, scope=vault.scope, tail=VISA[-4:]) == sorted(holders)
        assert len(find_tail(tx, scope=vault.scope, tail=UNIONPAY_19[-4:])) == 1
        assert find_tail(tx, scope=vault.scope, tail="9999") == []
        assert find_tail(tx, scope="empty", tail="1111") == []
        for wrong in ("", "111", "11111", "11a1", "１１１１"):
            with pytest.raises(BadTail):
                find_tail(tx, scope=vault.scope, tail=wrong)


def test_values_that_several_hold_are_counted_once(vault: Vault) -> None:
    vault.seal(["C1", "C2", "C3"], (PAN, [VISA, MASTERCARD, VISA]), (NAME, ["Bo", "Bo", "Bo"]))
    vault.seal(["C3"], (PAN, [MASTERCARD]))
    with vault.store.reading() as tx:
        assert shared(tx, scope=vault.scope) == {
            PAN: Shared(different=2, shared=2),
            NAME: Shared(different=1, shared=1),
        }
        assert shared(tx, scope="empty") == {}
