"""Records: the bytes of one customer's values that both sides hash, and the salted commitment to them.

docs/formats/record.md. All lengths big-endian.
1. ``record = u16 len ‖ subject id ‖ u16 field count ‖ fields``, fields sorted by ``(class code, slot)``;
2. ``field = u8 class code ‖ u8 slot ‖ u32 len ‖ value (UTF-8) ‖ u16 len ‖ token``;
3. ``commitment = SHA-256("tigertally/record/v1" ‖ 0x00 ‖ salt(16) ‖ record)``, salt random per record;
4. the manifest's root is the RFC 6962 root over the commitments as leaves, in ascending order of subject id.

The salt travels inside the bundle only: without it a commitment tells nothing, not even for a guessed value.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

SALT_BYTES: Final = 16
HEAD_BYTES: Final = 6  # of a field, before its value
_DOMAIN: Final = b"tigertally/record/v1\x00"


class Field(NamedTuple):
    """One value of one subject. A tuple, because there are millions of them."""

    code: int
    slot: int
    value: bytes
    token: bytes


def encode(subject: bytes, fields: Sequence[Field]) -> bytes:
    """Return the canonical bytes of a record; ``fields`` must be sorted by (code, slot), no repeats."""
    parts = [struct.pack(">H", len(subject)), subject, struct.pack(">H", len(fields))]
    last = (-1, -1)
    for code, slot, value, token in fields:
        if (code, slot) <= last:
            raise ValueError("fields out of order")
        last = (code, slot)
        parts.append(struct.pack(">BBI", code, slot, len(value)))
        parts.append(value)
        parts.append(struct.pack(">H", len(token)))
        parts.append(token)
    return b"".join(parts)


def join(subject: bytes, count: int, fields: bytes) -> bytes:
    """Return the record (rule 1) of ``subject`` from the bytes of its ``count`` fields, in order already."""
    return len(subject).to_bytes(2, "big") + subject + count.to_bytes(2, "big") + fields


def commit(salt: bytes, record: bytes) -> bytes:
    """Return the salted commitment (32 bytes)."""
    if len(salt) != SALT_BYTES:
        raise ValueError("salt length")
    return hashlib.sha256(_DOMAIN + salt + record).digest()


def commit_many(rows: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the commitments of ``(salt, record)`` pairs, in order."""
    make = hashlib.sha256
    return [make(_DOMAIN + salt + record).digest() for salt, record in rows]
