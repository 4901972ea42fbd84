"""Who leaves is out at once; access is reviewed row by row, or it ends."""

from __future__ import annotations

import pytest

from tigertally.access import Action, Purpose, Role, duties, identities, leaving, reviews
from tigertally.access import grants as grants_room
from tigertally.access.errors import (
    AlreadySettled,
    LoginFailed,
    NoSuchPerson,
    NotLoggedIn,
    ReviewedOtherwise,
    SamePerson,
)
from tigertally.access.leaving import Left
from tigertally.base.fields import FieldClass

from .conftest import Office


def leave(office: Office, handle: str) -> Left:
    with office.writing() as tx:
        person = identities.find(tx, handle)
        return leaving.leave(tx, office.ledger, person=person, actor=office.id("zhao"), now=office.now)


def test_sessions_grants_and_roles_end_at_once(office: Office) -> None:
    office.qualify("li")
    token = office.login("li")
    grant = office.granted()
    with office.reading() as tx:
        assert grants_room.view(tx, office.ledger, grant.grant) is not None
    assert leave(office, "li") == Left(sessions=1, grants=1, replace_keys=False)
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)
    with office.reading() as tx:
        assert grants_room.view(tx, office.ledger, grant.grant) is None
    act = {"grant": grant.grant, "classes": [FieldClass.PAN], "purpose": "refund", "count": 1}
    assert office.unmet("li", Action.REVEAL, **act)[0] == "role"
    office.clock.advance(30)
    with pytest.raises(LoginFailed):
        office.login("li")
    with pytest.raises(NoSuchPerson):
        leave(office, "li")
    assert office.clean()


def test_a_grant_that_was_asked_for_is_not_approved_after_the_asker_left(office: Office) -> None:
    with office.writing() as tx:
        asked = grants_room.ask(
            tx,
            office.ledger,
            asker=office.id("li"),
            classes=[FieldClass.PAN],
            purpose=Purpose.REFUND,
            deal="",
            uses=1,
            length_s=600,
            now=office.now,
        )
    assert leave(office, "li").grants == 1
    with office.writing() as tx, pytest.raises(AlreadySettled):
        grants_room.approve(tx, office.ledger, grant_id=asked.grant, approver=office.id("wang"), now=office.now)


def test_of_who_could_get_at_keys_a_duty_is_left(office: Office) -> None:
    assert leave(office, "wang").replace_keys
    with office.reading() as tx:
        (duty,) = duties.standing(tx, office.ledger)
    assert duty.value == {"duty": "replace_keys", "person": office.id("wang"), "because": "left"}


def test_what_nobody_reviewed_for_half_a_year_ends(office: Office) -> None:
    office.clock.advance(identities.REVIEW_HOLDS.total_seconds())
    office.qualify("li")
    grant = office.granted()
    assert office.refusal(grant) == ["reviewed"]
    with office.reading() as tx:
        row = next(item for item in reviews.rows(tx, office.ledger, now=office.now) if item.handle == "li")
    assert (row.roles, row.grants, row.until) == (("operator",), 1, None)
    with office.writing() as tx:
        reviews.keep(tx, office.ledger, handle="li", digest=row.digest, by=office.id("wang"), now=office.now)
    office.reveal(grant)


def test_a_row_is_kept_by_somebody_else_who_has_it_before_them(office: Office) -> None:
    with office.reading() as tx:
        rows = {item.handle: item for item in reviews.rows(tx, office.ledger, now=office.now)}
    with office.writing() as tx:
        with pytest.raises(SamePerson):
            reviews.keep(tx, office.ledger, handle="li", digest=rows["li"].digest, by=office.id("li"), now=office.now)
        for digest in ("", "0" * 12, rows["wang"].digest):
            with pytest.raises(ReviewedOtherwise):
                reviews.keep(tx, office.ledger, handle="li", digest=digest, by=office.id("wang"), now=office.now)
    with office.writing() as tx:
        roles = {Role.OPERATOR, Role.AUDITOR}
        identities.change_roles(tx, office.ledger, handle="li", roles=roles, actor=office.id("wang"), now=office.now)
    with office.writing() as tx, pytest.raises(ReviewedOtherwise):
        reviews.keep(tx, office.ledger, handle="li", digest=rows["li"].digest, by=office.id("wang"), now=office.now)


def test_who_loses_a_role_is_out_of_sessions_and_grants_and_who_gains_one_is_not(office: Office) -> None:
    office.qualify("li")
    token, grant = office.login("li"), office.granted()
    with office.writing() as tx:
        person = identities.find(tx, "li")
        more = frozenset({Role.OPERATOR, Role.AUDITOR})
        assert (
            leaving.move(tx, office.ledger, person=person, roles=more, actor=office.id("wang"), now=office.now) is None
        )
    office.resume("li", token)
    with office.writing() as tx:
        less = frozenset({Role.AUDITOR})
        ended = leaving.move(tx, office.ledger, person=person, roles=less, actor=office.id("wang"), now=office.now)
    assert ended == Left(sessions=1, grants=1, replace_keys=False)
    with pytest.raises(NotLoggedIn):
        office.resume("li", token)
    with office.reading() as tx:
        assert grants_room.view(tx, office.ledger, grant.grant) is None
    with office.writing() as tx:
        lead = identities.find(tx, "wang")
        ended = leaving.move(tx, office.ledger, person=lead, roles=less, actor=office.id("zhao"), now=office.now)
    assert ended is not None
    assert ended.replace_keys
    with office.reading() as tx:
        (duty,) = duties.standing(tx, office.ledger)
    assert (duty.value["duty"], duty.value["because"]) == ("replace_keys", "moved")
    assert office.clean()
