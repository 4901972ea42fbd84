"""Signatures of passkeys: ECDSA over P-256 with SHA-256 (COSE -7) and Ed25519 (COSE -8), what authenticators make."""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

ES256: Final = -7
EDDSA: Final = -8


def is_key(algorithm: int, key: bytes) -> bool:
    """Return whether ``key`` is a public key: a point (uncompressed) for ES256, 32 bytes for EdDSA."""
    try:
        if algorithm == ES256:
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key)
        elif algorithm == EDDSA:
            Ed25519PublicKey.from_public_bytes(key)
        else:
            return False
    except ValueError:
        return False
    return True


def verifies(algorithm: int, key: bytes, signature: bytes, data: bytes) -> bool:
    """Return whether ``signature`` (DER for ES256) over ``data`` was made by ``key``."""
    try:
        if algorithm == ES256:
            EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key).verify(signature, data, ECDSA(SHA256()))
        elif algorithm == EDDSA:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True
