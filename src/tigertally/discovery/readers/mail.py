"""Mail: one message (eml, files of a maildir) or many (mbox); texts are scanned, attachments become members.

A message is parsed by the standard library and held in memory, up to :data:`MESSAGE_BYTES_MAX`; a larger one is scanned
as its lines. Headers are decoded (RFC 2047), bodies unfolded from Base64 and quoted-printable, HTML bodies read as
HTML.
"""

from __future__ import annotations

import email
import email.errors
import email.header
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import BinaryIO, Final

from tigertally.base.text import Text
from tigertally.discovery.core import ascii_digits
from tigertally.discovery.encodings import detect_encoding, to_utf8
from tigertally.discovery.errors import Unreadable
from tigertally.discovery.readers.markup import html_text

MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
_LINE_BYTES_MAX: Final = 1024 * 1024
_BROKEN: Final = Text("邮件结构损坏", "the message's structure is damaged")
_NAMES: Final = (
    b"return-path received from to cc date subject message-id mime-version delivered-to x-mailer reply-to sender"
    b" content-type dkim-signature x-original-to importance thread-topic in-reply-to"
).split()
_FIELD: Final = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[ \t]?")
_FIELDS_MIN: Final = 3
_FROM: Final = re.compile(rb"From \S++.*\d{4}\s*$")
_FROM_BYTES_MAX: Final = 400
_HEADER_CHARS_MAX: Final = 8_192  # a longer one is not decoded: the library's search for encoded words is quadratic


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A part that is not text of the message."""

    name: str
    data: bytes = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Mail:
    """What a message holds: its texts (UTF-8, ASCII digits) and its attachments."""

    texts: list[bytes] = field(default_factory=list, repr=False)
    attachments: list[Attachment] = field(default_factory=list)
    damaged: bool = False


def looks_like_mail(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` begins with header fields that mails have."""
    known: set[bytes] = set()
    for line in head[:8_192].splitlines():
        if not line.strip():
            break
        if line[:1] in b" \t":
            continue
        found = _FIELD.match(line)
        if found is None:
            return False
        if found[1].lower() in _NAMES:
            known.add(found[1].lower())
    return len(known) >= _FIELDS_MIN


def looks_like_mbox(head: bytes) -> bool:
    """Return whether a file that begins with ``head`` is an mbox: a From line, then a mail."""
    first, _, rest = head.partition(b"\n")
    return _begins(first) and looks_like_mail(rest)


def parse_mail(data: bytes) -> Mail:
    """Return what a message holds. Raises :class:`Unreadable` if it cannot be taken apart."""
    try:
        message = email.message_from_bytes(data)
        mail = Mail(damaged=bool(message.defects))
        for part in message.walk():
            _add_part(part, mail)
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError, email.errors.MessageError):
        raise Unreadable(_BROKEN) from None
    return mail


def messages(stream: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Yield each message of an mbox, and whether it is whole: one beyond the limit comes in pieces."""
    held: list[bytes] = []
    size, blank, whole = 0, True, True
    while line := stream.readline(_LINE_BYTES_MAX):
        if blank and _begins(line):
            if held:
                yield b"".join(held), whole
            held, size, whole = [], 0, True
        else:
            held.append(line[1:] if line.startswith(b">From ") else line)
            size += len(line)
            if size > MESSAGE_BYTES_MAX:
                yield b"".join(held), False
                held, size, whole = [], 0, False
        blank = line in (b"\n", b"\r\n")
    if held:
        yield b"".join(held), whole


def _begins(line: bytes) -> bool:
    """Return whether a line begins a message of an mbox."""
    return line.startswith(b"From ") and len(line) <= _FROM_BYTES_MAX and bool(_FROM.match(line.rstrip(b"\r\n")))


def _add_part(part: Message, mail: Mail) -> None:
    mail.damaged = mail.damaged or bool(part.defects)
    headers = "\n".join(
        f"{name}: {_header(value)}" for name, value in part.items() if not name.lower().startswith("dkim")
    )
    if headers:
        mail.texts.append(ascii_digits(headers.encode("utf-8", "replace")))
    if part.is_multipart():
        return
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return
    kind, name = part.get_content_type(), part.get_filename()
    if kind in ("text/plain", "text/html") and (name is None or part.get_content_disposition() == "inline"):
        text = _text(data, part.get_content_charset())
        mail.texts.append(html_text(text.decode("utf-8", "replace")) if kind == "text/html" else text)
    elif data:
        mail.attachments.append(
            Attachment(name=_header(name) if name else f"part.{part.get_content_subtype()}", data=data)
        )


def _text(data: bytes, charset: str | None) -> bytes:
    for codec in ("gb18030" if charset in ("gb2312", "gbk") else charset, None):
        if codec is None:
            encoding = detect_encoding(data)
            return to_utf8(data[len(encoding.bom) :], encoding.name)[0]
        try:
            return ascii_digits(data.decode(codec).encode("utf-8", "replace"))
        except (LookupError, UnicodeError):
            continue
    raise AssertionError


def _header(value: object) -> str:
    """Return a header in words."""
    if len(str(value)) > _HEADER_CHARS_MAX:
        return str(value)
    try:
        return str(email.header.make_header(email.header.decode_header(str(value))))
    except (ValueError, LookupError, UnicodeError, email.errors.MessageError):
        return str(value)
