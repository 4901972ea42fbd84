"""Verbs: erasing one customer, legal holds, storage-only. One senior person stops something, two let it go on."""

from __future__ import annotations

from datetime import datetime

from tigertally import vault
from tigertally.access import Action, Actor
from tigertally.app.errors import BadHold
from tigertally.app.verbs.attempt import allow, attempt
from tigertally.app.wire import House
from tigertally.base.fields import FieldClass
from tigertally.base.ids import check_id
from tigertally.store.tx import Tx
from tigertally.vault import HOLD_REASON, Held, KeyPurpose


def erase(house: House, *, actor: Actor, scope: str, subject: str) -> int:
    """Erase one customer, by two persons; return how many values went. Raises ``OnHold``, ``NoSuchSubject``."""
    check_id(subject, "sub")

    def work(tx: Tx, now: datetime) -> int:
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        details = (("scope", scope), ("subject", subject))
        allow(house, tx, actor=actor, action=Action.ERASE, now=now, count=1, details=details)
        vault.need_erasable(tx, house.ledger, scope=scope, subject=subject)
        return gone(house, tx, scope=scope, subject=subject, actor=actor.person.person, now=now)

    return attempt(house, verb="vault.erase", work=work, actor=actor)


def gone(house: House, tx: Tx, *, scope: str, subject: str, actor: str, now: datetime) -> int:
    """Erase a customer that nothing holds, and what said that they are for storage only; return how many values."""
    ledger, own = house.ledger, house.ledger.pseudonym(subject)
    kind = "storage_only"
    if any((one.kind, one.what) == (kind, own) for one in vault.standing(tx, ledger, scope=scope)):
        vault.lift(tx, ledger, kind=kind, scope=scope, what=own, actor=actor, now=now, reason="erased")
    return vault.erase_subject(tx, ledger, scope=scope, subject=subject, actor=actor, now=now)


def place(
    house: House, *, actor: Actor, kind: str, scope: str, subject: str, cls: FieldClass | None, reason: str
) -> int:
    """Place a hold, or storage-only on a customer; return the entry. Raises ``BadHold``, ``AlreadyHeld``."""
    if not HOLD_REASON.fullmatch(reason):
        raise BadHold

    def work(tx: Tx, now: datetime) -> int:
        what = _what(house, kind=kind, subject=subject, cls=cls)
        vault.active_key(tx, purpose=KeyPurpose.VAULT, scope=scope)
        details = (("kind", kind), ("scope", scope), ("what", what or "scope"), ("reason", reason))
        allow(house, tx, actor=actor, action=Action.HOLD_PLACE, now=now, details=details)
        person = actor.person.person
        return vault.place(tx, house.ledger, kind=kind, scope=scope, what=what, reason=reason, actor=person, now=now)

    return attempt(house, verb="vault.hold_place", work=work, actor=actor)


def lift(house: House, *, actor: Actor, kind: str, scope: str, subject: str, cls: FieldClass | None) -> int:
    """Lift it, by two persons; return the entry. Raises ``NotHeld``."""

    def work(tx: Tx, now: datetime) -> int:
        what = _what(house, kind=kind, subject=subject, cls=cls)
        details = (("kind", kind), ("scope", scope), ("what", what or "scope"))
        allow(house, tx, actor=actor, action=Action.HOLD_LIFT, now=now, details=details)
        return vault.lift(tx, house.ledger, kind=kind, scope=scope, what=what, actor=actor.person.person, now=now)

    return attempt(house, verb="vault.hold_lift", work=work, actor=actor)


def listed(house: House, *, scope: str) -> list[Held]:
    """Return what stands over a scope; customers by pseudonym."""
    with house.store.reading() as tx:
        return vault.standing(tx, house.ledger, scope=scope)


def _what(house: House, *, kind: str, subject: str, cls: FieldClass | None) -> str:
    """Return how the ledger names what is meant."""
    if (subject and cls is not None) or (kind == "storage_only" and not subject):
        raise BadHold
    if cls is not None:
        return vault.of_class(cls.value)
    return house.ledger.pseudonym(check_id(subject, "sub")) if subject else ""
