"""Tables of deals and the statements on them. No rule lives here, and no row is believed without the ledger.

``deals_party`` holds counterparties' cards as they were signed; whether one is confirmed is a fact in the ledger.
``deals_deal`` holds a deal with its papers; its stage, structure and agreement in force are facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Row, String, Table, insert, select, update

from tigertally.store.schema import Blob, Instant, metadata
from tigertally.store.tx import Tx

party = Table(
    "deals_party",
    metadata,
    Column("party", String(40), primary_key=True),
    Column("card", Blob, nullable=False),
    Column("imported", Instant, nullable=False),
)
deal = Table(
    "deals_deal",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title", String(200), nullable=False),
    Column("side", String(8), nullable=False),
    Column("scope", String(40), nullable=False),
    Column("counterparty", String(40), nullable=True),
    Column("agreement_digest", String(64), nullable=True),
    Column("agreement", Blob, nullable=True),
    Column("invitation", Blob, nullable=True),
    Column("acceptance", Blob, nullable=True),
    Column("created", Instant, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRow:
    """A counterparty as stored; ``card`` is the statement's bytes."""

    party: str
    card: bytes
    imported: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRow:
    """A deal as stored; papers are statements' bytes."""

    id: str
    title: str
    side: str
    scope: str
    counterparty: str | None
    agreement_digest: str | None
    agreement: bytes | None
    invitation: bytes | None
    acceptance: bytes | None
    created: datetime


def read_party(tx: Tx, party_id: str) -> PartyRow | None:
    """Return a counterparty."""
    row = tx.one_or_none(select(party).where(party.c.party == party_id))
    return None if row is None else PartyRow(party=row.party, card=bytes(row.card), imported=row.imported)


def all_parties(tx: Tx) -> list[PartyRow]:
    """Return every counterparty, the first imported first."""
    rows = tx.all(select(party).order_by(party.c.imported, party.c.party))
    return [PartyRow(party=row.party, card=bytes(row.card), imported=row.imported) for row in rows]


def save_party(tx: Tx, row: PartyRow) -> None:
    """Insert a counterparty, or replace its card."""
    changed = tx.execute(update(party).where(party.c.party == row.party).values(card=row.card, imported=row.imported))
    if not changed:
        tx.execute(insert(party).values(party=row.party, card=row.card, imported=row.imported))


def insert_deal(tx: Tx, row: DealRow) -> None:
    """Insert a deal; ``StoreConflict`` if its id is taken."""
    tx.execute(
        insert(deal).values(
            id=row.id,
            title=row.title,
            side=row.side,
            scope=row.scope,
            counterparty=row.counterparty,
            agreement_digest=row.agreement_digest,
            agreement=row.agreement,
            invitation=row.invitation,
            acceptance=row.acceptance,
            created=row.created,
        )
    )


def save_papers(
    tx: Tx,
    *,
    deal_id: str,
    counterparty: str,
    agreement_digest: str,
    agreement: bytes,
    invitation: bytes,
    acceptance: bytes | None,
) -> int:
    """Set a deal's papers; return rows changed."""
    return tx.execute(
        update(deal)
        .where(deal.c.id == deal_id)
        .values(
            counterparty=counterparty,
            agreement_digest=agreement_digest,
            agreement=agreement,
            invitation=invitation,
            acceptance=acceptance,
        )
    )


def read_deal(tx: Tx, deal_id: str) -> DealRow | None:
    """Return a deal."""
    row = tx.one_or_none(select(deal).where(deal.c.id == deal_id))
    return None if row is None else _deal(row)


def all_deals(tx: Tx) -> list[DealRow]:
    """Return every deal, the first created first."""
    return [_deal(row) for row in tx.all(select(deal).order_by(deal.c.created, deal.c.id))]


def _deal(row: Row[*tuple[object, ...]]) -> DealRow:
    return DealRow(
        id=row.id,
        title=row.title,
        side=row.side,
        scope=row.scope,
        counterparty=row.counterparty,
        agreement_digest=row.agreement_digest,
        agreement=_bytes(row.agreement),
        invitation=_bytes(row.invitation),
        acceptance=_bytes(row.acceptance),
        created=row.created,
    )


def _bytes(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)
