"""Feeds out of the ledger: what is sent, in which shape, to whom. ``feeds.toml`` in the installation's folder.

Each table is one feed: ``url``, and where they are needed ``ca`` (a PEM file to trust beside the system's) and
``secret_file`` (signs webhooks). ``syslog+tls://HOST:PORT`` is RFC 5424 over TLS with octet counting (RFC 5425);
``file:///PATH`` appends OCSF events as JSON lines; ``https://…`` posts JSON.

What is fed are leaves: kinds, times, keyed pseudonyms, never a payload. A feed that returns has the receiver's word for
the batch: a 2xx; a durable write; for syslog, which has no acknowledgements, that the receiver read to the end of the
TLS session and closed it. Any doubt raises :class:`FeedFailed` and the batch comes again, so receivers see every entry
*at least once*, in order, and tell repeats by the entry's number.
"""

from __future__ import annotations

import hmac
import http.client
import json
import os
import re
import socket
import ssl
import tomllib
import urllib.parse
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from tigertally import __version__
from tigertally.app.errors import BadFeeds, FeedFailed
from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.text import Lang, Text
from tigertally.crypto.merkle import leaf_hash
from tigertally.formats import leaf as leaves
from tigertally.formats.leaf import Leaf
from tigertally.ledger import event_kinds

FEEDS_NAME: Final = "feeds.toml"
TIMEOUT_S: Final = 10
BYTES_MAX: Final = 64 * 1024
SECRET_CHARS_MIN: Final = 16
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_KEYS: Final = frozenset({"url", "ca", "secret_file"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
# Facility 13 (log audit), severity 6 (informational): RFC 5424 §6.2.1.
_PRIORITY: Final = 13 * 8 + 6
# The number that RFC 5612 keeps for documents; we have none of our own.
_SD_ID: Final = "ledger@32473"
_MSGID_CHARS: Final = 32
_API_ACTIVITY: Final = 6003
_OTHER: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One entry as it is fed."""

    index: int
    leaf: Leaf
    hashed: bytes


class Feed(Protocol):
    """Whoever takes batches of entries."""

    def send(self, batch: Sequence[Fed], *, origin: str, now: datetime) -> None:
        """Deliver a batch, or raise :class:`FeedFailed`."""


def fed(first: int, raws: Sequence[bytes]) -> list[Fed]:
    """Return leaves ``first …`` ready to be fed."""
    return [Fed(index=at, leaf=leaves.parse(raw), hashed=leaf_hash(raw)) for at, raw in enumerate(raws, start=first)]


def load(home: Path) -> dict[str, Feed]:
    """Return the feeds that ``home`` names; :class:`BadFeeds` if the file is not as above."""
    path = home / FEEDS_NAME
    try:
        with path.open("rb") as file:
            tables = tomllib.loads(file.read(BYTES_MAX).decode())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadFeeds(what=FEEDS_NAME) from None
    return {name: _feed(name, table, home) for name, table in tables.items()}


def authorities(home: Path) -> list[Path]:
    """Return the files of certificates that feeds trust beside the system's. The feeds were loaded before."""
    try:
        with (home / FEEDS_NAME).open("rb") as file:
            tables = tomllib.loads(file.read(BYTES_MAX).decode())
    except FileNotFoundError:
        return []
    return sorted({home / str(table["ca"]) for table in tables.values() if "ca" in table})


def tls_of(feed: Feed) -> ssl.SSLContext | None:
    """Return the TLS settings that a feed speaks with; None if it speaks none."""
    if isinstance(feed, Syslog):
        return feed.context
    return feed.context if isinstance(feed, Webhook) and feed.parts.scheme == "https" else None


def _feed(name: str, table: object, home: Path) -> Feed:
    if not _NAME.fullmatch(name) or not isinstance(table, dict) or not set(table) <= _KEYS or "url" not in table:
        raise BadFeeds(what=name[:32])
    if not all(isinstance(value, str) for value in table.values()):
        raise BadFeeds(what=name)
    parts = urllib.parse.urlsplit(table["url"])
    context = _context(name, home / table["ca"] if "ca" in table else None)
    if parts.scheme == "syslog+tls" and parts.hostname:
        return Syslog(host=parts.hostname, port=parts.port or 6514, context=context)
    if parts.scheme == "file" and parts.path and not parts.netloc:
        return Lines(path=Path(parts.path))
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return Webhook(parts=parts, context=context, secret=_secret(name, home, table.get("secret_file")))
    raise BadFeeds(what=name)


def _context(name: str, ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ssl.SSLError):
            raise BadFeeds(what=name) from None
    return context


def _secret(name: str, home: Path, file: str | None) -> bytes:
    if file is None:
        raise BadFeeds(what=name)
    try:
        secret = (home / file).read_bytes().strip()
    except OSError:
        raise BadFeeds(what=name) from None
    if len(secret) < SECRET_CHARS_MIN:
        raise BadFeeds(what=name)
    return secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Syslog:
    """RFC 5424 messages over TLS, one session per batch."""

    host: str
    port: int
    context: ssl.SSLContext

    def send(self, batch: Sequence[Fed], *, origin: str, now: datetime) -> None:
        """Send the frames and wait for the receiver's end of the session."""
        del now
        frames = b"".join([b"%d %b" % (len(message), message) for message in (message_of(e, origin) for e in batch)])

        def work() -> None:
            with (
                socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as plain,
                self.context.wrap_socket(plain, server_hostname=self.host) as session,
            ):
                session.sendall(frames)
                # Returns when the receiver has read to our end and closed its side, well-mannered or not.
                with suppress(ssl.SSLEOFError):
                    session.unwrap()

        _guarded(work)


def message_of(entry: Fed, origin: str) -> bytes:
    """Return one RFC 5424 message. Hostname is the log's origin; structured data names the entry."""
    kind = entry.leaf.kind
    known = event_kinds().get(kind)
    pairs = {
        "entry": str(entry.index),
        "kind": kind,
        "actor": entry.leaf.actor,
        "about": " ".join(entry.leaf.about),
        "leaf": entry.hashed.hex(),
    }
    data = " ".join([f'{name}="{value}"' for name, value in pairs.items()])
    host = origin.replace("/", ".")[:255]
    head = f"<{_PRIORITY}>1 {clock.to_text(entry.leaf.at)} {host} tigertally - {kind[:_MSGID_CHARS]}"
    said = (Text(kind, kind) if known is None else known.title).render(Lang.EN)
    return f"{head} [{_SD_ID} {data}] ".encode() + b"\xef\xbb\xbf" + said.encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """OCSF events, one JSON object a line, appended to a file that a collector follows."""

    path: Path

    def send(self, batch: Sequence[Fed], *, origin: str, now: datetime) -> None:
        """Append and make durable. A line that was cut off by a crash is ended first, so that it stays alone."""
        lines = "".join([json.dumps(ocsf(entry, origin, now), ensure_ascii=False) + "\n" for entry in batch])

        def work() -> None:
            with self.path.open("a+b") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    lone = file.read(1) != b"\n"
                    file.write(b"\n" if lone else b"")
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())

        _guarded(work)


def ocsf(entry: Fed, origin: str, now: datetime) -> dict[str, Json]:
    """Return one OCSF API Activity event (class 6003): who (a pseudonym) did what, to which subjects (pseudonyms)."""
    about: list[Json] = [{"uid": name} for name in entry.leaf.about]
    user: dict[str, Json] = {"uid": entry.leaf.actor or "-"}
    return {
        "class_uid": _API_ACTIVITY,
        "class_name": "API Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": _OTHER,
        "activity_name": entry.leaf.kind,
        "type_uid": _API_ACTIVITY * 100 + _OTHER,
        "severity_id": 1,
        "time": int(entry.leaf.at.timestamp() * 1000),
        "metadata": {
            "version": "1.5.0",
            "uid": f"{origin}#{entry.index}",
            "sequence": entry.index,
            "logged_time": int(now.timestamp() * 1000),
            "product": {"name": "Tigertally", "vendor_name": "Tigertally", "version": __version__},
        },
        "actor": {"user": user},
        "api": {"operation": entry.leaf.kind},
        "src_endpoint": {"uid": origin, "name": origin},
        "resources": about,
        "unmapped": {"leaf_hash": entry.hashed.hex()},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """JSON by POST. ``Tigertally-Signature: t=POSIX,v1=HMAC-SHA-256(secret, "t." ‖ body)`` proves who sent it."""

    parts: urllib.parse.SplitResult
    context: ssl.SSLContext
    secret: bytes

    def send(self, batch: Sequence[Fed], *, origin: str, now: datetime) -> None:
        """Post a batch; any answer but 2xx is a failure. Redirections are not followed."""
        entries: list[Json] = [
            {
                "entry": entry.index,
                "at": clock.to_text(entry.leaf.at),
                "kind": entry.leaf.kind,
                "actor": entry.leaf.actor,
                "about": list(entry.leaf.about),
                "leaf": entry.hashed.hex(),
            }
            for entry in batch
        ]
        body = json.dumps({"origin": origin, "entries": entries}, ensure_ascii=False).encode()
        at = str(int(now.timestamp()))
        digest = hmac.digest(self.secret, at.encode() + b"." + body, "sha256").hex()
        headers = {
            "Content-Type": "application/json",
            "Tigertally-Signature": f"t={at},v1={digest}",
            "Idempotency-Key": f"{origin}#{batch[0].index}-{batch[-1].index}",
        }

        def work() -> None:
            host, port = self.parts.hostname or "", self.parts.port
            connection = (
                http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self.context)
                if self.parts.scheme == "https"
                else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            )
            try:
                path = urllib.parse.urlunsplit(("", "", self.parts.path or "/", self.parts.query, ""))
                connection.request("POST", path, body=body, headers=headers)
                with connection.getresponse() as answer:
                    if answer.status // 100 != 2:  # noqa: PLR2004 - 2xx
                        raise FeedFailed(why=f"status {answer.status}")
            finally:
                connection.close()

        _guarded(work)


def _guarded(work: Callable[[], None]) -> None:
    """Run ``work``; whatever the network or the disk says becomes :class:`FeedFailed` without its text."""
    why = ""
    try:
        work()
    except (OSError, http.client.HTTPException) as error:
        why = type(error).__name__
    if why:
        raise FeedFailed(why=why)
