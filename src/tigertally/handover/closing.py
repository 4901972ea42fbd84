"""The closing book: one folder with every paper and proof of a closed deal, which both counsels keep.

1. the papers are found from the end: certificate of destruction → its receipt → its manifest → its release → its
   agreement, each by the digest that the one before names; so no paper of another turn gets in;
2. beside them: both cards, a signed checkpoint of our ledger, and a proof of every entry that the deal's papers made;
3. pages for people (``bookpages``), and the signed list that binds it all (``formats.book``).

Nothing in it is a value of a customer. Whoever gets it needs the two cards' fingerprints from elsewhere, and nothing
else of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.base.errors import Conflict
from tigertally.base.text import Text
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.sign import SigningKey
from tigertally.formats import book as books
from tigertally.formats import certificate as certificates
from tigertally.formats import dealpapers, manifest, receipt
from tigertally.formats import statement as dsse
from tigertally.formats.book import BOOK_NAME, Book, BookFile
from tigertally.formats.certificate import Ground
from tigertally.formats.statement import Kind, Statement
from tigertally.handover import bookpages, events, papers
from tigertally.handover.site import note
from tigertally.handover.terms import Terms
from tigertally.ledger import Ledger, checkpoints, spelling
from tigertally.ledger import sql as ledger_rows
from tigertally.store.tx import Tx

CHECKPOINT_NAME: Final = "ledger.checkpoint"
_PROVED: Final = frozenset(
    kind.name
    for kind in (
        events.RELEASE_COUNTERSIGNED,
        events.RELEASE_ACCEPTED,
        events.BUNDLE_WRITTEN,
        events.BUNDLE_RECEIVED,
        events.RECEIPT_ACCEPTED,
        events.DESTRUCTION_STARTED,
        events.OPENING_FAILED,
        events.CERTIFICATE_SIGNED,
        events.CERTIFICATE_VALIDATED,
    )
)


class BookNotReady(Conflict):
    """A closing book of a deal that has not all of its papers yet."""

    code = "handover.book_not_ready"
    title = Text("交割卷还缺文件：{lacking}", "the closing book lacks a paper: {lacking}")
    hint = Text(
        "收下回执、销毁并取得证明之后再制作；受让方先核实并会签证明",
        "make it after the receipt, the destruction and its certificate; a buyer validates the certificate first",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingBook:
    """A book as it is to be written: the signed list, and the files by name."""

    statement: Statement
    files: Mapping[str, bytes]

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield every file, the list last: a folder without it is no book."""
        yield from self.files.items()
        yield BOOK_NAME, self.statement.to_bytes()


def closing_book(
    tx: Tx,
    ledger: Ledger,
    *,
    terms: Terms,
    cards: tuple[Statement, Statement],
    agreements: tuple[Statement, ...],
    signing: SigningKey,
    actor: str,
    now: datetime,
) -> ClosingBook:
    """Return the book of a closed deal, signed; the entry says its digest.

    ``cards`` are the seller's and the buyer's, ``agreements`` those on file. Raises :class:`BookNotReady` with what is
    lacking.
    """
    found = _papers(tx, terms=terms, agreements=agreements)
    found |= {"seller-card.json": cards[0], "buyer-card.json": cards[1]}
    head = checkpoints.sign_head(tx, ledger, now=now)
    files = {name: paper.to_bytes() for name, paper in found.items()}
    files[CHECKPOINT_NAME] = head
    for index, kind in _entries(tx, ledger, terms.deal):
        name = f"entry-{index}-{kind.removeprefix('handover.').replace('.', '-')}.tlog-proof"
        files[name] = checkpoints.proof_of(tx, index=index, note=head).to_bytes()
    files |= bookpages.pages(found, terms=terms, made=now)
    paper = Book(
        deal=terms.deal,
        seller=terms.seller.party,
        buyer=terms.buyer.party,
        by=terms.ours.party,
        made=now,
        files=tuple(_listed(name, data, found.get(name)) for name, data in sorted(files.items())),
    )
    signed = dsse.make(Kind.BOOK, paper.body(), signing)
    books.read(signed)
    note(tx, ledger, events.BOOK_MADE, deal=terms.deal, actor=actor, now=now, book=signed.digest, files=len(files))
    return ClosingBook(statement=signed, files=files)


def _papers(tx: Tx, *, terms: Terms, agreements: tuple[Statement, ...]) -> dict[str, Statement]:
    """Return certificate, receipt, manifest, release and agreement by name, each found by the one before."""
    last = papers.last(tx, deal=terms.deal, kind=Kind.CERTIFICATE)
    if last is None or certificates.read(last).ground is not Ground.RECEIPT:
        raise BookNotReady(lacking=Kind.CERTIFICATE.value)
    received = _named(tx, certificates.read(last).receipt, Kind.RECEIPT)
    account = _named(tx, receipt.read(received).manifest, Kind.MANIFEST)
    released = _named(tx, manifest.read(account).release, Kind.RELEASE)
    wanted = dealpapers.read_release(released).agreement
    agreed = next((paper for paper in agreements if paper.digest == wanted), None)
    if agreed is None:
        raise BookNotReady(lacking=Kind.AGREEMENT.value)
    return {f"{paper.kind.value}.json": paper for paper in (last, received, account, released, agreed)}


def _named(tx: Tx, digest: str, kind: Kind) -> Statement:
    found = papers.by_digest(tx, digest)
    if found is None:
        raise BookNotReady(lacking=kind.value)
    return found.expect(kind)


def _entries(tx: Tx, ledger: Ledger, deal: str) -> Iterator[tuple[int, str]]:
    for index in ledger.about(tx, deal):
        raw = ledger_rows.read_leaf(tx, index)
        kind = "" if raw is None else spelling.read_leaf(raw).kind
        if kind in _PROVED:
            yield index, kind


def _listed(name: str, data: bytes, paper: Statement | None) -> BookFile:
    suffix = name[name.rindex(".") :]
    kind = next(kind for kind, suffixes in books.SUFFIXES.items() if suffix in suffixes)
    digest = "" if paper is None else paper.digest
    return BookFile(name=name, kind=kind, sha256=sha256_hex(data), length=len(data), digest=digest)
