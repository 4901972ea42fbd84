"""Verbs of signing in through a provider: whose word is taken and who is whom, by two persons; and a sign-in itself.

:func:`begin` → the person's browser → :func:`prove` → :func:`login`. Every lie of a provider is refused by name, in the
ledger too; what it said is an entry before anybody is let in for it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from tigertally.access import Action, Actor, devices, identities, providers
from tigertally.access.errors import LoginFailed, NoSuchDevice
from tigertally.access.providers import Proved, Provider
from tigertally.app import oidc
from tigertally.app.oidc import Asked
from tigertally.app.verbs.attempt import allow, attempt, checked_digest, second_person
from tigertally.app.verbs.people import count_failure
from tigertally.app.wire import House
from tigertally.base.errors import Problem
from tigertally.base.secret import SecretText
from tigertally.formats.idtoken import identity_of
from tigertally.store.tx import Tx


def trust(house: House, *, actor: Actor, provider: Provider, secret: SecretText | None = None) -> Provider:
    """Take a provider's word for who somebody is; a two-person act, bound to all of that. ``BadProvider``."""
    providers.need_good(provider)
    if secret is not None:
        provider = replace(provider, secret=providers.sealed_secret(house.access.cipher, secret))
    details = (
        ("issuer", provider.issuer),
        ("client", provider.client),
        ("algorithms", ",".join(sorted(provider.algorithms))),
        ("acr", ",".join(sorted(provider.acr))),
        ("amr", ",".join(sorted(provider.amr))),
        ("secret", "" if secret is None else "sealed"),
    )

    def work(tx: Tx, now: datetime) -> Provider:
        approver = _second(house, tx, actor=actor, details=details, now=now)
        by = actor.person.person
        providers.trust(tx, house.ledger, provider=provider, by=by, approver=approver, now=now)
        return providers.trusted(tx, house.ledger, now=now)

    return attempt(house, verb="access.provider_trust", work=work, actor=actor)


def distrust(house: House, *, actor: Actor) -> Provider:
    """End the provider at once. Returns it as it was. ``NoProvider``."""

    def work(tx: Tx, now: datetime) -> Provider:
        allow(house, tx, actor=actor, action=Action.PEOPLE_MANAGE, now=now, details=(("provider", "end"),))
        return providers.distrust(tx, house.ledger, actor=actor.person.person, now=now)

    return attempt(house, verb="access.provider_end", work=work, actor=actor)


def trusted(house: House) -> tuple[Provider, dict[str, str]]:
    """Return the provider, and the identity of each person (by handle) who is bound. ``NoProvider``."""
    with house.store.reading() as tx:
        now = house.clock.now()
        provider = providers.trusted(tx, house.ledger, now=now)
        found = {
            person.handle: providers.binding_of(tx, house.ledger, person.person, now=now)
            for person in identities.everybody(tx)
        }
    return provider, {handle: identity for handle, identity in found.items() if identity}


def bind(house: House, *, actor: Actor, handle: str, identity: str = "", subject: str = "") -> str:
    """Bind a person to an identity, or to a provider's ``subject``; a two-person act. Returns the identity.

    Raises ``NoSuchPerson``, ``NoProvider``, ``IdentityBound``, ``BadDigest``.
    """

    def work(tx: Tx, now: datetime) -> str:
        person = identities.find(tx, handle)
        issuer = providers.trusted(tx, house.ledger, now=now).issuer
        bound = identity_of(issuer=issuer, subject=subject) if subject else checked_digest(identity)
        details = (("handle", handle), ("issuer", issuer), ("identity", bound))
        approver = _second(house, tx, actor=actor, details=details, now=now)
        who = actor.person.person
        providers.bind(tx, house.ledger, person=person.person, identity=bound, by=who, approver=approver, now=now)
        return bound

    return attempt(house, verb="access.provider_bind", work=work, actor=actor)


def unbind(house: House, *, actor: Actor, handle: str) -> int:
    """End a person's binding and their sessions at once. Returns how many bindings ended."""

    def work(tx: Tx, now: datetime) -> int:
        person = identities.find(tx, handle).person
        details = (("handle", handle), ("provider", "unbind"))
        allow(house, tx, actor=actor, action=Action.PEOPLE_MANAGE, now=now, details=details)
        ended = providers.unbind(tx, house.ledger, person=person, reason="ended", actor=actor.person.person, now=now)
        if ended:
            with suppress(NoSuchDevice):  # who is signed in nowhere
                devices.end(tx, house.ledger, person=person, device=devices.ALL, actor=actor.person.person, now=now)
        return ended

    return attempt(house, verb="access.provider_unbind", work=work, actor=actor)


def begin(house: House, *, redirect: str) -> Asked:
    """Return a sign-in that a browser goes through, coming back to ``redirect``. ``NoProvider``, ``ProviderSilent``."""
    with house.store.reading() as tx:
        now = house.clock.now()
        provider = providers.trusted(tx, house.ledger, now=now)
    return oidc.begin(provider, redirect=redirect, now=now)


def prove(house: House, *, asked: Asked, query: str) -> Proved:
    """Return what the provider says, verified and recorded. ``ProviderRefused``, ``ProviderSilent``."""
    # Exchanged outside of any transaction, since a provider may take its time; refused inside, where it is recorded.
    said, wrong = (b"", b""), None
    try:
        secret = providers.secret_of(house.access.cipher, asked.provider)
        said = oidc.finish(asked, query, secret=secret)
    except Problem as problem:
        wrong = problem

    def work(tx: Tx, now: datetime) -> Proved:
        if wrong is not None:
            raise wrong
        token = oidc.verified(asked, token=said[0], keys=said[1], now=now)
        return providers.say(tx, house.ledger, token=token, provider=asked.provider, asked=asked.at, now=now)

    return attempt(house, verb="access.provider_shown", work=work)


def login(house: House, *, handle: str, proved: Proved, code: SecretText | None = None, device: str = "") -> SecretText:
    """Open a session for who was proved, with a one-time code unless that was two factors; return its token.

    Raises ``NotBound``, ``LoginFailed``, ``Locked``. A wrong code is a failed login, as with a passphrase.
    """

    def work(tx: Tx, now: datetime) -> SecretText:
        return providers.sign_in(
            tx, house.ledger, house.access.cipher, handle=handle, proved=proved, code=code, device=device, now=now
        )

    try:
        return attempt(house, verb="access.provider_login", work=work)
    except LoginFailed:
        count_failure(house, handle=handle)
        raise


def _second(house: House, tx: Tx, *, actor: Actor, details: tuple[tuple[str, str], ...], now: datetime) -> str:
    request = house.access.request(tx, actor=actor, action=Action.PROVIDER_TRUST, now=now, details=details)
    return second_person(request, house.access.decide(tx, request)).approver
