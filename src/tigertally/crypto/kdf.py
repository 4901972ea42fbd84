"""Deriving keys: HKDF-SHA-256 from keys (RFC 5869), Argon2id from passphrases (RFC 9106).

Labels separate uses; every label begins ``tigertally/v1/``. Argon2id parameters from a stranger's file
are bounded both ways: too weak protects nothing, too strong is a denial of service.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto.errors import WeakParameters

SALT_BYTES: Final = 16
# OWASP's floor for Argon2id (19 MiB, two passes) up to what a stranger's file may make us spend.
MEMORY_KIB: Final = range(19_456, 1_048_576 + 1)
PASSES: Final = range(2, 16 + 1)
LANES: Final = range(1, 16 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Cost:
    """Cost of stretching. Defaults: RFC 9106 §4 second recommended option (64 MiB, 3 passes)."""

    memory_kib: int = 65_536
    passes: int = 3
    lanes: int = 4

    def check(self) -> None:
        """Raise :class:`WeakParameters` unless within [19 MiB × 2, 1 GiB × 16] and 1–16 lanes."""
        if self.memory_kib not in MEMORY_KIB or self.passes not in PASSES or self.lanes not in LANES:
            raise WeakParameters


DEFAULT_COST: Final = Argon2Cost()


def derive(key: SecretBytes, *, label: str, context: bytes = b"", length: int = 32) -> SecretBytes:
    """Return ``length`` bytes derived from ``key`` for the use named ``label`` and ``context``."""
    info = b"tigertally/v1/" + label.encode() + b"\x00" + context
    return SecretBytes(HKDF(hashes.SHA256(), length, None, info).derive(key.expose()))


def new_salt() -> bytes:
    """Return a fresh random salt."""
    return secrets.token_bytes(SALT_BYTES)


def stretch(passphrase: SecretText, *, salt: bytes, cost: Argon2Cost) -> SecretBytes:
    """Return the 256-bit key of ``passphrase`` under ``salt`` (16 bytes or more) and ``cost``."""
    cost.check()
    if len(salt) < SALT_BYTES:
        raise WeakParameters
    argon = Argon2id(salt=salt, length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return SecretBytes(argon.derive(passphrase.expose().encode()))


def hash_passphrase(passphrase: SecretText, *, cost: Argon2Cost = DEFAULT_COST) -> str:
    """Return the PHC string (``$argon2id$…``) that :func:`check_passphrase` takes."""
    cost.check()
    argon = Argon2id(salt=new_salt(), length=32, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib)
    return argon.derive_phc_encoded(passphrase.expose().encode())


def check_passphrase(passphrase: SecretText, phc: str) -> bool:
    """Return whether ``passphrase`` is the one that ``phc`` was made from. Malformed ``phc`` is no."""
    try:
        Argon2id.verify_phc_encoded(passphrase.expose().encode(), phc)
    except (InvalidKey, ValueError):
        return False
    return True
