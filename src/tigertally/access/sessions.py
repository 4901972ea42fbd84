"""Sessions: opened by two factors, resumed by a token, refreshed by showing the second factor again.

A token is random and only its SHA-256 is stored; a session ends after eight hours and with the person. How and when
the factor was shown, for which act and on which machine, is a fact: who can only edit the database opens no session.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access import events, identities, passkeys, sql
from tigertally.access import facts as kinds
from tigertally.access.conditions import STRONG
from tigertally.access.errors import LoginFailed, NotLoggedIn, RowNotProved
from tigertally.access.identities import Person
from tigertally.access.sql import PersonRow, SessionRow
from tigertally.base.secret import SecretText
from tigertally.crypto.aead import Cipher
from tigertally.crypto.digest import sha256_hex
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

SESSION_S: Final = 8 * 3600
DEVICE_CHARS_MAX: Final = 60
TOTP: Final = "totp"
RECOVERY: Final = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An open session: who, and when the second factor was last shown."""

    person: Person
    factor_at: datetime
    factor_kind: str = ""
    factor_act: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a second factor was shown: in which session, of which kind, for which act, on which machine."""

    session: str
    factor: str
    act: str
    device: str


def open_session(
    tx: Tx, ledger: Ledger, *, row: PersonRow, now: datetime, factor: str = TOTP, device: str = "", act: str = ""
) -> SecretText:
    """Open a session for the person in ``row``; return its token, which is stored nowhere here.

    ``factor`` is the kind that was shown, on a machine called ``device``.
    """
    token = secrets.token_urlsafe(32)
    digest = sha256_hex(token.encode())
    until = now + timedelta(seconds=SESSION_S)
    payload = {"person": row.id, "factor": factor}
    ledger.append(tx, Event(kind=events.LOGIN_SUCCEEDED, payload=payload, actor=row.id, about=(row.id,)), now=now)
    shown = Shown(session=digest, factor=factor, act=act, device=device[:DEVICE_CHARS_MAX])
    _state_factor(tx, ledger, person=row.id, shown=shown, start=now, until=until)
    sql.insert_session(tx, token_digest=digest, person_id=row.id, created=now, until=until, factor_at=now)
    return SecretText(token)


def resume(tx: Tx, ledger: Ledger, *, token: SecretText, handle: str, now: datetime) -> Session:
    """Return the open session of ``token``; :class:`NotLoggedIn` if it is not ``handle``'s, ended or over.

    The session and the instant of its second factor are proved by the ledger; :class:`RowNotProved` if no fact says
    what the row says.
    """
    digest = sha256_hex(token.expose().encode())
    found = sql.read_session(tx, digest)
    if found is None or found.ended is not None or not found.factor_at <= now < found.until:
        raise NotLoggedIn(handle=handle)
    row = sql.person_by_id(tx, found.person)
    if row is None or row.disabled is not None or row.handle != handle:
        raise NotLoggedIn(handle=handle)
    shown = shown_in(tx, ledger, found)
    kind, act = str(shown.value.get("factor")), str(shown.value.get("act"))
    return Session(person=identities.person_of(row), factor_at=found.factor_at, factor_kind=kind, factor_act=act)


def show_factor(
    tx: Tx,
    ledger: Ledger,
    cipher: Cipher,
    *,
    token: SecretText,
    handle: str,
    code: SecretText,
    now: datetime,
    act: str = "",
) -> Session:
    """Refresh a session's second factor by a new code, for one act if its digest is given.

    Raises :class:`LoginFailed` if it is wrong or used, :class:`Locked`, :class:`NotLoggedIn`.
    """
    tx.lock(LOCK)
    session = resume(tx, ledger, token=token, handle=handle, now=now)
    row = sql.person_by_id(tx, session.person.person)
    if row is None:
        raise LoginFailed
    identities.refuse_locked(tx, handle=handle, now=now)
    step = identities.step_of(cipher, row, code, now)
    if step is None or not sql.record_success(tx, row.id, step):
        raise LoginFailed
    digest = sha256_hex(token.expose().encode())
    found = sql.read_session(tx, digest)
    if found is None:
        raise NotLoggedIn(handle=handle)
    payload = {"person": row.id, "factor": "totp"}
    ledger.append(tx, Event(kind=events.FACTOR_SHOWN, payload=payload, actor=row.id, about=(row.id,)), now=now)
    device = str(shown_in(tx, ledger, found).value.get("device"))
    shown = Shown(session=digest, factor=TOTP, act=act, device=device)
    _state_factor(tx, ledger, person=row.id, shown=shown, start=now, until=found.until)
    sql.refresh_factor(tx, digest, now)
    return Session(person=session.person, factor_at=now, factor_kind=TOTP, factor_act=act)


def show_passkey(tx: Tx, ledger: Ledger, *, token: SecretText, handle: str, answer: bytes, now: datetime) -> Session:
    """Refresh a session's second factor by a passkey, for the act that was asked for.

    Raises :class:`NotLoggedIn`, ``NoPasskeyChallenge``, ``Malformed``, ``SignatureInvalid``.
    """
    tx.lock(LOCK)
    session = resume(tx, ledger, token=token, handle=handle, now=now)
    identities.refuse_locked(tx, handle=handle, now=now)
    digest = sha256_hex(token.expose().encode())
    found = sql.read_session(tx, digest)
    if found is None:
        raise NotLoggedIn(handle=handle)
    person = session.person.person
    act = passkeys.check(tx, ledger, person=person, answer=answer, now=now)
    payload = {"person": person, "factor": STRONG}
    ledger.append(tx, Event(kind=events.FACTOR_SHOWN, payload=payload, actor=person, about=(person,)), now=now)
    device = str(shown_in(tx, ledger, found).value.get("device"))
    shown = Shown(session=digest, factor=STRONG, act=act, device=device)
    _state_factor(tx, ledger, person=person, shown=shown, start=now, until=found.until)
    sql.refresh_factor(tx, digest, now)
    return Session(person=session.person, factor_at=now, factor_kind=STRONG, factor_act=act)


def shown_in(tx: Tx, ledger: Ledger, row: SessionRow) -> Fact:
    """Return the fact that this session's person showed the factor when the row says; else :class:`RowNotProved`."""
    name = kinds.FACTOR_SHOWN.name
    for fact in reversed(facts.read(tx, ledger=ledger, kinds=[name], subjects=[row.person], start=row.factor_at)):
        if (fact.value.get("session"), fact.until) == (row.token_digest, row.until):
            return fact
    raise RowNotProved(what="session")


def _state_factor(tx: Tx, ledger: Ledger, *, person: str, shown: Shown, start: datetime, until: datetime) -> None:
    value = {"session": shown.session, "factor": shown.factor, "act": shown.act, "device": shown.device}
    facts.state(
        tx, ledger, kinds.FACTOR_SHOWN, subject=person, value=value, start=start, until=until, actor=person, now=start
    )
