"""C2SP cosignatures (c2sp.org/tlog-cosignature): what a witness adds to a checkpoint, and single keys to check it.

1. a cosignature is a note signature of type 0x04 (Ed25519) or 0x06 (ML-DSA-44): a big-endian POSIX time, then the
   signature; 2. Ed25519 signs ``cosignature/v1``, ``time N`` and the whole note text; ML-DSA-44 signs the
   ``cosigned_message`` of :func:`tigertally.formats.note.cosigned_message`; 3. a time is at most 2^63 - 1;
4. signatures of unknown keys say nothing; one of a known key that fails rejects the note.

A key here is one key of one type under one name, as a vkey has it; a log's or a witness's two keys are two of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.crypto.errors import BadKey, SignatureInvalid
from tigertally.crypto.sign import (
    ED25519_BYTES,
    ED25519_PUBLIC_BYTES,
    MLDSA44_BYTES,
    MLDSA44_PUBLIC_BYTES,
    NoteKey,
    ed25519_ok,
    mldsa44_ok,
)
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.note import (
    TYPE_ED25519,
    TYPE_MLDSA44,
    Note,
    Signature,
    cosigned_message,
    is_name,
    key_id_of,
)
from tigertally.formats.shape import from_b64, to_b64

TYPE_COSIGNED: Final = 0x04
TIME_MAX: Final = 2**63 - 1
_TIME_BYTES: Final = 8
_PUBLIC_BYTES: Final = {
    TYPE_ED25519: ED25519_PUBLIC_BYTES,
    TYPE_COSIGNED: ED25519_PUBLIC_BYTES,
    TYPE_MLDSA44: MLDSA44_PUBLIC_BYTES,
}
WITNESS_TYPES: Final = frozenset({TYPE_COSIGNED, TYPE_MLDSA44})
LOG_TYPES: Final = frozenset({TYPE_ED25519, TYPE_MLDSA44})


@dataclass(frozen=True, slots=True, kw_only=True)
class VKey:
    """One public note key: whose, of which type, and its bytes."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> int:
        """The 32-bit key id."""
        return key_id_of(self.name, self.kind, self.public)

    def __str__(self) -> str:
        """Return the C2SP spelling."""
        return f"{self.name}+{self.key_id:08x}+{to_b64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, vkey: str) -> VKey:
        """Return the key that is spelled so; :class:`BadKey` otherwise."""
        name, _, rest = vkey.partition("+")
        raw = from_b64(rest.partition("+")[2]) or b""
        if not raw or not is_name(name) or _PUBLIC_BYTES.get(raw[0]) != len(raw) - 1:
            raise BadKey
        key = cls(name=name, kind=raw[0], public=raw[1:])
        if str(key) != vkey:
            raise BadKey
        return key

    def signed_at(self, note: Note, checkpoint: Checkpoint) -> int | None:
        """Return the POSIX time of this key's signature on a checkpoint's note; None if there is none.

        A plain Ed25519 signature has no time and gives 0. Raises ``SignatureInvalid`` if it is there and wrong.
        """
        for found in note.signatures:
            if (found.name, found.key_id) == (self.name, self.key_id):
                return self._check(found.raw, note, checkpoint)
        return None

    def _check(self, raw: bytes, note: Note, checkpoint: Checkpoint) -> int:
        if self.kind == TYPE_ED25519:
            if len(raw) != ED25519_BYTES or not ed25519_ok(self.public, note.text.encode(), raw):
                raise SignatureInvalid
            return 0
        at = int.from_bytes(raw[:_TIME_BYTES], "big")
        signature = raw[_TIME_BYTES:]
        if self.kind == TYPE_COSIGNED:
            good = len(signature) == ED25519_BYTES and ed25519_ok(self.public, _dated(note.text, at), signature)
        else:
            good = len(signature) == MLDSA44_BYTES and mldsa44_ok(
                self.public, _message(checkpoint, name=self.name, at=at), signature
            )
        if not good or at > TIME_MAX:
            raise SignatureInvalid
        return at


def keys_of_witness(name: str, key: NoteKey) -> tuple[VKey, VKey]:
    """Return the two public keys under which a witness cosigns: Ed25519 and ML-DSA-44."""
    return (
        VKey(name=name, kind=TYPE_COSIGNED, public=key.classic_public),
        VKey(name=name, kind=TYPE_MLDSA44, public=key.lattice_public),
    )


def cosign(checkpoint: Checkpoint, *, name: str, key: NoteKey, now: datetime) -> tuple[Signature, Signature]:
    """Return the two cosignatures of a witness on a checkpoint. Whether it may be cosigned is ``witness``'s matter."""
    at = int(now.timestamp())
    time = struct.pack(">Q", at)
    classic, lattice = keys_of_witness(name, key)
    dated = time + key.sign_classic(_dated(checkpoint.text(), at))
    message = time + key.sign_lattice(_message(checkpoint, name=name, at=at))
    return (
        Signature(name=name, key_id=classic.key_id, raw=dated),
        Signature(name=name, key_id=lattice.key_id, raw=message),
    )


def merged(note: Note, more: Iterable[Signature]) -> Note:
    """Return ``note`` with those of ``more`` that it does not have; a newer one of a key takes the older's place."""
    signatures = {(item.name, item.key_id): item for item in note.signatures}
    signatures.update({(item.name, item.key_id): item for item in more})
    return Note(text=note.text, signatures=tuple(signatures.values()))


def _dated(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _message(checkpoint: Checkpoint, *, name: str, at: int) -> bytes:
    return cosigned_message(name=name, at=at, origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root)
