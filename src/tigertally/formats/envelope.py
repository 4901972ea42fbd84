r"""Envelope v1: a stream of any size sealed to one or more parties. docs/formats/envelope.md.

1. magic ``tigertally-envelope-v1\\n``; 2. header length, 4 bytes big-endian; 3. header, canonical JSON with
``suite``, ``context`` (what this is and where it belongs) and ``recipients`` (key id, sealed content key),
sorted by key id; 4. the content in C2SP chunked encryption under the content key, whose context is
SHA-256 of everything before it. So no byte of the header can change without the content failing.

The envelope says nothing about who sealed it; whoever needs that signs its digest (the manifest does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tigertally.base import canon
from tigertally.base.canon import Json
from tigertally.base.secret import SecretBytes
from tigertally.crypto import stream
from tigertally.crypto.aead import new_key
from tigertally.crypto.digest import sha256
from tigertally.crypto.errors import DecryptionFailed, UnknownSuite
from tigertally.crypto.hpke import TransferKey, TransferPublic
from tigertally.crypto.suites import DEFAULT_SUITE
from tigertally.formats.errors import Malformed, NotForUs, WrongContext
from tigertally.formats.shape import Reader, parse_canonical, to_b64

MAGIC: Final = b"tigertally-envelope-v1\n"
HEADER_BYTES_MAX: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A parsed header: context and ``(key id, sealed content key)`` per recipient."""

    context: str
    recipients: tuple[tuple[str, bytes], ...]

    def to_bytes(self) -> bytes:
        """Return magic, length and header bytes."""
        recipients: list[Json] = [{"key": key_id, "sealed": to_b64(sealed)} for key_id, sealed in self.recipients]
        body = canon.dumps({"suite": DEFAULT_SUITE.label, "context": self.context, "recipients": recipients})
        return MAGIC + len(body).to_bytes(4, "big") + body


def seal(recipients: Sequence[TransferPublic], *, context: str, plaintext: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the envelope of ``plaintext`` (pieces in order) for ``recipients``."""
    if not recipients:
        raise ValueError("an envelope is sealed to somebody")
    key = new_key()
    info = _info(context)
    sealed = {public.key_id: public.seal(key.expose(), info=info) for public in recipients}
    head = Header(context=context, recipients=tuple(sorted(sealed.items()))).to_bytes()
    yield head
    yield from stream.encrypt_chunks(key, context=sha256(head), plaintext=plaintext)
    key.wipe()


def read_header(read: Callable[[int], bytes]) -> Header:
    """Return the header at the start of what ``read`` gives; :class:`Malformed` otherwise."""
    prefix = read(len(MAGIC) + 4)
    length = int.from_bytes(prefix[len(MAGIC) :], "big")
    if len(prefix) != len(MAGIC) + 4 or not prefix.startswith(MAGIC) or length > HEADER_BYTES_MAX:
        raise Malformed(what="envelope", where="magic")
    body = read(length)
    if len(body) != length:
        raise Malformed(what="envelope", where="header length")
    reader = Reader(parse_canonical(body, what="envelope"), what="envelope", where="header")
    reader.const("suite", DEFAULT_SUITE.label)
    context = reader.text("context")
    recipients: list[tuple[str, bytes]] = []
    for item in reader.bodies("recipients"):
        recipients.append((item.digest("key"), item.b64("sealed")))
        item.end()
    reader.end()
    key_ids = [key_id for key_id, _ in recipients]
    if not key_ids or key_ids != sorted(set(key_ids)):
        raise reader.wrong("recipients")
    return Header(context=context, recipients=tuple(recipients))


def open_stream(key: TransferKey, *, context: str, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the content sealed to ``key`` in ``context``.

    Raises :class:`Malformed`, :class:`NotForUs`, :class:`WrongContext` at once, ``DecryptionFailed`` while
    iterating. Run it to the end before relying on anything it yielded.
    """
    header = read_header(read)
    if header.context != context:
        raise WrongContext
    sealed = dict(header.recipients).get(key.public.key_id)
    if sealed is None:
        raise NotForUs
    content_key = _content_key(key, sealed, context)
    return stream.decrypt_chunks(content_key, context=sha256(header.to_bytes()), read=read)


def _content_key(key: TransferKey, sealed: bytes, context: str) -> SecretBytes:
    try:
        return key.open(sealed, info=_info(context))
    except UnknownSuite:
        raise DecryptionFailed from None


def _info(context: str) -> bytes:
    return b"tigertally/v1/envelope\x00" + context.encode()
