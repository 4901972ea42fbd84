"""What a sign-in provider says of a person: an ID token (OpenID Connect Core §2, §3.1.3.7), read strictly.

Checked, in this order: 1. the form (``jws``); 2. ``alg`` is one of those agreed with the provider, and of the key's
own kind; none, HMAC and others are no algorithms here; 3. the key: the one that ``kid`` names, or, without ``kid``, the
only one that fits; 4. the signature; 5. ``iss`` is the provider, to the letter; 6. ``aud`` is this client and nobody
else, and so is ``azp``, if there; 7. ``nonce`` is the one that was asked with; 8. ``exp`` is not past, ``iat`` neither
ahead nor old, ``nbf``, if there, not ahead; 9. ``sub`` is a name of 1 to 255 printable ASCII characters. What else it
says (e-mail, names) is not read. ``auth_time``, ``acr`` and ``amr`` are told to the caller, who may ask for them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally.base.canon import Json, dumps
from tigertally.crypto import jose
from tigertally.crypto.digest import same, sha256_hex
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import jws
from tigertally.formats.errors import Malformed
from tigertally.formats.jws import PublicKey, Token

WHAT: Final = "ID token"
ALGORITHMS: Final = (jose.RS256, jose.ES256, jose.EDDSA)
AHEAD_MAX_S: Final = 60
AGE_MAX_S: Final = 600
# Names the certificate of the key that ``kid`` names too; nothing is taken from it.
_IDLE: Final = frozenset({"x5t", "x5t#S256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say: whose it is, for which client, with which nonce, signed how."""

    issuer: str
    client: str
    nonce: str
    algorithms: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """One that holds. ``auth_time`` is when the person showed themselves there, if it says so."""

    subject: str
    algorithm: str
    auth_time: datetime | None
    acr: str
    amr: tuple[str, ...]


def read(compact: bytes, *, expected: Expected, keys: Sequence[PublicKey], now: datetime) -> IdToken:
    """Return what a token says. Raises :class:`Malformed` with the claim, :class:`SignatureInvalid`."""
    token = jws.parse(compact, what=WHAT, idle=_IDLE)
    key = _key_of(token, expected.algorithms, keys)
    if not jose.verifies(key.algorithm, key.key, token.signature, token.signed):
        raise SignatureInvalid
    _need_ours(token, expected)
    _need_now(token, now)
    return IdToken(
        subject=jws.text_of(token, "sub", what=WHAT),
        algorithm=key.algorithm,
        auth_time=_at(token, "auth_time") if "auth_time" in token.claims else None,
        acr=jws.text_of(token, "acr", what=WHAT) if "acr" in token.claims else "",
        amr=_amr(token.claims.get("amr", [])),
    )


def identity_of(*, issuer: str, subject: str) -> str:
    """Return the digest that a person is bound by: of who says it and whom they name, and of nothing else."""
    return sha256_hex(dumps({"iss": issuer, "sub": subject}))


def _key_of(token: Token, algorithms: Collection[str], keys: Sequence[PublicKey]) -> PublicKey:
    if token.algorithm not in ALGORITHMS or token.algorithm not in algorithms:
        raise Malformed(what=WHAT, where="alg")
    kid = token.header.get("kid")
    named = [key for key in keys if kid is None or (key.id and key.id == kid)]
    if not named:
        raise Malformed(what=WHAT, where="kid")
    fitting = [key for key in named if key.algorithm == token.algorithm]
    if len(fitting) != 1:
        raise Malformed(what=WHAT, where="kid" if fitting else "alg")
    return fitting[0]


def _need_ours(token: Token, expected: Expected) -> None:
    claims = token.claims
    if claims.get("iss") != expected.issuer:
        raise Malformed(what=WHAT, where="iss")
    if claims.get("aud") not in (expected.client, [expected.client]):
        raise Malformed(what=WHAT, where="aud")
    if claims.get("azp", expected.client) != expected.client:
        raise Malformed(what=WHAT, where="azp")
    if not same(jws.text_of(token, "nonce", what=WHAT).encode(), expected.nonce.encode()):
        raise Malformed(what=WHAT, where="nonce")


def _need_now(token: Token, now: datetime) -> None:
    at_s = now.timestamp()
    made, ends = (jws.seconds_of(token, name, what=WHAT) for name in ("iat", "exp"))
    if ends <= at_s or ends <= made:
        raise Malformed(what=WHAT, where="exp")
    if not at_s - AGE_MAX_S <= made <= at_s + AHEAD_MAX_S:
        raise Malformed(what=WHAT, where="iat")
    if "nbf" in token.claims and jws.seconds_of(token, "nbf", what=WHAT) > at_s + AHEAD_MAX_S:
        raise Malformed(what=WHAT, where="nbf")


def _at(token: Token, name: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=jws.seconds_of(token, name, what=WHAT))


def _amr(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Malformed(what=WHAT, where="amr")
    texts = tuple(item for item in value if isinstance(item, str))
    if len(texts) != len(value):
        raise Malformed(what=WHAT, where="amr")
    return texts
