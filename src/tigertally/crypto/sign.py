"""Signatures: Ed25519 and ML-DSA-65 together on documents; single-algorithm keys for log notes.

A document signature is ``version ‖ suite ‖ Ed25519(64) ‖ ML-DSA-65(3309)`` over the same message; it
verifies only if **both** do, so it stands if either algorithm falls. The caller separates domains by
what it signs (DSSE pre-authentication encoding, see ``formats.statement``). ML-DSA uses the context
string ``tigertally/v1``. C2SP notes assign type bytes to Ed25519 and ML-DSA-44 only, hence
:class:`NoteKey`.
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
    MLDSA65PublicKey,
)

from tigertally.base.secret import SecretBytes
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.suites import HEADER

SEED_BYTES: Final = 32
ED25519_BYTES: Final = 64
ED25519_PUBLIC_BYTES: Final = 32
MLDSA65_BYTES: Final = 3309
MLDSA65_PUBLIC_BYTES: Final = 1952
MLDSA44_BYTES: Final = 2420
MLDSA44_PUBLIC_BYTES: Final = 1312
SIGNATURE_BYTES: Final = len(HEADER) + ED25519_BYTES + MLDSA65_BYTES
PUBLIC_BYTES: Final = len(HEADER) + ED25519_PUBLIC_BYTES + MLDSA65_PUBLIC_BYTES
CONTEXT: Final = b"tigertally/v1"


class VerifyKey:
    """The public half of a double signing key."""

    __slots__ = ("_classic", "_lattice", "raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != PUBLIC_BYTES or raw[:2] != HEADER:
            raise BadKey
        self.raw = raw
        try:
            self._classic = Ed25519PublicKey.from_public_bytes(raw[2 : 2 + ED25519_PUBLIC_BYTES])
            self._lattice = MLDSA65PublicKey.from_public_bytes(raw[2 + ED25519_PUBLIC_BYTES :])
        except ValueError:
            raise BadKey from None

    @property
    def key_id(self) -> str:
        """SHA-256 of the public bytes, as 64 hex digits."""
        return sha256(self.raw).hex()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Return if both signatures verify; else raise :class:`SignatureInvalid`."""
        if len(signature) != SIGNATURE_BYTES or signature[:2] != HEADER:
            raise SignatureInvalid
        split = 2 + ED25519_BYTES
        try:
            self._classic.verify(signature[2:split], message)
            self._lattice.verify(signature[split:], message, CONTEXT)
        except InvalidSignature:
            raise SignatureInvalid from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)


class SigningKey:
    """A double signing key, kept as two 32-byte seeds."""

    __slots__ = ("_classic", "_lattice", "public", "seeds")

    def __init__(self, seeds: SecretBytes) -> None:
        if len(seeds) != 2 * SEED_BYTES:
            raise BadKey
        raw = seeds.expose()
        self.seeds = seeds
        self._classic = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])
        self._lattice = MLDSA65PrivateKey.from_seed_bytes(raw[SEED_BYTES:])
        self.public = VerifyKey(
            HEADER + self._classic.public_key().public_bytes_raw() + self._lattice.public_key().public_bytes_raw()
        )

    @classmethod
    def generate(cls) -> SigningKey:
        """Return a fresh key."""
        return cls(SecretBytes(secrets.token_bytes(2 * SEED_BYTES)))

    def sign(self, message: bytes) -> bytes:
        """Return the double signature over ``message``."""
        return HEADER + self._classic.sign(message) + self._lattice.sign(message, CONTEXT)

    def __repr__(self) -> str:
        return "<signing key>"


class NoteKey:
    """The log's two note keys: Ed25519 (type 0x01) and ML-DSA-44 (type 0x06), from two seeds."""

    __slots__ = ("_classic", "_lattice", "classic_public", "lattice_public", "seeds")

    def __init__(self, seeds: SecretBytes) -> None:
        if len(seeds) != 2 * SEED_BYTES:
            raise BadKey
        raw = seeds.expose()
        self.seeds = seeds
        self._classic = Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])
        self._lattice = MLDSA44PrivateKey.from_seed_bytes(raw[SEED_BYTES:])
        self.classic_public = self._classic.public_key().public_bytes_raw()
        self.lattice_public = self._lattice.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> NoteKey:
        """Return fresh note keys."""
        return cls(SecretBytes(secrets.token_bytes(2 * SEED_BYTES)))

    def sign_classic(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes)."""
        return self._classic.sign(message)

    def sign_lattice(self, message: bytes) -> bytes:
        """Return the ML-DSA-44 signature (2,420 bytes), empty context as C2SP tlog-cosignature has it."""
        return self._lattice.sign(message)

    def __repr__(self) -> str:
        return "<note key>"


def ed25519_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a bare Ed25519 signature verifies."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def mldsa44_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether a bare ML-DSA-44 signature verifies."""
    try:
        MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
