"""Closing book: the signed list of a folder that holds every paper of a deal. docs/formats/book.md.

The list binds each file by name, SHA-256 and length, and each paper by its digest besides. What the papers say, and
whether they hang together, is the verifier's to see; a list proves only that nothing was exchanged, left out or added
after it was signed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId
from tigertally.base.limits import STATEMENT_BYTES_MAX
from tigertally.formats.shape import Reader
from tigertally.formats.statement import Kind, Statement

BOOK_NAME: Final = "book.json"
FILES_MAX: Final = 200
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.[a-z][a-z-]{0,15}")


class FileKind(Enum):
    """What a file of a book is: a signed paper, a proof of a ledger entry, a checkpoint, a page for people."""

    PAPER = "paper"
    PROOF = "proof"
    CHECKPOINT = "checkpoint"
    PAGE = "page"


SUFFIXES: Final = {
    FileKind.PAPER: (".json",),
    FileKind.PROOF: (".tlog-proof",),
    FileKind.CHECKPOINT: (".checkpoint",),
    FileKind.PAGE: (".html", ".pdf"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFile:
    """One file. ``digest`` is the statement's digest if it is a paper, else ""."""

    name: str
    kind: FileKind
    sha256: str
    length: int
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The list; ``by`` is the party that made and signed it. ``files`` are sorted by name."""

    deal: DealId
    seller: PartyId
    buyer: PartyId
    by: PartyId
    made: datetime
    files: tuple[BookFile, ...]

    def body(self) -> Json:
        """Return the payload."""
        files: list[Json] = [
            {
                "name": one.name,
                "kind": one.kind.value,
                "sha256": one.sha256,
                "length": one.length,
                "digest": one.digest,
            }
            for one in self.files
        ]
        return {
            "deal": self.deal,
            "seller": self.seller,
            "buyer": self.buyer,
            "by": self.by,
            "made": clock.to_text(self.made),
            "files": files,
        }


def read(statement: Statement) -> Book:
    """Return the list in ``statement``; the signature is the caller's to verify."""
    reader = statement.expect(Kind.BOOK).reader()
    found = Book(
        deal=DealId(reader.ident("deal", "dea")),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        by=PartyId(reader.ident("by", "pty")),
        made=reader.instant("made"),
        files=tuple(_file(item) for item in reader.bodies("files")),
    )
    reader.end()
    names = [one.name for one in found.files]
    if names != sorted(set(names)) or not names or len(names) > FILES_MAX:
        raise reader.wrong("files")
    if found.seller == found.buyer:
        raise reader.wrong("buyer")
    if found.by not in {found.seller, found.buyer}:
        raise reader.wrong("by")
    return found


def _file(reader: Reader) -> BookFile:
    name = reader.text("name", chars_max=80)
    kind = reader.choice("kind", FileKind)
    sha256 = reader.digest("sha256")
    length = reader.integer("length", minimum=1, maximum=STATEMENT_BYTES_MAX)
    if kind is FileKind.PAPER:
        digest = reader.digest("digest")
    else:
        digest = ""
        reader.const("digest", "")
    reader.end()
    if not _NAME.fullmatch(name) or name == BOOK_NAME or not name.endswith(SUFFIXES[kind]):
        raise reader.wrong("name")
    return BookFile(name=name, kind=kind, sha256=sha256, length=length, digest=digest)
