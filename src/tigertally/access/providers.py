"""A sign-in provider: whose word an organisation takes for who somebody is, and who that is here (OpenID Connect).

1. There is one provider at a time; two persons say which, with the client's id, the algorithms that it signs with, and
what counts as a second factor there (``acr``, ``amr``): nothing, unless they say so. 2. A person is bound to one
identity there, the digest of issuer and ``sub`` (``formats.idtoken``), by two persons; an identity to one person only.
E-mail addresses and names are never looked at: whoever can be called anything there is nobody here. 3. A sign-in stands
in for the passphrase; the second factor is shown here, unless rule 1 says otherwise, and its kind is then ``provider``,
which is no passkey. 4. Another provider's bindings hold no more: they are of another issuer.

All of it is facts, so it cannot be had by editing rows. Ending either takes one person; who is reset or leaves is
unbound.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from tigertally.access import events, identities, sessions, sql
from tigertally.access.errors import BadProvider, IdentityBound, LoginFailed, NoProvider, NotBound, SamePerson
from tigertally.access.facts import INSTALLATION, PERSON_BOUND, PROVIDER
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.aead import Cipher
from tigertally.formats.idtoken import ALGORITHMS, IdToken, identity_of
from tigertally.ledger import Event, Fact, Ledger, facts
from tigertally.ledger.entries import LOCK
from tigertally.store.tx import Tx

KIND: Final = "provider"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_AHEAD: Final = timedelta(seconds=5)
_WORD: Final = re.compile(r"[!#-+\--\[\]-~]{1,200}")  # printable, without space, comma, quote and backslash
_LISTED_MAX: Final = 8
_AAD: Final = b"access|provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider, as two persons wrote it down."""

    issuer: str
    client: str
    algorithms: tuple[str, ...]
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    secret: bytes = b""
    """The client's secret, sealed; empty for a public client, as programs on people's own machines are."""

    @property
    def counts(self) -> bool:
        """Whether a sign-in there can count as a second factor at all."""
        return bool(self.acr or self.amr)

    def is_second(self, token: IdToken, *, asked: datetime) -> bool:
        """Return whether ``token`` shows a second factor, by a person who showed themselves since ``asked``."""
        fresh = token.auth_time is not None and token.auth_time >= asked - _AHEAD
        return fresh and ((bool(token.acr) and token.acr in self.acr) or not set(self.amr).isdisjoint(token.amr))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a provider said, verified: which identity, and whether that is two factors."""

    issuer: str
    identity: str
    second: bool


def need_address(address: str) -> None:
    """Raise :class:`BadProvider` unless this is an https address of a provider, or http on this machine."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadProvider(what="issuer") from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not _WORD.fullmatch(address) or not host or not secure or port == 0 or "@" in parts.netloc or parts.fragment:
        raise BadProvider(what="issuer")


def need_good(provider: Provider) -> None:
    """Raise :class:`BadProvider` with what is out of bounds, if anything is."""
    need_address(provider.issuer)
    listed = (*provider.acr, *provider.amr)
    wrong = {
        "issuer": "?" in provider.issuer,
        "client": not _WORD.fullmatch(provider.client),
        "algorithm": not provider.algorithms or not set(provider.algorithms) <= set(ALGORITHMS),
        "acr": max(len(provider.acr), len(provider.amr)) > _LISTED_MAX or not all(map(_WORD.fullmatch, listed)),
    }
    for what, is_wrong in wrong.items():
        if is_wrong:
            raise BadProvider(what=what)


def sealed_secret(cipher: Cipher, secret: SecretText) -> bytes:
    """Return a client's secret, sealed for :class:`Provider`."""
    return cipher.wrap(SecretBytes(secret.expose().encode()), _AAD)


def secret_of(cipher: Cipher, provider: Provider) -> SecretBytes | None:
    """Return the client's secret, None for a public client."""
    return cipher.unwrap(provider.secret, _AAD) if provider.secret else None


def trust(tx: Tx, ledger: Ledger, *, provider: Provider, by: str, approver: str, now: datetime) -> None:
    """Take that provider's word from now on, and no other's. Two persons decided that before."""
    need_good(provider)
    _need_two(by, approver)
    tx.lock(LOCK)
    value: dict[str, Json] = {
        "issuer": provider.issuer,
        "client": provider.client,
        "secret": provider.secret.hex(),
        "algorithms": sorted(provider.algorithms),
        "acr": sorted(provider.acr),
        "amr": sorted(provider.amr),
        "by": by,
        "approver": approver,
    }
    facts.replace(tx, ledger, PROVIDER, subject=INSTALLATION, value=value, start=now, until=None, actor=by, now=now)


def distrust(tx: Tx, ledger: Ledger, *, actor: str, now: datetime) -> Provider:
    """End the provider at once; who has a passphrase signs in with it. Raises :class:`NoProvider`."""
    tx.lock(LOCK)
    was = trusted(tx, ledger, now=now)
    _withdraw(tx, ledger, PROVIDER.name, INSTALLATION, reason="ended", actor=actor, now=now)
    return was


def trusted(tx: Tx, ledger: Ledger, *, now: datetime) -> Provider:
    """Return the provider in force. Raises :class:`NoProvider`, ``LedgerBroken``."""
    held = _held(tx, ledger, PROVIDER.name, INSTALLATION, now=now)
    if not held:
        raise NoProvider
    value = held[-1].value
    return Provider(
        issuer=str(value["issuer"]),
        client=str(value["client"]),
        algorithms=_texts(value["algorithms"]),
        acr=_texts(value["acr"]),
        amr=_texts(value["amr"]),
        secret=bytes.fromhex(str(value["secret"])),
    )


def bind(tx: Tx, ledger: Ledger, *, person: str, identity: str, by: str, approver: str, now: datetime) -> None:
    """Let ``person`` sign in as ``identity``, in place of what they were bound to. Two persons decided that before.

    Raises :class:`IdentityBound` if it is somebody else's.
    """
    _need_two(by, approver)
    tx.lock(LOCK)
    if bound_to(tx, ledger, identity, now=now) not in ("", person):
        raise IdentityBound
    value: dict[str, Json] = {"identity": identity, "by": by, "approver": approver}
    facts.replace(tx, ledger, PERSON_BOUND, subject=person, value=value, start=now, until=None, actor=by, now=now)


def unbind(tx: Tx, ledger: Ledger, *, person: str, reason: str, actor: str, now: datetime) -> int:
    """End what a person is bound to at once; return how many bindings ended."""
    return _withdraw(tx, ledger, PERSON_BOUND.name, person, reason=reason, actor=actor, now=now)


def bound_to(tx: Tx, ledger: Ledger, identity: str, *, now: datetime) -> str:
    """Return the person that an identity is bound to, "" if there is none."""
    persons = dict.fromkeys(
        fact.subject
        for fact in facts.read(tx, kinds=[PERSON_BOUND.name])
        if fact.current(now) and fact.value.get("identity") == identity
    )
    return next((person for person in persons if binding_of(tx, ledger, person, now=now) == identity), "")


def binding_of(tx: Tx, ledger: Ledger, person: str, *, now: datetime) -> str:
    """Return the identity that a person is bound to, as the ledger proves it; "" if there is none."""
    held = _held(tx, ledger, PERSON_BOUND.name, person, now=now)
    return str(held[-1].value["identity"]) if held else ""


def say(tx: Tx, ledger: Ledger, *, token: IdToken, provider: Provider, asked: datetime, now: datetime) -> Proved:
    """Record what a provider said, and return it. The person is whoever is bound, "" in the entry if nobody is."""
    tx.lock(LOCK)
    identity = identity_of(issuer=provider.issuer, subject=token.subject)
    second = provider.is_second(token, asked=asked)
    person = bound_to(tx, ledger, identity, now=now)
    payload: dict[str, Json] = {"issuer": provider.issuer, "identity": identity, "person": person, "second": second}
    about = (person,) if person else ()
    ledger.append(tx, Event(kind=events.PROVIDER_SHOWN, payload=payload, actor=person, about=about), now=now)
    return Proved(issuer=provider.issuer, identity=identity, second=second)


def need_bound(tx: Tx, ledger: Ledger, *, person: str, proved: Proved, now: datetime) -> None:
    """Raise :class:`NotBound` unless ``person`` is bound to what was proved, by the provider that is trusted now."""
    if trusted(tx, ledger, now=now).issuer != proved.issuer:
        raise NoProvider
    if binding_of(tx, ledger, person, now=now) != proved.identity:
        raise NotBound(identity=proved.identity)


def sign_in(
    tx: Tx,
    ledger: Ledger,
    cipher: Cipher,
    *,
    handle: str,
    proved: Proved,
    code: SecretText | None,
    device: str,
    now: datetime,
) -> SecretText:
    """Open a session for ``handle``, who was proved; with a one-time code unless that was two factors.

    Raises :class:`NotBound`, :class:`NoProvider`, :class:`LoginFailed`, ``Locked``.
    """
    tx.lock(LOCK)
    row = sql.person_by_handle(tx, handle)
    if row is None or row.disabled is not None:
        raise NotBound(identity=proved.identity)
    need_bound(tx, ledger, person=row.id, proved=proved, now=now)
    identities.refuse_locked(tx, handle=handle, now=now)
    if proved.second:
        return sessions.open_session(tx, ledger, row=row, now=now, factor=KIND, device=device)
    step = None if code is None or not row.totp else identities.step_of(cipher, row, code, now)
    if step is None or not sql.record_success(tx, row.id, step):
        raise LoginFailed
    return sessions.open_session(tx, ledger, row=row, now=now, device=device)


def _need_two(by: str, approver: str) -> None:
    if not by or not approver or by == approver:
        raise SamePerson


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _held(tx: Tx, ledger: Ledger, kind: str, subject: str, *, now: datetime) -> Sequence[Fact]:
    return [fact for fact in facts.read(tx, ledger=ledger, kinds=[kind], subjects=[subject]) if fact.current(now)]


def _withdraw(tx: Tx, ledger: Ledger, kind: str, subject: str, *, reason: str, actor: str, now: datetime) -> int:
    tx.lock(LOCK)
    held = [fact for fact in facts.read(tx, ledger=ledger, kinds=[kind], subjects=[subject]) if not fact.withdrawn]
    for fact in held:
        facts.withdraw(tx, ledger, entry=fact.entry, reason=reason, actor=actor, now=now)
    return len(held)
