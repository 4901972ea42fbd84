"""Rules as data: only stricter, in force for every decision, and simulated on decisions of the past."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tigertally.access import Action, NotAllowed, rules
from tigertally.access.errors import BadRules, RulesLoosen
from tigertally.access.facts import INSTALLATION, RULES_IN_FORCE
from tigertally.access.policy import POLICY, SHIPPED, Role, Rules
from tigertally.access.simulate import Simulated, simulate
from tigertally.base.canon import Json
from tigertally.ledger import sql as ledger_sql

from .conftest import Office

STRICT = (
    '["vault.reveal"]\nfactor_age_max_s = 60\nfactor_bound = true\n["access.grant_ask"]\nsecond_person = ["lead"]\n'
)


def put(office: Office, text: str) -> Rules:
    with office.writing() as tx:
        who = {"actor": office.id("wang"), "approver": office.id("zhao")}
        return rules.change(tx, office.ledger, rules.parse(text), **who, now=office.now)


def simulated(office: Office, text: str) -> Simulated:
    wanted = rules.rules_of(rules.parse(text), version=1)
    with office.reading() as tx:
        day = timedelta(days=1)
        return simulate(tx, office.ledger, wanted, start=office.now - day, until=office.now + day)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[nosuch]\n",
        '["vault.everything"]\n',
        '["access.rules_change"]\ntrained = true\n',
        '["access.waive"]\nwitnessed = true\n',
        '["vault.reveal"]\nclear_values = true\n',
        '["vault.reveal"]\nroles = []\n',
        '["vault.reveal"]\nroles = ["king"]\n',
        '["vault.reveal"]\nroles = "operator"\n',
        '["vault.reveal"]\nfactor_age_max_s = 0\n',
        '["vault.reveal"]\nfactor_age_max_s = true\n',
        '["vault.reveal"]\ntrained = 1\n',
        '["deals.stage"]\nstages = ["S10"]\n',
        "trained = true\n",
    ],
)
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(BadRules):
        rules.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '["vault.reveal"]\nroles = ["operator", "lead"]\n',
        '["vault.reveal"]\nfactor_age_max_s = 301\n',
        '["vault.reveal"]\ntrained = false\n',
        '["handover.release"]\nstages = ["S5", "S8"]\n',
        '["vault.view"]\nstages = ["S5"]\n',
        '["vault.erase"]\nsecond_person = ["operator"]\n',
    ],
)
def test_nothing_can_be_written_away(text: str) -> None:
    with pytest.raises(RulesLoosen):
        rules.parse(text)


def test_the_example_of_the_format_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "formats" / "rules.md").read_text("utf-8")
    made = rules.rules_of(rules.parse(page.split("```toml")[1].split("```")[0]), version=1)
    assert made.table[Action.SEAL].second_person == frozenset({Role.OFFICER})
    assert made.table[Action.REVEAL].factor_bound
    assert made.digest != SHIPPED.digest


def test_own_rules_are_in_force_from_the_next_decision_on(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    office.reveal(grant)
    made = put(office, STRICT)
    assert made.version == 1
    assert office.refusal(grant) == ["factor_bound"]
    assert office.unmet("li", Action.GRANT_ASK) == ["second_person"]
    assert office.ask_second("li", Action.GRANT_ASK).action == Action.GRANT_ASK.value
    assert put(office, "").version == 2
    with office.reading() as tx:
        assert rules.in_force(tx, office.ledger).digest == SHIPPED.digest
    office.reveal(grant)
    assert office.clean()


def test_a_document_that_cannot_be_read_leaves_only_changing_it(office: Office) -> None:
    value: dict[str, Json] = {
        "version": 3,
        "document": '{"vault.everything":{}}',
        "digest": "0",
        "by": "x",
        "approver": "y",
    }
    office.state(RULES_IN_FORCE, INSTALLATION, value)
    with office.reading() as tx:
        left = rules.in_force(tx, office.ledger)
    assert set(left.table) == {Action.RULES_CHANGE, Action.CONDITION_WAIVE, Action.APPROVE}
    assert office.unmet("wang", Action.VIEW) == ["action"]
    act = {"details": (("rules", "x"),)}
    office.give(office.ask_second("wang", Action.RULES_CHANGE, **act), "zhao")
    assert office.unmet("wang", Action.RULES_CHANGE, **act) == []
    assert put(office, "").version == 4


def test_a_change_is_simulated_on_decisions_of_the_past(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    office.reveal(grant)
    with pytest.raises(NotAllowed) as caught:
        office.reveal(grant, count=9)
    with office.writing() as tx:
        office.access.record(tx, caught.value.request, caught.value.decision)
        office.access.decide(tx, office.request(tx, "sun", Action.LEDGER_READ))
    found = simulated(office, STRICT)
    assert (found.asked, found.unknown) == (3, ())
    (flip,) = found.flips
    assert (flip.person, flip.action, flip.was, flip.unmet) == (
        office.id("li"),
        "vault.reveal",
        True,
        ("factor_bound",),
    )
    assert simulated(office, "").flips == ()
    put(office, STRICT)
    assert [item.was for item in simulated(office, "").flips] == []


def test_what_was_refused_by_own_rules_would_be_allowed_by_the_shipped_ones(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    put(office, STRICT)
    with pytest.raises(NotAllowed) as caught:
        office.reveal(grant)
    with office.writing() as tx:
        office.access.record(tx, caught.value.request, caught.value.decision)
    put(office, "")
    (flip,) = simulated(office, "").flips
    assert (flip.was, flip.unmet) == (False, ())


def test_two_person_decisions_are_replayed_with_the_approval_they_had(office: Office) -> None:
    act = {"details": (("subject", "x"),)}
    office.give(office.ask_second("wang", Action.ERASE, **act), "zhao")
    with office.writing() as tx:
        office.access.decide(tx, office.request(tx, "wang", Action.ERASE, **act))
    assert simulated(office, "").unknown == ()
    (flip,) = simulated(office, '["vault.erase"]\nwitnessed = true\n').flips
    assert flip.unmet == ("witnessed",)


def test_what_was_erased_or_does_not_come_out_as_recorded_is_told_apart(office: Office) -> None:
    office.qualify("li")
    office.reveal(office.granted())
    with office.reading() as tx:
        newest = ledger_sql.read_head(tx).size - 1
    office.tamper(ledger_sql.payload.delete().where(ledger_sql.payload.c.idx == newest))
    assert simulated(office, STRICT) == Simulated(asked=0, flips=(), unknown=(newest,))


def test_every_shipped_rule_may_be_named_but_those_that_change_rules() -> None:
    text = "".join(f'["{action.value}"]\n' for action in POLICY if action not in rules.FIXED)
    assert rules.rules_of(rules.parse(text), version=1).digest == SHIPPED.digest
