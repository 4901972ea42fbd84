"""Who issued the cards of a finding."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest

from tigertally.base.text import Lang
from tigertally.data.issuers import issued
from tigertally.discovery import Evidence, Inventory
from tigertally.discovery.banks import most_frequent

Scan = Callable[..., Inventory]


@pytest.mark.parametrize(
    ("cards", "named"),
    [
        ([6222021234567890128, 6222031234567890126, 4111111111111111], ("中国工商银行 ICBC", 67)),
        ([4111111111111111, 4242424242424242], ("visa", 100)),
        ([378282246310005], ("amex", 100)),
        ([6205500000000000004], ("unionpay", 100)),
        ([7111111111111119], None),
        ([], None),
    ],
)
def test_the_bank_or_scheme_of_most_cards(cards: list[int], named: tuple[str, int] | None) -> None:
    assert most_frequent(np.array(cards, np.uint64)) == named


@pytest.mark.parametrize("name", ["a.log", "a.csv"])
def test_a_finding_says_who_issued_most_of_it(scanned: Scan, name: str) -> None:
    text = {"a.log": "卡号 6225881234567898\n", "a.csv": "卡号,n\n" + "6225881234567898,1\n" * 9}[name]
    (finding,) = scanned({name: text}).findings
    (reason,) = [one for one in finding.reasons if one.evidence is Evidence.ISSUED_BY]
    assert reason.say(Lang.EN) == "by prefix most (100%) are of 招商银行 CMB"


def test_prefixes_are_six_digits_of_issued_ranges_and_one_bank_each() -> None:
    text = resources.files("tigertally.data").joinpath("banks.txt").read_text(encoding="utf-8")
    prefixes = [prefix for line in text.splitlines() if line[0] != "#" for prefix in line.split()[2:]]
    assert len(set(prefixes)) == len(prefixes)
    assert [one for one in prefixes if not any(issued(one.ljust(size, "0")) for size in range(12, 20))] == []
