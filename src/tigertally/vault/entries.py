"""A record's values as stored: a head that tells which there are, and all of them sealed as one.

``stored = head ‖ sealed``; ``head = u8 count ‖ count × (u8 code ‖ u8 slot ‖ u8 len ‖ token)``, ascending by (code,
slot), no repeats; what is sealed is ``count × (u32 len ‖ value)`` in the same order, under the subject's key, with
``scope | subject | head`` as associated data. So a value moved to another subject, field or token, and a head with
one byte changed, do not open. Tokens stand in clear because they do everywhere; slots number values of one class.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.formats.record import Field
from tigertally.vault.errors import RecordBroken

SLOT_MAX: Final = 255
_PLACE: Final = 3
_LENGTH: Final = struct.Struct(">I")


class Place(NamedTuple):
    """Which value: class code, slot, and its token (ASCII). A tuple, because there are millions of them."""

    code: int
    slot: int
    token: bytes


def head_of(codes: Sequence[int], slots: Sequence[int], tokens: Sequence[bytes]) -> bytes:
    """Return the head of a record whose values are in order."""
    pieces = [bytes((len(codes),))]
    pieces += [bytes((code, slot, len(token))) + token for code, slot, token in zip(codes, slots, tokens, strict=True)]
    return b"".join(pieces)


def body_of(values: Sequence[bytes]) -> bytes:
    """Return what is to be sealed of a record."""
    pack = _LENGTH.pack
    return b"".join([pack(len(value)) + value for value in values])


def split(stored: bytes) -> tuple[list[Place], int]:
    """Return the places of a stored record and the length of its head. Raises :class:`RecordBroken`."""
    places: list[Place] = []
    end, at, last = len(stored), 1, -1
    if not stored:
        raise RecordBroken
    for _ in range(stored[0]):
        begin = at + _PLACE
        if begin > end:
            raise RecordBroken
        code, slot, length = stored[at:begin]
        at = begin + length
        order = code << 8 | slot
        if at > end or order <= last:
            raise RecordBroken
        places.append(Place(code, slot, stored[begin:at]))
        last = order
    return places, at


def places(stored: bytes) -> list[Place]:
    """Return the places of a stored record. Raises :class:`RecordBroken`."""
    return split(stored)[0]


def sealed_record(cipher: Cipher, *, scope: str, subject: str, head: bytes, body: bytes) -> bytes:
    """Return a record to store from :func:`head_of` and :func:`body_of`."""
    return head + cipher.seal(body, aad(scope, subject, head))


def open_record(cipher: Cipher, *, scope: str, subject: str, stored: bytes) -> list[Field]:
    """Return a record's fields in order. Raises :class:`RecordBroken`."""
    there, edge = split(stored)
    try:
        body = cipher.open(stored[edge:], aad(scope, subject, stored[:edge]))
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None
    fields: list[Field] = []
    at = 0
    for code, slot, token in there:
        begin = at + _LENGTH.size
        at = begin + int.from_bytes(body[at:begin], "big")
        fields.append(Field(code, slot, body[begin:at], token))
    if at != len(body):
        raise RecordBroken
    return fields


def aad(scope: str, subject: str, head: bytes) -> bytes:
    """Return what a record's values are bound to."""
    return f"{scope}|{subject}|".encode() + head


def key_aad(scope: str, subject: str, key_version: int) -> bytes:
    """Return what a subject's wrapped key is bound to."""
    return f"subject|{scope}|{subject}|{key_version}".encode()
