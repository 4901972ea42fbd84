"""The legal route of the towns' sale: its answers, what it asks, and counsel's opinion on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.stories.town import Town

ANSWERS = """persons = 6000
sensitive = true
important_data = false
critical = false
licensed = false
card_data = true
online_shop = false
abroad = false
eu_residents = false
consent_based = true
reorganisation = false
group_access = false
new_purpose = false
transferred = true
"""
ASKS = ("notices", "consents", "contract_consents", "drill")


def decide(town: Town) -> None:
    """Decide the seller's legal route, by two persons."""
    answers = town.root / "answers.toml"
    answers.write_text(ANSWERS)
    words = ("deal", "route", "decide", town.ids["deal"], "--answers", answers, "--out", town.root / "route.json")
    town.two(town.seller, *words, who="chen", second="wang")


def advise(town: Town) -> None:
    """The buyer, in the part of counsel, confirms a rule that nobody verified; the seller takes its word."""
    route, opinion = town.root / "route.json", town.root / "opinion.json"
    town.two(town.seller, "deal", "engage", town.ids["buyer"], "--role", "counsel", who="chen", second="wang")
    words = ("deal", "route", "opinion", route, "--confirm", "cn.order25.small_handler", "--out", opinion)
    town.do(town.buyer, *words, who="sun")
    town.do(town.seller, "deal", "route", "take", opinion, who="chen")
