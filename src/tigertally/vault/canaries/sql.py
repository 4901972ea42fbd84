"""Tables of canaries and of what recipients got, and the statements on them: keyed digests only. No rule lives here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, insert, select

from tigertally.store.schema import Blob, metadata
from tigertally.store.tx import Tx

canary: Final = Table(
    "vault_canary",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("digest", Blob, primary_key=True),
    Column("recipient", String(40), nullable=False),
)
given: Final = Table(
    "vault_given",
    metadata,
    Column("scope", String(40), primary_key=True),
    Column("entry", BigInteger, primary_key=True, autoincrement=False),
    Column("piece", Integer, primary_key=True, autoincrement=False),
    Column("recipient", String(40), nullable=False),
    Column("digests", Blob, nullable=False),
)


def insert_canaries(tx: Tx, *, scope: str, recipient: str, digests: Sequence[bytes]) -> None:
    """Remember the digests of a recipient's canaries."""
    tx.execute(insert(canary), [{"scope": scope, "digest": one, "recipient": recipient} for one in digests])


def read_canaries(tx: Tx, *, scope: str) -> dict[bytes, str]:
    """Return whose each digest is."""
    query = select(canary.c.digest, canary.c.recipient).where(canary.c.scope == scope)
    return {bytes(digest): recipient for digest, recipient in tx.all(query)}


def delete_canaries(tx: Tx, *, scope: str, recipient: str) -> int:
    """Forget a recipient's canaries; return how many there were."""
    return tx.execute(delete(canary).where(canary.c.scope == scope, canary.c.recipient == recipient))


def insert_given(tx: Tx, *, scope: str, recipient: str, entry: int, piece: int, digests: bytes) -> None:
    """Keep what a recipient got by an entry of the ledger."""
    row = {"scope": scope, "entry": entry, "piece": piece, "recipient": recipient, "digests": digests}
    tx.execute(insert(given), [row])


def read_given(tx: Tx, *, scope: str) -> list[tuple[str, bytes]]:
    """Return what each recipient got, in pieces."""
    query = select(given.c.recipient, given.c.digests).where(given.c.scope == scope)
    return [(recipient, bytes(digests)) for recipient, digests in tx.all(query.order_by(given.c.entry, given.c.piece))]


def delete_scope(tx: Tx, *, scope: str) -> None:
    """Forget everything of a scope that is destroyed."""
    for table in (canary, given):
        tx.execute(delete(table).where(table.c.scope == scope))
