"""Grants: asked by one person, approved by another, for a time, a purpose and a number; and no row makes one."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from tigertally.access import Action, Grant, NotAllowed, Purpose, given, grants, sql
from tigertally.access.errors import AlreadySettled, BadGrant, NoSuchGrant, RowNotProved, SamePerson
from tigertally.access.grants import LENGTH_S_MAX, OPEN_S_MAX, USES_MAX
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.ids import new_id
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import LedgerBroken

from .conftest import Office


def ask(
    office: Office, *, uses: int = 3, length_s: int = 3600, classes: tuple[FieldClass, ...] = (FieldClass.PAN,)
) -> Grant:
    with office.writing() as tx:
        return grants.ask(
            tx,
            office.ledger,
            asker=office.id("li"),
            classes=classes,
            purpose=Purpose.REFUND,
            deal="",
            uses=uses,
            length_s=length_s,
            now=office.now,
        )


def approve(office: Office, grant: Grant, by: str = "wang") -> Grant:
    with office.writing() as tx:
        return grants.approve(tx, office.ledger, grant_id=grant.grant, approver=office.id(by), now=office.now)


def test_a_grant_lives_from_its_approval(office: Office) -> None:
    grant = ask(office, length_s=600)
    assert (grant.approved, grant.start, grant.until) == (False, None, None)
    with office.reading() as tx:
        waiting = grants.view(tx, office.ledger, grant.grant)
    assert waiting is not None
    assert (waiting.approver, waiting.start, waiting.until) == ("", office.now, office.now + timedelta(days=1))
    office.clock.advance(3600)
    given = approve(office, grant)
    assert (given.start, given.until) == (office.now, office.now + timedelta(seconds=600))
    with office.reading() as tx:
        view = grants.view(tx, office.ledger, grant.grant)
        assert grants.of_person(tx, office.id("li")) == grants.everything(tx) == [given]
        assert grants.of_person(tx, office.id("wang")) == []
    assert view is not None
    assert (view.asker, view.approver, view.left) == (office.id("li"), office.id("wang"), 3)
    assert office.clean()


def test_nobody_approves_their_own(office: Office) -> None:
    grant = ask(office)
    with pytest.raises(SamePerson):
        approve(office, grant, "li")
    approve(office, grant)
    with pytest.raises(AlreadySettled):
        approve(office, grant, "zhao")


def test_a_request_is_open_for_a_day(office: Office) -> None:
    early, late = ask(office), ask(office)
    office.clock.advance(OPEN_S_MAX - 1)
    approve(office, early)
    office.clock.advance(1)
    with pytest.raises(AlreadySettled):
        approve(office, late)


def test_two_at_once_approve_one(office: Office) -> None:
    grant = ask(office)
    outcomes: list[str] = []

    def work(by: str) -> None:
        try:
            approve(office, grant, by)
        except AlreadySettled:
            outcomes.append("settled")
        else:
            outcomes.append("approved")

    threads = [threading.Thread(target=work, args=(by,)) for by in ("wang", "zhao")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["approved", "settled"]
    assert office.clean()


@pytest.mark.parametrize("uses", [0, -1, USES_MAX + 1])
def test_uses_are_bounded(office: Office, uses: int) -> None:
    with pytest.raises(BadGrant):
        ask(office, uses=uses)


@pytest.mark.parametrize("length_s", [0, 59, LENGTH_S_MAX + 1])
def test_lengths_are_bounded(office: Office, length_s: int) -> None:
    with pytest.raises(BadGrant):
        ask(office, length_s=length_s)


def test_what_is_never_shown_is_never_granted(office: Office) -> None:
    for classes in ((), (FieldClass.CVV,), (FieldClass.PAN, FieldClass.PIN)):
        with pytest.raises(BadGrant):
            ask(office, classes=classes)
    ask(office, classes=tuple(SEALABLE))


def test_an_unknown_grant_is_none(office: Office) -> None:
    with office.writing() as tx:
        assert grants.view(tx, office.ledger, new_id("gra")) is None
        with pytest.raises(NoSuchGrant):
            grants.approve(tx, office.ledger, grant_id=new_id("gra"), approver=office.id("wang"), now=office.now)


def test_uses_are_counted_down_to_none(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(uses=3)
    office.reveal(grant)
    assert office.refusal(grant, count=3) == ["grant_left"]
    office.reveal(grant, count=2)
    assert office.refusal(grant) == ["grant_left"]
    with office.writing() as tx, pytest.raises(AlreadySettled):
        grants.use(tx, grant_id=grant.grant, count=1)
    assert office.clean()


def test_a_refused_reveal_takes_no_use(office: Office) -> None:
    grant = office.granted(uses=1)
    assert office.refusal(grant) == ["trained", "screened", "pledged", "key", "checked"]
    office.qualify("li")
    office.reveal(grant)


def test_uses_at_once_take_no_more_than_there_are(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(uses=2)
    allowed: list[bool] = []

    def work() -> None:
        try:
            office.reveal(grant)
        except (NotAllowed, AlreadySettled):
            allowed.append(False)
        else:
            allowed.append(True)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert allowed.count(True) == 2


def test_uses_wiped_from_the_row_are_still_counted(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(uses=2)
    office.reveal(grant)
    office.reveal(grant)
    office.tamper(update(sql.grant).values(used=0))
    assert office.refusal(grant) == ["grant_left"]


@pytest.mark.parametrize(
    "values",
    [
        {"uses_max": 50},
        {"classes": "expiry,mobile,pan"},
        {"asker": "per_somebody"},
        {"approver": "per_somebody"},
        {"purpose": "dispute"},
        {"deal": "dea_other"},
        {"scope": "brand"},
        {"idx": 0},
    ],
)
def test_an_edited_grant_is_noticed(office: Office, values: dict[str, object]) -> None:
    office.qualify("li")
    grant = office.granted()
    office.tamper(update(sql.grant).values(**values))
    with pytest.raises(LedgerBroken):
        office.reveal(grant)


def test_a_grant_made_longer_is_noticed(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(length_s=60)
    office.tamper(update(sql.grant).values(until=office.now + timedelta(days=1)))
    with pytest.raises(LedgerBroken):
        office.reveal(grant)


def test_a_request_approved_in_the_row_only_is_noticed(office: Office) -> None:
    office.qualify("li")
    grant = ask(office)
    end = office.now + timedelta(hours=1)
    office.tamper(update(sql.grant).values(approver=office.id("wang"), start=office.now, until=end))
    with pytest.raises(LedgerBroken):
        office.reveal(grant)


@pytest.mark.parametrize(
    "values", [{"uses_max": 50}, {"length_s": 28_800}, {"classes": "pan,name"}, {"asker": "per_x"}]
)
def test_a_request_edited_before_its_approval_is_noticed(office: Office, values: dict[str, object]) -> None:
    """The second person would agree to something that was never asked for."""
    grant = ask(office)
    office.tamper(update(sql.grant).values(**values))
    with pytest.raises(RowNotProved):
        approve(office, grant)


def test_a_grant_whose_entry_was_erased_is_no_grant(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    with office.writing() as tx:
        assert office.ledger.erase_payloads(tx, office.id("li"), now=office.now) > 0
    assert office.refusal(grant) == ["grant"]
    with office.reading() as tx:
        assert grants.view(tx, office.ledger, grant.grant) is None


def test_a_grant_whose_uses_were_erased_is_used_up(office: Office) -> None:
    office.qualify("li")
    grant = office.granted(uses=50)
    office.reveal(grant)
    with office.reading() as tx:
        newest = ledger_sql.read_head(tx).size - 1
        assert newest in office.ledger.about(tx, grant.grant)
    office.tamper(ledger_sql.payload.delete().where(ledger_sql.payload.c.idx == newest))
    assert office.refusal(grant) == ["grant_left", "volume"], "what it gave, nobody knows"


def test_what_somebody_is_given_within_a_day_adds_up_until_a_second_person_is_needed(office: Office) -> None:
    office.qualify("li")
    first, second = office.granted(uses=50, length_s=8 * 3600), office.granted(uses=50, length_s=8 * 3600)
    office.reveal(first, count=20)
    office.clock.advance(3600)
    office.reveal(second, count=4)
    assert office.refusal(second) == ["volume"]
    act = {"grant": second.grant, "classes": [FieldClass.PAN], "purpose": "refund", "count": 1}
    office.give(office.ask_second("li", Action.REVEAL, **act), "wang")
    office.reveal(second)
    assert office.refusal(second) == ["volume"], "an approval is for one act, once"
    office.clock.advance(23 * 3600 + 60)
    with office.reading() as tx:
        assert given.within_day(tx, office.ledger, office.id("li"), now=office.now) == 500
    assert office.clean()


def test_a_reveal_that_was_taken_out_of_the_ledger_is_missed(office: Office) -> None:
    office.qualify("li")
    office.reveal(office.granted())
    day = office.ledger.pseudonym(given.name_of(office.id("li"), office.now))
    office.tamper(ledger_sql.about.delete().where(ledger_sql.about.c.pseudonym == day))
    with pytest.raises(LedgerBroken), office.reading() as tx:
        given.within_day(tx, office.ledger, office.id("li"), now=office.now)


def test_a_reveal_records_grant_facts_and_policy(office: Office) -> None:
    office.qualify("li")
    grant = office.granted()
    office.reveal(grant)
    with office.reading() as tx:
        size = ledger_sql.read_head(tx).size
        payload = office.ledger.payload_of(tx, size - 1)
        (row,) = sql.read_grants(tx, grant_id=grant.grant)
    assert isinstance(payload, dict)
    assert payload["action"] == Action.REVEAL.value
    assert payload["allowed"] is True
    assert payload["unmet"] == []
    assert row.idx in payload["facts"]
    assert len(payload["facts"]) == 7
    assert len(str(payload["policy"])) == 64
