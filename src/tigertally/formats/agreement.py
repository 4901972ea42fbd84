"""Agreements: four clause blocks as data and text, bound by digest, signed by both parties.

docs/formats/agreement.md. The blocks are those of measure 2: scope and term; liability and compensation;
handling and destruction; sharing limits. An agreement is in force in ``[from, until)`` and only while both
signatures verify; one changed word is another digest, so everything granted under the old one stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import AgreementId, DealId, PartyId
from tigertally.formats.shape import Reader
from tigertally.formats.statement import Kind, Statement

CLAUSE_CHARS_MAX = 20_000
BLOCKS = ("scope_term", "liability", "handling_destruction", "sharing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One block's text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What two parties agreed about customers' data in one deal."""

    agreement: AgreementId
    version: int
    deal: DealId
    seller: PartyId
    buyer: PartyId
    classes: tuple[FieldClass, ...]
    purposes: tuple[str, ...]
    start: datetime
    until: datetime
    destroy_within_days: int
    penalty_cny: int
    onward: tuple[str, ...]
    clauses: tuple[tuple[str, Clause], ...]

    def in_force(self, at: datetime) -> bool:
        """Return whether ``at`` is within the term; signatures are the caller's to verify."""
        return self.start <= at < self.until

    def body(self) -> Json:
        """Return the payload."""
        return {
            "agreement": self.agreement,
            "version": self.version,
            "deal": self.deal,
            "seller": self.seller,
            "buyer": self.buyer,
            "classes": [item.value for item in self.classes],
            "purposes": list(self.purposes),
            "from": clock.to_text(self.start),
            "until": clock.to_text(self.until),
            "destroy_within_days": self.destroy_within_days,
            "penalty_cny": self.penalty_cny,
            "onward": list(self.onward),
            "clauses": {name: {"zh": clause.zh, "en": clause.en} for name, clause in self.clauses},
        }


def read(statement: Statement) -> Agreement:
    """Return the agreement in ``statement``; signatures are not verified here."""
    reader = statement.expect(Kind.AGREEMENT).reader()
    found = Agreement(
        agreement=AgreementId(reader.ident("agreement", "agr")),
        version=reader.integer("version", minimum=1),
        deal=DealId(reader.ident("deal", "dea")),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        classes=reader.choices("classes", FieldClass),
        purposes=reader.texts("purposes"),
        start=reader.instant("from"),
        until=reader.instant("until"),
        destroy_within_days=reader.integer("destroy_within_days", minimum=1, maximum=365),
        penalty_cny=reader.integer("penalty_cny"),
        onward=reader.texts("onward"),
        clauses=_clauses(reader.body("clauses")),
    )
    reader.end()
    if found.until <= found.start or not found.purposes or not found.classes or found.seller == found.buyer:
        raise reader.wrong("term")
    return found


def _clauses(reader: Reader) -> tuple[tuple[str, Clause], ...]:
    found = []
    for name in BLOCKS:
        inner = reader.body(name)
        clause = Clause(
            zh=inner.text("zh", chars_max=CLAUSE_CHARS_MAX), en=inner.text("en", chars_max=CLAUSE_CHARS_MAX)
        )
        inner.end()
        found.append((name, clause))
    reader.end()
    return tuple(found)
