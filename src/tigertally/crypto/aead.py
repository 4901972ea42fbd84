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
from tigertally.crypto.errors import BadKey, DecryptionFailed
from tigertally.crypto.suites import HEADER, check_header

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = len(HEADER) + NONCE_BYTES + TAG_BYTES
SEALS_MAX: Final = 2**31
_WRAP: Final = b"wrap|"


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

    def fresh(self, aad: bytes) -> tuple[Cipher, bytes]:
        """Return a cipher under a new random key, and that key wrapped under this one (as :meth:`wrap` does)."""
        key = secrets.token_bytes(KEY_BYTES)
        return _cipher(key), self.seal(key, _WRAP + aad)

    def seal_each(
        self, plaintexts: Sequence[bytes], *, aads: Sequence[bytes], key_aads: Sequence[bytes]
    ) -> tuple[list[bytes], list[bytes]]:
        """Seal each plaintext under a new random key of its own, as :meth:`fresh` does for one.

        Return those keys, wrapped under this one and bound to ``key_aads``, and what was sealed, bound to ``aads``.
        """
        drawn = secrets.token_bytes((KEY_BYTES + 2 * NONCE_BYTES) * len(plaintexts))
        encrypt = self._gcm.encrypt
        wrapping = HEADER + _WRAP
        wrapped: list[bytes] = []
        sealed: list[bytes] = []
        at = 0
        for plaintext, aad, key_aad in zip(plaintexts, aads, key_aads, strict=True):
            key = drawn[at : at + KEY_BYTES]
            at += KEY_BYTES
            outer, inner = drawn[at : at + NONCE_BYTES], drawn[at + NONCE_BYTES : at + 2 * NONCE_BYTES]
            at += 2 * NONCE_BYTES
            wrapped.append(HEADER + outer + encrypt(outer, key, wrapping + key_aad))
            sealed.append(HEADER + inner + AESGCM(key).encrypt(inner, plaintext, HEADER + aad))
        return wrapped, sealed

    def rewrap_each(
        self, wrapped: Sequence[bytes], *, old: Cipher, old_aads: Sequence[bytes], aads: Sequence[bytes]
    ) -> list[bytes]:
        """Return keys that ``old`` wrapped, wrapped under this one. Any doubt raises :class:`DecryptionFailed`."""
        drawn = secrets.token_bytes(NONCE_BYTES * len(wrapped))
        encrypt, opened = self._gcm.encrypt, old.open
        wrapping = HEADER + _WRAP
        out: list[bytes] = []
        at = 0
        for one, old_aad, aad in zip(wrapped, old_aads, aads, strict=True):
            nonce = drawn[at : at + NONCE_BYTES]
            at += NONCE_BYTES
            out.append(HEADER + nonce + encrypt(nonce, opened(one, _WRAP + old_aad), wrapping + aad))
        return out

    def unwrapped(self, wrapped: bytes, aad: bytes) -> Cipher:
        """Return a cipher under the key that :meth:`wrap` or :meth:`fresh` wrapped. Raises like :meth:`open`."""
        return _cipher(self.open(wrapped, _WRAP + aad))

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under this key."""
        return self.seal(key.expose(), _WRAP + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the key that :meth:`wrap` sealed."""
        return SecretBytes(self.open(wrapped, _WRAP + aad))


def _cipher(key: bytes) -> Cipher:
    if len(key) != KEY_BYTES:
        raise BadKey
    made = Cipher.__new__(Cipher)
    made._gcm = AESGCM(key)  # noqa: SLF001 - ours
    return made
