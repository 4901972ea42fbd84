"""A record's values as stored: a head that tells which there are, and all of them sealed as one.

``stored = head ‖ sealed``; ``head = u8 count ‖ count × (u8 code ‖ u8 slot ‖ token)``, tokens of 16 bytes, ascending by
(code, slot), no repeats; what is sealed is ``count × u32 length ‖ the values``, in the same order, under the subject's
key, with ``scope | subject | head`` as associated data. So a value moved to another subject, field or token, and a head
with one byte changed, do not open. Tokens stand in clear because they do everywhere; slots number values of one class.
Everything has one width but the values, so many records are read and made as arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from tigertally.crypto.aead import Cipher
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.formats.record import Field
from tigertally.vault import spelling, tokens
from tigertally.vault.errors import RecordBroken
from tigertally.vault.index import runs
from tigertally.vault.index.runs import Halves

SLOT_MAX: Final = 255
PLACE_BYTES: Final = 18
_LENGTH_BYTES: Final = 4


class Place(NamedTuple):
    """Which value: class code, slot, and its token (16 bytes)."""

    code: int
    slot: int
    token: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Heads:
    """The heads of n records as columns over their m values; ``record`` numbers the record of each."""

    record: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint8]
    slot: npt.NDArray[np.uint8]
    token: Halves
    counts: npt.NDArray[np.int64]

    def edges(self) -> list[int]:
        """Return where each head ends."""
        ends: list[int] = (1 + PLACE_BYTES * self.counts).tolist()
        return ends


def places_of(codes: npt.NDArray[np.uint8], slots: npt.NDArray[np.uint8], raws: Halves) -> npt.NDArray[np.uint8]:
    """Return what heads say of values, shape (n, :data:`PLACE_BYTES`)."""
    out = np.empty((len(codes), PLACE_BYTES), np.uint8)
    out[:, 0] = codes
    out[:, 1] = slots
    out[:, 2:] = np.frombuffer(runs.whole(raws), np.uint8).reshape(-1, runs.KEY_BYTES)
    return out


def head_of(places: bytes) -> bytes:
    """Return the head of one record from :func:`places_of` its values, in order."""
    return bytes((len(places) // PLACE_BYTES,)) + places


def heads_of(places: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the heads of records of equally many values, one row each, from a row of places each."""
    out = np.empty((len(places), 1 + places.shape[1]), np.uint8)
    out[:, 0] = places.shape[1] // PLACE_BYTES
    out[:, 1:] = places
    return out


def body_of(lengths: bytes, values: bytes) -> bytes:
    """Return what is to be sealed of one record: its values' lengths (big-endian, four bytes each), and they."""
    return lengths + values


def heads(stored: Sequence[bytes]) -> Heads:
    """Return the heads of records, or of beginnings of records. Raises :class:`RecordBroken`."""
    if not all(stored):
        raise RecordBroken
    counts = np.fromiter((one[0] for one in stored), np.int64, len(stored))
    packed = b"".join([one[1 : 1 + PLACE_BYTES * one[0]] for one in stored])
    if len(packed) != PLACE_BYTES * int(counts.sum()):
        raise RecordBroken
    there = np.frombuffer(packed, np.uint8).reshape(-1, PLACE_BYTES)
    record = np.repeat(np.arange(len(stored)), counts)
    order = record << 16 | there[:, 0].astype(np.int64) << 8 | there[:, 1]
    if (np.diff(order) <= 0).any():
        raise RecordBroken
    token = runs.halves(np.ascontiguousarray(there[:, 2:]))
    return Heads(record=record, code=there[:, 0], slot=there[:, 1], token=token, counts=counts)


def split(stored: bytes) -> tuple[bytes, bytes]:
    """Return the head of a stored record and what is sealed. Raises :class:`RecordBroken`."""
    edge = 1 + PLACE_BYTES * stored[0] if stored else 1
    if len(stored) < edge:
        raise RecordBroken
    return stored[:edge], stored[edge:]


def places(stored: bytes) -> list[Place]:
    """Return the places of one stored record. Raises :class:`RecordBroken`."""
    head, _ = split(stored)
    found = [Place(head[at], head[at + 1], head[at + 2 : at + PLACE_BYTES]) for at in range(1, len(head), PLACE_BYTES)]
    if any((one.code, one.slot) >= (other.code, other.slot) for one, other in pairwise(found)):
        raise RecordBroken
    return found


def open_record(cipher: Cipher, *, scope: str, subject: str, stored: bytes) -> list[Field]:
    """Return a record's fields in order, tokens as text. Raises :class:`RecordBroken`."""
    there = places(stored)
    head, sealed = split(stored)
    body = opened_body(cipher, scope=scope, subject=subject, head=head, sealed=sealed)
    begin = _LENGTH_BYTES * len(there)
    if len(body) < begin:
        raise RecordBroken
    lengths = struct.unpack(f">{len(there)}I", body[:begin])
    if begin + sum(lengths) != len(body):
        raise RecordBroken
    fields: list[Field] = []
    for (code, slot, raw), length in zip(there, lengths, strict=True):
        fields.append(Field(code, slot, body[begin : begin + length], tokens.text(code, raw).encode()))
        begin += length
    return fields


def opened_body(cipher: Cipher, *, scope: str, subject: str, head: bytes, sealed: bytes) -> bytes:
    """Return what :func:`body_of` made. Raises :class:`RecordBroken`."""
    try:
        return cipher.open(sealed, aad(scope, subject, head))
    except (DecryptionFailed, UnknownSuite):
        raise RecordBroken from None


def texts(there: Heads, bodies: Sequence[bytes]) -> tuple[bytes, npt.NDArray[np.int64]]:
    """Return the values of records from what :func:`body_of` made of each, and where each begins and the last ends.

    Raises :class:`RecordBroken`.
    """
    counts = there.counts
    begins = (counts * _LENGTH_BYTES).tolist()
    packed = b"".join([body[:begin] for body, begin in zip(bodies, begins, strict=True)])
    if len(packed) != _LENGTH_BYTES * int(counts.sum()):
        raise RecordBroken
    lengths = np.frombuffer(packed, ">u4").astype(np.int64)
    sums = np.bincount(there.record, weights=lengths, minlength=len(counts)).astype(np.int64)
    if (sums + counts * _LENGTH_BYTES != np.fromiter(map(len, bodies), np.int64, len(bodies))).any():
        raise RecordBroken
    joined = b"".join([body[begin:] for body, begin in zip(bodies, begins, strict=True)])
    return joined, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


def aad(scope: str, subject: str, head: bytes) -> bytes:
    """Return what a record's values are bound to."""
    return f"{scope}|{subject}|".encode() + head


def aads(scope: str, subjects: bytes, heads: npt.NDArray[np.uint8]) -> list[bytes]:
    """Return :func:`aad` of many records: ``subjects`` are packed, ``heads`` rows."""
    named = _around(f"{scope}|{spelling.PREFIX}".encode(), subjects, b"|")
    whole = np.concatenate([named, heads], axis=1)
    return spelling.cut(whole.tobytes(), whole.shape[1])


def key_aads(scope: str, subjects: bytes, key_version: int) -> list[bytes]:
    """Return :func:`key_aad` of many subjects, packed."""
    whole = _around(f"subject|{scope}|{spelling.PREFIX}".encode(), subjects, f"|{key_version}".encode())
    return spelling.cut(whole.tobytes(), whole.shape[1])


def _around(before: bytes, subjects: bytes, after: bytes) -> npt.NDArray[np.uint8]:
    """Return the spelling of each subject with the same text before and after it, one row each."""
    spelled = spelling.letters(subjects)
    whole = np.empty((len(spelled), len(before) + spelling.CHARS + len(after)), np.uint8)
    whole[:, : len(before)] = np.frombuffer(before, np.uint8)
    whole[:, len(before) : len(before) + spelling.CHARS] = spelled
    whole[:, len(before) + spelling.CHARS :] = np.frombuffer(after, np.uint8)
    return whole


def key_aad(scope: str, subject: str, key_version: int) -> bytes:
    """Return what a subject's wrapped key is bound to."""
    return f"subject|{scope}|{subject}|{key_version}".encode()
