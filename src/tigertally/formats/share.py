"""One holder's share as bytes, as text, as words; and the holder's card. docs/formats/share.md §4, §5."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from tigertally.base import canon
from tigertally.base.secret import SecretBytes, SecretText
from tigertally.crypto import curve
from tigertally.crypto.digest import sha256, sha256_hex
from tigertally.crypto.errors import BadKey
from tigertally.crypto.hpke import TransferPublic
from tigertally.crypto.shares import GROUPS_MAX, MEMBERS_MAX, Seat, Share
from tigertally.formats import sharewords
from tigertally.formats.errors import Malformed
from tigertally.formats.shape import Reader, parse_canonical, to_b64

VERSION: Final = 1
TAG_BYTES: Final = 5
SHARE_BYTES: Final = 72
TEXT_PREFIX: Final = "TTSHARE1:"
HOLDER_FORMAT: Final = "tigertally-holder-v1"
HOLDER_PURPOSE: Final = "holder"
_CHECK_BYTES: Final = 4
_HEAD_BYTES: Final = 1 + TAG_BYTES + 2
_SCALARS: Final = 2 * curve.SCALAR_BYTES


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TaggedShare:
    """A share and the tag of the set that it is of."""

    tag: bytes
    share: Share

    def __repr__(self) -> str:
        return repr(self.share)

    def to_bytes(self) -> SecretBytes:
        """Return the 72 bytes."""
        head = bytes([VERSION]) + self.tag + bytes(self.share.seat)
        return SecretBytes(head + scalars_of(self.share).expose())

    def to_text(self) -> SecretText:
        """Return the text for files and QR codes."""
        raw = self.to_bytes().expose()
        return SecretText(TEXT_PREFIX + base64.b32encode(raw + sha256(raw)[:_CHECK_BYTES]).decode().rstrip("="))

    def to_words(self) -> list[SecretText]:
        """Return the words for paper."""
        return [SecretText(word) for word in sharewords.to_words(self.to_bytes().expose())]


def tag_of(set_id: str, epoch: int) -> bytes:
    """Return the tag of a set's shares: what tells another ceremony's and another epoch's apart."""
    return sha256(b"tigertally/v1/share-tag\x00" + f"{set_id}|{epoch}".encode())[:TAG_BYTES]


def scalars_of(share: Share) -> SecretBytes:
    """Return value and blind, 64 bytes."""
    return SecretBytes(share.value.expose() + share.blind.expose())


def share_of(seat: Seat, scalars: SecretBytes) -> Share:
    """Return the share of 64 bytes. Raises ``Malformed`` for another length and for scalars that are none."""
    raw = scalars.expose()
    value, blind = raw[: curve.SCALAR_BYTES], raw[curve.SCALAR_BYTES :]
    if len(raw) != _SCALARS or any(int.from_bytes(part, "big") >= curve.N for part in (value, blind)):
        raise Malformed(what="share", where="scalars")
    return Share(seat=seat, value=SecretBytes(value), blind=SecretBytes(blind))


def from_bytes(secret: SecretBytes) -> TaggedShare:
    """Return the share of 72 bytes. Raises ``Malformed``."""
    raw = secret.expose()
    if len(raw) != SHARE_BYTES or raw[0] != VERSION:
        raise Malformed(what="share", where="version")
    seat = (raw[_HEAD_BYTES - 2], raw[_HEAD_BYTES - 1])
    if not (1 <= seat[0] <= GROUPS_MAX and 1 <= seat[1] <= MEMBERS_MAX):
        raise Malformed(what="share", where="seat")
    return TaggedShare(tag=raw[1 : 1 + TAG_BYTES], share=share_of(seat, SecretBytes(raw[_HEAD_BYTES:])))


def from_text(text: SecretText) -> TaggedShare:
    """Return the share whose text this is; blanks around it do not matter. Raises ``Malformed``."""
    said = text.expose().strip()
    body = said[len(TEXT_PREFIX) :]
    try:
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        raise Malformed(what="share", where="text") from None
    data, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if not said.startswith(TEXT_PREFIX) or sha256(data)[:_CHECK_BYTES] != check:
        raise Malformed(what="share", where="checksum")
    found = from_bytes(SecretBytes(data))
    if found.to_text() != SecretText(said):
        raise Malformed(what="share", where="text")
    return found


def from_words(words: SecretText) -> TaggedShare:
    """Return the share whose words these are. Raises like ``sharewords.from_words``, and ``Malformed``."""
    return from_bytes(SecretBytes(sharewords.from_words(words.expose())))


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCard:
    """A holder's name and the key that shares are sealed to for them."""

    name: str
    key: TransferPublic

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return canon.dumps({"format": HOLDER_FORMAT, "name": self.name, "key": to_b64(self.key.raw)})

    def fingerprint(self) -> str:
        """Return what people compare: 160 bits of SHA-256 in ten groups of four hex digits."""
        digest = sha256_hex(b"tigertally/v1/holder\x00" + self.to_bytes())
        return " ".join(digest[at : at + 4] for at in range(0, 40, 4))


def parse_card(data: bytes) -> HolderCard:
    """Return the card in ``data``; ``Malformed`` otherwise."""
    reader = Reader(parse_canonical(data, what="holder"), what="holder", where="card")
    reader.const("format", HOLDER_FORMAT)
    name = reader.text("name", chars_max=40)
    raw = reader.b64("key")
    reader.end()
    if not name.isprintable():
        raise reader.wrong("name")
    try:
        return HolderCard(name=name, key=TransferPublic(raw))
    except BadKey:
        raise reader.wrong("key") from None
