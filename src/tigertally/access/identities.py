"""Persons: a handle, roles, a passphrase (Argon2id) and a TOTP secret sealed under the access key.

A login needs both; which of the two was wrong is never told. Five failures lock for fifteen minutes, each further one
twice as long, a day at most; a success ends the count. Stretching a passphrase takes a tenth of a second and 64 MiB, so
it is done outside of any transaction (:func:`hash_new`, :func:`try_passphrase`), and what it was done for is compared
again inside. A one-time code works once: its step is remembered and must rise. Sessions are random tokens of which only
the SHA-256 is stored; they end after eight hours and with the person.

A row is not enough to be somebody: roles and sessions are facts too, and :func:`proved` and :func:`resume` hold the
row against them, so who can only edit the database can neither promote a person nor open a session. The ledger's
lock comes before any row's, as everywhere, so that two transactions never wait for each other.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from tigertally.access import events, passphrases, sql
from tigertally.access import facts as kinds
from tigertally.access.errors import (
    BadHandle,
    Locked,
    NoSuchPerson,
    PersonExists,
    RowNotProved,
)
from tigertally.access.policy import Role
from tigertally.access.sql import PersonRow
from tigertally.base.canon import Json
from tigertally.base.ids import PersonId, new_id
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import kdf, totp
from tigertally.crypto.aead import Cipher
from tigertally.crypto.kdf import Argon2Cost
from tigertally.ledger import Event, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

_HANDLE: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,31}")
FAILURES_MAX: Final = 5
LOCK_S: Final = 15 * 60  # after so many failures; twice as long after each further one
LOCK_S_MAX: Final = 24 * 3600
REVIEW_HOLDS: Final = timedelta(days=183)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as others see one."""

    person: PersonId
    handle: str
    roles: frozenset[Role]


def person_of(row: PersonRow) -> Person:
    """Return the person in a row."""
    return Person(person=PersonId(row.id), handle=row.handle, roles=_roles(row.roles))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A passphrase tried against what was stored for a handle then; "" if there was nobody."""

    phc: str
    right: bool


def hash_new(
    passphrase: SecretText, *, cost: Argon2Cost, names: Sequence[str] = (), breached: Path | None = None
) -> str:
    """Return what is stored of a new passphrase. Slow on purpose.

    Raises as :func:`~tigertally.access.passphrases.need_good`, which says what ``names`` and ``breached`` are.
    """
    passphrases.need_good(passphrase, names=names, breached=breached)
    return kdf.hash_passphrase(passphrase, cost=cost)


def insert(
    tx: Tx,
    ledger: Ledger,
    *,
    handle: str,
    roles: Iterable[Role],
    phc: str,
    totp_of: Callable[[str], bytes] = lambda _: b"",
    actor: str,
    now: datetime,
) -> Person:
    """Add a person; without ``phc`` they cannot sign in until they enrol. Raises :class:`BadHandle`."""
    if not _HANDLE.fullmatch(handle):
        raise BadHandle
    if sql.person_by_handle(tx, handle) is not None:
        raise PersonExists(handle=handle)
    person = Person(person=PersonId(new_id("per")), handle=handle, roles=frozenset(roles))
    spelled = _spell(person.roles)
    sealed = totp_of(person.person)
    sql.insert_person(tx, id=person.person, handle=handle, roles=spelled, phc=phc, totp=sealed, created=now)
    payload = {"person": person.person, "roles": spelled}
    event = Event(kind=events.PERSON_ADDED, payload=payload, actor=actor, about=(person.person,))
    ledger.append(tx, event, now=now)
    _state_roles(tx, ledger, person=person.person, roles=spelled, actor=actor, now=now)
    state_reviewed(tx, ledger, person=person.person, by=actor, now=now, until=now + REVIEW_HOLDS)
    return person


def add(
    tx: Tx,
    ledger: Ledger,
    cipher: Cipher,
    *,
    handle: str,
    roles: Iterable[Role],
    phc: str,
    actor: str,
    now: datetime,
) -> tuple[Person, SecretBytes]:
    """Add the person who is at the keyboard, whose passphrase :func:`hash_new` made ``phc`` of: the founding lead.

    Everybody else enrols. Return them with the TOTP secret, which is shown once and to them only.
    """
    secret = totp.new_secret()
    person = insert(
        tx,
        ledger,
        handle=handle,
        roles=roles,
        phc=phc,
        totp_of=lambda person_id: sealed_totp(cipher, person_id, secret),
        actor=actor,
        now=now,
    )
    return person, secret


def sealed_totp(cipher: Cipher, person_id: str, secret: SecretBytes) -> bytes:
    """Return a person's TOTP secret, sealed for their row."""
    return cipher.wrap(secret, _aad(person_id))


def change_roles(tx: Tx, ledger: Ledger, *, handle: str, roles: Iterable[Role], actor: str, now: datetime) -> Person:
    """Replace a person's roles; effective with the next decision."""
    tx.lock(LOCK)
    row = _row(tx, handle)
    spelled = _spell(frozenset(roles))
    sql.set_roles(tx, row.id, spelled)
    payload = {"person": row.id, "roles": spelled}
    ledger.append(tx, Event(kind=events.PERSON_CHANGED, payload=payload, actor=actor, about=(row.id,)), now=now)
    _state_roles(tx, ledger, person=row.id, roles=spelled, actor=actor, now=now)
    state_reviewed(tx, ledger, person=row.id, by=actor, now=now, until=now + REVIEW_HOLDS)
    return Person(person=PersonId(row.id), handle=handle, roles=_roles(spelled))


def disable(tx: Tx, ledger: Ledger, *, handle: str, actor: str, now: datetime) -> None:
    """Disable a person and end their sessions at once."""
    tx.lock(LOCK)
    row = _row(tx, handle)
    sql.set_disabled(tx, row.id, now)
    ended = sql.end_sessions(tx, row.id, now)
    payload: dict[str, Json] = {"person": row.id, "sessions": ended}
    ledger.append(tx, Event(kind=events.PERSON_DISABLED, payload=payload, actor=actor, about=(row.id,)), now=now)
    _state_roles(tx, ledger, person=row.id, roles="", actor=actor, now=now)


def find(tx: Tx, handle: str) -> Person:
    """Return the person called ``handle``; :class:`NoSuchPerson` if there is none or disabled."""
    return person_of(_row(tx, handle))


def by_id(tx: Tx, person_id: str) -> Person | None:
    """Return the person with that id unless disabled."""
    row = sql.person_by_id(tx, person_id)
    return None if row is None or row.disabled is not None else person_of(row)


def proved(tx: Tx, ledger: Ledger, person_id: str) -> Person | None:
    """Return the person with that id, their roles proved by the ledger; None if there is none or disabled.

    Decisions rest on this one. A row whose roles are not those of the newest fact raises :class:`RowNotProved`.
    """
    person = by_id(tx, person_id)
    if person is None:
        return None
    stated = [
        fact
        for fact in facts.read(tx, ledger=ledger, kinds=[kinds.PERSON_ROLES.name], subjects=[person_id])
        if not fact.withdrawn
    ]
    if not stated or stated[-1].value.get("roles") != _spell(person.roles):
        raise RowNotProved(what="roles")
    return person


def ever(tx: Tx) -> list[Person]:
    """Return all persons, disabled ones included, with the roles they have or had last."""
    return [
        Person(person=PersonId(row_id), handle=handle, roles=_roles(roles))
        for row_id, handle, roles, _ in sql.all_persons(tx)
    ]


def everybody(tx: Tx) -> list[Person]:
    """Return all persons that are not disabled."""
    return [
        Person(person=PersonId(row_id), handle=handle, roles=_roles(roles))
        for row_id, handle, roles, disabled in sql.all_persons(tx)
        if disabled is None
    ]


def stored_hash(tx: Tx, *, handle: str, now: datetime) -> str:
    """Return what a passphrase of ``handle`` is to be tried against; "" if there is nobody, or they are locked."""
    row = sql.person_by_handle(tx, handle)
    if row is None or row.disabled is not None or (row.locked_until is not None and now < row.locked_until):
        return ""
    return row.phc


def try_passphrase(passphrase: SecretText, phc: str) -> Tried:
    """Try a passphrase. Slow on purpose; the same work where there is nobody."""
    right = kdf.check_passphrase(passphrase, phc or _nobody())
    return Tried(phc=phc, right=right and bool(phc))


def check_factors(
    tx: Tx, cipher: Cipher, *, handle: str, tried: Tried, code: SecretText, now: datetime
) -> PersonRow | None:
    """Return the row of the person whose passphrase and code these are; None if anything is wrong.

    Raises :class:`Locked`. Changes nothing but the code's step; the caller records.
    """
    row = check_passphrase(tx, handle=handle, tried=tried, now=now)
    step = None if row is None else step_of(cipher, row, code, now)
    if row is None or step is None:
        return None
    return row if sql.record_success(tx, row.id, step) else None


def check_passphrase(tx: Tx, *, handle: str, tried: Tried, now: datetime) -> PersonRow | None:
    """Return the row of the person whose passphrase this is; None if it is wrong. Raises :class:`Locked`."""
    tx.lock(LOCK)
    row = sql.person_by_handle(tx, handle)
    if row is None or row.disabled is not None or not row.phc:
        return None
    _refuse_locked(row, now)
    return row if tried.right and row.phc == tried.phc else None


def record_failure(tx: Tx, ledger: Ledger, *, handle: str, now: datetime) -> None:
    """Count a failed login of ``handle`` and lock when there are too many; unknown handles leave an entry too."""
    # Without the lock two failures at once would count as one.
    tx.lock(LOCK)
    row = sql.person_by_handle(tx, handle)
    failures = 0 if row is None else row.failures + 1
    locked = failures >= FAILURES_MAX
    if row is not None:
        # The shift is bounded: nobody's count may make a number too large to be a time.
        lock_s = min(LOCK_S_MAX, LOCK_S << min(failures - FAILURES_MAX, 10)) if locked else 0
        until = now + timedelta(seconds=lock_s) if locked else None
        sql.record_failure(tx, row.id, failures=failures, locked_until=until)
    who = "" if row is None else row.id
    payload: dict[str, Json] = {"person": who, "failures": failures, "locked": locked}
    about = () if row is None else (row.id,)
    ledger.append(tx, Event(kind=events.LOGIN_FAILED, payload=payload, about=about), now=now)


def state_reviewed(tx: Tx, ledger: Ledger, *, person: str, by: str, now: datetime, until: datetime) -> int:
    """State that a person's access was looked at now; return the entry."""
    return facts.replace(
        tx, ledger, kinds.PERSON_REVIEWED, subject=person, value={"by": by}, start=now, until=until, actor=by, now=now
    )


def _state_roles(tx: Tx, ledger: Ledger, *, person: str, roles: str, actor: str, now: datetime) -> None:
    """State roles anew. Nothing is withdrawn: the newest counts, so an older one cannot be brought back."""
    value = {"roles": roles}
    facts.state(
        tx, ledger, kinds.PERSON_ROLES, subject=person, value=value, start=now, until=None, actor=actor, now=now
    )


def refuse_locked(tx: Tx, *, handle: str, now: datetime) -> None:
    """Raise :class:`Locked` if there were too many failures of ``handle``."""
    row = sql.person_by_handle(tx, handle)
    if row is not None:
        _refuse_locked(row, now)


def _refuse_locked(row: PersonRow, now: datetime) -> None:
    if row.locked_until is not None and now < row.locked_until:
        raise Locked(minutes=math.ceil((row.locked_until - now).total_seconds() / 60))


def _row(tx: Tx, handle: str) -> PersonRow:
    row = sql.person_by_handle(tx, handle)
    if row is None or row.disabled is not None:
        raise NoSuchPerson
    return row


def step_of(cipher: Cipher, row: PersonRow, code: SecretText, now: datetime) -> int | None:
    """Return the step of the one-time code, None if it is none of this person's now, or used."""
    with cipher.unwrap(row.totp, _aad(row.id)) as secret:
        return totp.accept(secret, code, now, after_step=row.totp_step)


def _aad(person_id: str) -> bytes:
    return b"access|totp|" + person_id.encode()


def _roles(spelled: str) -> frozenset[Role]:
    return frozenset(role for role in Role if role.value in spelled.split(","))


def _spell(roles: frozenset[Role]) -> str:
    return ",".join(sorted(role.value for role in roles))


_NOBODY: list[str] = []


def _nobody() -> str:
    """Return a hash to check against when there is nobody, so that timing does not tell who exists."""
    if not _NOBODY:
        _NOBODY.append(kdf.hash_passphrase(SecretText(secrets.token_urlsafe(16))))
    return _NOBODY[0]
