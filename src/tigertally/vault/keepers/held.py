"""How a key is stored that a keeper outside of this process wrapped, and why its answers need not be believed.

``"K" 01 ‖ kind(1) ‖ root(16) ‖ check(32) ‖ what the keeper returned``

1. *kind*: ``T`` Transit, ``A`` AWS KMS, ``P`` PKCS#11; *root*: the keeper's ``key_id``, so that a key of another
   keeper is told apart before anything is sent;
2. *check*: HMAC-SHA-256(the key, ``"tigertally/v1/held" 00 ‖ kind ‖ root ‖ associated data``). The keeper never sees
   it. A keeper that returns another key, or the same key for another place, is found out; and because a check is
   over a random key of 32 bytes or more it tells nothing about it;
3. associated data goes to the keeper as well, where its protocol has a place for it, as SHA-256: what it is about
   (ids of keys, names of scopes) is not the keeper's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from tigertally.base.secret import SecretBytes
from tigertally.crypto.digest import KeyedDigest, same, sha256
from tigertally.crypto.errors import DecryptionFailed
from tigertally.vault.errors import KeeperNotBelieved

MAGIC: Final = b"K\x01"
ROOT_BYTES: Final = 16
CHECK_BYTES: Final = 32
KEY_BYTES_MIN: Final = 16
KEY_BYTES_MAX: Final = 128
ID_CHARS: Final = 2 * ROOT_BYTES
_LABEL: Final = b"tigertally/v1/held\x00"


class Kind(Enum):
    """Which protocol the keeper speaks."""

    TRANSIT = b"T"
    KMS = b"A"
    PKCS11 = b"P"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A wrapped key as stored."""

    kind: Kind
    root: bytes
    check: bytes
    sealed: bytes

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        return MAGIC + self.kind.value + self.root + self.check + self.sealed


def key_id_of(kind: Kind, *names: str) -> str:
    """Return the id of a root key that is known by ``names`` (no secrets) to its keeper."""
    parts = b"".join(len(raw).to_bytes(2, "big") + raw for raw in (name.encode() for name in names))
    return sha256(_LABEL + kind.value + parts).hex()[:ID_CHARS]


def place_of(aad: bytes) -> bytes:
    """Return what the keeper is told of the place: SHA-256, 32 bytes."""
    return sha256(_LABEL + aad)


def store(key: SecretBytes, aad: bytes, *, kind: Kind, key_id: str, sealed: bytes) -> bytes:
    """Return the bytes to store for ``key``, which the keeper returned as ``sealed``."""
    root = bytes.fromhex(key_id)
    return Held(kind=kind, root=root, check=_check(key, kind, root, aad), sealed=sealed).to_bytes()


def read(stored: bytes, *, kind: Kind, key_id: str) -> Held:
    """Return the parts of stored bytes. Raises ``DecryptionFailed`` if another keeper or root key made them."""
    at = len(MAGIC) + 1
    root = stored[at : at + ROOT_BYTES]
    check = stored[at + ROOT_BYTES : at + ROOT_BYTES + CHECK_BYTES]
    sealed = stored[at + ROOT_BYTES + CHECK_BYTES :]
    if stored[:at] != MAGIC + kind.value or not sealed or root != bytes.fromhex(key_id):
        raise DecryptionFailed
    return Held(kind=kind, root=root, check=check, sealed=sealed)


def verified(key: SecretBytes, aad: bytes, held: Held) -> SecretBytes:
    """Return ``key`` if it is what was stored for this place.

    Raises ``KeeperNotBelieved`` for a key of a length that no key has, ``DecryptionFailed`` for another key or place.
    """
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        key.wipe()
        raise KeeperNotBelieved(reason="key_length")
    if not same(_check(key, held.kind, held.root, aad), held.check):
        key.wipe()
        raise DecryptionFailed
    return key


def _check(key: SecretBytes, kind: Kind, root: bytes, aad: bytes) -> bytes:
    return KeyedDigest(key).of(_LABEL + kind.value + root + aad)
