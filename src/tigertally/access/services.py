"""Services: programs that act here. Each is made by two persons, narrow, for at most 90 days; a person answers for it.

A service is no person: it has no row, no passphrase, no session, and an id of its own kind. It is a fact with closed
lists: which actions (of :data:`~tigertally.access.policy.SERVABLE`), field classes and purposes, in which deal, how
many subjects a day. It shows who it is with a token that it signs for each command (``formats.assertion``); each
token's number works once, which the ledger's roll keeps.

It can do nothing that its owner could not stand for: training, screening, pledge, review and grant are the owner's,
what it is shown counts against the owner's day, a freeze of either binds, and it ends with its owner. It cannot be a
second person, nor ask for what needs one; nothing of it can be prolonged, only made anew by two persons.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally.access import events, identities
from tigertally.access.errors import AssertionUsed, BadService, NoSuchService, SamePerson, ServiceExists
from tigertally.access.facts import SERVICE, SERVICE_KEY
from tigertally.access.identities import Person
from tigertally.access.policy import Action, Purpose
from tigertally.access.serving import SERVABLE, SERVICE_DAYS_MAX, SERVICE_ROLES, is_service
from tigertally.base.canon import Json
from tigertally.base.fields import SEALABLE, FieldClass
from tigertally.base.ids import PersonId, new_id
from tigertally.crypto.digest import sha256_hex
from tigertally.formats import assertion
from tigertally.formats.assertion import Assertion
from tigertally.formats.jws import PublicKey
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

PREFIX: Final = "svc:"
DAILY_MAX: Final = 10_000
KEYS_MAX: Final = 2
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,27}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a service may do at most: closed lists, a deal ("" for outside of deals), subjects a day, days it lives."""

    actions: Collection[Action]
    classes: Collection[FieldClass]
    purposes: Collection[Purpose]
    deal: str
    daily: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service in force, as its fact says."""

    id: str
    name: str
    owner: str
    fact: Fact
    keys: tuple[PublicKey, ...]

    @property
    def person(self) -> Person:
        """Return it as an actor's person."""
        return Person(person=PersonId(self.id), handle=PREFIX + self.name, roles=SERVICE_ROLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A service that showed who it is."""

    service: Service
    assertion: Assertion


def need_scope(name: str, scope: Scope) -> None:
    """Raise :class:`BadService` with what is out of bounds, if anything is."""
    wrong = {
        "name": not _NAME.fullmatch(name),
        "actions": not scope.actions or not set(scope.actions) <= SERVABLE,
        "classes": not set(scope.classes) <= SEALABLE,
        "daily": not 1 <= scope.daily <= DAILY_MAX,
        "days": not 1 <= scope.days <= SERVICE_DAYS_MAX,
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise BadService(what=what)


def add(
    tx: Tx,
    ledger: Ledger,
    *,
    name: str,
    owner: str,
    scope: Scope,
    key: PublicKey,
    by: str,
    approver: str,
    now: datetime,
) -> Service:
    """Make a service with its first key. Two persons decided that before, neither of them a service.

    Raises :class:`BadService`, :class:`ServiceExists`, :class:`SamePerson`.
    """
    need_scope(name, scope)
    _need_two(by, approver)
    tx.lock(LOCK)
    if any(service.name == name for service in standing(tx, ledger, now=now)):
        raise ServiceExists(name=name)
    service = new_id("svc")
    value: dict[str, Json] = {
        "called": name,
        "owner": owner,
        "actions": sorted(item.value for item in set(scope.actions)),
        "classes": sorted(item.value for item in set(scope.classes)),
        "purposes": sorted(item.value for item in set(scope.purposes)),
        "deal": scope.deal,
        "daily": scope.daily,
        "by": by,
        "approver": approver,
    }
    until = now + timedelta(days=scope.days)
    facts.state(
        tx, ledger, SERVICE, subject=service, value=value, start=now, until=until, actor=by, now=now, about=(owner,)
    )
    _keep(tx, ledger, service=service, key=key, by=by, approver=approver, now=now)
    return proved(tx, ledger, service, now=now)


def add_key(tx: Tx, ledger: Ledger, *, name: str, key: PublicKey, by: str, approver: str, now: datetime) -> Service:
    """Register a second key, to change over to; two persons decided that before. The service lives no longer for it.

    Raises :class:`NoSuchService`, :class:`BadService` for a third key or one that is known, :class:`SamePerson`.
    """
    _need_two(by, approver)
    tx.lock(LOCK)
    service = find(tx, ledger, name, now=now)
    if len(service.keys) >= KEYS_MAX or any(held.id == key.id for held in service.keys):
        raise BadService(what="keys")
    _keep(tx, ledger, service=service.id, key=key, by=by, approver=approver, now=now)
    return proved(tx, ledger, service.id, now=now)


def end_key(tx: Tx, ledger: Ledger, *, name: str, key: str, actor: str, now: datetime) -> Service:
    """End the key with that thumbprint at once. Raises :class:`NoSuchService` for an unknown one too."""
    tx.lock(LOCK)
    service = find(tx, ledger, name, now=now)
    held = [fact for fact in _held(tx, ledger, service.id, now=now) if fact.value.get("id") == key]
    if not held:
        raise NoSuchService
    for fact in held:
        facts.withdraw(tx, ledger, entry=fact.entry, reason="ended", actor=actor, now=now)
    return proved(tx, ledger, service.id, now=now)


def end(tx: Tx, ledger: Ledger, *, service: str, reason: str, actor: str, now: datetime) -> None:
    """End a service and its keys at once."""
    tx.lock(LOCK)
    for fact in facts.read(tx, ledger=ledger, kinds=[SERVICE.name, SERVICE_KEY.name], subjects=[service]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason=reason, actor=actor, now=now)


def end_of(tx: Tx, ledger: Ledger, *, owner: str, reason: str, actor: str, now: datetime) -> int:
    """End every service that ``owner`` answers for; return how many."""
    mine = [service for service in standing(tx, ledger, now=now) if service.owner == owner]
    for service in mine:
        end(tx, ledger, service=service.id, reason=reason, actor=actor, now=now)
    return len(mine)


def standing(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Service]:
    """Return the services in force. Raises ``LedgerBroken``."""
    ids = dict.fromkeys(fact.subject for fact in facts.read(tx, kinds=[SERVICE.name]) if fact.current(now))
    found = [_proved(tx, ledger, service, now=now) for service in ids]
    return [service for service in found if service is not None]


def ever(tx: Tx) -> dict[str, str]:
    """Return the names of all services that there are or were, by id: for words, not for decisions."""
    return {fact.subject: PREFIX + str(fact.value["called"]) for fact in facts.read(tx, kinds=[SERVICE.name])}


def find(tx: Tx, ledger: Ledger, name: str, *, now: datetime) -> Service:
    """Return the service called ``name``, with or without ``svc:``. Raises :class:`NoSuchService`."""
    for service in standing(tx, ledger, now=now):
        if service.name == name.removeprefix(PREFIX):
            return service
    raise NoSuchService


def proved(tx: Tx, ledger: Ledger, service: str, *, now: datetime) -> Service:
    """Return the service with that id. Raises :class:`NoSuchService` if it is over."""
    found = _proved(tx, ledger, service, now=now)
    if found is None:
        raise NoSuchService
    return found


def owner_of(tx: Tx, ledger: Ledger, service: str, *, now: datetime) -> str:
    """Return the person who answers for a service in force; "" if it is over, or they are not here any more."""
    found = _proved(tx, ledger, service, now=now)
    if found is None or is_service(found.owner) or identities.proved(tx, ledger, found.owner) is None:
        return ""
    return found.owner


def show(tx: Tx, ledger: Ledger, *, name: str, token: bytes, audience: str, now: datetime) -> Shown:
    """Let a service in for one command: verify its token and use it up.

    Raises :class:`NoSuchService`, :class:`AssertionUsed`, ``Malformed``, ``SignatureInvalid``.
    """
    tx.lock(LOCK)
    service = find(tx, ledger, name, now=now)
    shown = assertion.read(token, service=service.id, audience=audience, keys=service.keys, now=now)
    once = f"jti|{service.id}|{sha256_hex(shown.jti.encode())}"
    if ledger.counted(tx, (events.ONCE, once), about=once, after=-1):
        raise AssertionUsed
    payload: dict[str, Json] = {"service": service.id, "owner": service.owner, "key": shown.key}
    event = Event(
        kind=events.SERVICE_SHOWN,
        payload=payload,
        actor=service.id,
        about=(service.id, service.owner, once),
        counted=((events.ONCE, once),),
    )
    ledger.append(tx, event, now=now)
    return Shown(service=service, assertion=shown)


def day_of(service: str, at: datetime) -> str:
    """Return under which name the roll counts what a service does on that day (UTC)."""
    return f"served|{service}|{at.astimezone(UTC):%Y-%m-%d}"


def served(tx: Tx, ledger: Ledger, service: str, *, now: datetime) -> int:
    """Return for how many subjects the service was allowed to act today; ``LedgerBroken``.

    Every such decision says what was served before it, so the newest one is enough; one that was erased counts as
    all of a day.
    """
    if not tx.read_only:  # or two at once would both take what is left
        tx.lock(LOCK)
    day = day_of(service, now)
    indexes = ledger.counted(tx, (events.SERVED, day), about=day, after=-1)
    if not indexes:
        return 0
    payload = ledger.payload_of(tx, indexes[-1], kind=events.DECISION_MADE)
    body = payload if isinstance(payload, dict) else {}
    inputs = body.get("inputs")
    before, count = (inputs.get("served") if isinstance(inputs, dict) else None), body.get("count")
    if not isinstance(before, int) or not isinstance(count, int):
        return DAILY_MAX
    return before + max(1, count)


def _need_two(by: str, approver: str) -> None:
    if not by or not approver or by == approver or is_service(by) or is_service(approver):
        raise SamePerson


def _keep(tx: Tx, ledger: Ledger, *, service: str, key: PublicKey, by: str, approver: str, now: datetime) -> None:
    value: dict[str, Json] = {
        "id": key.id,
        "algorithm": key.algorithm,
        "key": key.key.hex(),
        "by": by,
        "approver": approver,
    }
    facts.state(tx, ledger, SERVICE_KEY, subject=service, value=value, start=now, until=None, actor=by, now=now)


def _held(tx: Tx, ledger: Ledger, service: str, *, now: datetime) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[SERVICE.name, SERVICE_KEY.name], subjects=[service])
    return [fact for fact in found if fact.current(now)]


def _proved(tx: Tx, ledger: Ledger, service: str, *, now: datetime) -> Service | None:
    held = _held(tx, ledger, service, now=now)
    made = next((fact for fact in reversed(held) if fact.kind == SERVICE.name), None)
    if made is None:
        return None
    keys = tuple(
        PublicKey(
            algorithm=str(fact.value["algorithm"]), key=bytes.fromhex(str(fact.value["key"])), id=str(fact.value["id"])
        )
        for fact in held
        if fact.kind == SERVICE_KEY.name
    )
    return Service(id=service, name=str(made.value["called"]), owner=str(made.value["owner"]), fact=made, keys=keys)
