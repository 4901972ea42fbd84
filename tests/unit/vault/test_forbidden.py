"""Track data and card numbers under the name of something else; and what only looks like them."""

from __future__ import annotations

import numpy as np
import pytest

from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.data.issuers import TEST_NUMBERS
from tigertally.formats.part import PartColumns
from tigertally.testing import numbers
from tigertally.vault import SadRefused, check_part
from tigertally.vault.forbidden import forbidden_texts
from tigertally.vault.values import Rejection, accept

CARD = "4539000010000034"
FORBIDDEN = (
    f"{CARD} cvv 123",
    f"no. {CARD}",
    "4539 0000 1000 0034",
    "4539-0000-1000-0034 / 123",
    "3782 822463 10005",
    f";{CARD}=2712101000012300000?",
    f"{CARD}=2712",
    f"{CARD}D2712101000",
    f"%B{CARD}^DOE/J^2712101",
    "４５３９００００１０００００３４",
    "卡号4539000010000034有效期12/27",
)
HARMLESS = (
    "4539000010000035",  # Luhn
    "1234567812345670",  # no issuer
    "13800138000",
    "8613800138000",
    "20260302090000123",
    "北京市虚构区无名路 4539 号 10 栋 0034 室",
    "DE89370400440532013000",
    "e10adc3949ba59abbe56e057f20f883e",
    "tx-2026-03-02",
    "",
)


@pytest.mark.parametrize("value", FORBIDDEN)
@pytest.mark.parametrize("cls", [cls for cls in FieldClass if cls in SEALABLE and cls is not FieldClass.PAN])
def test_it_is_never_sealed_whatever_it_is_called(value: str, cls: FieldClass) -> None:
    cells = accept([(cls, ["fine", value, "also"])], rows=3)
    assert cells.rejected == {Rejection.SAD: 1}
    assert cells.rows.tolist() == [0, 2]


def test_every_published_test_number_is_found() -> None:
    assert forbidden_texts([f"x {number}" for number in TEST_NUMBERS]) == list(range(len(TEST_NUMBERS)))


def test_what_only_looks_like_it_is_kept() -> None:
    assert forbidden_texts(HARMLESS) == []


def test_a_card_is_still_a_card() -> None:
    assert accept([(FieldClass.PAN, [CARD])], rows=1).rejected == {}


def test_no_generated_national_id_or_mobile_is_lost() -> None:
    rng = np.random.default_rng(3)
    assert forbidden_texts(numbers.national_ids(rng, 5_000)) == []
    assert forbidden_texts([f"{number}，身份证" for number in numbers.national_ids(rng, 1_000)]) == []


@pytest.mark.parametrize("value", FORBIDDEN)
def test_an_imported_part_with_it_is_refused(value: str) -> None:
    part = PartColumns(
        subject=["sub_" + "0" * 25 + "1"],
        salt=[b"\1" * 16],
        code=[5],
        slot=[0],
        value=[value],
        token=["tok_na" + "0" * 26],
    )
    with pytest.raises(SadRefused):
        check_part(part)
