"""Passkeys: a second factor that resists phishing, registered by the person and shown for any act or for exactly one.

1. :func:`ask` draws a challenge that works for five minutes, once, for one use: registering, or showing (for the act
whose digest is mixed into it, "" for any). 2. :func:`add` verifies a registration; :func:`check` an assertion. Keys,
counters and challenges are facts: who can only edit the database neither plants a key nor brings a challenge back.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access.errors import NoPasskeyChallenge
from tigertally.access.facts import PASSKEY, PASSKEY_ASKED
from tigertally.base.canon import Json
from tigertally.crypto.digest import sha256
from tigertally.formats import webauthn
from tigertally.formats.errors import Malformed
from tigertally.formats.webauthn import Credential
from tigertally.ledger import Fact, FactKind, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

ASKED_S: Final = 300
CREATE: Final = "create"
GET: Final = "get"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A challenge, for which origin, and the ids of the credentials that the person has there."""

    challenge: bytes
    origin: str
    credentials: tuple[str, ...]


def ask(tx: Tx, ledger: Ledger, *, person: str, origin: str, use: str, act: str = "", now: datetime) -> Asked:
    """Draw a challenge; one that was drawn before for this use ends. Raises ``Malformed`` for an origin that is none.

    To show a passkey, the person must have one of this origin's site: :class:`NoPasskeyChallenge` else.
    """
    site = webauthn.site_of(origin)
    tx.lock(LOCK)
    mine = tuple(
        str(fact.value["credential"])
        for fact in _held(tx, ledger, PASSKEY, person=person, now=now)
        if webauthn.site_of(str(fact.value["origin"])) == site
    )
    if use == GET and not mine:
        raise NoPasskeyChallenge
    _end(tx, ledger, person=person, use=use, now=now)
    challenge = sha256(b"tigertally/passkey/" + secrets.token_bytes(32) + act.encode())
    value: dict[str, Json] = {"challenge": challenge.hex(), "use": use, "act": act, "origin": origin}
    until = now + timedelta(seconds=ASKED_S)
    facts.state(tx, ledger, PASSKEY_ASKED, subject=person, value=value, start=now, until=until, actor=person, now=now)
    return Asked(challenge=challenge, origin=origin, credentials=mine)


def add(tx: Tx, ledger: Ledger, *, person: str, answer: bytes, now: datetime) -> Credential:
    """Register the key of ``answer``. Raises :class:`NoPasskeyChallenge`, ``Malformed``."""
    tx.lock(LOCK)
    asked = _asked(tx, ledger, person=person, use=CREATE, now=now)
    origin = str(asked.value["origin"])
    made = webauthn.registered(answer, challenge=bytes.fromhex(str(asked.value["challenge"])), origin=origin)
    if any(fact.value["credential"] == made.id for fact in _held(tx, ledger, PASSKEY, person=person, now=now)):
        raise Malformed(what="webauthn", where="credentialId")
    _end(tx, ledger, person=person, use=CREATE, now=now)
    _keep(tx, ledger, person=person, origin=origin, credential=made, now=now)
    return made


def check(tx: Tx, ledger: Ledger, *, person: str, answer: bytes, now: datetime) -> str:
    """Verify that the person showed a passkey; return the digest of the act that it was for, "" for any.

    Raises :class:`NoPasskeyChallenge`, ``Malformed``, ``SignatureInvalid``.
    """
    tx.lock(LOCK)
    asked = _asked(tx, ledger, person=person, use=GET, now=now)
    origin, ident = str(asked.value["origin"]), webauthn.ident_of(answer)
    for fact in _held(tx, ledger, PASSKEY, person=person, now=now):
        held = str(fact.value["origin"])
        if (fact.value["credential"], webauthn.site_of(held)) != (ident, webauthn.site_of(origin)):
            continue
        known = _credential(fact)
        challenge = bytes.fromhex(str(asked.value["challenge"]))
        count = webauthn.asserted(answer, credential=known, challenge=challenge, origin=origin)
        _end(tx, ledger, person=person, use=GET, now=now)
        if count != known.count:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="counted", actor=person, now=now)
            again = Credential(id=known.id, algorithm=known.algorithm, key=known.key, count=count)
            _keep(tx, ledger, person=person, origin=held, credential=again, now=now)
        return str(asked.value["act"])
    raise NoPasskeyChallenge


def end_all(tx: Tx, ledger: Ledger, *, person: str, reason: str, actor: str, now: datetime) -> None:
    """Withdraw every key and challenge of a person who is reset or leaves."""
    for kind in (PASSKEY, PASSKEY_ASKED):
        for fact in facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[person]):
            if not fact.withdrawn:
                facts.withdraw(tx, ledger, entry=fact.entry, reason=reason, actor=actor, now=now)


def _asked(tx: Tx, ledger: Ledger, *, person: str, use: str, now: datetime) -> Fact:
    for fact in _held(tx, ledger, PASSKEY_ASKED, person=person, now=now):
        if fact.value["use"] == use:
            return fact
    raise NoPasskeyChallenge


def _end(tx: Tx, ledger: Ledger, *, person: str, use: str, now: datetime) -> None:
    for fact in _held(tx, ledger, PASSKEY_ASKED, person=person, now=now):
        if fact.value["use"] == use:
            facts.withdraw(tx, ledger, entry=fact.entry, reason="used", actor=person, now=now)


def _keep(tx: Tx, ledger: Ledger, *, person: str, origin: str, credential: Credential, now: datetime) -> None:
    value: dict[str, Json] = {
        "credential": credential.id,
        "algorithm": credential.algorithm,
        "key": credential.key.hex(),
        "count": credential.count,
        "origin": origin,
    }
    facts.state(tx, ledger, PASSKEY, subject=person, value=value, start=now, until=None, actor=person, now=now)


def _credential(fact: Fact) -> Credential:
    algorithm, count = fact.value["algorithm"], fact.value["count"]
    return Credential(
        id=str(fact.value["credential"]),
        algorithm=algorithm if isinstance(algorithm, int) else 0,
        key=bytes.fromhex(str(fact.value["key"])),
        count=count if isinstance(count, int) else 0,
    )


def _held(tx: Tx, ledger: Ledger, kind: FactKind, *, person: str, now: datetime) -> list[Fact]:
    found = facts.read(tx, ledger=ledger, kinds=[kind.name], subjects=[person])
    return [fact for fact in found if fact.current(now)]
