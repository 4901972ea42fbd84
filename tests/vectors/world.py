"""A small fixed world for vectors and tests: two fictional companies, their keys, and one whole deal on paper.

Keys come from fixed seeds, so they protect nothing. Every paper is made by the same code that the product uses;
what the product draws at random (subject ids, salts) is counted up here instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from tigertally.base import canon
from tigertally.base.fields import FieldClass
from tigertally.base.ids import AgreementId, BackupId, BundleId, DealId, PartyId, base32
from tigertally.base.secret import SecretBytes
from tigertally.crypto.digest import sha256_hex
from tigertally.crypto.hpke import TransferKey
from tigertally.crypto.merkle import Frontier, MemoryTree, inclusion_proof, leaf_hash
from tigertally.crypto.sign import NoteKey, SigningKey
from tigertally.formats import backup, checkpoint, envelope, leaf, note, part, statement
from tigertally.formats.agreement import BLOCKS, Agreement, Clause
from tigertally.formats.book import SUFFIXES, Book, BookFile, FileKind
from tigertally.formats.certificate import METHOD, Certificate, DestroyedCopy, DestroyedKey, Ground, Signer
from tigertally.formats.checkpoint import Checkpoint
from tigertally.formats.dealpapers import Acceptance, Invitation, Release, Structure
from tigertally.formats.leaf import Leaf
from tigertally.formats.ledgerexport import Entry
from tigertally.formats.manifest import Manifest, Part, part_context, part_name
from tigertally.formats.party import PartyCard
from tigertally.formats.proof import TlogProof
from tigertally.formats.receipt import Receipt
from tigertally.formats.statement import Kind, Statement

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CLASSES = (FieldClass.MOBILE, FieldClass.NAME, FieldClass.PAN)


def seed(name: str, length: int) -> bytes:
    """Return ``length`` bytes that depend on ``name`` only."""
    return hashlib.shake_256(b"tigertally test world\x00" + name.encode()).digest(length)


def ident(kind: str, name: str) -> str:
    """Return the identifier of ``kind`` that belongs to ``name``."""
    return f"{kind}_{base32(seed(kind + name, 16))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company with all its private keys."""

    card: PartyCard
    signing: SigningKey
    transfer: TransferKey
    log: NoteKey

    @property
    def id(self) -> PartyId:
        """Its party id."""
        return self.card.party


@cache
def company(name: str) -> Company:
    """Return the company called ``name``."""
    party = PartyId(ident("pty", name))
    signing = SigningKey(SecretBytes(seed(name + " signing", 64)))
    transfer = TransferKey(SecretBytes(seed(name + " transfer", 96)))
    log = NoteKey(SecretBytes(seed(name + " log", 64)))
    card = PartyCard(
        party=party,
        name=name,
        signing=signing.public,
        transfer=transfer.public,
        log=note.verifier_of(f"tigertally.invalid/{party}", log),
        created=NOW - timedelta(days=60),
    )
    return Company(card=card, signing=signing, transfer=transfer, log=log)


def seller() -> Company:
    """The seller."""
    return company("云杉优选（虚构）")


def buyer() -> Company:
    """The buyer."""
    return company("Fictional Buyer Ltd")


def stranger() -> Company:
    """A company that has no part in the deal."""
    return company("Nobody You Know Inc")


DEAL = DealId(ident("dea", "deal"))
BUNDLE = BundleId(ident("bun", "bundle"))


def agreement(**changes: object) -> Agreement:
    """The agreement of the deal, with members changed."""
    made = Agreement(
        agreement=AgreementId(ident("agr", "agreement")),
        version=1,
        deal=DEAL,
        seller=seller().id,
        buyer=buyer().id,
        classes=CLASSES,
        purposes=("refunds",),
        start=NOW - timedelta(days=30),
        until=NOW + timedelta(days=300),
        destroy_within_days=30,
        penalty_cny=1_000_000,
        onward=(),
        clauses=tuple((name, Clause(zh=f"{name}条款（虚构）", en=f"clause {name} (fictional)")) for name in BLOCKS),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def agreement_paper() -> Statement:
    """The agreement, signed by both."""
    return statement.make(Kind.AGREEMENT, agreement().body(), seller().signing).signed_by(buyer().signing)


@cache
def card_paper(name: str) -> Statement:
    """A company's card."""
    return company(name).card.sign(company(name).signing)


@cache
def invitation_paper() -> Statement:
    """The seller's invitation."""
    paper = Invitation(
        deal=DEAL,
        title="云杉优选转让（虚构）",
        structure=Structure.D2,
        seller_card=seller().card.sign(seller().signing),
        agreement=statement.make(Kind.AGREEMENT, agreement().body(), seller().signing),
        created=NOW - timedelta(days=29),
    )
    return statement.make(Kind.INVITATION, paper.body(), seller().signing)


def acceptance(invitation: Statement, **changes: object) -> Acceptance:
    """The buyer's acceptance of ``invitation``, with members changed."""
    made = Acceptance(
        deal=DEAL,
        invitation=invitation.digest,
        buyer_card=buyer().card.sign(buyer().signing),
        agreement=agreement_paper(),
        created=NOW - timedelta(days=28),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def acceptance_paper() -> Statement:
    """The buyer's acceptance."""
    return statement.make(Kind.ACCEPTANCE, acceptance(invitation_paper()).body(), buyer().signing)


def release(**changes: object) -> Release:
    """The release, with members changed."""
    made = Release(
        deal=DEAL,
        agreement=agreement_paper().digest,
        seller=seller().id,
        buyer=buyer().id,
        recipient_key=buyer().transfer.public.key_id,
        classes=CLASSES,
        subjects=6,
        created=NOW - timedelta(days=3),
        until=NOW + timedelta(days=3),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def release_paper() -> Statement:
    """The release, signed by both."""
    return statement.make(Kind.RELEASE, release().body(), seller().signing).signed_by(buyer().signing)


@cache
def subjects() -> tuple[str, ...]:
    """Six subject ids in order."""
    return tuple(sorted(ident("sub", str(number)) for number in range(6)))


def rows(names: tuple[str, ...]) -> part.PartColumns:
    """Three invented fields for each of ``names``. The card numbers are test numbers that no issuer gives out."""
    columns: list[tuple[str, bytes, int, int, str, str]] = []
    for name in names:
        at = subjects().index(name)
        salt = seed("salt" + name, 16)
        columns += [
            (name, salt, 1, 0, f"411111111111{at:04d}", f"700000000000{at:04d}"),
            (name, salt, 4, 0, f"1380000000{at}", f"tok_mobile{at}"),
            (name, salt, 5, 0, f"虚构{at}", f"tok_name{at}"),
        ]
    subject, salts, code, slot, value, token = (list(column) for column in zip(*columns, strict=True))
    return part.PartColumns(subject=subject, salt=salts, code=code, slot=slot, value=value, token=token)


PARTS = ((0, 3), (3, 6))


@cache
def sealed_parts() -> tuple[bytes, ...]:
    """Two parts, sealed to the buyer."""
    return tuple(
        seal_part(part.write_part(rows(subjects()[start:stop])), number=number)
        for number, (start, stop) in enumerate(PARTS)
    )


def seal_part(data: bytes, *, number: int, context: str | None = None) -> bytes:
    """Return Parquet bytes sealed as part ``number`` of the bundle."""
    where = context or part_context(BUNDLE, part_name(number))
    return b"".join(envelope.seal([buyer().transfer.public], context=where, plaintext=[data]))


@cache
def root() -> bytes:
    """The root over the commitments of all six subjects."""
    frontier = Frontier()
    for commitment in part.commitments(rows(subjects())):
        frontier.append(leaf_hash(commitment))
    return frontier.root()


def manifest(sealed: tuple[bytes, ...], /, *, release_digest: object = None, **changes: object) -> Manifest:
    """The manifest of a bundle made of the files ``sealed``, with members changed."""
    made = Manifest(
        bundle=BUNDLE,
        deal=DEAL,
        release=str(release_digest or release_paper().digest),
        seller=seller().id,
        buyer=buyer().id,
        recipient_key=buyer().transfer.public.key_id,
        created=NOW - timedelta(days=2),
        subjects=6,
        counts={"pan": 6, "mobile": 6, "name": 6},
        root=root(),
        parts=tuple(
            Part(name=part_name(number), sha256=hashlib.sha256(data).hexdigest(), length=len(data), subjects=3)
            for number, data in enumerate(sealed)
        ),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def manifest_paper() -> Statement:
    """The seller's manifest."""
    return statement.make(Kind.MANIFEST, manifest(sealed_parts()).body(), seller().signing)


def receipt(manifest_digest: str, **changes: object) -> Receipt:
    """The receipt of the bundle, with members changed."""
    made = Receipt(
        bundle=BUNDLE,
        deal=DEAL,
        manifest=manifest_digest,
        seller=seller().id,
        buyer=buyer().id,
        received=NOW - timedelta(days=1),
        subjects=6,
        counts={"pan": 6, "mobile": 6, "name": 6},
        root=root(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def receipt_paper() -> Statement:
    """The buyer's receipt."""
    return statement.make(Kind.RECEIPT, receipt(manifest_paper().digest).body(), buyer().signing)


def certificate(receipt_digest: str, **changes: object) -> Certificate:
    """The certificate of destruction, with members changed."""
    made = Certificate(
        deal=DEAL,
        ground=Ground.RECEIPT,
        receipt=receipt_digest,
        seller=seller().id,
        buyer=buyer().id,
        started=NOW - timedelta(hours=3),
        finished=NOW - timedelta(hours=2),
        method=METHOD,
        tool="tigertally 0.0",
        subjects=6,
        rows={"records": 18},
        keys=(DestroyedKey(key=ident("key", "vault"), purpose="vault", version=1),),
        copies=(DestroyedCopy(place="exports/2026-02", kind="folder", method="unlink", verified=True),),
        not_covered=("backups held by a third party",),
        failed_opening=True,
        signers=(
            Signer(person=ident("per", "asked"), act="asked", entry=1),
            Signer(person=ident("per", "approved"), act="approved", entry=2),
        ),
        checkpoint=head(len(entries())).decode(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@cache
def certificate_paper() -> Statement:
    """The seller's certificate, validated by the buyer."""
    made = statement.make(Kind.CERTIFICATE, certificate(receipt_paper().digest).body(), seller().signing)
    return made.signed_by(buyer().signing)


def book_files(papers: Mapping[str, bytes]) -> tuple[BookFile, ...]:
    """What a closing book's list says of files, by name."""
    found = []
    for name, data in sorted(papers.items()):
        kind = next(kind for kind, suffixes in SUFFIXES.items() if name.endswith(suffixes))
        digest = statement.parse(data).digest if kind is FileKind.PAPER else ""
        found.append(BookFile(name=name, kind=kind, sha256=sha256_hex(data), length=len(data), digest=digest))
    return tuple(found)


def book(papers: Mapping[str, bytes], **changes: object) -> Book:
    """A closing book of the seller over these files, with members changed."""
    made = Book(deal=DEAL, seller=seller().id, buyer=buyer().id, by=seller().id, made=NOW, files=book_files(papers))
    return replace(made, **changes)  # type: ignore[arg-type]


def closed() -> dict[str, bytes]:
    """The files of a closed deal, but for the list."""
    made = {
        "agreement.json": agreement_paper(),
        "buyer-card.json": card_paper(buyer().card.name),
        "certificate.json": certificate_paper(),
        "manifest.json": manifest_paper(),
        "receipt.json": receipt_paper(),
        "release.json": release_paper(),
        "seller-card.json": card_paper(seller().card.name),
    }
    pages = {"index.html": b"<!doctype html><title>fictional</title>\n", "ledger.checkpoint": head(7)}
    return (
        {name: paper.to_bytes() for name, paper in made.items()} | pages | {"entry-3.tlog-proof": proof(3).to_bytes()}
    )


@cache
def book_paper() -> Statement:
    """The seller's closing book."""
    return statement.make(Kind.BOOK, book(closed()).body(), seller().signing)


@cache
def backup_paper() -> Statement:
    """A backup of the seller, sealed to the buyer's key (any key does)."""
    body = backup.Backup(
        backup=BackupId(ident("bak", "backup")),
        party=seller().id,
        made=NOW,
        tool="tigertally 0.1.0",
        database="sqlite",
        schema="0008_custody",
        ledger=backup.Seen(size=7, root=seed("ledger root", 32)),
        root_key="3f9ac2d4",
        recipients=(buyer().transfer.public.key_id,),
        plain=backup.Sized(size=4096, digest=hashlib.sha256(b"plain").hexdigest()),
        sealed=backup.Sized(size=5500, digest=hashlib.sha256(b"sealed").hexdigest()),
    ).body()
    return statement.make(Kind.BACKUP, body, seller().signing)


@cache
def erasures_paper() -> Statement:
    """What the seller erased in a ledger of seven entries."""
    body = backup.Erasures(
        party=seller().id,
        made=NOW,
        ledger=backup.Seen(size=7, root=seed("ledger root", 32)),
        subjects=(backup.Erased(entry=3, what=seed("pseudonym", 16).hex()),),
        keys=(backup.Erased(entry=5, what=ident("key", "gone")),),
    ).body()
    return statement.make(Kind.ERASURES, body, seller().signing)


def entries(label: str = "log", *, first: datetime = NOW - timedelta(days=10)) -> tuple[Entry, ...]:
    """Seven ledger entries a minute apart; the fifth one's payload is withheld."""
    made = []
    for at in range(7):
        payload = canon.dumps({"note": f"{label} {at}", "number": at})
        salt = seed(f"{label} entry {at}", 16)
        raw = Leaf(
            at=first + timedelta(minutes=at),
            kind="vault.card.revealed",
            actor=seed("actor", 16).hex(),
            about=(seed(f"about {at}", 16).hex(),),
            commitment=leaf.commit_payload(salt, payload),
        ).to_bytes()
        made.append(Entry(leaf=raw, payload=None, salt=b"") if at == 4 else Entry(leaf=raw, payload=payload, salt=salt))
    return tuple(made)


@cache
def head(size: int, label: str = "log", *, signed: datetime = NOW - timedelta(hours=1)) -> bytes:
    """The seller's checkpoint over the first ``size`` entries."""
    frontier = Frontier()
    for entry in entries(label)[:size]:
        frontier.append(leaf_hash(entry.leaf))
    return sign_head(Checkpoint(origin=seller().card.log.name, size=size, root=frontier.root()), signed=signed)


def sign_head(made: Checkpoint, *, signed: datetime = NOW - timedelta(hours=1)) -> bytes:
    """A checkpoint signed by the seller's log."""
    return checkpoint.sign(made, key=seller().log, now=signed)


@cache
def proof(index: int) -> TlogProof:
    """The proof of one entry under the newest checkpoint."""
    hashes = [leaf_hash(entry.leaf) for entry in entries()]
    path = inclusion_proof(MemoryTree(hashes).subtree, index=index, size=len(hashes))
    return TlogProof(leaf=entries()[index].leaf, index=index, path=tuple(path), checkpoint=head(len(hashes)))
