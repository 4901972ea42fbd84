"""Digests: SHA-256 for public bytes, HMAC-SHA-256 for anything that a guesser could enumerate.

Card numbers, IDs and mobiles are guessable, so their digests are always keyed (PCI DSS 3.5.1.1).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tigertally.base.secret import SecretBytes

DIGEST_BYTES: Final = 32


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest (32 bytes)."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as hex; streams."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same(left: bytes, right: bytes) -> bool:
    """Return whether two byte strings are equal, in constant time."""
    return hmac.compare_digest(left, right)


class KeyedDigest:
    """HMAC-SHA-256 under one key."""

    __slots__ = ("_key",)

    def __init__(self, key: SecretBytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<keyed digest>"

    def of(self, data: bytes) -> bytes:
        """Return the 32-byte keyed digest of ``data``."""
        return hmac.digest(self._key.expose(), data, "sha256")

    def many(self, values: Iterable[bytes]) -> list[bytes]:
        """Return the keyed digests of ``values``, in order."""
        key = self._key.expose()
        compute = hmac.digest
        return [compute(key, value, "sha256") for value in values]
