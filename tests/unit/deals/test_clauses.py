"""The clause check: the shipped text passes, and each fault is found by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.vectors import world

from tigertally import deals
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId
from tigertally.formats import agreement as agreement_format
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import BLOCKS, Agreement, Clause

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def good(**changes: object) -> Agreement:
    """A sound agreement in the standard words."""
    terms: dict[str, object] = {
        "deal": world.DEAL,
        "seller": world.seller().card,
        "buyer": world.buyer().card,
        "classes": (FieldClass.PAN, FieldClass.NAME),
        "purposes": ("continue_service", "refunds"),
        "start": NOW,
        "until": NOW + timedelta(days=300),
        "destroy_within_days": 30,
        "penalty_cny": 1_000_000,
    }
    return deals.draft(**{**terms, **changes})  # type: ignore[arg-type]


def reworded(block: str, edit: Callable[[str], str], *, langs: tuple[str, ...] = ("zh", "en")) -> Agreement:
    """A sound agreement with one block's text edited."""
    made = good()
    clauses = dict(made.clauses)
    old = clauses[block]
    clauses[block] = Clause(zh=edit(old.zh) if "zh" in langs else old.zh, en=edit(old.en) if "en" in langs else old.en)
    return replace(made, clauses=tuple((name, clauses[name]) for name in BLOCKS))


def faults(agreement: Agreement) -> list[str]:
    """The English half of what the check finds."""
    found = deals.check_agreement(agreement)
    assert all(text.zh and text.en for text in found)
    return [text.en for text in found]


@pytest.mark.parametrize("template", deals.templates())
@pytest.mark.parametrize("onward", [(), ("Fictional Acquirer Ltd", "虚构结算有限公司")])
def test_a_draft_in_the_shipped_words_is_sound(template: str, onward: tuple[str, ...]) -> None:
    made = good(template=template, onward=onward)
    assert faults(made) == []
    for _, clause in made.clauses:
        assert clause.zh != clause.en
    whole = " ".join(clause.en for _, clause in made.clauses)
    for word in ("云杉优选", "Fictional Buyer Ltd", "refunds", "card number", "2026-12-27", "1000000", *onward):
        assert word in whole, word


def test_a_draft_survives_signing_and_reading() -> None:
    made = good(classes=(FieldClass.PAN, FieldClass.NAME, FieldClass.PAN))
    statement = deals.sign_agreement(made, key=world.seller().signing)
    assert agreement_format.read(dsse.parse(statement.to_bytes())) == made


def test_signing_refuses_what_the_check_refuses() -> None:
    with pytest.raises(deals.ClausesFaulty) as refused:
        deals.sign_agreement(good(penalty_cny=0), key=world.seller().signing)
    assert refused.value.details == {"count": 1}
    assert [text.en for text in refused.value.faults] == ["a breach has no amount"]


def test_other_templates_are_missing() -> None:
    for name in ("", "none", "../courses/handling-payment-data", "standard.toml"):
        with pytest.raises(deals.NoSuchTemplate):
            good(template=name)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_empty_block(block: str, lang: str) -> None:
    found = faults(reworded(block, lambda _: " \n", langs=(lang,)))
    assert f"the block “{deals.BLOCK_TITLES[block].en}” is missing or half empty" in found


@pytest.mark.parametrize("block", BLOCKS)
def test_a_missing_block(block: str) -> None:
    made = good()
    found = faults(replace(made, clauses=tuple(item for item in made.clauses if item[0] != block)))
    assert f"the block “{deals.BLOCK_TITLES[block].en}” is missing or half empty" in found


@pytest.mark.parametrize(
    "left", ["{seller}", "【 】", "____", "＿＿", "□", "TODO", "XX公司", "（待填）", "另行待定", "[ ]"]
)
def test_a_placeholder_left(left: str) -> None:
    for lang in ("zh", "en"):
        found = faults(reworded("sharing", lambda text: text + left, langs=(lang,)))
        assert found == ["the block “limits on sharing” has a placeholder left"]


def test_ordinary_words_are_no_placeholders() -> None:
    assert faults(reworded("sharing", lambda text: text + "（见附件【一】）size XL, e.g. [1] _x_")) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"until": NOW + timedelta(days=731, seconds=1)}, "the term is longer than two years"),
        ({"until": NOW}, "the term ends before it begins"),
        ({"purposes": ()}, "purposes are not named one by one"),
        ({"purposes": ("refunds", " ")}, "purposes are not named one by one"),
        ({"purposes": ("x" * 61,)}, "purposes are not named one by one"),
        ({"purposes": ("refunds", "refunds")}, "a purpose is named twice"),
        ({"purposes": ("any",)}, "a purpose is open-ended"),
        ({"purposes": ("refunds", "other_purposes")}, "a purpose is open-ended"),
        ({"purposes": ("处理退款等",)}, "a purpose is open-ended"),
        ({"purposes": ("其他业务需要",)}, "a purpose is open-ended"),
        ({"classes": ()}, "no classes of fields are named"),
        ({"classes": (FieldClass.PAN, FieldClass.CVV)}, "it covers what nobody may keep: card verification code"),
        ({"classes": (FieldClass.PASSWORD,)}, "it covers what nobody may keep: clear password"),
        ({"destroy_within_days": 31}, "destruction is due within 1–30 days"),
        ({"destroy_within_days": 0}, "destruction is due within 1–30 days"),
        ({"penalty_cny": 0}, "a breach has no amount"),
        ({"onward": ("affiliates",)}, "the onward list must name recipients, not kinds of them"),
        ({"onward": ("Any third party",)}, "the onward list must name recipients, not kinds of them"),
        ({"onward": ("Fictional Ltd", "关联公司")}, "the onward list must name recipients, not kinds of them"),
        ({"onward": ("其他合作方",)}, "the onward list must name recipients, not kinds of them"),
        ({"onward": ("*",)}, "the onward list must name recipients, not kinds of them"),
        ({"onward": ("",)}, "the onward list must name recipients, not kinds of them"),
        ({"buyer": world.seller().card}, "both parties are the same"),
    ],
)
def test_each_fault_alone(changes: dict[str, object], fault: str) -> None:
    assert faults(good(**changes)) == [fault]


def test_a_recipient_may_be_called_third_party_testing() -> None:
    assert faults(good(onward=("北京第三方检测有限公司（虚构）", "Partners Bank Ltd", "General Store Ltd"))) == []


@pytest.mark.parametrize(
    ("block", "old", "new"),
    [
        ("scope_term", "2026-12-27", "2027-12-27"),
        ("liability", "1000000", "100000"),
        ("liability", "1000000", "10000000"),
        ("handling_destruction", "30", "300"),
    ],
)
def test_text_and_data_must_agree(block: str, old: str, new: str) -> None:
    for langs in (("zh",), ("en",), ("zh", "en")):
        found = faults(reworded(block, lambda text: text.replace(old, new), langs=langs))
        assert len(found) == 1
        assert "differs from the data" in found[0]


def test_digits_may_be_grouped() -> None:
    assert faults(reworded("liability", lambda text: text.replace("1000000", "1,000,000"))) == []


def test_the_data_edited_and_the_text_not() -> None:
    made = good()
    assert len(faults(replace(made, penalty_cny=1))) == 1
    assert len(faults(replace(made, destroy_within_days=10))) == 1
    assert len(faults(replace(made, until=made.until + timedelta(days=1)))) == 1


def test_an_amended_draft_keeps_its_id() -> None:
    first = good()
    second = good(agreement=first.agreement, version=2)
    assert (second.agreement, second.version) == (first.agreement, 2)
    assert good().agreement != first.agreement
    assert first.deal == DealId(world.DEAL)
