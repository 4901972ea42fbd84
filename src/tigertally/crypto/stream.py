"""Encryption of streams of any size: C2SP chunked-encryption with SHA-512 and AES-256-GCM (Cobblestone-256).

1. ``key(32) ‖ base nonce(12) ‖ commitment(32) = HKDF-Expand-SHA-512(input key, "c2sp.org/chunked-encryption@v1+"
   ‖ "AEAD_AES_256_GCM" ‖ 0x00 ‖ salt ‖ context)``;
2. output is ``salt(24) ‖ commitment(32) ‖ chunks``; chunks hold 16 KiB, the last one less (maybe nothing);
3. chunk i uses ``base nonce XOR i`` and empty AAD;
4. a reader checks the commitment first, and calls a full last chunk a truncation.

The nonce comes from the derivation and a counter; no caller can choose it. A reader gets chunks that are
authentic and in order, but learns only at the end that nothing is missing: do not act before the end.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from tigertally.base.secret import SecretBytes
from tigertally.crypto.aead import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from tigertally.crypto.digest import same
from tigertally.crypto.errors import BadKey, DecryptionFailed

CHUNK_BYTES: Final = 16 * 1024
SALT_BYTES: Final = 24
COMMITMENT_BYTES: Final = 32
CHUNKS_MAX: Final = 2**38
_LABEL: Final = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00"


def encrypt_chunks(key: SecretBytes, *, context: bytes, plaintext: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the encrypted stream of ``plaintext`` (pieces of any length, in order)."""
    return _encrypt(key, context=context, plaintext=plaintext, salt=secrets.token_bytes(SALT_BYTES))


def decrypt_chunks(key: SecretBytes, *, context: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the plaintext of an encrypted stream; ``read(n)`` returns n bytes, fewer only at the end.

    Every flaw (altered, cut, extended, other key, other context) raises :class:`DecryptionFailed`; the
    iterator must be run to its end before anything it yielded is relied on.
    """
    prefix = read(SALT_BYTES + COMMITMENT_BYTES)
    if len(prefix) != SALT_BYTES + COMMITMENT_BYTES:
        raise DecryptionFailed
    gcm, base, commitment = _derive(key, prefix[:SALT_BYTES], context)
    if not same(commitment, prefix[SALT_BYTES:]):
        raise DecryptionFailed
    for counter in range(CHUNKS_MAX):
        sealed = read(CHUNK_BYTES + TAG_BYTES)
        try:
            plain = gcm.decrypt((base ^ counter).to_bytes(NONCE_BYTES, "big"), sealed, None)
        except (InvalidTag, ValueError):
            raise DecryptionFailed from None
        if plain:
            yield plain
        if len(plain) < CHUNK_BYTES:
            if read(1):
                raise DecryptionFailed
            return
    raise DecryptionFailed


def encrypted_length(plain_length: int) -> int:
    """Return how long the encrypted stream of ``plain_length`` bytes is."""
    return SALT_BYTES + COMMITMENT_BYTES + plain_length + (plain_length // CHUNK_BYTES + 1) * TAG_BYTES


def _encrypt(key: SecretBytes, *, context: bytes, plaintext: Iterable[bytes], salt: bytes) -> Iterator[bytes]:
    gcm, base, commitment = _derive(key, salt, context)
    yield salt + commitment
    waiting = bytearray()
    counter = 0
    for piece in plaintext:
        waiting += piece
        done = 0
        while len(waiting) - done >= CHUNK_BYTES:
            nonce = (base ^ counter).to_bytes(NONCE_BYTES, "big")
            yield gcm.encrypt(nonce, bytes(waiting[done : done + CHUNK_BYTES]), None)
            done += CHUNK_BYTES
            counter += 1
        del waiting[:done]
    yield gcm.encrypt((base ^ counter).to_bytes(NONCE_BYTES, "big"), bytes(waiting), None)


def _derive(key: SecretBytes, salt: bytes, context: bytes) -> tuple[AESGCM, int, bytes]:
    if len(key) != KEY_BYTES:
        raise BadKey
    length = KEY_BYTES + NONCE_BYTES + COMMITMENT_BYTES
    derived = HKDFExpand(hashes.SHA512(), length, _LABEL + salt + context).derive(key.expose())
    base = int.from_bytes(derived[KEY_BYTES : KEY_BYTES + NONCE_BYTES], "big")
    return AESGCM(derived[:KEY_BYTES]), base, derived[KEY_BYTES + NONCE_BYTES :]
