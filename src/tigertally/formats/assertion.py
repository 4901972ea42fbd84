"""What a service shows who it is with: a token that it signs itself (RFC 7523 §3), for one use within five minutes.

Checked, in this order: 1. the form (``jws``); 2. ``alg`` is the registered key's, ``kid`` (if there) its thumbprint;
3. the signature; 4. the claims are these and no others; 5. ``iss`` and ``sub`` are the service, ``aud`` this
installation; 6. ``iat`` is not ahead of the clock by over five seconds, ``exp`` not past, and no more than five
minutes lie between them; 7. ``act``, if there, is the digest of the one act that it is for. That ``jti`` was not used
before is for whoever keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tigertally.crypto import jose
from tigertally.crypto.errors import SignatureInvalid
from tigertally.formats import jws
from tigertally.formats.errors import Malformed
from tigertally.formats.jws import PublicKey, Token

WHAT: Final = "assertion"
LIFE_MAX_S: Final = 300
AHEAD_MAX_S: Final = 5
JTI_CHARS: Final = range(16, 129)
_NEEDED: Final = frozenset({"iss", "sub", "aud", "jti", "iat", "exp"})
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One that holds: its number, when it was made, the digest of the act that it is for ("" for any), its key."""

    jti: str
    at: datetime
    act: str
    key: str


def read(compact: bytes, *, service: str, audience: str, keys: Iterable[PublicKey], now: datetime) -> Assertion:
    """Return what a service asserts. Raises :class:`Malformed` with the claim, :class:`SignatureInvalid`."""
    token = jws.parse(compact, what=WHAT)
    key = _key_of(token, list(keys))
    claims = token.claims
    if not _NEEDED <= claims.keys() <= _NEEDED | {"act"}:
        raise Malformed(what=WHAT, where="claims")
    for name, wanted in (("iss", service), ("sub", service), ("aud", audience)):
        if claims[name] != wanted:
            raise Malformed(what=WHAT, where=name)
    jti = jws.text_of(token, "jti", what=WHAT)
    if len(jti) not in JTI_CHARS:
        raise Malformed(what=WHAT, where="jti")
    made, ends = (jws.seconds_of(token, name, what=WHAT) for name in ("iat", "exp"))
    at_s = now.timestamp()
    if made > at_s + AHEAD_MAX_S:
        raise Malformed(what=WHAT, where="iat")
    if not made < ends <= made + LIFE_MAX_S or ends <= at_s:
        raise Malformed(what=WHAT, where="exp")
    act = claims.get("act", "")
    if not isinstance(act, str) or (act and not _DIGEST.fullmatch(act)):
        raise Malformed(what=WHAT, where="act")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=made)
    return Assertion(jti=jti, at=at, act=act, key=key.id)


def _key_of(token: Token, keys: list[PublicKey]) -> PublicKey:
    """Return the registered key that signed it: what the token names can only leave keys out."""
    named = [key for key in keys if token.header.get("kid", key.id) == key.id]
    if not named:
        raise Malformed(what=WHAT, where="kid")
    fitting = [key for key in named if key.algorithm == token.algorithm]
    if not fitting:
        raise Malformed(what=WHAT, where="alg")
    for key in fitting:
        if jose.verifies(key.algorithm, key.key, token.signature, token.signed):
            return key
    raise SignatureInvalid
