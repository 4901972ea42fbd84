"""Authenticated encryption of fields and keys, by suite: AES-256-GCM or SM4-GCM, with random 96-bit nonces.

Layout of a sealed value: ``version(1) ‖ suite(1) ‖ nonce(12) ‖ ciphertext ‖ tag(16)``; the header
bytes are put before the caller's associated data, so a suite cannot be swapped. A key is of one suite: a cipher opens
what its own suite sealed and refuses everything else, and the keys that it wraps in bulk are of its suite too, so that
the header of a wrapped key tells how to use it. One key seals at most
``SEALS_MAX`` values (SP 800-38D §8.3: 2^32 with random nonces; half of it here); callers that keep a
key for long count its uses. The caller binds the place of a value through ``aad``
(scope | subject | field | suite | key version, see docs/formats/record.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tigertally.base.secret import SecretBytes
from tigertally.crypto.errors import BadKey, DecryptionFailed, SuiteUnavailable
from tigertally.crypto.suites import DEFAULT_SUITE, HEADER, Suite, check_header

KEY_BYTES: Final = 32  # of the default suite
_SM4_KEY_BYTES: Final = 16
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = len(HEADER) + NONCE_BYTES + TAG_BYTES
SEALS_MAX: Final = 2**31
_WRAP: Final = b"wrap|"


class _Sm4Gcm:
    """SM4-GCM (GB/T 32907, RFC 8998 §3.2.2) with AESGCM's methods: the library has the parts, but not the whole."""

    __slots__ = ("_sm4",)

    def __init__(self, key: bytes) -> None:
        self._sm4 = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        """Return ciphertext ‖ tag."""
        try:
            sealing = ciphers.Cipher(self._sm4, modes.GCM(nonce)).encryptor()
        except UnsupportedAlgorithm:
            raise SuiteUnavailable(what="SM4-GCM") from None
        sealing.authenticate_additional_data(associated)
        return sealing.update(data) + sealing.finalize() + sealing.tag

    def decrypt(self, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        """Return the plaintext, never before the tag held; else raise ``InvalidTag``."""
        if len(data) < TAG_BYTES:
            raise InvalidTag
        try:
            opening = ciphers.Cipher(self._sm4, modes.GCM(nonce, data[-TAG_BYTES:])).decryptor()
        except UnsupportedAlgorithm:
            raise SuiteUnavailable(what="SM4-GCM") from None
        opening.authenticate_additional_data(associated)
        return opening.update(data[:-TAG_BYTES]) + opening.finalize()


_AEADS: Final[dict[Suite, type[AESGCM | _Sm4Gcm]]] = {Suite.INTL_1: AESGCM, Suite.GUOMI_1: _Sm4Gcm}


def key_bytes(suite: Suite) -> int:
    """Return how long a key of ``suite`` is."""
    return _SM4_KEY_BYTES if suite is Suite.GUOMI_1 else KEY_BYTES


def new_key(suite: Suite = DEFAULT_SUITE) -> SecretBytes:
    """Return a fresh random key of ``suite``: 256 bits, of ``guomi-1`` 128."""
    return SecretBytes(secrets.token_bytes(key_bytes(suite)))


class Cipher:
    """One key of one suite, ready to seal and open many values."""

    __slots__ = ("_gcm", "_header", "suite")

    def __init__(self, key: SecretBytes, suite: Suite = DEFAULT_SUITE) -> None:
        self._take(key.expose(), suite)

    def _take(self, key: bytes, suite: Suite) -> None:
        if len(key) != key_bytes(suite):
            raise BadKey
        self.suite = suite
        self._header = suite.header
        self._gcm = _AEADS[suite](key)

    def __repr__(self) -> str:
        return "<cipher>"

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Return ``plaintext`` sealed and bound to ``aad``."""
        nonce, header = secrets.token_bytes(NONCE_BYTES), self._header
        return header + nonce + self._gcm.encrypt(nonce, plaintext, header + aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Return what was sealed. Any doubt raises :class:`DecryptionFailed`."""
        if len(sealed) < OVERHEAD_BYTES:
            raise DecryptionFailed
        header = check_header(sealed, self.suite)
        try:
            return self._gcm.decrypt(sealed[2:14], sealed[14:], header + aad)
        except InvalidTag:
            raise DecryptionFailed from None

    def seal_many(self, plaintexts: Sequence[bytes], aads: Iterable[bytes]) -> list[bytes]:
        """Return ``plaintexts[i]`` sealed under ``aads[i]``, drawing all nonces at once."""
        drawn = secrets.token_bytes(NONCE_BYTES * len(plaintexts))
        encrypt, header = self._gcm.encrypt, self._header
        sealed = []
        position = 0
        for plaintext, aad in zip(plaintexts, aads, strict=True):
            nonce = drawn[position : position + NONCE_BYTES]
            position += NONCE_BYTES
            sealed.append(header + nonce + encrypt(nonce, plaintext, header + aad))
        return sealed

    def fresh(self, aad: bytes) -> tuple[Cipher, bytes]:
        """Return a cipher under a new random key, and that key wrapped under this one (as :meth:`wrap` does)."""
        key = secrets.token_bytes(key_bytes(self.suite))
        return _cipher(key, self.suite), self.seal(key, _WRAP + aad)

    def seal_each(
        self, plaintexts: Sequence[bytes], *, aads: Sequence[bytes], key_aads: Sequence[bytes]
    ) -> tuple[bytes, list[bytes]]:
        """Seal each plaintext under a new random key of its own, as :meth:`fresh` does for one.

        Return those keys, wrapped under this one and bound to ``key_aads``, packed (:meth:`wrapped_bytes` each), and
        what was sealed, bound to ``aads``.
        """
        length, made = key_bytes(self.suite), _AEADS[self.suite]
        drawn = secrets.token_bytes((length + 2 * NONCE_BYTES) * len(plaintexts))
        encrypt, header = self._gcm.encrypt, self._header
        wrapping = header + _WRAP
        wrapped: list[bytes] = []
        sealed: list[bytes] = []
        at = 0
        for plaintext, aad, key_aad in zip(plaintexts, aads, key_aads, strict=True):
            inner, outer = at + length, at + length + NONCE_BYTES
            key = drawn[at:inner]
            nonce = drawn[inner:outer]
            sealed.append(header + nonce + made(key).encrypt(nonce, plaintext, header + aad))
            at = outer + NONCE_BYTES
            nonce = drawn[outer:at]
            wrapped += (header, nonce, encrypt(nonce, key, wrapping + key_aad))
        return b"".join(wrapped), sealed

    def rewrap_each(
        self, wrapped: Sequence[bytes], *, old: Cipher, old_aads: Sequence[bytes], aads: Sequence[bytes]
    ) -> list[bytes]:
        """Return keys that ``old`` wrapped, wrapped under this one. Any doubt raises :class:`DecryptionFailed`.

        Both are of one suite (else ``ValueError``): a key is never used with another algorithm than it was made for.
        """
        if old.suite is not self.suite:
            raise ValueError("another suite")
        drawn = secrets.token_bytes(NONCE_BYTES * len(wrapped))
        encrypt, opened, header = self._gcm.encrypt, old.open, self._header
        wrapping = header + _WRAP
        out: list[bytes] = []
        at = 0
        for one, old_aad, aad in zip(wrapped, old_aads, aads, strict=True):
            nonce = drawn[at : at + NONCE_BYTES]
            at += NONCE_BYTES
            out.append(header + nonce + encrypt(nonce, opened(one, _WRAP + old_aad), wrapping + aad))
        return out

    def unwrapped(self, wrapped: bytes, aad: bytes) -> Cipher:
        """Return a cipher under the key that :meth:`wrap` or :meth:`fresh` wrapped. Raises like :meth:`open`."""
        return _cipher(self.open(wrapped, _WRAP + aad), self.suite)

    def wrap(self, key: SecretBytes, aad: bytes) -> bytes:
        """Return ``key`` sealed under this key."""
        return self.seal(key.expose(), _WRAP + aad)

    def unwrap(self, wrapped: bytes, aad: bytes) -> SecretBytes:
        """Return the key that :meth:`wrap` sealed."""
        return SecretBytes(self.open(wrapped, _WRAP + aad))


def _cipher(key: bytes, suite: Suite) -> Cipher:
    made = Cipher.__new__(Cipher)
    made._take(key, suite)  # noqa: SLF001 - ours
    return made
