"""Conditions that an organisation can add or two persons waive: factors bound to the act, volume, waivers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tigertally.access import (
    PERSON_FROZEN,
    Action,
    decide,
)
from tigertally.access.facts import CONDITION_WAIVED, INSTALLATION, LEDGER_WITNESSED
from tigertally.access.policy import POLICY, Rules
from tigertally.access.unmet import ALL, WAIVABLE
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.ledger import Fact

from .cases import DEAL, NOW, WANG, ZHAO, approved, codes, fact, release, reveal


def strict(**flags: bool) -> Rules:
    return Rules(table={action: replace(rule, **flags) for action, rule in POLICY.items()})  # type: ignore[arg-type]


def test_a_factor_can_be_bound_to_the_act_and_asked_to_resist_phishing() -> None:
    request, facts = reveal()
    bound = strict(factor_bound=True)
    for act in ("", "0" * 64, replace(request, purpose="dispute").act_digest()):
        decision = decide(replace(request, factor_act=act), facts, bound)
        assert [item.condition for item in decision.unmet] == ["factor_bound"]
    assert decide(replace(request, factor_act=request.act_digest()), facts, bound).allowed


def test_a_clear_value_of_c2_or_c3_asks_for_a_passkey_in_the_shipped_rules() -> None:
    request, facts = reveal()
    for kind in ("", "totp", "recovery", "WEBAUTHN"):
        assert codes((replace(request, factor_kind=kind), facts)) == ["factor_strong"]
    assert codes((request, facts)) == []
    for classes, wanted in (
        ({FieldClass.SCHEME_TXN_ID, FieldClass.USCC}, False),
        ({FieldClass.USCC, FieldClass.PAN}, True),
        ({FieldClass.EXPIRY}, True),
        (set(), True),
    ):
        low = replace(request, classes=frozenset(classes), factor_kind="totp")
        assert ("factor_strong" in codes((low, facts))) is wanted, classes
    asking = {action for action, rule in POLICY.items() if rule.factor_strong}
    assert asking == {Action.REVEAL, Action.REVEAL_MANY}, "not what is masked, nor the first six digits of a card"


def test_two_persons_may_do_without_a_passkey_for_a_time() -> None:
    request, facts = reveal()
    old = replace(request, factor_kind="totp")
    waived: dict[str, Json] = {"condition": "factor_strong", "actions": ["vault.reveal"], "reason": "not_yet"}
    by_two = fact(CONDITION_WAIVED, INSTALLATION, {**waived, "by": WANG, "approver": ZHAO}, 20)
    decision = decide(old, (*facts, by_two))
    assert (decision.allowed, decision.waived) == (True, ("factor_strong",))
    by_one = fact(CONDITION_WAIVED, INSTALLATION, {**waived, "by": WANG, "approver": WANG}, 20)
    for other in (by_one, replace(by_two, until=None), replace(by_two, until=NOW)):
        assert codes((old, (*facts, other))) == ["factor_strong"]
    assert codes((replace(old, action=Action.REVEAL_MANY), (*facts, by_two)))[0] == "factor_strong"


def test_a_second_person_lets_somebody_see_more_than_the_threshold() -> None:
    request, facts = reveal()
    many = replace(request, seen=2_400)
    assert codes((many, facts)) == ["volume"]
    assert codes((approved(many), facts)) == []
    assert codes((replace(approved(many), purpose="dispute"), facts)) == ["grant_fits", "agreed_purpose", "volume"]
    assert codes((replace(request, seen=2_399), facts)) == []


def waiver(code: str = "witnessed", **changes: object) -> Fact:
    value: dict[str, Json] = {
        "condition": code,
        "actions": [Action.RELEASE.value],
        "reason": "not_yet",
        "by": WANG,
        "approver": ZHAO,
    }
    given = fact(CONDITION_WAIVED, INSTALLATION, {**value, **changes}, 40)  # type: ignore[dict-item]
    return replace(given, until=NOW + timedelta(days=30))


def test_a_waiver_by_two_persons_stands_in_for_a_measure_and_is_cited() -> None:
    request, facts = release()
    bare = tuple(item for item in facts if item.kind != LEDGER_WITNESSED.name)
    assert codes((request, bare)) == ["witnessed"]
    decision = decide(request, (*bare, waiver()))
    assert (decision.allowed, decision.waived) == (True, ("witnessed",))
    assert 40 in decision.facts
    assert decide(request, (*facts, waiver())).waived == ()


@pytest.mark.parametrize(
    "wrong",
    [
        waiver(actions=[Action.DESTROY.value]),
        waiver(actions="handover.release"),
        waiver("checked"),
        waiver(by=ZHAO),
        waiver(by=""),
        waiver(approver=""),
        replace(waiver(), until=None),
        replace(waiver(), until=NOW),
        replace(waiver(), start=NOW - timedelta(days=61)),
        replace(waiver(), withdrawn=True),
        replace(waiver(), subject=DEAL),
    ],
    ids=range(11),
)
def test_a_waiver_that_is_not_whole_is_none(wrong: Fact) -> None:
    request, facts = release()
    bare = tuple(item for item in facts if item.kind != LEDGER_WITNESSED.name)
    assert codes((request, (*bare, wrong))) == ["witnessed"]


@pytest.mark.parametrize("code", sorted(set(ALL) - WAIVABLE))
def test_what_may_not_be_waived_is_not(code: str) -> None:
    request, facts = release()
    asked = replace(request, approvals=(), factor_at=None, roles=frozenset())
    given = (*facts[3:], fact(PERSON_FROZEN, WANG, {"reason": "x"}, 9), waiver(code))
    with_it, without_it = decide(asked, given), decide(asked, given[:-1])
    assert with_it.unmet == without_it.unmet
