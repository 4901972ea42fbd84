from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.sealing import normalise
from tigertally.sealing.values import dressed_as


@pytest.mark.parametrize(
    ("cls", "written", "value"),
    [
        (FieldClass.PAN, "6222 0200 0000 0000 000", "6222020000000000000"),
        (FieldClass.PAN, "4111-1111-1111-1111", "4111111111111111"),
        (FieldClass.PAN, "4111111111111111", "4111111111111111"),
        (FieldClass.PAN, "4111111111111112", None),
        (FieldClass.PAN, "4.111111111111111E+15", None),
        (FieldClass.PAN, "无", None),
        (FieldClass.PAN, "", None),
        (FieldClass.NATIONAL_ID, "11010519491231002x", "11010519491231002X"),
        (FieldClass.NATIONAL_ID, "1101051949123100", None),
        (FieldClass.MOBILE, "+86 138-0013-8000", "13800138000"),
        (FieldClass.MOBILE, "010-62345678", "010-62345678"),
        (FieldClass.IBAN, "de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        (FieldClass.PASSWORD_HASH, "$2b$12$" + "a" * 53, "$2b$12$" + "a" * 53),
        (FieldClass.PASSWORD_HASH, "d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e"),
        (FieldClass.PASSWORD_HASH, "Spring1998!", None),
        (FieldClass.NAME, " 王小明 ", "王小明"),
        (FieldClass.NAME, "名" * 2000, None),
    ],
)
def test_one_spelling_per_value(cls: FieldClass, written: str, value: str | None) -> None:
    assert normalise(cls, [written]) == [value]


@given(st.sampled_from(sorted(SEALABLE, key=lambda cls: cls.value)), st.lists(st.text(max_size=30)))
def test_normalising_twice_changes_nothing(cls: FieldClass, values: list[str]) -> None:
    once = [value for value in normalise(cls, values) if value is not None]
    assert normalise(cls, once) == once


def test_full_width_digits_are_the_same_card() -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in "4111111111111111")
    assert normalise(FieldClass.PAN, [wide]) == ["4111111111111111"]


def test_a_token_wears_the_separators_of_its_card() -> None:
    assert dressed_as("4111 1111 1111 1111", "7111222233331111") == "7111 2222 3333 1111"
    assert dressed_as("4111111111111111", "7111222233331111") == "7111222233331111"
    assert dressed_as("4111 1111", "tok_a") == "tok_a"
