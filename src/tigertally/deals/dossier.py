"""Deals on file: opening one, answering its structure, and reading what is known of one.

A row holds names and papers. What a deal *is* — its stage, its structure, whether its agreement is in force — is in
the ledger; whatever is read from the row is checked against keys and facts before anything rests on it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tigertally.access import DEAL_STAGE
from tigertally.access.policy import STAGES, Side
from tigertally.base.canon import Json
from tigertally.base.ids import AgreementId, DealId, PartyId, new_id
from tigertally.deals import agreements, events, parties, sql
from tigertally.deals.errors import (
    AlreadyConcluded,
    BadDeal,
    DealNotProved,
    DealOver,
    NoSuchDeal,
    NotConcluded,
    ScopeTaken,
    WrongSide,
)
from tigertally.deals.facts import STRUCTURE_ANSWERED
from tigertally.deals.sql import DealRow
from tigertally.formats import agreement as agreement_format
from tigertally.formats import statement as dsse
from tigertally.formats.agreement import Agreement
from tigertally.formats.dealpapers import Structure
from tigertally.formats.party import PartyCard
from tigertally.formats.statement import Statement
from tigertally.ledger import Event, Ledger, facts
from tigertally.store.tx import Tx

TITLE_CHARS_MAX: Final = 200  # as an invitation may have
LOCK: Final = "deals.deal"
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DEAD_STAGE: Final = "S9"
_OVER: Final = frozenset({"S8", "S9"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A deal as known here. ``stage`` and ``structure`` are facts ("" and None where there is none).

    Papers are as they were sent or taken; ``agreement`` has one signature until the deal is concluded.
    """

    deal: DealId
    title: str
    side: Side
    scope: str
    stage: str
    structure: Structure | None
    counterparty: PartyId | None
    agreement: Statement | None
    invitation: Statement | None
    acceptance: Statement | None
    created: datetime

    @property
    def concluded(self) -> bool:
        """Whether invitation and acceptance are both on file."""
        return self.acceptance is not None

    def need_side(self, side: Side) -> None:
        """Raise :class:`WrongSide` unless we are the ``side``."""
        if self.side is not side:
            raise WrongSide(side=side)

    def need_alive(self) -> None:
        """Raise :class:`DealOver` for a deal that is dead; one that is integrated is still under its agreement."""
        if self.stage == DEAD_STAGE:
            raise DealOver(stage=self.stage)

    def need_open(self) -> None:
        """Raise :class:`DealOver` for a deal that is integrated or dead."""
        if self.stage in _OVER:
            raise DealOver(stage=self.stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A concluded deal with everything verified anew: both cards, the one confirmed, and the agreement by both.

    Whether the agreement is *in force* at an instant is a fact, and the decision's to read.
    """

    deal: Deal
    seller: PartyCard
    buyer: PartyCard
    agreement: Agreement
    agreement_digest: str


def open_deal(
    tx: Tx,
    ledger: Ledger,
    *,
    title: str,
    structure: Structure | None,
    side: Side,
    scope: str,
    actor: str,
    now: datetime,
    deal: DealId | None = None,
) -> Deal:
    """Open a deal at S0; return it. ``deal`` is given by a buyer, who takes the seller's id.

    ``scope`` names the vault's scope that holds (or will hold) the data; it is in one living deal at a time. Raises
    :class:`BadDeal`, :class:`ScopeTaken`.
    """
    if not 1 <= len(title.strip()) <= TITLE_CHARS_MAX or not title.isprintable():
        raise BadDeal(what="title")
    if not _SCOPE.fullmatch(scope):
        raise BadDeal(what="scope")
    ident = DealId(new_id("dea")) if deal is None else deal
    row = DealRow(
        id=ident,
        title=title.strip(),
        side=side.value,
        scope=scope,
        counterparty=None,
        agreement_digest=None,
        agreement=None,
        invitation=None,
        acceptance=None,
        created=now,
    )
    for other in all_deals(tx, ledger, now=now):
        if other.scope == scope and other.stage != DEAD_STAGE:
            raise ScopeTaken(scope=scope)
    sql.insert_deal(tx, row)
    payload = _opened(row)
    ledger.append(tx, Event(kind=events.DEAL_OPENED, payload=payload, actor=actor, about=(ident,)), now=now)
    facts.state(
        tx,
        ledger,
        DEAL_STAGE,
        subject=ident,
        value={"stage": STAGES[0], "side": side.value},
        start=now,
        until=None,
        actor=actor,
        now=now,
    )
    if structure is not None:
        _state_structure(tx, ledger, deal=ident, structure=structure, actor=actor, now=now)
    return find(tx, ledger, ident, now=now)


def answer_structure(tx: Tx, ledger: Ledger, *, deal: DealId, structure: Structure, actor: str, now: datetime) -> int:
    """Say which structure a deal has; return the fact's entry. Raises :class:`AlreadyConcluded` once it is agreed."""
    tx.lock(LOCK)
    found = find(tx, ledger, deal, now=now)
    found.need_open()
    if found.concluded:
        raise AlreadyConcluded
    return _state_structure(tx, ledger, deal=deal, structure=structure, actor=actor, now=now)


def find(tx: Tx, ledger: Ledger, deal: str, *, now: datetime) -> Deal:
    """Return a deal; :class:`NoSuchDeal`."""
    row = sql.read_deal(tx, deal)
    if row is None:
        raise NoSuchDeal
    return _deal(tx, ledger, row, now)


def all_deals(tx: Tx, ledger: Ledger, *, now: datetime) -> list[Deal]:
    """Return all deals, the first opened first."""
    rows = sql.all_deals(tx)
    staged = {fact.subject for fact in facts.read(tx, ledger=ledger, kinds=[DEAL_STAGE.name])}
    if staged - {row.id for row in rows}:
        # A deal's row was deleted: what it forbids must not be forgotten with it.
        raise DealNotProved
    return [_deal(tx, ledger, row, now) for row in rows]


def standing(tx: Tx, ledger: Ledger, deal: str, *, own: PartyCard, now: datetime) -> Standing:
    """Return a concluded deal, verified anew. ``own`` is our card.

    Raises :class:`NoSuchDeal`, :class:`NotConcluded`, ``PartyNotConfirmed``, ``NotSigned``, ``AnotherParty``.
    """
    found = find(tx, ledger, deal, now=now)
    if found.agreement is None or found.counterparty is None or not found.concluded:
        raise NotConcluded
    theirs = parties.confirmed_card(tx, ledger, found.counterparty, now=now)
    seller, buyer = (own, theirs) if found.side is Side.SELLER else (theirs, own)
    agreement = agreements.signed_by_both(found.agreement, seller=seller, buyer=buyer)
    if agreement.deal != found.deal:
        raise NotConcluded
    return Standing(
        deal=found, seller=seller, buyer=buyer, agreement=agreement, agreement_digest=found.agreement.digest
    )


def present_version(deal: Deal) -> tuple[AgreementId, int] | None:
    """Return the id and version of the agreement on file."""
    if deal.agreement is None:
        return None
    agreement = agreement_format.read(deal.agreement)
    return agreement.agreement, agreement.version


def _state_structure(tx: Tx, ledger: Ledger, *, deal: DealId, structure: Structure, actor: str, now: datetime) -> int:
    return facts.replace(
        tx,
        ledger,
        STRUCTURE_ANSWERED,
        subject=deal,
        value={"structure": structure.value},
        start=now,
        until=None,
        actor=actor,
        now=now,
    )


def _opened(row: DealRow) -> dict[str, Json]:
    return {"deal": row.id, "side": row.side, "scope": row.scope}


def _proved(tx: Tx, ledger: Ledger, row: DealRow) -> bool:
    """Return whether the deal's first entry says the side and scope that the row says."""
    entries = ledger.about(tx, row.id)
    return bool(entries) and ledger.payload_of(tx, entries[0], kind=events.DEAL_OPENED) == _opened(row)


def _deal(tx: Tx, ledger: Ledger, row: DealRow, now: datetime) -> Deal:
    if not _proved(tx, ledger, row):
        raise DealNotProved
    stated = facts.read(tx, ledger=ledger, kinds=[DEAL_STAGE.name, STRUCTURE_ANSWERED.name], subjects=[row.id])
    stage = facts.current(stated, kind=DEAL_STAGE.name, subject=row.id, at=now)
    answered = facts.current(stated, kind=STRUCTURE_ANSWERED.name, subject=row.id, at=now)
    return Deal(
        deal=DealId(row.id),
        title=row.title,
        # The ledger's word, where it has one: decisions read the same fact.
        side=Side(row.side if stage is None else stage.value["side"]),
        scope=row.scope,
        stage="" if stage is None else str(stage.value["stage"]),
        structure=None if answered is None else Structure(answered.value["structure"]),
        counterparty=None if row.counterparty is None else PartyId(row.counterparty),
        agreement=_paper(row.agreement),
        invitation=_paper(row.invitation),
        acceptance=_paper(row.acceptance),
        created=row.created,
    )


def _paper(data: bytes | None) -> Statement | None:
    return None if data is None else dsse.parse(data)
