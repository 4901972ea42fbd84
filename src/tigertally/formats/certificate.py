"""Certificate of destruction: what was destroyed, how that was checked, and what was not covered.

docs/formats/certificate.md; members follow NIST SP 800-88r2 §4.6 as far as they apply to keys and rows in a
database (which are not media). It never says "unrecoverable". ``ground`` is the receipt's digest, or
``deal_dead``. ``failed_opening`` records that a sealed value kept aside no longer opens with any key left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.ids import DealId, PartyId
from tigertally.formats.shape import Reader, json_counts
from tigertally.formats.statement import Kind, Statement

METHOD: Final = "keys zeroised (cryptographic erase), rows deleted and database rewritten, copies deleted"


class Ground(Enum):
    """Why destruction was allowed."""

    RECEIPT = "receipt"
    DEAL_DEAD = "deal_dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedKey:
    """A key that was zeroised: its id, purpose and version."""

    key: str
    purpose: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedCopy:
    """A copy of the data (file or folder) that was deleted: place, kind, method, whether its absence was checked."""

    place: str
    kind: str
    method: str
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A person who asked for, approved or carried out the destruction; ``entry`` is the ledger index that proves it."""

    person: str
    act: str
    entry: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The seller's signed account of a destruction; the buyer's signature, if present, validates it."""

    deal: DealId
    ground: Ground
    receipt: str
    seller: PartyId
    buyer: PartyId
    started: datetime
    finished: datetime
    method: str
    tool: str
    subjects: int
    rows: dict[str, int]
    keys: tuple[DestroyedKey, ...]
    copies: tuple[DestroyedCopy, ...]
    not_covered: tuple[str, ...]
    failed_opening: bool
    signers: tuple[Signer, ...]
    checkpoint: str

    def shortfalls(self) -> tuple[str, ...]:
        """Return the members that do not account for a destruction; () if all do.

        The method is the known one; at least one key; rows, if there were subjects; something that is not covered;
        and two signers with different entries, of which none is the log's first.
        """
        proofs = {signer.entry for signer in self.signers if signer.entry > 0}
        facts = (
            ("method", self.method == METHOD),
            ("rows", not self.subjects or sum(self.rows.values()) > 0),
            ("keys", bool(self.keys)),
            ("not_covered", bool(self.not_covered)),
            ("signers", len(proofs) == len(self.signers) and len(proofs) > 1),
        )
        return tuple(name for name, good in facts if not good)

    def body(self) -> Json:
        """Return the payload."""
        keys: list[Json] = [{"key": k.key, "purpose": k.purpose, "version": k.version} for k in self.keys]
        copies: list[Json] = [
            {"place": c.place, "kind": c.kind, "method": c.method, "verified": c.verified} for c in self.copies
        ]
        signers: list[Json] = [{"person": s.person, "act": s.act, "entry": s.entry} for s in self.signers]
        return {
            "deal": self.deal,
            "ground": self.ground.value,
            "receipt": self.receipt,
            "seller": self.seller,
            "buyer": self.buyer,
            "started": clock.to_text(self.started),
            "finished": clock.to_text(self.finished),
            "method": self.method,
            "tool": self.tool,
            "subjects": self.subjects,
            "rows": json_counts(self.rows),
            "keys": keys,
            "copies": copies,
            "not_covered": list(self.not_covered),
            "failed_opening": self.failed_opening,
            "signers": signers,
            "checkpoint": self.checkpoint,
        }


def read(statement: Statement) -> Certificate:
    """Return the certificate in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.CERTIFICATE).reader()
    ground = reader.choice("ground", Ground)
    found = Certificate(
        ground=ground,
        deal=DealId(reader.ident("deal", "dea")),
        receipt=reader.digest("receipt") if ground is Ground.RECEIPT else reader.text("receipt", empty=True),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        started=reader.instant("started"),
        finished=reader.instant("finished"),
        method=reader.text("method"),
        tool=reader.text("tool"),
        subjects=reader.integer("subjects"),
        rows=reader.counts("rows"),
        keys=tuple(_key(item) for item in reader.bodies("keys")),
        copies=tuple(_copy(item) for item in reader.bodies("copies")),
        not_covered=reader.texts("not_covered"),
        failed_opening=reader.flag("failed_opening"),
        signers=tuple(_signer(item) for item in reader.bodies("signers")),
        checkpoint=reader.text("checkpoint", chars_max=8192, empty=True),
    )
    reader.end()
    if found.finished < found.started or len({signer.person for signer in found.signers}) < 2:  # noqa: PLR2004 - two persons
        raise reader.wrong("signers")
    if ground is Ground.DEAL_DEAD and found.receipt:
        raise reader.wrong("receipt")
    return found


def _key(reader: Reader) -> DestroyedKey:
    key = DestroyedKey(
        key=reader.text("key", chars_max=80),
        purpose=reader.text("purpose", chars_max=80),
        version=reader.integer("version", minimum=1),
    )
    reader.end()
    return key


def _copy(reader: Reader) -> DestroyedCopy:
    copy = DestroyedCopy(
        place=reader.text("place"),
        kind=reader.text("kind"),
        method=reader.text("method"),
        verified=reader.flag("verified"),
    )
    reader.end()
    return copy


def _signer(reader: Reader) -> Signer:
    signer = Signer(
        person=reader.ident("person", "per"), act=reader.text("act", chars_max=40), entry=reader.integer("entry")
    )
    reader.end()
    return signer
