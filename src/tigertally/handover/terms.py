"""What the confirmed papers of a deal say, as far as a handover depends on it.

A value, so that every rule of the handover can be read and tested without the deals behind it: ``app`` fills it
from ``deals`` (cards whose fingerprints two persons confirmed, the agreement with both signatures, the stage that
the ledger proves). Nothing here trusts a card or an agreement found beside a bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tigertally.access.policy import Side
from tigertally.base.fields import FieldClass
from tigertally.base.ids import DealId
from tigertally.formats.agreement import Agreement
from tigertally.formats.party import PartyCard
from tigertally.handover.errors import AgreementNotInForce, AnotherDeal, ClassNotAgreed, WrongSide

DEAD: Final = "S9"
OVER: Final = frozenset({"S8", DEAD})
SKEW_MAX: Final = timedelta(minutes=5)
"""How far the other side's clock may be ahead of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One deal: which side we are on, both confirmed cards, the agreement and its digest, scope and stage."""

    deal: DealId
    side: Side
    scope: str
    stage: str
    seller: PartyCard
    buyer: PartyCard
    agreement: Agreement
    agreement_digest: str

    @property
    def ours(self) -> PartyCard:
        """Our own card."""
        return self.seller if self.side is Side.SELLER else self.buyer

    @property
    def theirs(self) -> PartyCard:
        """The other side's card."""
        return self.buyer if self.side is Side.SELLER else self.seller

    def need_side(self, side: Side) -> None:
        """Raise :class:`WrongSide` unless we are the ``side``."""
        if self.side is not side:
            raise WrongSide(side=side)

    def need_agreement(self, now: datetime) -> None:
        """Raise :class:`AgreementNotInForce` unless the agreement's term covers ``now``."""
        if not self.agreement.in_force(now):
            raise AgreementNotInForce

    def need_agreed(self, classes: tuple[FieldClass, ...]) -> None:
        """Raise :class:`ClassNotAgreed` for classes that the agreement does not cover."""
        beyond = sorted(item.value for item in set(classes) - set(self.agreement.classes))
        if beyond:
            raise ClassNotAgreed(classes=", ".join(beyond))

    def need_same(self, what: str, *, deal: str, seller: str, buyer: str) -> None:
        """Raise :class:`AnotherDeal` unless a paper's deal and parties are these."""
        if (deal, seller, buyer) != (self.deal, self.seller.party, self.buyer.party):
            raise AnotherDeal(what=what)
