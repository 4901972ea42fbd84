"""Verbs of passkeys: asking for one, registering it, showing it as the second factor."""

from __future__ import annotations

from datetime import datetime

from tigertally.access import Action, Actor, passkeys, sessions
from tigertally.access.errors import LoginFailed, NoPasskeyChallenge
from tigertally.access.passkeys import CREATE, Asked
from tigertally.app.verbs.attempt import allow, attempt, checked_digest, need_person
from tigertally.app.verbs.people import count_failure
from tigertally.app.wire import House
from tigertally.base.secret import SecretText
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats.errors import Malformed
from tigertally.formats.webauthn import Credential
from tigertally.store.tx import Tx


def ask(house: House, *, actor: Actor, origin: str, use: str, act: str = "") -> Asked:
    """Draw a challenge to register a passkey (needs a fresh second factor), or to show one, for an act if given."""
    bound = checked_digest(act) if act else ""

    def work(tx: Tx, now: datetime) -> Asked:
        need_person(actor)
        if use == CREATE:
            allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("new", "passkey"),))
        person = actor.person.person
        return passkeys.ask(tx, house.ledger, person=person, origin=origin, use=use, act=bound, now=now)

    return attempt(house, verb="access.passkey_ask", work=work, actor=actor)


def add(house: House, *, actor: Actor, answer: bytes) -> Credential:
    """Register a passkey by the answer to a challenge; needs a fresh second factor."""

    def work(tx: Tx, now: datetime) -> Credential:
        allow(house, tx, actor=actor, action=Action.SELF_MANAGE, now=now, details=(("new", "passkey"),))
        return passkeys.add(tx, house.ledger, person=actor.person.person, answer=answer, now=now)

    return attempt(house, verb="access.passkey_add", work=work, actor=actor)


def show(house: House, *, handle: str, token: SecretText, answer: bytes) -> datetime:
    """Show a passkey as the second factor; return when. A wrong answer is a failed login."""

    def work(tx: Tx, now: datetime) -> datetime:
        return sessions.show_passkey(tx, house.ledger, token=token, handle=handle, answer=answer, now=now).factor_at

    try:
        return attempt(house, verb="access.passkey_show", work=work)
    except (SignatureInvalid, Malformed, NoPasskeyChallenge):
        count_failure(house, handle=handle)
        raise LoginFailed from None
