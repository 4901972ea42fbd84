"""Papers that pass between seller and buyer before the bundle: invitation, acceptance, release.

docs/formats/deal.md. An **invitation** carries the seller's party card and the agreement the seller
signed. An **acceptance** answers one invitation (by digest) with the buyer's card and the agreement now
signed by both. A **release** is the permission to hand over: which classes, how many subjects, to which
transfer key, until when; it holds only with both companies' signatures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from tigertally.base import clock
from tigertally.base.canon import Json
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId, PartyId
from tigertally.formats import statement as dsse
from tigertally.formats.shape import to_b64
from tigertally.formats.statement import Kind, Statement


class Structure(Enum):
    """Deal structures D1–D9 (law facts §3); the legal route follows from it."""

    D1 = "D1"
    D2 = "D2"
    D3 = "D3"
    D4 = "D4"
    D5 = "D5"
    D6 = "D6"
    D7 = "D7"
    D8 = "D8"
    D9 = "D9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """Seller → buyer: a deal, who we are, and what we ask you to sign."""

    deal: DealId
    title: str
    structure: Structure
    seller_card: Statement
    agreement: Statement
    created: datetime

    def body(self) -> Json:
        """Return the payload."""
        return {
            "deal": self.deal,
            "title": self.title,
            "structure": self.structure.value,
            "seller_card": to_b64(self.seller_card.to_bytes()),
            "agreement": to_b64(self.agreement.to_bytes()),
            "created": clock.to_text(self.created),
        }


def read_invitation(statement: Statement) -> Invitation:
    """Return the invitation in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.INVITATION).reader()
    found = Invitation(
        deal=DealId(reader.ident("deal", "dea")),
        title=reader.text("title", chars_max=200),
        structure=reader.choice("structure", Structure),
        seller_card=dsse.parse(reader.b64("seller_card")).expect(Kind.PARTY),
        agreement=dsse.parse(reader.b64("agreement")).expect(Kind.AGREEMENT),
        created=reader.instant("created"),
    )
    reader.end()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Buyer → seller: who we are, and the agreement signed by both."""

    deal: DealId
    invitation: str
    buyer_card: Statement
    agreement: Statement
    created: datetime

    def body(self) -> Json:
        """Return the payload."""
        return {
            "deal": self.deal,
            "invitation": self.invitation,
            "buyer_card": to_b64(self.buyer_card.to_bytes()),
            "agreement": to_b64(self.agreement.to_bytes()),
            "created": clock.to_text(self.created),
        }


def read_acceptance(statement: Statement) -> Acceptance:
    """Return the acceptance in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.ACCEPTANCE).reader()
    found = Acceptance(
        deal=DealId(reader.ident("deal", "dea")),
        invitation=reader.digest("invitation"),
        buyer_card=dsse.parse(reader.b64("buyer_card")).expect(Kind.PARTY),
        agreement=dsse.parse(reader.b64("agreement")).expect(Kind.AGREEMENT),
        created=reader.instant("created"),
    )
    reader.end()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Both companies: these classes of this many subjects may go to this key until then."""

    deal: DealId
    agreement: str
    seller: PartyId
    buyer: PartyId
    recipient_key: str
    classes: tuple[FieldClass, ...]
    subjects: int
    created: datetime
    until: datetime

    def body(self) -> Json:
        """Return the payload."""
        return {
            "deal": self.deal,
            "agreement": self.agreement,
            "seller": self.seller,
            "buyer": self.buyer,
            "recipient_key": self.recipient_key,
            "classes": [item.value for item in self.classes],
            "subjects": self.subjects,
            "created": clock.to_text(self.created),
            "until": clock.to_text(self.until),
        }


def read_release(statement: Statement) -> Release:
    """Return the release in ``statement``; signatures are the caller's to verify."""
    reader = statement.expect(Kind.RELEASE).reader()
    found = Release(
        deal=DealId(reader.ident("deal", "dea")),
        agreement=reader.digest("agreement"),
        seller=PartyId(reader.ident("seller", "pty")),
        buyer=PartyId(reader.ident("buyer", "pty")),
        recipient_key=reader.digest("recipient_key"),
        classes=reader.choices("classes", FieldClass),
        subjects=reader.integer("subjects", minimum=1),
        created=reader.instant("created"),
        until=reader.instant("until"),
    )
    reader.end()
    if found.until <= found.created or not found.classes:
        raise reader.wrong("until")
    if found.seller == found.buyer:  # one company would sign for both
        raise reader.wrong("buyer")
    return found
