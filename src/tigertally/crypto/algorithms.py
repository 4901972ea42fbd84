"""What the algorithms of this code are: kind, parameters, strength, and what is to be said against one.

A table and nothing else, for inventories (``app.cbom``). ``classical`` and ``quantum`` are security levels as CycloneDX
1.6 has them: bits, and the NIST category from 0 (none) to 5. Where no category was assigned to an algorithm (SM4, SM3)
it is that of the AES or SHA-2 of the same length, as its attack is the same search. A test holds the table to what the
rooms of this floor import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tigertally.base.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One algorithm. ``kind``, ``functions`` and ``mode`` are words of CycloneDX; ``parts`` are other names here."""

    name: str
    kind: str
    functions: tuple[str, ...]
    classical: int
    quantum: int
    parameters: str = ""
    curve: str = ""
    mode: str = ""
    oid: str = ""
    parts: tuple[str, ...] = ()
    against: Text | None = None

    @property
    def ref(self) -> str:
        """A name for references to it."""
        return "alg:" + "".join(sign if sign.isalnum() else "-" for sign in self.name.lower())


_SEAL: Final = ("encrypt", "decrypt")
_SIGN: Final = ("keygen", "sign", "verify")
_KEM: Final = ("keygen", "encapsulate", "decapsulate")
_QUANTUM: Final = Text(
    "量子计算机可破解；仅与抗量子算法并用", "a quantum computer breaks it: only beside one that it does not break"
)

AES_GCM: Final = Algorithm(
    name="AES-256-GCM",
    kind="ae",
    functions=_SEAL,
    classical=256,
    quantum=5,
    parameters="256",
    mode="gcm",
    oid="2.16.840.1.101.3.4.1.46",
)
SM4_GCM: Final = Algorithm(
    name="SM4-GCM",
    kind="ae",
    functions=_SEAL,
    classical=128,
    quantum=1,
    parameters="128",
    mode="gcm",
    oid="1.2.156.10197.1.104.8",
)
AES_CMAC: Final = Algorithm(
    name="AES-256-CMAC", kind="mac", functions=("tag",), classical=128, quantum=1, parameters="256"
)
FF1: Final = Algorithm(name="FF1-AES-256", kind="other", functions=_SEAL, classical=256, quantum=5, parameters="256")
SHA256: Final = Algorithm(
    name="SHA-256",
    kind="hash",
    functions=("digest",),
    classical=128,
    quantum=2,
    parameters="256",
    oid="2.16.840.1.101.3.4.2.1",
)
HMAC_SHA256: Final = Algorithm(
    name="HMAC-SHA-256", kind="mac", functions=("tag",), classical=256, quantum=5, oid="1.2.840.113549.2.9"
)
HKDF_SHA256: Final = Algorithm(name="HKDF-SHA-256", kind="kdf", functions=("keyderive",), classical=256, quantum=5)
HKDF_SHA512: Final = Algorithm(name="HKDF-SHA-512", kind="kdf", functions=("keyderive",), classical=256, quantum=5)
ARGON2ID: Final = Algorithm(name="Argon2id", kind="kdf", functions=("keyderive",), classical=256, quantum=5)
HMAC_SHA1: Final = Algorithm(
    name="HMAC-SHA-1",
    kind="mac",
    functions=("tag",),
    classical=160,
    quantum=0,
    oid="1.2.840.113549.2.7",
    against=Text(
        "SHA-1 已弃用（NIST 要求 2030 年前停用）；此处仅用于动态码（RFC 6238），可改用通行密钥",
        "SHA-1 is deprecated (NIST: gone by 2030); here in one-time codes only (RFC 6238), which passkeys replace",
    ),
)
ED25519: Final = Algorithm(
    name="Ed25519", kind="signature", functions=_SIGN, classical=128, quantum=0, curve="Ed25519", oid="1.3.101.112"
)
ECDSA: Final = Algorithm(
    name="ECDSA-P-256",
    kind="signature",
    functions=("verify",),
    classical=128,
    quantum=0,
    curve="P-256",
    oid="1.2.840.10045.4.3.2",
    against=_QUANTUM,
)
RSA: Final = Algorithm(  # of an OpenID provider, where one is trusted
    name="RSA-PKCS1-1.5-SHA-256",
    kind="signature",
    functions=("verify",),
    classical=112,
    quantum=0,
    oid="1.2.840.113549.1.1.11",
    against=_QUANTUM,
)
PEDERSEN: Final = Algorithm(
    name="Pedersen-P-256", kind="other", functions=("other",), classical=128, quantum=0, curve="P-256"
)
MLDSA44: Final = Algorithm(
    name="ML-DSA-44",
    kind="signature",
    functions=_SIGN,
    classical=128,
    quantum=2,
    parameters="44",
    oid="2.16.840.1.101.3.4.3.17",
)
MLDSA65: Final = Algorithm(
    name="ML-DSA-65",
    kind="signature",
    functions=_SIGN,
    classical=192,
    quantum=3,
    parameters="65",
    oid="2.16.840.1.101.3.4.3.18",
)
MLKEM768: Final = Algorithm(
    name="ML-KEM-768",
    kind="kem",
    functions=_KEM,
    classical=192,
    quantum=3,
    parameters="768",
    oid="2.16.840.1.101.3.4.4.2",
)
X25519: Final = Algorithm(
    name="X25519",
    kind="key-agree",
    functions=("keygen", "keyderive"),
    classical=128,
    quantum=0,
    curve="Curve25519",
    oid="1.3.101.110",
)
DOCUMENT: Final = Algorithm(
    name="Ed25519 + ML-DSA-65",
    kind="combiner",
    functions=_SIGN,
    classical=192,
    quantum=3,
    parts=("Ed25519", "ML-DSA-65"),
)
NOTE: Final = Algorithm(
    name="Ed25519 + ML-DSA-44",
    kind="combiner",
    functions=_SIGN,
    classical=128,
    quantum=2,
    parts=("Ed25519", "ML-DSA-44"),
)
XWING: Final = Algorithm(
    name="X-Wing HPKE",
    kind="combiner",
    functions=_KEM,
    classical=192,
    quantum=3,
    parts=("ML-KEM-768", "X25519", "HKDF-SHA-256", "AES-256-GCM"),
    against=Text("X-Wing 仍是草案；套件编号可更换", "X-Wing is a draft still; its suite's number can be replaced"),
)

ALWAYS: Final = (
    AES_GCM,
    AES_CMAC,
    SHA256,
    HMAC_SHA256,
    HKDF_SHA256,
    HKDF_SHA512,
    ARGON2ID,
    HMAC_SHA1,
    ED25519,
    ECDSA,
    RSA,
    PEDERSEN,
    MLDSA44,
    MLDSA65,
    MLKEM768,
    X25519,
    DOCUMENT,
    NOTE,
    XWING,
)
SOMETIMES: Final = (SM4_GCM, FF1)
BY_NAME: Final[Mapping[str, Algorithm]] = {one.name: one for one in (*ALWAYS, *SOMETIMES)}
