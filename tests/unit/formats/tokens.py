"""Tokens as services sign them, and every lie that one can tell. Not a test itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tigertally.formats.jws import PublicKey, public_key, to_b64url

Claims = dict[str, object]


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair of a service."""

    private: Ed25519PrivateKey | EllipticCurvePrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def algorithm(self) -> str:
        return "EdDSA" if isinstance(self.private, Ed25519PrivateKey) else "ES256"

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def public(self) -> PublicKey:
        return public_key(self.pem)

    def sign(self, data: bytes) -> bytes:
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(data)
        halves = decode_dss_signature(self.private.sign(data, ECDSA(SHA256())))
        return b"".join(half.to_bytes(32, "big") for half in halves)

    def token(self, claims: Mapping[str, object], header: Mapping[str, object] | None = None) -> bytes:
        head = {"alg": self.algorithm} if header is None else header
        signed = ".".join(to_b64url(json.dumps(part).encode()) for part in (head, claims)).encode()
        return signed + b"." + to_b64url(self.sign(signed)).encode()


def es256() -> Signer:
    return Signer(generate_private_key(SECP256R1()))


def claims(service: str, audience: str, now: datetime, **more: object) -> Claims:
    at = int(now.timestamp())
    body: Claims = {"iss": service, "sub": service, "aud": audience, "jti": "0123456789abcdef", "iat": at}
    return {**body, "exp": at + 60, **more}


# Claims that differ from good ones, and what a refusal names.
LIES: Final[tuple[tuple[Claims, str], ...]] = (
    ({"iss": "svc_other"}, "iss"),
    ({"sub": "svc_other"}, "sub"),
    ({"aud": "pty_other"}, "aud"),
    ({"aud": ["pty_us"]}, "aud"),
    ({"jti": "short"}, "jti"),
    ({"jti": 7}, "jti"),
    ({"jti": "x" * 129}, "jti"),
    ({"jti": "0123456789abcde\n"}, "jti"),
    ({"iat": 6}, "iat"),
    ({"iat": -301, "exp": 5}, "exp"),
    ({"iat": 0.5}, "iat"),
    ({"iat": True}, "iat"),
    ({"iat": "now"}, "iat"),
    ({"exp": 0}, "exp"),
    ({"exp": 301}, "exp"),
    ({"iat": 2, "exp": 1}, "exp"),
    ({"exp": None}, "exp"),
    ({"nbf": 0}, "claims"),
    ({"scope": "all"}, "claims"),
    ({"act": "f" * 63}, "act"),
    ({"act": {"sub": "x"}}, "act"),
)


def shifted(good: Claims, lie: Claims, now: datetime) -> Claims:
    """The good claims with the lie's in their place; small numbers count from now."""
    at = int(now.timestamp())
    moved = {
        name: at + value if name in ("iat", "exp", "nbf") and type(value) in (int, float) else value  # type: ignore[operator]
        for name, value in lie.items()
    }
    return {**good, **moved}
