"""Enrolment: whoever adds a person sees a code that works once; passphrase and second factor are the person's alone.

1. :func:`invite` makes a person without any means of signing in, and a code; :func:`reinvite` takes those means away
again and makes a new code, for who lost them. 2. :func:`enrol` takes the code and what the person chose, makes the
second factor and ten recovery codes, and ends the code. 3. A recovery code stands in once for the second factor, at a
login; the session says so (``recovery``), and what asks for a factor of another kind is not met by it.

Digests of codes are facts: who can only edit the database can neither make a code nor bring a used one back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import codes, events, identities, passkeys, providers, sql
from tigertally.access import facts as kinds
from tigertally.access.errors import NoEnrolment
from tigertally.access.identities import Person
from tigertally.access.policy import Role
from tigertally.access.sql import PersonRow
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import totp
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import same
from tigertally.ledger import Event, Fact, FactKind, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

CODE_S: Final = 48 * 3600
RECOVERY_CODES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person who has yet to enrol, the code that only they should see, and until when it works."""

    person: Person
    code: SecretText
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A person who can sign in from now on; the secrets are shown once and to them only."""

    person: Person
    totp: SecretBytes
    recovery: tuple[SecretText, ...]


def invite(tx: Tx, ledger: Ledger, *, handle: str, roles: Iterable[Role], actor: str, now: datetime) -> Invited:
    """Add a person who then enrols. Raises ``BadHandle``, ``PersonExists``."""
    person = identities.insert(tx, ledger, handle=handle, roles=roles, phc="", actor=actor, now=now)
    return _code(tx, ledger, person=person, actor=actor, now=now)


def reinvite(tx: Tx, ledger: Ledger, *, handle: str, actor: str, now: datetime) -> Invited:
    """Take passphrase, second factor, recovery codes and sessions away, and give a new code. ``NoSuchPerson``."""
    tx.lock(LOCK)
    person = identities.find(tx, handle)
    sql.set_means(tx, person.person, phc="", totp=b"")
    ended = sql.end_sessions(tx, person.person, now)
    withdraw_codes(tx, ledger, person=person.person, reason="reset", actor=actor, now=now)
    payload: dict[str, Json] = {"person": person.person, "sessions": ended}
    event = Event(kind=events.PERSON_RESET, payload=payload, actor=actor, about=(person.person,))
    ledger.append(tx, event, now=now)
    return _code(tx, ledger, person=person, actor=actor, now=now)


def enrol(
    tx: Tx, ledger: Ledger, cipher: Cipher, *, handle: str, code: SecretText, phc: str, now: datetime
) -> Enrolled:
    """Take the passphrase that ``phc`` was made of, make a second factor and recovery codes. :class:`NoEnrolment`."""
    tx.lock(LOCK)
    row = sql.person_by_handle(tx, handle)
    if row is None or row.disabled is not None:
        raise NoEnrolment
    held = _held(tx, ledger, kinds.PERSON_ENROLS, person=row.id, now=now)
    if not any(same(str(fact.value["digest"]).encode(), codes.digest_of(code).encode()) for fact in held):
        raise NoEnrolment
    _withdraw(tx, ledger, kinds.PERSON_ENROLS, person=row.id, reason="enrolled", actor=row.id, now=now)
    secret = totp.new_secret()
    sql.set_means(tx, row.id, phc=phc, totp=identities.sealed_totp(cipher, row.id, secret))
    event = Event(kind=events.PERSON_ENROLLED, payload={"person": row.id}, actor=row.id, about=(row.id,))
    ledger.append(tx, event, now=now)
    recovery = new_recovery(tx, ledger, person=row.id, now=now)
    return Enrolled(person=identities.person_of(row), totp=secret, recovery=recovery)


def new_recovery(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> tuple[SecretText, ...]:
    """Make ten recovery codes in place of those there are; shown once and to the person only."""
    made = tuple(codes.new_code(codes.RECOVERY_CHARS) for _ in range(RECOVERY_CODES))
    _keep_recovery(tx, ledger, person=person, digests=[codes.digest_of(code) for code in made], now=now)
    return made


def new_factor(tx: Tx, ledger: Ledger, cipher: Cipher, *, person: str, now: datetime) -> SecretBytes:
    """Make a new one-time-code secret in place of the old one; shown once and to the person only."""
    tx.lock(LOCK)
    secret = totp.new_secret()
    sql.set_totp(tx, person, identities.sealed_totp(cipher, person, secret))
    event = Event(kind=events.FACTOR_REPLACED, payload={"person": person}, actor=person, about=(person,))
    ledger.append(tx, event, now=now)
    return secret


def new_passphrase(tx: Tx, ledger: Ledger, *, person: str, phc: str, keep: str, now: datetime) -> int:
    """Replace a passphrase by what ``phc`` was made of; end all sessions but the one with digest ``keep``."""
    tx.lock(LOCK)
    sql.set_phc(tx, person, phc)
    ended = sql.end_sessions(tx, person, now, but=keep)
    payload: dict[str, Json] = {"person": person, "sessions": ended}
    event = Event(kind=events.PASSPHRASE_REPLACED, payload=payload, actor=person, about=(person,))
    ledger.append(tx, event, now=now)
    return ended


def use_recovery(tx: Tx, ledger: Ledger, *, row: PersonRow, code: SecretText, now: datetime) -> int | None:
    """Use up a recovery code; return how many are left, None if it is none of this person's."""
    tx.lock(LOCK)
    given = codes.digest_of(code)
    held = _held(tx, ledger, kinds.RECOVERY_CODES, person=row.id, now=now)
    digests = [str(item) for fact in held[-1:] for item in _list(fact.value["digests"])]
    left = [item for item in digests if not same(item.encode(), given.encode())]
    if len(left) == len(digests):
        return None
    _keep_recovery(tx, ledger, person=row.id, digests=left, now=now)
    payload: dict[str, Json] = {"person": row.id, "left": len(left)}
    ledger.append(tx, Event(kind=events.RECOVERY_USED, payload=payload, actor=row.id, about=(row.id,)), now=now)
    return len(left)


def withdraw_codes(tx: Tx, ledger: Ledger, *, person: str, reason: str, actor: str, now: datetime) -> None:
    """End a person's enrolment and recovery codes, passkeys, and what they are bound to at a provider."""
    providers.unbind(tx, ledger, person=person, reason=reason, actor=actor, now=now)
    passkeys.end_all(tx, ledger, person=person, reason=reason, actor=actor, now=now)
    for kind in (kinds.RECOVERY_CODES, kinds.PERSON_ENROLS):
        _withdraw(tx, ledger, kind, person=person, reason=reason, actor=actor, now=now)


def waiting(tx: Tx, ledger: Ledger, *, person: str, now: datetime) -> bool:
    """Return whether a code is out with which ``person`` can enrol."""
    return bool(_held(tx, ledger, kinds.PERSON_ENROLS, person=person, now=now))


def _code(tx: Tx, ledger: Ledger, *, person: Person, actor: str, now: datetime) -> Invited:
    code = codes.new_code(codes.ENROLMENT_CHARS)
    until = now + timedelta(seconds=CODE_S)
    facts.state(
        tx,
        ledger,
        kinds.PERSON_ENROLS,
        subject=person.person,
        value={"digest": codes.digest_of(code)},
        start=now,
        until=until,
        actor=actor,
        now=now,
    )
    return Invited(person=person, code=code, until=until)


def _keep_recovery(tx: Tx, ledger: Ledger, *, person: str, digests: Iterable[str], now: datetime) -> None:
    kept: list[Json] = [*digests]
    facts.replace(
        tx,
        ledger,
        kinds.RECOVERY_CODES,
        subject=person,
        value={"digests": kept},
        start=now,
        until=None,
        actor=person,
        now=now,
    )


def _held(tx: Tx, ledger: Ledger, kind: FactKind, *, person: str, now: datetime) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[person])
    return [fact for fact in found if fact.current(now)]


def _withdraw(tx: Tx, ledger: Ledger, kind: FactKind, *, person: str, reason: str, actor: str, now: datetime) -> None:
    for fact in facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[person]):
        if not fact.withdrawn:
            facts.withdraw(tx, ledger, entry=fact.entry, reason=reason, actor=actor, now=now)


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
