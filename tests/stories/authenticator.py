"""The authenticator in software, of either kind of key; tests change its members to make it lie. Not a test itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from tigertally.testing import authenticator
from tigertally.testing.authenticator import UP, UV, url

__all__ = ["UP", "UV", "Authenticator", "url"]


@dataclass(slots=True, kw_only=True)
class Authenticator(authenticator.Authenticator):
    """One device with one key per host: ES256, or EdDSA if told, or one that calls itself something else."""

    algorithm: int = -7
    key: Any = None

    def make_key(self) -> dict[int, object]:
        cose = authenticator.Authenticator.make_key(self)
        if self.algorithm != -7:
            return {**cose, 3: self.algorithm}
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}

    def sign(self, data: bytes) -> bytes:
        if self.algorithm != -7:
            return authenticator.Authenticator.sign(self, data)
        signed: bytes = self.key.sign(data, ec.ECDSA(SHA256()))
        return signed
