"""Services: made by two, narrow, expiring, with a token for each command; every lie of a token is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from tests.unit.formats.tokens import Signer, claims, es256

from tigertally.access import Action, Actor, NotAllowed, Purpose, guard, identities, leaving, services, simulate
from tigertally.access import facts as kinds
from tigertally.access.conditions import ASSERTION
from tigertally.access.errors import AssertionUsed, BadService, NoSuchService, SamePerson, ServiceExists
from tigertally.access.policy import SHIPPED
from tigertally.access.services import Scope, Service
from tigertally.access.serving import SERVABLE
from tigertally.base.fields import FieldClass
from tigertally.crypto.digest import sha256_hex
from tigertally.formats.errors import Malformed
from tigertally.ledger import sql as ledger_sql
from tigertally.ledger.errors import LedgerBroken

from .conftest import Office

US: Final = "pty_us"
SCOPE: Final = Scope(
    actions=[Action.REVEAL, Action.VIEW],
    classes=[FieldClass.PAN],
    purposes=[Purpose.REFUND],
    deal="",
    daily=3,
    days=30,
)


def made(office: Office, signer: Signer, *, name: str = "till", scope: Scope = SCOPE) -> Service:
    with office.writing() as tx:
        return services.add(
            tx,
            office.ledger,
            name=name,
            owner=office.id("li"),
            scope=scope,
            key=signer.public,
            by=office.id("wang"),
            approver=office.id("zhao"),
            now=office.now,
        )


def shown(office: Office, token: bytes, *, name: str = "till") -> services.Shown:
    with office.writing() as tx:
        return services.show(tx, office.ledger, name=name, token=token, audience=US, now=office.now)


def acting(office: Office, service: Service) -> Actor:
    return Actor(person=service.person, factor_at=office.now, factor_kind=ASSERTION)


def reveal(office: Office, service: Service, grant: str, *, count: int = 1, **more: object) -> None:
    asked = {"classes": [FieldClass.PAN], "purpose": "refund", "grant": grant, "key": office.key, "count": count}
    with office.writing() as tx:
        request = office.access.request(
            tx,
            actor=acting(office, service),
            action=Action.REVEAL,
            now=office.now,
            **{**asked, **more},  # type: ignore[arg-type]
        )
        office.access.decide(tx, request)


def unmet(office: Office, service: Service, action: Action, **more: object) -> list[str]:
    with office.reading() as tx:
        request = office.access.request(tx, actor=acting(office, service), action=action, now=office.now, **more)  # type: ignore[arg-type]
        return [item.condition for item in office.access.judge(tx, request).unmet]


@pytest.mark.parametrize("signer", [Signer(), es256()], ids=["EdDSA", "ES256"])
def test_a_token_lets_it_in_once(office: Office, signer: Signer) -> None:
    service = made(office, signer)
    token = signer.token(claims(service.id, US, office.now, act="ab" * 32))
    found = shown(office, token)
    assert found.service == service
    assert (found.assertion.at, found.assertion.act) == (office.now, "ab" * 32)
    with pytest.raises(AssertionUsed):
        shown(office, token)
    again = claims(service.id, US, office.now + timedelta(seconds=2))  # signed anew, with the same number
    office.clock.advance(2)
    with pytest.raises(AssertionUsed):
        shown(office, signer.token(again))
    shown(office, signer.token({**again, "jti": "fedcba9876543210"}))
    once = f"jti|{service.id}|{sha256_hex(b'fedcba9876543210')}"
    office.tamper(ledger_sql.about.delete().where(ledger_sql.about.c.pseudonym == office.ledger.pseudonym(once)))
    with pytest.raises(LedgerBroken):  # who takes its use away is found out
        shown(office, signer.token({**again, "jti": "fedcba9876543210"}))


def test_it_is_made_by_two_persons_and_within_bounds(office: Office) -> None:
    li, wang = office.id("li"), office.id("wang")
    signer = Signer()
    for by, approver in ((wang, wang), ("", wang), (wang, ""), ("svc_x", wang), (wang, "svc_x")):
        with office.writing() as tx, pytest.raises(SamePerson):
            services.add(
                tx, office.ledger, name="till", owner=li, scope=SCOPE, key=signer.public, by=by, approver=approver,
                now=office.now,
            )  # fmt: skip
    wrong = {
        "actions": ([], [Action.DESTROY], [Action.APPROVE], [Action.SERVICE_ADD], [Action.REVEAL_MANY]),
        "classes": ([FieldClass.CVV],),
        "daily": (0, 10_001),
        "days": (0, 91),
    }
    for what, values in wrong.items():
        for value in values:
            with pytest.raises(BadService) as caught:
                services.need_scope("till", replace(SCOPE, **{what: value}))  # type: ignore[arg-type]
            assert caught.value.details["what"] == what
    for name in ("", "x", "Till", "svc:till", "a" * 29, "4111111111111111 "):
        with pytest.raises(BadService):
            services.need_scope(name, SCOPE)
    made(office, signer)
    with pytest.raises(ServiceExists):
        made(office, signer)
    assert not any(SHIPPED.table[action].second_person for action in SERVABLE)
    with office.reading() as tx:
        assert services.ever(tx).keys() == {services.find(tx, office.ledger, "svc:till", now=office.now).id}
        assert identities.by_id(tx, services.find(tx, office.ledger, "till", now=office.now).id) is None


def test_it_does_what_its_lists_say_in_its_owners_place(office: Office) -> None:
    office.qualify("li")
    service, grant = made(office, Signer()), office.granted(uses=9).grant
    reveal(office, service, grant)
    with office.reading() as tx:
        index = max(office.ledger.about(tx, office.id("li")))
        said = office.ledger.payload_of(tx, index)
    assert isinstance(said, dict)
    assert said["person"] == service.id
    assert said["inputs"]["owner"] == office.id("li")
    outside = (
        ({"classes": [FieldClass.EXPIRY]}, "service_fits"),
        ({"purpose": "dispute"}, "service_fits"),
        ({"deal": office.deal}, "service_fits"),
        ({"count": 3}, "service_left"),
    )
    for other, code in outside:
        with pytest.raises(NotAllowed) as caught:
            reveal(office, service, grant, **other)
        assert code in [item.condition for item in caught.value.decision.unmet]
    with pytest.raises(NotAllowed) as caught:
        reveal(office, service, "")
    assert [item.condition for item in caught.value.decision.unmet] == ["grant"]
    reveal(office, service, grant, count=2)
    assert unmet(office, service, Action.VIEW) == ["service_left"]
    office.clock.advance(86_400)
    assert unmet(office, service, Action.VIEW) == []
    assert "service_fits" in unmet(office, service, Action.LEDGER_READ)
    for action in set(Action) - SERVABLE:
        found = unmet(office, service, action)
        assert "service_fits" in found, action
        assert "second_person" in found or not SHIPPED.table[action].second_person, action
    with office.reading() as tx:
        assert (
            simulate.simulate(tx, office.ledger, SHIPPED, start=office.now - timedelta(days=9), until=office.now).flips
            == ()
        )
        row = office.access.request(tx, actor=acting(office, service), action=Action.REVEAL, now=office.now)
        mine = office.access.request(tx, actor=office.actor("li"), action=Action.REVEAL, now=office.now)
    assert guard.inputs_of(row)["owner"] == office.id("li")
    assert (row.seen, row.served) == (mine.seen, 0)
    assert mine.seen == 0
    assert office.clean()


def test_what_it_is_shown_counts_against_its_owner(office: Office) -> None:
    office.qualify("li")
    service, grant = made(office, Signer()), office.granted(uses=9).grant
    reveal(office, service, grant, count=2)
    with office.reading() as tx:
        mine = office.access.request(tx, actor=office.actor("li"), action=Action.REVEAL, now=office.now)
    assert mine.seen == 200


def test_it_is_no_second_person_and_ends_with_its_owner_its_time_or_a_word(office: Office) -> None:
    office.qualify("li")
    signer = Signer()
    service = made(office, signer)
    office.state(kinds.PERSON_FROZEN, office.id("li"), {"reason": "x"}, until=office.now + timedelta(hours=1))
    assert "frozen" in unmet(office, service, Action.VIEW)
    office.clock.advance(3_601)
    assert unmet(office, service, Action.VIEW) == []
    asked = office.ask_second("wang", Action.ERASE, details=(("x", "y"),))
    assert "role" in unmet(office, service, Action.APPROVE)
    assert asked.approver == ""
    with office.writing() as tx:
        services.end(tx, office.ledger, service=service.id, reason="ended", actor=office.id("wang"), now=office.now)
    assert "service" in unmet(office, service, Action.VIEW)
    with pytest.raises(NoSuchService):
        shown(office, signer.token(claims(service.id, US, office.now)))
    second = made(office, signer)
    assert second.id != service.id, "made anew, not prolonged"
    short = made(office, signer, name="day", scope=replace(SCOPE, days=1))
    assert unmet(office, short, Action.VIEW) == []
    office.clock.advance(86_400)
    assert "service" in unmet(office, short, Action.VIEW)
    with office.writing() as tx:
        person = identities.find(tx, "li")
        left = leaving.leave(tx, office.ledger, person=person, actor=office.id("zhao"), now=office.now)
    assert left.services == 1
    assert {"role", "service"} <= set(unmet(office, second, Action.VIEW))
    assert office.clean()


def test_keys_are_changed_over(office: Office) -> None:
    old, new = Signer(), es256()
    service = made(office, old)
    by, approver = office.id("wang"), office.id("zhao")
    with office.writing() as tx, pytest.raises(SamePerson):
        services.add_key(tx, office.ledger, name="till", key=new.public, by=by, approver=by, now=office.now)
    with office.writing() as tx:
        services.add_key(tx, office.ledger, name="till", key=new.public, by=by, approver=approver, now=office.now)
    for key in (es256(), new):
        with office.writing() as tx, pytest.raises(BadService):
            services.add_key(tx, office.ledger, name="till", key=key.public, by=by, approver=approver, now=office.now)
    shown(office, old.token(claims(service.id, US, office.now)))
    with office.writing() as tx:
        left = services.end_key(tx, office.ledger, name="till", key=old.public.id, actor=by, now=office.now)
    assert [key.id for key in left.keys] == [new.public.id]
    fresh = claims(service.id, US, office.now, jti="abcdefabcdefabcdef")
    with pytest.raises(Malformed):
        shown(office, old.token(fresh))
    shown(office, new.token(fresh))
    with office.writing() as tx, pytest.raises(NoSuchService):
        services.end_key(tx, office.ledger, name="till", key=old.public.id, actor=by, now=office.now)
