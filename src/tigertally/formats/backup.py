"""Backup of an installation, and the list of what was erased: two statements. docs/formats/backup.md.

A backup is a folder with ``backup.json`` (the statement) and ``database.env`` (an envelope). The statement says which
ledger the database ends with, so that whoever restores it can tell how old it is; the list of erasures says what must
not come back, and up to which ledger it is complete. Neither holds a key or anything personal: subjects are the
pseudonyms of the ledger's leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base import canon, clock
from tigertally.base.canon import Json
from tigertally.base.ids import BackupId, PartyId
from tigertally.crypto.merkle import HASH_BYTES
from tigertally.formats.errors import Malformed
from tigertally.formats.leaf import PSEUDONYM_CHARS
from tigertally.formats.shape import Reader, from_b64, parse_canonical, to_b64
from tigertally.formats.statement import Kind, Statement

STATEMENT_NAME: Final = "backup.json"
CONTENT_NAME: Final = "database.env"
HEAD_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A stream's length in bytes and its SHA-256 (hex)."""

    size: int
    digest: str

    def body(self) -> Json:
        """Return the member."""
        return {"bytes": self.size, "sha256": self.digest}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far a ledger had come: entries and root."""

    size: int
    root: bytes

    def body(self) -> Json:
        """Return the member."""
        return {"size": self.size, "root": to_b64(self.root)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup is. ``plain`` is the envelope's content, ``sealed`` the file; ``root_key`` names a key, no more."""

    backup: BackupId
    party: PartyId
    made: datetime
    tool: str
    database: str
    schema: str
    ledger: Seen
    root_key: str
    recipients: tuple[str, ...]
    plain: Sized
    sealed: Sized

    @property
    def context(self) -> str:
        """The context of the envelope."""
        return context_of(self.backup)

    def body(self) -> Json:
        """Return the payload."""
        return {
            "backup": self.backup,
            "party": self.party,
            "made": clock.to_text(self.made),
            "tool": self.tool,
            "database": self.database,
            "schema": self.schema,
            "ledger": self.ledger.body(),
            "root_key": self.root_key,
            "recipients": list(self.recipients),
            "plain": self.plain.body(),
            "sealed": self.sealed.body(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """One thing that is gone: ``what`` a subject's pseudonym or a key's id, ``entry`` what proves it."""

    entry: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasures:
    """All that a ledger of ``ledger.size`` entries says was erased, in the order of its entries."""

    party: PartyId
    made: datetime
    ledger: Seen
    subjects: tuple[Erased, ...]
    keys: tuple[Erased, ...]

    def body(self) -> Json:
        """Return the payload."""
        subjects: list[Json] = [{"entry": one.entry, "pseudonym": one.what} for one in self.subjects]
        keys: list[Json] = [{"entry": one.entry, "key": one.what} for one in self.keys]
        return {
            "party": self.party,
            "made": clock.to_text(self.made),
            "ledger": self.ledger.body(),
            "subjects": subjects,
            "keys": keys,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands in front of the database inside the envelope: settings and card, neither of them secret."""

    settings: str
    card: bytes

    def to_bytes(self) -> bytes:
        """Return four bytes of length and canonical JSON."""
        body = canon.dumps({"settings": self.settings, "card": to_b64(self.card)})
        return len(body).to_bytes(4, "big") + body


def context_of(backup: BackupId) -> str:
    """Return the context of a backup's envelope."""
    return f"backup|{backup}"


def read(statement: Statement) -> Backup:
    """Return the backup in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.BACKUP).reader()
    found = Backup(
        backup=BackupId(reader.ident("backup", "bak")),
        party=PartyId(reader.ident("party", "pty")),
        made=reader.instant("made"),
        tool=reader.text("tool"),
        database=reader.text("database", chars_max=40),
        schema=reader.text("schema", chars_max=80),
        ledger=_seen(reader.body("ledger")),
        root_key=reader.text("root_key"),
        recipients=reader.texts("recipients"),
        plain=_sized(reader.body("plain")),
        sealed=_sized(reader.body("sealed")),
    )
    reader.end()
    if not found.recipients or list(found.recipients) != sorted(set(found.recipients)):
        raise reader.wrong("recipients")
    return found


def read_erasures(statement: Statement) -> Erasures:
    """Return the list in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.ERASURES).reader()
    found = Erasures(
        party=PartyId(reader.ident("party", "pty")),
        made=reader.instant("made"),
        ledger=_seen(reader.body("ledger")),
        subjects=tuple(_erased(item, _pseudonym) for item in reader.bodies("subjects")),
        keys=tuple(_erased(item, lambda inner: inner.ident("key", "key")) for item in reader.bodies("keys")),
    )
    reader.end()
    for name, items in (("subjects", found.subjects), ("keys", found.keys)):
        order = [(one.entry, one.what) for one in items]
        if order != sorted(set(order)) or any(one.entry >= found.ledger.size for one in items):
            raise reader.wrong(name)
    return found


def read_head(read_bytes: Callable[[int], bytes]) -> Head:
    """Return the head at the start of a backup's content. Raises ``Malformed``."""
    length = int.from_bytes(read_bytes(4), "big")
    body = read_bytes(length) if length <= HEAD_BYTES_MAX else b""
    if not length or len(body) != length:
        raise Malformed(what="backup", where="head")
    reader = Reader(parse_canonical(body, what="backup"), what="backup", where="head")
    head = Head(settings=reader.text("settings", chars_max=HEAD_BYTES_MAX), card=reader.b64("card"))
    reader.end()
    return head


def _seen(reader: Reader) -> Seen:
    seen = Seen(size=reader.integer("size"), root=from_b64(reader.text("root")) or b"")
    reader.end()
    if len(seen.root) != HASH_BYTES:
        raise reader.wrong("root")
    return seen


def _sized(reader: Reader) -> Sized:
    sized = Sized(size=reader.integer("bytes", minimum=1), digest=reader.digest("sha256"))
    reader.end()
    return sized


def _pseudonym(reader: Reader) -> str:
    return reader.hexbytes("pseudonym", length=PSEUDONYM_CHARS // 2).hex()


def _erased(reader: Reader, what: Callable[[Reader], str]) -> Erased:
    found = Erased(entry=reader.integer("entry"), what=what(reader))
    reader.end()
    return found
