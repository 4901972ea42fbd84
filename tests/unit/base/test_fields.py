"""Field classes: what the law says of them, and how little a mask shows."""

from __future__ import annotations

import pytest

from tigertally.base.fields import BY_CODE, FIELD_RULES, SEALABLE, Destiny, FieldClass, mask


def test_every_class_has_a_rule_and_its_own_number() -> None:
    assert set(FIELD_RULES) == set(FieldClass)
    assert len(BY_CODE) == len(FieldClass)
    assert all(0 <= code <= 255 for code in BY_CODE)


def test_numbers_never_change() -> None:
    """They are in sealed records; this list may only grow."""
    numbers = {cls.value: rule.code for cls, rule in FIELD_RULES.items()}
    assert numbers == {
        "pan": 1, "expiry": 2, "national_id": 3, "mobile": 4, "name": 5, "password_hash": 6, "iban": 7, "email": 8,
        "address": 9, "bank_account": 10, "scheme_txn_id": 11, "passport": 12, "landline": 13,
        "uscc": 14, "payment_token": 15, "cvv": 128, "track": 129, "pin": 130, "password": 131, "secret": 132,
    }  # fmt: skip


def test_sensitive_authentication_data_has_one_destiny() -> None:
    for cls, rule in FIELD_RULES.items():
        if rule.pci == "SAD" or cls is FieldClass.PASSWORD:
            assert rule.destiny is Destiny.PURGE
            assert cls not in SEALABLE


@pytest.mark.parametrize(
    ("cls", "value", "shown"),
    [
        (FieldClass.PAN, "4111111111111111", "****1111"),
        (FieldClass.PAN, "41111111", "****"),
        (FieldClass.NATIONAL_ID, "11010119900307123X", "1" + "*" * 16 + "X"),
        (FieldClass.NATIONAL_ID, "short", "****"),
        (FieldClass.MOBILE, "13800000001", "138******01"),
        (FieldClass.NAME, "虚构人", "虚**"),
        (FieldClass.NAME, "", "**"),
        (FieldClass.CVV, "123", "****"),
        (FieldClass.PASSWORD, "hunter2", "****"),
        (FieldClass.EXPIRY, "12/30", "****"),
        (FieldClass.EMAIL, "nobody@example.invalid", "****"),
    ],
)
def test_mask(cls: FieldClass, value: str, shown: str) -> None:
    assert mask(cls, value) == shown


@pytest.mark.parametrize("cls", list(FieldClass))
def test_a_mask_never_shows_a_short_value(cls: FieldClass) -> None:
    """Whatever stands in a column of this class, a short value must not come out whole."""
    for length in range(2, 12):
        value = "7" * length
        shown = sum(char == "7" for char in mask(cls, value))
        assert shown < length
        assert shown <= 5
