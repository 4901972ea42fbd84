"""Authenticated encryption of fields and keys: AES-256-GCM with random 96-bit nonces.

Layout of a sealed value: ``version(1) ‖ suite(1) ‖ nonce(12) ‖ ciphertext ‖ tag(16)``; the header
bytes are put before the caller's associated data, so a suite cannot be swapped. One key seals at most
``SEALS_MAX`` values (SP 800-38D §8.3: 2^32 with random nonces; half of it here); callers that keep a
key for long count its uses. The caller binds the place of a value through ``aad``
(scope | subject | field | suite | key version, see docs/formats/record.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, DecryptionFailed, UnknownSuite
from tigertally.crypto.suites import HEADER, check_header

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = len(HEADER) + NONCE_BYTES + TAG_BYTES
SEALS_MAX: Final = 2**31


def new_key() -> SecretBytes:
    """Return a fresh random 256-bit key."""
    return SecretBytes(secrets.token_bytes(KEY_BYTES))


class Cipher:
    """One key, ready to seal and open many values."""

    __slots__ = ("_gcm",)

    def __init__(self, key: SecretBytes) -> None:
        if len(key) != KEY_BYTES:
            raise BadKey
        self._gcm = AESGCM(key.expose())

    def __repr__(self) -> str:
        return "<cipher>"

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Return ``plaintext`` sealed and bound to ``aad``."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return HEADER + nonce + self._gcm.encrypt(nonce, plaintext, HEADER + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Return what was sealed. Any doubt raises :class:`DecryptionFailed`."""
        if len(sealed) < OVERHEAD_BYTES:
            raise DecryptionFailed
        header = check_header(sealed)
        try:
            return self._gcm.decrypt(sealed[2:14], sealed[14:], header + aad)
        except InvalidTag:
            raise DecryptionFailed from None

    def seal_many(self, plaintexts: Sequence[bytes], aads: Iterable[bytes]) -> list[bytes]:
        """Return ``plaintexts[i]`` sealed under ``aads[i]``, drawing all nonces at once."""
        drawn = secrets.token_bytes(NONCE_BYTES * len(plaintexts))
        encrypt = self._gcm.encrypt
        sealed = []
        position = 0
        for plaintext, aad in zip(plaintexts, aads, strict=True):
            nonce = drawn[position : position + NONCE_BYTES]
            position += NONCE_BYTES
            sealed.append(HEADER + nonce + encrypt(nonce, plaintext, HEADER + aad))
        return sealed

    def open_many(self, sealed: Sequence[bytes], aads: Iterable[bytes]) -> list[bytes]:
        """Return what was sealed as ``sealed[i]`` under ``aads[i]``. The first in doubt raises as in :meth:`open`."""
        decrypt = self._gcm.decrypt
        opened = []
        for one, aad in zip(sealed, aads, strict=True):
            if len(one) < OVERHEAD_BYTES:
                raise DecryptionFailed
            if one[:2] != HEADER:
                raise UnknownSuite
            try:
                opened.append(decrypt(one[2:14], one[14:], HEADER + aad))
            except InvalidTag:
                raise DecryptionFailed from None
        return opened

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under this key."""
        return self.seal(key.expose(), b"wrap|" + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the key that :meth:`wrap` sealed."""
        return SecretBytes(self.open(wrapped, b"wrap|" + aad))
