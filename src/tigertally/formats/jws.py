"""Signed JSON web tokens in compact form (RFC 7515 §7.1), read strictly; and public keys as JWK (RFC 7517, RFC 7638).

1. Three parts of base64url without padding, spelled in the one way there is; 2. header and claims are JSON objects in
UTF-8 with no name twice; 3. the header says ``alg``, and beside it at most ``typ``, ``kid``; what asks for more
(``crit``, ``jwk``, ``jku``, ``x5c``, ``b64``, ``zip`` …) is refused, so no token brings its own key. Which algorithm
and key it must be is the caller's to know beforehand; the token only says so again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tigertally.base.canon import INT_MAX, Json, dumps
from tigertally.crypto import jose
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey
from tigertally.formats.errors import Malformed

BYTES_MAX: Final = 16_384
HEADER: Final = frozenset({"alg", "typ", "kid"})
_B64URL: Final = re.compile(rb"[A-Za-z0-9_-]+")
KEYS: Final = "JWK set"
KEYS_MAX: Final = 100
_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
_PARTS: Final = 3
_POINT: Final = b"\x04"
_COORDINATE: Final = 32
_CURVES: Final = {("OKP", "Ed25519"): jose.EDDSA, ("EC", "P-256"): jose.ES256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it was given; nothing of it is true until the signature over ``signed`` was verified."""

    header: Mapping[str, Json]
    claims: Mapping[str, Json]
    signed: bytes
    signature: bytes

    @property
    def algorithm(self) -> str:
        """What the header says it is signed with."""
        return str(self.header["alg"])


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that tokens are verified with. ``id`` is its thumbprint (RFC 7638)."""

    algorithm: str
    key: bytes
    id: str


def parse(compact: bytes, *, what: str, idle: frozenset[str] = frozenset()) -> Token:
    """Return the token in ``compact``. Raises :class:`Malformed` (``what`` is what it should have been).

    ``idle`` are further members of the header that may be there and are not looked at.
    """
    parts = compact.split(b".")
    if len(compact) > BYTES_MAX or len(parts) != _PARTS:
        raise Malformed(what=what, where="form")
    header, claims = (object_of(_decoded(part, what=what), what=what) for part in parts[:2])
    if not header.keys() <= HEADER | idle or header.get("typ", "JWT") != "JWT":
        raise Malformed(what=what, where="header")
    if not isinstance(header.get("alg"), str) or not isinstance(header.get("kid", ""), str):
        raise Malformed(what=what, where="header")
    return Token(header=header, claims=claims, signed=b".".join(parts[:2]), signature=_decoded(parts[2], what=what))


def text_of(token: Token, name: str, *, what: str, chars_max: int = 255) -> str:
    """Return a claim that must be printable ASCII text; :class:`Malformed` if it is not there or anything else."""
    value = token.claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= chars_max or not (value.isascii() and value.isprintable()):
        raise Malformed(what=what, where=name)
    return value


def seconds_of(token: Token, name: str, *, what: str) -> int:
    """Return a claim that must be a whole number of seconds since 1970; :class:`Malformed` else."""
    value = token.claims.get(name)
    if type(value) is not int or not 0 <= value <= INT_MAX:
        raise Malformed(what=what, where=name)
    return value


def public_key(data: bytes) -> PublicKey:
    """Return the key in a JWK or a PEM file. Raises :class:`Malformed`, ``BadKey``; a private key is refused."""
    if data.lstrip().startswith(b"-----BEGIN "):
        return _keyed(*jose.key_of_pem(data))
    jwk = object_of(data, what="JWK")
    algorithm = _CURVES.get((str(jwk.get("kty")), str(jwk.get("crv"))), "")
    if not algorithm or jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig" or "d" in jwk:
        raise Malformed(what="JWK", where="d" if "d" in jwk else "crv")
    halves = [_coordinate(jwk, name) for name in (("x", "y") if algorithm == jose.ES256 else ("x",))]
    key = b"".join([_POINT, *halves]) if algorithm == jose.ES256 else halves[0]
    if not jose.is_key(algorithm, key):
        raise Malformed(what="JWK", where="x")
    return _keyed(algorithm, key)


def _keyed(algorithm: str, key: bytes) -> PublicKey:
    if algorithm == jose.ES256:
        body = {"crv": "P-256", "kty": "EC", "x": to_b64url(key[1:33]), "y": to_b64url(key[33:])}
    else:
        body = {"crv": "Ed25519", "kty": "OKP", "x": to_b64url(key)}
    return PublicKey(algorithm=algorithm, key=key, id=to_b64url(sha256(dumps(body))))


def key_set(data: bytes) -> list[PublicKey]:
    """Return the keys of a JWK set (RFC 7517 §5) that sign; ``id`` is their ``kid``, "" if they have none.

    Keys of other kinds, and weak ones, are passed over as the RFC asks; one that is secret, a ``kid`` twice, and a set
    without any key of use are refused: :class:`Malformed`.
    """
    listed = object_of(data, what=KEYS).get("keys")
    if not isinstance(listed, list) or not 1 <= len(listed) <= KEYS_MAX:
        raise Malformed(what=KEYS, where="keys")
    found = []
    for jwk in listed:
        if not isinstance(jwk, dict) or jwk.get("kty") == "oct" or not _SECRET.isdisjoint(jwk):
            raise Malformed(what=KEYS, where="secret")
        with suppress(Malformed, BadKey):
            found.append(_listed(jwk))
    ids = [key.id for key in found if key.id]
    if not found or len(set(ids)) < len(ids):
        raise Malformed(what=KEYS, where="kid" if found else "keys")
    return found


def _listed(jwk: dict[str, Json]) -> PublicKey:
    kid, operations = jwk.get("kid", ""), jwk.get("key_ops", ["verify"])
    if not isinstance(kid, str) or not isinstance(operations, list) or "verify" not in operations:
        raise Malformed(what=KEYS, where="kid")
    if jwk.get("kty") != "RSA":
        key = public_key(json.dumps(jwk).encode())
        return PublicKey(algorithm=key.algorithm, key=key.key, id=kid)
    if jwk.get("alg", jose.RS256) != jose.RS256 or jwk.get("use", "sig") != "sig":
        raise Malformed(what=KEYS, where="alg")
    n, e = (_decoded(str(jwk.get(name)).encode(), what=KEYS) for name in ("n", "e"))
    return PublicKey(algorithm=jose.RS256, key=jose.rsa_key(n, e), id=kid)


def object_of(data: bytes, *, what: str) -> dict[str, Json]:
    """Return a JSON object in UTF-8 with no name twice; :class:`Malformed` for anything else."""

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError
        return found

    try:
        found = json.loads(data.decode(), object_pairs_hook=once, parse_constant=_none)
    except (ValueError, RecursionError):
        raise Malformed(what=what, where="JSON") from None
    if not isinstance(found, dict):
        raise Malformed(what=what, where="JSON")
    return found


def to_b64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _coordinate(jwk: Mapping[str, Json], name: str) -> bytes:
    raw = _decoded(str(jwk.get(name)).encode(), what="JWK")
    if len(raw) != _COORDINATE:
        raise Malformed(what="JWK", where=name)
    return raw


def _decoded(part: bytes, *, what: str) -> bytes:
    if not _B64URL.fullmatch(part) or len(part) % 4 == 1:
        raise Malformed(what=what, where="base64url")
    raw = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    if to_b64url(raw).encode() != part:  # bits that no byte needs
        raise Malformed(what=what, where="base64url")
    return raw


def _none(_: str) -> Json:
    raise ValueError
