"""The tables that ship: issuer ranges, regions, test numbers."""

from __future__ import annotations

import pytest

from tigertally.data.issuers import TEST_NUMBERS, all_ranges, issued, luhn_ok
from tigertally.data.regions import PROVINCES, region_codes


def test_no_issued_range_begins_with_the_digit_of_our_tokens() -> None:
    assert not [entry for entry in all_ranges() if entry.low[0] <= "7" <= entry.high[0]]
    assert not issued("7222021234567890123")


def test_ranges_are_well_formed() -> None:
    for entry in all_ranges():
        assert len(entry.low) == len(entry.high) <= 6
        assert entry.low <= entry.high
        assert all(12 <= length <= 19 for length in entry.strict + entry.broad)


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_published_numbers_pass(number: str) -> None:
    assert luhn_ok(number)
    assert issued(number)


@pytest.mark.parametrize(
    "text", ["", "a", "4111111111111112", "４１１１１１１１１１１１１１１１", "4111 1111 1111 1111"]
)
def test_luhn_takes_plain_digits_only(text: str) -> None:
    assert not luhn_ok(text)


def test_regions_lie_in_provinces_and_old_codes_are_kept() -> None:
    codes = region_codes()
    assert {code // 10_000 for code in codes} <= set(PROVINCES)
    assert {110101, 310104, 440305, 620102} <= codes
    assert 110103 in codes  # abolished in 2010
    assert len(codes) > 7000
