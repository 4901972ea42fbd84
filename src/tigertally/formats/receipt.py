"""Receipt: the buyer's signed word that a bundle arrived whole and is stored. docs/formats/receipt.md.

``root`` and ``counts`` are recomputed from what the buyer can decrypt out of its *own* vault after storing,
not repeated from the manifest; so a receipt that verifies against the manifest says *nothing missing,
nothing added, nothing altered*, and that the buyer can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.ids import BundleId, DealId, PartyId
from tigertally.formats.manifest import Manifest
from tigertally.formats.shape import json_counts
from tigertally.formats.statement import Kind, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the buyer stored, against which manifest (by digest)."""

    bundle: BundleId
    deal: DealId
    manifest: str
    seller: PartyId
    buyer: PartyId
    received: datetime
    subjects: int
    counts: dict[str, int]
    root: bytes

    def body(self) -> Json:
        """Return the payload."""
        return {
            "bundle": self.bundle,
            "deal": self.deal,
            "manifest": self.manifest,
            "seller": self.seller,
            "buyer": self.buyer,
            "received": clock.to_text(self.received),
            "subjects": self.subjects,
            "counts": json_counts(self.counts),
            "root": self.root.hex(),
        }

    def differences(self, manifest: Manifest, manifest_digest: str) -> tuple[str, ...]:
        """Return the names of the members in which the receipt does not match the manifest; () if it does."""
        pairs = (
            ("manifest", self.manifest, manifest_digest),
            ("bundle", self.bundle, manifest.bundle),
            ("deal", self.deal, manifest.deal),
            ("seller", self.seller, manifest.seller),
            ("buyer", self.buyer, manifest.buyer),
            ("subjects", self.subjects, manifest.subjects),
            ("counts", self.counts, manifest.counts),
            ("root", self.root, manifest.root),
        )
        return tuple(name for name, ours, theirs in pairs if ours != theirs)


def read(statement: Statement) -> Receipt:
    """Return the receipt in ``statement``; the signature is the caller's to verify."""
    reader = statement.expect(Kind.RECEIPT).reader()
    found = Receipt(
        bundle=BundleId(reader.ident("bundle", "bun")),
        deal=DealId(reader.ident("deal", "dea")),
        manifest=reader.digest("manifest"),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        received=reader.instant("received"),
        subjects=reader.integer("subjects", minimum=1),
        counts=reader.counts("counts"),
        root=reader.hexbytes("root", length=32),
    )
    reader.end()
    return found
