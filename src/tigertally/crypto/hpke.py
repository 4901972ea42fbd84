"""Sealing to a party: HPKE base mode (RFC 9180) with X-Wing (ML-KEM-768 + X25519), HKDF-SHA-256, AES-256-GCM.

X-Wing is still a draft (draft-connolly-cfrg-xwing-kem), hence the suite byte in front. HPKE here says
nothing about who sealed: whatever is sealed is inside something signed. ``info`` binds the purpose and
the document; empty is refused.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
)
from cryptography.hazmat.primitives.hpke import Suite as HpkeSuite

from tigertally.base.secret import SecretBytes
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey, DecryptionFailed
from tigertally.crypto.suites import HEADER, check_header

_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64
_X25519_BYTES: Final = 32
PUBLIC_BYTES: Final = len(HEADER) + _MLKEM_PUBLIC_BYTES + _X25519_BYTES
ENCAPSULATED_BYTES: Final = 1120


def _suite() -> HpkeSuite:
    return HpkeSuite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class TransferPublic:
    """Where to seal to: a party's public transfer key."""

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PUBLIC_BYTES or raw[:2] != HEADER:
            raise BadKey
        self.raw = raw
        try:
            self._key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(raw[2 : 2 + _MLKEM_PUBLIC_BYTES]),
                X25519PublicKey.from_public_bytes(raw[2 + _MLKEM_PUBLIC_BYTES :]),
            )
        except ValueError:
            raise BadKey from None

    @property
    def key_id(self) -> str:
        """SHA-256 of the public bytes, as 64 hex digits."""
        return sha256(self.raw).hex()

    def seal(self, plaintext: bytes, *, info: bytes) -> bytes:
        """Return ``version ‖ suite ‖ encapsulated key ‖ ciphertext`` for the holder of the private key.

        Raises :class:`BadKey` if nothing can be sealed to this key.
        """
        if not info:
            raise ValueError("info must name the purpose")
        try:
            return HEADER + _suite().encrypt(plaintext, self._key, HEADER + info)
        except ValueError:  # a card may hold a point of small order, which no honest key is
            raise BadKey from None


class TransferKey:
    """A party's private transfer key: ML-KEM seed (64) and X25519 key (32)."""

    __slots__ = ("_key", "public", "secret")

    def __init__(self, secret: SecretBytes) -> None:
        if len(secret) != _MLKEM_SEED_BYTES + _X25519_BYTES:
            raise BadKey
        raw = secret.expose()
        lattice = MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED_BYTES])
        classic = X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED_BYTES:])
        self.secret = secret
        self._key = MLKEM768X25519PrivateKey(lattice, classic)
        self.public = TransferPublic(
            HEADER + lattice.public_key().public_bytes_raw() + classic.public_key().public_bytes_raw()
        )

    @classmethod
    def generate(cls) -> TransferKey:
        """Return a fresh key."""
        lattice, classic = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        return cls(SecretBytes(lattice.private_bytes_raw() + classic.private_bytes_raw()))

    def open(self, sealed: bytes, *, info: bytes) -> SecretBytes:
        """Return what was sealed to us under ``info``; any doubt raises :class:`DecryptionFailed`."""
        check_header(sealed)
        try:
            return SecretBytes(_suite().decrypt(sealed[2:], self._key, HEADER + info))
        except (InvalidTag, ValueError):
            raise DecryptionFailed from None

    def __repr__(self) -> str:
        return "<transfer key>"
