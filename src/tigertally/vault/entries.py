"""A record's fields, packed: ``u8 code ‖ u8 slot ‖ u8 len ‖ token ‖ u32 len ‖ sealed`` each, ascending, no repeats.

Each value is sealed under its subject's key with the place it belongs to as associated data,
``scope | subject | code | slot | token`` (suite and version are in its header): a value moved to another subject,
field or token does not open. Slots number several values of one class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tigertally.vault.errors import RecordBroken

SLOT_MAX: Final = 255
_HEAD: Final = 3
_LENGTH: Final = 4


class Entry(NamedTuple):
    """One packed field, taken apart. A tuple, because there are millions of them."""

    code: int
    slot: int
    token: str
    sealed: bytes


def pack(code: int, slot: int, token: str, sealed: bytes) -> bytes:
    """Return one packed field."""
    return bytes((code, slot, len(token))) + token.encode() + len(sealed).to_bytes(_LENGTH, "big") + sealed


def split(packed: bytes) -> list[bytes]:
    """Return each packed field, uncut. Raises :class:`RecordBroken`."""
    pieces: list[bytes] = []
    at, end, last = 0, len(packed), b""
    while at < end:
        if at + _HEAD > end:
            raise RecordBroken
        sealed_at = at + _HEAD + packed[at + 2] + _LENGTH
        after = sealed_at + int.from_bytes(packed[sealed_at - _LENGTH : sealed_at], "big")
        place = packed[at : at + 2]
        if after > end or place <= last:
            raise RecordBroken
        pieces.append(packed[at:after])
        at, last = after, place
    return pieces


def fields(packed: bytes) -> list[tuple[int, int, bytes, bytes]]:
    """Return ``(code, slot, token, sealed)`` of each field, in order: the bulk path. Raises :class:`RecordBroken`."""
    found: list[tuple[int, int, bytes, bytes]] = []
    at, end, last = 0, len(packed), -1
    while at < end:
        body = at + _HEAD
        if body > end:
            raise RecordBroken
        code, slot, length = packed[at:body]
        sealed_at = body + length + _LENGTH
        after = sealed_at + int.from_bytes(packed[sealed_at - _LENGTH : sealed_at], "big")
        place = code << 8 | slot
        if after > end or place <= last:
            raise RecordBroken
        found.append((code, slot, packed[body : body + length], packed[sealed_at:after]))
        at, last = after, place
    return found


def entries(packed: bytes) -> list[Entry]:
    """Return the fields in order. Raises :class:`RecordBroken`."""
    try:
        return [Entry(code, slot, token.decode("ascii"), sealed) for code, slot, token, sealed in fields(packed)]
    except UnicodeDecodeError:
        raise RecordBroken from None


def merge(packed: bytes, more: Sequence[bytes]) -> bytes:
    """Return ``packed`` with more packed fields put in their places. The caller has given them free slots."""
    return b"".join(sorted([*split(packed), *more]))


def places(packed: bytes) -> list[tuple[int, int]]:
    """Return ``(code, slot)`` of each field, in order. Raises :class:`RecordBroken`."""
    return [(piece[0], piece[1]) for piece in split(packed)]


def aad(scope: str, subject: str, code: int, slot: int, token: str) -> bytes:
    """Return what a value is bound to."""
    return f"{scope}|{subject}|{code}|{slot}|{token}".encode()


def aads(scope: str, subject: str, where: Sequence[tuple[int, int, str]]) -> list[bytes]:
    """Return :func:`aad` of each ``(code, slot, token)`` of one subject."""
    head = f"{scope}|{subject}"
    return [f"{head}|{code}|{slot}|{token}".encode() for code, slot, token in where]


def aads_of(scope: str, subject: str, found: Sequence[tuple[int, int, bytes, bytes]]) -> list[bytes]:
    """Return :func:`aad` of each of one subject's :func:`fields`."""
    head = f"{scope}|{subject}|".encode()
    return [b"%b%d|%d|%b" % (head, code, slot, token) for code, slot, token, _ in found]


def key_aad(scope: str, subject: str, key_version: int) -> bytes:
    """Return what a subject's wrapped key is bound to."""
    return f"subject|{scope}|{subject}|{key_version}".encode()
