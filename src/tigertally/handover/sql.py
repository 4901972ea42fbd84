"""Tables of the handover and the statements on them. No rule lives here.

``handover_paper`` keeps the signed statements that passed (releases, manifests, receipts, certificates);
``handover_bundle`` one row per bundle written or received; ``handover_part`` its finished parts;
``handover_copy`` every known copy of a deal's data outside of the vault; ``handover_destruction`` the approved
plan while it is carried out, with one sealed value kept aside until it was shown not to open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)

from tigertally.store.schema import AutoId, Blob, Instant, metadata
from tigertally.store.tx import Tx

PLACE_CHARS_MAX = 400

paper = Table(
    "handover_paper",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", BigInteger, nullable=False),
    Column("deal", String(40), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("statement", Blob, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("deal", "id"),
)
bundle = Table(
    "handover_bundle",
    metadata,
    Column("bundle", String(40), primary_key=True),
    Column("deal", String(40), nullable=False),
    Column("release", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("folder", String(PLACE_CHARS_MAX), nullable=False),
    Column("created", Instant, nullable=False),
    Column("manifest", String(64), nullable=False),
    Column("receipt", String(64), nullable=False),
    Index("ix_handover_bundle_deal", "deal"),
)
part = Table(
    "handover_part",
    metadata,
    Column("bundle", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("subjects", Integer, nullable=False),
)
copy = Table(
    "handover_copy",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("deal", String(40), nullable=False),
    Column("place", String(PLACE_CHARS_MAX), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("fate", String(8), nullable=False),
    Column("registered", Instant, nullable=False),
    Column("gone", Instant, nullable=True),
    Column("method", String(80), nullable=False),
    Column("verified", Boolean, nullable=False),
    Column("device", String(24), nullable=True),
    Column("inode", String(24), nullable=True),
    UniqueConstraint("deal", "place"),
)
destruction = Table(
    "handover_destruction",
    metadata,
    Column("deal", String(40), primary_key=True),
    Column("plan", Blob, nullable=False),
    Column("started", Instant, nullable=False),
    Column("sample", Blob, nullable=True),
    Column("certificate", String(64), nullable=False),
)


def save_paper(tx: Tx, *, deal: str, kind: str, digest: str, statement: bytes, now: datetime) -> None:
    """Keep a statement; one with the same digest (fewer or more signatures) is overwritten in its place."""
    if tx.execute(update(paper).where(paper.c.digest == digest).values(statement=statement, at=now)):
        return
    number = (tx.scalar(select(func.max(paper.c.id)).where(paper.c.deal == deal)) or 0) + 1
    tx.execute(insert(paper).values(digest=digest, id=number, deal=deal, kind=kind, statement=statement, at=now))


def read_paper(tx: Tx, digest: str) -> bytes | None:
    """Return the statement with this digest, if it is kept."""
    found = tx.scalar(select(paper.c.statement).where(paper.c.digest == digest))
    return None if found is None else bytes(found)


def last_paper(tx: Tx, *, deal: str, kind: str) -> bytes | None:
    """Return the newest statement of ``kind`` in ``deal``."""
    query = select(paper.c.statement).where(paper.c.deal == deal, paper.c.kind == kind)
    found = tx.scalar(query.order_by(paper.c.id.desc()).limit(1))
    return None if found is None else bytes(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """A bundle as stored. ``manifest`` and ``receipt`` are digests, "" until there is one."""

    bundle: str
    deal: str
    release: str
    state: str
    folder: str
    created: datetime
    manifest: str = ""
    receipt: str = ""


def insert_bundle(tx: Tx, row: BundleRow) -> None:
    """Store a new bundle."""
    tx.execute(
        insert(bundle).values(
            bundle=row.bundle,
            deal=row.deal,
            release=row.release,
            state=row.state,
            folder=row.folder,
            created=row.created,
            manifest=row.manifest,
            receipt=row.receipt,
        )
    )


def update_bundle(tx: Tx, row: BundleRow) -> int:
    """Write a bundle's state, manifest and receipt; return rows changed."""
    return tx.execute(
        update(bundle)
        .where(bundle.c.bundle == row.bundle)
        .values(state=row.state, manifest=row.manifest, receipt=row.receipt)
    )


def read_bundles(tx: Tx, *, deal: str) -> list[BundleRow]:
    """Return a deal's bundles, oldest first."""
    rows = tx.all(select(bundle).where(bundle.c.deal == deal).order_by(bundle.c.created, bundle.c.bundle))
    return [
        BundleRow(
            bundle=row.bundle,
            deal=row.deal,
            release=row.release,
            state=row.state,
            folder=row.folder,
            created=row.created,
            manifest=row.manifest,
            receipt=row.receipt,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A finished part."""

    number: int
    sha256: str
    length: int
    subjects: int


def insert_part(tx: Tx, bundle_id: str, row: PartRow) -> None:
    """Record a finished part."""
    tx.execute(
        insert(part).values(
            bundle=bundle_id, number=row.number, sha256=row.sha256, length=row.length, subjects=row.subjects
        )
    )


def read_parts(tx: Tx, bundle_id: str) -> list[PartRow]:
    """Return a bundle's finished parts in order."""
    rows = tx.all(select(part).where(part.c.bundle == bundle_id).order_by(part.c.number))
    return [PartRow(number=row.number, sha256=row.sha256, length=row.length, subjects=row.subjects) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRow:
    """A registered copy. ``gone`` is when it was deleted or found absent; ``device`` and ``inode`` say which it was."""

    id: int
    deal: str
    place: str
    kind: str
    fate: str
    registered: datetime
    gone: datetime | None
    method: str
    verified: bool
    device: str | None
    inode: str | None


def insert_copy(
    tx: Tx, *, deal: str, place: str, kind: str, fate: str, now: datetime, device: str | None, inode: str | None
) -> None:
    """Register a copy."""
    tx.execute(
        insert(copy).values(
            deal=deal,
            place=place,
            kind=kind,
            fate=fate,
            registered=now,
            gone=None,
            method="",
            verified=False,
            device=device,
            inode=inode,
        )
    )


def change_identity(tx: Tx, copy_id: int, *, device: str | None, inode: str | None) -> int:
    """Write which file or folder a copy is; return rows changed."""
    return tx.execute(update(copy).where(copy.c.id == copy_id).values(device=device, inode=inode))


def read_copies(tx: Tx, *, deal: str) -> list[CopyRow]:
    """Return a deal's copies in order of registration."""
    rows = tx.all(select(copy).where(copy.c.deal == deal).order_by(copy.c.id))
    return [
        CopyRow(
            id=row.id,
            deal=row.deal,
            place=row.place,
            kind=row.kind,
            fate=row.fate,
            registered=row.registered,
            gone=row.gone,
            method=row.method,
            verified=row.verified,
            device=row.device,
            inode=row.inode,
        )
        for row in rows
    ]


def change_fate(tx: Tx, copy_id: int, *, fate: str) -> int:
    """Change what is to become of a copy; return rows changed."""
    return tx.execute(update(copy).where(copy.c.id == copy_id).values(fate=fate))


def copy_gone(tx: Tx, copy_id: int, *, method: str, verified: bool, now: datetime) -> int:
    """Record that a copy is gone; return rows changed."""
    return tx.execute(update(copy).where(copy.c.id == copy_id).values(gone=now, method=method, verified=verified))


@dataclass(frozen=True, slots=True, kw_only=True)
class DestructionRow:
    """A destruction as stored. ``sample`` is None before it was taken and after it was tried."""

    deal: str
    plan: bytes
    started: datetime
    sample: bytes | None = None
    certificate: str = ""


def insert_destruction(tx: Tx, row: DestructionRow) -> None:
    """Store the approved plan."""
    tx.execute(
        insert(destruction).values(
            deal=row.deal, plan=row.plan, started=row.started, sample=row.sample, certificate=row.certificate
        )
    )


def update_destruction(tx: Tx, row: DestructionRow) -> int:
    """Write the sample and the certificate's digest; return rows changed."""
    return tx.execute(
        update(destruction).where(destruction.c.deal == row.deal).values(sample=row.sample, certificate=row.certificate)
    )


def read_destruction(tx: Tx, deal: str) -> DestructionRow | None:
    """Return a deal's destruction, if it was begun."""
    row = tx.one_or_none(select(destruction).where(destruction.c.deal == deal))
    if row is None:
        return None
    sample = None if row.sample is None else bytes(row.sample)
    return DestructionRow(
        deal=row.deal, plan=bytes(row.plan), started=row.started, sample=sample, certificate=row.certificate
    )


def delete_parts(tx: Tx, bundle_ids: Sequence[str]) -> int:
    """Forget the parts of abandoned bundles; return rows deleted."""
    return tx.execute(delete(part).where(part.c.bundle.in_(list(bundle_ids))))
