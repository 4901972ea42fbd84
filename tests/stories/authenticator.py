"""An authenticator in software, with its browser: what makes passkeys in tests. Written from the W3C text alone."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

UP, UV, AT = 0x01, 0x04, 0x40


def url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value: object) -> bytes:
    """Encode integers, bytes, text and maps."""

    def head(major: int, number: int) -> bytes:
        if number < 24:
            return bytes([major << 5 | number])
        size = 1 if number < 256 else 2 if number < 65_536 else 4
        return bytes([major << 5 | {1: 24, 2: 25, 4: 26}[size]]) + number.to_bytes(size, "big")

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    assert isinstance(value, dict)
    return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """One device with one key per host. Members are changed by tests that lie."""

    origin: str
    algorithm: int = -7
    flags: int = UP | UV
    fmt: str = "none"
    count: int = 0
    counts: bool = True
    extra: dict[str, Any] = field(default_factory=dict)
    ident: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: Any = None

    @property
    def host(self) -> str:
        return self.origin.split("//")[1].split(":")[0]

    def client_data(self, kind: str, challenge: str) -> bytes:
        body = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **self.extra}
        return json.dumps(body).encode()

    def data(self, more: int, tail: bytes = b"") -> bytes:
        self.count += self.counts
        head = hashlib.sha256(self.host.encode()).digest() + bytes([self.flags | more])
        return head + self.count.to_bytes(4, "big") + tail

    def create(self, options: dict[str, Any]) -> bytes:
        """Answer PublicKeyCredentialCreationOptionsJSON."""
        if self.algorithm == -7:
            self.key = ec.generate_private_key(ec.SECP256R1())
            numbers = self.key.public_key().public_numbers()
            cose: dict[int, object] = {1: 2, 3: -7, -1: 1}
            cose |= {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()
            public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            cose = {1: 1, 3: self.algorithm, -1: 6, -2: public}
        tail = bytes(16) + len(self.ident).to_bytes(2, "big") + self.ident + cbor(cose)
        made = cbor({"fmt": self.fmt, "attStmt": {}, "authData": self.data(AT, tail)})
        client = self.client_data("webauthn.create", options["challenge"])
        return self.answer({"clientDataJSON": url(client), "attestationObject": url(made)})

    def get(self, options: dict[str, Any]) -> bytes:
        """Answer PublicKeyCredentialRequestOptionsJSON."""
        client = self.client_data("webauthn.get", options["challenge"])
        data = self.data(0)
        signed = data + hashlib.sha256(client).digest()
        how = (ec.ECDSA(SHA256()),) if self.algorithm == -7 else ()
        signature = self.key.sign(signed, *how)
        response = {"clientDataJSON": url(client), "authenticatorData": url(data), "signature": url(signature)}
        return self.answer(response)

    def answer(self, response: dict[str, str]) -> bytes:
        ident = url(self.ident)
        return json.dumps({"id": ident, "rawId": ident, "type": "public-key", "response": response}).encode()
