"""Verbs of services: made and given keys by two persons, ended by one; letting one in for one command."""

from __future__ import annotations

from datetime import datetime

from tigertally.access import Action, Actor, identities, services
from tigertally.access.conditions import ASSERTION
from tigertally.access.errors import AssertionRefused, NoSuchService
from tigertally.access.services import Scope, Service
from tigertally.app.verbs.attempt import allow, attempt, second_person
from tigertally.app.wire import House
from tigertally.base.ids import check_id
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import jws
from tigertally.formats.errors import Malformed
from tigertally.store.tx import Tx


def audience(house: House) -> str:
    """Return what a service's token must be for: the id of this organisation's installation."""
    return str(house.settings.party)


def add(house: House, *, actor: Actor, name: str, owner: str, scope: Scope, key: bytes) -> Service:
    """Make a service; a two-person act, bound to all of its lists and to the key.

    Raises ``BadService``, ``ServiceExists``, ``NoSuchPerson``; ``Malformed`` and ``BadKey`` for the key.
    """
    services.need_scope(name, scope)
    public = jws.public_key(key)
    if scope.deal:
        check_id(scope.deal, "dea")
    listed = (
        ("actions", ",".join(sorted(item.value for item in set(scope.actions)))),
        ("covers", ",".join(sorted(item.value for item in set(scope.classes)))),
        ("purposes", ",".join(sorted(item.value for item in set(scope.purposes)))),
    )
    details = (
        ("service", name),
        ("owner", owner),
        *listed,
        ("for_deal", scope.deal),
        ("daily", str(scope.daily)),
        ("days", str(scope.days)),
        ("key", public.id),
    )

    def work(tx: Tx, now: datetime) -> Service:
        answers = identities.find(tx, owner)
        approver = _second(house, tx, actor=actor, details=details, now=now)
        return services.add(
            tx,
            house.ledger,
            name=name,
            owner=answers.person,
            scope=scope,
            key=public,
            by=actor.person.person,
            approver=approver,
            now=now,
        )

    return attempt(house, verb="access.service_add", work=work, actor=actor)


def add_key(house: House, *, actor: Actor, name: str, key: bytes) -> Service:
    """Register a service's second key, to change over to; a two-person act."""
    public = jws.public_key(key)

    def work(tx: Tx, now: datetime) -> Service:
        service = services.find(tx, house.ledger, name, now=now)
        details = (("service", service.name), ("key", public.id))
        approver = _second(house, tx, actor=actor, details=details, now=now)
        who = actor.person.person
        return services.add_key(tx, house.ledger, name=name, key=public, by=who, approver=approver, now=now)

    return attempt(house, verb="access.service_key", work=work, actor=actor)


def end(house: House, *, actor: Actor, name: str, key: str = "") -> Service:
    """End a service at once, or only one of its keys. Returns it as it was."""

    def work(tx: Tx, now: datetime) -> Service:
        service = services.find(tx, house.ledger, name, now=now)
        if key and key not in {held.id for held in service.keys}:
            raise NoSuchService
        allow(house, tx, actor=actor, action=Action.SERVICE_END, now=now, details=(("service", service.name),))
        who = actor.person.person
        if key:
            return services.end_key(tx, house.ledger, name=name, key=key, actor=who, now=now)
        services.end(tx, house.ledger, service=service.id, reason="ended", actor=who, now=now)
        return service

    return attempt(house, verb="access.service_end", work=work, actor=actor)


def standing(house: House) -> list[tuple[Service, int]]:
    """Return the services in force, and for how many subjects each acted today."""
    with house.store.reading() as tx:
        now = house.clock.now()
        found = services.standing(tx, house.ledger, now=now)
        return [(service, services.served(tx, house.ledger, service.id, now=now)) for service in found]


def let_in(house: House, *, name: str, token: bytes) -> Actor:
    """Return a service as the actor of one command, by a token that it signed for it. Raises ``AssertionRefused``."""

    def work(tx: Tx, now: datetime) -> Actor:
        try:
            shown = services.show(tx, house.ledger, name=name, token=token, audience=audience(house), now=now)
        except Malformed as problem:
            raise AssertionRefused(where=problem.details["where"]) from None
        except SignatureInvalid:
            raise AssertionRefused(where="signature") from None
        return Actor(
            person=shown.service.person,
            factor_at=shown.assertion.at,
            factor_kind=ASSERTION,
            factor_act=shown.assertion.act,
        )

    return attempt(house, verb="access.service_in", work=work)


def _second(house: House, tx: Tx, *, actor: Actor, details: tuple[tuple[str, str], ...], now: datetime) -> str:
    request = house.access.request(tx, actor=actor, action=Action.SERVICE_ADD, now=now, details=details)
    return second_person(request, house.access.decide(tx, request)).approver
