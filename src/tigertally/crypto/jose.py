"""Signatures of JSON web tokens: EdDSA (Ed25519), ES256 (RFC 7518 §3.4, RFC 8037), and RS256 (§3.3) of providers.

Keys are raw: 32 bytes for Ed25519, an uncompressed point (65 bytes) for P-256, SubjectPublicKeyInfo in DER for RSA.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from tigertally.crypto import passkeys
from tigertally.crypto.errors import BadKey

EDDSA: Final = "EdDSA"
ES256: Final = "ES256"
RS256: Final = "RS256"
RSA_BITS: Final = range(2048, 8193)
_COSE: Final = {EDDSA: passkeys.EDDSA, ES256: passkeys.ES256}
_HALF: Final = 32
_EXPONENT_MAX: Final = 2**32


def is_key(algorithm: str, key: bytes) -> bool:
    """Return whether ``key`` is a public key of ``algorithm``."""
    return algorithm in _COSE and passkeys.is_key(_COSE[algorithm], key)


def key_of_pem(data: bytes) -> tuple[str, bytes]:
    """Return algorithm and raw public key of a PEM file (SubjectPublicKeyInfo); :class:`BadKey` for any other."""
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey from None
    if isinstance(key, Ed25519PublicKey):
        return EDDSA, key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return ES256, key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise BadKey


def rsa_key(modulus: bytes, exponent: bytes) -> bytes:
    """Return the RSA key of two big-endian numbers; :class:`BadKey` if it is weak (under 2048 bits) or absurd."""
    n, e = (int.from_bytes(number, "big") for number in (modulus, exponent))
    if n.bit_length() not in RSA_BITS or not 3 <= e < _EXPONENT_MAX:  # noqa: PLR2004 - the smallest there is
        raise BadKey
    try:
        key = RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise BadKey from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def verifies(algorithm: str, key: bytes, signature: bytes, data: bytes) -> bool:
    """Return whether ``signature`` (64 bytes; of ES256 both numbers; RSA's own) over ``data`` was made by ``key``."""
    if algorithm == RS256:
        return _verifies_rsa(key, signature, data)
    if algorithm not in _COSE or len(signature) != 2 * _HALF:
        return False
    if algorithm == ES256:
        halves = [int.from_bytes(signature[at : at + _HALF], "big") for at in (0, _HALF)]
        signature = encode_dss_signature(*halves)
    return passkeys.verifies(_COSE[algorithm], key, signature, data)


def _verifies_rsa(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        public = load_der_public_key(key)
        if not isinstance(public, RSAPublicKey):
            return False
        public.verify(signature, data, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True
