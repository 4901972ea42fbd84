"""Every gate with exactly one condition removed; waivers; and that nothing unknown is green. Pure: no store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tigertally import deals
from tigertally.access import AGREEMENT_IN_FORCE, PERSON_FROZEN
from tigertally.access.policy import STAGES, Side
from tigertally.base.canon import Json
from tigertally.deals import gates
from tigertally.deals.conditions import GateFacts
from tigertally.formats.dealpapers import Structure
from tigertally.handover import facts as handover_facts
from tigertally.ledger import Fact, fact_kinds
from tigertally.ledger.facts import well_typed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL, OWN, THEM, LEAD = "dea_1", "pty_us", "pty_them", "per_lead"
PRINT, TEXT = "0123 4567", "a" * 64
COUNSEL, SEAL, ROUTE, RULES = "pty_counsel", "89ab cdef", "e" * 64, "f" * 64
PLAN, INVENTORY = "b" * 64, "c" * 64


def fact(kind: str, entry: int, subject: str = DEAL, **value: Json) -> Fact:
    """A current fact, well typed."""
    assert well_typed(fact_kinds()[kind], value), kind
    return Fact(
        kind=kind,
        subject=subject,
        value=value,
        start=NOW - timedelta(days=1),
        until=NOW + timedelta(days=1),
        entry=entry,
        withdrawn=False,
    )


def waived(condition: str, entry: int, **changes: Json) -> Fact:
    """A waiver by two persons."""
    value: dict[str, Json] = {
        "condition": condition,
        "reason": "risk_accepted",
        "document": "",
        "asker": LEAD,
        "approver": "per_officer",
        **changes,
    }
    return fact("deals.waived", entry, DEAL, **value)


def routed(structure: Structure) -> dict[str, Json]:
    """A route that asks for something of every gate, and advises something."""
    return {
        "route": ROUTE,
        "structure": structure.value,
        "rules": RULES,
        "asks": ["S6 disposal_plan own.plan", "S7 counsel_signoff own.counsel", "S7 contract_consents own.contracts"],
        "advises": ["S7 pboc_data_rules cn.pboc.data"],
        "asker": LEAD,
        "approver": "per_officer",
    }


def whole(side: Side = Side.SELLER, structure: Structure = Structure.D7) -> GateFacts:
    """Everything that every gate of this side asks for."""
    stated = [
        fact("deals.structure", 1, structure=structure.value),
        fact("deals.inventory", 2, digest=INVENTORY, objects=9, findings=4, unread=0),
        fact("deals.party_confirmed", 3, THEM, fingerprint=PRINT),
        fact("deals.agreement_in_force", 4, agreement="agr", digest=TEXT, classes=["pan"], purposes=["refunds"]),
        fact("deals.sad_purged", 5, plan=PLAN, inventory=INVENTORY, purged=7, unresolved=0),
        fact("deals.sealed", 6, plan=PLAN, subjects=3, found=10, sealed=9, rejected=1),
        fact("deals.protected", 7, plan=PLAN, objects=8, left_out=1, unknown=0),
        fact("handover.released", 8, release="r", subjects=3),
        fact("deals.route", 12, DEAL, **routed(structure)),
        fact("deals.party_confirmed", 13, COUNSEL, fingerprint=SEAL),
        fact("deals.party_engaged", 14, COUNSEL, role="counsel", fingerprint=SEAL),
        fact(
            "deals.signed_off", 15, opinion="o", counsel=COUNSEL, fingerprint=SEAL, route=ROUTE, rules=["own.counsel"]
        ),
        fact("handover.received", 9, receipt="r", manifest="m", subjects=3, root="x"),
    ]
    stated += [waived(code, 20 + at) for at, code in enumerate(sorted(deals.WAIVABLE)) if code != "inventory_unread"]
    return GateFacts(
        deal=DEAL,
        side=side,
        own=OWN,
        counterparty=THEM,
        fingerprint=PRINT,
        agreement_digest=TEXT,
        leads=(LEAD,),
        rules=RULES,
        facts=tuple(stated),
        now=NOW,
    )


DESTROYED = fact(handover_facts.DESTROYED.name, 10, certificate="c", ground="receipt", subjects=3)


def for_stage(stage: str, side: Side = Side.SELLER, structure: Structure = Structure.D7) -> GateFacts:
    """Everything that the gate of ``stage`` asks for."""
    known = whole(side, structure)
    return replace(known, facts=(*known.facts, DESTROYED)) if stage == "S8" else known


def without(known: GateFacts, kind: str, **value: Json) -> GateFacts:
    """``known`` without the facts of ``kind`` (that have these members)."""
    left = [
        item
        for item in known.facts
        if item.kind != kind or any(item.value.get(name) != wanted for name, wanted in value.items())
    ]
    assert len(left) == len(known.facts) - 1, kind
    return replace(known, facts=tuple(left))


def changed(known: GateFacts, kind: str, **value: Json) -> GateFacts:
    """``known`` with members of one fact's value changed."""
    made = [replace(item, value={**item.value, **value}) if item.kind == kind else item for item in known.facts]
    assert made != list(known.facts), kind
    return replace(known, facts=tuple(made))


def unmet(stage: str, known: GateFacts) -> list[str]:
    """The codes of what is unmet."""
    return [item.condition for item in deals.gate(stage, known)]


@pytest.mark.parametrize("structure", Structure)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("stage", STAGES)
def test_everything_there_opens_every_gate(stage: str, side: Side, structure: Structure) -> None:
    assert unmet(stage, for_stage(stage, side, structure)) == []


def test_nothing_there_opens_no_gate_that_asks() -> None:
    for side in Side:
        bare = replace(whole(side), facts=(), leads=(), fingerprint="", agreement_digest="", counterparty="")
        for stage in STAGES:
            expected = [code for code in gates.GATES[stage] if side in deals.CONDITIONS[code].sides]
            if stage == "S7":
                expected.append("structure")
            assert unmet(stage, bare) == (expected if stage != "S9" else []), (stage, side)


def without_counsel(known: GateFacts) -> GateFacts:
    """``known`` without the party that is counsel."""
    return replace(known, facts=tuple(item for item in known.facts if item.subject != COUNSEL))


Break = Callable[[GateFacts], GateFacts]
FRESH = fact("deals.inventory", 11, OWN, digest="d" * 64, objects=9, findings=5, unread=0)
BREAKS: dict[str, dict[str, list[Break]]] = {
    "S1": {
        "lead": [
            lambda known: replace(known, leads=()),
            lambda known: replace(known, facts=(*known.facts, fact(PERSON_FROZEN.name, 50, LEAD, reason="anomaly"))),
        ],
        "structure": [
            lambda known: without(known, "deals.structure"),
            lambda known: changed(known, "deals.structure", structure="D10"),
        ],
        "inventory_unread": [lambda known: changed(known, "deals.inventory", unread=1)],
    },
    "S3": {
        "parties": [
            lambda known: without(known, "deals.party_confirmed", fingerprint=PRINT),
            lambda known: changed(without_counsel(known), "deals.party_confirmed", fingerprint="0123 4568"),
            lambda known: replace(known, fingerprint="0123 4568"),
            lambda known: replace(known, fingerprint=""),
            lambda known: replace(known, counterparty=""),
            lambda known: replace(known, counterparty="pty_other"),
        ],
        "agreement": [
            lambda known: without(known, "deals.agreement_in_force"),
            lambda known: changed(known, "deals.agreement_in_force", digest="e" * 64),
            lambda known: replace(known, agreement_digest="e" * 64),
            lambda known: replace(known, agreement_digest=""),
        ],
    },
    "S4": {"impact_assessment": [lambda known: without(known, "deals.waived", condition="impact_assessment")]},
    "S5": {
        "sad_purged": [
            lambda known: without(known, "deals.sad_purged"),
            lambda known: changed(known, "deals.sad_purged", unresolved=1),
            lambda known: changed(known, "deals.sad_purged", inventory="d" * 64),
            lambda known: without(known, "deals.inventory"),
            lambda known: replace(known, facts=(*known.facts, FRESH)),
        ],
    },
    "S6": {
        "parties": [lambda known: without(known, "deals.party_confirmed", fingerprint=PRINT)],
        "agreement": [lambda known: without(known, "deals.agreement_in_force")],
        "disposal_plan": [lambda known: without(known, "deals.waived", condition="disposal_plan")],
    },
    "S7": {
        "route": [
            lambda known: changed(known, "deals.route", structure="D3"),
            lambda known: replace(known, rules="0" * 64),
        ],
        "counsel_signoff": [
            lambda known: without(known, "deals.signed_off"),
            lambda known: changed(known, "deals.signed_off", route="0" * 64),
            lambda known: changed(known, "deals.signed_off", rules=["own.other"]),
            lambda known: without(known, "deals.party_engaged"),
            lambda known: changed(known, "deals.party_engaged", role="auditor"),
            lambda known: changed(known, "deals.party_engaged", fingerprint="0000"),
            lambda known: changed(known, "deals.signed_off", fingerprint="0000"),
            lambda known: without(known, "deals.party_confirmed", fingerprint=SEAL),
        ],
        "contract_consents": [lambda known: without(known, "deals.waived", condition="contract_consents")],
        "disposal_plan": [lambda known: without(known, "deals.waived", condition="disposal_plan")],
        "parties": [lambda known: without(known, "deals.party_confirmed", fingerprint=PRINT)],
        "agreement": [lambda known: without(known, "deals.agreement_in_force")],
        "sealed": [
            lambda known: changed(known, "deals.sealed", found=11),
            lambda known: changed(known, "deals.sealed", subjects=0),
            lambda known: changed(known, "deals.sealed", rejected=0),
            lambda known: changed(known, "deals.sad_purged", plan="d" * 64),
        ],
        "protected": [
            lambda known: without(known, "deals.protected"),
            lambda known: changed(known, "deals.protected", objects=0),
            lambda known: changed(known, "deals.protected", plan="d" * 64),
        ],
        "released": [lambda known: without(known, "handover.released")],
        "drill": [lambda known: without(known, "deals.waived", condition="drill")],
        "notices": [lambda known: without(known, "deals.waived", condition="notices")],
        "regulator_approval": [lambda known: without(known, "deals.waived", condition="regulator_approval")],
    },
    "S8": {
        "received": [lambda known: without(known, "handover.received")],
        "destroyed": [lambda known: without(known, "handover.destroyed")],
    },
    "S9": {"not_destroyed": [lambda known: replace(known, facts=(*known.facts, DESTROYED))]},
}
CASES = [
    pytest.param(stage, code, made, id=f"{stage}-{code}-{number}")
    for stage, codes in BREAKS.items()
    for code, breaks in codes.items()
    for number, made in enumerate(breaks)
]


@pytest.mark.parametrize(("stage", "code", "made"), CASES)
def test_one_condition_removed(stage: str, code: str, made: Break) -> None:
    assert unmet(stage, made(for_stage(stage))) == [code]


def test_two_conditions_that_rest_on_one_fact() -> None:
    assert unmet("S1", without(for_stage("S1"), "deals.inventory")) == ["inventory", "inventory_unread"]
    assert unmet("S7", without(for_stage("S7"), "deals.sealed")) == ["sealed", "protected"]


def test_every_condition_of_every_gate_is_broken_above() -> None:
    for stage in STAGES:
        expected = set(gates.asked(stage, for_stage(stage)))
        assert expected - {"inventory"} <= set(BREAKS.get(stage, {})), stage


@pytest.mark.parametrize("structure", Structure)
def test_a_structure_asks_for_its_own(structure: Structure) -> None:
    known = for_stage("S7", structure=structure)
    assert deals.STRUCTURES[structure].conditions
    for code in deals.STRUCTURES[structure].conditions:
        assert unmet("S7", without(known, "deals.waived", condition=code)) == [code]


def test_the_buyer_is_not_asked_for_the_sellers_work() -> None:
    asked = {code for stage in STAGES for code in gates.asked(stage, whole(Side.BUYER))}
    assert not asked & {"inventory", "sad_purged", "sealed", "protected", "destroyed", "notices"}
    assert asked >= {"lead", "structure", "parties", "agreement", "released", "received", "drill"}


SPOILS: dict[str, Callable[[Fact], Fact]] = {
    "withdrawn": lambda item: replace(item, withdrawn=True),
    "expired": lambda item: replace(item, until=NOW),
    "from the future": lambda item: replace(item, start=NOW + timedelta(seconds=1)),
    "about another": lambda item: replace(item, subject="dea_2"),
    "a member too many": lambda item: replace(item, value={**item.value, "extra": 1}),
    "a member too few": lambda item: replace(item, value=dict(list(item.value.items())[1:])),
    "ill typed": lambda item: replace(
        item, value={name: 1 if isinstance(value, str) else "1" for name, value in item.value.items()}
    ),
    "flags for numbers": lambda item: replace(
        item, value={name: True if isinstance(value, int) else None for name, value in item.value.items()}
    ),
}


@pytest.mark.parametrize("spoil", sorted(SPOILS))
@pytest.mark.parametrize("stage", [stage for stage in STAGES if gates.GATES[stage] and stage != "S9"])
def test_no_fact_counts_that_is_spoilt(stage: str, spoil: str) -> None:
    known = for_stage(stage)
    judged = deals.judge(stage, known)
    for entry in (*judged.facts, *judged.waivers):
        made = tuple(SPOILS[spoil](item) if item.entry == entry else item for item in known.facts)
        if entry == 2 and spoil == "about another":
            continue  # an inventory may be about the organisation; another deal's is looked at below
        assert deals.judge(stage, replace(known, facts=made)).unmet, (entry, spoil)


def test_an_inventory_may_be_the_organisations_and_not_another_deals() -> None:
    known = for_stage("S1")
    neither = ["inventory", "inventory_unread"]
    for subject, expected in ((OWN, []), ("dea_2", neither), (THEM, neither)):
        made = tuple(replace(item, subject=subject) if item.kind == "deals.inventory" else item for item in known.facts)
        assert unmet("S1", replace(known, facts=made)) == expected


BAD_WAIVERS: dict[str, Callable[[Fact], Fact]] = {
    "one person": lambda item: replace(item, value={**item.value, "approver": item.value["asker"]}),
    "nobody": lambda item: replace(item, value={**item.value, "approver": ""}),
    "without an end": lambda item: replace(item, until=None),
    "too long": lambda item: replace(item, until=item.start + timedelta(days=90, seconds=1)),
    "of another condition": lambda item: replace(item, value={**item.value, "condition": "notices"}),
}


@pytest.mark.parametrize("flaw", sorted(BAD_WAIVERS))
def test_a_waiver_that_does_not_count(flaw: str) -> None:
    known = for_stage("S7")
    made = tuple(BAD_WAIVERS[flaw](item) if item.value.get("condition") == "drill" else item for item in known.facts)
    assert unmet("S7", replace(known, facts=made)) == ["drill"]


@pytest.mark.parametrize("code", sorted(set(deals.CONDITIONS) - deals.WAIVABLE))
def test_what_can_be_checked_cannot_be_waived(code: str) -> None:
    stage = next((stage for stage, codes in gates.GATES.items() if code in codes), "S7")
    if stage == "S9":
        known = replace(whole(), facts=(*whole().facts, DESTROYED))
    else:
        asking = tuple(item for item in whole().facts if code == "counsel_signoff" and item.kind == "deals.route")
        known = replace(whole(), facts=asking, leads=())
    known = replace(known, facts=(*known.facts, waived(code, 99)))
    assert code in unmet(stage, known)


def test_unread_objects_may_be_waived() -> None:
    known = changed(for_stage("S1"), "deals.inventory", unread=2)
    judged = deals.judge("S1", replace(known, facts=(*known.facts, waived("inventory_unread", 60))))
    assert judged.unmet == ()
    assert judged.waivers == (60,)


def test_a_judgement_names_what_it_rests_on() -> None:
    assert deals.judge("S3", for_stage("S3")).facts == (3, 4)
    judged = deals.judge("S7", for_stage("S7"))
    assert set(judged.facts) == {1, *range(3, 9), 12, 13, 14, 15}
    by_entry = {item.entry: item.value.get("condition") for item in whole().facts}
    waived_ = ["contract_consents", "disposal_plan", "drill", "notices", "regulator_approval"]
    assert sorted(str(by_entry[entry]) for entry in judged.waivers) == waived_


def test_an_unverified_rule_stops_nothing_until_counsel_confirms_it() -> None:
    known = without(for_stage("S7"), "deals.waived", condition="pboc_data_rules")
    assert unmet("S7", known) == []
    said: dict[str, Json] = {"opinion": "o", "counsel": COUNSEL, "rules": ["cn.pboc.data"]}
    confirmed = replace(known, facts=(*known.facts, fact("deals.rule_confirmed", 70, DEAL, **said)))
    assert unmet("S7", confirmed) == ["pboc_data_rules"]
    assert unmet("S6", confirmed) == []
    said["rules"] = ["eu.gdpr"]
    other = replace(known, facts=(*known.facts, fact("deals.rule_confirmed", 70, DEAL, **said)))
    assert unmet("S7", other) == []


def test_no_route_names_just_that() -> None:
    assert unmet("S7", without(for_stage("S7"), "deals.route")) == ["route"]


def test_an_unknown_stage_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="S10"):
        deals.gate("S10", whole())


def test_the_tables_fit_together() -> None:
    assert tuple(gates.GATES) == STAGES
    used = {code for codes in gates.GATES.values() for code in codes}
    used |= {code for rule in deals.STRUCTURES.values() for code in rule.conditions}
    used |= {rule.asks.condition for rule in deals.route_rules().rules}
    assert used == set(deals.CONDITIONS)
    assert set(deals.STRUCTURES) == set(Structure)
    for code, condition in deals.CONDITIONS.items():
        assert condition.sides, code
        assert all(text.zh and text.en for text in (condition.why, condition.how)), code
        assert condition.waivable >= (condition.holds is None), code
    assert AGREEMENT_IN_FORCE.name in {item.kind for item in whole().facts}


def test_a_plan_that_purges_as_the_wrong_class_is_told_which_words_to_change() -> None:
    known = changed(for_stage("S5"), "deals.sad_purged", unresolved=1)
    (told,) = gates.judge("S5", known).unmet
    assert 'class (such as "password_hash" to "password")' in told.how.en
    assert "plan check PLAN ROOT --inventory FILE" in told.how.en
