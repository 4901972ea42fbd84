"""What counts as an answer to a finding: nothing that may never be kept gets away under another name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sealing.counterparts import Tokens, survey

from tigertally.base.fields import FieldClass
from tigertally.base.text import Lang
from tigertally.discovery import Inventory
from tigertally.sealing import (
    Action,
    Extent,
    Plan,
    PlanField,
    PlanIncomplete,
    PlanNotValid,
    check,
    dump,
    propose,
    protect,
    uncovered,
)
from tigertally.testing.numbers import card_numbers

ROWS = 60


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Path, Inventory, Plan]:
    """Cards with their codes, which the scan is sure of."""
    root = tmp_path / "estate"
    root.mkdir()
    numbers = card_numbers(np.random.default_rng(5), ROWS)
    lines = [f"C{at:05d},{number},{100 + at},li{at}@example.com" for at, number in enumerate(numbers)]
    (root / "cards.csv").write_text("\n".join(["customer_no,card_no,cvv,email", *lines]) + "\n")
    inventory = survey(root)
    return root, inventory, propose(inventory, root)


def with_field(plan: Plan, name: str, **changes: object) -> Plan:
    (source,) = plan.sources
    fields = tuple(replace(one, **changes) if one.name == name else one for one in source.fields)  # type: ignore[arg-type]
    return Plan(sources=(replace(source, fields=fields),))


def test_the_proposal_answers_for_everything(shop: tuple[Path, Inventory, Plan]) -> None:
    _, inventory, plan = shop
    assert {one.cls: one.action for one in plan.sources[0].fields} == {
        FieldClass.PAN: Action.SEAL, FieldClass.CVV: Action.PURGE, FieldClass.EMAIL: Action.SEAL,
    }  # fmt: skip
    assert uncovered(plan, inventory) == ()


@pytest.mark.parametrize(
    ("cls", "action", "extent"),
    [
        (FieldClass.SCHEME_TXN_ID, Action.SEAL, Extent.CELL),
        (FieldClass.NAME, Action.KEEP, Extent.CELL),
        (FieldClass.PAN, Action.PURGE, Extent.SPANS),
        (FieldClass.CVV, Action.PURGE, Extent.SPANS),  # a bare code is no span
    ],
)
def test_a_code_is_purged_or_the_plan_is_refused(
    shop: tuple[Path, Inventory, Plan], cls: FieldClass, action: Action, extent: Extent, tmp_path: Path
) -> None:
    root, inventory, plan = shop
    evil = with_field(plan, "cvv", cls=cls, action=action, extent=extent)
    (left,) = uncovered(evil, inventory)
    assert left.grave
    assert ("cls", "cvv") in left.details
    with pytest.raises(PlanIncomplete):
        protect(evil, root, tmp_path / "copy", inventory=inventory, tokens=Tokens())


@pytest.mark.parametrize(
    ("cls", "action", "good"),
    [
        (FieldClass.PAN, Action.KEEP, False),
        (FieldClass.NAME, Action.KEEP, False),
        (FieldClass.NAME, Action.SEAL, False),
        (FieldClass.NAME, Action.PURGE, True),
        (FieldClass.PAN, Action.PURGE, True),
    ],
)
def test_certain_cards_are_sealed_as_cards_or_purged(
    shop: tuple[Path, Inventory, Plan], cls: FieldClass, action: Action, *, good: bool
) -> None:
    _, inventory, plan = shop
    assert (uncovered(with_field(plan, "card_no", cls=cls, action=action), inventory) == ()) == good


def test_what_is_only_likely_may_be_kept_by_a_persons_word(shop: tuple[Path, Inventory, Plan]) -> None:
    _, inventory, plan = shop
    assert any(one.field is FieldClass.EMAIL for one in inventory.findings)
    likely = replace(
        inventory,
        findings=tuple(replace(one, tier=type(one.tier)("likely")) for one in inventory.findings),
    )
    kept = with_field(with_field(plan, "card_no", cls=FieldClass.NAME, action=Action.KEEP), "email", action=Action.KEEP)
    assert uncovered(kept, likely) == ()
    assert len(uncovered(with_field(plan, "cvv", cls=FieldClass.NAME, action=Action.KEEP), likely)) == 1


def test_a_column_of_two_certain_things_is_spans_of_both(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    lines = [f"C{at:05d},{number}" for at, number in enumerate(card_numbers(np.random.default_rng(5), ROWS))]
    lines += [
        f"C9{at:04d},卡号 {number} cvv 123" for at, number in enumerate(card_numbers(np.random.default_rng(6), 12))
    ]
    (root / "notes.csv").write_text("\n".join(["customer_no,card_no", *lines]) + "\n")
    inventory = survey(root)
    assert {one.field for one in inventory.findings} >= {FieldClass.PAN, FieldClass.CVV}
    plan = propose(inventory, root)
    assert uncovered(plan, inventory) == ()
    assert {(one.cls, one.extent) for one in plan.sources[0].fields} >= {
        (FieldClass.PAN, Extent.SPANS), (FieldClass.CVV, Extent.SPANS),
    }  # fmt: skip


def test_a_field_is_no_answer_in_another_table(shop: tuple[Path, Inventory, Plan]) -> None:
    _, inventory, plan = shop
    other = PlanField(name="memo", cls=FieldClass.CVV, action=Action.PURGE)
    (source,) = plan.sources
    fields = (*(one for one in source.fields if one.name != "cvv"), other)
    assert len(uncovered(Plan(sources=(replace(source, fields=fields),)), inventory)) == 1


@pytest.mark.parametrize("clear", [20, 6])
def test_hashes_with_clear_passwords_among_them_are_purged_as_passwords(tmp_path: Path, clear: int) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    letters = np.random.default_rng(7).choice(list("./ABCDEFGHabcdefgh0123456789"), size=(40, 53))
    words = [f"$2b$12${''.join(row)}" for row in letters] + [f"Sunny{at}!pass" for at in range(clear)]
    rows = [f"C{at:05d},{word}" for at, word in enumerate(words)]
    (root / "users.csv").write_text("\n".join(["customer_no,password", *rows]) + "\n")
    inventory = survey(root)
    assert {one.field for one in inventory.findings} == {FieldClass.PASSWORD, FieldClass.PASSWORD_HASH}
    plan = propose(inventory, root)
    (one,) = plan.sources[0].fields
    assert (one.cls, one.action, one.extent) == (FieldClass.PASSWORD, Action.PURGE, Extent.CELL)
    assert "class is password, not password_hash" in dump(plan)
    assert check(plan, root, inventory) == ()
    (told,) = check(with_field(plan, "password", cls=FieldClass.PASSWORD_HASH), root, inventory)
    assert not told.grave
    assert 'class = "password"' in told.say(Lang.EN)


def test_what_is_unanswered_in_a_text_has_a_name_and_no_column(tmp_path: Path) -> None:
    root = tmp_path / "estate"
    root.mkdir()
    (number,) = card_numbers(np.random.default_rng(5), 1)
    (root / "notes.txt").write_text(f"card {number}\n")
    (left,) = uncovered(Plan(sources=()), survey(root))
    assert left.say(Lang.ZH) == "notes.txt 中有 1 处银行卡号（pan），计划没有写明如何处理"


def test_the_real_command_is_named() -> None:
    for text in (PlanIncomplete.hint.zh, PlanIncomplete.hint.en, PlanNotValid.hint.en, dump(Plan(sources=()))):
        assert "tigertally plan check PLAN ROOT" in text
