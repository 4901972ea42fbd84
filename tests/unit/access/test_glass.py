"""Breaking the glass: by two, for an hour at most, without a grant, cited by each decision, reviewed by two others."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tigertally.access import Action, NotAllowed, Purpose, duties, glass
from tigertally.access.duties import Duty
from tigertally.access.errors import BadGlass, GlassNotReviewed, NoSuchGlass, SamePerson
from tigertally.access.glass import Emergency, Verdict
from tigertally.base.fields import FieldClass
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import LedgerBroken

from .conftest import Office

LOOK = {"classes": [FieldClass.PAN], "purpose": Purpose.FRAUD_REVIEW.value, "count": 1}


def break_it(office: Office, *, minutes: int = 30, by: str = "li", approver: str = "wang") -> int:
    with office.writing() as tx:
        return glass.break_it(
            tx,
            office.ledger,
            person=office.id(by),
            reason=Emergency.FRAUD_NOW,
            minutes=minutes,
            by=office.id(by),
            approver=office.id(approver),
            now=office.now,
        )


def review(office: Office, entry: int, *, by: str = "wang", approver: str = "zhao") -> int:
    with office.writing() as tx:
        return glass.review(
            tx,
            office.ledger,
            glass=entry,
            verdict=Verdict.JUSTIFIED,
            by=office.id(by),
            approver=office.id(approver),
            now=office.now,
        )


def test_without_a_grant_or_training_a_value_is_seen_and_the_glass_is_cited(office: Office) -> None:
    assert office.unmet("li", Action.REVEAL, **LOOK) == ["trained", "screened", "pledged", "grant", "key", "checked"]
    entry = break_it(office)
    assert office.unmet("li", Action.REVEAL, **LOOK) == ["pledged"], "that is never set aside"
    office.qualify("li")
    with office.writing() as tx:
        decision = office.access.decide(tx, office.request(tx, "li", Action.REVEAL, **LOOK))
    assert decision.waived == ("grant",)
    assert entry in decision.facts
    assert office.unmet("wang", Action.REVEAL, **LOOK)[0] == "role", "for one person only"
    assert "class" in office.unmet("li", Action.REVEAL, **{**LOOK, "classes": [FieldClass.CVV]})
    assert office.clean()


def test_it_ends_by_itself_and_by_its_review(office: Office) -> None:
    office.qualify("li")
    entry = break_it(office, minutes=60)
    assert office.unmet("li", Action.REVEAL, **LOOK) == []
    review(office, entry)
    assert office.unmet("li", Action.REVEAL, **LOOK) == ["grant"]
    break_it(office, minutes=1)
    office.clock.advance(60)
    assert office.unmet("li", Action.REVEAL, **LOOK) == ["grant"]


def test_the_volume_of_a_day_binds_also_then(office: Office) -> None:
    office.qualify("li")
    break_it(office)
    assert office.unmet("li", Action.REVEAL, **{**LOOK, "count": 25}) == ["volume"]


def test_nobody_breaks_it_alone_for_long_or_again_before_the_review(office: Office) -> None:
    with pytest.raises(SamePerson):
        break_it(office, approver="li")
    for minutes in (0, 61):
        with pytest.raises(BadGlass):
            break_it(office, minutes=minutes)
    entry = break_it(office)
    office.clock.advance(7200)
    with pytest.raises(GlassNotReviewed):
        break_it(office)
    for by, approver in (("li", "wang"), ("wang", "li"), ("wang", "wang")):
        with pytest.raises(SamePerson):
            review(office, entry, by=by, approver=approver)
    with pytest.raises(NoSuchGlass):
        review(office, entry + 1)
    review(office, entry)
    with pytest.raises(NoSuchGlass):
        review(office, entry)
    break_it(office)


def test_to_break_it_takes_a_second_person(office: Office) -> None:
    act = {"details": (("reason", "order"), ("minutes", "30"))}
    assert office.unmet("li", Action.GLASS_BREAK, **act) == ["second_person"]
    office.give(office.ask_second("li", Action.GLASS_BREAK, **act), "wang")
    assert office.unmet("li", Action.GLASS_BREAK, **act) == []
    assert office.unmet("sun", Action.GLASS_BREAK, **act) == ["role"]


def test_keys_are_to_be_replaced_afterwards_until_they_are(office: Office) -> None:
    break_it(office)
    with office.writing() as tx:
        (duty,) = duties.standing(tx, office.ledger)
        assert (duty.value["duty"], duty.value["because"]) == ("replace_keys", "glass")
        assert duties.done(tx, office.ledger, duty=Duty.REPLACE_KEYS, actor=office.id("wang"), now=office.now) == 1
        assert duties.standing(tx, office.ledger) == []


def test_a_glass_that_was_made_longer_or_revived_in_the_database_is_none(office: Office) -> None:
    office.qualify("li")
    review(office, break_it(office))
    office.tamper(update(ledger_sql.fact).where(ledger_sql.fact.c.kind == "access.glass").values(withdrawn_idx=None))
    with pytest.raises((LedgerBroken, NotAllowed)):
        office.unmet("li", Action.REVEAL, **LOOK)
