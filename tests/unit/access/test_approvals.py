"""Second persons: never the first, for exactly one act, by a role they still have; and no row makes one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from tigertally.access import DEAL_STAGE, PERSON_FROZEN, Action, Decision, NotAllowed, Role, approvals, identities, sql
from tigertally.access.approvals import HOLDS_S, OPEN_S_MAX
from tigertally.access.errors import AlreadySettled, NoSuchApproval, RowNotProved, SamePerson
from tigertally.access.facts import LEDGER_WITNESSED
from tigertally.base.fields import FieldClass
from tigertally.base.ids import new_id
from tigertally.ledger.errors import LedgerBroken

from .conftest import Office

ACT: dict[str, object] = {"details": (("subject", "sub_one"),)}
NONE: list[str] = []


def test_an_act_waits_for_a_second_person(office: Office) -> None:
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]
    with office.reading() as tx:
        assert approvals.still_open(tx, office.now) == [asked]
        assert approvals.find(tx, asked.approval) == asked
    given = office.give(asked, "zhao")
    assert given.approver == office.id("zhao")
    assert office.unmet("wang", Action.ERASE, **ACT) == NONE
    with office.reading() as tx:
        assert approvals.still_open(tx, office.now) == []
    assert office.clean()


def test_what_the_second_person_reads_is_the_act(office: Office) -> None:
    asked = office.ask_second(
        "wang",
        Action.ERASE,
        details=(("subject", "sub_one"), ("action", "harmless")),
        classes=[FieldClass.PAN],
        count=1,
    )
    assert asked.what == {"action": "vault.erase", "classes": ["pan"], "count": 1, "subject": "sub_one"}


def test_nobody_is_their_own_second_person(office: Office) -> None:
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    with pytest.raises(SamePerson):
        office.give(asked, "wang")


def test_the_one_who_approved_cannot_act_on_it(office: Office) -> None:
    """Wang asks, Zhao approves, Zhao acts: that would be one person."""
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    assert office.unmet("zhao", Action.ERASE, **ACT) == ["second_person"]
    assert office.unmet("wang", Action.ERASE, **ACT) == NONE


def test_changing_roles_does_not_make_two_persons_of_one(office: Office) -> None:
    """Zhao asks, is given other roles, and tries to be the second person of the same act."""
    asked = office.ask_second("zhao", Action.ERASE, **ACT)
    with office.writing() as tx:
        identities.change_roles(tx, office.ledger, handle="zhao", roles={Role.OFFICER}, actor="", now=office.now)
    with pytest.raises(SamePerson):
        office.give(asked, "zhao")
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.writing() as tx:
        identities.change_roles(tx, office.ledger, handle="zhao", roles={Role.LEAD}, actor="", now=office.now)
    assert office.unmet("zhao", Action.ERASE, **ACT) == ["second_person"]


def test_an_approver_who_lost_the_role_is_none(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.writing() as tx:
        identities.change_roles(tx, office.ledger, handle="zhao", roles={Role.AUDITOR}, actor="", now=office.now)
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]


def test_a_disabled_approver_is_none_and_another_can_be_asked(office: Office) -> None:
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    office.give(asked, "zhao")
    with office.writing() as tx:
        identities.disable(tx, office.ledger, handle="zhao", actor="", now=office.now)
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]
    again = office.ask_second("wang", Action.ERASE, **ACT)
    assert again.approval != asked.approval
    assert again.approver == ""


def test_an_approver_without_the_role_does_not_count(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "sun")
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]


@pytest.mark.parametrize(
    "other",
    [
        {"details": (("subject", "sub_two"),)},
        {"details": (("subject", "sub_one"), ("more", "x"))},
        {"details": ()},
        {**ACT, "deal": "dea_x"},
        {**ACT, "scope": "brand"},
        {**ACT, "classes": [FieldClass.PAN]},
        {**ACT, "purpose": "refund"},
        {**ACT, "count": 1000},
    ],
)
def test_an_approval_of_one_act_never_carries_another(office: Office, other: dict[str, object]) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    assert office.unmet("wang", Action.ERASE, **other) == ["second_person"]
    assert "second_person" in office.unmet("wang", Action.ROTATE, **ACT)


def test_a_request_is_open_for_a_day_and_an_approval_holds_an_hour(office: Office) -> None:
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    assert office.ask_second("wang", Action.ERASE, **ACT) == asked
    office.clock.advance(OPEN_S_MAX - 1)
    office.give(asked, "zhao")
    office.clock.advance(HOLDS_S - 1)
    assert office.unmet("wang", Action.ERASE, **ACT) == NONE
    office.clock.advance(1)
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]
    late = office.ask_second("wang", Action.ERASE, **ACT)
    assert late.approval != asked.approval
    office.clock.advance(OPEN_S_MAX)
    with pytest.raises(AlreadySettled):
        office.give(late, "zhao")


def test_a_settled_request_is_settled(office: Office) -> None:
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    office.give(asked, "zhao")
    with pytest.raises(AlreadySettled):
        office.give(asked, "sun")
    with office.writing() as tx, pytest.raises(NoSuchApproval):
        approvals.give(tx, office.ledger, approval_id=new_id("apv"), approver=office.id("sun"), now=office.now)
    with office.reading() as tx, pytest.raises(NoSuchApproval):
        approvals.find(tx, new_id("apv"))


def test_actions_without_a_second_person_ask_for_none(office: Office) -> None:
    with office.writing() as tx:
        assert office.access.ask_second(tx, office.request(tx, "li", Action.VIEW)) is None
        asked = office.access.ask_second(tx, office.request(tx, "wang", Action.ERASE, details=(("subject", "x"),)))
    assert asked is not None


@pytest.mark.parametrize("column", ["approver", "until", "asker", "idx", "action"])
def test_an_edited_approval_is_noticed(office: Office, column: str) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    new = {
        "approver": office.id("sun"),
        "until": office.now + timedelta(days=9),
        "asker": office.id("li"),
        "idx": 0,
        "action": "vault.rotate",
    }
    office.tamper(update(sql.approval).values({column: new[column]}))
    with pytest.raises(LedgerBroken):
        office.unmet("wang", Action.ERASE, **ACT)


def test_an_approval_given_in_the_row_only_is_noticed(office: Office) -> None:
    office.ask_second("wang", Action.ERASE, **ACT)
    office.tamper(
        update(sql.approval).values(
            approver=office.id("zhao"), at=office.now, until=office.now + timedelta(hours=1), idx=1
        )
    )
    with pytest.raises(LedgerBroken):
        office.unmet("wang", Action.ERASE, **ACT)


def test_an_approval_moved_to_another_act_is_noticed(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.reading() as tx:
        other = office.request(tx, "wang", Action.ERASE, details=(("subject", "sub_two"),))
    office.tamper(update(sql.approval).values(digest=other.act_digest(), what=other.act()))
    with pytest.raises(LedgerBroken):
        office.unmet("wang", Action.ERASE, details=(("subject", "sub_two"),))


def test_a_description_that_is_not_the_acts_is_noticed_before_the_yes(office: Office) -> None:
    asked = office.ask_second("wang", Action.ERASE, **ACT)
    with office.reading() as tx:
        harmless = office.request(tx, "wang", Action.ERASE, details=(("subject", "sub_harmless"),)).act()
    office.tamper(update(sql.approval).values(what=harmless))
    with pytest.raises(RowNotProved):
        office.give(asked, "zhao")
    with office.reading() as tx, pytest.raises(RowNotProved):
        approvals.find(tx, asked.approval)


def test_an_approval_whose_entry_was_erased_is_none(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.writing() as tx:
        office.ledger.erase_payloads(tx, office.id("zhao"), now=office.now)
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]


def act(office: Office) -> Decision:
    """Decide and record wang's act."""
    with office.writing() as tx:
        return office.access.decide(tx, office.request(tx, "wang", Action.ERASE, **ACT))


def test_a_decision_on_an_approval_cites_it_and_uses_it_up(office: Office) -> None:
    with pytest.raises(NotAllowed):
        act(office)
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.reading() as tx:
        (row,) = sql.read_approvals(tx)
    assert act(office).facts == (row.idx,)
    with pytest.raises(NotAllowed) as caught:
        act(office)
    assert [item.condition for item in caught.value.decision.unmet] == ["second_person"]
    assert office.clean()


def test_a_refused_decision_uses_no_approval_up(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    with office.writing() as tx:
        stale = replace(office.request(tx, "wang", Action.ERASE, **ACT), factor_at=None)
        office.access.record(tx, stale, office.access.judge(tx, stale))
    act(office)


def test_a_destruction_is_taken_up_again_by_its_approval(office: Office) -> None:
    """It is one act in many steps; whoever was killed in the middle goes on within the hour."""
    office.qualify("wang")
    office.state(DEAL_STAGE, office.deal, {"stage": "S7", "side": "seller"})
    office.state(LEDGER_WITNESSED, office.deal, {"size": 1, "witnesses": ["a", "b"], "policy": "d"})
    what = {**ACT, "deal": office.deal}
    office.give(office.ask_second("wang", Action.DESTROY, **what), "zhao")
    for _ in range(2):
        with office.writing() as tx:
            assert office.access.decide(tx, office.request(tx, "wang", Action.DESTROY, **what)).allowed


def test_a_frozen_approver_does_not_count(office: Office) -> None:
    office.give(office.ask_second("wang", Action.ERASE, **ACT), "zhao")
    office.state(PERSON_FROZEN, office.id("zhao"), {"reason": "anomaly"})
    assert office.unmet("wang", Action.ERASE, **ACT) == ["second_person"]
