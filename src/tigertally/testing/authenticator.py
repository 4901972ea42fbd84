"""An authenticator in software, with its browser: the counterpart of passkeys. Written from the W3C text alone.

It has one key (Ed25519) per host and asks nobody for anything: whoever has the object is the person. So it is for the
demo and for tests, whose subclass makes ES256 keys and changes members in order to lie.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tigertally.crypto.passkeys import EDDSA
from tigertally.crypto.sign import NoteKey

UP: Final = 0x01
UV: Final = 0x04
AT: Final = 0x40


def url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor(value: object) -> bytes:
    """Encode integers, bytes, text and maps."""

    def head(major: int, number: int) -> bytes:
        if number < 24:  # noqa: PLR2004 - RFC 8949 §3
            return bytes([major << 5 | number])
        size = 1 if number < 1 << 8 else 2 if number < 1 << 16 else 4
        return bytes([major << 5 | {1: 24, 2: 25, 4: 26}[size]]) + number.to_bytes(size, "big")

    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if not isinstance(value, Mapping):
        raise TypeError(type(value).__name__)
    return head(5, len(value)) + b"".join(cbor(name) + cbor(item) for name, item in value.items())


@dataclass(slots=True, kw_only=True)
class Authenticator:
    """One device at one origin. ``counts``: whether its signature counter rises."""

    origin: str
    flags: int = UP | UV
    fmt: str = "none"
    count: int = 0
    counts: bool = True
    extra: Mapping[str, object] = field(default_factory=dict)
    ident: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _key: NoteKey = field(default_factory=NoteKey.generate, repr=False)

    def make_key(self) -> dict[int, object]:
        """Make the key; return its COSE form (RFC 9053)."""
        self._key = NoteKey.generate()
        return {1: 1, 3: EDDSA, -1: 6, -2: self._key.classic_public}

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        return self._key.sign_classic(data)

    def create(self, options: Mapping[str, object]) -> bytes:
        """Answer PublicKeyCredentialCreationOptionsJSON."""
        tail = bytes(16) + len(self.ident).to_bytes(2, "big") + self.ident + cbor(self.make_key())
        made = cbor({"fmt": self.fmt, "attStmt": {}, "authData": self._data(AT, tail)})
        client = self._client_data("webauthn.create", options)
        return self._answer({"clientDataJSON": url(client), "attestationObject": url(made)})

    def get(self, options: Mapping[str, object]) -> bytes:
        """Answer PublicKeyCredentialRequestOptionsJSON."""
        client, data = self._client_data("webauthn.get", options), self._data(0)
        signature = self.sign(data + hashlib.sha256(client).digest())
        response = {"clientDataJSON": url(client), "authenticatorData": url(data), "signature": url(signature)}
        return self._answer(response)

    def _client_data(self, kind: str, options: Mapping[str, object]) -> bytes:
        body = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**body, **self.extra}).encode()

    def _data(self, more: int, tail: bytes = b"") -> bytes:
        self.count += self.counts
        host = self.origin.split("//")[1].split(":")[0]
        head = hashlib.sha256(host.encode()).digest() + bytes([self.flags | more])
        return head + self.count.to_bytes(4, "big") + tail

    def _answer(self, response: Mapping[str, str]) -> bytes:
        ident = url(self.ident)
        return json.dumps({"id": ident, "rawId": ident, "type": "public-key", "response": response}).encode()
