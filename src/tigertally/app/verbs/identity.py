"""Verbs of one's own identity: enrolling, recovery codes, a new factor or passphrase, where one is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tigertally.access import Action, Actor, Role, devices, enrolment, identities, sessions
from tigertally.access.devices import Device
from tigertally.access.enrolment import Enrolled, Invited
from tigertally.access.errors import LoginFailed, NoEnrolment
from tigertally.access.passphrases import LIST_NAME
from tigertally.app.verbs.attempt import allow, attempt, need_person
from tigertally.app.verbs.people import count_failure, managing
from tigertally.app.wire import House
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.kdf import DEFAULT_COST, Argon2Cost
from tigertally.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A session opened by a recovery code, and how many codes are left."""

    token: SecretText
    left: int


def hash_of(house: House, *, handle: str, passphrase: SecretText, cost: Argon2Cost) -> str:
    """Return what is stored of a new passphrase of ``handle``. Raises as ``passphrases.need_good``. Slow on purpose."""
    listed = house.settings.home / LIST_NAME
    return identities.hash_new(passphrase, cost=cost, names=(handle, house.settings.name), breached=listed)


def enrol(
    house: House, *, handle: str, code: SecretText, passphrase: SecretText, cost: Argon2Cost = DEFAULT_COST
) -> Enrolled:
    """Enrol with the code that a lead handed over: one's own passphrase, a second factor, recovery codes.

    A wrong code is a failed login: counted, recorded, and it locks.
    """
    phc = hash_of(house, handle=handle, passphrase=passphrase, cost=cost)

    def work(tx: Tx, now: datetime) -> Enrolled:
        identities.refuse_locked(tx, handle=handle, now=now)
        return enrolment.enrol(tx, house.ledger, house.access.cipher, handle=handle, code=code, phc=phc, now=now)

    try:
        return attempt(house, verb="access.enrol", work=work)
    except NoEnrolment:
        count_failure(house, handle=handle)
        raise


def reset(house: House, *, actor: Actor, handle: str) -> Invited:
    """Take a person's means of signing in away and give a new enrolment code; for seniors a two-person act."""

    def work(tx: Tx, now: datetime) -> Invited:
        identities.find(tx, handle)
        action = managing(tx, actor=actor, handle=handle, wanted=frozenset[Role]())
        details = (("handle", handle), ("reset", "all"))
        allow(house, tx, actor=actor, action=action, now=now, details=details)
        return enrolment.reinvite(tx, house.ledger, handle=handle, actor=actor.person.person, now=now)

    return attempt(house, verb="access.reset", work=work, actor=actor)


def recover(house: House, *, handle: str, passphrase: SecretText, code: SecretText, device: str = "") -> Recovered:
    """Open a session by passphrase and a recovery code, which is used up."""
    with house.store.reading() as reading:
        stored = identities.stored_hash(reading, handle=handle, now=house.clock.now())
    tried = identities.try_passphrase(passphrase, stored)

    def work(tx: Tx, now: datetime) -> Recovered:
        row = identities.check_passphrase(tx, handle=handle, tried=tried, now=now)
        left = None if row is None else enrolment.use_recovery(tx, house.ledger, row=row, code=code, now=now)
        if row is None or left is None:
            raise LoginFailed
        token = sessions.open_session(tx, house.ledger, row=row, now=now, factor=sessions.RECOVERY, device=device)
        return Recovered(token=token, left=left)

    try:
        return attempt(house, verb="access.recover", work=work)
    except LoginFailed:
        count_failure(house, handle=handle)
        raise


def new_recovery(house: House, *, actor: Actor) -> Sequence[SecretText]:
    """Make new recovery codes in place of one's old ones; needs a fresh second factor."""

    def work(tx: Tx, now: datetime) -> Sequence[SecretText]:
        allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("new", "recovery"),))
        return enrolment.new_recovery(tx, house.ledger, person=actor.person.person, now=now)

    return attempt(house, verb="access.new_recovery", work=work, actor=actor)


def new_factor(house: House, *, actor: Actor) -> SecretBytes:
    """Make a new one-time-code secret in place of one's old one; needs a fresh second factor."""

    def work(tx: Tx, now: datetime) -> SecretBytes:
        allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("new", "factor"),))
        return enrolment.new_factor(tx, house.ledger, house.access.cipher, person=actor.person.person, now=now)

    return attempt(house, verb="access.new_factor", work=work, actor=actor)


def new_passphrase(
    house: House,
    *,
    actor: Actor,
    token: SecretText,
    present: SecretText,
    passphrase: SecretText,
    cost: Argon2Cost = DEFAULT_COST,
) -> int:
    """Replace one's passphrase, given the present one; other sessions end. Returns how many did."""
    handle = actor.person.handle
    with house.store.reading() as reading:
        stored = identities.stored_hash(reading, handle=handle, now=house.clock.now())
    tried = identities.try_passphrase(present, stored)
    phc = hash_of(house, handle=handle, passphrase=passphrase, cost=cost) if tried.right else ""

    def work(tx: Tx, now: datetime) -> int:
        allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("new", "passphrase"),))
        row = identities.check_passphrase(tx, handle=handle, tried=tried, now=now)
        if row is None:
            raise LoginFailed
        keep = sha256_hex(token.expose().encode())
        return enrolment.new_passphrase(tx, house.ledger, person=row.id, phc=phc, keep=keep, now=now)

    try:
        return attempt(house, verb="access.new_passphrase", work=work, actor=actor)
    except LoginFailed:
        count_failure(house, handle=handle)
        raise


def where(house: House, *, actor: Actor) -> list[Device]:
    """Return one's open sessions, and what one can sign in with."""
    with house.store.reading() as tx:
        return devices.of(tx, house.ledger, person=actor.person.person, now=house.clock.now())


def end(house: House, *, actor: Actor, device: str) -> int:
    """End one of one's sessions, or all of them for "all"; or a passkey, which needs a fresh second factor."""
    person = actor.person.person

    def work(tx: Tx, now: datetime) -> int:
        need_person(actor)
        held = devices.of(tx, house.ledger, person=person, now=now)
        if any(item.id == device and item.kind == devices.KEY for item in held):
            allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("end", "passkey"),))
        return devices.end(tx, house.ledger, person=person, device=device, actor=person, now=now)

    return attempt(house, verb="access.end", work=work, actor=actor)


def devices_of(house: House, *, actor: Actor, handle: str, end: str = "") -> tuple[list[Device], int]:
    """Return where somebody is signed in and with what; with ``end``, end one session or passkey, or all sessions."""

    def work(tx: Tx, now: datetime) -> tuple[list[Device], int]:
        whose = identities.find(tx, handle).person
        details = (("handle", handle), *((("end", "device"),) if end else ()))
        allow(house, tx, actor=actor, action=Action.PEOPLE_ATTEST, now=now, details=details)
        who = actor.person.person
        ended = devices.end(tx, house.ledger, person=whose, device=end, actor=who, now=now) if end else 0
        return devices.of(tx, house.ledger, person=whose, now=now), ended

    return attempt(house, verb="access.devices", work=work, actor=actor)


def sign_out(house: House, *, actor: Actor, token: SecretText) -> None:
    """End the session of ``token``."""
    end(house, actor=actor, device=sha256_hex(token.expose().encode()))
