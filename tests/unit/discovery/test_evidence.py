"""Tiers of numbers in running text."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tigertally.base.fields import FieldClass as F
from tigertally.base.text import Lang
from tigertally.discovery import Confidence, Evidence, Finding, Inventory
from tigertally.discovery.inventory import Reason
from tigertally.testing import numbers

CERTAIN, LIKELY, POSSIBLE = Confidence
Scan = Callable[..., Inventory]


def tiers(inventory: Inventory, cls: F = F.PAN) -> dict[Confidence, int]:
    """Counts by tier."""
    return {one.tier: one.count for one in inventory.findings if one.field is cls}


@pytest.mark.parametrize(
    ("text", "tier"),
    [
        ("card=4111111111111111\n", CERTAIN),
        ("卡号4111111111111111金额\n", CERTAIN),
        ("here 4111 1111 1111 1111 it is\n", CERTAIN),
        ("here 4111111111111111 it is\n", LIKELY),
        ("order_no=4111111111111111\n", POSSIBLE),
        ("订单号：4111111111111111\n", POSSIBLE),
        ("here 4222222222222 it is\n", POSSIBLE),  # broad table only
        ("card_no: 4222222222222\n", LIKELY),
        ("imei: 378282246310005\n", POSSIBLE),
    ],
)
def test_one_card_in_a_text(scanned: Scan, text: str, tier: Confidence) -> None:
    assert tiers(scanned({"a.log": text})) == {tier: 1}


def test_a_crowd_of_order_numbers_is_chance_whatever_its_label(scanned: Scan, rng: np.random.Generator) -> None:
    orders = ["4" + text for text in numbers.texts(numbers.drawn(rng, 3000, 15))]
    text = "".join(f"2024-07-16 08:00:00 INFO ref9 {order} done\n" for order in orders)
    assert set(tiers(scanned({"a.log": text}))) == {POSSIBLE}


def test_a_crowd_of_cards_is_proof_without_a_label(scanned: Scan, rng: np.random.Generator) -> None:
    text = "".join(f"2024-07-16 08:00:00 x {card} done\n" for card in numbers.card_numbers(rng, 50))
    assert tiers(scanned({"a.log": text})) == {CERTAIN: 50}


def test_cards_and_orders_in_one_log_are_told_apart(scanned: Scan, rng: np.random.Generator) -> None:
    orders = ["5" + text for text in numbers.texts(numbers.drawn(rng, 1000, 15))]
    cards = numbers.card_numbers(rng, 1000)
    text = "".join(f"INFO order={order} card={card}\n" for order, card in zip(orders, cards, strict=True))
    found = tiers(scanned({"a.log": text}))
    assert found[CERTAIN] == 1000
    assert LIKELY not in found


def test_date_led_order_numbers_are_no_ids(scanned: Scan, rng: np.random.Generator) -> None:
    orders = [
        f"110101{day}{tail}" for day in ("19900307", "20010203") for tail in numbers.texts(numbers.drawn(rng, 300, 4))
    ]
    text = "".join(f"line {order}\n" for order in orders)
    assert set(tiers(scanned({"a.log": text}), F.NATIONAL_ID)) <= {POSSIBLE}


def test_a_short_id_needs_a_label(scanned: Scan) -> None:
    assert tiers(scanned({"a.txt": "身份证110101900307771\n"}), F.NATIONAL_ID) == {LIKELY: 1}
    assert tiers(scanned({"a.txt": "serial 110101900307771\n"}), F.NATIONAL_ID) == {}


def test_codes_and_dates_beside_cards_are_findings_of_their_own(scanned: Scan) -> None:
    found = scanned({"a.log": "pan=4111111111111111 cvv=123 exp=12/27 tel=13800138000\n"}).findings
    assert {(one.field, one.tier, one.count) for one in found} == {
        (F.PAN, CERTAIN, 1),
        (F.CVV, CERTAIN, 1),
        (F.EXPIRY, CERTAIN, 1),
        (F.MOBILE, CERTAIN, 1),
    }


def test_every_reason_is_a_sentence_in_both_languages() -> None:
    reasons = [Reason(evidence=evidence, number=12, word="card_no") for evidence in Evidence]
    assert all(reason.say(lang) and "{" not in reason.say(lang) for reason in reasons for lang in Lang)


def test_a_value_in_a_label_is_not_told(scanned: Scan) -> None:
    text = "13800138000号卡号:4111111111111111\n"
    found: tuple[Finding, ...] = scanned({"a.log": text}).findings
    assert "13800138000" not in repr(found)


@pytest.mark.parametrize(
    ("text", "tier", "keyword"),
    [
        ("the bank card of our customer is 4111111111111111, thanks\n", Confidence.CERTAIN, ("bank card", 20)),
        ("客户的银行卡已挂失，新的为 4111111111111111\n", Confidence.CERTAIN, ("银行卡", 8)),
        ("our company paid 4111111111111111 at noon\n", Confidence.LIKELY, None),
        ("bank card\nour company paid 4111111111111111 at noon\n", Confidence.LIKELY, None),
    ],
)
def test_a_word_for_cards_in_the_line_counts(
    scanned: Callable[..., Inventory], text: str, tier: Confidence, keyword: tuple[str, int] | None
) -> None:
    (finding,) = scanned({"a.txt": text}).findings
    told = [(one.word, one.number) for one in finding.reasons if one.evidence is Evidence.KEYWORD]
    assert (finding.tier, told) == (tier, [keyword] if keyword else [])
